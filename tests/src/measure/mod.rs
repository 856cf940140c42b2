//! What benchmarks of the picture reckon: what was drawn against what was seen, percentiles, and whether what must
//! hold holds. Nothing here runs or waits.
//!
//! - [`marker`] is a number that can be read from pixels.
//! - [`Row`], [`System`], [`Line`] say what is measured, of whom, over what; [`Run`] is one of them in one turn.
//! - [`Entry`] joins the turns; [`claims`] compares ours with the best of the others; [`Figures`] is everything.
//! - [`lasting`] is whether minutes change anything, [`Revocations`] when the picture is gone.
//! - [`Breakdown`] is where the time of a change goes.

mod breakdown;
mod claims;
mod figures;
pub mod lasting;
mod lines;
pub mod marker;
mod revocations;

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

pub use breakdown::{Breakdown, KEY, PICTURE};
pub use claims::{Claim, claims};
pub use figures::{Entry, Figures, Quantiles};
pub use lasting::Lasting;
pub use lines::{Line, claims_on};
pub use revocations::{Revocations, Revoked};

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// Agent, relay, console, under control: recorded.
    Recorded,
    /// The same, only looked at: not recorded.
    Looked,
    /// TigerVNC's server of an existing screen, and its viewer as it comes.
    X0,
    /// The same without JPEG.
    X0Lossless,
    /// xpra's shadow server, and its client as it comes.
    Xpra,
    /// The same at quality 100.
    XpraLossless,
}

impl System {
    /// In the order of the first turn.
    pub const ALL: [Self; 6] = [
        Self::Recorded,
        Self::X0,
        Self::X0Lossless,
        Self::Looked,
        Self::Xpra,
        Self::XpraLossless,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "fernsicht, recorded",
            Self::Looked => "fernsicht, looked at",
            Self::X0 => "x0vncserver",
            Self::X0Lossless => "x0vncserver, lossless",
            Self::Xpra => "xpra shadow",
            Self::XpraLossless => "xpra shadow, lossless",
        }
    }

    /// True for our programs.
    pub fn ours(self) -> bool {
        matches!(self, Self::Recorded | Self::Looked)
    }

    /// True for others that send every pixel as it is.
    pub fn lossless(self) -> bool {
        matches!(self, Self::X0Lossless | Self::XpraLossless)
    }
}

/// A part of a system whose CPU is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Agent or server.
    Server,
    /// In the middle; others have none.
    Relay,
    /// Console or viewer.
    Viewer,
    /// The customer's X server, which draws, and from which pixels are read.
    CustomerScreen,
    /// The technician's.
    TechnicianScreen,
}

/// What was spent between two moments.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// So long it took.
    pub seconds: f64,
    /// CPU of each part, user and system.
    pub cpu_s: BTreeMap<Role, f64>,
    /// Of that what each part's threads took, by their names.
    pub threads_s: BTreeMap<Role, BTreeMap<String, f64>>,
    /// The programs' own bytes towards the technician: of ours pictures, refinements and pointers with headers and tags.
    pub app_bytes: Option<u64>,
    /// Of ours, by class.
    pub frames: BTreeMap<&'static str, Frames>,
    /// What left the customer's computer, with the headers of IP.
    pub customer_wire_bytes: u64,
    /// What came to the technician's.
    pub technician_wire_bytes: u64,
}

/// Frames of one class, with headers and tags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Frames {
    /// How many.
    pub count: u64,
    /// What they weigh.
    pub bytes: u64,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    /// A small area changes its colour.
    Patch,
    /// A key press, and the letter that it makes.
    Key,
    /// The same while a film plays beside it.
    KeyBeside,
    /// The whole screen changes its colour.
    Flip,
    /// A page of text with a photograph, another one each time.
    Page,
    /// Eight letters a second appear.
    Typing,
    /// Code scrolls by ten lines a second.
    Scroll,
    /// Three thousand lines run through a terminal in two seconds.
    Cat,
    /// A window is dragged over a page, forty steps a second.
    Drag,
    /// 640x360 of moving photograph at 24 a second.
    Video,
    /// Full-screen slides, one every two seconds.
    Slides,
    /// A counter at 60 a second.
    Counter,
    /// The whole screen scrolls at 60 a second.
    Whole,
    /// Nothing happens.
    Idle,
    /// Minutes of keys beside a film.
    Lasting,
    /// F11 while the whole screen moves.
    Revoked,
}

impl Row {
    /// In the order in which they are played.
    pub const ALL: [Self; 16] = [
        Self::Patch,
        Self::Key,
        Self::KeyBeside,
        Self::Flip,
        Self::Page,
        Self::Typing,
        Self::Scroll,
        Self::Cat,
        Self::Drag,
        Self::Video,
        Self::Slides,
        Self::Counter,
        Self::Whole,
        Self::Idle,
        Self::Lasting,
        Self::Revoked,
    ];

