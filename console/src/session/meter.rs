//! Statistics, only while somebody looks at them: an idle console measures nothing.

use std::time::{Duration, Instant};

use fernsicht_protocol::net::Transport;

use crate::view::Measured;

const PERIOD: Duration = Duration::from_secs(1);

/// Counts since the last period began.
#[derive(Debug)]
pub(crate) struct Meter {
    /// When the frame in hand had been received completely.
    pub(crate) arrived: Instant,
    began: Option<Instant>,
    bytes: usize,
    drawn: u32,
    waited: Duration,
    measured: Measured,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            arrived: Instant::now(),
            began: None,
            bytes: 0,
            drawn: 0,
            waited: Duration::ZERO,
            measured: Measured::default(),
        }
    }
}

impl Meter {
    pub(crate) fn switch(&mut self, on: bool) {
        *self = Self {
            began: on.then(Instant::now),
            ..Self::default()
        };
    }

    pub(crate) fn measured(&self) -> Measured {
        self.measured
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.bytes += bytes + fernsicht_protocol::frame::HEADER_BYTES;
    }

    pub(crate) fn drawn(&mut self, received: Option<Instant>) {
        self.drawn += 1;
        self.waited += received.map_or(Duration::ZERO, |at| at.elapsed());
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.began.map(|began| began + PERIOD)
    }

    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        (rtt, transport): (Option<Duration>, Option<Transport>),
        (size, complete): (Option<(u32, u32)>, u64),
    ) {
        let Some(began) = self.began.filter(|began| *began + PERIOD <= now) else {
            return;
        };
        let seconds = (now - began).as_secs_f64();
        self.measured = Measured {
            transport,
            rtt_ms: rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
            draw_ms: (self.drawn > 0)
                .then(|| self.waited.as_secs_f64() * 1e3 / f64::from(self.drawn)),
            frames: Some(f64::from(self.drawn) / seconds),
            bytes: Some(self.bytes as f64 / seconds),
            size,
            complete: Some(complete),
        };
        (self.began, self.bytes, self.drawn, self.waited) = (Some(now), 0, 0, Duration::ZERO);
    }
}
