//! fernsicht-agent: reads its command line and what is attached to it, and runs.

use std::process::ExitCode;

use clap::Parser;
use fernsicht_agent::app::Link;
use fernsicht_agent::session::{self, Engine};
use fernsicht_agent::view::Problem;
use fernsicht_agent::{cli, program};

fn main() -> ExitCode {
    let mut ending = None;
    let outcome = program::run(cli::Arguments::parse(), |configuration, opened| {
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
    });
    if let Some(ending) = ending {
        ending.wait();
    }
    outcome
}
