//! What the demonstration found, as `summary.json`, and whether it holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::complaint;

/// The figures. Fields that were not reached stay at their defaults, which do not hold.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    pub(crate) paired: bool,
    pub(crate) technician_verified: bool,
    pub(crate) view_granted: bool,
    pub(crate) control_granted: bool,
    pub(crate) typed_sent: String,
    pub(crate) typed_arrived: String,
    pub(crate) clicks_sent: usize,
    pub(crate) clicks_arrived: usize,
    /// The largest of all steps.
    pub(crate) picture_differing_pixels: Option<usize>,
    pub(crate) picture_differing_pixels_by_step: BTreeMap<&'static str, usize>,
    /// Complete frames per class that the agent sent until the revocations: 8 and 9 show both codes at work.
    pub(crate) picture_frames: usize,
    pub(crate) refinement_frames: usize,
    pub(crate) revocation_ms: Spread,
    /// From F11 to the agent's first message of revocation, at the tap.
    pub(crate) revocation_sent_ms: Spread,
    pub(crate) events_after_revocation: Option<usize>,
    pub(crate) frames_after_revocation: Option<usize>,
    pub(crate) open_frames_at_revocation: usize,
    pub(crate) open_frames_reset: usize,
    pub(crate) last_event_after_f11_ms: Option<i64>,
    pub(crate) idle: Idle,
    /// Presses of keys and buttons by programs on the customer's screen, without modifiers: the observer's count.
    pub(crate) injected_input_events: Option<usize>,
    /// The same by the agent's acks in the recording.
    pub(crate) recorded_input_events: Option<usize>,
    /// Input in the recording that the agent dropped or the relay withheld.
    pub(crate) recorded_events_dropped: Option<u64>,
    pub(crate) recording_verified: bool,
    pub(crate) film_frames: Option<u64>,
    pub(crate) film_seconds: Option<f64>,
    /// The least of some pictures of the film against the replay, over red, green and blue of every pixel.
    pub(crate) film_psnr_db: Option<f64>,
    /// The same in the film's own 4:2:0; told, not judged.
    pub(crate) film_psnr_in_420_db: Option<f64>,
}

/// Percentiles in milliseconds.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Spread {
    pub(crate) p50: i64,
    pub(crate) p95: i64,
    pub(crate) max: i64,
    pub(crate) n: usize,
}

impl Spread {
    /// Of these values.
    pub(crate) fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        let rank = |share: f64| {
            let at = (values.len() as f64 * share).ceil() as usize;
            values
                .get(at.saturating_sub(1))
                .copied()
                .unwrap_or_default()
        };
        Self {
            p50: rank(0.5),
            p95: rank(0.95),
            max: rank(1.0),
            n: values.len(),
        }
    }
}

/// Costs while nothing changes and the bar is visible.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Idle {
    pub(crate) seconds: u64,
    pub(crate) picture_bytes: Option<u64>,
    pub(crate) agent_cpu_percent: Option<f64>,
    pub(crate) relay_cpu_percent: Option<f64>,
    pub(crate) console_cpu_percent: Option<f64>,
}

impl Summary {
    /// Writes `summary.json`.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(
            folder.join("summary.json"),
            serde_json::to_string_pretty(self)? + "\n",
        )?;
        Ok(())
    }

    /// Errors: a sentence for everything that does not hold.
    pub(crate) fn check(&self, revocations: usize) -> Result<()> {
        let idle = &self.idle;
        let light = |percent: Option<f64>| percent.is_some_and(|percent| percent < 1.0);
        let holds = [
            (self.paired, "agent and console are not paired".to_owned()),
            (
                self.technician_verified,
                "the technician was not verified".to_owned(),
            ),
            (self.view_granted, "sight was not granted".to_owned()),
            (self.control_granted, "control was not granted".to_owned()),
            (
                self.picture_frames > 0,
                "no picture frame was seen".to_owned(),
            ),
            (
                self.refinement_frames > 0,
                "nothing was sent lossy and refined".to_owned(),
            ),
            (
                self.frames_after_revocation == Some(0),
                format!(
                    "frames after the revocation: {:?}",
                    self.frames_after_revocation
                ),
            ),
            (
                self.open_frames_at_revocation == self.open_frames_reset,
                format!(
                    "of {} open frames {} were reset",
                    self.open_frames_at_revocation, self.open_frames_reset
                ),
            ),
            (
                idle.picture_bytes == Some(0),
                format!("{:?} bytes of picture while idle", idle.picture_bytes),
            ),
            (
                light(idle.agent_cpu_percent),
                format!(
                    "the idle agent uses {:?} % of a core",
                    idle.agent_cpu_percent
                ),
            ),
            (
                light(idle.relay_cpu_percent),
                format!(
                    "the idle relay uses {:?} % of a core",
                    idle.relay_cpu_percent
                ),
            ),
            (
                light(idle.console_cpu_percent),
                format!(
                    "the idle console uses {:?} % of a core",
                    idle.console_cpu_percent
                ),
            ),
        ];
        let complaint = [
            (
                self.recorded_events_dropped
                    .is_some_and(|events| events > 0),
                "no input was dropped while the customer was active".to_owned(),
            ),
            (
                self.film_psnr_db
                    .is_some_and(|db| db >= complaint::LIKENESS),
                format!("the film is like the replay by {:?} dB", self.film_psnr_db),
            ),
        ];
        judge(
            self.seen(revocations)
                .into_iter()
                .chain(holds)
                .chain(complaint),
        )
    }

    /// The same of what can be seen without the tap between agent and relay, which knows QUIC alone.
    pub(crate) fn check_untapped(&self, revocations: usize) -> Result<()> {
        let complaint = [(
            self.film_frames.is_some_and(|frames| frames > 0),
            "there is no film".to_owned(),
        )];
        judge(self.seen(revocations).into_iter().chain(complaint))
    }

    /// What both screens, the saved file and the auditor show.
    fn seen(&self, revocations: usize) -> [(bool, String); 7] {
        [
            (
                !self.typed_sent.is_empty() && self.typed_sent == self.typed_arrived,
                format!(
                    "typed {:?}, but {:?} arrived",
                    self.typed_sent, self.typed_arrived
                ),
            ),
            (
                self.picture_differing_pixels == Some(0),
                format!("pixels differ: {:?}", self.picture_differing_pixels_by_step),
            ),
            (
                self.revocation_ms.n >= revocations,
                format!(
                    "only {} revocations of {revocations} were measured",
                    self.revocation_ms.n
                ),
            ),
            (
                self.recording_verified,
                "the recording is not sound".to_owned(),
            ),
            (
                self.clicks_sent > 0 && self.clicks_sent == self.clicks_arrived,
                format!(
                    "of {} clicks {} arrived",
                    self.clicks_sent, self.clicks_arrived
                ),
            ),
            (
                self.events_after_revocation == Some(0),
                format!(
                    "events after the revocation: {:?}",
                    self.events_after_revocation
                ),
            ),
            (
                self.injected_input_events.is_some_and(|events| events > 0)
                    && self.injected_input_events == self.recorded_input_events,
                format!(
                    "the observer saw {:?} presses, the recording has {:?}",
                    self.injected_input_events, self.recorded_input_events
                ),
            ),
        ]
    }
}

fn judge(holds: impl IntoIterator<Item = (bool, String)>) -> Result<()> {
    let failed: Vec<String> = holds
        .into_iter()
        .filter(|(holds, _)| !holds)
        .map(|(_, words)| words)
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("does not hold: {}", failed.join("; ")),
    }
}
