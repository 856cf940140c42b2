//! Replays the committed corpora of `tests/fuzz` through the bodies of the fuzz targets, on every test run.
//!
//! `REGENERATE=1 cargo test -p fernsicht-protocol --test corpora` writes the seeds anew (not what a fuzzer
//! has found) and, where missing, the test certificates of `testdata`.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::path::{Path, PathBuf};

use fernsicht_protocol::cert::{Role, role_arcs};
use fernsicht_protocol::frame::{Class, Direction, Frame, Header};
use fernsicht_protocol::fuzzing::certificate::{CA_SEED, LEAF_KEY};
use fernsicht_protocol::fuzzing::guard::{OPERATIONS, TO_CONTROL, TO_VIEW};
use fernsicht_protocol::fuzzing::{TARGETS, samples};
use fernsicht_protocol::picture::{Box, Code, Layout, Rect, Update};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::token::Token;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, List, Text, Wire};
use fernsicht_protocol::{attached, code};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn corpora_break_no_promise() {
    let corpora = here("../tests/fuzz/corpus");
    if std::env::var_os("REGENERATE").is_some() {
        certificates();
        roles();
        for (target, bytes) in seeds() {
            write(&corpora.join(target), &bytes);
        }
    }
    for (target, body) in TARGETS {
        let folder = corpora.join(target);
        let mut replayed = 0;
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            println!("{}", path.display()); // names the file if the body panics
            body(&bytes);
            replayed += 1;
        }
        assert!(replayed > 0, "{target} has no corpus");
    }
}

/// Named by their content, as the fuzzer names what it finds.
fn write(folder: &Path, bytes: &[u8]) {
    let hash = fernsicht_protocol::crypto::hash(bytes);
    let name: String = hash[..10]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut out = Vec::new();
    for sample in samples::all() {
        out.push((
            "messages",
            [&[sample.kind as u8], sample.bytes.as_slice()].concat(),
        ));
    }
    let header = |class, direction| Header {
        epoch: 1,
        direction,
        class,
        number: 3,
        grant: 2,
        rights: Rights::View,
        length: 5,
    };
    for class in Class::ALL {
        let direction = if class == Class::Input {
            Direction::ConsoleToAgent
        } else {
            Direction::AgentToConsole
        };
        let frame = Frame {
            header: header(class, direction),
            ciphertext: vec![9; 5],
        };
        out.push(("frame", frame.header.encode().to_vec()));
        let record = Record::Frame(frame);
        let tombstone = Record::Tombstone {
            header: *record.header(),
            hash: [4; 32],
        };
        let records = [record.encode(), tombstone.encode()].concat();
        out.push(("unit", [vec![4], records].concat()));
    }
    out.extend(segments());
    out.push(("unit", vec![0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0]));
    out.extend(operations());
    out.extend(routed().into_iter().map(|bytes| ("router", bytes)));
    out.extend(documents());
    for typed in [
        fernsicht_protocol::complaint::Code::from_bytes([0x5a; 16])
            .grouped()
            .to_string(),
        fernsicht_protocol::complaint::Code::from_bytes([0x5a; 16])
            .lookup()
            .to_string(),
        "b9d5 mpjt b9d5 mpjt b9d5 mpjt b8dE".to_owned(),
        "B9D5-MPJT-B9D5-MPJU".to_owned(),
    ] {
        out.push(("complaint", typed.into_bytes()));
    }
    out.push((
        "heads",
        [6, 0, 0, 1, 0, 0, 2, 0, 4, 2, 5, 2, 5, 6, 0, 0, 3, 0, 2, 5].to_vec(),
    ));
    out.push(("heads", [6, 0, 0, 1, 9, 5, 2, 5].to_vec()));
    out.extend(chains().into_iter().map(|bytes| ("certificate", bytes)));
    out.extend(talks().into_iter().map(|bytes| ("chat", bytes)));
    out.extend(pieces().into_iter().map(|bytes| ("transfer", bytes)));
    out
}

