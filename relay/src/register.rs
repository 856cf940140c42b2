//! The register of technicians and auditors: who may, who may no longer, and which
//! certificates they have.
//!
//! Of a one-time token only the hash is kept. A certificate that is not in the register does
//! not open the door, even if the CA has signed it.

mod auditors;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fernsicht_protocol::crypto::{self, hash};
use fernsicht_protocol::router::TechnicianId;
use rand_core::OsRng;
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) use auditors::{Auditor, AuditorStanding};

use crate::Error;
use crate::authority::Issued;

/// How long an enrolment token is good for, in seconds: 7 days.
pub(crate) const TOKEN_VALID_S: i64 = 7 * 24 * 3600;

/// The register's database.
#[derive(Debug)]
pub(crate) struct Register {
    path: PathBuf,
    db: Connection,
}

/// A line of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Technician {
    pub(crate) id: TechnicianId,
    pub(crate) name: String,
    pub(crate) organisation: String,
    pub(crate) state: State,
}

/// What a technician or an auditor may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Has a token and no certificate.
    Invited {
        /// When the token ends, in seconds since 1970 UTC.
        until: i64,
    },
    /// Has a certificate.
    Enrolled {
        /// When it ends.
        until: i64,
    },
    /// May nothing any more.
    Revoked {
        /// Since when.
        since: i64,
    },
}

/// Whom a certificate belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good(TechnicianId),
    Revoked,
    Unknown,
}

