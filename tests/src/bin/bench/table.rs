//! The figures of one run, as a table and as JSON, and whether they hold.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::load::System;
pub(crate) use fernsicht_tests::measure::{median, rank};

/// Everything that is measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// By size of frame.
    pub(crate) relay: Vec<Cost>,
    pub(crate) hour: Hour,
    pub(crate) opening: Opening,
    /// By trace, sessions and system.
    pub(crate) load: Vec<Load>,
}

/// One system under one load.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Load {
    pub(crate) system: System,
    pub(crate) trace: &'static str,
    pub(crate) sessions: usize,
    pub(crate) megabytes_per_s: f64,
    pub(crate) cpu_s_per_gb: f64,
    pub(crate) cpu_percent_per_session: f64,
    pub(crate) latency_ms_p50: f64,
    pub(crate) latency_ms_p99: f64,
    /// What is left when that of the direct connection is taken off.
    pub(crate) added_ms_p50: Option<f64>,
    pub(crate) added_ms_p99: Option<f64>,
    pub(crate) kib_per_session: f64,
    pub(crate) frames_missing: usize,
}

impl Load {
    pub(crate) fn line(&self) -> String {
        format!(
            "{:.1} MB/s, {:.2} s CPU a GB, {:.2} | {:.2} ms, {:.0} KiB a session, {} frames missing",
            self.megabytes_per_s,
            self.cpu_s_per_gb,
            self.latency_ms_p50,
            self.latency_ms_p99,
            self.kib_per_session,
            self.frames_missing
        )
    }

