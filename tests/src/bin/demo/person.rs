//! The demonstration for a person: relay, console and agent on the person's own display.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use fernsicht_tests::auditor::AUDITOR;
use fernsicht_tests::operator::Operator;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::wait;
use fernsicht_tests::xserver::Process;

use crate::say;

/// How long somebody may play.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Opens the programs and waits until the agent or the console is closed. Nothing is kept.
pub(crate) fn play(programs: &Programs) -> Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let operator = Operator::new(programs.clone(), folder.path())?;
    let mut relay = operator.serve()?;
    let home = operator.enrol()?;
    let auditor = operator.enrol_auditor(AUDITOR)?;
    let file = operator.agent(&operator.address())?;

    let mut console = Command::new(&programs.console);
    console.arg("--data").arg(&home).arg("--new-session");
    let mut console = Process::start("fernsicht-console", &mut console)?;
    let mut agent = Process::start("fernsicht-agent", &mut Command::new(&file))?;
    say("The console shows a code. Type it into the other window, which is the customer's.");
    say(&format!(
        "Control is recorded. The auditor opens the recording with the customer's receipt:\n  {} --data {} --passphrase-file {}",
        programs.auditor.display(),
        auditor.home().display(),
        auditor.passphrase_file().display()
    ));
    say("Close either window to end; then nothing is kept.");
    wait::until_true("a window to be closed", DAY, || {
        relay.process.check()?;
        Ok(console.child().try_wait()?.is_some() || agent.child().try_wait()?.is_some())
    })
}
