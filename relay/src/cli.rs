//! The command line: what can be asked for, and what a person reads in return.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use fernsicht_recordings::store::Reason;

use crate::commands::{self, DeleteReason, Output};
use crate::home::Home;
use crate::{Error, serve};

/// The relay of Fernsicht: brings customers and technicians together, and keeps sealed recordings.
///
/// Ends with 0 if everything was done, 1 if not, 2 if the command line is wrong, and 3 if
/// recordings or the access log are not as they were written.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Where the relay keeps its keys, its configuration and its register; without it,
    /// the directory that FERNSICHT_RELAY_DATA names, or ./fernsicht-relay-data.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the relay. The first start makes everything that it needs.
    Serve {
        /// Listens here instead of where relay.toml says.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// How the log is written.
        #[arg(long, value_enum, default_value_t = LogFormat::Text)]
        log: LogFormat,
    },
    /// Adds, lists and revokes technicians.
    #[command(subcommand)]
    Technician(TechnicianCommand),
    /// Adds, lists and revokes auditors.
    #[command(subcommand)]
    Auditor(AuditorCommand),
    /// Lists, verifies and deletes recordings.
    #[command(subcommand)]
    Recordings(RecordingsCommand),
    /// Shows who did what with recordings.
    AccessLog {
        /// Only what was done with this recording: the number on its receipt.
        #[arg(long, value_name = "NUMBER")]
        recording: Option<String>,
        /// Checks that no entry was altered, removed, moved or cut off.
        #[arg(long)]
        verify: bool,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes the program for customers: the agent with this operator's configuration attached.
    Agent {
        /// The file to write.
        #[arg(long)]
        output: PathBuf,
        /// The agent as it was built; without it, `fernsicht-agent` beside this program.
        #[arg(long)]
        program: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum TechnicianCommand {
    /// Adds a technician and prints the one-time token for the console.
    Add {
        /// First and last name, as customers will read it.
        name: String,
        /// The company that the technician works for; without it, the operator in relay.toml.
        #[arg(long)]
        organisation: Option<String>,
    },
    /// Lists all technicians.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revokes a technician for good. His sessions end at once.
    Revoke {
        /// Full name or number.
        technician: String,
    },
}

#[derive(Debug, Subcommand)]
enum AuditorCommand {
    /// Adds an auditor and prints the one-time token for fernsicht-auditor.
    Add {
        /// First and last name, as it will stand on receipts.
        name: String,
    },
    /// Lists all auditors.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revokes an auditor for good: no recording is handed out to him any more.
    Revoke {
        /// Full name or number.
        auditor: String,
    },
}

#[derive(Debug, Subcommand)]
enum RecordingsCommand {
    /// Lists all recordings, without anything of their content or people.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Checks that recordings are as they were written. Ends with 3 if one is not.
    Verify {
        /// The number on the receipt; without it all are checked.
        number: Option<String>,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Deletes what is due at once, as `serve` does every hour.
    Prune {
        /// Only says what would be deleted.
        #[arg(long)]
        dry_run: bool,
        /// After an alarm: this machine's clock is right, although it is far ahead.
        #[arg(long, conflicts_with = "dry_run")]
        clock_is_right: bool,
    },
    /// Deletes a recording at once, before its time.
    Delete {
        /// The number on the receipt.
        number: String,
        /// Why; it is written into the access log.
        #[arg(long, value_enum)]
        reason: DeleteReason,
    },
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Does what the command line asks for.
pub(crate) fn execute(arguments: Arguments) -> Result<(), Error> {
    let home = Home::open(&arguments.data.unwrap_or_else(default_data))?;
    match arguments.command {
        Command::Serve { listen, log } => {
            let options = serve::Options { listen, log };
            serve::run(&home, &options)
        }
        Command::Technician(command) => technician(&home, command),
        Command::Auditor(command) => auditor(&home, command),
        Command::Recordings(command) => recordings(&home, command),
        Command::AccessLog {
            recording,
            verify,
            json,
        } => commands::access_log(&home, recording.as_deref(), verify, output(json)),
        Command::Agent { output, program } => commands::agent(&home, program.as_deref(), &output),
    }
}

fn technician(home: &Home, command: TechnicianCommand) -> Result<(), Error> {
    match command {
        TechnicianCommand::Add { name, organisation } => commands::add(home, &name, organisation),
        TechnicianCommand::List { json } => commands::list(home, output(json)),
        TechnicianCommand::Revoke { technician } => commands::revoke(home, &technician),
    }
}

fn auditor(home: &Home, command: AuditorCommand) -> Result<(), Error> {
    match command {
        AuditorCommand::Add { name } => commands::add_auditor(home, &name),
        AuditorCommand::List { json } => commands::list_auditors(home, output(json)),
        AuditorCommand::Revoke { auditor } => commands::revoke_auditor(home, &auditor),
    }
}

fn recordings(home: &Home, command: RecordingsCommand) -> Result<(), Error> {
    match command {
        RecordingsCommand::List { json } => commands::list_recordings(home, output(json)),
        RecordingsCommand::Verify { number, json } => {
            commands::verify(home, number.as_deref(), output(json))
        }
        RecordingsCommand::Prune {
            dry_run,
            clock_is_right,
        } => commands::prune(home, dry_run, clock_is_right),
        RecordingsCommand::Delete { number, reason } => {
            let reason = match reason {
                DeleteReason::Withdrawal => Reason::Withdrawal,
            };
            commands::delete(home, &number, reason)
        }
    }
}

fn output(json: bool) -> Output {
    if json { Output::Json } else { Output::Text }
}

fn default_data() -> PathBuf {
    match std::env::var_os("FERNSICHT_RELAY_DATA") {
        Some(data) if !data.is_empty() => data.into(),
        Some(_) | None => "fernsicht-relay-data".into(),
    }
}

/// Prints to stdout. Whoever closed it does not want to read it.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

pub(crate) fn unix_now() -> i64 {
    jiff::Timestamp::now().as_second()
}