impl Register {
    /// Opens the database, and makes its tables.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Register {
            path: path.to_owned(),
            source,
        };
        let db = Connection::open(path).map_err(failed)?;
        db.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        let check: String = db
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(failed)?;
        if check != "ok" {
            return Err(failed(rusqlite::Error::InvalidPath(path.to_owned())));
        }
        let version: i64 = db
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(failed)?;
        if version > SCHEMA_VERSION {
            return Err(Error::NewerRegister(path.to_owned()));
        }
        enter_wal(&db).map_err(failed)?;
        db.pragma_update(None, "foreign_keys", true)
            .map_err(failed)?;
        for schema in [SCHEMA, auditors::SCHEMA] {
            db.execute_batch(schema).map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            db,
        })
    }

    /// Notes a technician and a token for his console; returns the token's secret.
    pub(crate) fn add(
        &mut self,
        name: &str,
        organisation: &str,
        now: i64,
    ) -> Result<(TechnicianId, [u8; 16]), Error> {
        check_text("the name", name)?;
        check_text("the organisation", organisation)?;
        let secret: [u8; 16] = crypto::random(&mut OsRng);
        let path = self.path.clone();
        let mut add = || {
            let change = self.db.transaction()?;
            change.execute(
                "INSERT INTO technicians (name, organisation, added) VALUES (?1, ?2, ?3)",
                params![name, organisation, now],
            )?;
            let id = change.last_insert_rowid();
            change.execute(
                "INSERT INTO tokens (hash, technician, expires) VALUES (?1, ?2, ?3)",
                params![hash(&secret), id, now + TOKEN_VALID_S],
            )?;
            change.commit()?;
            Ok(TechnicianId(id))
        };
        let id = add().map_err(|source| Error::Register { path, source })?;
        Ok((id, secret))
    }

    /// Everybody, by number.
    pub(crate) fn list(&self) -> Result<Vec<Technician>, Error> {
        let list = || {
            let mut query = self.db.prepare(
                "SELECT id, name, organisation, revoked,
                        (SELECT max(expires) FROM certificates WHERE technician = id),
                        coalesce((SELECT max(expires) FROM tokens WHERE technician = id), 0)
                 FROM technicians ORDER BY id",
            )?;
            let rows = query.query_map([], |row| {
                let (revoked, certificate): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
                let state = match (revoked, certificate) {
                    (Some(since), _) => State::Revoked { since },
                    (None, Some(until)) => State::Enrolled { until },
                    (None, None) => State::Invited { until: row.get(5)? },
                };
                Ok(Technician {
                    id: TechnicianId(row.get(0)?),
                    name: row.get(1)?,
                    organisation: row.get(2)?,
                    state,
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        list().map_err(self.failed())
    }

    /// Finds one by number or by full name. Errors: none or several.
    pub(crate) fn find(&self, who: &str) -> Result<Technician, Error> {
        let all = self.list()?;
        match select(&all, who, |t| (t.id.0, t.name.as_str(), t.state)) {
            Ok(Some(technician)) => Ok(technician.clone()),
            Ok(None) => Err(Error::UnknownTechnician(who.to_owned())),
            Err(ids) => Err(Error::AmbiguousTechnician {
                name: who.to_owned(),
                ids,
            }),
        }
    }

    /// Takes everything from a technician, tokens included.
    pub(crate) fn revoke(&mut self, id: TechnicianId, now: i64) -> Result<(), Error> {
        let path = self.path.clone();
        let mut revoke = || {
            let change = self.db.transaction()?;
            let changed = change.execute(
                "UPDATE technicians SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL",
                params![id.0, now],
            )?;
            change.execute("DELETE FROM tokens WHERE technician = ?1", params![id.0])?;
            change.commit()?;
            Ok(changed)
        };
        match revoke().map_err(|source| Error::Register { path, source })? {
            0 => Err(Error::AlreadyRevoked(id.0)),
            _ => Ok(()),
        }
    }

    /// Spends a token: `issue` is called with name and organisation, and what it issues is noted.
    /// None: the token is unknown, used or expired, or nothing was issued; it is then unspent.
    pub(crate) fn enrol(
        &mut self,
        secret: &[u8; 16],
        now: i64,
        issue: impl FnOnce(&str, &str) -> Option<Issued>,
    ) -> Result<Option<Issued>, Error> {
        let path = self.path.clone();
        let enrol = || {
            let change = self
                .db
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let found: Option<(i64, String, String)> = change
                .query_row(
                    "SELECT t.id, t.name, t.organisation FROM tokens k JOIN technicians t ON t.id = k.technician
                     WHERE k.hash = ?1 AND k.used IS NULL AND k.expires > ?2 AND t.revoked IS NULL",
                    params![hash(secret), now],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()?;
            let Some((id, name, organisation)) = found else {
                return Ok(None);
            };
            let Some(issued) = issue(&name, &organisation) else {
                return Ok(None);
            };
            change.execute(
                "UPDATE tokens SET used = ?2 WHERE hash = ?1",
                params![hash(secret), now],
            )?;
            change.execute(
                "INSERT INTO certificates (serial, technician, issued, expires) VALUES (?1, ?2, ?3, ?4)",
                params![issued.serial, id, now, issued.expires],
            )?;
            change.commit()?;
            Ok(Some(issued))
        };
        enrol().map_err(|source| Error::Register { path, source })
    }

    /// Whom the certificate with this serial number belongs to.
    pub(crate) fn standing(&self, serial: &[u8]) -> Result<Standing, Error> {
        self.db
            .query_row(
                "SELECT t.id, t.revoked FROM certificates c JOIN technicians t ON t.id = c.technician
                 WHERE c.serial = ?1",
                params![serial],
                |row| {
                    let revoked: Option<i64> = row.get(1)?;
                    Ok(match revoked {
                        None => Standing::Good(TechnicianId(row.get(0)?)),
                        Some(_) => Standing::Revoked,
                    })
                },
            )
            .optional()
            .map(|standing| standing.unwrap_or(Standing::Unknown))
            .map_err(self.failed())
    }

    /// True if this technician has been revoked, or is not in the register.
    pub(crate) fn revoked(&self, id: TechnicianId) -> Result<bool, Error> {
        self.db
            .query_row(
                "SELECT revoked IS NOT NULL FROM technicians WHERE id = ?1",
                params![id.0],
                |row| row.get(0),
            )
            .optional()
            .map(|revoked| revoked.unwrap_or(true))
            .map_err(self.failed())
    }

    /// The folder into which a change of the register writes.
    pub(crate) fn folder(&self) -> PathBuf {
        let folder = self.path.parent().filter(|at| !at.as_os_str().is_empty());
        folder.unwrap_or(Path::new(".")).to_owned()
    }

    /// Changes whenever another process has changed the register.
    pub(crate) fn version(&self) -> Result<i64, Error> {
        self.db
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(self.failed())
    }

    fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error {
        let path = self.path.clone();
        move |source| Error::Register { path, source }
    }
}

/// What certificates can carry, and people can read.
fn check_text(what: &'static str, text: &str) -> Result<(), Error> {
    let length = text.chars().count();
    let plain =
        (1..=64).contains(&length) && text.trim() == text && !text.chars().any(char::is_control);
    if plain {
        Ok(())
    } else {
        Err(Error::Name(what))
    }
}

/// Finds a person by number or full name; of several, the one that is not revoked. Err: the
/// numbers of several that are meant as well.
fn select<'a, T>(
    all: &'a [T],
    who: &str,
    of: impl Fn(&'a T) -> (i64, &'a str, State),
) -> Result<Option<&'a T>, String> {
    if let Some(one) = all.iter().find(|one| who.parse() == Ok(of(one).0)) {
        return Ok(Some(one));
    }
    let named: Vec<&T> = all.iter().filter(|one| of(one).1 == who).collect();
    let active: Vec<&T> = named
        .iter()
        .copied()
        .filter(|one| !matches!(of(one).2, State::Revoked { .. }))
        .collect();
    match (active.as_slice(), named.as_slice()) {
        ([one], _) => Ok(Some(one)),
        ([], [.., last]) => Ok(Some(last)),
        ([], []) => Ok(None),
        (several, _) => Err(several
            .iter()
            .map(|one| of(one).0.to_string())
            .collect::<Vec<_>>()
            .join(", ")),
    }
}

const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
    BEGIN;
    CREATE TABLE IF NOT EXISTS technicians (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        organisation TEXT NOT NULL,
        added INTEGER NOT NULL,
        revoked INTEGER
    ) STRICT;
    CREATE TABLE IF NOT EXISTS tokens (
        hash BLOB PRIMARY KEY,
        technician INTEGER NOT NULL REFERENCES technicians (id),
        expires INTEGER NOT NULL,
        used INTEGER
    ) STRICT;
    CREATE TABLE IF NOT EXISTS certificates (
        serial BLOB PRIMARY KEY,
        technician INTEGER NOT NULL REFERENCES technicians (id),
        issued INTEGER NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT;
    PRAGMA user_version = 1;
    COMMIT;
";

/// Two programs that begin at the same time: SQLite refuses one of them at once, whatever the timeout.
fn enter_wal(db: &Connection) -> rusqlite::Result<()> {
    for _ in 0..WAL_TRIES {
        match db.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            done => return done,
        }
    }
    db.pragma_update(None, "journal_mode", "WAL")
}

/// Five seconds of them.
const WAL_TRIES: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn register() -> (tempfile::TempDir, Register) {
        let dir = tempfile::tempdir().unwrap();
        let register = Register::open(&dir.path().join("register.sqlite")).unwrap();
        (dir, register)
    }

    fn issued() -> Issued {
        Issued {
            leaf: vec![1],
            serial: vec![7; 16],
            expires: 1_000_000_000,
        }
    }

    #[test]
    fn a_token_serves_once_and_for_a_week() {
        let (_dir, mut register) = register();
        let (id, secret) = register.add("Erika Weber", "Nordlicht", 0).unwrap();
        assert!(
            register
                .enrol(&[0; 16], 1, |_, _| Some(issued()))
                .unwrap()
                .is_none()
        );
        assert!(
            register
                .enrol(&secret, TOKEN_VALID_S, |_, _| Some(issued()))
                .unwrap()
                .is_none()
        );
        assert!(register.enrol(&secret, 1, |_, _| None).unwrap().is_none());
        let enrolled = register.enrol(&secret, 1, |name, organisation| {
            assert_eq!((name, organisation), ("Erika Weber", "Nordlicht"));
            Some(issued())
        });
        assert!(enrolled.unwrap().is_some());
        assert!(
            register
                .enrol(&secret, 1, |_, _| Some(issued()))
                .unwrap()
                .is_none()
        );
        assert_eq!(register.standing(&[7; 16]).unwrap(), Standing::Good(id));
        assert_eq!(register.standing(&[8; 16]).unwrap(), Standing::Unknown);
    }

    #[test]
    fn revocation_takes_certificates_and_tokens() {
        let (_dir, mut register) = register();
        let (id, secret) = register.add("Erika Weber", "Nordlicht", 0).unwrap();
        register.revoke(id, 5).unwrap();
        assert!(
            register
                .enrol(&secret, 6, |_, _| Some(issued()))
                .unwrap()
                .is_none()
        );
        assert!(register.revoked(id).unwrap());
        assert!(matches!(
            register.revoke(id, 6),
            Err(Error::AlreadyRevoked(_))
        ));
        assert_eq!(
            register.list().unwrap()[0].state,
            State::Revoked { since: 5 }
        );
    }

    #[test]
    fn names_and_numbers_find() {
        let (_dir, mut register) = register();
        let (first, _) = register.add("Erika Weber", "Nordlicht", 0).unwrap();
        register.add("Erika Weber", "Nordlicht", 0).unwrap();
        assert!(matches!(
            register.find("Erika Weber"),
            Err(Error::AmbiguousTechnician { .. })
        ));
        assert_eq!(register.find(&first.0.to_string()).unwrap().id, first);
        register.revoke(first, 1).unwrap();
        assert_ne!(register.find("Erika Weber").unwrap().id, first);
        assert!(matches!(
            register.find("9"),
            Err(Error::UnknownTechnician(_))
        ));
        assert!(matches!(
            register.add("", "Nordlicht", 0),
            Err(Error::Name(_))
        ));
        assert!(matches!(
            register.add("a\u{1b}", "Nordlicht", 0),
            Err(Error::Name(_))
        ));
    }

    #[test]
    fn damaged_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("register.sqlite");
        std::fs::write(&path, b"no database, but long enough to be looked at").unwrap();
        assert!(
            Register::open(&path)
                .unwrap_err()
                .to_string()
                .contains("register.sqlite")
        );
    }
}
