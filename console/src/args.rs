//! The command line. Nothing here grants anything: rights are the customer's alone.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::texts::Language;

/// The technician's console of Fernsicht.
#[derive(Debug, Clone, Parser)]
#[command(name = "fernsicht-console", version)]
pub struct Args {
    /// Where key and certificate are kept; else FERNSICHT_CONSOLE_DATA, else the system's place.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,

    /// Language of the console; the system's where it is not given.
    #[arg(long, value_enum, global = true)]
    pub language: Option<Language>,

    /// Start a session at once.
    #[arg(long)]
    pub new_session: bool,

    /// Print one line "code 4812 073 956" per new code to standard output.
    #[arg(long)]
    pub print_code: bool,

    /// Fill the screen; the picture without a bar (Ctrl+Alt+M shows it).
    #[arg(long)]
    pub full_screen: bool,

    /// Never draw the customer's pointer (Ctrl+Alt+P switches it).
    #[arg(long)]
    pub hide_pointer: bool,

    /// Draw pictures as textures only; else by changed area, where the window system allows it.
    #[arg(long)]
    pub textures: bool,
    /// Do not mark the customer's bar in the picture.
    #[arg(long)]
    pub hide_bar_mark: bool,

    /// What to do instead of opening the window.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the console does without a window.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Enrol this computer with a one-time token from the operator.
    Enrol {
        /// The token.
        token: String,
    },
}
