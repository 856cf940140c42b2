//! `agent --output FILE`: the customer's program with the operator's configuration attached.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use fernsicht_protocol::attached::{self, Auditor, Configuration};
use fernsicht_protocol::wire::{List, Text};

use crate::Error;
use crate::home::Home;

/// Whom recordings of an agent are sealed to.
#[derive(Debug)]
pub(crate) enum Sealing {
    /// Nobody: it can only offer looking.
    None,
    /// All auditors.
    To(Vec<String>),
    /// More auditors than an agent carries.
    Part {
        names: Vec<String>,
        left_out: Vec<String>,
    },
}

/// Writes the agent. `program` is the bare one; without it, the one beside this program.
pub(crate) fn make(
    home: &Home,
    program: Option<&Path>,
    output: &Path,
    now: u64,
) -> Result<Sealing, Error> {
    let (auditors, left_out) = auditors(home, now)?;
    let names = auditors
        .iter()
        .map(|a| a.name.as_str().to_owned())
        .collect();
    let sealing = match (auditors.is_empty(), left_out.is_empty()) {
        (true, _) => Sealing::None,
        (false, true) => Sealing::To(names),
        (false, false) => Sealing::Part { names, left_out },
    };
    let configuration = configuration(home, auditors, now)?;
    let program = match program {
        Some(program) => program.to_owned(),
        None => beside_this_program()?,
    };
    if !program.is_file() {
        return Err(Error::NoProgram(program));
    }
    let bare = fs::read(&program).map_err(Error::file("cannot read", &program))?;
    let whole = attached::attach(&bare, &configuration).map_err(|reason| Error::Program {
        path: program,
        reason,
    })?;
    write_program(output, &whole).map_err(Error::file("cannot write", output))?;
    Ok(sealing)
}

/// Those to whom recordings may be sealed, and the names of those that have no place.
fn auditors(home: &Home, now: u64) -> Result<(Vec<Auditor>, Vec<String>), Error> {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut good = home.register()?.good_auditors(now)?;
    let left_out = good.split_off(good.len().min(MAX_AUDITORS));
    let mut auditors = Vec::new();
    for auditor in good {
        let Some(sealing) = auditor.sealing else {
            continue;
        };
        auditors.push(Auditor {
            name: Text::new(auditor.name).map_err(|_| Error::Name("an auditor's name"))?,
            key: sealing.key,
            certificate: sealing.certificate,
        });
    }
    let left_out = left_out.into_iter().map(|auditor| auditor.name).collect();
    Ok((auditors, left_out))
}

/// What relay.toml says to agents. Errors: a field is empty.
fn configuration(home: &Home, auditors: Vec<Auditor>, now: u64) -> Result<Configuration, Error> {
    let config = &home.config;
    Ok(Configuration {
        made: now,
        operator: filled(home, "operator", &config.operator)?,
        domain: filled(home, "domain", &config.domain)?,
        relay_addresses: List(vec![filled(
            home,
            "public_address",
            &config.public_address,
        )?]),
        relay_name: filled(home, "name", &config.name)?,
        ca: home.ca_fingerprint(),
        address: filled(home, "address", &config.address)?,
        complaints_office: filled(home, "complaints_office", &config.complaints_office)?,
        privacy_contact: filled(home, "privacy_contact", &config.privacy_contact)?,
        authority: filled(home, "authority", &config.authority)?,
        legal_basis: filled(home, "legal_basis", &config.legal_basis)?,
        language: filled(home, "language", &config.language)?,
        auditors: List(auditors),
    })
}

fn filled<const MAX: usize>(
    home: &Home,
    field: &'static str,
    value: &str,
) -> Result<Text<MAX>, Error> {
    if value.trim().is_empty() {
        return Err(Error::EmptyField {
            field,
            path: home.config_file(),
        });
    }
    Text::new(value).map_err(|e| Error::Config {
        path: home.config_file(),
        reason: format!("`{field}`: {e}"),
    })
}

fn beside_this_program() -> Result<PathBuf, Error> {
    let this =
        std::env::current_exe().map_err(Error::system("cannot find this program's own file"))?;
    Ok(this.with_file_name("fernsicht-agent"))
}

/// Whole or not at all: a half-written program must not be handed to a customer.
fn write_program(output: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut part = output.as_os_str().to_owned();
    part.push(".part");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o755)
        .open(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&part, output)
}

const MAX_AUDITORS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use fernsicht_protocol::cert::{self, Role};
    use fernsicht_protocol::crypto::hash;

    #[test]
    fn every_good_auditor_is_attached_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(&dir.path().join("data")).unwrap();
        let authority = home.authority().unwrap();
        let mut register = home.register().unwrap();
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let mut leaves = Vec::new();
        for number in 0..18_u8 {
            let name = format!("Auditor {number}");
            let (id, secret) = register.add_auditor(&name, now).unwrap();
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
            let request = rcgen::CertificateParams::new(vec![])
                .unwrap()
                .serialize_request(&key)
                .unwrap();
            let enrolled = register
                .enrol_auditor(&secret, &[number; 32], now, |name| {
                    authority.issue_auditor(name, request.der()).ok()
                })
                .unwrap()
                .unwrap();
            leaves.push(enrolled.issued.leaf);
            if number == 3 {
                register.revoke_auditor(id, now).unwrap();
            }
        }
        register.add_auditor("Not Yet", now).unwrap();
        let (auditors, left_out) = auditors(&home, now as u64).unwrap();
        assert_eq!(auditors.len(), MAX_AUDITORS);
        assert_eq!(left_out, ["Auditor 17"]);
        assert!(auditors.iter().all(|a| a.name.as_str() != "Auditor 3"));
        assert_eq!(auditors[0].key, [0; 32]);
        assert_eq!(auditors[0].certificate, hash(&leaves[0]));
        let chain = [leaves[0].clone(), home.ca.clone()];
        let holder = cert::verify(&chain, &home.ca_fingerprint(), Role::Auditor, now as u64);
        assert_eq!(holder.unwrap().name, "Auditor 0");
    }
}
