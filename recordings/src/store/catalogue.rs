//! The catalogue of recordings: which there are, since when, until when, and where they stand.
//!
//! ```text
//! active ─► closed ──────┬─► stored ─► deleted
//!    └────► interrupted ─┘               ▲
//!                    any state ──────────┘   (marked as being deleted before the first step)
//! ```
//!
//! SQLite with a write-ahead log; what is deleted is overwritten (`secure_delete`), and
//! [`Catalogue::scrub`] leaves no copy in free pages or log. No key and no frame ever gets here.
//! Of a deleted recording only H(L), the date and the reason remain, as in the access log.

mod line;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fernsicht_protocol::crypto::Hash;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

pub use line::{Reason, Recording, RecordingId, State, Technician};

use super::Error;
use super::retention::Remembered;
use line::{COLUMNS, line, signed};

/// A new line.
#[derive(Debug, Clone)]
pub(super) struct New<'a> {
    pub(super) name: &'a str,
    pub(super) key_day: &'a str,
    pub(super) lookup_hash: &'a Hash,
    pub(super) open_hash: &'a Hash,
    pub(super) technician: &'a Technician,
    pub(super) case: &'a str,
    pub(super) started: u64,
    pub(super) deletion: u64,
}

/// How many recorded sessions a technician had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Who.
    pub technician: Technician,
    /// Recorded sessions.
    pub recorded: u32,
    /// Those that ended without a completed receipt.
    pub without_receipt: u32,
}

/// The catalogue's database.
#[derive(Debug)]
pub(super) struct Catalogue {
    path: PathBuf,
    db: Connection,
}

