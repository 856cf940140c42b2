//! What a bad line does to packets, decided without a clock, a thread or an interface.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dice::Dice;

/// How bad one direction of a line is. The default is a perfect one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Impairment {
    /// Packets lost at random, of a thousand.
    pub loss: u32,
    /// Time that every packet takes.
    pub delay: Duration,
    /// Time that a packet takes at most on top of it; packets keep their order.
    pub jitter: Duration,
    /// Bytes a second. None is as fast as it goes.
    pub rate: Option<u32>,
    /// Bytes that wait for the rate; what does not fit is dropped.
    pub queue: usize,
    /// What does not pass at all.
    pub block: Lane,
}

/// Packets by what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lane {
    /// None.
    #[default]
    Nothing,
    /// UDP, as networks do that know no QUIC.
    Udp,
    /// All of them: the cable is out.
    Everything,
}

impl Lane {
    /// True if this IP packet is one of them.
    fn has(self, packet: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Udp => protocol(packet) == Some(UDP),
            Self::Everything => true,
        }
    }
}

/// What became of the packets so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Came out at the other end.
    pub passed: u64,
    /// Of those, UDP.
    pub passed_udp: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Found the queue full.
    pub dropped: u64,
    /// Were not let in.
    pub blocked: u64,
}

/// One direction of a line.
#[derive(Debug)]
pub(super) struct Direction {
    dice: Dice,
    waiting: VecDeque<(Instant, Vec<u8>)>,
    /// Bytes that have not left the sender's end yet, with the time when they have.
    sending: VecDeque<(Instant, usize)>,
    sent_until: Option<Instant>,
    leaves_last: Option<Instant>,
    pub(super) counts: Counts,
}

impl Direction {
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            dice,
            waiting: VecDeque::new(),
            sending: VecDeque::new(),
            sent_until: None,
            leaves_last: None,
            counts: Counts::default(),
        }
    }

    /// A packet comes in at the near end.
    pub(super) fn handle_packet(&mut self, packet: &[u8], how: &Impairment, now: Instant) {
        if how.block.has(packet) {
            self.counts.blocked += 1;
            return;
        }
        if how.loss > 0 && self.dice.roll(1000) < how.loss {
            self.counts.lost += 1;
            return;
        }
        let Some(sent) = self.send(packet.len(), how, now) else {
            self.counts.dropped += 1;
            return;
        };
        let jitter = u32::try_from(how.jitter.as_micros()).unwrap_or(u32::MAX);
        let jitter = Duration::from_micros(u64::from(self.dice.roll(jitter.saturating_add(1))));
        let leaves = sent + how.delay + jitter;
        let leaves = self.leaves_last.map_or(leaves, |last| leaves.max(last));
        self.leaves_last = Some(leaves);
        self.waiting.push_back((leaves, packet.to_vec()));
    }

    /// When the packet has left the sender's end, at the line's rate. None: the queue is full.
    fn send(&mut self, bytes: usize, how: &Impairment, now: Instant) -> Option<Instant> {
        let Some(rate) = how.rate else {
            return Some(now);
        };
        while self.sending.front().is_some_and(|(at, _)| *at <= now) {
            self.sending.pop_front();
        }
        let queued: usize = self.sending.iter().map(|(_, bytes)| bytes).sum();
        if queued > 0 && queued + bytes > how.queue {
            return None;
        }
        let begins = self.sent_until.map_or(now, |until| until.max(now));
        let sent = begins + Duration::from_secs_f64(bytes as f64 / f64::from(rate.max(1)));
        self.sent_until = Some(sent);
        self.sending.push_back((sent, bytes));
        Some(sent)
    }

    /// A packet that comes out at the far end by now. What is on its way when the cable is pulled is lost.
    pub(super) fn poll_packet(&mut self, how: &Impairment, now: Instant) -> Option<Vec<u8>> {
        while self.poll_timeout()? <= now {
            let (_, packet) = self.waiting.pop_front()?;
            if how.block.has(&packet) {
                self.counts.blocked += 1;
                continue;
            }
            self.counts.passed += 1;
            self.counts.passed_udp += u64::from(protocol(&packet) == Some(UDP));
            return Some(packet);
        }
        None
    }

    /// When the next packet comes out.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|(leaves, _)| *leaves)
    }
}

