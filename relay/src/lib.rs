//! The operator's program: it brings customer and technician together and passes their
//! sealed frames on, as far as the customer's rights allow.
//!
//! ```text
//! cli ─► home (directory, CA, relay.toml, register) ─► serve ─► hub (router) ─► connection, forward
//!                         └─► commands: technician · auditor · recordings · access-log · agent
//! ```
//!
//! What it decides about sessions is in `fernsicht_protocol::router`. It never has a key
//! of a session.

mod agent_file;
mod authority;
mod cli;
mod commands;
mod config;
mod error;
#[cfg(test)]
mod fuzzing;
mod home;
mod register;
mod serve;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

pub use error::Error;

/// Runs the program with the process's command line.
pub fn run() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match cli::execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a stderr nobody is there to read it.
            drop(writeln!(std::io::stderr(), "fernsicht-relay: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}
