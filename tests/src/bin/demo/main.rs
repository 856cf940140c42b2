//! `make demo`: a whole session of the real programs.
//!
//! - Without a display: on two virtual screens, driven by those screens' own keyboards and mice,
//!   measured from outside; `target/demo/*.png` and `target/demo/summary.json`.
//! - With a Windows agent: the same story under wine, as far as it can be told there ([`windows`]).
//! - With a display: relay, console and agent on it, for a person to play with.
//!
//! There is no switch in the agent for this: every grant is a key press on one of its buttons.

mod complaint;
mod person;
mod revoke;
mod script;
mod summary;
mod windows;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fernsicht_tests::programs::Programs;

/// Demonstrates Fernsicht with the real programs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Uses virtual screens even if there is a display.
    #[arg(long)]
    driven: bool,
    /// Where pictures and figures go.
    #[arg(long, value_name = "FOLDER", default_value = "target/demo")]
    output: PathBuf,
    /// A Windows agent, bare: runs under wine, on virtual screens.
    #[arg(long, value_name = "FILE")]
    windows: Option<PathBuf>,
    /// How many revocations are measured.
    #[arg(long, default_value_t = 50)]
    revocations: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = Programs::find()?;
    if let Some(agent) = &arguments.windows {
        let agent = agent.canonicalize()?;
        let programs = Programs { agent, ..programs };
        return windows::demonstrate(programs, &arguments.output, arguments.revocations);
    }
    if std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty()) && !arguments.driven {
        return person::play(&programs);
    }
    let idle = std::env::var("FERNSICHT_DEMO_IDLE_S")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60);
    let plan = script::Plan {
        output: arguments.output.clone(),
        revocations: arguments.revocations,
        idle: Duration::from_secs(idle),
    };
    script::demonstrate(programs, &plan)
}

/// A line for whoever watches.
#[expect(
    clippy::print_stderr,
    reason = "the demo speaks to the person who started it"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
