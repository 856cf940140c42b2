//! What the operator does with recordings, auditors and the access log on the command line.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure is the test's"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::disk::Mounted;
use common::*;
use fernsicht_protocol::attached;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::crypto::{self, SigningKey};
use fernsicht_protocol::messages;
use fernsicht_protocol::sealing::SealedKey;
use fernsicht_protocol::wire::{Blob, List};
use fernsicht_recordings::format::file_header;
use fernsicht_recordings::sample::{Office, Session};
use fernsicht_recordings::store::{
    NewRecording, Reason, Settings, State, Store, Technician, clock,
};
use rand_core::OsRng;
use serde_json::Value;

const DAY: u64 = 24 * 3600;

/// A data directory that one command has made.
fn data() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    succeeds(&data, &["technician", "list"]);
    (dir, data)
}

/// The store as the relay itself opens it.
fn store(data: &Path) -> Store {
    let pem = fs::read_to_string(data.join("checkpoint.key")).unwrap();
    let key = rcgen::KeyPair::from_pem(&pem).unwrap();
    let signer = SigningKey::from_pkcs8(&key.serialize_der()).unwrap();
    Store::open(Settings::usual(data), Arc::new(signer)).unwrap()
}

/// A finished recording that began at this time; returns its number as on the receipt.
fn record(data: &Path, began: u64) -> String {
    let bytes = file_header();
    keep(data, &Code::draw(&mut OsRng), &bytes, began)
}

/// Puts a complete recording where the relay would have put it.
fn keep(data: &Path, code: &Code, bytes: &[u8], began: u64) -> String {
    let store = store(data);
    let new = NewRecording {
        open_hash: crypto::hash(code.open_token().as_slice()),
        lookup_hash: code.lookup().hash(),
        deletion: u64::MAX,
        technician: Technician {
            id: 1,
            name: "Erika Weber".to_owned(),
            organisation: "Nordlicht".to_owned(),
        },
        case: String::new(),
    };
    let mut begun = store.begin(&new, began).unwrap();
    let key = SealedKey {
        auditor: [7; 32],
        sealed: Blob(vec![7; 96]),
    };
    store.keep_keys(begun.id, 1, &List(vec![key])).unwrap();
    begun.file.append(bytes).unwrap();
    begun.file.sync().unwrap();
    store.end(begun.id, bytes.len() as u64, began + 60).unwrap();
    store.move_finished().unwrap();
    code.lookup().to_string()
}

fn now() -> u64 {
    clock::read().unwrap().wall_s
}

fn code(data: &Path, arguments: &[&str]) -> Option<i32> {
    run(data, arguments).status.code()
}

fn json(data: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(data, arguments)).unwrap()
}