/// Certificates by themselves; genuine ones, untouched and with edits, with and without the CA's signature under these.
fn chains() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for (base, name) in ROLES.iter().enumerate() {
        let der = std::fs::read(here(&format!("testdata/roles/{name}.der"))).unwrap();
        out.push([&[0, 4], der.as_slice()].concat());
        for how in [8, 16] {
            let how = how | base as u8;
            out.push(vec![how, 4]);
            out.push(vec![how, 0]);
            out.extend(
                (0..der.len() as u8)
                    .step_by(9)
                    .map(|at| vec![how, 4, 0, at, 0, 1]),
            );
            out.extend(
                (0..der.len() as u8)
                    .step_by(31)
                    .map(|at| vec![how, 4, 0, at, 2, 1]),
            );
        }
    }
    out
}

/// Lines; two who talk, with losses; strangers.
fn talks() -> Vec<Vec<u8>> {
    let lines = [
        "Guten Tag, hier ist Erika Weber.",
        "\u{202e}NIP\u{202c} a\u{200b}b\u{2066}c\u{feff}\u{e0041}\u{fe0f}\u{2028}d\te\u{1b}[0m  ",
        " \u{200d}\u{3164}\n ",
        "Grüße, ß — 日本 €",
    ];
    let mut out: Vec<Vec<u8>> = lines
        .iter()
        .map(|line| [&[0], line.as_bytes()].concat())
        .collect();
    let (write, deliver, show, answer, tell, lose) = (&[0, 10], &[2], &[4], &[5], &[6], &[7]);
    let once = [&write[..], deliver, show, answer, tell].concat();
    out.push([&[1], once.as_slice(), once.as_slice()].concat());
    out.push(
        [
            &[1],
            &write.repeat(25)[..],
            &deliver.repeat(25),
            &show.repeat(3),
            answer,
            lose,
        ]
        .concat(),
    );
    out.push(
        [
            &[1],
            &write[..],
            write,
            deliver,
            show,
            answer,
            lose,
            deliver,
            answer,
            tell,
        ]
        .concat(),
    );
    out.push([&[1], &[0, 11, 0, 12, 0, 13, 0, 14, 0, 250][..]].concat());
    out.push([&[2], &[0, 0].repeat(40)[..], &[4, 0].repeat(25)].concat());
    out.push(
        [
            &[2],
            &[0, 0, 4, 0].repeat(30)[..],
            &[192, 25, 4, 0, 195, 2, 4, 0, 192, 31, 4, 0],
        ]
        .concat(),
    );
    out.push(vec![2, 6, 0, 6, 0, 6, 0, 71, 0, 7, 1, 71, 1, 7, 2, 135, 1]);
    out.push(vec![
        2, 128, 0, 128, 5, 0, 0, 64, 9, 4, 0, 4, 0, 64, 9, 4, 0,
    ]);
    out
}

/// Names and texts; pieces of every size, with losses; strangers at either end.
fn pieces() -> Vec<Vec<u8>> {
    let names = [
        "Rechnung 2026-11.pdf",
        "..\\..\\NUL.txt",
        "C:\\Users\\x\\com¹.tar.gz",
        "a\u{202e}gpj.exe",
        " .. ",
        "conin$ .log",
    ];
    let mut out: Vec<Vec<u8>> = names
        .iter()
        .flat_map(|name| [0, 8, 1, 41].map(|how| [&[how], name.as_bytes()].concat()))
        .collect();
    out.push([&[4], "ä".repeat(150).as_bytes(), b".jpeg"].concat());
    for size in 0..12 {
        for kind in [2, 6] {
            let how = size << 3 | kind;
            out.push(vec![how]);
            out.push([&[how, 4, 1, 5], &[8, 9].repeat(12)[..], &[7, 5]].concat());
            out.push([&[how, 4, 1, 5], &[8; 8][..], &[9, 2, 0, 3, 4, 5, 8, 8, 9]].concat());
            out.push(vec![how, 4, 1, 5, 2, 3, 4, 22, 0, 1, 22, 1, 1, 5]);
            out.push(vec![how, 1, 34, 0, 0, 9, 7, 5]);
            out.push(vec![how, 11, 0, 0, 8, 23, 0, 0, 35, 0]);
        }
    }
    // All that may be held, and one more.
    let full = [&[74, 4, 1, 5], &[8; 17][..], &[0, 4, 5], &[8; 17]].concat();
    out.push([&full[..], &[10, 0, 0, 6, 0, 0, 0, 0]].concat());
    // A yes of a new epoch, and the offer that is repeated in it.
    out.push(vec![26, 0, 1, 5, 8, 4, 5, 8]);
    out
}

