//! One connection of a session, and the way back when it is lost.
//!
//! ```text
//! lost ─► wait 0.5, 1, 2 … 10 s ─► connect, Hello, Resume(token) ─► Resumed: packets again, new epoch
//!                                        │ unknown: the next token, then it is over
//! ```
//!
//! The customer's commands and the guard's timers go on meanwhile; the guard gives up after ten minutes.

use std::time::{Duration, Instant};

use fernsicht_protocol::attached::Configuration;
use fernsicht_protocol::guard::Phase;
use fernsicht_protocol::messages::{AgentToRelay, End, Refusal, RelayToAgent};
use fernsicht_protocol::net::{Connection, MessageReceiver};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::core::{Outgoing, Shared};
use super::driver::{Driver, ended_by, sleep_until};
use super::link;
use super::pairing::{self, Line};

/// The first wait before a try to come back; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long the relay may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// A connection and its tasks.
pub(super) struct Connected {
    pub(super) receiver: MessageReceiver,
    connection: Connection,
    sending: JoinHandle<()>,
    receiving: JoinHandle<()>,
}

impl Connected {
    /// Starts the tasks.
    pub(super) fn new(
        shared: &std::sync::Arc<Shared>,
        line: Line,
        queue: mpsc::Receiver<Outgoing>,
    ) -> Self {
        let Line {
            connection,
            sender,
            receiver,
            offer: _,
        } = line;
        let cancels = shared.cancels.subscribe();
        Self {
            receiver,
            sending: tokio::spawn(link::send(connection.clone(), sender, queue, cancels)),
            receiving: tokio::spawn(link::receive(shared.clone(), connection.clone())),
            connection,
        }
    }

    /// Lets the relay have everything that was said, for at most a few seconds, and ends.
    pub(super) async fn close(mut self) {
        self.receiving.abort();
        drop(tokio::time::timeout(Duration::from_secs(3), &mut self.sending).await);
        self.connection.close(0, b"");
        drop(tokio::time::timeout(Duration::from_secs(1), self.connection.drained()).await);
    }

    /// Ends at once: nobody listens any more.
    pub(super) fn abandon(&self) {
        self.receiving.abort();
        self.sending.abort();
        self.connection.close(0, b"");
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Driver {
    /// Comes back to the relay, or gives up when the guard does. None: the session is over.
    pub(super) async fn reconnect(&mut self) -> Option<Connected> {
        let mut wait = FIRST_WAIT;
        loop {
            let mut unknown = 0;
            // The answer to the newest token may have been lost: then its successor is registered.
            for ahead in [0, 1] {
                let (configuration, shared) = (self.configuration.clone(), self.shared.clone());
                match self
                    .meanwhile(resume(&configuration, &shared, ahead))
                    .await?
                {
                    Resume::Back(line) => return Some(self.resumed(*line, ahead)),
                    Resume::Over(reason) => {
                        self.end(reason);
                        return None;
                    }
                    Resume::Unknown => unknown += 1,
                    Resume::Away => break,
                }
            }
            if unknown == 2 {
                self.end(End::Lost);
                return None;
            }
            self.meanwhile(tokio::time::sleep(wait)).await?;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Awaits `future` while commands and timers go on. None: the session is over.
    async fn meanwhile<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(future);
        loop {
            let (ended, due) = {
                let core = self.shared.lock();
                (
                    core.guard.phase() == Phase::Ended,
                    core.guard.poll_timeout(),
                )
            };
            if ended {
                return None;
            }
            self.write_started();
            self.start_successor();
            tokio::select! {
                outcome = &mut future => return Some(outcome),
                command = self.inbox.recv() => {
                    let end = ended_by(command.as_ref());
                    if !self.shared.handle_command(Instant::now(), command) {
                        self.end(end);
                    }
                }
                () = sleep_until(due) => self.shared.handle_timeout(Instant::now()),
                () = self.shared.rearm.notified() => {}
            }
        }
    }

    fn resumed(&self, line: Line, ahead: u64) -> Connected {
        let offer = line.offer.clone();
        let connected = self.attach(line);
        self.shared.handle_resumed(Instant::now(), offer, ahead);
        connected
    }
}

enum Resume {
    Back(Box<Line>),
    /// The relay says why there is nothing to come back to.
    Over(End),
    /// The relay does not know this token.
    Unknown,
    /// Nobody answers, or not now.
    Away,
}

async fn resume(configuration: &Configuration, shared: &Shared, ahead: u64) -> Resume {
    let Ok(mut line) = pairing::connect(configuration).await else {
        return Resume::Away;
    };
    let asked = shared
        .lock()
        .keys
        .as_ref()
        .map(|keys| (keys.session, keys.resume(ahead)));
    let Some((session, (token, next_hash))) = asked else {
        return Resume::Unknown;
    };
    let request = AgentToRelay::Resume {
        session,
        token,
        next_hash,
    };
    if line.sender.send(&request).await.is_err() {
        return Resume::Away;
    }
    match tokio::time::timeout(ANSWER, line.receiver.next()).await {
        Ok(Ok(Some(RelayToAgent::Resumed))) => Resume::Back(Box::new(line)),
        Ok(Ok(Some(RelayToAgent::Ended { reason }))) => Resume::Over(reason),
        Ok(Ok(Some(RelayToAgent::Refused {
            reason: Refusal::NotResumable,
        }))) => Resume::Unknown,
        Ok(Ok(_) | Err(_)) | Err(_) => Resume::Away,
    }
}
