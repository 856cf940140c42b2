//! Seeds of the fuzz targets from a session of the real programs: what was sealed, recorded, written and typed.
//!
//! Not a test, and never run with them: `cargo test --workspace --test seeds -- --ignored` writes into `tests/fuzz/corpus`,
//! where `libFuzzer -merge=1` picks what is worth keeping.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use fernsicht_protocol::attached;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{AgentNotice, Cause, Chat, ConsoleNotice};
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::{Class, Direction, Frame};
use fernsicht_protocol::fuzzing::parsers::KINDS;
use fernsicht_protocol::messages::{
    AgentToConsole, AgentToRelay, ConsoleToAgent, ConsoleToRelay, RecordingOpen, RelayToAgent,
    RelayToConsole,
};
use fernsicht_protocol::receipt;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::Wire;
use fernsicht_recordings::format::{Body, Opening};
use fernsicht_recordings::open::{Opened, open};
use fernsicht_recordings::reader::Records;
use fernsicht_tests::apps::App;
use fernsicht_tests::clients::{self, Handed};
use fernsicht_tests::customer::Button;
use fernsicht_tests::keymap::keysyms::{self, ALT, CONTROL};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP};
use fernsicht_tests::transfer::{answered, asked, press, type_path};
use fernsicht_tests::wait;

/// Longer ones would only be slow to vary.
const LONGEST: usize = 2048;

/// A screen that rests has shown what was asked for.
const REST: Duration = Duration::from_millis(700);

/// So many of each kind.
const MANY: usize = 12;

#[test]
#[ignore = "writes seeds; no test"]
fn a_real_session_gives_seeds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let layout = Layout {
        plain_auditor: true,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let terminal = App::terminal(&backdrop.customer_screen, "Eingabe", "40x10+10+10", "cat")?;
    let mut seeds = Seeds::default();
    seeds.add("token", backdrop.operator.token()?.trim().as_bytes());
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    seeds.add("code", code.as_bytes());
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.turn_to(terminal.window().centre()?)?;
    for line in ["Anschluss frei", "Größe 3 µm", "x"] {
        stage.technician.type_text(line)?;
        thread::sleep(Duration::from_millis(700));
    }
    stage.technician.shortcut(&[CONTROL, ALT], 'n')?;
    stage.technician_view.settled(REST, STEP)?;
    stage.technician.type_text("Guten Tag, wo hakt es?")?;
    stage.technician.key(keysyms::RETURN)?;
    let file = folder.path().join("Rechnung 2026-11.txt");
    fs::write(&file, "Anschluss frei")?;
    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    press(&stage, Button::FileYes, || answered(&stage))?;
    thread::sleep(REST);
    stage.end_by_customer()?;

    let code = Code::parse(stage.complaint_code()?)?;
    seeds.add("complaint", code.grouped().as_bytes());
    seeds.add("complaint", code.lookup().to_string().as_bytes());
    let auditor = stage.plain_auditor.take().context("a plain auditor")?;
    let handed = wait::until("the recording to be closed", STEP, || {
        Ok(clients::block_on(auditor.open("seeds", &code))?.ok())
    })?;
    let ca = stage.operator.authority()?.fingerprint();
    let opened = open(&handed.file[..], &handed.keys.0, &code, &auditor.key, &ca)?;
    seeds.recorded(&handed, &opened)?;
    for path in stage.operator.receipts()? {
        let receipt = receipt::parse(&fs::read(path)?)?;
        seeds.add("receipt", &[&[1], receipt.to_bytes().as_slice()].concat());
    }
    let agent = stage.operator.agent(&stage.operator.address())?;
    let configuration = attached::read(&fs::read(agent)?)?;
    seeds.add("attached", &configuration.to_bytes());
    println!("{:?}", seeds.kept);
    Ok(())
}

#[derive(Default)]
struct Seeds {
    kept: HashMap<String, usize>,
}

impl Seeds {
    /// One seed, named by its content as the fuzzer names what it finds.
    fn add(&mut self, target: &str, bytes: &[u8]) {
        self.add_some(target, target, bytes);
    }

    fn add_some(&mut self, target: &str, kind: &str, bytes: &[u8]) {
        let longest = if target == "recording" { 8 } else { 1 } * LONGEST;
        let kept = self.kept.entry(kind.to_owned()).or_default();
        if bytes.len() > longest || *kept == MANY {
            return;
        }
        *kept += 1;
        let name: String = hash(bytes)[..10]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        fs::write(corpus.join(target).join(name), bytes).expect("the corpora can be written");
    }

    /// A message or a content of the kind of this name.
    fn message<T: Wire>(&mut self, name: &str, value: &T) {
        self.content(name, &value.to_bytes());
    }

