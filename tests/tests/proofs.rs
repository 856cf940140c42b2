//! Every proof that the threat model names is there: a test that was renamed or removed takes its line along.

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

fn test_name(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
}

fn read(folder: &Path, into: &mut String) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            read(&path, into)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push_str(&std::fs::read_to_string(path)?);
        }
    }
    Ok(())
}
