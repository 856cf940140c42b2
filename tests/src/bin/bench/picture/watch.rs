//! When a change is there for the technician's eyes: an X client of its own on his screen that XDamage wakes, and
//! that reads small areas of it. It knows nothing of the program that drew them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use fernsicht_tests::measure::{Sight, marker};
use fernsicht_tests::show::player::Place;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::Connection;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};
use x11rb::rust_connection::RustConnection;

/// Reads the technician's screen, in places of the customer's.
#[derive(Debug)]
pub(crate) struct Eyes {
    connection: RustConnection,
    root: u32,
    offset: (i16, i16),
}

impl Eyes {
    /// The picture begins at `offset` on this display.
    pub(crate) fn open(display: &str, offset: (i16, i16)) -> Result<Self> {
        let (connection, screen) =
            x11rb::connect(Some(display)).with_context(|| format!("no X server at {display}"))?;
        let root = connection.setup().roots[screen].root;
        connection.damage_query_version(1, 1)?.reply()?;
        Ok(Self {
            connection,
            root,
            offset,
        })
    }

    /// The pixels of a place, row by row.
    pub(crate) fn look(&self, place: Place) -> Result<Vec<u32>> {
        let (x, y) = (
            place.x as i16 + self.offset.0,
            place.y as i16 + self.offset.1,
        );
        let image = self
            .connection
            .get_image(
                ImageFormat::Z_PIXMAP,
                self.root,
                x,
                y,
                place.width,
                place.height,
                !0,
            )?
            .reply()?;
        let pixel = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], 0]);
        Ok(image.data.chunks_exact(4).map(pixel).collect())
    }

    /// The number whose marker stands here.
    pub(crate) fn number(&self, (x, y): (u16, u16)) -> Result<Option<u32>> {
        let middle = Place::new(x, y + marker::HEIGHT / 2, marker::WIDTH, 1);
        Ok(marker::read(&self.look(middle)?))
    }

    /// True if a letter stands here, on light paper.
    pub(crate) fn ink(&self, place: Place) -> Result<bool> {
        let pixels = self.look(place)?;
        let dark = pixels.iter().filter(|pixel| marker::dark(**pixel)).count();
        Ok((4..pixels.len() / 2).contains(&dark))
    }
}

/// A thread that watches until it is stopped.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Sight>>>,
    news: mpsc::Receiver<u32>,
}

impl Watch {
    /// Asks `look` for the newest number after every change of the screen.
    pub(crate) fn start(
        eyes: Eyes,
        mut look: impl FnMut(&Eyes) -> Result<Option<u32>> + Send + 'static,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        // More than any row has numbers; whoever does not listen loses nothing but these.
        let (sender, news) = mpsc::sync_channel(1 << 14);
        let damage = eyes.connection.generate_id()?;
        eyes.connection
            .damage_create(damage, eyes.root, ReportLevel::NON_EMPTY)?
            .check()?;
        let thread = thread::spawn(move || {
            let mut sights: Vec<Sight> = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                while eyes.connection.poll_for_event()?.is_some() {}
                // What changes from here on wakes again.
                eyes.connection.damage_subtract(damage, 0u32, 0u32)?;
                if let Some(number) = look(&eyes)?
                    && sights.last().is_none_or(|(_, last)| *last != number)
                {
                    sights.push((Instant::now(), number));
                    sender.try_send(number).ok();
                }
                if eyes.connection.poll_for_event()?.is_none() {
                    let timeout = Timespec {
                        tv_sec: 0,
                        tv_nsec: LOOK.as_nanos() as i64,
                    };
                    let stream = eyes.connection.stream();
                    poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&timeout))?;
                }
            }
            Ok(sights)
        });
        Ok(Self { stop, thread, news })
    }

    /// Waits until this number or a newer one is seen. False: it is not, within the limit.
    pub(crate) fn sees(&self, number: u32, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left) {
                Ok(seen) if seen >= number => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    /// Ends. Returns what was seen.
    pub(crate) fn stop(self) -> Result<Vec<Sight>> {
        self.stop.store(true, Ordering::Relaxed);
        let sights = self.thread.join();
        sights.map_err(|_| anyhow!("the watcher's thread panicked"))?
    }
}

/// So long a change may go unnoticed whose notice was lost.
const LOOK: Duration = Duration::from_millis(20);
