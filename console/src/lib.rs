//! Fernsicht's console: the technician's program.
//!
//! ```text
//! args ─► identity (key, certificate) ─► window ◄─► session engine ◄─► relay
//!   └──► enrol                             ▲            └─► painter ─► decode ─► picture board
//!                                          └────────────────────────────────────────┘
//! ```
//!
//! It shows what the customer grants and sends what the technician does, while both are
//! granted. It grants nothing itself.

pub mod args;
pub mod audit;
pub mod decode;
pub mod enrol;
pub mod folder;
pub mod identity;
pub mod input;
pub mod journal;
pub mod picture;
pub mod session;
pub mod texts;
pub mod ui;
pub mod view;

use std::process::ExitCode;

use crate::args::{Args, Command};
use crate::identity::Store;
use crate::texts::{Language, Texts};
use crate::ui::app::Options;
use crate::view::Problem;

/// Does what the command line says. Problems are told on standard error, in the technician's language.
pub fn run(args: Args) -> ExitCode {
    let texts = Texts::new(args.language.unwrap_or_else(Language::of_system));
    match try_run(args, &texts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(
                &mut std::io::stderr().lock(),
                &ui::words::problem_text(&texts, &problem),
            );
            ExitCode::FAILURE
        }
    }
}

fn try_run(args: Args, texts: &Texts) -> Result<(), Problem> {
    let data = args
        .data
        .clone()
        .or_else(|| std::env::var_os("FERNSICHT_CONSOLE_DATA").map(Into::into));
    let store = Store::new(data)?;
    match args.command {
        Some(Command::Enrol { token }) => enrol_here(&store, &token, texts),
        None => {
            let identity = store.load()?;
            if identity.is_none() && args.new_session {
                return Err(Problem::NotEnrolled);
            }
            ui::window::run(Options {
                store,
                identity,
                language: texts.language(),
                new_session: args.new_session,
                print_code: args.print_code,
                full_screen: args.full_screen,
                pointer: !args.hide_pointer,
                textures: args.textures,
                bar_mark: !args.hide_bar_mark,
            })
        }
    }
}

fn enrol_here(store: &Store, token: &str, texts: &Texts) -> Result<(), Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Problem::Internal(e.to_string()))?;
    let identity = runtime.block_on(enrol::enrol(store, token))?;
    let done = texts.with(
        "enrol-done",
        [
            ("technician", identity.technician.as_str().into()),
            ("relay", identity.relay.address.as_str().into()),
        ],
    );
    say(&mut std::io::stdout().lock(), &done);
    Ok(())
}

fn say(out: &mut dyn std::io::Write, text: &str) {
    // Where nobody listens there is nobody to tell that nobody listens.
    drop(writeln!(out, "{text}"));
}
