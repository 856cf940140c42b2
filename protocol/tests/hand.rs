//! Who may state that it was the customer's hand: one place of the agent, and nobody else.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::path::{Path, PathBuf};

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push(path);
        }
    }
}

/// Files of the programs in which `needle` stands, once for each time.
fn holders(needle: &str) -> Vec<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for program in ["agent", "console", "relay", "recordings"] {
        sources(&root.join(program).join("src"), &mut files);
    }
    assert!(!files.is_empty());
    let mut out = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        out.extend(text.matches(needle).map(|_| name.clone()));
    }
    out
}

#[test]
fn one_place_of_the_agent_attests_the_customers_hand() {
    assert_eq!(holders("CustomerAct::attest"), ["agent/src/view.rs"]);
}

/// Whether the module of `file` is left out of release programs: its declaration stands under a `cfg` that asks for
/// tests or for the feature `model`.
fn left_out_of_programs(file: &str) -> bool {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(file);
    let folder = path.parent().unwrap();
    let declared = format!("mod {};", path.file_stem().unwrap().to_str().unwrap());
    let parent = [
        folder.join("mod.rs"),
        folder.join("lib.rs"),
        folder.with_extension("rs"),
    ]
    .into_iter()
    .find(|parent| parent.exists())
    .unwrap();
    let text = std::fs::read_to_string(parent).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.ends_with(&declared))
        .unwrap();
    let asks = |line: &&str| {
        [
            "#[cfg(test)]",
            "#[cfg(feature = \"model\")]",
            "#[cfg(any(test, feature = \"model\"))]",
        ]
        .contains(line)
    };
    lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#["))
        .any(asks)
}

#[test]
fn a_hand_is_made_where_the_press_was_checked_and_in_models() {
    let mut makers = holders("Hand::pressed(");
    makers.dedup();
    let (outside, programs): (Vec<String>, Vec<String>) = makers
        .into_iter()
        .partition(|file| left_out_of_programs(file));
    assert_eq!(programs, ["agent/src/hand.rs"]);
    assert!(outside.contains(&"agent/src/session/model.rs".to_owned()));
}
