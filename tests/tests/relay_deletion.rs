//! What is deleted is gone: neither keys nor frames are left anywhere in the data directory, and a backup
//! without the key directory opens nothing. What was only looked at was never there.
//!
//! Judged by reading every byte of every file, SQLite's free pages and write-ahead log included.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::content::{Input, InputEvent};
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::wire::Wire;
use fernsicht_tests::clients::{self, Handed, PlainAuditor};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::operator::{Operator, files_below};
use fernsicht_tests::pair::{Kind, Pair};
use fernsicht_tests::programs::Programs;

/// Pieces of a recording that are looked for.
const NEEDLES: usize = 60;

/// Their length: chance does not make such a piece twice.
const NEEDLE: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_deletion_no_byte_of_keys_or_frames_is_left() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let mut relay = operator.serve()?;
    let address = operator.address();
    let (technician, pin) = clients::enrol_technician(&address, &operator.token()?).await?;
    let auditor = PlainAuditor::enrol(&address, &operator.auditor_token("Ute Sommer")?).await?;
    let auditors = [auditor.key.public()];
    let mut codes = Vec::new();
    for _ in 0..2 {
        let mut pair = Pair::open(&address, &pin, &technician, Kind::Control(&auditors)).await?;
        codes.push(pair.code.clone().context("a recorded session has a code")?);
        work(&mut pair, 200).await?;
        pair.end().await?;
    }
    let mut handed = Vec::new();
    for code in &codes {
        let answer = auditor.open("deletion", code).await?;
        handed.push(answer.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?);
    }
    let pieces: Vec<_> = handed.iter().map(pieces).collect();
    for pieces in &pieces {
        let found = present(&operator.data(), &pieces.frames)?;
        ensure!(
            found == pieces.frames.len(),
            "only {found} pieces stand in the store before"
        );
    }
    // As a backup takes it: everything but the keys.
    let backup = folder.path().join("backup");
    copy(&operator.data(), &backup)?;
    let keys = backup.join("keys");
    ensure!(keys.is_dir(), "the key directory has another name");
    fs::remove_dir_all(&keys)?;

    let number = codes[0].lookup().to_string();
    operator.command(&["recordings", "delete", &number, "--reason", "withdrawal"])?;
    operator.command(&["recordings", "prune"])?;
    let gone = |what: &str, needles: &[Vec<u8>]| -> Result<()> {
        let left = present(&operator.data(), needles)?;
        ensure!(
            left == 0,
            "{left} of {} pieces of {what} are still there",
            needles.len()
        );
        Ok(())
    };
    gone("the frames", &pieces[0].frames)?;
    gone("the keys", &pieces[0].keys)?;
    let other = present(&operator.data(), &pieces[1].frames)?;
    ensure!(
        other == pieces[1].frames.len(),
        "the other recording was touched"
    );
    let log = operator.command(&["access-log", "--recording", &number])?;
    ensure!(
        log.to_lowercase().contains("withdrawal"),
        "the deletion is not in the log: {log}"
    );
    operator.command(&["access-log", "--verify"])?;
    ensure!(
        auditor.open("deletion", &codes[0]).await?.is_err(),
        "what is deleted was handed out"
    );
    ensure!(
        auditor.open("deletion", &codes[1]).await?.is_ok(),
        "the other one does not open"
    );

    // The backup takes the place of the data directory.
    relay.process.terminate()?;
    relay.process.ended(Duration::from_secs(20))?;
    fs::rename(operator.data(), folder.path().join("away"))?;
    fs::rename(&backup, operator.data())?;
    let restored = operator.serve();
    if let Ok(_relay) = restored {
        let answer = auditor.open("restored", &codes[0]).await;
        if let Ok(Ok(handed)) = answer {
            ensure!(
                handed
                    .keys
                    .0
                    .iter()
                    .all(|epoch| epoch.sealed_keys.0.is_empty()),
                "a restored backup gave keys of what was deleted"
            );
        }
    }
    gone("the keys in the backup", &pieces[0].keys)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_are_only_looked_at_leave_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let operator = Operator::new(Programs::find()?, folder.path())?;
    let _relay = operator.serve()?;
    let address = operator.address();
    let (technician, pin) = clients::enrol_technician(&address, &operator.token()?).await?;
    let _auditor = PlainAuditor::enrol(&address, &operator.auditor_token("Ute Sommer")?).await?;
    let before = sizes(&operator.data())?;
    let mut pair = Pair::open(&address, &pin, &technician, Kind::View).await?;
    for n in 0..200u64 {
        let content = vec![n as u8; 9_000];
        pair.send(Direction::AgentToConsole, Class::Picture, &content)
            .await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let arrived = pair.noted().at_console.len();
    ensure!(arrived > 150, "only {arrived} pictures arrived");
    pair.end().await?;
    let after = sizes(&operator.data())?;
    ensure!(
        before == after,
        "files changed: {before:?} became {after:?}"
    );
    let list = operator.command(&["recordings", "list"])?;
    ensure!(!list.contains('-'), "a recording is listed: {list}");
    Ok(())
}

async fn work(pair: &mut Pair, frames: u64) -> Result<()> {
    let mut dice = Dice::fresh();
    for n in 0..frames {
        let event = InputEvent::Move { x: 7, y: n as u16 };
        let input = Input {
            beacon: 1,
            layout: 1,
            event,
        };
        pair.send(Direction::ConsoleToAgent, Class::Input, &input.to_bytes())
            .await?;
        let content = vec![n as u8; 500 + dice.roll(20_000) as usize];
        pair.send(Direction::AgentToConsole, Class::Picture, &content)
            .await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

struct Pieces {
    frames: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
}

fn pieces(handed: &Handed) -> Pieces {
    let mut dice = Dice::fresh();
    let room = handed.file.len() - NEEDLE;
    // The first kilobytes hold certificates, which the register has for its own reasons.
    let from = room / 4;
    let piece = |_| {
        let at = from + dice.roll((room - from) as u32) as usize;
        handed.file[at..at + NEEDLE].to_vec()
    };
    let keys = handed
        .keys
        .0
        .iter()
        .flat_map(|epoch| epoch.sealed_keys.0.iter());
    Pieces {
        frames: (0..NEEDLES).map(piece).collect(),
        keys: keys.map(|key| key.sealed.0[..NEEDLE].to_vec()).collect(),
    }
}

/// How many of the needles stand anywhere below a folder.
fn present(folder: &Path, needles: &[Vec<u8>]) -> Result<usize> {
    const START: usize = 8;
    let mut missing: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
    for needle in needles {
        missing.entry(&needle[..START]).or_default().push(needle);
    }
    let mut found: HashSet<&[u8]> = HashSet::new();
    for path in files_below(folder)? {
        let bytes = fs::read(path)?;
        for (at, start) in bytes.windows(START).enumerate() {
            let Some(begun) = missing.get(start) else {
                continue;
            };
            found.extend(
                begun
                    .iter()
                    .copied()
                    .filter(|needle| bytes[at..].starts_with(needle)),
            );
        }
    }
    Ok(needles
        .iter()
        .filter(|needle| found.contains(needle.as_slice()))
        .count())
}

fn sizes(folder: &Path) -> Result<Vec<(std::path::PathBuf, u64)>> {
    let size = |path: std::path::PathBuf| Ok((path.clone(), fs::metadata(path)?.len()));
    files_below(folder)?.into_iter().map(size).collect()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").args([from, to]).status()?;
    ensure!(status.success(), "cp failed");
    Ok(())
}
