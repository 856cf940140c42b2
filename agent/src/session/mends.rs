//! Counts wrong pictures: how often the console's digest was another one, and how often its picture was right again.
//!
//! ```text
//! right ── the digest differs ──► wrong ── the digest of something drawn later is ours ──► right
//! ```
//!
//! The encoder repairs by itself; here it is only counted, and said in the log.

use std::time::{Duration, Instant};

use crate::encode::Acked;

/// What was counted so far, and whether the console's picture is wrong.
#[derive(Debug, Default)]
pub(super) struct Mends {
    wrong: u64,
    mended: u64,
    since: Option<Instant>,
}

impl Mends {
    /// The encoder has compared a digest.
    pub(super) fn handle_ack(&mut self, acked: Acked, now: Instant) {
        match acked {
            Acked::Differs if self.since.is_none() => {
                self.since = Some(now);
                self.wrong += 1;
                tracing::warn!(wrong = self.wrong, "the console's picture is wrong");
            }
            Acked::Drawn(_) => {
                if let Some(after) = self.mended(now) {
                    tracing::warn!(
                        mended = self.mended,
                        ms = after.as_millis(),
                        "the console's picture is right again"
                    );
                }
            }
            Acked::Differs | Acked::Old => {}
        }
    }

    fn mended(&mut self, now: Instant) -> Option<Duration> {
        let since = self.since.take()?;
        self.mended += 1;
        Some(now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_picture_is_mended_once() {
        let now = Instant::now();
        let drawn = Acked::Drawn(Duration::ZERO);
        let mut mends = Mends::default();
        let counted = [
            (drawn, 0, 0),
            (Acked::Differs, 1, 0),
            // On its way before the repair.
            (Acked::Differs, 1, 0),
            (Acked::Old, 1, 0),
            (drawn, 1, 1),
            (drawn, 1, 1),
            (Acked::Differs, 2, 1),
        ];
        for (acked, wrong, mended) in counted {
            mends.handle_ack(acked, now);
            assert_eq!((mends.wrong, mends.mended), (wrong, mended));
        }
    }
}