impl Catalogue {
    /// Opens the database, and makes its tables.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let open = || {
            let mut db = Connection::open(path)?;
            db.busy_timeout(Duration::from_secs(5))?;
            let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if check != "ok" {
                return Err(rusqlite::Error::InvalidPath(path.to_owned()));
            }
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.pragma_update(None, "synchronous", "FULL")?;
            db.pragma_update(None, "secure_delete", true)?;
            // Copies of rows must not reach files outside the data directory.
            db.pragma_update(None, "temp_store", "MEMORY")?;
            let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if version == 1 {
                add_case_numbers(&mut db)?;
            }
            if version <= SCHEMA_VERSION {
                db.execute_batch(SCHEMA)?;
            }
            Ok((db, version))
        };
        let (db, version) = open().map_err(|source| Error::Catalogue {
            path: path.to_owned(),
            source,
        })?;
        if version > SCHEMA_VERSION {
            return Err(Error::NewerCatalogue(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            db,
        })
    }

    pub(super) fn add(&mut self, new: &New<'_>) -> Result<RecordingId, Error> {
        self.transact(|db| {
            db.execute(
                "INSERT INTO recordings (name, key_day, lookup_hash, open_hash, technician, technician_name,
                     organisation, started, deletion, case_number, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, nullif(?10, ''), 'active')",
                params![
                    new.name,
                    new.key_day,
                    new.lookup_hash,
                    new.open_hash,
                    new.technician.id,
                    new.technician.name,
                    new.technician.organisation,
                    signed(new.started),
                    signed(new.deletion),
                    new.case
                ],
            )?;
            Ok(RecordingId(db.last_insert_rowid()))
        })
    }

    /// Forgets a recording of which nothing was ever kept.
    pub(super) fn forget(&mut self, id: RecordingId) -> Result<(), Error> {
        self.transact(|db| {
            db.execute("DELETE FROM recordings WHERE id = ?1", params![id.0])?;
            note(db, "scrub", "1")
        })
    }

    /// Active → closed or interrupted. False: it is not active.
    pub(super) fn end(
        &mut self,
        id: RecordingId,
        ended: u64,
        bytes: u64,
        interrupted: bool,
    ) -> Result<bool, Error> {
        let state = if interrupted { "interrupted" } else { "closed" };
        self.transact(|db| {
            let changed = db.execute(
                "UPDATE recordings SET state = ?2, ended = ?3, bytes = ?4, interrupted = ?5
                 WHERE id = ?1 AND state = 'active'",
                params![id.0, state, signed(ended), signed(bytes), interrupted],
            )?;
            Ok(changed == 1)
        })
    }

    /// Closed or interrupted → stored. False: it was deleted meanwhile.
    pub(super) fn stored(&mut self, id: RecordingId) -> Result<bool, Error> {
        self.transact(|db| {
            let changed = db.execute(
                "UPDATE recordings SET state = 'stored'
                 WHERE id = ?1 AND state IN ('closed', 'interrupted') AND reason IS NULL",
                params![id.0],
            )?;
            Ok(changed == 1)
        })
    }

    pub(super) fn receipt_done(&mut self, id: RecordingId) -> Result<(), Error> {
        self.transact(|db| {
            db.execute(
                "UPDATE recordings SET receipt_done = 1 WHERE id = ?1 AND state <> 'deleted'",
                params![id.0],
            )?;
            Ok(())
        })
    }

    /// Notes that a recording is being deleted. The first reason stays.
    pub(super) fn begin_deletion(&mut self, id: RecordingId, reason: Reason) -> Result<(), Error> {
        self.transact(|db| {
            db.execute(
                "UPDATE recordings SET reason = coalesce(reason, ?2) WHERE id = ?1",
                params![id.0, reason.word()],
            )?;
            Ok(())
        })
    }

    /// The last step of a deletion: the line shrinks to what the access log says, too, and
    /// the technician's counts live on without it.
    pub(super) fn reduce(&mut self, id: RecordingId, now: u64) -> Result<(), Error> {
        self.transact(|db| {
            db.execute(
                "INSERT INTO counts (technician, technician_name, organisation, recorded, without_receipt)
                 SELECT technician, technician_name, organisation, 1, NOT receipt_done
                 FROM recordings WHERE id = ?1 AND state <> 'deleted'
                 ON CONFLICT (technician) DO UPDATE SET recorded = recorded + 1,
                     without_receipt = without_receipt + excluded.without_receipt",
                params![id.0],
            )?;
            db.execute(
                "UPDATE recordings SET state = 'deleted', deleted = ?2, name = NULL, key_day = NULL, open_hash = NULL,
                     technician = NULL, technician_name = NULL, organisation = NULL, case_number = NULL, bytes = 0
                 WHERE id = ?1 AND state <> 'deleted'",
                params![id.0, signed(now)],
            )?;
            note(db, "scrub", "1")
        })
    }

    /// Leaves no copy of what was deleted in free pages, in gaps of pages or in the log.
    /// False: another program is reading; it is to be tried again.
    pub(super) fn scrub(&mut self) -> Result<bool, Error> {
        if self.noted("scrub")?.as_deref() != Some("1") {
            return Ok(true);
        }
        let scrub = || {
            self.db.execute_batch("VACUUM")?;
            let busy: i64 = self
                .db
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            if busy == 0 {
                note(&self.db, "scrub", "0")?;
            }
            Ok(busy == 0)
        };
        match scrub() {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::DatabaseBusy =>
            {
                Ok(false)
            }
            result => result.map_err(self.failed()),
        }
    }

    pub(super) fn find(&self, id: RecordingId) -> Result<Option<Recording>, Error> {
        self.one("id = ?1", params![id.0])
    }

    pub(super) fn find_by_lookup(&self, hash: &Hash) -> Result<Option<Recording>, Error> {
        self.one("lookup_hash = ?1", params![hash])
    }

    pub(super) fn find_by_open(&self, hash: &Hash) -> Result<Option<Recording>, Error> {
        self.one("open_hash = ?1", params![hash])
    }

    /// All of them, oldest first.
    pub(super) fn list(&self) -> Result<Vec<Recording>, Error> {
        self.many("TRUE", params![])
    }

    /// Those that still exist, or that are not gone completely.
    pub(super) fn living(&self) -> Result<Vec<Recording>, Error> {
        self.many("state <> 'deleted'", params![])
    }

    /// True if a recording needs this daily key.
    pub(super) fn day_needed(&self, day: &str) -> Result<bool, Error> {
        self.db
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM recordings WHERE key_day = ?1)",
                params![day],
                |row| row.get(0),
            )
            .map_err(self.failed())
    }

    /// By technician. A session that still runs has no missing receipt.
    pub(super) fn counts(&self) -> Result<Vec<Count>, Error> {
        let list = || {
            let mut query = self.db.prepare(
                "SELECT technician, max(technician_name), max(organisation), sum(recorded), sum(without_receipt) FROM (
                     SELECT technician, technician_name, organisation, 1 AS recorded,
                            state <> 'active' AND NOT receipt_done AS without_receipt
                     FROM recordings WHERE state <> 'deleted'
                     UNION ALL
                     SELECT technician, technician_name, organisation, recorded, without_receipt FROM counts
                 ) GROUP BY technician ORDER BY technician",
            )?;
            let rows = query.query_map([], |row| {
                Ok(Count {
                    technician: Technician {
                        id: row.get(0)?,
                        name: row.get(1)?,
                        organisation: row.get(2)?,
                    },
                    recorded: row.get(3)?,
                    without_receipt: row.get(4)?,
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        list().map_err(self.failed())
    }

    /// The clock of the last retention run.
    pub(super) fn remembered(&self) -> Result<Option<Remembered>, Error> {
        let (Some(highest), Some(boot), Some(uptime)) = (
            self.noted("clock")?,
            self.noted("boot")?,
            self.noted("uptime")?,
        ) else {
            return Ok(None);
        };
        let (Ok(highest_s), Ok(uptime_s)) = (highest.parse(), uptime.parse()) else {
            return Ok(None);
        };
        Ok(Some(Remembered {
            highest_s,
            boot,
            uptime_s,
        }))
    }

    pub(super) fn remember(&mut self, clock: &Remembered) -> Result<(), Error> {
        self.transact(|db| {
            note(db, "clock", &clock.highest_s.to_string())?;
            note(db, "boot", &clock.boot)?;
            note(db, "uptime", &clock.uptime_s.to_string())
        })
    }

    /// How far the access log has come: number and head of its last entry.
    pub(super) fn log_tail(&self) -> Result<Option<(u64, String)>, Error> {
        let Some(noted) = self.noted("access log")? else {
            return Ok(None);
        };
        Ok(noted
            .split_once(' ')
            .and_then(|(count, head)| Some((count.parse().ok()?, head.to_owned()))))
    }

    pub(super) fn note_log(&mut self, count: u64, head: &str) -> Result<(), Error> {
        self.set("access log", &format!("{count} {head}"))
    }

    pub(super) fn noted(&self, what: &str) -> Result<Option<String>, Error> {
        self.db
            .query_row(
                "SELECT value FROM notes WHERE what = ?1",
                params![what],
                |row| row.get(0),
            )
            .optional()
            .map_err(self.failed())
    }

    pub(super) fn set(&mut self, what: &str, value: &str) -> Result<(), Error> {
        self.transact(|db| note(db, what, value))
    }

    fn one(
        &self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<Recording>, Error> {
        self.db
            .query_row(
                &format!("SELECT {COLUMNS} FROM recordings WHERE {condition}"),
                values,
                line,
            )
            .optional()
            .map_err(self.failed())
    }

    fn many(
        &self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<Recording>, Error> {
        let list = || {
            let mut query = self.db.prepare(&format!(
                "SELECT {COLUMNS} FROM recordings WHERE {condition} ORDER BY id"
            ))?;
            let rows = query.query_map(values, line)?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        list().map_err(self.failed())
    }

    fn transact<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let path = self.path.clone();
        let transact = || {
            let transaction = self
                .db
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        transact().map_err(|source| Error::Catalogue { path, source })
    }

    fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error {
        let path = self.path.clone();
        move |source| Error::Catalogue { path, source }
    }
}

fn note(db: &Connection, what: &str, value: &str) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO notes (what, value) VALUES (?1, ?2) ON CONFLICT (what) DO UPDATE SET value = excluded.value",
        params![what, value],
    )
    .map(drop)
}

/// Version 1 had none. Two programs may open the catalogue at once: the second finds it done.
fn add_case_numbers(db: &mut Connection) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 1 {
        change.execute_batch(
            "ALTER TABLE recordings ADD COLUMN case_number TEXT; PRAGMA user_version = 2;",
        )?;
    }
    change.commit()
}

const SCHEMA_VERSION: i64 = 2;

const SCHEMA: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS recordings (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT UNIQUE,
        key_day TEXT,
        lookup_hash BLOB NOT NULL UNIQUE,
        open_hash BLOB UNIQUE,
        technician INTEGER,
        technician_name TEXT,
        organisation TEXT,
        case_number TEXT,
        started INTEGER NOT NULL,
        ended INTEGER,
        deletion INTEGER NOT NULL,
        state TEXT NOT NULL,
        interrupted INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        receipt_done INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        deleted INTEGER
    ) STRICT;
    CREATE TABLE IF NOT EXISTS counts (
        technician INTEGER PRIMARY KEY,
        technician_name TEXT NOT NULL,
        organisation TEXT NOT NULL,
        recorded INTEGER NOT NULL,
        without_receipt INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS notes (
        what TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    PRAGMA user_version = 2;
    COMMIT;
";
