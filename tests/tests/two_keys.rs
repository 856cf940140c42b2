//! It takes two keys: real recordings, made through the real relay, and the auditor's real program. Whoever has
//! less than an auditor's key *and* the customer's code is refused, each with a verdict of his own.
//!
//! What is left out here: bytes that were altered (the crate `recordings`), and receipts of killed programs
//! (`receipt.rs`).

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use fernsicht_console::audit::identity::Store;
use fernsicht_console::audit::passphrase::Passphrase;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{Input, InputEvent};
use fernsicht_protocol::crypto::Secret;
use fernsicht_protocol::epoch::Epoch;
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::net::{Identity, Pin};
use fernsicht_protocol::receipt::{self, State};
use fernsicht_protocol::sealing::{self, AuditorKey, Binding, SealedKey};
use fernsicht_protocol::wire::Wire;
use fernsicht_recordings::verify::verify_outside;
use fernsicht_tests::auditor::{Auditor, PASSPHRASE};
use fernsicht_tests::clients::{self, Handed, PlainAuditor};
use fernsicht_tests::operator::{Operator, Relay, files_below};
use fernsicht_tests::pair::{Kind, Pair};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::wait;
use rand_core::OsRng;
use rusqlite::{Connection, params};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use zeroize::Zeroizing;

/// Exit codes of the auditor's program (docs/auditor.md).
mod exit {
    pub(super) const SOUND: i32 = 0;
    pub(super) const USAGE: i32 = 1;
    pub(super) const WRONG_CODE: i32 = 4;
    pub(super) const WRONG_KEY: i32 = 5;
    pub(super) const NO_RECORDING: i32 = 6;
    pub(super) const MISTYPED: i32 = 8;
    pub(super) const PASSPHRASE: i32 = 9;
    pub(super) const RELAY: i32 = 10;
}

#[test]
fn whoever_lacks_one_key_is_refused_by_name() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::open(&folder.path().join("here"))?;
    let right = house.operator.enrol_auditor("Ute Sommer")?;
    let codes = [house.recording(&right)?, house.recording(&right)?];
    // His key is as good as hers, and the recordings were never sealed to it.
    let late = house.operator.enrol_auditor("Jonas Brandt")?;
    let elsewhere = House::open(&folder.path().join("elsewhere"))?;
    let stranger = elsewhere.operator.enrol_auditor("Ida Fremd")?;
    let first = written(folder.path(), "first", &codes[0].grouped())?;

    // Both keys.
    let answer = house.closed(&right, &first)?;
    ensure!(answer["verdict"] == "sound", "{answer}");

    // The auditor's key without the code: none at all, an empty one, a mistyped one, a wrong one.
    refused(&right, &[], exit::USAGE)?;
    let empty = written(folder.path(), "empty", "")?;
    refused(&right, &["--code-file", &empty], exit::MISTYPED)?;
    let typo = mistyped(&codes[0]);
    let typo = written(folder.path(), "typo", &typo)?;
    refused(&right, &["--code-file", &typo], exit::MISTYPED)?;
    let wrong = Code::draw(&mut OsRng);
    let wrong = written(folder.path(), "wrong", &wrong.grouped())?;
    refused(&right, &["--code-file", &wrong], exit::NO_RECORDING)?;

    // The code without the auditor's key: another auditor's, one of another operator, the file without
    // its passphrase, and nobody's.
    let answer = refused(&late, &["--code-file", &first], exit::WRONG_KEY)?;
    ensure!(answer["verdict"] == "wrong auditor key", "{answer}");
    tells_nothing(&answer)?;
    refused(&stranger, &["--code-file", &first], exit::NO_RECORDING)?;
    // He turns to the relay that has it: as its own auditor does, with a certificate of another CA.
    fs::copy(right.home().join("relay"), stranger.home().join("relay"))?;
    refused(&stranger, &["--code-file", &first], exit::RELAY)?;
    fs::write(right.passphrase_file(), "zwei schwarze Raben über Sylt")?;
    refused(&right, &["--code-file", &first], exit::PASSPHRASE)?;
    fs::write(right.passphrase_file(), PASSPHRASE)?;
    let nobody = outsider(&late, folder.path())?;
    ensure!(nobody == Some(exit::USAGE), "nobody got {nobody:?}");

    // An export says the same, and leaves no film.
    let film = folder.path().join("film.mp4");
    let film_text = film.to_str().context("paths of tests are text")?;
    let export = ["export", "--case", CASE, "--code-file", &first];
    let output = late.run(&[&export[..], &["--video", film_text]].concat())?;
    ensure!(output.status.code() == Some(exit::WRONG_KEY), "{output:?}");
    ensure!(!film.exists(), "there is a film of what does not open");

    // Another recording's code: the relay hands out the first recording for the code of the second.
    let house = house.lies(&codes)?;
    let second = written(folder.path(), "second", &codes[1].grouped())?;
    let answer = refused(&right, &["--code-file", &second], exit::WRONG_CODE)?;
    ensure!(answer["verdict"] == "wrong code", "{answer}");
    tells_nothing(&answer)?;
    house.operator.command(&["access-log", "--verify"])?;
    Ok(())
}

