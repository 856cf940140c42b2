//! The program from its first line to its last: command line, attached configuration, the one
//! agent of the login session, the window.
//!
//! 1. the configuration is read from behind the program's own bytes: the only way to learn the
//!    operator. Not there or not whole: a page says so, and nothing is connected.
//! 2. a second start hands over to the window that is open; one that this window's agent started in its own place waits
//!    until it is closed.
//! 3. the window opens, and with it the engine starts.

use std::process::ExitCode;
use std::time::Duration;

use fernsicht_protocol::attached::{self, Configuration};

use crate::app::{self, Link, Opened, Setup};
use crate::cli::Arguments;
use crate::instance::Instance;
use crate::platform::{self, Desktop};
use crate::texts::{Language, Texts};
use crate::ui::Operator;
use crate::view::Problem;

/// Runs the agent. `engine` starts the session's engine once the window is there.
pub fn run(arguments: Arguments, engine: impl FnOnce(Configuration, Opened) -> Link) -> ExitCode {
    let attached = configuration();
    let operator = attached.as_ref().map(Operator::from).unwrap_or_default();
    let theirs = attached
        .as_ref()
        .ok()
        .and_then(|attached| Language::from_tag(attached.language.as_str()));
    let system = sys_locale::get_locale();
    let language = Language::choose(
        arguments.language.map(Language::from),
        system.as_deref(),
        theirs,
    );
    let texts = Texts::new(language, operator.name.as_str());

    let (display, shown) = match platform::desktop() {
        Desktop::Shown(name) => (name, true),
        Desktop::Partly(name) => (name, false),
        Desktop::Wayland => return fail(&texts.error_wayland()),
        Desktop::Missing(what) => return fail(&texts.error_screen_unreadable(what)),
    };
    let patience = match arguments.successor {
        true => SUCCESSION,
        false => Duration::ZERO,
    };
    let first = match Instance::take_within(patience, &display) {
        Ok(Instance::First(first)) => Some(first),
        Ok(Instance::Running) => {
            say(&texts.error_already_running());
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(&format!("{} ({error})", texts.error_internal())),
    };
    let setup = Setup {
        operator,
        language,
        code: arguments.code,
        dark: platform::dark(None),
    };
    let open = |opened| match attached {
        Err(problem) => Link::broken(problem),
        Ok(_) if !shown => Link::broken(Problem::Wayland),
        Ok(configuration) => engine(configuration, opened),
    };
    match app::run(setup, first, open) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{} ({error})", texts.error_internal())),
    }
}

/// What is attached to this very program, or the page that says why nothing is.
fn configuration() -> Result<Configuration, Problem> {
    let path = std::env::current_exe().map_err(|_| Problem::AgentDamaged)?;
    let file = std::fs::read(path).map_err(|_| Problem::AgentDamaged)?;
    attached::read(&file).map_err(|error| match error {
        attached::Error::Missing
        | attached::Error::Damaged
        | attached::Error::AlreadyAttached
        | attached::Error::AlreadySigned => Problem::AgentDamaged,
        // Whole, but written for another version of this program.
        attached::Error::Malformed(_) => Problem::AgentOld,
    })
}

fn fail(sentence: &str) -> ExitCode {
    say(sentence);
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "there is no window to say it in")]
fn say(sentence: &str) {
    eprintln!("{sentence}");
}

/// How long the agent before may be open: its last page says where the receipt lies, and people read it.
const SUCCESSION: Duration = Duration::from_secs(30 * 60);
