//! Which member may know which (STYLE "The house"), read from cargo itself.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// What each member may use of the others, outside its tests.
const HOUSE: [(&str, &[&str]); 6] = [
    ("fernsicht-protocol", &[]),
    ("fernsicht-recordings", &["fernsicht-protocol"]),
    ("fernsicht-agent", &["fernsicht-protocol"]),
    (
        "fernsicht-relay",
        &["fernsicht-protocol", "fernsicht-recordings"],
    ),
    (
        "fernsicht-console",
        &["fernsicht-protocol", "fernsicht-recordings"],
    ),
    (
        "fernsicht-tests",
        &[
            "fernsicht-protocol",
            "fernsicht-recordings",
            "fernsicht-agent",
            "fernsicht-relay",
            "fernsicht-console",
        ],
    ),
];

/// What decides must not name: runtime, transport, windows, stores.
const EDGES: [&str; 10] = [
    "object_store",
    "rusqlite",
    "tokio",
    "quinn",
    "quinn-proto",
    "tokio-rustls",
    "egui",
    "eframe",
    "winit",
    "x11rb",
];

#[test]
fn members_use_only_what_stands_below_them() -> Result<()> {
    let members = members()?;
    ensure!(
        members.len() == HOUSE.len(),
        "every member has its place in the house"
    );
    for (name, below) in HOUSE {
        let member = members
            .iter()
            .find(|member| *member.name == name)
            .with_context(|| name.to_owned())?;
        for dependency in &member.dependencies {
            let ours = dependency.name.starts_with("fernsicht-");
            ensure!(
                !ours || dependency.name == name || below.contains(&dependency.name.as_str()),
                "{name} may not use {}",
                dependency.name
            );
        }
    }
    Ok(())
}

#[test]
fn cores_name_no_runtime_transport_or_window() -> Result<()> {
    for name in ["fernsicht-protocol", "fernsicht-recordings"] {
        let used = tree(&["--package", name, "--no-default-features"])?;
        for edge in EDGES {
            ensure!(!used.contains(edge), "the core of {name} uses {edge}");
        }
    }
    Ok(())
}

#[test]
fn glue_stands_behind_one_additive_feature() -> Result<()> {
    let members = members()?;
    for (name, feature, brings) in [
        ("fernsicht-protocol", "net", ["quinn", "tokio"]),
        (
            "fernsicht-recordings",
            "store",
            ["rusqlite", "object_store"],
        ),
    ] {
        let member = members
            .iter()
            .find(|member| *member.name == name)
            .context(name)?;
        for dependency in member
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            let edge = EDGES.contains(&dependency.name.as_str());
            ensure!(
                !edge || dependency.optional,
                "{name}: {} must be optional",
                dependency.name
            );
        }
        ensure!(
            !member
                .features
                .get("default")
                .is_some_and(|on| on.iter().any(|f| f == feature)),
            "{feature} is chosen"
        );
        let with = tree(&["--package", name, "--features", feature])?;
        ensure!(
            brings.iter().all(|edge| with.contains(*edge)),
            "{feature} brings the glue of {name}"
        );
        ensure!(!with.contains("egui"), "no window in {name}");
    }
    Ok(())
}

#[test]
fn the_agent_knows_nothing_of_recordings_and_their_stores() -> Result<()> {
    let used = tree(&["--package", "fernsicht-agent"])?;
    for foreign in ["fernsicht-recordings", "rusqlite", "object_store"] {
        ensure!(!used.contains(foreign), "the agent uses {foreign}");
    }
    let console = tree(&["--package", "fernsicht-console"])?;
    ensure!(
        !console.contains("rusqlite"),
        "the console uses the relay's store"
    );
    Ok(())
}

fn members() -> Result<Vec<Package>> {
    Ok(MetadataCommand::new().no_deps().exec()?.packages)
}

/// The names of all packages that a build of this selection uses on this machine.
fn tree(selection: &[&str]) -> Result<BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(selection)
        .output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "cargo tree failed: {}",
        words.trim()
    );
    let names = String::from_utf8(output.stdout)?;
    Ok(names
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}