#[test]
fn a_stolen_receipt_opens_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stage = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?.open()?;
    let (stage, receipt) = recorded_with_receipt(stage)?;
    let receipt = receipt.to_str().context("paths of tests are text")?;
    let right = &stage.auditors[0];
    let with = ["--receipt", receipt];
    wait::until_true("the recording to open with the receipt", STEP, || {
        Ok(verify(right, &with)?.0 == exit::SOUND)
    })?;

    // Another auditor of the same operator, one of another operator, the auditor's disk without the
    // passphrase, and whoever is no auditor.
    let late = stage.operator.enrol_auditor("Jonas Brandt")?;
    refused(&late, &with, exit::WRONG_KEY)?;
    let elsewhere = House::open(&folder.path().join("elsewhere"))?;
    let stranger = elsewhere.operator.enrol_auditor("Ida Fremd")?;
    refused(&stranger, &with, exit::WRONG_KEY)?;
    fs::write(right.passphrase_file(), "zwei schwarze Raben über Sylt")?;
    refused(right, &with, exit::PASSPHRASE)?;
    let nobody = Programs::find()?.auditor;
    let home = folder.path().join("nobody");
    let home = home.to_str().context("paths of tests are text")?;
    let thief = ["verify", "--case", CASE, "--data", home];
    let output = fernsicht_tests::programs::run(&nobody, &[&thief[..], &with].concat())?;
    ensure!(output.status.code() == Some(exit::USAGE), "{output:?}");
    Ok(())
}

#[test]
fn relay_and_operator_together_hold_neither_key() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut house = House::open(&folder.path().join("here"))?;
    let right = house.operator.enrol_auditor("Ute Sommer")?;
    let token = house.operator.auditor_token("Revision ohne Programm")?;
    let address = house.operator.address();
    let plain = house.block(PlainAuditor::enrol(&address, &token))?;
    let keys = [public(&right)?, plain.key.public()];
    let code = house.recording_for(&keys)?;
    let handed = wait::until("the recording to be closed", STEP, || {
        Ok(house.block(plain.open(CASE, &code))?.ok())
    })?;
    let locks = Locks::of(&handed, &house.pin)?;
    // The real keys fit these locks: it is not the test that cannot open them.
    ensure!(locks.opens_with_key(plain.key.bytes(), &code));
    ensure!(locks.opens_with_code(code.bytes(), &plain.key));

    // At rest, with everything that the relay writes when it ends.
    house.relay.process.terminate()?;
    house.relay.process.ended(STEP)?;
    let held = materials(&house.operator.data())?;
    let (longer, shorter) = (windows::<32>(&held), windows::<16>(&held));
    let kept = files_below(&house.operator.data().join("keys"))?;
    let daily = kept
        .iter()
        .find(|path| path.extension().is_some_and(|e| e == "key"));
    let daily: [u8; 32] = fs::read(daily.context("a daily key")?)?
        .try_into()
        .map_err(|_| anyhow::anyhow!("a daily key has 32 bytes"))?;
    ensure!(
        longer.contains(&daily),
        "what the relay holds is not among it"
    );
    for piece in &longer {
        let secret = Zeroizing::new(*piece);
        // With the customer's code: all that is lacking is an auditor's key, or what it opens.
        ensure!(
            !locks.opens_with_key(&secret, &code),
            "a piece of the relay's data is an auditor's key"
        );
        ensure!(
            !locks.is_secret(&secret),
            "a piece of the relay's data is the epoch's secret"
        );
    }
    for piece in &shorter {
        // With the auditor's key: all that is lacking is the code.
        ensure!(
            !locks.opens_with_code(piece, &plain.key),
            "a piece of the relay's data is the complaint code"
        );
    }

    // The search is not blind: where the keys do lie, it finds them.
    let planted = folder.path().join("planted");
    fs::create_dir(&planted)?;
    let noise = [b"before".as_slice(), plain.key.bytes().as_slice()].concat();
    fs::write(planted.join("key"), [&noise, b"behind".as_slice()].concat())?;
    fs::write(
        planted.join("code"),
        [b"x".as_slice(), code.bytes()].concat(),
    )?;
    let held = materials(&planted)?;
    let found = |piece: &[u8; 32]| locks.opens_with_key(&Zeroizing::new(*piece), &code);
    ensure!(windows::<32>(&held).iter().any(found));
    let found = |piece: &[u8; 16]| locks.opens_with_code(piece, &plain.key);
    ensure!(windows::<16>(&held).iter().any(found));
    Ok(())
}

