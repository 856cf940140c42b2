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

#[test]
fn a_hand_is_made_where_the_press_was_checked_and_in_the_model() {
    let makers = holders("Hand::pressed(");
    let outside_tests = |file: &&String| !file.ends_with("tests.rs");
    let mut makers: Vec<&String> = makers.iter().filter(outside_tests).collect();
    makers.sort();
    // The model stands behind a feature that release programs do not carry.
    assert_eq!(makers, ["agent/src/hand.rs", "agent/src/session/model.rs"]);
}
