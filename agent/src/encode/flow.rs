//! How much may be under way: clocked by the console's acknowledgements.
//!
//! ```text
//! sent ─► in flight ─► acknowledged: round trip, rate of the line, digest compared
//! ```
//!
//! At most about one round trip is in flight, counted in updates and in bytes, so that
//! no queue of old pictures grows anywhere on the way; what changes meanwhile waits as
//! damage, and the next update shows the newest picture.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Config;
use super::cost::ASSUMED_RATE;

/// The line as the encoder sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// Bytes a second that it carries, if that has been seen.
    pub bytes_per_second: Option<u64>,
    /// The shortest time from sending to acknowledgement; on short ways without what the console took to draw.
    pub round_trip: Option<Duration>,
}

/// What an acknowledgement said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acked {
    /// Something drawn: the time since it was sent.
    Drawn(Duration),
    /// Nothing new: an update that is not in flight.
    Old,
    /// The console's picture is not ours. A complete picture follows.
    Differs,
}

/// The updates under way and the line they tell of.
#[derive(Debug)]
pub(super) struct Flow {
    in_flight: VecDeque<Flight>,
    bytes: usize,
    /// Bytes of the last update that was not small.
    recent: usize,
    line: Line,
    arrived_at: Option<Instant>,
    sample: Option<Sample>,
    /// The transport, or a sample that is large enough, has told what a near line carries.
    told: bool,
}

/// What the rate was last taken from. Updates that are drawn at once, because they waited for an earlier one,
/// are one sample: the time between them tells nothing.
#[derive(Debug, Clone, Copy)]
struct Sample {
    bytes: usize,
    start: Instant,
    end: Instant,
    /// The rate before it.
    rate: Option<u64>,
}

#[derive(Debug)]
struct Flight {
    sequence: u64,
    digest: u64,
    bytes: usize,
    sent: Instant,
    /// Small, and nothing else was under way: its time is that of the way.
    alone: bool,
    /// It passes what was under way.
    beside: bool,
}

impl Flow {
    /// Nothing in flight, nothing known of the line.
    pub(super) fn new() -> Self {
        Self {
            in_flight: VecDeque::new(),
            bytes: 0,
            recent: SMALL,
            line: Line::default(),
            arrived_at: None,
            sample: None,
            told: false,
        }
    }

    /// What is known of the line.
    pub(super) fn line(&self) -> Line {
        Line {
            bytes_per_second: self.rate(),
            ..self.line
        }
    }

    /// Bytes a second. On a near line little takes milliseconds in which nothing is carried, both ends' starts among
    /// them: until a large sample has told better, it is taken for an ordinary one.
    fn rate(&self) -> Option<u64> {
        let near = self.line.round_trip.is_some_and(|trip| trip < NEAR);
        match near && !self.told {
            true => Some(self.line.bytes_per_second.unwrap_or(0).max(ASSUMED_RATE)),
            false => self.line.bytes_per_second,
        }
    }

    /// What the transport says of its leg of the way; used until the whole way is measured.
    pub(super) fn handle_line(&mut self, line: Line) {
        self.line.bytes_per_second = self.line.bytes_per_second.or(line.bytes_per_second);
        self.told |= line.bytes_per_second.is_some();
        self.line.round_trip = self.line.round_trip.or(line.round_trip);
    }

    /// Forgets what is in flight: nobody will acknowledge it.
    pub(super) fn clear(&mut self) {
        self.in_flight.clear();
        self.bytes = 0;
    }

    /// True while that update has not been acknowledged.
    pub(super) fn waits_for(&self, sequence: u64) -> bool {
        self.in_flight.iter().any(|f| f.sequence == sequence)
    }

    /// True if a picture update may be sent. On a thin line another one like the last must fit, or half of what may be under
    /// way: what stands in the line's queue nobody can call back, and a revocation waits behind it.
    pub(super) fn room(&self) -> bool {
        let most = self.most_bytes();
        let next = match self.thin() {
            true => self.recent.min(most / 2),
            false => 1,
        };
        self.in_flight.len() < self.most_updates() && (self.bytes == 0 || self.bytes + next <= most)
    }

    /// True if the line is thin as far as can be told: what is near carries much, whatever a start took.
    pub(super) fn perhaps_thin(&self) -> bool {
        let near = self.line.round_trip.is_none_or(|trip| trip < NEAR);
        !near && self.rate().is_none_or(|rate| rate < THIN)
    }