    fn content(&mut self, name: &str, bytes: &[u8]) {
        let kind = KINDS.iter().position(|(kind, _)| *kind == name);
        let kind = kind.expect("every kind is in the table") as u8;
        self.add_some("messages", name, &[&[kind], bytes].concat());
    }

    fn recorded(&mut self, handed: &Handed, opened: &Opened<&[u8]>) -> Result<()> {
        let mut buffer = Vec::new();
        let mut run = vec![1];
        for record in Records::new(&handed.file)? {
            let record = record?;
            if record.end() <= 4 * LONGEST as u64 {
                let cut = &handed.file[..record.end() as usize];
                self.add("recording", cut);
            }
            match record.parse()? {
                Body::Opening(opening) => self.opening(&opening, handed),
                Body::EpochSignature { epoch, signature } => {
                    let said = ConsoleToRelay::EpochSignature { epoch, signature };
                    self.message("ConsoleToRelay", &said);
                }
                Body::Checkpoint(checkpoint) => {
                    let checkpoint = *checkpoint;
                    let said = RelayToAgent::Checkpoint { checkpoint };
                    self.message("RelayToAgent", &said);
                }
                Body::Frame { header, ciphertext } => {
                    let kind = format!("frame {:?} {:?}", header.class, header.direction);
                    self.add_some("frame", &kind, &header.encode());
                    let ciphertext = ciphertext.to_vec();
                    let unit = Record::Frame(Frame { header, ciphertext }).encode();
                    if run.len() + unit.len() <= 1024 {
                        run.extend(unit);
                    }
                }
                Body::Tombstone { .. }
                | Body::Dropped { .. }
                | Body::Gap { .. }
                | Body::End { .. } => {}
            }
        }
        self.add("unit", &run);
        for (at, entry) in opened.index().iter().enumerate() {
            let (Some(frame), Some(Ok(content))) = (entry.frame, opened.content(at, &mut buffer))
            else {
                continue;
            };
            let agents = frame.direction == Direction::AgentToConsole;
            match frame.class {
                Class::Rights => self.content("Cause", content),
                Class::Input => self.content("Input", content),
                Class::Acks if agents => self.content("InputAck", content),
                Class::Acks => self.content("PictureAck", content),
                Class::Heads => self.content("PeerHeads", content),
                Class::Notices if agents => {
                    self.content("AgentNotice", content);
                    if let AgentNotice::Transfer { name, .. } = AgentNotice::from_bytes(content)? {
                        self.add("transfer", &[&[0], name.as_str().as_bytes()].concat());
                    }
                }
                Class::Notices => {
                    self.content("ConsoleNotice", content);
                    if let ConsoleNotice::Chat {
                        chat: Chat::Line { text, .. },
                    } = ConsoleNotice::from_bytes(content)?
                    {
                        self.add("chat", &[&[0], text.as_str().as_bytes()].concat());
                    }
                }
                Class::Beacon => self.content("Beacon", content),
                Class::Pointer => self.content("Pointer", content),
                Class::Picture | Class::Refinement => self.add("picture", content),
                Class::Transfer => {}
            }
        }
        self.message("Cause", &Cause::Granted);
        Ok(())
    }

    /// What was said when an epoch was opened.
    fn opening(&mut self, opening: &Opening, handed: &Handed) {
        for chain in [&opening.technician, &opening.signer] {
            for certificate in &chain.0 {
                let by_itself = [&[0, 4], certificate.0.as_slice()].concat();
                self.add("certificate", &by_itself);
            }
        }
        let said = ConsoleToAgent::Technician {
            chain: opening.technician.clone(),
            signature: opening.signature,
        };
        self.message("ConsoleToAgent", &said);
        let (epoch, rid) = (opening.epoch, Some(opening.rid));
        let said = AgentToConsole::EpochStart {
            epoch,
            rid,
            secret: opening.commitment,
            sealed_keys_hash: opening.sealed_keys_hash,
        };
        self.message("AgentToConsole", &said);
        let keys = handed.keys.0.iter().find(|keys| keys.epoch == epoch);
        let recording = keys.map(|keys| RecordingOpen {
            rid: opening.rid,
            commitment: opening.commitment,
            sealed_keys: keys.sealed_keys.clone(),
            open_hash: [4; 32],
            lookup_hash: handed.about.lookup_hash,
            deletion: opening.deletion,
        });
        let said = AgentToRelay::EpochOpen { epoch, recording };
        self.message("AgentToRelay", &said);
        let chain = opening.signer.clone();
        let said = RelayToConsole::Enrolled { chain };
        self.message("RelayToConsole", &said);
    }
}
