//! The committed vectors: a valid recording, and for each MUST of docs/recording-format.md one that breaks it.
//!
//! `REGENERATE=1` writes them anew. The sealed keys are the one part that cannot be made again (HPKE draws for
//! itself): they are made only where their files are missing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fernsicht_protocol::audit::{EpochKeys, Keys};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{Cause, InputEvent};
use fernsicht_protocol::crypto::{AeadKey, Prk, hash, labelled_hash};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::messages::End as Reason;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::{self, AuditorKey};
use fernsicht_protocol::wire::{List, Wire};
use fernsicht_recordings::finding::End;
use fernsicht_recordings::format::{Kind, Opening};
use fernsicht_recordings::open::{Evidence, open};
use fernsicht_recordings::sample::{Dice, Office, Recorded, Session};

use crate::common::{office, play};
use crate::forge::{Forge, Raw};

/// A recording that breaks one MUST, and what it is opened with.
struct Case {
    must: u8,
    name: &'static str,
    bytes: Vec<u8>,
    keys: Vec<EpochKeys>,
    code: Code,
    auditor: AuditorKey,
    evidence: Evidence,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn regenerate() -> bool {
    std::env::var_os("REGENERATE").is_some()
}

/// The committed bytes, or, if they are to be made anew, `make`.
fn committed(name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = directory().join(name);
    if regenerate() {
        std::fs::create_dir_all(directory()).unwrap();
        std::fs::write(&path, make()).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn keys_file(name: &str, make: impl FnOnce() -> Vec<EpochKeys>) -> Vec<EpochKeys> {
    let path = directory().join(name);
    let bytes = match path.exists() {
        true => std::fs::read(path).unwrap(),
        false => committed(name, || List::<_, 512>(make()).to_bytes()),
    };
    Keys::from_bytes(&bytes).unwrap().0
}

/// The valid recording.
fn valid(office: &Office) -> Recorded {
    let keys = keys_file("valid.keys", || {
        play(Session::begin(office, 7)).end(Reason::Customer).keys
    });
    play(Session::begin_with(office, 7, keys)).end(Reason::Customer)
}

/// The valid recording, but the agent seals something else than the epoch's secret.
fn sealed_falsely(office: &Office) -> Recorded {
    let honest = valid(office);
    let keys = keys_file("m32-sealed-falsely.keys", || {
        let records = Forge::new(&honest.bytes).records;
        let openings = records.iter().filter(|r| r.is(Kind::Opening));
        openings
            .map(|raw| {
                let opening = Opening::from_bytes(&raw.body).unwrap();
                let (binding, code) = (opening.binding(), &honest.code);
                let secret = [1; 32].into();
                let seal = |auditor: &AuditorKey| {
                    sealing::seal(&binding, &auditor.public(), code, &secret).unwrap()
                };
                EpochKeys {
                    epoch: opening.epoch,
                    sealed_keys: List(office.auditors.iter().map(seal).collect()),
                }
            })
            .collect()
    });
    play(Session::begin_with(office, 7, keys)).end(Reason::Customer)
}

struct Bench {
    office: Office,
    valid: Recorded,
    forge: Forge,
    cases: Vec<Case>,
}

impl Bench {
    fn case(&mut self, must: u8, name: &'static str, bytes: Vec<u8>) -> &mut Case {
        let Recorded { keys, code, .. } = self.valid.clone();
        self.cases.push(Case {
            must,
            name,
            bytes,
            keys,
            code,
            auditor: AuditorKey::from_bytes(self.office.auditors[0].bytes().clone()),
            evidence: Evidence::default(),
        });
        self.cases.last_mut().unwrap()
    }

    /// Alters the records and signs everything anew.
    fn signed(&mut self, must: u8, name: &'static str, alter: impl FnOnce(&mut Forge)) {
        let mut forge = self.forge.clone();
        alter(&mut forge);
        let bytes = forge.sign(&self.office).bytes();
        self.case(must, name, bytes);
    }

    /// Alters the records and leaves the signatures as they are.
    fn raw(&mut self, must: u8, name: &'static str, alter: impl FnOnce(&mut Forge, &Office)) {
        let mut forge = self.forge.clone();
        alter(&mut forge, &self.office);
        self.case(must, name, forge.bytes());
    }

    fn played(&mut self, must: u8, name: &'static str, play: impl FnOnce(&mut Session<'_>)) {
        let office = office();
        let keys = self.valid.keys.clone();
        let mut session = Session::begin_with(&office, 7, keys);
        session.grant(Rights::Control, Cause::Granted);
        play(&mut session);
        self.case(must, name, session.end(Reason::Customer).bytes);
    }
}

fn cases() -> Vec<Case> {
    let office = office();
    let valid = valid(&office);
    let forge = Forge::new(&valid.bytes);
    let mut bench = Bench {
        office,
        valid,
        forge,
        cases: Vec::new(),
    };
    file_rules(&mut bench);
    record_rules(&mut bench);
    checkpoints(&mut bench);
    technician(&mut bench);
    keys(&mut bench);
    frames(&mut bench);
    ends(&mut bench);
    bench.cases
}

fn file_rules(bench: &mut Bench) {
    let valid = bench.valid.bytes.clone();
    let altered = |at: usize, value: u8| {
        let mut bytes = valid.clone();
        bytes[at] = value;
        bytes
    };
    bench.case(1, "magic", altered(0, b'f'));
    bench.case(2, "version", altered(13, 2));
    let offsets = bench.forge.offsets();
    let signature = offsets[bench.forge.find(Kind::EpochSignature, |_| true)];
    bench.case(3, "length", altered(signature + 2, 1));
    bench.signed(4, "unknown-kind", |forge| {
        let at = forge.find_frame(Class::Beacon);
        forge.records[at].kind = 9;
    });
    bench.signed(5, "trailing-bytes", |forge| {
        let at = forge.find(Kind::Dropped, |_| true);
        let header = forge.records[at].header().unwrap();
        forge.records[at].kind = Kind::Frame as u8;
        forge.records[at]
            .body
            .resize(25 + header.length as usize + 1, 0);
    });
    bench.signed(5, "short-frame", |forge| {
        let at = forge.find_frame(Class::Beacon);
        forge.records[at].body.pop();
    });
    bench.signed(5, "tombstone-of-a-picture", |forge| {
        let at = forge.find_frame(Class::Picture);
        let raw = &mut forge.records[at];
        raw.kind = Kind::Tombstone as u8;
        raw.body.resize(25 + 32, 0);
    });
    bench.signed(5, "dropped-input", |forge| {
        let at = forge.find_frame(Class::Input);
        let raw = &mut forge.records[at];
        raw.kind = Kind::Dropped as u8;
        raw.body.resize(25 + 4 + 32, 0);
    });
    bench.signed(5, "gap-backwards", |forge| {
        let end = forge.find(Kind::End, |_| true);
        let time = forge.records[end].time;
        let body = [2u64.to_bytes(), 1u64.to_bytes()].concat();
        forge.records.insert(end, Raw::new(Kind::Gap, time, body));
    });
    bench.signed(6, "time-goes-back", |forge| {
        let at = forge.find_frame(Class::Beacon);
        forge.records[at].time -= 20;
    });
}

fn record_rules(bench: &mut Bench) {
    bench.raw(7, "no-opening", |forge, _| {
        forge.records.remove(0);
    });
    bench.signed(8, "opening-of-another-recording", |forge| {
        let at = second_opening(forge);
        forge.opening(at, |opening| opening.rid[0] ^= 1);
    });
    bench.signed(9, "epoch-not-later", |forge| {
        let at = second_opening(forge);
        forge.opening(at, |opening| opening.epoch = 1);
    });
    bench.signed(10, "frame-before-its-opening", |forge| {
        let at = second_opening(forge);
        let picture = forge
            .records
            .iter()
            .rposition(|r| r.header().is_some_and(|h| h.class == Class::Picture));
        let picture = forge.records.remove(picture.unwrap());
        let time = forge.records[at].time;
        forge.records.insert(at, Raw { time, ..picture });
    });
    bench.signed(10, "frame-behind-a-gap", |forge| {
        let at = forge.find_frame(Class::Pointer);
        let time = forge.records[at].time;
        let body = [time.to_bytes(), time.to_bytes()].concat();
        forge.records.insert(at, Raw::new(Kind::Gap, time, body));
    });
    bench.signed(11, "record-behind-the-end", |forge| {
        let end = forge.find(Kind::End, |_| true);
        forge.records.swap(end, end - 1);
    });
    bench.signed(12, "input-missing", |forge| {
        let at = forge.find_frame(Class::Input);
        forge.records.remove(at + 1);
    });
    bench.signed(13, "picture-twice", |forge| {
        let at = forge.find_frame(Class::Picture);
        let twice = forge.records[at].clone();
        forge.records.insert(at + 1, twice);
    });
}

fn second_opening(forge: &Forge) -> usize {
    forge.find(Kind::Opening, |r| r.body[16..20] == [0, 0, 0, 2])
}

/// The second checkpoint, which no epoch signature names.
fn later_checkpoint(forge: &Forge) -> usize {
    let all = forge.records.iter().enumerate();
    let mut all = all
        .filter(|(_, r)| r.is(Kind::Checkpoint))
        .map(|(at, _)| at);
    all.nth(1).unwrap()
}

fn checkpoints(bench: &mut Bench) {
    let technician = bench.office.technician.clone();
    bench.signed(14, "signer-of-another-role", |forge| {
        let at = second_opening(forge);
        forge.opening(at, |opening| opening.signer = technician);
    });
    bench.raw(15, "checkpoint-signature", |forge, _| {
        let at = later_checkpoint(forge);
        let byte = forge.records[at].body.last_mut().unwrap();
        *byte ^= 1;
    });
    bench.raw(16, "checkpoint-of-another-recording", |forge, office| {
        forge.checkpoint(later_checkpoint(forge), office, |c| c.rid[0] ^= 1);
    });
    bench.raw(17, "checkpoint-time", |forge, office| {
        forge.checkpoint(later_checkpoint(forge), office, |c| c.time += 1);
    });
    bench.raw(18, "checkpoint-length", |forge, office| {
        forge.checkpoint(later_checkpoint(forge), office, |c| c.length += 1);
    });
    bench.raw(19, "record-altered", |forge, _| {
        let at = forge.find(Kind::Dropped, |_| true);
        *forge.records[at].body.last_mut().unwrap() ^= 1;
    });
    bench.raw(20, "checkpoint-heads", |forge, office| {
        forge.checkpoint(later_checkpoint(forge), office, |c| c.heads.0[1].next += 1);
    });
    bench.raw(20, "checkpoint-without-heads", |forge, office| {
        forge.checkpoint(later_checkpoint(forge), office, |c| c.heads.0.clear());
    });
}

fn technician(bench: &mut Bench) {
    bench.signed(21, "another-operators-context", |forge| {
        forge.opening(0, |opening| {
            // ctx = length, version u16, length, relay name, length, H(CA) …
            let name = u32::from_be_bytes(opening.context.0[6..10].try_into().unwrap());
            opening.context.0[14 + name as usize] ^= 1;
        });
    });
    bench.signed(22, "th1", |forge| {
        forge.opening(0, |opening| opening.th1[0] ^= 1);
    });
    let signer = bench.office.signer.clone();
    bench.signed(23, "technician-of-another-role", |forge| {
        let at = second_opening(forge);
        forge.opening(at, |opening| opening.technician = signer);
    });
    bench.signed(24, "th2", |forge| {
        let at = second_opening(forge);
        forge.opening(at, |opening| opening.nonce[0] ^= 1);
    });
    bench.signed(25, "signature-over-the-pairing", |forge| {
        let at = second_opening(forge);
        forge.opening(at, |opening| opening.signature[0] ^= 1);
    });
    bench.signed(26, "second-epoch-signature", |forge| {
        let at = forge.find(Kind::EpochSignature, |_| true);
        let twice = forge.records[at].clone();
        forge.records.insert(at + 1, twice);
    });
    bench.raw(27, "epoch-signature", |forge, office| {
        let at = forge.find(Kind::EpochSignature, |_| true);
        let mut signed = forge.clone().sign(office);
        *signed.records[at].body.last_mut().unwrap() ^= 1;
        let broken = signed.records[at].body.clone();
        forge.records[at].body = broken;
        *forge = forge.clone().sign_checkpoints(office);
    });
    bench.signed(28, "frames-before-the-epoch-signature", |forge| {
        let at = forge.find(Kind::EpochSignature, |_| true);
        forge.records.swap(at, at + 1);
    });
}

fn keys(bench: &mut Bench) {
    let bytes = bench.valid.bytes.clone();
    let case = bench.case(29, "other-sealed-keys", bytes.clone());
    for keys in &mut case.keys {
        keys.sealed_keys.0.swap(0, 1);
    }
    bench.case(29, "no-sealed-keys", bytes.clone()).keys.clear();
    bench.case(30, "wrong-code", bytes.clone()).code = Code::from_bytes([0; 16]);
    bench.case(31, "wrong-auditor", bytes).auditor = AuditorKey::draw(&mut Dice(99));
    let falsely = sealed_falsely(&bench.office);
    let case = bench.case(32, "sealed-falsely", falsely.bytes);
    case.keys = falsely.keys;
}

fn frames(bench: &mut Bench) {
    bench.signed(33, "frame-altered", |forge| {
        let at = forge.find_frame(Class::Beacon);
        *forge.records[at].body.last_mut().unwrap() ^= 1;
    });
    let padded = badly_padded(bench);
    bench.signed(34, "padding", |forge| {
        let at = forge.find_frame(Class::Beacon);
        forge.records[at].body = padded;
    });
    bench.played(35, "content", |session| {
        session.frame(Direction::AgentToConsole, Class::Rights, b"\xff");
    });
    bench.played(36, "withheld-input-acted-on", |session| {
        let event = InputEvent::ReleaseAll.to_bytes();
        session.tombstone(Direction::ConsoleToAgent, Class::Input, &event);
        session.ack(0, &[]);
    });
}

/// The first beacon, sealed with a byte of padding that is not what sealing makes.
fn badly_padded(bench: &Bench) -> Vec<u8> {
    let opening = Opening::from_bytes(&bench.forge.records[0].body).unwrap();
    let sealed = &bench.valid.keys[0].sealed_keys.0[0];
    let (auditor, code) = (&bench.office.auditors[0], &bench.valid.code);
    let secret = sealing::unseal(&opening.binding(), auditor, code, sealed).unwrap();
    let number = opening.epoch.to_be_bytes();
    let fields: [&[u8]; 5] = [&opening.session, &opening.rid, &number, &[1], &opening.th2];
    let epoch = Prk::extract(&labelled_hash("epoch", &fields), secret.as_slice());
    let key = AeadKey::new(&epoch.expand("frame", &[&[0], &[Class::Beacon as u8]]));
    let at = bench.forge.find_frame(Class::Beacon);
    let header = bench.forge.records[at].header().unwrap();
    let header = Header {
        length: 8 + 4 + 16,
        ..header
    };
    let mut body = 8u32.to_bytes();
    body.extend(1u64.to_bytes());
    key.seal(header.number, &header.encode(), &mut body);
    [header.encode().as_slice(), &body].concat()
}

fn ends(bench: &mut Bench) {
    bench.played(37, "heads-signature", |session| {
        let mut heads = session.heads(End::Agent);
        heads.signature[0] ^= 1;
        let (agent, class) = (Direction::AgentToConsole, Class::Heads);
        session.frame(agent, class, &heads.to_bytes());
    });
    // The relay turns a picture ack into the tombstone of another one.
    bench.signed(38, "other-frame", |forge| {
        let ack = forge.records.iter().position(|r| {
            r.header()
                .is_some_and(|h| (h.class, h.direction) == (Class::Acks, Direction::ConsoleToAgent))
        });
        let raw = &mut forge.records[ack.unwrap()];
        raw.kind = Kind::Tombstone as u8;
        raw.body.truncate(25);
        raw.body.extend(hash(b"another"));
    });
    bench.signed(39, "tail-of-an-epoch-missing", |forge| {
        let next = second_opening(forge);
        let tombstone = forge.find(Kind::Tombstone, |_| true);
        forge.records.drain(tombstone..next - 1);
    });
    let checkpoint = bench.valid.evidence.checkpoint.clone();
    bench.signed(40, "tail-missing", |forge| {
        let end = forge.find(Kind::End, |_| true);
        forge.records.drain(end - 7..end);
    });
    let last = bench.cases.last_mut().unwrap();
    last.evidence.checkpoint = checkpoint;
    bench.raw(41, "interrupted", |forge, _| {
        forge.records.truncate(forge.records.len() - 2);
    });
    let mut torn = bench.valid.bytes.clone();
    torn.truncate(torn.len() - 100);
    bench.case(41, "torn", torn);
}

/// What is found in a recording, as text.
fn verdict(office: &Office, case: &Case) -> String {
    let mut out = String::new();
    let pin = office.pin();
    match open(&case.bytes, &case.keys, &case.code, &case.auditor, &pin) {
        Err(refusal) => writeln!(out, "  refused ({:?}): {refusal}", refusal.check()),
        Ok(opened) => {
            let mut all = opened.findings().to_vec();
            all.extend(opened.compare(&case.evidence));
            for finding in all {
                let grave = if finding.grave() { "" } else { ", not grave" };
                writeln!(out, "  {:?}{grave}: {finding}", finding.check()).unwrap();
            }
            Ok(())
        }
    }
    .unwrap();
    out
}

#[test]
fn each_must_has_a_vector_that_breaks_it_and_a_verdict() {
    let office = office();
    let recorded = valid(&office);
    let (recording, keys) = (recorded.bytes.clone(), recorded.keys.clone());
    assert!(committed("valid.recording", || recording.clone()) == recording);
    let auditor = AuditorKey::from_bytes(office.auditors[0].bytes().clone());
    let valid = Case {
        must: 0,
        name: "valid",
        bytes: recording.clone(),
        keys,
        code: recorded.code,
        auditor,
        evidence: recorded.evidence,
    };
    assert_eq!(verdict(&office, &valid), "");
    let mut verdicts =
        String::from("What the checks find in each vector; valid.recording: nothing.\n");
    let cases = cases();
    check_document(&cases);
    for case in &cases {
        let file = format!("m{:02}-{}.recording", case.must, case.name);
        let opened_with = case.bytes == recording;
        if opened_with {
            let name = format!("m{:02}-{}", case.must, case.name);
            writeln!(verdicts, "\n{name} (valid.recording, opened otherwise)").unwrap();
        } else {
            assert!(
                committed(&file, || case.bytes.clone()) == case.bytes,
                "{file}"
            );
            writeln!(verdicts, "\n{file}").unwrap();
        }
        let found = verdict(&office, case);
        assert_ne!(found, "", "{file}");
        verdicts += &found;
    }
    let expected = committed("verdicts.txt", || verdicts.clone().into_bytes());
    assert_eq!(verdicts, String::from_utf8(expected).unwrap());
}

/// Every MUST of the document is numbered in order and has a case.
fn check_document(cases: &[Case]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recording-format.md");
    let text = std::fs::read_to_string(path).unwrap();
    let musts = text.lines().filter_map(|line| {
        let number = line.strip_prefix("- **M")?.split_once("**")?.0;
        Some(number.parse::<u8>().unwrap())
    });
    let mut count = 0;
    for (at, must) in musts.enumerate() {
        assert_eq!(usize::from(must), at + 1);
        assert!(cases.iter().any(|case| case.must == must), "M{must}");
        count = must;
    }
    assert_eq!(count, cases.iter().map(|case| case.must).max().unwrap());
}