    /// True if another slice of the change that was begun may be sent while `updates` of it, of so many bytes together, have
    /// gone and are not noted yet: all of them count as one update.
    pub(super) fn room_for_slice(&self, updates: usize, bytes: usize) -> bool {
        self.in_flight.len() + updates < MOST_UPDATES && self.bytes + bytes < self.most_bytes()
    }

    /// True if what is sent is there at once.
    pub(super) fn quick(&self) -> bool {
        let near = self.line.round_trip.is_some_and(|trip| trip < NEAR);
        near && self.rate().is_some_and(|rate| rate >= QUICK)
    }

    /// True if the line is known to be thin.
    fn thin(&self) -> bool {
        self.rate().is_some_and(|rate| rate < THIN)
    }

    /// True if a refinement may be sent: it leaves room for pictures.
    pub(super) fn room_for_refinement(&self) -> bool {
        self.in_flight.len() + 1 < self.most_updates() && self.bytes <= self.most_bytes() / 2
    }

    /// True while something is under way behind which a key's echo would wait: until it has passed, or, if a packet of it
    /// is lost, a round trip longer.
    pub(super) fn busy(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// True if something small may be sent beside what is under way, even where there is no room for more.
    pub(super) fn room_beside(&self) -> bool {
        let beside = self.in_flight.iter().filter(|f| f.beside);
        beside.map(|f| f.bytes).sum::<usize>() < MOST_BESIDE
            && self.in_flight.len() < 2 * MOST_UPDATES
    }

    /// Bytes that one update should not exceed.
    pub(super) fn budget(&self, config: &Config) -> usize {
        let Some(rate) = self.rate() else {
            return UNKNOWN_PART.min(config.largest_budget);
        };
        let bytes = rate as f64 * config.patience.as_secs_f64();
        (bytes as usize).clamp(
            config.smallest_budget.min(config.largest_budget),
            config.largest_budget,
        )
    }

    /// Bytes of exact pixels beyond which they go in parts: what the line carries within
    /// the patience, whether or not something else would be better.
    pub(super) fn part(&self, config: &Config) -> usize {
        let bytes = match self.rate() {
            Some(rate) => (rate as f64 * config.patience.as_secs_f64()) as usize,
            None => UNKNOWN_PART,
        };
        let part = bytes.min(MOST_PART).max(self.budget(config));
        match self.thin() {
            // Several at a time, so that the line is never idle.
            true => part.min(self.most_bytes() / 3).max(config.smallest_budget),
            false => part,
        }
    }

    /// Notes an update as sent.
    pub(super) fn handle_sent(&mut self, sequence: u64, digest: u64, bytes: usize, now: Instant) {
        let alone = self.in_flight.is_empty() && bytes < LEAST_SAMPLE;
        self.bytes += bytes;
        if bytes > SMALL {
            self.recent = bytes;
        }
        self.in_flight.push_back(Flight {
            alone,
            beside: false,
            sequence,
            digest,
            bytes,
            sent: now,
        });
    }

    /// What was sent last went beside the others.
    pub(super) fn handle_beside(&mut self) {
        if let Some(last) = self.in_flight.back_mut() {
            last.beside = true;
        }
    }

    /// Takes an acknowledgement of everything up to `sequence`, that the console held for so long until it was drawn.
    pub(super) fn handle_ack(
        &mut self,
        sequence: u64,
        digest: u64,
        held: Duration,
        now: Instant,
    ) -> Acked {
        let Some(at) = self.in_flight.iter().position(|f| f.sequence == sequence) else {
            return Acked::Old;
        };
        let mut acked = Acked::Old;
        let mut bytes = 0;
        let mut first_sent = now;
        let mut alone = false;
        for flight in self.in_flight.drain(..=at) {
            bytes += flight.bytes;
            first_sent = first_sent.min(flight.sent);
            alone |= flight.alone;
            let took = now.saturating_duration_since(flight.sent);
            acked = if flight.sequence == sequence && flight.digest != digest {
                Acked::Differs
            } else {
                Acked::Drawn(took)
            };
        }
        self.bytes -= bytes;
        // What the console took is told from the line where the line takes little: elsewhere it is part of the way.
        // Neither before it was sent, nor before what came earlier, whatever the console says.
        let arrived = now.checked_sub(held).unwrap_or(now).max(first_sent);
        let little = arrived.saturating_duration_since(first_sent) < LITTLE;
        let arrived = if little { arrived } else { now };
        let arrived = self.arrived_at.map_or(arrived, |last| arrived.max(last));
        self.measure(bytes, first_sent, alone, arrived);
        self.arrived_at = Some(arrived);
        acked
    }

    fn measure(&mut self, bytes: usize, sent: Instant, alone: bool, now: Instant) {
        let took = now.saturating_duration_since(sent);
        let shortest = self.line.round_trip;
        // The way can become longer, but only what was alone on it tells: anything else
        // may have waited for ourselves, and the more would then be sent.
        let slack = |s: Duration| if alone { s + s / 8 } else { s };
        self.line.round_trip = Some(shortest.map_or(took, |s| took.min(slack(s))));
        // While the line is busy, one arrival follows the other; otherwise the way itself
        // took one round trip of the time.
        let idle_until = match shortest {
            Some(shortest) if shortest < took => sent + shortest,
            _ => sent,
        };
        let start = self
            .arrived_at
            .map_or(idle_until, |acked| acked.max(idle_until));
        // What came without a pause behind too little to tell is told of together with it.
        let busy = self.arrived_at.is_some_and(|acked| acked >= idle_until);
        let goes_on = |before: &Sample| {
            let at_once = now.saturating_duration_since(before.end) < AT_ONCE;
            at_once || (busy && before.bytes < LEAST_SAMPLE)
        };
        let sample = match self.sample.filter(goes_on) {
            Some(before) => Sample {
                bytes: before.bytes + bytes,
                end: now,
                ..before
            },
            None => Sample {
                bytes,
                start,
                end: now,
                rate: self.line.bytes_per_second,
            },
        };
        self.sample = Some(sample);
        if sample.bytes < LEAST_SAMPLE {
            return;
        }
        self.told |= sample.bytes >= LARGE_SAMPLE;
        let time = now
            .saturating_duration_since(sample.start)
            .max(Duration::from_millis(1));
        let seen = sample.bytes as f64 / time.as_secs_f64();
        self.line.bytes_per_second = Some(match sample.rate {
            None => seen as u64,
            Some(rate) => {
                let rate = rate as f64;
                // A line that is slower than it was thought shows it at length; a hiccup is short.
                let weight = match seen > rate {
                    true => 0.5,
                    false => time.div_duration_f64(time + HICCUP).max(0.25),
                };
                (rate + (seen - rate) * weight) as u64
            }
        });
    }

    fn most_updates(&self) -> usize {
        let frames = self
            .line
            .round_trip
            .map_or(0, |r| r.as_millis() / FRAME.as_millis());
        usize::try_from(frames)
            .unwrap_or(usize::MAX)
            .saturating_add(2)
            .min(MOST_UPDATES)
    }

    fn most_bytes(&self) -> usize {
        match (self.rate(), self.line.round_trip) {
            (Some(rate), Some(trip)) => {
                let bytes = rate as f64 * (trip + SLACK).as_secs_f64();
                (bytes as usize).max(LEAST_BYTES)
            }
            // Until something has arrived, no more than finds out how fast it does.
            _ => UNKNOWN_PART,
        }
    }
}

/// Fewer bytes a second are a thin line.
const THIN: u64 = 400_000;

/// What carries this many bytes a second has a large change through in the time that it takes to write and to draw it.
const QUICK: u64 = 5_000_000;

/// Lines within a house take less.
const NEAR: Duration = Duration::from_millis(10);

/// What came within this time came by a line on which a console's start would be most of the way.
const LITTLE: Duration = Duration::from_millis(40);

/// Acknowledgements closer than this belong together.
const AT_ONCE: Duration = Duration::from_millis(5);

/// Pictures closer than this add nothing that anybody sees.
const FRAME: Duration = Duration::from_millis(16);
const MOST_UPDATES: usize = 16;

/// Keeps the line busy while acknowledgements are gathered.
const SLACK: Duration = Duration::from_millis(20);
const MOST_PART: usize = 1 << 20;
const LEAST_BYTES: usize = 16 << 10;

/// Shorter samples may be of a line that stalled for a moment.
const HICCUP: Duration = Duration::from_millis(250);

/// What waits for nothing: a few packets.
pub(super) const SMALL: usize = 2 << 10;
const MOST_BESIDE: usize = 4 << 10;

/// The first larger update finds out what the line carries: more than [`LEAST_SAMPLE`], and a quarter of a second on 512 kbit/s.
const UNKNOWN_PART: usize = 16 << 10;

/// Smaller updates tell of delays, not of the rate.
const LEAST_SAMPLE: usize = 8 << 10;

/// On a line of 100 Mbit/s it takes longer than what else takes time.
const LARGE_SAMPLE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn at_most_about_one_round_trip() {
        let (mut flow, start) = (Flow::new(), Instant::now());
        for n in 0..2 {
            assert!(flow.room());
            flow.handle_sent(n, 0, 100, start);
        }
        assert!(!flow.room());
        assert_eq!(ack(&mut flow, 1, 0, start + ms(80)), Acked::Drawn(ms(80)));
        assert_eq!(ack(&mut flow, 0, 0, start + ms(81)), Acked::Old);
        for n in 2..9 {
            assert!(flow.room());
            flow.handle_sent(n, 0, 100, start + ms(100));
        }
        assert!(!flow.room());
        flow.clear();
        assert!(flow.room());
    }

