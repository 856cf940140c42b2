//! Every proof that the threat model names is there: a test that was renamed or removed takes its line along. And
//! `unsafe`, which no proof reaches, stands in the leaves that are named here and nowhere else.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Sources of all members.
const MEMBERS: [&str; 6] = [
    "agent",
    "console",
    "protocol",
    "recordings",
    "relay",
    "tests",
];

#[test]
fn every_proof_that_is_named_exists() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace")?;
    let model = std::fs::read_to_string(root.join("docs/threat-model.md"))?;
    let mut sources = String::new();
    for member in MEMBERS {
        for part in ["src", "tests"] {
            read(&root.join(member).join(part), &mut sources)?;
        }
    }
    // Between two backticks; tests' names are words joined by underscores.
    let words = model.split('`').skip(1).step_by(2);
    let names: Vec<&str> = words
        .filter_map(|word| word.rsplit("::").next())
        .filter(|word| word.contains('_') && word.chars().all(test_name))
        .collect();
    ensure!(names.len() > 50, "the threat model names its proofs");
    let missing: Vec<&&str> = names
        .iter()
        .filter(|name| !sources.contains(&format!("fn {name}(")))
        .collect();
    ensure!(missing.is_empty(), "no such test: {missing:?}");
    Ok(())
}

/// Where `unsafe` is permitted, each block with its argument: Windows' interfaces, and one request to Linux in a tool of the
/// tests. Everywhere else the workspace's lints deny it.
const LEAVES: [&str; 3] = [
    "agent/src/instance/win32.rs",
    "agent/src/platform/win32/mod.rs",
    "tests/src/net/tun.rs",
];

#[test]
fn unsafe_stands_in_named_leaves_alone() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace")?;
    let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
    for lint in [
        "unsafe_code = \"deny\"",
        "undocumented_unsafe_blocks = \"deny\"",
    ] {
        ensure!(manifest.contains(lint), "the workspace has no {lint}");
    }
    let mut leaves = Vec::new();
    for member in MEMBERS {
        let manifest = std::fs::read_to_string(root.join(member).join("Cargo.toml"))?;
        ensure!(
            manifest.contains("[lints]\nworkspace = true"),
            "{member} has lints of its own"
        );
        each(&root.join(member), &mut |path| {
            let source = std::fs::read_to_string(path)?;
            // As an attribute; a word in a comment or in this list permits nothing.
            let permits = |line: &str| {
                let line = line.trim();
                line == "unsafe_code," || line.starts_with('#') && line.contains("unsafe_code")
            };
            if source.lines().any(permits) {
                let name = path.strip_prefix(root)?;
                leaves.push(name.to_string_lossy().into_owned());
            }
            Ok(())
        })?;
    }
    leaves.sort();
    ensure!(leaves == LEAVES, "unsafe is permitted in {leaves:?}");
    Ok(())
}

fn test_name(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
}

fn read(folder: &Path, into: &mut String) -> Result<()> {
    each(folder, &mut |path| {
        into.push_str(&std::fs::read_to_string(path)?);
        Ok(())
    })
}

/// Each source below a folder, if it is there.
fn each(folder: &Path, work: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            each(&path, work)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            work(&path)?;
        }
    }
    Ok(())
}