/// The protocol that an IP packet says to carry; extension headers are none that our kernels send.
fn protocol(packet: &[u8]) -> Option<u8> {
    match packet.first()? >> 4 {
        4 => packet.get(9).copied(),
        6 => packet.get(6).copied(),
        _ => None,
    }
}

const UDP: u8 = 17;

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: usize = 1000;

    fn packet(protocol: u8) -> Vec<u8> {
        let mut packet = vec![0; PACKET];
        (packet[0], packet[9]) = (0x45, protocol);
        packet
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// Puts in so many packets at once; the times at which they come out.
    fn times(how: Impairment, packets: usize) -> (Vec<Duration>, Counts) {
        let (mut line, start) = (Direction::new(Dice::from_seed(7)), Instant::now());
        for _ in 0..packets {
            line.handle_packet(&packet(UDP), &how, start);
        }
        let mut times = Vec::new();
        while let Some(due) = line.poll_timeout() {
            assert_eq!(line.poll_packet(&how, due - Duration::from_nanos(1)), None);
            assert!(line.poll_packet(&how, due).is_some());
            times.push(due - start);
        }
        (times, line.counts)
    }

    #[test]
    fn a_perfect_line_holds_nothing_back() {
        let (times, counts) = times(Impairment::default(), 5);
        assert_eq!(times, [Duration::ZERO; 5]);
        assert_eq!((counts.passed, counts.passed_udp), (5, 5));
    }

    #[test]
    fn packets_take_their_time_and_keep_their_order() {
        let how = Impairment {
            delay: ms(40),
            jitter: ms(10),
            ..Impairment::default()
        };
        let (times, _) = times(how, 200);
        assert!(times.iter().all(|at| (ms(40)..=ms(50)).contains(at)));
        assert!(times.is_sorted() && times.first() != times.last());
    }

    #[test]
    fn the_rate_spreads_them_and_the_queue_is_bounded() {
        let how = Impairment {
            rate: Some(100_000),
            queue: 5 * PACKET,
            ..Impairment::default()
        };
        let (times, counts) = times(how, 20);
        assert_eq!(times, [10, 20, 30, 40, 50].map(ms));
        assert_eq!((counts.passed, counts.dropped), (5, 15));
    }

    #[test]
    fn about_as_many_are_lost_as_was_said() {
        let how = Impairment {
            loss: 100,
            ..Impairment::default()
        };
        let (_, counts) = times(how, 10_000);
        assert!((800..1200).contains(&counts.lost), "{counts:?}");
        assert_eq!(counts.lost + counts.passed, 10_000);
    }

    #[test]
    fn a_network_without_udp_lets_tcp_pass() {
        let (mut line, now) = (Direction::new(Dice::from_seed(7)), Instant::now());
        let how = Impairment {
            block: Lane::Udp,
            ..Impairment::default()
        };
        line.handle_packet(&packet(UDP), &how, now);
        line.handle_packet(&packet(6), &how, now);
        assert_eq!(line.poll_packet(&how, now), Some(packet(6)));
        assert_eq!((line.counts.blocked, line.counts.passed), (1, 1));
    }

    #[test]
    fn what_is_under_way_when_the_cable_is_pulled_is_lost() {
        let (mut line, now) = (Direction::new(Dice::from_seed(7)), Instant::now());
        let how = Impairment {
            delay: ms(40),
            ..Impairment::default()
        };
        line.handle_packet(&packet(UDP), &how, now);
        let pulled = Impairment {
            block: Lane::Everything,
            ..how
        };
        assert_eq!(line.poll_packet(&pulled, now + ms(50)), None);
        assert_eq!(line.poll_packet(&how, now + ms(60)), None);
        assert_eq!((line.counts.blocked, line.counts.passed), (1, 0));
    }
}