/// Of `testdata/roles`, as the target `certificate` numbers them.
const ROLES: [&str; 5] = ["relay", "technician", "auditor", "checkpoint", "foreign"];

/// A CA whose key the target has, too, and a certificate for each role; one of another CA for all of them.
fn roles() {
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
        KeyPair, KeyUsagePurpose,
    };
    let folder = here("testdata/roles");
    if std::fs::metadata(folder.join("ca.der")).is_ok_and(|file| file.len() > 0) {
        return;
    }
    let key = |seed: [u8; 32]| {
        let head = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        KeyPair::try_from([head.as_slice(), &seed].concat()).unwrap()
    };
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let authority = |name: &str, seed| {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = params.self_signed(&key(seed)).unwrap();
        (ca, Issuer::new(params, key(seed)))
    };
    let (ca, issuer) = authority("Fernsicht CA Nordlicht", CA_SEED);
    let (_, foreign) = authority("Fernsicht CA Nordlicht", [1; 32]);
    std::fs::write(folder.join("ca.der"), ca.der()).unwrap();
    let all = [
        Role::Relay,
        Role::Technician,
        Role::Auditor,
        Role::Checkpoint,
    ];
    for (at, name) in ROLES.iter().enumerate() {
        let mut params = params("Erika Weber");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Nordlicht");
        let own = all.get(at).map_or(&all[..], std::slice::from_ref);
        let usages = own
            .iter()
            .map(|role| ExtendedKeyUsagePurpose::Other(role_arcs(*role).to_vec()));
        params.extended_key_usages = usages.collect();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let issuer = if own.len() == 1 { &issuer } else { &foreign };
        let own_key = KeyPair::try_from(LEAF_KEY.as_slice()).unwrap();
        let leaf = params.signed_by(&own_key, issuer).unwrap();
        std::fs::write(folder.join(format!("{name}.der")), leaf.der()).unwrap();
    }
}

/// Ways through the cores, and random ones.
/// Streams of the other end, opened, cut, cancelled and over, between operations of this one.
fn segments() -> Vec<(&'static str, Vec<u8>)> {
    let theirs = |bytes: &[u8]| [&[9, bytes.len() as u8], bytes].concat();
    let opened = theirs(b"\0\0\0\0\x01\0\x05hello\0\0\0\0\0\0\x02hi");
    let ended = theirs(b"\x01\0\0\0\x01\x07\0\0\0\0\0\0\0\x07");
    let cancelled = theirs(b"\0\0\0\0\x02\0\x01x\x02\0\0\0\x02");
    let sent = vec![90, 0, 1, 9, 2, 1, 7, 255];
    let answered = theirs(b"\x03\0\0\0\x01\0\0\0\x05\x05\0\0\0\x01\x04\0\0\0\x01\x06\0\0\0\x01");
    let goodbye = theirs(b"\x09\0\0\0\x03\x03bye");
    let read = vec![5, 1, 5, 1, 6, 1, 7, 255];
    [
        [&opened[..], &read, &ended, &read].concat(),
        [&opened[..], &cancelled, &read, &goodbye].concat(),
        [&sent[..], &answered, &sent, &[3, 1, 4, 1, 8, 0]].concat(),
        [&theirs(&[0, 0, 0, 0, 9, 0, 1, 1])[..], &theirs(&[77])].concat(),
    ]
    .map(|bytes| ("mux", bytes))
    .to_vec()
}

