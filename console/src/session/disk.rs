//! The thread that reads and writes files for a session: one job after the other, each answered.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::messages::SessionId;
use fernsicht_protocol::transfer::files::{Incoming, Outgoing};
use fernsicht_protocol::transfer::{Part, Reason};
use tokio::sync::mpsc;

/// Jobs that wait: more than two windows of parts cannot be under way.
const MOST_JOBS: usize = 64;

/// Whose job it is. Pieces of two sessions may have one number, and a disk may be late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) session: SessionId,
    pub(crate) piece: u32,
}

/// What is to be done for a piece.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) ticket: Ticket,
    pub(crate) work: Work,
}

#[derive(Debug)]
pub(crate) enum Work {
    Open(PathBuf),
    Read(Part),
    /// The hash of all that was read.
    Sum,
    Create {
        folder: PathBuf,
        name: String,
        size: u64,
    },
    Write(Vec<u8>),
    /// Compares, and gives it its name.
    Place(Hash),
    /// Closes what is open, and removes what is not whole.
    Discard,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    Opened { size: u64 },
    Read(Part, Vec<u8>),
    Summed(Hash),
    Created,
    Written(usize),
    Placed(PathBuf),
    Failed(Reason),
}

/// The way to the thread. Dropped, the thread ends and leaves nothing half.
pub(crate) struct Disk {
    jobs: Option<SyncSender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Disk {
    /// Starts the thread. Its answers come by the receiver.
    pub(crate) fn start() -> std::io::Result<(Self, mpsc::Receiver<(Ticket, Done)>)> {
        let (jobs, queue) = sync_channel(MOST_JOBS);
        let (answers, done) = mpsc::channel(MOST_JOBS);
        let thread = std::thread::Builder::new()
            .name("disk".into())
            .spawn(move || run(&queue, &answers))?;
        let disk = Self {
            jobs: Some(jobs),
            thread: Some(thread),
        };
        Ok((disk, done))
    }

    /// Hands a job over. Errors: too much waits.
    pub(crate) fn push(&self, job: Job) -> Result<(), Reason> {
        let Some(jobs) = &self.jobs else {
            return Err(Reason::NotWritable);
        };
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Reason::NotWritable,
        })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn run(queue: &Receiver<Job>, answers: &mpsc::Sender<(Ticket, Done)>) {
    let mut incoming: Option<Incoming> = None;
    let mut outgoing: Option<Outgoing> = None;
    while let Ok(Job { ticket, work }) = queue.recv() {
        let done = match work {
            Work::Open(path) => Outgoing::open(&path).map(|file| {
                let size = file.size();
                outgoing = Some(file);
                Done::Opened { size }
            }),
            Work::Read(part) => match &mut outgoing {
                Some(file) => file
                    .read(part.offset, part.length)
                    .map(|bytes| Done::Read(part, bytes)),
                None => Err(Reason::Unreadable),
            },
            Work::Sum => match &outgoing {
                Some(file) => file.finish().map(Done::Summed),
                None => Err(Reason::Unreadable),
            },
            Work::Create { folder, name, size } => {
                Incoming::create(&folder, &name, size).map(|file| {
                    incoming = Some(file);
                    Done::Created
                })
            }
            Work::Write(bytes) => match &mut incoming {
                Some(file) => file.write(&bytes).map(|()| Done::Written(bytes.len())),
                None => Err(Reason::NotWritable),
            },
            Work::Place(hash) => match incoming.take() {
                Some(file) => file
                    .check(&hash)
                    .and_then(|whole| whole.place())
                    .map(Done::Placed),
                None => Err(Reason::NotWritable),
            },
            Work::Discard => {
                (incoming, outgoing) = (None, None);
                continue;
            }
        };
        let done = done.unwrap_or_else(Done::Failed);
        if answers.blocking_send((ticket, done)).is_err() {
            return;
        }
    }
}