#[test]
fn lists_say_nothing_of_content_or_people() {
    let (_dir, data) = data();
    assert!(succeeds(&data, &["recordings", "list"]).contains("no recordings"));
    let number = record(&data, now() - DAY);
    for arguments in [
        &["recordings", "list"][..],
        &["recordings", "list", "--json"][..],
    ] {
        let said = succeeds(&data, arguments);
        assert!(said.contains("stored"), "{said}");
        for secret in [
            "Erika",
            "Nordlicht",
            number.as_str(),
            &number.replace('-', ""),
        ] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    let list = json(&data, &["recordings", "list", "--json"]);
    assert_eq!(list[0]["state"], "stored");
    assert_eq!(list[0]["bytes"], 14);
    let deletion = list[0]["deletion"].as_u64().unwrap();
    assert!(
        deletion <= now() + 89 * DAY,
        "no promise goes beyond the law"
    );
}

#[test]
fn recordings_are_verified_without_any_key() {
    let (_dir, data) = data();
    let office = Office::new(1);
    let pem = data_encoding::BASE64.encode(&office.ca);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n");
    fs::write(data.join("ca.pem"), pem).unwrap();
    let mut session = Session::begin(&office, 1);
    session.beacon();
    session.picture(&[5; 3000]);
    session.checkpoint();
    let killed = Session::begin(&office, 2);
    let recorded = session.end(messages::End::Customer);
    let number = keep(&data, &recorded.code, &recorded.bytes, now());
    assert!(succeeds(&data, &["recordings", "verify", &number]).contains("sound"));
    let killed = killed.kill();
    keep(&data, &killed.code, &killed.bytes, now());
    let all = json(&data, &["recordings", "verify", "--json"]);
    assert_eq!(all[0]["verdict"], "sound");
    assert_eq!(all[1]["verdict"], "incomplete");

    let file = fs::read_dir(data.join("recordings"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = file
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_eq!(code(&data, &["recordings", "verify", "--json"]), Some(3));
    let output = run(&data, &["recordings", "verify", &number]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("altered") && said.contains("record "),
        "{said}"
    );
    fs::write(&file, &bytes[..at]).unwrap();
    let output = run(&data, &["recordings", "verify", &number]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("unreadable") && said.contains("missing"),
        "{said}"
    );
}

#[test]
fn a_recording_is_deleted_by_its_number_and_the_log_says_so() {
    let (_dir, data) = data();
    let number = record(&data, now());
    let other = record(&data, now());
    assert_eq!(
        code(&data, &["recordings", "delete", &number]),
        Some(2),
        "why?"
    );
    let delete = |number: &str| {
        ["recordings", "delete", number, "--reason", "withdrawal"].map(str::to_owned)
    };
    let refused = |number: &str| {
        let arguments = delete(number);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(code(&data, &arguments), Some(1));
        fails(&data, &arguments)
    };
    assert!(refused("12").contains("receipt"));
    assert!(refused("0000-0000-0000-0000").contains("no recording"));
    let typed = number.replace('-', " ").to_lowercase();
    let arguments = delete(&typed);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    assert!(succeeds(&data, &arguments).contains(&number));
    assert!(refused(&number).contains("was deleted on"));

    let entries = json(&data, &["access-log", "--recording", &number, "--json"]);
    assert_eq!(entries.as_array().unwrap().len(), 1);
    assert_eq!(entries[0]["event"]["kind"], "deletion");
    assert_eq!(entries[0]["event"]["reason"], "withdrawal");
    let none = succeeds(&data, &["access-log", "--recording", &other]);
    assert!(none.contains("no such entries"), "{none}");
    assert!(succeeds(&data, &["access-log", "--verify"]).contains("whole: 1 entries"));
    assert!(succeeds(&data, &["recordings", "list"]).contains("deleted on"));
}

#[test]
fn a_touched_access_log_ends_with_3() {
    let (_dir, data) = data();
    for _ in 0..3 {
        let number = record(&data, now());
        succeeds(
            &data,
            &["recordings", "delete", &number, "--reason", "withdrawal"],
        );
    }
    let log = data.join("access.log");
    let whole = fs::read_to_string(&log).unwrap();
    fs::write(&log, whole.replacen("withdrawal", "retention", 1)).unwrap();
    let said = fails(&data, &["access-log", "--verify"]);
    assert!(said.contains("entry 1"), "{said}");
    assert_eq!(code(&data, &["access-log", "--verify", "--json"]), Some(3));
    let cut: Vec<&str> = whole.lines().take(2).collect();
    fs::write(&log, cut.join("\n") + "\n").unwrap();
    let said = fails(&data, &["access-log", "--verify"]);
    assert!(
        said.contains("entry 3") && said.contains("cut off"),
        "{said}"
    );
    fs::write(&log, whole).unwrap();
    succeeds(&data, &["access-log", "--verify"]);
}

#[test]
fn prune_deletes_what_is_due_and_a_dry_run_nothing() {
    let (_dir, data) = data();
    let old = record(&data, now() - 91 * DAY);
    let new = record(&data, now());
    let said = succeeds(&data, &["recordings", "prune", "--dry-run"]);
    assert!(said.contains("1 recordings would"), "{said}");
    let living = |data: &Path| {
        let list = store(data).list().unwrap();
        list.iter().filter(|r| r.state != State::Deleted).count()
    };
    assert_eq!(living(&data), 2);
    assert!(succeeds(&data, &["recordings", "prune"]).contains("1 recordings have"));
    assert_eq!(living(&data), 1);
    let entries = json(&data, &["access-log", "--recording", &old, "--json"]);
    assert_eq!(entries[0]["event"]["reason"], "retention");
    assert!(succeeds(&data, &["access-log", "--recording", &new]).contains("no such"));
    assert!(succeeds(&data, &["recordings", "prune"]).contains("0 recordings have"));
}

#[test]
fn a_full_disk_keeps_nothing_that_is_due() {
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small");
    let Some(_mounted) = Mounted::tmpfs(&small, 6, "") else {
        return;
    };
    let data = small.join("data");
    succeeds(&data, &["technician", "list"]);
    let old = record(&data, now() - 91 * DAY);
    let withdrawn = record(&data, now());
    let mut junk = fs::File::create(small.join("junk")).unwrap();
    let mut fill = || while std::io::Write::write_all(&mut junk, &[1; 512]).is_ok() {};
    fill();
    let serving = store(&data);
    fill();
    serving.probe().unwrap_err();
    assert!(serving.space().unwrap().low());
    let said = succeeds(&data, &["recordings", "prune"]);
    assert!(said.contains("1 recordings have"), "{said}");
    let arguments = ["recordings", "delete", &withdrawn, "--reason", "withdrawal"];
    succeeds(&data, &arguments);
    let entries = json(&data, &["access-log", "--json", "--verify"]);
    assert_eq!(entries.as_array().unwrap().len(), 2);
    let entries = json(&data, &["access-log", "--recording", &old, "--json"]);
    assert_eq!(entries[0]["event"]["reason"], "retention");
    let left: Vec<_> = fs::read_dir(data.join("keys")).unwrap().collect();
    assert_eq!(left.len(), 2, "tag and README: {left:?}");
}

#[test]
fn a_command_and_the_store_of_a_running_relay_share_the_directory() {
    let (_dir, data) = data();
    let number = record(&data, now());
    let serving = store(&data);
    succeeds(
        &data,
        &["recordings", "delete", &number, "--reason", "withdrawal"],
    );
    let another = record(&data, now());
    let rows = serving.list().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].state, State::Deleted);
    serving.delete(&rows[1], Reason::Withdrawal, now()).unwrap();
    serving.verify_log().unwrap().unwrap();
    let entries = json(
        &data,
        &["access-log", "--recording", &another, "--json", "--verify"],
    );
    assert_eq!(entries[0]["number"], 2);
}

#[test]
fn auditors_are_added_listed_and_revoked() {
    let (_dir, data) = data();
    let said = succeeds(&data, &["auditor", "list"]);
    assert!(said.contains("No auditor is enrolled"), "{said}");
    let said = succeeds(&data, &["auditor", "add", "Ada Prüfer"]);
    let token = said.split_whitespace().find(|w| w.starts_with("fst1-"));
    fernsicht_protocol::token::Token::parse(token.unwrap()).unwrap();
    let list = json(&data, &["auditor", "list", "--json"]);
    assert_eq!(list[0]["name"], "Ada Prüfer");
    assert_eq!(list[0]["state"], "invited");
    succeeds(&data, &["auditor", "revoke", "Ada Prüfer"]);
    assert!(fails(&data, &["auditor", "revoke", "1"]).contains("already"));
    assert!(fails(&data, &["auditor", "revoke", "Nobody"]).contains("auditor list"));
    assert!(fails(&data, &["auditor", "add", ""]).contains("the name"));
    let log = json(&data, &["access-log", "--json"]);
    assert_eq!(log[0]["event"]["kind"], "auditor-revoked");
    assert_eq!(log[0]["event"]["auditor"], "Ada Prüfer");
}

#[test]
fn an_agent_without_auditors_is_made_with_a_warning() {
    let (dir, data) = data();
    let toml = fs::read_to_string(data.join("relay.toml")).unwrap();
    fs::write(
        data.join("relay.toml"),
        toml.replace(" = \"\"", " = \"Käse\""),
    )
    .unwrap();
    let bare = dir.path().join("bare");
    fs::write(&bare, b"\x7fELF program").unwrap();
    let output = dir.path().join("agent");
    let (output, bare) = (output.to_str().unwrap(), bare.to_str().unwrap());
    let said = succeeds(&data, &["agent", "--output", output, "--program", bare]);
    assert!(said.contains("WARNING: no auditor"), "{said}");
    let configuration = attached::read(&fs::read(output).unwrap()).unwrap();
    assert!(configuration.auditors.0.is_empty());
}

#[test]
fn keys_and_recordings_go_where_relay_toml_says() {
    let (dir, data) = data();
    let toml = data.join("relay.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let keys = dir.path().join("elsewhere");
    fs::write(
        &toml,
        text.replace("\"keys\"", &format!("{keys:?}"))
            .replace("\"file:recordings\"", "\"file:finished\""),
    )
    .unwrap();
    succeeds(&data, &["recordings", "list"]);
    assert!(keys.join("CACHEDIR.TAG").exists() && data.join("finished").is_dir());
    fs::write(&toml, text.replace("\"file:", "\"ftp:")).unwrap();
    let said = fails(&data, &["recordings", "list"]);
    assert!(said.contains("`store`") && said.contains("file:"), "{said}");
}

#[test]
fn a_data_directory_of_an_older_version_is_taken_as_it_is() {
    let (_dir, data) = data();
    let toml = data.join("relay.toml");
    let text = fs::read_to_string(&toml).unwrap();
    let old: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("store") && !line.starts_with("key_directory"))
        .collect();
    fs::write(&toml, old.join("\n")).unwrap();
    succeeds(&data, &["recordings", "list"]);
    assert!(data.join("recordings").is_dir() && data.join("keys/README").exists());
    for name in ["checkpoint.pem", "checkpoint.key"] {
        fs::remove_file(data.join(name)).unwrap();
    }
    fs::rename(data.join("ca.key"), data.join("away")).unwrap();
    assert!(fails(&data, &["recordings", "list"]).contains("CA key"));
    fs::rename(data.join("away"), data.join("ca.key")).unwrap();
    succeeds(&data, &["recordings", "list"]);
}
