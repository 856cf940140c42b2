//! Files at length: a gigabyte each way in bounded memory, and one over a line that loses packets.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::net::{self, Impairment, Resident, Streets};
use fernsicht_tests::proc::peak_kib;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::transfer::{
    answered, asked, call, choose, content, downloads, press, type_path,
};
use fernsicht_tests::wait;

use crate::item::{Context, Outcome};

/// The great file, and the one for the poor line.
const GREAT: u64 = 1 << 30;
const SMALL: usize = 16 << 20;

/// How long a gigabyte may take.
const LONG: Duration = Duration::from_secs(30 * 60);

/// More memory than before, at each program, for a file of any size.
const MOST_KIB: u64 = 48 << 10;

/// Where the gigabyte goes.
#[derive(Debug, Clone, Copy)]
enum Way {
    ToCustomer,
    FromCustomer,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::ToCustomer => "to_customer",
            Self::FromCustomer => "from_customer",
        }
    }
}

pub(crate) fn files(context: &Context) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for way in [Way::ToCustomer, Way::FromCustomer] {
        outcome.runs += 1;
        if let Err(error) = great(context, &mut outcome, way) {
            let name = way.name();
            outcome.failed.push(format!("a gigabyte {name}: {error:#}"));
        }
    }
    if net::possible()? {
        outcome.runs += 1;
        if let Err(error) = poor_line(context, &mut outcome) {
            outcome.failed.push(format!("the poor line: {error:#}"));
        }
    }
    Ok(outcome)
}

/// No two blocks of it are the same.
fn write_great(file: &Path) -> Result<()> {
    let block = content(1 << 20);
    let mut out = File::create(file)?;
    for n in 0..GREAT / block.len() as u64 {
        out.write_all(&n.to_le_bytes())?;
        out.write_all(&block[8..])?;
    }
    Ok(())
}

fn great(context: &Context, outcome: &mut Outcome, way: Way) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let backdrop = Backdrop::raise(context.programs.clone(), folder.path(), Layout::default())?;
    let mut stage = call(backdrop.without_tap())?;
    let (file, here) = match way {
        Way::ToCustomer => (folder.path().join("great.bin"), downloads(&stage)),
        Way::FromCustomer => {
            let here = folder.path().join("received");
            std::fs::create_dir(&here)?;
            let documents = stage.operator.customer().join("Documents");
            (documents.join("great.bin"), here)
        }
    };
    write_great(&file)?;
    let pids = |stage: &Stage| {
        [
            ("agent", stage.agent.pid()),
            ("relay", stage.relay.process.pid()),
            ("console", stage.console.pid()),
        ]
    };
    let mut before = Vec::new();
    for (name, pid) in pids(&stage) {
        before.push((name, peak_kib(pid)?));
    }
    let shown = stage.customer_view.grab()?;
    let answer = match way {
        Way::ToCustomer => {
            type_path(&stage, 'u', &file)?;
            Button::FileYes
        }
        Way::FromCustomer => {
            type_path(&stage, 'o', &here)?;
            // Without the tap no rights are seen: the bar grows by the question.
            wait::until_true("the question", STEP, || {
                Ok(stage.customer_view.grab()? != shown)
            })?;
            choose(&stage, &file)?;
            Button::FileSend
        }
    };
    let began = || Ok(std::fs::read_dir(&here)?.next().is_some());
    press(&stage, answer, began)?;
    let since = Instant::now();
    let placed = here.join("great.bin");
    wait::until_true("the gigabyte", LONG, || {
        stage.check()?;
        Ok(placed.exists())
    })?;
    let seconds = since.elapsed().as_secs_f64();
    let named = |what: &str| format!("{}_{what}", way.name());
    outcome.measure(&named("seconds"), &seconds)?;
    outcome.measure(&named("mb_per_second"), &(GREAT as f64 / 1e6 / seconds))?;
    for ((name, pid), (_, before)) in pids(&stage).into_iter().zip(before) {
        let more = peak_kib(pid)?.saturating_sub(before);
        outcome.measure(&named(&format!("{name}_more_kib")), &more)?;
        ensure!(more < MOST_KIB, "{name} took {more} KiB more");
    }
    ensure!(same(&file, &placed)?, "the file is another one");
    Ok(())
}

fn poor_line(context: &Context, outcome: &mut Outcome) -> Result<()> {
    let mut dice = Dice::fresh();
    outcome.seed(dice.seed());
    let streets = Arc::new(Streets::build(&mut dice)?);
    let folder = tempfile::tempdir()?;
    // The screens stay outside: within, they would not see which numbers are taken.
    let backdrop = Backdrop::raise(context.programs.clone(), folder.path(), Layout::default())?
        .at_ends_of(Arc::clone(&streets))?;
    let (path, lines) = (folder.path(), Arc::clone(&streets));
    let seconds = streets
        .operator
        .enter(move || over_poor_line(backdrop, &lines, path))?;
    outcome.measure("poor_line_seconds", &seconds)
}

fn over_poor_line(backdrop: Backdrop, streets: &Streets, folder: &Path) -> Result<f64> {
    let stage = call(backdrop)?;
    let file = folder.join("small.bin");
    std::fs::write(&file, content(SMALL))?;
    type_path(&stage, 'u', &file)?;
    asked(&stage)?;
    press(&stage, Button::FileYes, || answered(&stage))?;
    streets.line(Resident::Customer).impair(Impairment {
        loss: 30,
        delay: Duration::from_millis(40),
        jitter: Duration::from_millis(20),
        rate: Some(1_000_000),
        queue: 128 << 10,
        ..Impairment::default()
    });
    let since = Instant::now();
    let placed = downloads(&stage).join("small.bin");
    wait::until_true("the file", LONG, || Ok(placed.exists()))?;
    let seconds = since.elapsed().as_secs_f64();
    ensure!(same(&file, &placed)?, "the file is another one");
    Ok(seconds)
}

/// Compares without holding a file.
fn same(one: &Path, other: &Path) -> Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.seek(SeekFrom::End(0))? != other.seek(SeekFrom::End(0))? {
        return Ok(false);
    }
    one.rewind()?;
    other.rewind()?;
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let length = one.read(&mut a)?;
        if length == 0 {
            return Ok(true);
        }
        other.read_exact(&mut b[..length])?;
        if a[..length] != b[..length] {
            return Ok(false);
        }
    }
}
