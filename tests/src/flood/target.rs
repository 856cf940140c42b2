//! A technician whose code strangers know the nameplate of: a console without a screen, which answers shares
//! as consoles do and asks for a new code as soon as the old one is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fernsicht_protocol::code::Password;
use fernsicht_protocol::messages::{
    ALPN_CONSOLE, ConsoleToRelay, RelayToConsole, SessionId, VERSION,
};
use fernsicht_protocol::net::{Identity, Pin};
use fernsicht_protocol::pairing::{Confirm, Context as PairingContext, console as pairing_console};
use fernsicht_protocol::wire::Blob;
use rand_core::OsRng;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clients::Client;

/// What became of a target's code.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fate {
    /// Shares of strangers that reached the console.
    pub shares: u32,
    /// When the relay said that the code is over.
    pub over: Option<Instant>,
    /// When the new code was there.
    pub replaced: Option<Instant>,
    /// Somebody guessed the password: one of a hundred thousand guesses is right.
    pub paired: bool,
}

/// A targeted code. Gone with the value.
#[derive(Debug)]
pub struct Target {
    /// The nameplate that strangers know.
    pub nameplate: String,
    fate: Arc<Mutex<Fate>>,
    task: JoinHandle<()>,
}

impl Target {
    /// Asks for a code.
    pub async fn offer(address: &str, pin: &Pin, technician: &Identity) -> Result<Self> {
        let mut console = Client::connect(address, pin, ALPN_CONSOLE, Some(technician)).await?;
        console
            .say(&ConsoleToRelay::Hello { version: VERSION })
            .await?;
        let RelayToConsole::Hello { .. } = console.hear().await? else {
            bail!("the relay greets first")
        };
        let (session, nameplate) = new_code(&mut console).await?;
        let desk = Desk {
            console,
            relay_name: pin.relay_name.clone(),
            session,
            nameplate: nameplate.clone(),
            password: Password::draw(&mut OsRng),
            technician: technician.clone(),
        };
        let fate = Arc::new(Mutex::default());
        let noted = Arc::clone(&fate);
        let task = tokio::spawn(async move {
            // Ends with its connection, or when it is over.
            drop(desk.answer(&noted).await);
        });
        Ok(Self {
            nameplate,
            fate,
            task,
        })
    }

    /// What became of it so far.
    pub fn fate(&self) -> Fate {
        *lock(&self.fate)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Desk {
    console: Client,
    relay_name: String,
    session: SessionId,
    nameplate: String,
    password: Password,
    technician: Identity,
}

impl Desk {
    /// Answers until there is a new code; then that one stays out.
    async fn answer(mut self, fate: &Mutex<Fate>) -> Result<()> {
        let mut attempt = None;
        loop {
            // A code may be out for longer than an answer takes.
            let Ok(message) = self.console.hear().await else {
                let closed = self.console.connection.closed();
                if tokio::time::timeout(PAUSE, closed).await.is_ok() {
                    return Ok(());
                }
                continue;
            };
            match message {
                RelayToConsole::Share {
                    configuration,
                    share,
                } => {
                    lock(fate).shares += 1;
                    let context = PairingContext {
                        relay_name: self.relay_name.clone(),
                        ca: [0; 32],
                        configuration,
                        session: self.session,
                        nameplate: self.nameplate.clone(),
                    };
                    let responded =
                        pairing_console::respond(&context, &self.password, &share.0, &mut OsRng);
                    let Ok((responded, share, confirmation)) = responded else {
                        self.console.say(&ConsoleToRelay::PairingFailed).await?;
                        continue;
                    };
                    attempt = Some(responded);
                    let share = Blob(share.to_vec());
                    let reply = ConsoleToRelay::Reply {
                        share,
                        confirmation,
                    };
                    self.console.say(&reply).await?;
                }
                RelayToConsole::Confirm {
                    confirmation,
                    agent_key,
                    nonce,
                } => {
                    let confirm = Confirm {
                        confirmation,
                        agent_key,
                        nonce,
                    };
                    if self.is_right(attempt.take(), &confirm)? {
                        lock(fate).paired = true;
                        return Ok(());
                    }
                    self.console.say(&ConsoleToRelay::PairingFailed).await?;
                }
                RelayToConsole::AgentLeft => attempt = None,
                RelayToConsole::CodeExpired => {
                    lock(fate).over = Some(Instant::now());
                    new_code(&mut self.console).await?;
                    lock(fate).replaced = Some(Instant::now());
                    attempt = None;
                }
                other @ (RelayToConsole::Hello { .. }
                | RelayToConsole::Enrolled { .. }
                | RelayToConsole::Session { .. }
                | RelayToConsole::Peer { .. }
                | RelayToConsole::PeerLost
                | RelayToConsole::Resumed
                | RelayToConsole::RecorderFailed
                | RelayToConsole::RecorderBack
                | RelayToConsole::Maintenance { .. }
                | RelayToConsole::Recording { .. }
                | RelayToConsole::Checkpoint { .. }
                | RelayToConsole::Refused { .. }
                | RelayToConsole::Ended { .. }) => {
                    bail!("the relay says {other:?} to a code that is out")
                }
            }
        }
    }

    fn is_right(
        &self,
        attempt: Option<pairing_console::Responded>,
        confirm: &Confirm,
    ) -> Result<bool> {
        let attempt = attempt.context("nobody is being paired")?;
        let key = fernsicht_protocol::crypto::SigningKey::from_pkcs8(&self.technician.key)?;
        let leaf = &self.technician.chain[0];
        Ok(attempt.handle_confirm(confirm, leaf, &key).is_ok())
    }
}

async fn new_code(console: &mut Client) -> Result<(SessionId, String)> {
    console.say(&ConsoleToRelay::NewSession).await?;
    let RelayToConsole::Session {
        session, nameplate, ..
    } = console.hear().await?
    else {
        bail!("no nameplate")
    };
    Ok((session, nameplate.as_str().to_owned()))
}

/// So that a message stream that ended before its connection makes no spin.
const PAUSE: Duration = Duration::from_millis(50);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
