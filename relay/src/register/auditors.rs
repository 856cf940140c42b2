//! The auditors in the register: like technicians, with the key that recordings are sealed to.

use fernsicht_protocol::crypto::{self, Hash, hash};
use rand_core::OsRng;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{Register, State, TOKEN_VALID_S, check_text, select};
use crate::Error;
use crate::authority::Issued;

/// An auditor's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AuditorId(pub(crate) i64);

/// An auditor in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Auditor {
    pub(crate) id: AuditorId,
    pub(crate) name: String,
    pub(crate) state: State,
    /// What recordings are sealed to; none before the enrolment.
    pub(crate) sealing: Option<Sealing>,
}

/// An auditor's key and who says that it is his.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealing {
    /// X25519.
    pub(crate) key: [u8; 32],
    /// SHA-256 of the certificate.
    pub(crate) certificate: Hash,
}

/// Whom an auditor's certificate belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditorStanding {
    /// May come in.
    Good {
        /// His number.
        id: AuditorId,
        /// First and last name.
        name: String,
    },
    Revoked,
    Unknown,
}

/// An enrolment that succeeded.
#[derive(Debug)]
pub(crate) struct EnrolledAuditor {
    pub(crate) issued: Issued,
    pub(crate) name: String,
    /// SHA-256 of the certificate, as the access log names it.
    pub(crate) certificate: Hash,
}

impl Register {
    /// Notes an auditor and a token for his program; returns the token's secret.
    pub(crate) fn add_auditor(
        &mut self,
        name: &str,
        now: i64,
    ) -> Result<(AuditorId, [u8; 16]), Error> {
        check_text("the name", name)?;
        let secret: [u8; 16] = crypto::random(&mut OsRng);
        let path = self.path.clone();
        let mut add = || {
            let change = self.db.transaction()?;
            change.execute(
                "INSERT INTO auditors (name, added) VALUES (?1, ?2)",
                params![name, now],
            )?;
            let id = change.last_insert_rowid();
            change.execute(
                "INSERT INTO auditor_tokens (hash, auditor, expires) VALUES (?1, ?2, ?3)",
                params![hash(&secret), id, now + TOKEN_VALID_S],
            )?;
            change.commit()?;
            Ok(AuditorId(id))
        };
        let id = add().map_err(|source| Error::Register { path, source })?;
        Ok((id, secret))
    }

