//! `agent --output FILE`.

use std::path::Path;

use crate::Error;
use crate::agent_file::{self, Sealing};
use crate::cli::{say, unix_now};
use crate::home::Home;

pub(crate) fn agent(home: &Home, program: Option<&Path>, output: &Path) -> Result<(), Error> {
    let now = u64::try_from(unix_now()).unwrap_or_default();
    let sealing = agent_file::make(home, program, output, now)?;
    say(&format!(
        "{} is ready: the agent of {} for relay {}.\n\
         Make it anew after every change of relay.toml or of the auditors, and at least every 90 days.",
        output.display(),
        home.config.operator,
        home.config.public_address
    ));
    match sealing {
        Sealing::None => say(
            "\nWARNING: no auditor is enrolled. Customers of this agent can only permit looking: without an\n\
             auditor nothing can be recorded, and without a recording there is no control.\n\
             Add one (fernsicht-relay auditor add \"First Last\"), then make the agent anew.",
        ),
        Sealing::To(names) => say(&format!(
            "Recordings are sealed to: {}. After 90 days this agent offers only looking.",
            names.join(", ")
        )),
        Sealing::Part { names, left_out } => say(&format!(
            "Recordings are sealed to: {}. After 90 days this agent offers only looking.\n\
             WARNING: an agent carries at most 16 auditors; left out: {}.",
            names.join(", "),
            left_out.join(", ")
        )),
    }
    Ok(())
}