    /// The console drew at once.
    fn ack(flow: &mut Flow, sequence: u64, digest: u64, now: Instant) -> Acked {
        flow.handle_ack(sequence, digest, Duration::ZERO, now)
    }

    /// A line of 250 kB/s and 80 ms: what the encoder learns of it, sending all it may.
    #[test]
    fn the_rate_is_found() {
        let config = Config::default();
        let (mut flow, mut now) = (Flow::new(), Instant::now());
        let (mut free, mut arrivals, mut sequence) = (now, VecDeque::new(), 0);
        for _ in 0..400 {
            while flow.room() {
                let bytes = flow.budget(&config).min(60_000);
                free = free.max(now) + Duration::from_secs_f64(bytes as f64 / 250_000.0);
                flow.handle_sent(sequence, 0, bytes, now);
                arrivals.push_back((sequence, free + ms(80)));
                sequence += 1;
            }
            let (acked, at) = arrivals.pop_front().unwrap();
            now = at;
            ack(&mut flow, acked, 0, now);
        }
        let rate = flow.line().bytes_per_second.unwrap();
        assert!((150_000..400_000).contains(&rate), "{rate}");
        assert!(
            free.saturating_duration_since(now) < ms(250),
            "a queue has grown"
        );
    }

    /// What waited for an earlier update is drawn with it: 400 kB in two seconds, not in one millisecond.
    #[test]
    fn what_is_drawn_at_once_says_nothing_of_the_line() {
        let (mut flow, now) = (Flow::new(), Instant::now());
        for n in 0..4 {
            flow.handle_sent(n, 0, 100_000, now);
        }
        ack(&mut flow, 0, 0, now + ms(500));
        for n in 1..4 {
            ack(&mut flow, n, 0, now + ms(2000 + n));
        }
        let rate = flow.line().bytes_per_second.unwrap();
        assert!((150_000..250_000).contains(&rate), "{rate}");
    }

