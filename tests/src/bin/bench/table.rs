//! The figures of one run, as a table and as JSON, and whether they hold.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

/// Everything that is measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// By size of frame.
    pub(crate) relay: Vec<Cost>,
    pub(crate) hour: Hour,
    pub(crate) opening: Opening,
}

/// What recording costs the relay.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) frame_bytes: usize,
    /// CPU seconds per gigabyte, median of the turns.
    pub(crate) without_s_per_gb: f64,
    pub(crate) with_s_per_gb: f64,
    /// Median of the turns' quotients, minus one.
    pub(crate) more_percent: f64,
    pub(crate) without: Vec<f64>,
    pub(crate) with: Vec<f64>,
}

impl Cost {
    pub(crate) fn of(frame_bytes: usize, without: Vec<f64>, with: Vec<f64>) -> Self {
        let quotients = without.iter().zip(&with).map(|(a, b)| b / a).collect();
        Self {
            frame_bytes,
            without_s_per_gb: median(without.clone()),
            with_s_per_gb: median(with.clone()),
            more_percent: (median(quotients) - 1.0) * 100.0,
            without,
            with,
        }
    }
}

/// What the hour of work weighs.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Hour {
    pub(crate) minutes: u64,
    pub(crate) file_bytes: u64,
    pub(crate) records: u64,
    pub(crate) pictures: u64,
    pub(crate) complete_pictures: u64,
    pub(crate) bytes_per_minute: BTreeMap<&'static str, u64>,
}

/// How fast it opens.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Opening {
    /// The AEAD alone, over the same ciphertexts.
    pub(crate) aead_gb_per_s: f64,
    /// Verification and opening of every frame.
    pub(crate) opening_gb_per_s: f64,
    /// The second by the first.
    pub(crate) share_of_aead: f64,
    /// From the file's bytes to the first picture on the canvas.
    pub(crate) first_picture_ms: f64,
    /// The same from asking the real relay for a recording of this size.
    pub(crate) first_picture_over_relay_ms: Option<f64>,
    pub(crate) seek_ms_p50: f64,
    pub(crate) seek_ms_p95: f64,
    pub(crate) seek_ms_max: f64,
    pub(crate) seeks: usize,
}

impl Figures {
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(())
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut rows: Vec<(String, String, &str)> = Vec::new();
        for cost in &self.relay {
            rows.push((
                format!(
                    "relay, frames of {} B: CPU s/GB without | with",
                    cost.frame_bytes
                ),
                format!("{:.2} | {:.2}", cost.without_s_per_gb, cost.with_s_per_gb),
                "",
            ));
            rows.push((
                "  more with a recording".to_owned(),
                format!("{:+.1} %", cost.more_percent),
                "at most 20 %, aim 10 %",
            ));
        }
        let opening = &self.opening;
        rows.push((
            "opening | AEAD alone".to_owned(),
            format!(
                "{:.2} | {:.2} GB/s",
                opening.opening_gb_per_s, opening.aead_gb_per_s
            ),
            "",
        ));
        rows.push((
            "  share of the AEAD's own speed".to_owned(),
            format!("{:.0} %", opening.share_of_aead * 100.0),
            "at least 50 %",
        ));
        let hour = format!(
            "{} minutes of work, {:.1} MB",
            self.hour.minutes,
            self.hour.file_bytes as f64 / 1e6
        );
        rows.push((
            format!("{hour}: open to first picture"),
            format!("{:.0} ms", opening.first_picture_ms),
            "below 2 s",
        ));
        if let Some(ms) = opening.first_picture_over_relay_ms {
            rows.push((
                "  from the real relay".to_owned(),
                format!("{ms:.0} ms"),
                "below 2 s",
            ));
        }
        rows.push((
            format!("seek, p50 | p95 | max of {}", opening.seeks),
            format!(
                "{:.0} | {:.0} | {:.0} ms",
                opening.seek_ms_p50, opening.seek_ms_p95, opening.seek_ms_max
            ),
            "below 1 s",
        ));
        for (scene, bytes) in &self.hour.bytes_per_minute {
            rows.push((
                format!("bytes a minute, {scene}"),
                format!("{:.2} MB", *bytes as f64 / 1e6),
                "",
            ));
        }
        let width = rows
            .iter()
            .map(|row| row.0.chars().count())
            .max()
            .unwrap_or_default();
        let mut out = String::new();
        for (what, value, must) in rows {
            out += &format!("{what:width$}  {value:>22}  {must}\n");
        }
        out
    }

    /// Errors: a sentence for each figure that must hold and does not.
    pub(crate) fn check(&self) -> Result<()> {
        let mut failed = Vec::new();
        for cost in &self.relay {
            if cost.more_percent > 20.0 {
                failed.push(format!(
                    "recording frames of {} bytes costs the relay {:.1} % more",
                    cost.frame_bytes, cost.more_percent
                ));
            }
        }
        let opening = &self.opening;
        if opening.share_of_aead < 0.5 {
            failed.push(format!(
                "opening has {:.0} % of the AEAD's speed",
                opening.share_of_aead * 100.0
            ));
        }
        let first = opening
            .first_picture_over_relay_ms
            .unwrap_or(opening.first_picture_ms);
        if first > 2_000.0 {
            failed.push(format!("the first picture comes after {first:.0} ms"));
        }
        if opening.seek_ms_max > 1_000.0 {
            failed.push(format!("a seek took {:.0} ms", opening.seek_ms_max));
        }
        if failed.is_empty() {
            Ok(())
        } else {
            bail!("does not hold: {}", failed.join("; "))
        }
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The one at this share of the sorted row.
pub(crate) fn rank(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(at.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}
