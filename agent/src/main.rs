//! fernsicht-agent: reads its command line and what is attached to it, and runs. Started by itself, it waits until
//! the other is gone, and lets go of what that one held.
// A window, and no black one beside it.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use fernsicht_agent::app::Link;
use fernsicht_agent::platform::aftercare;
use fernsicht_agent::session::{self, Engine};
use fernsicht_agent::view::Problem;
use fernsicht_agent::{cli, program};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // Nothing is said unless somebody asks for it, and then on standard error alone.
    if let Ok(filter) = EnvFilter::try_from_env("FERNSICHT_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == aftercare::ARGUMENT)
    {
        return match aftercare::run() {
            Ok(()) => ExitCode::SUCCESS,
            // Without an X server nothing is held.
            Err(_) => ExitCode::FAILURE,
        };
    }
    let mut ending = None;
    let arguments = cli::Arguments::parse();
    // A window that is destroyed while it is drawn panics in winit. The session ends in order all the same.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        program::run(arguments, |configuration, opened| {
            let setup = session::Setup {
                configuration,
                repaint: opened.repaint,
                window: opened.window,
            };
            match session::start(setup) {
                Ok(Engine {
                    view,
                    commands,
                    provenance,
                    ending: end,
                }) => {
                    ending = Some(end);
                    Link {
                        view,
                        commands,
                        provenance,
                    }
                }
                Err(_) => Link::broken(Problem::Internal),
            }
        })
    }));
    match (outcome, ending) {
        (Ok(outcome), Some(ending)) => {
            ending.wait();
            outcome
        }
        (Ok(outcome), None) => outcome,
        (Err(_), ending) => {
            if let Some(ending) = ending {
                ending.fail();
            }
            ExitCode::FAILURE
        }
    }
}
