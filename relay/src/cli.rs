//! The command line: what can be asked for, and what a person reads in return.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use fernsicht_protocol::token::Token;
use fernsicht_protocol::wire::Text;

use crate::home::Home;
use crate::register::{State, TOKEN_VALID_S, Technician};
use crate::{Error, agent_file, serve};

/// The relay of Fernsicht: brings customers and technicians together.
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
        /// TEST OPERATION: permits control without a recording. Never with real customers.
        #[arg(long)]
        unrecorded_test: bool,
        /// How the log is written.
        #[arg(long, value_enum, default_value_t = LogFormat::Text)]
        log: LogFormat,
    },
    /// Adds, lists and revokes technicians.
    #[command(subcommand)]
    Technician(TechnicianCommand),
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
    List,
    /// Revokes a technician for good. His sessions end at once.
    Revoke {
        /// Full name or number.
        technician: String,
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
        Command::Serve {
            listen,
            unrecorded_test,
            log,
        } => {
            let options = serve::Options {
                listen,
                unrecorded_test,
                log,
            };
            serve::run(&home, &options)
        }
        Command::Technician(TechnicianCommand::Add { name, organisation }) => {
            add(&home, &name, organisation)
        }
        Command::Technician(TechnicianCommand::List) => list(&home),
        Command::Technician(TechnicianCommand::Revoke { technician }) => revoke(&home, &technician),
        Command::Agent { output, program } => agent(&home, program.as_deref(), &output),
    }
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

fn add(home: &Home, name: &str, organisation: Option<String>) -> Result<(), Error> {
    let organisation = organisation.unwrap_or_else(|| home.config.operator.clone());
    // Said here, where the key can be fetched, and not to the console later.
    drop(home.authority()?);
    let empty = |field| Error::EmptyField {
        field,
        path: home.config_file(),
    };
    let address =
        Text::new(home.config.public_address.as_str()).map_err(|_| empty("public_address"))?;
    let relay_name = Text::new(home.config.name.as_str()).map_err(|_| empty("name"))?;
    let (id, secret) = home
        .register()?
        .add(name.trim(), organisation.trim(), unix_now())?;
    let token = Token {
        address,
        relay_name,
        ca: home.ca_fingerprint(),
        secret,
    };
    say(&format!(
        "Technician {} has been added: {}, {}.\n\
         One-time token for the console, valid until {}:\n\n{}\n\n\
         Hand it over on a safe way: whoever has it first enrols as this technician.\n\
         The console will connect to {}.",
        id.0,
        name.trim(),
        organisation.trim(),
        day(unix_now() + TOKEN_VALID_S),
        token.encode(),
        home.config.public_address,
    ));
    Ok(())
}

fn list(home: &Home) -> Result<(), Error> {
    let technicians = home.register()?.list()?;
    if technicians.is_empty() {
        say(
            "There are no technicians yet. Add one: fernsicht-relay technician add \"First Last\" --organisation NAME",
        );
    }
    for technician in technicians {
        say(&line(&technician, unix_now()));
    }
    Ok(())
}

fn line(technician: &Technician, now: i64) -> String {
    let state = match technician.state {
        State::Invited { until } if until < now => "token expired, never enrolled".to_owned(),
        State::Invited { until } => format!("not yet enrolled, token valid until {}", day(until)),
        State::Enrolled { until } if until < now => {
            format!("certificate expired on {}", day(until))
        }
        State::Enrolled { until } => format!("enrolled until {}", day(until)),
        State::Revoked { since } => format!("revoked on {}", day(since)),
    };
    format!(
        "{:>4}  {}, {}: {state}",
        technician.id.0, technician.name, technician.organisation
    )
}

fn revoke(home: &Home, who: &str) -> Result<(), Error> {
    let mut register = home.register()?;
    let technician = register.find(who)?;
    register.revoke(technician.id, unix_now())?;
    say(&format!(
        "Technician {} ({}) has been revoked. Sessions of this technician end within a second.",
        technician.id.0, technician.name
    ));
    Ok(())
}

fn agent(home: &Home, program: Option<&Path>, output: &Path) -> Result<(), Error> {
    let now = u64::try_from(unix_now()).unwrap_or_default();
    agent_file::make(home, program, output, now)?;
    say(&format!(
        "{} is ready: the agent of {} for relay {}.\n\
         Make it anew after every change of relay.toml, and at least every 90 days.",
        output.display(),
        home.config.operator,
        home.config.public_address
    ));
    Ok(())
}

fn day(unix_s: i64) -> String {
    match jiff::Timestamp::from_second(unix_s) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "an impossible date".to_owned(),
    }
}