    /// Updates that tell nothing alone, one behind the other on a line of 50 kB/s that was taken for one of 400.
    #[test]
    fn a_line_that_became_slower_is_noticed() {
        let (mut flow, now) = (Flow::new(), Instant::now());
        flow.handle_line(Line {
            bytes_per_second: Some(400_000),
            round_trip: Some(ms(60)),
        });
        flow.handle_sent(0, 0, 5000, now);
        for n in 1..20 {
            flow.handle_sent(n, 0, 5000, now + ms(100 * n - 90));
            ack(&mut flow, n - 1, 0, now + ms(60 + 100 * n));
        }
        let rate = flow.line().bytes_per_second.unwrap();
        assert!((40_000..80_000).contains(&rate), "{rate}");
    }

    /// 20 kB stand for 80 ms in the queue of a thin line; on a fast one they are nothing.
    #[test]
    fn on_a_thin_line_large_updates_do_not_queue() {
        for (rate, room) in [(250_000, false), (2_500_000, true)] {
            let (mut flow, now) = (Flow::new(), Instant::now());
            flow.handle_line(Line {
                bytes_per_second: Some(rate),
                round_trip: Some(ms(80)),
            });
            flow.handle_sent(0, 0, 20_000, now);
            assert_eq!(flow.room(), room);
            flow.handle_sent(1, 0, 100, now);
            assert_eq!(flow.room(), room, "small ones do not change that");
            ack(&mut flow, 0, 0, now + ms(160));
            assert!(flow.room(), "the small one leaves room");
        }
    }

    /// Not even where the last large update was as large as all that may be under way.
    #[test]
    fn letters_do_not_wait_for_one_another() {
        let (mut flow, now) = (Flow::new(), Instant::now());
        flow.handle_line(Line {
            bytes_per_second: Some(64_000),
            round_trip: Some(ms(60)),
        });
        flow.handle_sent(0, 0, 60_000, now);
        ack(&mut flow, 0, 0, now + ms(1000));
        flow.handle_sent(1, 0, 200, now + ms(1100));
        assert!(flow.room());
    }

