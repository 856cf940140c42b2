//! A line of the catalogue, and how it stands in the database.

use fernsicht_protocol::crypto::Hash;
use rusqlite::Row;

/// A recording's number in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId(pub i64);

/// Who controls, or could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technician {
    /// His number in the relay's register.
    pub id: i64,
    /// First and last name.
    pub name: String,
    /// The company.
    pub organisation: String,
}

/// Where a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is being written.
    Active,
    /// Complete, and still where it was written.
    Closed,
    /// Cut off by a crash or power loss, and still where it was written.
    Interrupted,
    /// In the depot.
    Stored,
    /// Gone.
    Deleted,
}

/// Why a recording was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its time was over.
    Retention,
    /// The customer has withdrawn the consent.
    Withdrawal,
}

/// A line of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its number here.
    pub id: RecordingId,
    /// H(L).
    pub lookup_hash: Hash,
    /// H(T_open); none once deleted.
    pub open_hash: Option<Hash>,
    /// Whose session it was; none once deleted.
    pub technician: Option<Technician>,
    /// The technician's case number; none once deleted.
    pub case: Option<String>,
    /// When it began, in seconds since 1970 UTC.
    pub started: u64,
    /// When it ended.
    pub ended: Option<u64>,
    /// When it must be deleted.
    pub deletion: u64,
    /// Where it stands.
    pub state: State,
    /// True if it was cut off.
    pub interrupted: bool,
    /// Length of the file; 0 while it is being written.
    pub bytes: u64,
    /// True if the customer has a completed receipt.
    pub receipt_done: bool,
    /// Why it is being or has been deleted.
    pub deletion_reason: Option<Reason>,
    /// When it was deleted.
    pub deleted: Option<u64>,
    /// The random name of its files; empty once deleted.
    pub(in crate::store) name: String,
    /// The day of its daily key; empty once deleted.
    pub(in crate::store) key_day: String,
}

impl State {
    /// As it stands in the catalogue and in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Closed => "closed",
            Self::Interrupted => "interrupted",
            Self::Stored => "stored",
            Self::Deleted => "deleted",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [
            Self::Active,
            Self::Closed,
            Self::Interrupted,
            Self::Stored,
            Self::Deleted,
        ]
        .into_iter()
        .find(|state| state.word() == word)
    }
}

impl Reason {
    /// As it stands in the catalogue, the access log and lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Withdrawal => "withdrawal",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Retention, Self::Withdrawal]
            .into_iter()
            .find(|reason| reason.word() == word)
    }
}

pub(super) fn line(row: &Row<'_>) -> rusqlite::Result<Recording> {
    let state: String = row.get("state")?;
    let reason: Option<String> = row.get("reason")?;
    let technician: Option<i64> = row.get("technician")?;
    let technician = match technician {
        Some(id) => Some(Technician {
            id,
            name: row.get("technician_name")?,
            organisation: row.get("organisation")?,
        }),
        None => None,
    };
    let name: Option<String> = row.get("name")?;
    let key_day: Option<String> = row.get("key_day")?;
    Ok(Recording {
        id: RecordingId(row.get("id")?),
        lookup_hash: row.get("lookup_hash")?,
        open_hash: row.get("open_hash")?,
        technician,
        case: row.get("case_number")?,
        started: unsigned(row, "started")?.unwrap_or_default(),
        ended: unsigned(row, "ended")?,
        deletion: unsigned(row, "deletion")?.unwrap_or_default(),
        state: State::from_word(&state)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, row.get("id")?))?,
        interrupted: row.get("interrupted")?,
        bytes: unsigned(row, "bytes")?.unwrap_or_default(),
        receipt_done: row.get("receipt_done")?,
        deletion_reason: reason.as_deref().and_then(Reason::from_word),
        deleted: unsigned(row, "deleted")?,
        name: name.unwrap_or_default(),
        key_day: key_day.unwrap_or_default(),
    })
}

/// Times and lengths of the store are far below what SQLite's integers hold.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    let value: Option<i64> = row.get(column)?;
    Ok(value.map(|value| u64::try_from(value).unwrap_or_default()))
}

pub(super) const COLUMNS: &str =
    "id, name, key_day, lookup_hash, open_hash, technician, technician_name, organisation, case_number, started,
    ended, deletion, state, interrupted, bytes, receipt_done, reason, deleted";
