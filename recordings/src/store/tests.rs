//! The store on real files, with everything that can go wrong below it.

mod clocks;
mod deletions;
mod lives;
mod logs;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fernsicht_protocol::checkpoint::{Checkpoint, SignedCheckpoint};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::crypto::{self, SigningKey};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::SealedKey;
use fernsicht_protocol::wire::{Blob, List, Wire};
use rand_core::OsRng;

use super::faults::Faults;
use super::retention::Reading;
use super::*;
use crate::format::{Kind, file_header};

/// 2026-11-22, noon UTC.
const NOW: u64 = 1_795_348_800;
const DAY: u64 = 24 * 3600;

/// A data directory on a layer that can fail.
struct Rig {
    dir: tempfile::TempDir,
    faults: Faults,
    signer: Arc<SigningKey>,
}

/// What a test knows of a recording.
struct Made {
    id: RecordingId,
    code: Code,
    sealed: SealedKeys,
    bytes: Vec<u8>,
}

impl Rig {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            faults: Faults::new(),
            signer: Arc::new(SigningKey::draw(&mut OsRng)),
        }
    }

    fn data(&self) -> &Path {
        self.dir.path()
    }

    fn store(&self) -> Store {
        self.try_store().unwrap()
    }

    fn try_store(&self) -> Result<Store, Error> {
        Store::open_on(
            Settings::usual(self.data()),
            self.signer.clone(),
            Arc::new(self.faults.clone()),
        )
    }
}

/// What one recording begins with.
fn new_recording(code: &Code, now: u64) -> NewRecording {
    NewRecording {
        open_hash: crypto::hash(code.open_token().as_slice()),
        lookup_hash: code.lookup().hash(),
        deletion: fernsicht_protocol::retention::latest_deletion(now),
        technician: Technician {
            id: 7,
            name: "Erika Weber".to_owned(),
            organisation: "Nordlicht".to_owned(),
        },
        case: "2026-17".to_owned(),
    }
}

fn sealed() -> SealedKeys {
    let key = || SealedKey {
        auditor: [7; 32],
        sealed: Blob(random(96)),
    };
    List(vec![key(), key()])
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand_core::RngCore::fill_bytes(&mut OsRng, &mut bytes);
    bytes
}

/// A recording file as far as the store looks into one: frames, then a checkpoint.
fn recording_bytes(frames: usize) -> Vec<u8> {
    let mut bytes = file_header().to_vec();
    for number in 0..frames {
        bytes.extend_from_slice(&frame(number as u64));
    }
    bytes.extend_from_slice(&checkpoint(bytes.len() as u64));
    bytes
}

/// A record with a frame that nobody can open.
fn frame(number: u64) -> Vec<u8> {
    let ciphertext = random(1000);
    let header = Header {
        epoch: 1,
        direction: Direction::AgentToConsole,
        class: Class::Picture,
        number,
        grant: 1,
        rights: Rights::default(),
        length: ciphertext.len() as u32,
    };
    record(Kind::Frame, &[&header.encode()[..], &ciphertext].concat())
}

fn checkpoint(length: u64) -> Vec<u8> {
    let checkpoint = Checkpoint {
        rid: [1; 16],
        length,
        chain: [2; 32],
        heads: List(Vec::new()),
        time: NOW * 100,
    };
    let signer = SigningKey::draw(&mut OsRng);
    let signed = SignedCheckpoint::sign(checkpoint, &signer);
    record(Kind::Checkpoint, &signed.to_bytes())
}

fn record(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32 + 9).to_be_bytes().to_vec();
    bytes.push(kind as u8);
    bytes.extend_from_slice(&(NOW * 100).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Begins a recording and writes all of it, synced.
fn write(store: &Store, now: u64) -> Made {
    let code = Code::draw(&mut OsRng);
    let mut begun = store.begin(&new_recording(&code, now), now).unwrap();
    let sealed = sealed();
    store.keep_keys(begun.id, 1, &sealed).unwrap();
    let bytes = recording_bytes(20);
    begun.file.append(&bytes).unwrap();
    begun.file.sync().unwrap();
    Made {
        id: begun.id,
        code,
        sealed,
        bytes,
    }
}

/// [`write`], to its end, and moved.
fn finish(store: &Store, now: u64) -> Made {
    let made = write(store, now);
    store
        .end(made.id, made.bytes.len() as u64, now + 60)
        .unwrap();
    store.move_finished().unwrap();
    made
}

fn read_all(mut reading: hand_out::Reading) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(block) = reading.next_blocking()? {
        all.extend_from_slice(&block);
    }
    Ok(all)
}

/// What would open a recording, or is a part of it.
fn traces(made: &Made) -> Vec<(&'static str, Vec<u8>)> {
    let mut traces = vec![
        (
            "H(T_open)",
            crypto::hash(made.code.open_token().as_slice()).to_vec(),
        ),
        ("T_open", made.code.open_token().to_vec()),
        ("frames", made.bytes[100..140].to_vec()),
        ("last frames", made.bytes[made.bytes.len() - 40..].to_vec()),
    ];
    traces.extend(
        made.sealed
            .0
            .iter()
            .map(|key| ("a key", key.sealed.0[..16].to_vec())),
    );
    traces
}

/// Which of these stand anywhere in a directory.
fn found(dir: &Path, traces: &[(&'static str, Vec<u8>)]) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(found(&path, traces));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for (what, trace) in traces {
            if bytes.windows(trace.len()).any(|window| window == trace) {
                all.push(format!("{what} in {}", path.display()));
            }
        }
    }
    all
}

fn copy_tree(from: &Path, to: &Path, without: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == without {
            continue;
        }
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target, without);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn at(wall_s: u64) -> Reading {
    Reading {
        wall_s,
        boot: "one".to_owned(),
        uptime_s: wall_s - NOW + 1000,
    }
}