    /// True if each change rests before the next one comes: its latency is told. The others tell pictures a second.
    pub fn rests(self) -> bool {
        matches!(
            self,
            Self::Patch
                | Self::Key
                | Self::KeyBeside
                | Self::Flip
                | Self::Page
                | Self::Typing
                | Self::Scroll
                | Self::Slides
                | Self::Lasting
        )
    }
}

/// One row of one system in one turn.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Changes that were drawn.
    pub drawn: usize,
    /// Of those, the ones that were seen.
    pub seen: usize,
    /// From drawing (or pressing) to seeing, of each change that was seen.
    pub latencies_ms: Vec<f64>,
    /// Between two changes that were seen.
    pub gaps_ms: Vec<f64>,
    /// From the first drawing to the last one.
    pub played_s: f64,
    /// From the last drawing until it was seen. None: it never was.
    pub last_ms: Option<f64>,
    /// What it cost, until a second after the last change.
    pub cost: Cost,
    /// A second after the last change.
    pub differing_pixels: usize,
    /// From the last change until both screens were the same; a second at least. None: they were not in time, or
    /// nobody waits for it.
    pub exact_ms: Option<f64>,
    /// Minute by minute, where it took minutes.
    pub lasting: Option<Lasting>,
}

/// When which number was drawn or first seen.
pub type Sight = (Instant, u32);

/// What was drawn against what was seen.
pub fn judge(drawn: &[Sight], sights: &[Sight], cost: Cost, differing_pixels: usize) -> Run {
    let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e3;
    let mut latencies_ms = Vec::new();
    let mut seen: Vec<Instant> = Vec::new();
    for (at, number) in drawn {
        let sight = sights
            .iter()
            .find(|(when, what)| what == number && when >= at);
        if let Some((when, _)) = sight {
            latencies_ms.push(ms(*at, *when));
            seen.push(*when);
        }
    }
    seen.sort();
    let last = drawn.last().and_then(|(at, number)| {
        let sight = sights
            .iter()
            .find(|(when, what)| what == number && when >= at)?;
        Some(ms(*at, sight.0))
    });
    Run {
        drawn: drawn.len(),
        seen: seen.len(),
        latencies_ms,
        gaps_ms: seen.windows(2).map(|pair| ms(pair[0], pair[1])).collect(),
        played_s: drawn
            .first()
            .zip(drawn.last())
            .map_or(0.0, |(first, last)| ms(first.0, last.0) / 1e3),
        last_ms: last,
        cost,
        differing_pixels,
        exact_ms: None,
        lasting: None,
    }
}

/// Forwards and backwards in turns: whoever was first is last then.
pub fn order(systems: &[System], turn: usize) -> Vec<System> {
    let mut order = systems.to_vec();
    if turn % 2 == 1 {
        order.reverse();
    }
    order
}

/// Acknowledged bytes of all connections in a listing of `ss -i`.
pub fn acked_bytes(listing: &str) -> Option<u64> {
    let words = listing
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("bytes_acked:"));
    let counts = words.map(|count| count.parse::<u64>().ok());
    counts.reduce(|sum, count| Some(sum? + count?)).flatten()
}

/// The middle one. 0 if there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The one at this share of the sorted row. 0 if there is none.
pub fn rank(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(at.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cost() -> Cost {
        Cost {
            seconds: 1.0,
            cpu_s: BTreeMap::new(),
            threads_s: BTreeMap::new(),
            app_bytes: None,
            frames: BTreeMap::new(),
            customer_wire_bytes: 0,
            technician_wire_bytes: 0,
        }
    }

    #[test]
    fn what_was_skipped_is_not_seen_and_the_rest_has_its_latency() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let drawn = [(at(0), 1), (at(10), 2), (at(20), 3)];
        // 3 was on the screen from an earlier row.
        let sights = [
            (at(0) - Duration::from_millis(5), 3),
            (at(7), 1),
            (at(31), 3),
        ];
        let run = judge(&drawn, &sights, cost(), 0);
        assert_eq!((run.drawn, run.seen), (3, 2));
        assert_eq!(run.latencies_ms, [7.0, 11.0]);
        assert_eq!(run.gaps_ms, [24.0]);
        assert_eq!(run.last_ms, Some(11.0));
        assert_eq!(judge(&drawn, &sights[..2], cost(), 0).last_ms, None);
    }

    #[test]
    fn bytes_of_all_connections_are_added() {
        let listing = "0 0 10.71.1.2:5900 10.72.1.2:1\n\t bbr bytes_sent:90 bytes_acked:70 x\n\
                       0 0 10.71.1.2:5900 10.72.1.2:2\n\t bbr bytes_acked:5\n";
        assert_eq!(acked_bytes(listing), Some(75));
        assert_eq!(acked_bytes("no connection"), None);
        assert_eq!(acked_bytes("bytes_acked:x"), None);
    }

    #[test]
    fn systems_take_turns_from_both_ends() {
        let systems = [System::Recorded, System::X0, System::Xpra];
        assert_eq!(order(&systems, 0), systems);
        let reversed = [System::Xpra, System::X0, System::Recorded];
        assert_eq!(order(&systems, 1), reversed);
        assert_eq!(order(&systems, 2), systems);
    }
}