fn operations() -> Vec<(&'static str, Vec<u8>)> {
    let mut dice = ChaCha20Rng::seed_from_u64(1);
    let mut out = vec![
        ("pairing", vec![0]),
        ("pairing", vec![1]),
        ("guard", TO_VIEW.to_vec()),
    ];
    out.push((
        "guard",
        [TO_VIEW.as_slice(), &[11, 0, 12, 0, 16, 0, 17, 0, 28, 6]].concat(),
    ));
    for op in 0..OPERATIONS {
        let seed = [
            TO_CONTROL.as_slice(),
            &[
                28, 6, op, 3, 26, 12, 27, 0, 20, 0, 16, 0, 17, 0, 7, 0, 28, 6,
            ],
        ];
        out.push(("guard", seed.concat()));
    }
    for how in 1..6 {
        let mut bytes = vec![0; 25];
        bytes[24] = how;
        out.push(("pairing", bytes));
    }
    for at in 0..24_usize {
        let mut bytes = vec![0; 40];
        bytes[at] = [4, 1, 2, 12, 6, 20][at % 6];
        bytes[at + 1] = 1;
        bytes[at + 2] = 1;
        out.push(("pairing", bytes));
        out.push(("pairing", vec![(at as u8) << 1]));
    }
    for target in ["router", "epoch", "peer", "guard"] {
        for length in [40, 100, 200, 400] {
            for _ in 0..6 {
                let mut bytes = vec![0; length];
                dice.fill_bytes(&mut bytes);
                out.push((target, bytes));
            }
        }
    }
    out
}

