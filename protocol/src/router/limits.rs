//! Limits on what one network may try: a token bucket for each IPv4 /24 and IPv6 /48.
//!
//! The table is bounded. When it is full, the network that has tried least makes room:
//! it loses nothing by being forgotten, and one that is out of tries stays.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// An IPv4 /24 or an IPv6 /48.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Network {
    /// The first three bytes of an IPv4 address.
    V4([u8; 3]),
    /// The first six bytes of an IPv6 address.
    V6([u8; 6]),
}

impl Network {
    /// The network of an address. An IPv4 address mapped into IPv6 is an IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, ..] = v6.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }
}

/// An address as logs show it: IPv4 without its last octet, IPv6 without what is past /48.
impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4([a, b, c]) => write!(f, "{a}.{b}.{c}.0/24"),
            Self::V6([a, b, c, d, e, g]) => {
                let mut octets = [0; 16];
                octets[..6].copy_from_slice(&[*a, *b, *c, *d, *e, *g]);
                write!(f, "{}/48", Ipv6Addr::from(octets))
            }
        }
    }
}

/// How often something may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tries at once.
    pub burst: u32,
    /// After this time one more.
    pub every: Duration,
}

/// A try that came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    pub(super) wait: Duration,
}

impl TooMany {
    /// The time to wait, in minutes, rounded up.
    pub(super) fn minutes(self) -> u16 {
        u16::try_from(self.wait.as_secs().div_ceil(60).max(1)).unwrap_or(u16::MAX)
    }
}

/// When a bucket will be full again; the same as a bucket of tokens, in one number.
#[derive(Debug, Clone)]
pub(super) struct Limiter<K> {
    rate: Rate,
    capacity: usize,
    full_at: HashMap<K, Duration>,
}

impl<K: Hash + Eq + Copy> Limiter<K> {
    pub(super) fn new(rate: Rate, capacity: usize) -> Self {
        Self {
            rate,
            capacity,
            full_at: HashMap::new(),
        }
    }

    /// Spends one try of `key`.
    pub(super) fn spend(&mut self, key: K, now: Duration) -> Result<(), TooMany> {
        if !self.full_at.contains_key(&key) && self.full_at.len() >= self.capacity {
            self.make_room(now);
        }
        let full_at = self.full_at.entry(key).or_insert(now);
        let after = (*full_at).max(now) + self.rate.every;
        let latest = now + self.rate.every * self.rate.burst;
        if after > latest {
            return Err(TooMany {
                wait: after - latest,
            });
        }
        *full_at = after;
        Ok(())
    }

    fn make_room(&mut self, now: Duration) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() < self.capacity {
            return;
        }
        // An eighth at once, so that a flood of networks does not sort the table for each.
        let mut times: Vec<Duration> = self.full_at.values().copied().collect();
        let middle = times.len() / 8;
        let (_, least, _) = times.select_nth_unstable(middle);
        let least = *least;
        let mut room = middle + 1;
        self.full_at.retain(|_, full_at| {
            let goes = *full_at <= least && room > 0;
            room -= usize::from(goes);
            !goes
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.full_at.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 2,
        every: Duration::from_secs(30),
    };

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let mut limiter = Limiter::new(RATE, 8);
        let at = Duration::from_secs;
        assert_eq!(limiter.spend(1, at(0)), Ok(()));
        assert_eq!(limiter.spend(1, at(0)), Ok(()));
        assert_eq!(limiter.spend(1, at(1)), Err(TooMany { wait: at(29) }));
        assert_eq!(limiter.spend(2, at(1)), Ok(()));
        assert_eq!(limiter.spend(1, at(30)), Ok(()));
        assert!(limiter.spend(1, at(31)).is_err());
    }

    #[test]
    fn the_table_is_bounded_and_keeps_the_worst() {
        let mut limiter = Limiter::new(RATE, 64);
        let now = Duration::from_secs(1);
        limiter.spend(u32::MAX, now).unwrap();
        limiter.spend(u32::MAX, now).unwrap();
        for network in 0..10_000 {
            limiter.spend(network, now).unwrap();
            assert!(limiter.len() <= 64);
        }
        assert!(limiter.spend(u32::MAX, now).is_err());
    }

    #[test]
    fn networks() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.7"), of("192.0.2.200"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.200"));
        assert_ne!(of("192.0.2.7"), of("192.0.3.7"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:ffff::"));
        assert_eq!(of("2001:db8:1:2::3").to_string(), "2001:db8:1::/48");
        assert_eq!(of("192.0.2.7").to_string(), "192.0.2.0/24");
    }
}