    #[test]
    fn an_unknown_line_gets_little_at_once() {
        let (mut flow, now) = (Flow::new(), Instant::now());
        flow.handle_sent(0, 0, 100, now);
        assert!(flow.busy(), "its packet may be lost");
        ack(&mut flow, 0, 0, now + ms(200));
        assert!(flow.room() && !flow.busy());
        flow.handle_sent(1, 0, UNKNOWN_PART, now + ms(200));
        assert!(!flow.room() && flow.busy() && flow.room_beside());
        for (sequence, more) in [(2, true), (3, false)] {
            flow.handle_sent(sequence, 0, MOST_BESIDE / 2, now + ms(200));
            flow.handle_beside();
            assert_eq!(flow.room_beside(), more);
        }
        ack(&mut flow, 3, 0, now + ms(300));
        assert!(flow.room_beside() && !flow.busy());
    }

    /// The console says again how far it has come when more is shown before its turn.
    #[test]
    fn what_is_acknowledged_again_tells_nothing() {
        let (mut flow, now) = (Flow::new(), Instant::now());
        for n in 0..3 {
            flow.handle_sent(n, 7, 10_000, now);
        }
        let first = ack(&mut flow, 0, 7, now + ms(100));
        assert_eq!(first, Acked::Drawn(ms(100)));
        let (line, arrived_at, bytes) = (flow.line(), flow.arrived_at, flow.bytes);
        for (digest, after) in [(7, 101), (7, 150), (8, 1000)] {
            assert_eq!(ack(&mut flow, 0, digest, now + ms(after)), Acked::Old);
        }
        assert_eq!((flow.line(), flow.arrived_at), (line, arrived_at));
        assert_eq!((flow.bytes, flow.in_flight.len()), (bytes, 2));
    }

    /// A console that is just starting lets a near line look slow, as long as only little was sent.
    #[test]
    fn a_near_line_is_taken_for_an_ordinary_one_until_much_was_sent() {
        for (trip, rate) in [(2, ASSUMED_RATE), (60, 200_000)] {
            let (mut flow, now) = (Flow::new(), Instant::now());
            flow.handle_sent(0, 0, 20_000, now);
            ack(&mut flow, 0, 0, now + ms(100));
            flow.handle_sent(1, 0, 500, now + ms(200));
            ack(&mut flow, 1, 0, now + ms(200 + trip));
            assert_eq!(flow.line().bytes_per_second, Some(rate), "{trip} ms");
            // A large one tells, whatever it says.
            flow.handle_sent(2, 0, 100_000, now + ms(300));
            ack(&mut flow, 2, 0, now + ms(800));
            let rate = flow.line().bytes_per_second.unwrap();
            assert!((190_000..230_000).contains(&rate), "{rate}");
        }
    }

    #[test]
    fn a_wrong_digest_is_told() {
        let (mut flow, now) = (Flow::new(), Instant::now());
        flow.handle_sent(3, 7, 100, now);
        assert_eq!(ack(&mut flow, 3, 8, now), Acked::Differs);
        assert!(flow.room());
    }

    /// A console that takes its time, as at its start, does not make the line look slow; one that lies gains nothing.
    #[test]
    fn what_the_console_takes_is_not_the_lines() {
        let (mut flow, now) = (Flow::new(), Instant::now());
        flow.handle_sent(0, 0, 100_000, now);
        let acked = flow.handle_ack(0, 0, ms(125), now + ms(130));
        assert_eq!(acked, Acked::Drawn(ms(130)), "until it was to be seen");
        let line = flow.line();
        assert_eq!(line.round_trip, Some(ms(5)));
        assert_eq!(line.bytes_per_second, Some(20_000_000));
        assert!(!flow.perhaps_thin());
        // Far away it is a part of the way.
        let mut far = Flow::new();
        far.handle_sent(0, 0, 100, now);
        far.handle_ack(0, 0, ms(20), now + ms(80));
        assert_eq!(far.line().round_trip, Some(ms(80)));
        let lies = [ms(131), Duration::from_secs(4_000), Duration::MAX];
        for (held, sent) in lies.into_iter().zip([200, 400, 600]) {
            flow.handle_sent(1, 0, 100_000, now + ms(sent));
            flow.handle_ack(1, 0, held, now + ms(sent + 100));
            assert!(
                flow.line().bytes_per_second <= Some(100_000_000),
                "{held:?}"
            );
            assert!(flow.room());
        }
    }
}