/// The auditor's reference.
const CASE: &str = "Fall 7";

/// An operator with a running relay and a technician.
struct House {
    operator: Operator,
    relay: Relay,
    technician: Identity,
    pin: Pin,
    runtime: tokio::runtime::Runtime,
}

impl House {
    fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let operator = Operator::new(Programs::find()?, folder)?;
        let relay = operator.serve()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (address, token) = (operator.address(), operator.token()?);
        let enrolled = clients::enrol_technician(&address, &token);
        let (technician, pin) = runtime.block_on(enrolled)?;
        Ok(Self {
            operator,
            relay,
            technician,
            pin,
            runtime,
        })
    }

    fn block<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(work)
    }

    /// A controlled session, sealed to this auditor. Returns its code.
    fn recording(&self, auditor: &Auditor) -> Result<Code> {
        self.recording_for(&[public(auditor)?])
    }

    fn recording_for(&self, auditors: &[[u8; 32]]) -> Result<Code> {
        let address = self.operator.address();
        // A relay whose first auditor has just come offers control once it has tried its store.
        let pair = wait::until("a recorded session", STEP, || {
            let kind = Kind::Control(auditors);
            Ok(self
                .block(Pair::open(&address, &self.pin, &self.technician, kind))
                .ok())
        })?;
        self.block(async move {
            let mut pair = pair;
            for n in 0..50 {
                let event = InputEvent::Move { x: n, y: n };
                let input = Input {
                    beacon: 1,
                    layout: 1,
                    event,
                };
                let (to, class) = (Direction::ConsoleToAgent, Class::Input);
                pair.send(to, class, &input.to_bytes()).await?;
            }
            let code = pair.code.clone().context("a recorded session has a code")?;
            pair.end().await?;
            Ok(code)
        })
    }

    /// Verifies with both keys, once the relay has closed the recording.
    fn closed(&self, auditor: &Auditor, code_file: &str) -> Result<Value> {
        wait::until("the recording to be closed", STEP, || {
            let (code, answer) = verify(auditor, &["--code-file", code_file])?;
            Ok((code == exit::SOUND).then_some(answer))
        })
    }

    /// From here on the relay has the first recording under the second one's code.
    fn lies(mut self, codes: &[Code; 2]) -> Result<Self> {
        self.relay.process.terminate()?;
        self.relay.process.ended(STEP)?;
        let hashes = codes
            .each_ref()
            .map(|code| fernsicht_protocol::crypto::hash(code.open_token().as_slice()));
        let db = Connection::open(self.operator.data().join("catalogue.sqlite"))?;
        let rename = "UPDATE recordings SET open_hash = ?2 WHERE open_hash = ?1";
        for (from, to) in [(hashes[1], [0; 32]), (hashes[0], hashes[1])] {
            let changed = db.execute(rename, params![from, to])?;
            ensure!(changed == 1, "{changed} lines of the catalogue");
        }
        drop(db);
        self.relay = self.operator.serve()?;
        Ok(self)
    }
}

/// Asks the auditor's program. Returns its exit code and what it says in JSON.
fn verify(auditor: &Auditor, complaint: &[&str]) -> Result<(i32, Value)> {
    let ask = ["verify", "--case", CASE, "--json"];
    let output = auditor.run(&[&ask[..], complaint].concat())?;
    let printed = String::from_utf8(output.stdout)?;
    let code = output.status.code().context("it was killed")?;
    let answer = serde_json::from_str(printed.trim());
    Ok((code, answer.with_context(|| printed.clone())?))
}

/// The program must refuse with this exit code, and say so in its answer.
fn refused(auditor: &Auditor, complaint: &[&str], expected: i32) -> Result<Value> {
    let (code, answer) = verify(auditor, complaint)?;
    ensure!(
        code == expected && answer["exit"] == expected,
        "{complaint:?}: {code} instead of {expected}: {answer}"
    );
    let words = answer["failure"].as_str().or(answer["verdict"].as_str());
    ensure!(words.is_some_and(|words| !words.is_empty()), "{answer}");
    Ok(answer)
}

/// What does not open tells neither rights nor input.
fn tells_nothing(answer: &Value) -> Result<()> {
    ensure!(answer["rights"] == serde_json::json!([]), "{answer}");
    ensure!(answer["input"]["injected"] == 0, "{answer}");
    Ok(())
}

