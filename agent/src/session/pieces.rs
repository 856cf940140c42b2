//! The thread that touches disk and clipboard for texts and files.
//!
//! ```text
//! Core::transfers.jobs ─► this thread ─► guard: permit? ─► disk, clipboard ─► Core::job_done
//! ```
//!
//! A job that takes a permit waits while there is none: a lost link pauses. The clipboard is taken under the lock, with the
//! permit alive, and the core knows of it before the lock is given back: a revocation finds what it has to take back. The
//! disk is touched without the lock, since none may hold up an F11: what a revocation overtakes there is one job, and the
//! file goes with the next, or at once where it has just got its name.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use fernsicht_protocol::guard::TransferPermit;
use fernsicht_protocol::transfer::files::{Incoming, Outgoing, Whole};
use fernsicht_protocol::transfer::{Reason, harmless};

use super::core::{Core, Shared};
use super::transfer::{Done, Job, Ticket, Work};
use crate::platform::Clipboard;
use crate::platform::clipboard::Taken;

/// What is open, each for one piece.
#[derive(Default)]
struct Desk {
    incoming: Option<(Ticket, Incoming)>,
    whole: Option<(Ticket, Whole)>,
    outgoing: Option<(Ticket, Outgoing)>,
    clipboard: Option<Taken>,
}

/// Runs until the program ends; then nothing is left.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut desk = Desk::default();
    while let Some(job) = next(shared) {
        let ticket = job.ticket;
        if let Some(done) = desk.work(shared, job) {
            let mut core = shared.lock_politely();
            core.job_done(Instant::now(), ticket, done);
            shared.settle(&mut core);
        }
    }
}

/// The next job that may be done. None: the program ends.
fn next(shared: &Shared) -> Option<Job> {
    let mut core = shared.lock_politely();
    loop {
        if core.closing {
            return None;
        }
        if let Some(job) = take(&mut core) {
            shared.settle_quietly(&mut core);
            return Some(job);
        }
        shared.settle_quietly(&mut core);
        core = shared
            .stirred
            .wait(core)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

fn take(core: &mut Core) -> Option<Job> {
    let job = core.transfers.jobs.front()?;
    let ticket = job.ticket;
    if job.work.needs_permit() {
        let permit: TransferPermit<'_> = core.piece_permit(Instant::now(), ticket)?;
        drop(permit);
    }
    core.transfers.jobs.pop_front()
}

impl Desk {
    /// None: nobody waits for the outcome.
    fn work(&mut self, shared: &Shared, job: Job) -> Option<Done> {
        let ticket = job.ticket;
        let done = match job.work {
            Work::Open(path) => self.open(ticket, path),
            Work::Create { folder, name, size } => {
                Incoming::create(&folder, &name, size).map(|incoming| {
                    self.incoming = Some((ticket, incoming));
                    Done::Created
                })
            }
            Work::Write(bytes) => match &mut self.incoming {
                Some((of, incoming)) if *of == ticket => {
                    incoming.write(&bytes).map(|()| Done::Written(bytes.len()))
                }
                Some(_) | None => Err(Reason::NotWritable),
            },
            Work::Check(hash) => match self.incoming.take() {
                Some((of, incoming)) if of == ticket => incoming.check(&hash).map(|whole| {
                    self.whole = Some((ticket, whole));
                    Done::Checked
                }),
                Some(_) | None => Err(Reason::NotWritable),
            },
            Work::Place => match self.place(shared, ticket) {
                Ok(told) => return told,
                Err(reason) => Err(reason),
            },
            Work::Read(part) => match &mut self.outgoing {
                Some((of, outgoing)) if *of == ticket => outgoing
                    .read(part.offset, part.length)
                    .map(|bytes| Done::Read(part, bytes)),
                Some(_) | None => Err(Reason::Unreadable),
            },
            Work::Sum => match &self.outgoing {
                Some((of, outgoing)) if *of == ticket => outgoing.finish().map(Done::Summed),
                Some(_) | None => Err(Reason::Unreadable),
            },
            Work::Clip(text) => match self.clip(shared, ticket, text) {
                Ok(()) => return None,
                Err(reason) => Err(reason),
            },
            Work::Discard => {
                self.incoming.take_if(|(of, _)| *of == ticket);
                self.whole.take_if(|(of, _)| *of == ticket);
                self.outgoing.take_if(|(of, _)| *of == ticket);
                return None;
            }
            Work::Unclip => {
                self.clipboard = None;
                return None;
            }
        };
        Some(done.unwrap_or_else(Done::Failed))
    }

    fn open(&mut self, ticket: Ticket, path: PathBuf) -> Result<Done, Reason> {
        self.outgoing = None;
        let outgoing = Outgoing::open(&path)?;
        let size = outgoing.size();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = harmless(&name.unwrap_or_default());
        self.outgoing = Some((ticket, outgoing));
        Ok(Done::Opened { name, size })
    }

    fn clip(&mut self, shared: &Shared, ticket: Ticket, text: String) -> Result<(), Reason> {
        let clipboard = Clipboard::open(None).map_err(|_| Reason::NotWritable)?;
        let mut core = shared.lock_politely();
        let taken = match core.piece_permit(Instant::now(), ticket) {
            Some(permit) => clipboard.take(&permit, text),
            None => return Err(Reason::Stopped),
        };
        let before = self
            .clipboard
            .replace(taken.map_err(|_| Reason::NotWritable)?);
        core.job_done(Instant::now(), ticket, Done::Clipped);
        shared.settle(&mut core);
        drop(core);
        // The one before goes when the new one is there; its thread is not waited for under the lock.
        drop(before);
        Ok(())
    }

    /// The rename may take as long as the disk likes, so it has no lock: a file that a revocation overtook goes again.
    fn place(&mut self, shared: &Shared, ticket: Ticket) -> Result<Option<Done>, Reason> {
        {
            let mut core = shared.lock_politely();
            if core.piece_permit(Instant::now(), ticket).is_none() {
                return Ok(Some(Done::Checked));
            }
        }
        let whole = self.whole.take_if(|(of, _)| *of == ticket);
        let (_, whole) = whole.ok_or(Reason::NotWritable)?;
        let path = whole.place()?;
        let mut core = shared.lock_politely();
        if core.piece_allowed(ticket) {
            core.job_done(Instant::now(), ticket, Done::Placed(path));
            shared.settle(&mut core);
        } else {
            drop(core);
            // Somebody may have moved it already; then it is his.
            std::fs::remove_file(&path).ok();
        }
        Ok(None)
    }
}