/// What becomes of sessions at the relay, recorded ones above all. Each begins with a session that is already paired
/// (its first byte: 2 recorded, 4 recorded with control granted, 6 and 8 the same unrecorded with sight at most).
fn routed() -> Vec<Vec<u8>> {
    let frames: &[u8] = &[
        8, 0, 6, 4, 8, 0, 1, 4, 8, 0, 2, 4, 8, 0, 3, 4, 8, 0, 7, 4, 8, 0, 8, 4, 8, 0, 4, 4,
    ];
    let (agent_lost, console_lost) = (&[3, 1][..], &[3, 0][..]);
    let agent_back: &[u8] = &[0, 1, 4, 0, 1, 7, 4, 0, 1, 6];
    let console_back: &[u8] = &[1, 1, 6, 0, 1, 8, 6, 0, 1, 7];
    let (open, transcript) = (&[5, 0, 8 + 2, 5][..], &[6, 0, 2, 10][..]);
    let (ready, sign) = (&[14, 0, 0][..], &[6, 0, 2, 11][..]);
    let (fail, back, checkpoint) = (&[14, 1, 0][..], &[14, 2, 0][..], &[14, 4, 0][..]);
    let second = [open, transcript, ready, sign, &[8, 0, 0, 64 + 8]].concat();
    let more: &[u8] = &[8, 0, 6, 64 + 8, 8, 0, 1, 64 + 8, 8, 0, 8, 64 + 8, 14, 4, 0];
    let (ended, gone) = (&[4, 0, 0, 8][..], &[6, 0, 0, 9][..]);
    let receipt: &[u8] = &[14, 3, 0, 4, 0, 0, 9];
    // Step by step: a code, a hello, a join, a share, its reply, what confirms it.
    let offer: &[u8] = &[1, 3, 6, 0, 0, 2, 0, 3, 4, 0, 0, 1, 4, 0, 1, 2];
    let reply: &[u8] = &[6, 0, 2, 3, 4, 0, 3, 3];
    let all: Vec<Vec<&[u8]>> = vec![
        vec![&[4], frames, checkpoint, ended, receipt],
        vec![&[4], frames, gone, receipt],
        vec![&[4], fail, frames, back, &second, more, ended, receipt],
        vec![&[4], ended, fail, receipt],
        vec![&[4], ended, &[12, 255, 12, 255, 12, 255]],
        vec![&[4], ended, &[3, 1], receipt],
        vec![&[4], agent_lost, agent_back, &second, more, gone, receipt],
        vec![
            &[4],
            console_lost,
            console_back,
            &second,
            more,
            ended,
            receipt,
        ],
        vec![&[4], agent_back, &second, more],
        vec![&[4], console_back, &second, more],
        vec![&[4], fail, agent_lost, agent_back, back, &second],
        vec![&[4], fail, back, console_lost, console_back, &second],
        vec![
            &[4],
            agent_lost,
            console_lost,
            agent_back,
            console_back,
            &second,
        ],
        vec![&[4], agent_lost, fail, back, agent_back],
        vec![&[4], agent_lost, &[4, 0, 2, 7, 12, 255, 12, 255, 12, 255]],
        vec![&[4], open, ready, transcript, sign],
        vec![&[4], open, transcript, fail, ready, sign],
        vec![&[4], open, transcript, agent_lost, ready],
        vec![&[4], open, transcript, ready, fail, sign],
        vec![&[4], open, transcript, ready, open, sign],
        vec![
            &[4],
            open,
            transcript,
            ready,
            &[6, 0, 1, 11, 6, 0, 8 + 2, 11],
        ],
        vec![&[4], open, &[6, 0, 8 + 2, 10]],
        vec![&[4], open, &[6, 0, 3, 10], transcript, &[12, 255]],
        vec![&[4], open, transcript, ready, &[12, 255]],
        vec![&[4], fail, open, transcript, ready],
        vec![&[2], frames, &[8, 0, 0, 4], frames],
        vec![&[2], &[8, 0, 0, 5], frames, &[8, 0, 0, 10]],
        vec![&[6], open, transcript, ready, sign, more],
        vec![&[6], &[8, 0, 0, 5], frames, &[5, 0, 2, 5, 8, 0, 0, 64 + 5]],
        vec![&[8], frames, agent_lost, agent_back, &[5, 0, 2, 5]],
        vec![&[4], &[5, 0, 2, 5]],
        vec![&[4], &[5, 0, 8 + 1, 5]],
        vec![&[4], &[5, 0, 16 + 8 + 2, 5]],
        vec![&[6], &[5, 0, 32 + 8 + 2, 5]],
        vec![&[6], &[5, 0, 64 + 8 + 2, 5]],
        vec![&[4], &[13, 1], receipt],
        vec![&[4], &[13, 0], receipt],
        vec![&[4], &[13, 7]],
        vec![&[4], &[13, 15]],
        vec![&[4], &[4, 0, 0, 4, 6, 0, 0, 6, 4, 0, 0, 1]],
        vec![&[4], &[6, 0, 0, 4]],
        vec![&[4], &[12, 255], &[2, 1, 8, 0, 0, 4], frames],
        vec![&[0], offer, reply, &[6, 0, 0, 4, 4, 0, 1, 6, 5, 0, 1, 5]],
        vec![&[0], offer, reply, &[6, 0, 0, 5]],
        vec![&[0], offer, reply, &[4, 0, 0, 8, 6, 0, 0, 4]],
        vec![&[0], offer, &[3, 1, 6, 0, 2, 3]],
        vec![
            &[0],
            offer,
            &[0, 4, 4, 0, 0, 1, 4, 0, 1, 2, 3, 1, 6, 0, 0, 5],
        ],
        vec![&[0], offer, reply, &[3, 0]],
        vec![&[0], offer, &[12, 255, 12, 255, 12, 255]],
        vec![&[0], offer, &[6, 0, 0, 9]],
        vec![&[0], &[1, 255, 6, 0, 0, 1, 1, 255, 6, 0, 1, 1]],
    ];
    all.into_iter().map(|parts| parts.concat()).collect()
}

