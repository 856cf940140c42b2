//! A layer that goes wrong on purpose; for tests.
//!
//! Files are the real ones. Beside them it keeps what a power loss would leave: the content
//! at the last sync of a file, and the names at the last sync of their directory.
//! [`Faults::lose_power`] puts exactly that back.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::file::{Appending, Disk, Layer, parent};

/// What the layer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// Everything works.
    #[default]
    Well,
    /// No space is left.
    Full,
    /// The disk answers with errors.
    Broken,
    /// Writes and syncs wait until the mood changes.
    Stalled,
    /// So many steps still work; then nothing does, as if the machine had stopped.
    Crashing {
        /// Steps that still work.
        after: usize,
    },
}

/// The layer. Clones are the same layer.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    mood: Mood,
    next: u64,
    /// Content at the last sync, by file.
    synced: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
}

impl Faults {
    /// A layer that works.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes what happens next. Whoever waits in a stall goes on.
    pub fn set(&self, mood: Mood) {
        self.state().mood = mood;
        self.shared.changed.notify_all();
    }

    /// True if a [`Mood::Crashing`] layer has stopped.
    pub fn crashed(&self) -> bool {
        self.state().mood == Mood::Crashing { after: 0 }
    }

    /// Leaves on the disk what was synced, and nothing else. Open files must be dropped.
    pub fn lose_power(&self) -> io::Result<()> {
        let mut state = self.state();
        let state = &mut *state;
        for path in state.names.keys() {
            if !state.durable.contains_key(path) && path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        for (path, id) in &state.durable {
            let content = state.synced.get(id).map(Vec::as_slice).unwrap_or_default();
            std::fs::write(path, content)?;
        }
        state.names = state.durable.clone();
        state.mood = Mood::Well;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits out a stall, then permits or refuses one step.
    fn step(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        while state.mood == Mood::Stalled {
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match state.mood {
            Mood::Well | Mood::Stalled => Ok(state),
            Mood::Full => Err(io::ErrorKind::StorageFull.into()),
            Mood::Broken => Err(io::Error::other("the disk is broken")),
            Mood::Crashing { after: 0 } => Err(io::Error::other("the machine has stopped")),
            Mood::Crashing { after } => {
                state.mood = Mood::Crashing { after: after - 1 };
                Ok(state)
            }
        }
    }

    fn opened(&self, path: &Path, id: u64, inner: Box<dyn Appending>) -> Box<dyn Appending> {
        Box::new(FaultyFile {
            layer: self.clone(),
            path: path.to_owned(),
            id,
            inner,
        })
    }
}

impl State {
    /// A file that was there before this layer counts as synced.
    fn adopt(&mut self, path: &Path) -> io::Result<u64> {
        if let Some(id) = self.names.get(path) {
            return Ok(*id);
        }
        let content = std::fs::read(path)?;
        self.next += 1;
        self.synced.insert(self.next, content);
        self.names.insert(path.to_owned(), self.next);
        self.durable.insert(path.to_owned(), self.next);
        Ok(self.next)
    }
}

impl Layer for Faults {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Appending>> {
        let mut state = self.step()?;
        let inner = Disk.create(path)?;
        state.next += 1;
        let id = state.next;
        state.synced.insert(id, Vec::new());
        state.names.insert(path.to_owned(), id);
        drop(state);
        Ok(self.opened(path, id, inner))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Appending>> {
        let mut state = self.step()?;
        let id = state.adopt(path)?;
        drop(state);
        Ok(self.opened(path, id, Disk.reopen(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let id = state.adopt(from)?;
        if to.exists() {
            state.adopt(to)?;
        }
        Disk.rename(from, to)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        state.adopt(path)?;
        Disk.remove(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let state = &mut *state;
        state.durable.retain(|path, _| parent(path) != directory);
        let here = state.names.iter().filter(|(p, _)| parent(p) == directory);
        state
            .durable
            .extend(here.map(|(path, id)| (path.clone(), *id)));
        Ok(())
    }
}

#[derive(Debug)]
struct FaultyFile {
    layer: Faults,
    path: PathBuf,
    id: u64,
    inner: Box<dyn Appending>,
}

impl Appending for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.layer.step() {
            Ok(_) => self.inner.append(bytes),
            Err(error) => {
                // A full disk and a stopped machine both may take a part.
                if matches!(self.layer.state().mood, Mood::Full | Mood::Crashing { .. }) {
                    self.inner
                        .append(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
                }
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.layer.step()?;
        self.inner.sync()?;
        // Read through the name that the file has now; an unlinked one has nothing to keep.
        let named = state.names.iter().find(|(_, id)| **id == self.id);
        let path = named.map_or(&self.path, |(path, _)| path);
        if let Ok(content) = std::fs::read(path) {
            state.synced.insert(self.id, content);
        }
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        drop(self.layer.step()?);
        self.inner.truncate(length)
    }

    fn overwrite(&mut self) -> io::Result<()> {
        drop(self.layer.step()?);
        self.inner.overwrite()
    }
}
