//! Technicians come and go: enrolments, and revocations by another process.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fernsicht_protocol::messages::Refusal;
use fernsicht_protocol::router::{ConnectionId, TechnicianId};
use rustix::fs::inotify;
use tokio::sync::Notify;

use super::hub::{Hub, lock};
use crate::Error;
use crate::cli::unix_now;
use crate::register::Register;

/// Ends what belongs to technicians whom another process has revoked. Looks into the register where somebody wrote into its
/// folder, only while a technician is connected.
pub(super) async fn watch_register(hub: Arc<Hub>) {
    let folder = lock(&hub.register).folder();
    let written = writes_into(&folder)
        .inspect_err(|error| tracing::warn!(%error, "no notices of the register"))
        .ok();
    let (mut seen, mut last) = (None, Instant::now());
    loop {
        let technicians = hub.technicians();
        if technicians.is_empty() {
            hub.consoles_changed.notified().await;
            continue;
        }
        let register = hub.register.clone();
        let looked =
            tokio::task::spawn_blocking(move || revoked(&register, &technicians, seen)).await;
        let wait = match looked {
            Ok(Ok((version, revoked))) => {
                seen = Some(version);
                for technician in revoked {
                    tracing::info!(technician = technician.0, "revoked");
                    hub.revoked(technician);
                }
                // A write is told of before it can be seen: its disk may be slow.
                match written.is_some() && last.elapsed() > SLOW {
                    true => REST,
                    false => LOOK_EVERY,
                }
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot look for revocations");
                seen = None;
                LOOK_EVERY
            }
            Err(error) => {
                tracing::error!(%error, "cannot look for revocations");
                seen = None;
                LOOK_EVERY
            }
        };
        let written = async {
            match &written {
                Some(written) => written.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = written => last = Instant::now(),
            // A console that has just connected may have been revoked in between.
            () = hub.consoles_changed.notified() => seen = None,
        }
    }
}

/// Notifies whenever something has been written into a folder, by the kernel's notices (inotify(7)): from a thread that
/// sleeps until then, and that lives as long as the program. Errors: the kernel gives none.
fn writes_into(folder: &Path) -> std::io::Result<Arc<Notify>> {
    let notices = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    let what = inotify::WatchFlags::MODIFY
        | inotify::WatchFlags::CREATE
        | inotify::WatchFlags::DELETE
        | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&notices, folder, what)?;
    let written = Arc::new(Notify::new());
    let tell = written.clone();
    std::thread::Builder::new()
        .name("register".to_owned())
        .spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                match rustix::io::read(&notices, &mut buffer) {
                    Ok(1..) => tell.notify_one(),
                    Err(rustix::io::Errno::INTR) => {}
                    Ok(0) | Err(_) => return,
                }
            }
        })?;
    Ok(written)
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

/// While something is being written, where the kernel tells nothing, or where a look has failed.
const LOOK_EVERY: Duration = Duration::from_millis(700);

const SLOW: Duration = Duration::from_secs(10);

/// Even where the kernel tells of nothing.
const REST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_a_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("register.sqlite-wal");
        std::fs::write(&file, "before").unwrap();
        let written = writes_into(folder.path()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for text in ["one", "another"] {
                std::fs::write(&file, text).unwrap();
                let told = tokio::time::timeout(Duration::from_secs(30), written.notified());
                told.await.expect(text);
            }
        });
    }

    #[test]
    fn a_folder_that_is_not_there_gives_no_notices() {
        assert!(writes_into(Path::new("/nonexistent/folder")).is_err());
    }
}
