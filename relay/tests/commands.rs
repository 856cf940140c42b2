//! What a person meets on the command line, mistakes above all.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use common::*;
use fernsicht_protocol::attached;

const FIELDS: [&str; 7] = [
    "operator",
    "domain",
    "address",
    "complaints_office",
    "privacy_contact",
    "authority",
    "legal_basis",
];

#[test]
fn everything_in_the_directory_is_for_its_owner_only() {
    let relay = Relay::start(&[]);
    relay.token("Erika Weber");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&relay.data()), 0o700);
    let files: Vec<_> = fs::read_dir(relay.data())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    for name in [
        "ca.pem",
        "ca.key",
        "relay.pem",
        "relay.key",
        "checkpoint.pem",
        "checkpoint.key",
        "relay.toml",
        "register.sqlite",
    ] {
        assert!(files.contains(&relay.data().join(name)), "{name}");
    }
    for file in files {
        assert_eq!(mode(&file) & 0o077, 0, "{file:?}");
    }
}

#[test]
fn the_agent_needs_every_field() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let bare = dir.path().join("bare");
    let output = dir.path().join("agent");
    fs::write(&bare, b"\x7fELF program").unwrap();
    let arguments = [
        "agent",
        "--output",
        output.to_str().unwrap(),
        "--program",
        bare.to_str().unwrap(),
    ];
    let toml = data.join("relay.toml");
    for field in FIELDS {
        let said = fails(&data, &arguments);
        assert!(
            said.contains(&format!("`{field}`")) && said.contains("relay.toml"),
            "{said}"
        );
        let text = fs::read_to_string(&toml).unwrap();
        fs::write(
            &toml,
            text.replace(
                &format!("\n{field} = \"\""),
                &format!("\n{field} = \"Käse\""),
            ),
        )
        .unwrap();
    }
    succeeds(&data, &arguments);
    let file = fs::read(&output).unwrap();
    let configuration = attached::read(&file).unwrap();
    assert_eq!(configuration.operator.as_str(), "Käse");
    assert_eq!(
        fs::metadata(&output).unwrap().permissions().mode() & 0o777,
        0o755
    );
    let again = [
        "agent",
        "--output",
        output.to_str().unwrap(),
        "--program",
        output.to_str().unwrap(),
    ];
    assert!(fails(&data, &again).contains("already carries"));
    let missing = [
        "agent",
        "--output",
        output.to_str().unwrap(),
        "--program",
        "/nowhere/agent",
    ];
    assert!(fails(&data, &missing).contains("--program"));
}

#[test]
fn one_relay_for_each_directory() {
    let relay = Relay::start(&[]);
    let said = fails(&relay.data(), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("already running"), "{said}");
    let other = tempfile::tempdir().unwrap();
    let said = fails(
        &other.path().join("data"),
        &["serve", "--listen", &relay.address],
    );
    assert!(
        said.contains("cannot listen on") && said.contains("--listen"),
        "{said}"
    );
}

#[test]
fn mistakes_get_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert!(succeeds(&data, &["technician", "list"]).contains("technician add"));
    assert!(fails(&data, &["technician", "add", "", "--organisation", "N"]).contains("the name"));
    assert!(fails(&data, &["technician", "add", "Erika Weber"]).contains("the organisation"));
    assert!(fails(&data, &["technician", "revoke", "Nobody"]).contains("technician list"));
    assert!(fails(&data, &["dance"]).contains("dance"));
    assert!(fails(&data, &["serve", "--listen", "here"]).contains("--listen"));
    succeeds(
        &data,
        &["technician", "add", "Erika Weber", "--organisation", "N"],
    );
    succeeds(&data, &["technician", "revoke", "1"]);
    assert!(fails(&data, &["technician", "revoke", "1"]).contains("already"));
    assert!(succeeds(&data, &["technician", "list"]).contains("revoked on"));

    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter.txt"), b"private").unwrap();
    assert!(fails(&foreign, &["technician", "list"]).contains("--data"));
    assert!(fails(&foreign.join("letter.txt"), &["serve"]).contains("letter.txt"));

    fs::rename(data.join("ca.key"), dir.path().join("ca.key")).unwrap();
    assert!(fails(&data, &["technician", "add", "A B", "--organisation", "N"]).contains("CA key"));
    fs::rename(dir.path().join("ca.key"), data.join("ca.key")).unwrap();

    let toml = fs::read_to_string(data.join("relay.toml")).unwrap();
    fs::write(
        data.join("relay.toml"),
        toml.replace("listen =", "lissen ="),
    )
    .unwrap();
    let said = fails(&data, &["serve"]);
    assert!(
        said.contains("relay.toml") && said.contains("lissen"),
        "{said}"
    );
    fs::write(data.join("relay.toml"), toml).unwrap();

    fs::write(
        data.join("register.sqlite"),
        b"this is not a database, but it is long enough",
    )
    .unwrap();
    let said = fails(&data, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("register.sqlite"), "{said}");
    fs::write(data.join("ca.pem"), b"garbage").unwrap();
    assert!(fails(&data, &["serve"]).contains("ca.pem"));
}

#[test]
fn the_data_directory_comes_from_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("from-environment");
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_fernsicht-relay"))
        .args(["technician", "list"])
        .env("FERNSICHT_RELAY_DATA", &data)
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    assert!(data.join("ca.pem").exists());
}