    /// Everybody, by number.
    pub(crate) fn auditors(&self) -> Result<Vec<Auditor>, Error> {
        let list = || {
            let mut query = self.db.prepare(
                "SELECT id, name, revoked, expires, key, certificate,
                        coalesce((SELECT max(expires) FROM auditor_tokens WHERE auditor = id), 0)
                 FROM auditors ORDER BY id",
            )?;
            let rows = query.query_map([], |row| {
                let (revoked, expires): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
                let state = match (revoked, expires) {
                    (Some(since), _) => State::Revoked { since },
                    (None, Some(until)) => State::Enrolled { until },
                    (None, None) => State::Invited { until: row.get(6)? },
                };
                let (key, certificate): (Option<[u8; 32]>, Option<Hash>) =
                    (row.get(4)?, row.get(5)?);
                Ok(Auditor {
                    id: AuditorId(row.get(0)?),
                    name: row.get(1)?,
                    state,
                    sealing: key
                        .zip(certificate)
                        .map(|(key, certificate)| Sealing { key, certificate }),
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        list().map_err(self.failed())
    }

    /// Finds one by number or by full name. Errors: none or several.
    pub(crate) fn find_auditor(&self, who: &str) -> Result<Auditor, Error> {
        let all = self.auditors()?;
        let found = select(&all, who, |a| (a.id.0, a.name.as_str(), a.state));
        match found {
            Ok(Some(auditor)) => Ok(auditor.clone()),
            Ok(None) => Err(Error::UnknownAuditor(who.to_owned())),
            Err(ids) => Err(Error::AmbiguousAuditor {
                name: who.to_owned(),
                ids,
            }),
        }
    }

    /// Takes everything from an auditor. What was sealed to him before stays sealed to him.
    pub(crate) fn revoke_auditor(&mut self, id: AuditorId, now: i64) -> Result<(), Error> {
        let path = self.path.clone();
        let mut revoke = || {
            let change = self.db.transaction()?;
            let changed = change.execute(
                "UPDATE auditors SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL",
                params![id.0, now],
            )?;
            change.execute(
                "DELETE FROM auditor_tokens WHERE auditor = ?1",
                params![id.0],
            )?;
            change.commit()?;
            Ok(changed)
        };
        match revoke().map_err(|source| Error::Register { path, source })? {
            0 => Err(Error::AuditorAlreadyRevoked(id.0)),
            _ => Ok(()),
        }
    }

    /// Spends a token: `issue` is called with the name, and what it issues is noted beside
    /// `key`, the auditor's X25519 key. None: as in [`Register::enrol`].
    pub(crate) fn enrol_auditor(
        &mut self,
        secret: &[u8; 16],
        key: &[u8; 32],
        now: i64,
        issue: impl FnOnce(&str) -> Option<Issued>,
    ) -> Result<Option<EnrolledAuditor>, Error> {
        let path = self.path.clone();
        let enrol = || {
            let change = self
                .db
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let found: Option<(i64, String)> = change
                .query_row(
                    "SELECT a.id, a.name FROM auditor_tokens k JOIN auditors a ON a.id = k.auditor
                     WHERE k.hash = ?1 AND k.used IS NULL AND k.expires > ?2 AND a.revoked IS NULL",
                    params![hash(secret), now],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let Some((id, name)) = found else {
                return Ok(None);
            };
            let Some(issued) = issue(&name) else {
                return Ok(None);
            };
            let certificate = hash(&issued.leaf);
            change.execute(
                "UPDATE auditor_tokens SET used = ?2 WHERE hash = ?1",
                params![hash(secret), now],
            )?;
            change.execute(
                "UPDATE auditors SET serial = ?2, expires = ?3, key = ?4, certificate = ?5 WHERE id = ?1",
                params![id, issued.serial, issued.expires, key, certificate],
            )?;
            change.commit()?;
            Ok(Some(EnrolledAuditor {
                issued,
                name,
                certificate,
            }))
        };
        enrol().map_err(|source| Error::Register { path, source })
    }

    /// Whom the auditor's certificate with this serial number belongs to.
    pub(crate) fn auditor_standing(&self, serial: &[u8]) -> Result<AuditorStanding, Error> {
        self.db
            .query_row(
                "SELECT id, name, revoked FROM auditors WHERE serial = ?1",
                params![serial],
                |row| {
                    let revoked: Option<i64> = row.get(2)?;
                    Ok(match revoked {
                        None => AuditorStanding::Good {
                            id: AuditorId(row.get(0)?),
                            name: row.get(1)?,
                        },
                        Some(_) => AuditorStanding::Revoked,
                    })
                },
            )
            .optional()
            .map(|standing| standing.unwrap_or(AuditorStanding::Unknown))
            .map_err(self.failed())
    }

    /// Those to whom recordings may be sealed: enrolled, not revoked, certificate not expired.
    pub(crate) fn good_auditors(&self, now: i64) -> Result<Vec<Auditor>, Error> {
        let mut all = self.auditors()?;
        all.retain(|auditor| {
            auditor.sealing.is_some()
                && matches!(auditor.state, State::Enrolled { until } if until > now)
        });
        Ok(all)
    }
}

/// Tables beside the technicians'.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS auditors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        added INTEGER NOT NULL,
        revoked INTEGER,
        serial BLOB UNIQUE,
        expires INTEGER,
        key BLOB,
        certificate BLOB
    ) STRICT;
    CREATE TABLE IF NOT EXISTS auditor_tokens (
        hash BLOB PRIMARY KEY,
        auditor INTEGER NOT NULL REFERENCES auditors (id),
        expires INTEGER NOT NULL,
        used INTEGER
    ) STRICT;
";

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(serial: u8) -> Issued {
        Issued {
            leaf: vec![serial],
            serial: vec![serial; 16],
            expires: 1_000,
        }
    }

    #[test]
    fn auditors_enrol_once_and_are_revoked_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let mut register = Register::open(&dir.path().join("register.sqlite")).unwrap();
        let (id, secret) = register.add_auditor("Ada Prüfer", 0).unwrap();
        let (technician, other) = register.add("Erika Weber", "Nordlicht", 0).unwrap();
        assert_eq!(technician.0, id.0);
        assert!(register.good_auditors(1).unwrap().is_empty());
        let none = register.enrol_auditor(&other, &[4; 32], 1, |_| Some(issued(1)));
        assert!(none.unwrap().is_none(), "a technician's token");
        let none = register.enrol(&secret, 1, |_, _| Some(issued(1)));
        assert!(none.unwrap().is_none(), "an auditor's token");
        let enrolled = register
            .enrol_auditor(&secret, &[4; 32], 1, |name| {
                assert_eq!(name, "Ada Prüfer");
                Some(issued(1))
            })
            .unwrap()
            .unwrap();
        assert_eq!(enrolled.certificate, hash(&[1]));
        let again = register.enrol_auditor(&secret, &[5; 32], 1, |_| Some(issued(2)));
        assert!(again.unwrap().is_none(), "the token is spent");
        let good = register.good_auditors(999).unwrap();
        assert_eq!(good[0].sealing.unwrap().key, [4; 32]);
        assert!(register.good_auditors(1_000).unwrap().is_empty(), "expired");
        let standing = register.auditor_standing(&[1; 16]).unwrap();
        assert!(matches!(standing, AuditorStanding::Good { .. }));
        assert_eq!(
            register.standing(&[1; 16]).unwrap(),
            super::super::Standing::Unknown
        );

        register.revoke_auditor(id, 5).unwrap();
        assert!(register.good_auditors(6).unwrap().is_empty());
        assert_eq!(
            register.auditor_standing(&[1; 16]).unwrap(),
            AuditorStanding::Revoked
        );
        let twice = register.revoke_auditor(id, 6);
        assert!(matches!(twice, Err(Error::AuditorAlreadyRevoked(_))));
        let unknown = register.find_auditor("Nobody");
        assert!(matches!(unknown, Err(Error::UnknownAuditor(_))));
        assert_eq!(register.find_auditor("1").unwrap().name, "Ada Prüfer");
    }
}
