//! Opens recordings without the auditor's program: with the library that knows their format, and nothing else.

use anyhow::{Context, Result};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::InputEvent;
use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::sealing::AuditorKey;
use fernsicht_recordings::finding::{Check, Finding};
use fernsicht_recordings::open::{self, Event};
use fernsicht_recordings::outcome;

use crate::clients::Handed;
use crate::keymap::keysyms;

/// What became of an input event, by the agent's own acks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It acted.
    Injected,
    /// The agent dropped it, or the relay withheld it.
    Dropped,
    /// Nothing tells.
    Undecided,
}

/// A character or a key that the technician typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Which.
    pub what: Stroke,
    /// What became of it.
    pub outcome: Outcome,
}

/// What was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// A character, as text.
    Character(char),
    /// A key with a name went down.
    Key(u32),
    /// A button went down.
    Button,
}

/// An opened recording.
#[derive(Debug)]
pub struct Opened {
    /// As the library gives it.
    pub recording: open::Opened<Vec<u8>>,
    typed: Vec<Typed>,
}

/// Opens what the relay has handed out. `ca` is the SHA-256 of the operator's CA certificate.
pub fn open(handed: &Handed, ca: &Hash, code: &Code, key: &AuditorKey) -> Result<Opened> {
    let recording = open::open(handed.file.clone(), &handed.keys.0, code, key, ca);
    let recording = recording.context("the recording does not open")?;
    let mut typed = Vec::new();
    recording.for_each(|_, event| {
        if let Event::Input { header, input } = event {
            let outcome = match recording.outcomes().outcome(header.epoch, header.number) {
                outcome::Outcome::Injected => Outcome::Injected,
                outcome::Outcome::Dropped(_) | outcome::Outcome::Withheld => Outcome::Dropped,
                outcome::Outcome::Undecided => Outcome::Undecided,
            };
            let mut push = |what| typed.push(Typed { what, outcome });
            match input.event {
                InputEvent::Text { text } => {
                    text.as_str()
                        .chars()
                        .for_each(|c| push(Stroke::Character(c)));
                }
                InputEvent::Key { keysym, down: true } => push(Stroke::Key(keysym)),
                InputEvent::Button { down: true, .. } => push(Stroke::Button),
                InputEvent::Key { .. }
                | InputEvent::Button { .. }
                | InputEvent::Move { .. }
                | InputEvent::Scroll { .. }
                | InputEvent::ReleaseAll => {}
            }
        }
        true
    });
    Ok(Opened { recording, typed })
}

impl Opened {
    /// What the technician typed and clicked, in order.
    pub fn typed(&self) -> &[Typed] {
        &self.typed
    }

    /// How many characters, keys and buttons the agent says it pressed; modifiers are not counted, because
    /// it presses some of its own accord for a character that needs them.
    pub fn presses_injected(&self) -> usize {
        let counts = |typed: &&Typed| {
            let plain = match typed.what {
                Stroke::Key(keysym) => !keysyms::MODIFIERS.contains(&keysym),
                Stroke::Character(_) | Stroke::Button => true,
            };
            plain && typed.outcome == Outcome::Injected
        };
        self.typed.iter().filter(counts).count()
    }

    /// How many of all input events were dropped.
    pub fn dropped(&self) -> u64 {
        self.recording.outcomes().counts().dropped
    }

    /// True if nothing grave was found: at most that it is interrupted, or has a gap that it tells of.
    pub fn sound(&self) -> bool {
        !self.recording.findings().iter().any(Finding::grave)
    }

    /// True if it does not go to the session's end.
    pub fn interrupted(&self) -> bool {
        let ended = self.recording.facts().ended.as_ref();
        ended.is_none_or(|(_, reason)| reason.is_none())
            || self
                .findings()
                .iter()
                .any(|finding| finding.check() == Check::End)
    }

    /// What was found.
    pub fn findings(&self) -> &[Finding] {
        self.recording.findings()
    }
}
