//! The auditor's command line without a relay: bad input gets a sentence and an exit code of its own,
//! and no secret has a place on the command line.

use std::path::Path;
use std::process::{Command, Output};

fn auditor(data: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fernsicht-auditor"))
        .args(["--language", "en"])
        .args(args)
        .env("FERNSICHT_AUDITOR_DATA", data)
        .env_remove("FERNSICHT_AUDITOR_PASSPHRASE_FILE")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the auditor runs")
}

fn complaint(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[test]
fn a_token_that_is_none_is_named() {
    let data = tempfile::tempdir().unwrap();
    let output = auditor(data.path(), &["enrol", "hello"]);
    assert!(complaint(&output, 1).starts_with("This is not a token."));
}

#[test]
fn everything_but_enrolment_needs_an_enrolment() {
    let data = tempfile::tempdir().unwrap();
    for args in [
        &["list"][..],
        &["verify", "--case", "1", "--code-file", "/nowhere"],
        &[
            "open",
            "--no-window",
            "--case",
            "1",
            "--receipt",
            "/nowhere",
        ],
        &["export", "--case", "1", "--report", "/nowhere/x.html"],
        &["close", "--case", "1"],
    ] {
        let output = auditor(data.path(), args);
        assert!(
            complaint(&output, 1).starts_with("No auditor is enrolled"),
            "{args:?}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_case_needs_a_reference() {
    let data = tempfile::tempdir().unwrap();
    let output = auditor(data.path(), &["verify", "--case", " "]);
    assert!(complaint(&output, 1).starts_with("The case reference"));
}

#[test]
fn scripts_get_problems_in_json_too() {
    let data = tempfile::tempdir().unwrap();
    let output = auditor(data.path(), &["--json", "list"]);
    complaint(&output, 1);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["exit"], 1);
    assert!(told["failure"].as_str().unwrap().contains("enrolled"));
}

#[test]
fn a_misspelt_command_line_is_not_a_verdict() {
    let data = tempfile::tempdir().unwrap();
    for args in [
        &["verify"][..],
        &["open", "--case", "1", "--code", "AAAA"],
        &["--passphrase", "secret", "list"],
        &["unseal"],
    ] {
        // 2 would say that a recording was interrupted.
        assert_eq!(
            auditor(data.path(), args).status.code(),
            Some(1),
            "{args:?}"
        );
    }
}

#[test]
fn help_lists_the_exit_codes() {
    let data = tempfile::tempdir().unwrap();
    let output = auditor(data.path(), &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("sealed falsely") && help.contains("deleted"));
}

#[test]
fn a_computer_without_a_screen_gets_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let output = auditor(data.path(), &[]);
    assert!(complaint(&output, 1).starts_with("No window could be opened:"));
}