/// Somebody without keys. Returns the exit code.
fn outsider(auditor: &Auditor, folder: &Path) -> Result<Option<i32>> {
    let code_file = folder.join("first");
    let home = folder.join("nobody");
    let [code_file, home, passphrase] =
        [&code_file, &home, auditor.passphrase_file()].map(|path| path.to_str());
    let text = "paths of tests are text";
    let arguments = [
        "verify",
        "--case",
        CASE,
        "--code-file",
        code_file.context(text)?,
        "--data",
        home.context(text)?,
        "--passphrase-file",
        passphrase.context(text)?,
    ];
    let output = fernsicht_tests::programs::run(&Programs::find()?.auditor, &arguments)?;
    Ok(output.status.code())
}

/// What recordings are sealed to.
fn public(auditor: &Auditor) -> Result<[u8; 32]> {
    let passphrase = Passphrase::new(PASSPHRASE.to_owned().into())?;
    let store = Store::new(Some(auditor.home().to_owned()))?;
    Ok(store.open(&passphrase)?.opening.public())
}

/// The code with one symbol read wrongly.
fn mistyped(code: &Code) -> String {
    let symbols = code.symbols();
    let (first, rest) = symbols.split_at(1);
    let other = if first == "7" { "8" } else { "7" };
    other.to_owned() + rest
}

fn written(folder: &Path, name: &str, text: &str) -> Result<String> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    let path = path.to_str().context("paths of tests are text")?;
    Ok(path.to_owned())
}

/// A controlled session with the real agent, to its end. Returns the completed receipt.
fn recorded_with_receipt(mut stage: Stage) -> Result<(Stage, PathBuf)> {
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.end_by_customer()?;
    let receipt = wait::until("the completed receipt", STEP, || {
        let Some(path) = stage.operator.receipts()?.pop() else {
            return Ok(None);
        };
        let receipt = receipt::parse(&fs::read(&path)?)?;
        let complete = matches!(receipt.state, State::Completed { .. });
        Ok(complete.then_some(path))
    })?;
    Ok((stage, receipt))
}

/// What keeps a recording closed, and what to try on it.
struct Locks {
    binding: Binding,
    sealed: Vec<SealedKey>,
    session: [u8; 16],
}

impl Locks {
    fn of(handed: &Handed, pin: &Pin) -> Result<Self> {
        let outline = verify_outside(&handed.file, &pin.ca);
        let epoch = outline.epochs.first().context("an epoch")?;
        let opening = &epoch.opening;
        let sealed = handed.keys.0.first().context("sealed keys")?;
        Ok(Self {
            binding: Binding {
                session: opening.session,
                rid: opening.rid,
                epoch: opening.epoch,
                commitment: opening.commitment,
                leaf: opening.leaf(),
                th2: opening.th2,
            },
            sealed: sealed.sealed_keys.0.clone(),
            session: opening.session,
        })
    }

    /// Whether the code and this as an auditor's private key open one of the sealed keys.
    fn opens_with_key(&self, key: &Secret, code: &Code) -> bool {
        let key = AuditorKey::from_bytes(key.clone());
        let opens = |sealed| sealing::unseal(&self.binding, &key, code, sealed).is_ok();
        self.sealed.iter().any(opens)
    }

    /// Whether an auditor's key and this as the complaint code open one of them.
    fn opens_with_code(&self, code: &[u8; 16], key: &AuditorKey) -> bool {
        let code = Code::from_bytes(*code);
        let opens = |sealed| sealing::unseal(&self.binding, key, &code, sealed).is_ok();
        self.sealed.iter().any(opens)
    }

    /// Whether this is what the keys of all frames come from.
    fn is_secret(&self, secret: &Secret) -> bool {
        let Binding {
            rid, epoch, th2, ..
        } = &self.binding;
        let epoch = Epoch::new(&self.session, Some(*rid), *epoch, th2, secret);
        epoch.commitment() == self.binding.commitment
    }
}

/// Everything below a folder, byte for byte; private keys in PEM as the bytes that they stand for, too.
fn materials(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut held = Vec::new();
    for path in files_below(folder)? {
        let bytes = fs::read(&path)?;
        if let Ok(key) = PrivateKeyDer::from_pem_slice(&bytes) {
            held.push(key.secret_der().to_vec());
        }
        held.push(bytes);
    }
    ensure!(!held.is_empty(), "nothing lies in {}", folder.display());
    Ok(held)
}

/// All pieces of `N` bytes that could have been drawn: chance does not repeat itself.
fn windows<const N: usize>(held: &[Vec<u8>]) -> HashSet<[u8; N]> {
    let pieces = held.iter().flat_map(|bytes| bytes.windows(N));
    let drawn = |piece: &[u8; N]| {
        let mut seen = [false; 256];
        piece
            .iter()
            .for_each(|byte| seen[usize::from(*byte)] = true);
        seen.iter().filter(|seen| **seen).count() > N / 2
    };
    pieces
        .filter_map(|piece| piece.try_into().ok())
        .filter(drawn)
        .collect()
}
