//! The command line without a window: bad input gets a sentence that says what is wrong, and nothing grants.

use std::process::{Command, Output};

fn console(data: &std::path::Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fernsicht-console"))
        .args(["--language", "en"])
        .args(args)
        .env("FERNSICHT_CONSOLE_DATA", data)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the console runs")
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[test]
fn a_token_that_is_none_is_named() {
    let data = tempfile::tempdir().unwrap();
    for token in ["hello", "fst1-abc", "", "\u{0}é"] {
        let output = match token {
            // An argument cannot hold a zero byte.
            "\u{0}é" => console(data.path(), &["enrol", "é"]),
            _ => console(data.path(), &["enrol", token]),
        };
        assert!(
            complaint(&output).starts_with("This is not a token."),
            "{token:?}"
        );
    }
}

#[test]
fn a_session_needs_an_enrolment() {
    let data = tempfile::tempdir().unwrap();
    let output = console(data.path(), &["--new-session", "--print-code"]);
    assert!(complaint(&output).starts_with("This computer is not enrolled."));
}

#[test]
fn a_computer_without_a_screen_gets_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let output = console(data.path(), &[]);
    assert!(complaint(&output).starts_with("No window could be opened:"));
}

#[test]
fn nothing_grants_by_flag() {
    let data = tempfile::tempdir().unwrap();
    for flag in ["--control", "--view", "--accept", "--unattended", "--grant"] {
        assert_eq!(
            console(data.path(), &[flag]).status.code(),
            Some(2),
            "{flag}"
        );
    }
}
