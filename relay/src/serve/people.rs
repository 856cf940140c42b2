//! Technicians come and go: enrolments, and revocations by another process.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fernsicht_protocol::messages::Refusal;
use fernsicht_protocol::router::{ConnectionId, TechnicianId};

use super::hub::{Hub, lock};
use crate::Error;
use crate::cli::unix_now;
use crate::register::Register;

/// Ends what belongs to technicians whom another process has revoked. Looks within a second, only while a technician is
/// connected, and into the register only where its files were written to.
pub(super) async fn watch_register(hub: Arc<Hub>) {
    let files = lock(&hub.register).files();
    let (mut seen, mut settled) = (None, None);
    loop {
        let technicians = hub.technicians();
        if technicians.is_empty() {
            hub.consoles_changed.notified().await;
            continue;
        }
        let written = last_written(&files);
        if seen.is_some() && written.is_some() && written == settled {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = hub.consoles_changed.notified() => seen = None,
            }
            continue;
        }
        // What was written a moment ago may be written to again within the same tick of the file system's clock.
        let long_ago = |at: &SystemTime| at.elapsed().is_ok_and(|ago| ago > COARSE);
        settled = written.filter(|all| all.iter().all(long_ago));
        let register = hub.register.clone();
        let looked =
            tokio::task::spawn_blocking(move || revoked(&register, &technicians, seen)).await;
        match looked {
            Ok(Ok((version, revoked))) => {
                seen = Some(version);
                for technician in revoked {
                    tracing::info!(technician = technician.0, "revoked");
                    hub.revoked(technician);
                }
            }
            // Nothing was seen: the files may rest, and the next look must be one.
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot look for revocations");
                seen = None;
            }
            Err(error) => {
                tracing::error!(%error, "cannot look for revocations");
                seen = None;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            // A console that has just connected may have been revoked in between.
            () = hub.consoles_changed.notified() => seen = None,
        }
    }
}

/// When each of `files` was last written to; none if that cannot be told.
fn last_written(files: &[PathBuf]) -> Option<Vec<SystemTime>> {
    let written = files.iter().map(|file| match file.metadata() {
        Ok(metadata) => metadata.modified().ok(),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(SystemTime::UNIX_EPOCH),
        Err(_) => None,
    });
    written.collect()
}

fn revoked(
    register: &Mutex<Register>,
    technicians: &[TechnicianId],
    seen: Option<i64>,
) -> Result<(i64, Vec<TechnicianId>), Error> {
    let register = lock(register);
    let version = register.version()?;
    let mut revoked = Vec::new();
    if seen != Some(version) {
        for technician in technicians {
            if register.revoked(*technician)? {
                revoked.push(*technician);
            }
        }
    }
    Ok((version, revoked))
}

/// Issues a technician's certificate for a one-time token, or refuses.
pub(super) async fn enrol(hub: Arc<Hub>, id: ConnectionId, secret: [u8; 16], request: Vec<u8>) {
    let worker = hub.clone();
    let enrolled = tokio::task::spawn_blocking(move || issue(&worker, &secret, &request)).await;
    let result = enrolled.unwrap_or(Err(Refusal::Token));
    match &result {
        Ok(_) => tracing::info!("a technician has enrolled"),
        Err(refusal) => tracing::info!(?refusal, "an enrolment was refused"),
    }
    hub.enrolled(id, result);
}

fn issue(hub: &Hub, secret: &[u8; 16], request: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    let Some(authority) = &hub.authority else {
        tracing::error!(
            "an enrolment was refused because ca.key is not here; put it back and restart"
        );
        return Err(Refusal::Token);
    };
    let issued = lock(&hub.register).enrol(secret, unix_now(), |name, organisation| {
        authority
            .issue_technician(name, organisation, request)
            .inspect_err(|error| tracing::warn!(%error, "an enrolment request is not usable"))
            .ok()
    });
    match issued {
        Ok(Some(issued)) => Ok(vec![issued.leaf, hub.ca.clone()]),
        Ok(None) => Err(Refusal::Token),
        Err(error) => {
            tracing::error!(%error, "an enrolment failed");
            Err(Refusal::Full)
        }
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(700);

/// More than the coarsest clock of a file system, which is FAT's.
const COARSE: Duration = Duration::from_secs(3);
