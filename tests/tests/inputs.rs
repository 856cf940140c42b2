//! Bad flags, tokens, files and folders: each gets a sentence and an exit code, never a panic.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use fernsicht_tests::operator::Operator;
use fernsicht_tests::programs::{Programs, refused_with, run, run_well};

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("paths of tests are text")
}

#[test]
fn relay() -> Result<()> {
    let programs = Programs::find()?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("relay");
    let data = text(&data)?;
    let relay = |arguments: &[&str]| run(&programs.relay, &[arguments, &["--data", data]].concat());

    refused_with(&relay(&["--nonsense"])?, "--nonsense")?;
    refused_with(&relay(&["serve", "--listen", "nowhere"])?, "nowhere")?;
    refused_with(&relay(&["technician", "add", ""])?, "name")?;
    refused_with(&relay(&["technician", "revoke", "Niemand"])?, "Niemand")?;
    refused_with(&relay(&["agent"])?, "--output")?;
    // relay.toml was made by the first command; its fields are empty.
    let output = folder.path().join("Fernhilfe");
    refused_with(&relay(&["agent", "--output", text(&output)?])?, "operator")?;

    let toml = Path::new(data).join("relay.toml");
    let good = fs::read_to_string(&toml)?;
    for (bad, word) in [
        ("listen = 5\n", "relay.toml"),
        ("\u{0}", "relay.toml"),
        ("", "relay.toml"),
    ] {
        fs::write(&toml, bad)?;
        refused_with(&relay(&["serve"])?, word)?;
    }
    fs::write(&toml, good)?;

    let ca = Path::new(data).join("ca.pem");
    let pem = fs::read(&ca)?;
    fs::write(&ca, "no certificate")?;
    refused_with(&relay(&["serve"])?, "ca.pem")?;
    fs::write(&ca, pem)?;

    let foreign = tempfile::tempdir()?;
    fs::write(foreign.path().join("letter.txt"), "mine")?;
    refused_with(
        &run(&programs.relay, &["serve", "--data", text(foreign.path())?])?,
        "directory",
    )
}

#[test]
fn making_an_agent() -> Result<()> {
    let programs = Programs::find()?;
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(programs.clone(), folder.path())?;
    let data = operator.data();
    let output = folder.path().join("out");
    let make = |program: &str| -> Result<_> {
        run(
            &programs.relay,
            &[
                "agent",
                "--data",
                text(&data)?,
                "--output",
                text(&output)?,
                "--program",
                program,
            ],
        )
    };
    refused_with(
        &make("/nowhere/fernsicht-agent")?,
        "/nowhere/fernsicht-agent",
    )?;
    let made = operator.agent("127.0.0.1:9")?;
    refused_with(&make(text(&made)?)?, "already")
}

#[test]
fn console() -> Result<()> {
    let programs = Programs::find()?;
    let folder = tempfile::tempdir()?;
    let data = text(folder.path())?;
    let console =
        |arguments: &[&str]| run(&programs.console, &[arguments, &["--data", data]].concat());
    refused_with(&console(&["--grant"])?, "--grant")?;
    refused_with(&console(&["enrol"])?, "TOKEN")?;
    refused_with(&console(&["enrol", "hello"])?, "token")?;
    refused_with(&console(&["enrol", "fst1-aaaa"])?, "token")
}

#[test]
fn auditor() -> Result<()> {
    let programs = Programs::find()?;
    let folder = tempfile::tempdir()?;
    let data = text(folder.path())?;
    let auditor =
        |arguments: &[&str]| run(&programs.auditor, &[arguments, &["--data", data]].concat());
    refused_with(&auditor(&["--code"])?, "--code")?;
    refused_with(&auditor(&["enrol"])?, "TOKEN")?;
    refused_with(&auditor(&["enrol", "fst1-aaaa"])?, "")?;
    refused_with(&auditor(&["verify", "--case", "1"])?, "")?;
    refused_with(&auditor(&["export", "--receipt", "/nowhere"])?, "--case")
}

#[test]
fn an_enrolment_token_serves_once() -> Result<()> {
    let programs = Programs::find()?;
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(programs.clone(), folder.path())?;
    let mut relay = operator.serve()?;
    let token = operator.token()?;
    let enrol = |name: &str| -> Result<_> {
        let home = folder.path().join(name);
        fs::create_dir_all(&home)?;
        run(
            &programs.console,
            &["enrol", &token, "--data", text(&home)?],
        )
    };
    let first = enrol("first")?;
    anyhow::ensure!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    refused_with(&enrol("second")?, "oken")?;
    relay.process.check()?;

    // Nobody at the address that a token names.
    let token = operator.token()?;
    drop(relay);
    let home = folder.path().join("third");
    fs::create_dir_all(&home)?;
    refused_with(
        &run(
            &programs.console,
            &["enrol", &token, "--data", text(&home)?],
        )?,
        "",
    )
}

#[test]
fn agent() -> Result<()> {
    let programs = Programs::find()?;
    for (arguments, word) in [
        (&["--grant"][..], "--grant"),
        (&["--code", "abc"], "digits"),
        (&["--code"], "--code"),
        (&["--language", "fr"], "fr"),
        (&["--unattended"], "--unattended"),
        (&[], "DISPLAY"),
    ] {
        refused_with(&run(&programs.agent, arguments)?, word)?;
    }
    Ok(())
}

#[test]
fn help_and_versions_are_told() -> Result<()> {
    let Programs {
        relay,
        console,
        auditor,
        agent,
    } = Programs::find()?;
    for program in [relay, console, auditor, agent] {
        run_well(&program, &["--help"])?;
        run_well(&program, &["--version"])?;
    }
    Ok(())
}