    /// One row for each system: the median of its turns, and what it adds to the direct connection.
    pub(crate) fn medians(rows: Vec<Self>) -> Vec<Self> {
        let mut out: Vec<Self> = Vec::new();
        for row in &rows {
            if out.iter().any(|had| had.system == row.system) {
                continue;
            }
            let of = |value: fn(&Self) -> f64| {
                let turns = rows.iter().filter(|other| other.system == row.system);
                median(turns.map(value).collect())
            };
            let mut middle = row.clone();
            middle.megabytes_per_s = of(|row| row.megabytes_per_s);
            middle.cpu_s_per_gb = of(|row| row.cpu_s_per_gb);
            middle.cpu_percent_per_session = of(|row| row.cpu_percent_per_session);
            middle.latency_ms_p50 = of(|row| row.latency_ms_p50);
            middle.latency_ms_p99 = of(|row| row.latency_ms_p99);
            middle.kib_per_session = of(|row| row.kib_per_session);
            let turns = rows.iter().filter(|other| other.system == row.system);
            middle.frames_missing = turns.map(|row| row.frames_missing).sum();
            out.push(middle);
        }
        let direct = out.iter().find(|row| row.system == System::Direct);
        if let Some((p50, p99)) = direct.map(|row| (row.latency_ms_p50, row.latency_ms_p99)) {
            for row in out.iter_mut().filter(|row| row.system != System::Direct) {
                row.added_ms_p50 = Some(row.latency_ms_p50 - p50);
                row.added_ms_p99 = Some(row.latency_ms_p99 - p99);
            }
        }
        out
    }
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
    /// Opening every frame in order: found, copied, decrypted, its padding and content checked. One thread.
    pub(crate) frames_gb_per_s: f64,
    /// The second by the first.
    pub(crate) share_of_aead: f64,
    /// From the file's bytes to the verdict: records, chain, signatures, keys, every frame, the ends' heads.
    pub(crate) everything_gb_per_s: f64,
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
        if self.opening.seeks > 0 {
            self.opening_rows(&mut rows);
        }
        for load in self.load.iter().filter(|row| row.system != System::Direct) {
            rows.push((
                format!(
                    "{:?}, {} sessions, {}: CPU s/GB | added ms p50 p99 | KiB a session",
                    load.system, load.sessions, load.trace
                ),
                format!(
                    "{:.1} | {:.2} {:.2} | {:.0}",
                    load.cpu_s_per_gb,
                    load.added_ms_p50.unwrap_or_default(),
                    load.added_ms_p99.unwrap_or_default(),
                    load.kib_per_session
                ),
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

    fn opening_rows(&self, rows: &mut Vec<(String, String, &str)>) {
        let opening = &self.opening;
        rows.push((
            "opening frames | AEAD alone".to_owned(),
            format!(
                "{:.2} | {:.2} GB/s",
                opening.frames_gb_per_s, opening.aead_gb_per_s
            ),
            "",
        ));
        rows.push((
            "  share of the AEAD's own speed".to_owned(),
            format!("{:.0} %", opening.share_of_aead * 100.0),
            "at least 50 %",
        ));
        rows.push((
            "  with all that is verified before".to_owned(),
            format!("{:.2} GB/s", opening.everything_gb_per_s),
            "",
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
        if opening.seeks > 0 && opening.share_of_aead < 0.5 {
            failed.push(format!(
                "opening frames has {:.0} % of the AEAD's speed",
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
        for row in &self.load {
            failed.extend(self.load_failures(row));
        }
        if failed.is_empty() {
            Ok(())
        } else {
            bail!("does not hold: {}", failed.join("; "))
        }
    }

    /// What must hold of the relay under load, and does not. With few sessions what a process costs at all is most of it.
    fn load_failures(&self, row: &Load) -> Vec<String> {
        let mut failed = Vec::new();
        let what = format!(
            "{:?}: {} sessions of {}",
            row.system, row.sessions, row.trace
        );
        if !matches!(row.system, System::Relay | System::Recorded) {
            return failed;
        }
        if row.frames_missing > 0 {
            failed.push(format!("{what} lost {} frames", row.frames_missing));
        }
        if row.sessions < 50 {
            return failed;
        }
        let mut others = self.load.iter();
        let least = others.find(|other| {
            (other.system, other.sessions, other.trace)
                == (System::Forwarder, row.sessions, row.trace)
        });
        if let Some(least) = least.filter(|_| row.system == System::Relay)
            && row.cpu_s_per_gb > least.cpu_s_per_gb * 1.2
        {
            let times = row.cpu_s_per_gb / least.cpu_s_per_gb;
            failed.push(format!("{what} cost {times:.2} times the forwarder's CPU"));
        }
        if row.kib_per_session > 200.0 {
            failed.push(format!("{what} take {:.0} KiB each", row.kib_per_session));
        }
        let added = row.added_ms_p50.zip(row.added_ms_p99);
        if let Some((p50, p99)) = added.filter(|_| row.sessions == 50)
            && (p50 > 0.3 || p99 > 1.0)
        {
            failed.push(format!("{what} come {p50:.2} ms (p99 {p99:.2}) later"));
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_is_held_to_the_forwarder_to_memory_latency_and_every_frame() {
        let load = |system, cpu_s_per_gb, kib_per_session, frames_missing| Load {
            system,
            trace: "even",
            sessions: 50,
            megabytes_per_s: 6.0,
            cpu_s_per_gb,
            cpu_percent_per_session: 0.1,
            latency_ms_p50: 1.0,
            latency_ms_p99: 2.0,
            added_ms_p50: Some(0.2),
            added_ms_p99: Some(0.9),
            kib_per_session,
            frames_missing,
        };
        let failures = |row: Load| {
            let figures = Figures {
                load: vec![load(System::Forwarder, 8.0, 150.0, 3), row],
                ..Figures::default()
            };
            match figures.check() {
                Ok(()) => 0,
                Err(error) => error.to_string().matches("sessions of even").count(),
            }
        };
        assert_eq!(failures(load(System::Relay, 9.5, 199.0, 0)), 0);
        assert_eq!(failures(load(System::Relay, 9.7, 201.0, 1)), 3);
        assert_eq!(failures(load(System::Recorded, 19.0, 199.0, 0)), 0);
        assert_eq!(failures(load(System::Recorded, 19.0, 201.0, 0)), 1);
        let late = Load {
            added_ms_p99: Some(1.1),
            ..load(System::Recorded, 9.0, 100.0, 0)
        };
        assert_eq!(failures(late), 1);
    }
}