/// Configurations, tokens, codes and pictures.
fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let configuration = attached::Configuration {
        made: 1_800_000_000,
        operator: Text::new("Nordlicht Telefon").unwrap(),
        domain: Text::new("hilfe.example").unwrap(),
        relay_addresses: List(vec![Text::new("relay.example:7443").unwrap()]),
        relay_name: Text::new("relay.example").unwrap(),
        ca: [5; 32],
        address: Text::new("Hafenstraße 1").unwrap(),
        complaints_office: Text::new("beschwerde@hilfe.example").unwrap(),
        privacy_contact: Text::new("datenschutz@hilfe.example").unwrap(),
        authority: Text::new("Landesbeauftragte").unwrap(),
        legal_basis: Text::new("Art. 6 Abs. 1 lit. a DSGVO").unwrap(),
        language: Text::new("de").unwrap(),
        auditors: List(vec![attached::Auditor {
            name: Text::new("Ines Prüfer").unwrap(),
            key: [1; 32],
            certificate: [2; 32],
        }]),
    };
    let token = Token {
        address: Text::new("relay.example:7443").unwrap(),
        relay_name: Text::new("relay.example").unwrap(),
        ca: [1; 32],
        secret: [2; 16],
    };
    let mut dice = ChaCha20Rng::seed_from_u64(2);
    let mut out = vec![
        ("attached", configuration.to_bytes()),
        (
            "attached",
            attached::attach(b"program", &configuration).unwrap(),
        ),
        ("token", token.encode().into_bytes()),
        ("token", b"fst1-aaaa".to_vec()),
        ("code", "48l2 073 956".into()),
    ];
    for nameplate in ["4812", "00017", "123456789012"] {
        let password = code::Password::draw(&mut dice);
        let code = code::SessionCode::new(nameplate, password).unwrap();
        out.push(("code", code.grouped().into_bytes()));
    }
    let rect = Rect {
        x: 1,
        y: 2,
        width: 2,
        height: 1,
    };
    let video = Code::Video {
        stream: 1,
        key: true,
        bytes: Blob(vec![0, 0, 0, 1, 0x67]),
    };
    for (code, palette, block) in [
        (Code::Colours, vec![], vec![1, 2, 3]),
        (Code::Indexed, vec![[1, 2, 3]], vec![1]),
        (video, vec![], vec![]),
        (Code::Moved { x: 5, y: 0 }, vec![], vec![]),
        (Code::Predicted, vec![], vec![4, 5, 6]),
        (Code::Solid([1, 2, 3]), vec![], vec![]),
        (Code::Seen { back: 2 }, vec![], vec![]),
        (Code::ColoursAcross, vec![], vec![1, 2, 3]),
        (Code::IndexedAcross, vec![[1, 2, 3]], vec![1]),
    ] {
        let of_before = matches!(code, Code::Moved { .. } | Code::Seen { .. });
        let update = Update {
            sequence: 1,
            complete: (!of_before).then_some(Layout {
                generation: 1,
                width: 8,
                height: 4,
            }),
            history: false,
            palette: List(palette),
            boxes: List(vec![Box { rect, code }]),
            block: Blob(block),
        };
        out.push(("picture", update.to_bytes()));
    }
    out
}

/// A CA, a technician's certificate and its key, valid far beyond the tests' time.
fn certificates() {
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
        KeyPair, PKCS_ED25519,
    };
    if std::fs::metadata(here("testdata/ca.der")).is_ok_and(|file| file.len() > 0) {
        return;
    }
    let ca_key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap().der().to_vec();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Erika Weber");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(
        role_arcs(Role::Technician).to_vec(),
    )];
    let leaf = params.signed_by(&key, &issuer).unwrap().der().to_vec();
    std::fs::write(here("testdata/ca.der"), ca).unwrap();
    std::fs::write(here("testdata/technician.der"), leaf).unwrap();
    std::fs::write(here("testdata/technician.pk8"), key.serialize_der()).unwrap();
}
