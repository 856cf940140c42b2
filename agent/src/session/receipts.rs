//! The driver's part in the receipt: it is written before the card is shown, and again when the session
//! is over and the recording's last checkpoint has come. Files are written on threads of their own,
//! without any lock.
//!
//! ```text
//! Output::Card ─► written (started) ─► card shown ─► session … ended
//!      ended ─► last checkpoint, or 3 s ─► written (completed) ─► ReceiptDone ─► Close
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fernsicht_protocol::messages::{AgentToRelay, End, RelayToAgent};

use super::core::{Outgoing, ReceiptFile, Shared};
use super::driver::{Driver, sleep_until};
use super::pairing::seconds_since_1970;
use super::reconnect::Connected;
use crate::platform;
use crate::receipt::file;

/// How long the recording's last checkpoint is awaited.
const LAST_CHECKPOINT: Duration = Duration::from_secs(3);

/// After a checkpoint that may have been on its way before the end: how long a later one is awaited.
const LATER: Duration = Duration::from_millis(400);

/// Why a receipt lies nowhere.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the receipt could not be made")]
    Made,
    #[error("the receipt could not be saved")]
    Saved(#[from] std::io::Error),
}

impl Driver {
    /// Writes the receipt of a session that is about to be recorded.
    pub(super) fn write_started(&mut self) {
        let core = self.shared.lock();
        if core.file != ReceiptFile::Wanted || self.writing {
            return;
        }
        self.writing = true;
        let receipt = core.receipt();
        drop(core);
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || {
            let saved = receipt
                .ok_or(Error::Made)
                .and_then(|(bytes, started)| Ok(file::save_in(&file::folders(), started, &bytes)?));
            let path = logged(saved);
            let void = shared.change(|core| core.receipt_written(path.clone()));
            if let Some(path) = path.filter(|_| void) {
                remove(&path);
            }
        });
    }

    /// The session is over: completes the receipt, and tells the relay that it is there. A receipt
    /// without a recording is taken away again.
    pub(super) async fn finish(&mut self, mut connected: Option<&mut Connected>) {
        self.writing = false;
        let (recorded, file) = {
            let core = self.shared.lock();
            (core.recorded(), core.file.clone())
        };
        if !recorded {
            if let ReceiptFile::Saved(path) = file {
                remove(&path);
                self.shared.change(|core| core.file = ReceiptFile::None);
            }
            return;
        }
        if let Some(connected) = &mut connected {
            self.await_checkpoint(connected).await;
        }
        let receipt = self.shared.change(|core| {
            let reason = core.guard.ended().cloned().unwrap_or(End::Fault);
            let at = u64::try_from(core.ended_at).unwrap_or_else(|_| seconds_since_1970());
            if let Some((recording, keys)) = core.recording.as_mut().zip(core.keys.as_ref()) {
                recording.complete(&keys.signing, at, reason);
            }
            core.receipt()
        });
        let written = tokio::task::spawn_blocking(move || {
            let (bytes, started) = receipt.ok_or(Error::Made)?;
            if let ReceiptFile::Saved(path) = file
                && file::replace(&path, &bytes).is_ok()
            {
                return Ok(path);
            }
            Ok(file::save_in(&file::folders(), started, &bytes)?)
        });
        let path = match written.await {
            Ok(saved) => logged(saved),
            // A writer that panicked has left the old file or none.
            Err(_) => None,
        };
        let places = [file::folders(), platform::removable()].concat();
        self.shared.change(|core| {
            core.places = places;
            if !core.receipt_written(path.clone()) && path.is_some() {
                core.send(Outgoing::Message(AgentToRelay::ReceiptDone));
            }
            core.send(Outgoing::Close);
        });
    }

    /// The relay's last word on the recording, for a few seconds at most.
    async fn await_checkpoint(&self, connected: &mut Connected) {
        let mut until = Instant::now() + LAST_CHECKPOINT;
        loop {
            tokio::select! {
                message = connected.receiver.next() => match message {
                    Ok(Some(RelayToAgent::Checkpoint { checkpoint })) => {
                        self.shared.change(|core| core.handle_checkpoint(Instant::now(), &checkpoint));
                        until = until.min(Instant::now() + LATER);
                    }
                    // There will be none.
                    Ok(Some(RelayToAgent::RecorderFailed)) | Ok(None) | Err(_) => return,
                    Ok(Some(_)) => {}
                },
                () = sleep_until(Some(until)) => return,
            }
        }
    }

    /// Saves the receipt of the session that is over in another folder as well.
    pub(super) fn save_elsewhere(&self, folder: PathBuf) {
        let receipt = self.shared.lock().receipt();
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || {
            let saved = receipt.ok_or(Error::Made).and_then(|(bytes, started)| {
                Ok(file::save_new(&expanded(&folder), started, &bytes)?)
            });
            let path = logged(saved);
            shared.change(|core| {
                core.save_failed = path.is_none();
                if let Some(path) = path {
                    core.file = ReceiptFile::Saved(path);
                }
            });
        });
    }

    /// Shows the receipt in the customer's browser, for printing. Only while nobody sees the screen.
    pub(super) fn print(&self) {
        let core = self.shared.lock();
        let (sees, file, receipt) = (core.sees(), core.file.clone(), core.receipt());
        drop(core);
        if sees {
            return;
        }
        let recovered = self.shared.recovered();
        tokio::task::spawn_blocking(move || {
            let path = match (file, receipt) {
                (ReceiptFile::Saved(path), _) => Ok(path),
                // No folder takes it: the one for passing files will do for printing.
                (
                    ReceiptFile::None | ReceiptFile::Wanted | ReceiptFile::Unsaved,
                    Some((bytes, at)),
                ) => file::save_new(&std::env::temp_dir(), at, &bytes),
                (ReceiptFile::None | ReceiptFile::Wanted | ReceiptFile::Unsaved, None) => {
                    recovered.ok_or_else(|| std::io::ErrorKind::NotFound.into())
                }
            };
            if let Err(error) = path.and_then(open::that_detached) {
                tracing::warn!(%error, "the receipt could not be opened");
            }
        });
    }

    /// Looks for the receipt of a session that was interrupted.
    pub(super) fn look_for_interrupted(&self) {
        let shared: Arc<Shared> = self.shared.clone();
        tokio::task::spawn_blocking(move || {
            let found = file::interrupted(&file::folders(), seconds_since_1970());
            if found.is_some() {
                shared.set_recovered(found);
            }
        });
    }
}

fn logged(saved: Result<PathBuf, Error>) -> Option<PathBuf> {
    saved
        .inspect_err(|error| tracing::warn!(%error, "no receipt"))
        .ok()
}

/// A receipt for a recording that never began is worth nothing, and says otherwise.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "a receipt without a recording is left");
    }
}

/// A path as people type it: from `~` on, or from the home folder.
fn expanded(folder: &Path) -> PathBuf {
    let Some(user) = directories::UserDirs::new() else {
        return folder.to_owned();
    };
    match folder.strip_prefix("~") {
        Ok(rest) => user.home_dir().join(rest),
        Err(_) => user.home_dir().join(folder),
    }
}
