//! An agent and a console without screens, who keep to the protocol, in one session over a real relay:
//! for load, for crashes, and for figures of the relay alone.
//!
//! ```text
//! Pair::open ─► send(class, content) ─► … ─► drop        what arrived: Pair::noted
//! ```
//! The agent half seals the epoch's secret to the auditors that it is given, shows its code to nobody, and
//! grants control by itself: no guard is in here, so nothing of this says anything about grants.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::code::Password;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::Cause;
use fernsicht_protocol::crypto::{self, Hash, SigningKey, hash};
use fernsicht_protocol::epoch::{Epoch, Sealer};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::messages::{
    ALPN_AGENT, ALPN_CONSOLE, AgentToConsole, AgentToRelay, CaseNumber, ConsoleToAgent,
    ConsoleToRelay, ControlOffer, End, RecordingOpen, RelayToAgent, RelayToConsole, SessionId,
    VERSION,
};
use fernsicht_protocol::net::{
    self, Connection, Identity, Incoming, MessageReceiver, MessageSender, Pin, RecordSender,
    SingleSender,
};
use fernsicht_protocol::pairing::{
    Confirm, Context as PairingContext, agent as pairing_agent, console as pairing_console,
};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::{self, Binding, SealedKeys};
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, List, Wire};
use rand_core::OsRng;
use tokio::sync::watch;

use crate::clients::Client;

/// The agent's configuration, of which only the hash travels.
const CONFIGURATION: Hash = [1; 32];

/// Whether and for whom a session is recorded.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// Only looking: not recorded.
    View,
    /// Looking and control, sealed to these auditors.
    Control(&'a [[u8; 32]]),
}

/// What arrived at the two ends, and what the relay said to them.
#[derive(Debug, Default)]
pub struct Noted {
    /// Frames at the console, with the time when they were complete.
    pub at_console: Vec<(Instant, Header)>,
    /// Frames at the agent; true for tombstones.
    pub at_agent: Vec<(Instant, Header, bool)>,
    /// Checkpoints at the agent.
    pub checkpoints: Vec<(Instant, SignedCheckpoint)>,
    /// When the relay said that its recorder does not take anything.
    pub recorder_failed: Option<Instant>,
    /// When it said that it does again.
    pub recorder_back: Option<Instant>,
    /// When it said that the session is over.
    pub ended: Option<(Instant, End)>,
}

/// A session between two clients.
pub struct Pair {
    /// The complaint code of a recorded session.
    pub code: Option<Code>,
    /// E_1, for tests that open without an auditor.
    pub epoch: Epoch,
    agent: Connection,
    console: Connection,
    to_relay: MessageSender,
    _from_console: MessageSender,
    agent_sealer: Sealer,
    console_sealer: Sealer,
    streams: Vec<(Direction, Class, RecordSender)>,
    grant: u32,
    rights: Rights,
    noted: Arc<Mutex<Noted>>,
    /// The agent's end, the console's.
    deaf: [watch::Sender<bool>; 2],
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pair(recorded: {})", self.code.is_some())
    }
}

impl Pair {
    /// Pairs, opens the first epoch and grants what its kind allows.
    pub async fn open(
        address: &str,
        pin: &Pin,
        technician: &Identity,
        kind: Kind<'_>,
    ) -> Result<Self> {
        let paired = pair(address, pin, technician).await?;
        let Paired {
            mut agent,
            mut console,
            agent_side,
            console_side,
            control,
            session,
        } = paired;
        let (agent_side, mut peer) = (agent_side, console_side.peer);
        let mut agent_peer = agent_side.peer;
        let code = Code::draw(&mut OsRng);
        let rid: Option<[u8; 16]> = match kind {
            Kind::View => None,
            Kind::Control(_) => Some(crypto::random(&mut OsRng)),
        };
        let secret = Epoch::draw(&mut OsRng);
        let epoch = Epoch::new(&session, rid, 1, &agent_side.th2, &secret);
        let leaf = hash(&technician.chain[0]);
        let recording = match (kind, rid) {
            (Kind::Control(auditors), Some(rid)) => {
                let ControlOffer::Recorded { deletion } = control else {
                    bail!("the relay offers no control")
                };
                let binding = Binding {
                    session,
                    rid,
                    epoch: 1,
                    commitment: epoch.commitment(),
                    leaf,
                    th2: agent_side.th2,
                };
                let seal = |auditor| sealing::seal(&binding, auditor, &code, &secret);
                let sealed_keys: SealedKeys =
                    List(auditors.iter().map(seal).collect::<Result<_, _>>()?);
                Some(RecordingOpen {
                    rid,
                    commitment: epoch.commitment(),
                    sealed_keys,
                    open_hash: hash(code.open_token().as_slice()),
                    lookup_hash: code.lookup().hash(),
                    deletion,
                })
            }
            (Kind::View | Kind::Control(_), _) => None,
        };
        let sealed_keys_hash = recording
            .as_ref()
            .map_or_else(|| hash(b""), |open| sealing::hash_all(&open.sealed_keys));
        let start = AgentToConsole::EpochStart {
            epoch: 1,
            rid,
            secret: *secret,
            sealed_keys_hash,
        };
        let packet = Blob(agent_peer.seal(&start.to_bytes()));
        agent.say(&AgentToRelay::Peer { packet }).await?;
        let open = AgentToRelay::EpochOpen {
            epoch: 1,
            recording: recording.clone(),
        };
        agent.say(&open).await?;
        let RelayToConsole::Peer { packet } = console.hear().await? else {
            bail!("the console hears of the epoch")
        };
        peer.open(&packet.0)?.context("the epoch's start is new")?;

        let mut signature = None;
        if let Some(open) = &recording {
            let transcript = ConsoleToRelay::Transcript {
                epoch: 1,
                signature: console_side.signature,
                case: CaseNumber::default(),
            };
            console.say(&transcript).await?;
            let RelayToConsole::Recording { checkpoint, .. } = console.hear().await? else {
                bail!("the relay does not record")
            };
            let binding = Binding {
                session,
                rid: open.rid,
                epoch: 1,
                commitment: open.commitment,
                leaf,
                th2: console_side.th2,
            };
            let message = sealing::epoch_message(&binding, &sealed_keys_hash, &checkpoint.hash());
            let key = SigningKey::from_pkcs8(&technician.key)?;
            let signed = key.sign("epoch", &message);
            let message = ConsoleToRelay::EpochSignature {
                epoch: 1,
                signature: signed,
            };
            console.say(&message).await?;
            signature = Some(signed);
        }
        let ack = ConsoleToAgent::EpochAck {
            epoch: 1,
            signature,
        };
        let packet = Blob(peer.seal(&ack.to_bytes()));
        console.say(&ConsoleToRelay::Peer { packet }).await?;
        let (mut opened, mut acknowledged) = (false, false);
        while !(opened && acknowledged) {
            match agent.hear().await? {
                RelayToAgent::EpochOpened { .. } | RelayToAgent::Recording { .. } => opened = true,
                RelayToAgent::Peer { packet } => {
                    agent_peer.open(&packet.0)?;
                    acknowledged = true;
                }
                RelayToAgent::Checkpoint { .. } => {}
                other @ (RelayToAgent::Hello { .. }
                | RelayToAgent::Joined { .. }
                | RelayToAgent::Refused { .. }
                | RelayToAgent::Reply { .. }
                | RelayToAgent::Resumed
                | RelayToAgent::PeerLost
                | RelayToAgent::RecorderFailed
                | RelayToAgent::RecorderBack
                | RelayToAgent::Ended { .. }) => {
                    bail!("the relay says {other:?} at the epoch's beginning")
                }
            }
        }

        let noted = Arc::new(Mutex::new(Noted::default()));
        let (agent_connection, console_connection) =
            (agent.connection.clone(), console.connection.clone());
        let (to_relay, from_relay) = agent.split();
        let (from_console, to_console) = console.split();
        let deaf = [watch::Sender::new(false), watch::Sender::new(false)];
        let [at_agent, at_console] = deaf.each_ref().map(|deaf| Ear(deaf.subscribe()));
        tokio::spawn(note_messages(
            from_relay,
            Arc::clone(&noted),
            at_agent.clone(),
        ));
        tokio::spawn(drain(to_console, at_console.clone()));
        tokio::spawn(note_frames(
            agent_connection.clone(),
            Arc::clone(&noted),
            (true, at_agent),
        ));
        tokio::spawn(note_frames(
            console_connection.clone(),
            Arc::clone(&noted),
            (false, at_console),
        ));
        let rights = match kind {
            Kind::View => Rights::View,
            Kind::Control(_) => Rights::Control,
        };
        let mut this = Self {
            code: recording.is_some().then_some(code),
            agent_sealer: epoch.sealer(Direction::AgentToConsole),
            console_sealer: epoch.sealer(Direction::ConsoleToAgent),
            epoch,
            agent: agent_connection,
            console: console_connection,
            to_relay,
            _from_console: from_console,
            streams: Vec::new(),
            grant: 1,
            rights,
            noted,
            deaf,
        };
        let cause = Cause::Epoch.to_bytes();
        this.send(Direction::AgentToConsole, Class::Rights, &cause)
            .await?;
        Ok(this)
    }

    /// What has arrived so far.
    pub fn noted(&self) -> MutexGuard<'_, Noted> {
        lock(&self.noted)
    }

    /// Seals content and sends it as a frame of its class. Returns the header. Errors: the relay is gone.
    pub async fn send(
        &mut self,
        direction: Direction,
        class: Class,
        content: &[u8],
    ) -> Result<Header> {
        let (sealer, connection) = match direction {
            Direction::AgentToConsole => (&mut self.agent_sealer, &self.agent),
            Direction::ConsoleToAgent => (&mut self.console_sealer, &self.console),
        };
        let frame = sealer.seal(class, self.grant, self.rights, content);
        let header = frame.header;
        if class.in_order() {
            let place = self
                .streams
                .iter()
                .position(|(d, c, _)| (*d, *c) == (direction, class));
            let place = match place {
                Some(place) => place,
                None => {
                    let stream = RecordSender::open(connection, class).await?;
                    self.streams.push((direction, class, stream));
                    self.streams.len() - 1
                }
            };
            self.streams[place].2.send(&Record::Frame(frame)).await?;
        } else {
            let mut stream = SingleSender::open(connection, class).await?;
            stream.send(frame).await?;
        }
        Ok(header)
    }

    /// The agent states other rights from here on.
    pub async fn change_rights(&mut self, rights: Rights, cause: Cause) -> Result<Header> {
        self.grant += 1;
        self.rights = rights;
        let content = cause.to_bytes();
        self.send(Direction::AgentToConsole, Class::Rights, &content)
            .await
    }

    /// The agent says something to the relay.
    pub async fn say(&mut self, message: &AgentToRelay) -> Result<()> {
        Ok(self.to_relay.send(message).await?)
    }

    /// The connection of the end that sends in this direction.
    pub fn connection(&self, from: Direction) -> &Connection {
        match from {
            Direction::AgentToConsole => &self.agent,
            Direction::ConsoleToAgent => &self.console,
        }
    }

    /// A header that fits the session, of a frame that nobody has sealed.
    pub fn header(&self, direction: Direction, class: Class, number: u64, length: u32) -> Header {
        Header {
            epoch: 1,
            direction,
            class,
            number,
            grant: self.grant,
            rights: self.rights,
            length,
        }
    }

    /// The end that sends in this direction reads nothing any more, neither messages nor frames, and refuses nothing.
    pub fn deafen(&self, end: Direction) {
        self.deaf[end as usize].send_replace(true);
    }

    /// Both ends' sockets become others, as when a router forgets them or the computer changes its network:
    /// the connections must go on.
    pub fn rebind(&self, sockets: [std::net::UdpSocket; 2]) -> Result<()> {
        for (connection, socket) in [&self.agent, &self.console].into_iter().zip(sockets) {
            connection.rebind(socket)?;
        }
        Ok(())
    }

    /// The agent's end ends the session as its customer would, and says that the receipt is complete.
    pub async fn end(mut self) -> Result<()> {
        self.to_relay
            .send(&AgentToRelay::End {
                reason: End::Customer,
            })
            .await?;
        if self.code.is_some() {
            // The final checkpoint comes before the end; both are read by the task.
            let until = Instant::now() + std::time::Duration::from_secs(5);
            while self.noted().ended.is_none() && Instant::now() < until {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            // Whoever closed already does not want to know.
            drop(self.to_relay.send(&AgentToRelay::ReceiptDone).await);
        }
        self.to_relay.finish().await;
        Ok(())
    }

    /// Both ends hang up without a word.
    pub fn vanish(self) {
        self.agent.close(0, b"");
        self.console.close(0, b"");
    }
}

/// Both sides right behind the pairing: the connections, and what each end knows.
pub struct Paired {
    /// The agent's connection.
    pub agent: Client,
    /// The console's connection.
    pub console: Client,
    /// The agent's keys.
    pub agent_side: pairing_agent::Paired,
    /// The console's keys.
    pub console_side: pairing_console::Paired,
    /// What the relay offers.
    pub control: ControlOffer,
    /// The session.
    pub session: SessionId,
}

impl std::fmt::Debug for Paired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paired").finish_non_exhaustive()
    }
}

/// The pairing, as the programs do it, with a code that nobody needs to speak.
pub async fn pair(address: &str, pin: &Pin, technician: &Identity) -> Result<Paired> {
    let mut console = Client::connect(address, pin, ALPN_CONSOLE, Some(technician)).await?;
    console
        .say(&ConsoleToRelay::Hello { version: VERSION })
        .await?;
    let RelayToConsole::Hello { .. } = console.hear().await? else {
        bail!("the relay greets first")
    };
    console.say(&ConsoleToRelay::NewSession).await?;
    let answer = console.hear().await?;
    let RelayToConsole::Session { nameplate, .. } = &answer else {
        bail!("no nameplate, but {answer:?}")
    };
    let mut agent = Client::connect(address, pin, ALPN_AGENT, None).await?;
    let hello = AgentToRelay::Hello {
        version: VERSION,
        configuration: CONFIGURATION,
    };
    agent.say(&hello).await?;
    let RelayToAgent::Hello { control, .. } = agent.hear().await? else {
        bail!("the relay greets first")
    };
    let join = AgentToRelay::Join {
        nameplate: nameplate.clone(),
    };
    agent.say(&join).await?;
    let RelayToAgent::Joined { session } = agent.hear().await? else {
        bail!("no session")
    };
    let context = PairingContext {
        relay_name: pin.relay_name.clone(),
        ca: pin.ca,
        configuration: CONFIGURATION,
        session,
        nameplate: nameplate.as_str().to_owned(),
    };
    let password = Password::draw(&mut OsRng);
    let (opened, share) = pairing_agent::open(context.clone(), &password, &mut OsRng);
    let share = Blob(share.to_vec());
    agent.say(&AgentToRelay::Share { share }).await?;
    let RelayToConsole::Share { share, .. } = console.hear().await? else {
        bail!("no share")
    };
    let (responded, own, confirmation) =
        pairing_console::respond(&context, &password, &share.0, &mut OsRng)?;
    let reply = ConsoleToRelay::Reply {
        share: Blob(own.to_vec()),
        confirmation,
    };
    console.say(&reply).await?;
    let RelayToAgent::Reply {
        share,
        confirmation,
    } = agent.hear().await?
    else {
        bail!("no reply")
    };
    let (confirmed, confirm) = opened.handle_reply(&share.0, &confirmation, &mut OsRng)?;
    let Confirm {
        confirmation,
        agent_key,
        nonce,
    } = confirm.clone();
    let message = AgentToRelay::Confirm {
        confirmation,
        agent_key,
        nonce,
    };
    agent.say(&message).await?;
    let RelayToConsole::Confirm { .. } = console.hear().await? else {
        bail!("no confirmation")
    };
    let key = SigningKey::from_pkcs8(&technician.key)?;
    let mut console_side = responded.handle_confirm(&confirm, &technician.chain[0], &key)?;
    console.say(&ConsoleToRelay::Paired).await?;
    let chain = List(
        technician
            .chain
            .iter()
            .map(|der| Blob(der.clone()))
            .collect(),
    );
    let introduction = ConsoleToAgent::Technician {
        chain,
        signature: console_side.signature,
    };
    let packet = Blob(console_side.peer.seal(&introduction.to_bytes()));
    console.say(&ConsoleToRelay::Peer { packet }).await?;
    let RelayToAgent::Peer { packet } = agent.hear().await? else {
        bail!("the technician does not introduce herself")
    };
    let mut confirmed = confirmed;
    confirmed
        .peer
        .open(&packet.0)?
        .context("the introduction is new")?;
    let now = jiff::Timestamp::now().as_second().unsigned_abs();
    let agent_side =
        confirmed.handle_technician(&technician.chain, &console_side.signature, now)?;
    Ok(Paired {
        agent,
        console,
        agent_side,
        console_side,
        control,
        session,
    })
}

/// Whether an end reads.
#[derive(Clone)]
struct Ear(watch::Receiver<bool>);

impl Ear {
    /// Completes while it does.
    async fn open(&mut self) {
        // Whoever is gone was not deaf.
        drop(self.0.wait_for(|deaf| !deaf).await);
    }
}

async fn note_messages(mut receiver: MessageReceiver, noted: Arc<Mutex<Noted>>, mut ear: Ear) {
    while let Ok(Some(message)) = receiver.next::<RelayToAgent>().await {
        ear.open().await;
        let now = Instant::now();
        let mut noted = lock(&noted);
        match message {
            RelayToAgent::Checkpoint { checkpoint } => noted.checkpoints.push((now, checkpoint)),
            RelayToAgent::RecorderFailed => noted.recorder_failed = Some(now),
            RelayToAgent::RecorderBack => noted.recorder_back = Some(now),
            RelayToAgent::Ended { reason } => noted.ended = Some((now, reason)),
            RelayToAgent::Hello { .. }
            | RelayToAgent::Joined { .. }
            | RelayToAgent::Refused { .. }
            | RelayToAgent::Reply { .. }
            | RelayToAgent::Peer { .. }
            | RelayToAgent::EpochOpened { .. }
            | RelayToAgent::Recording { .. }
            | RelayToAgent::Resumed
            | RelayToAgent::PeerLost => {}
        }
    }
}

async fn drain(mut receiver: MessageReceiver, mut ear: Ear) {
    while let Ok(Some(_)) = receiver.next::<RelayToConsole>().await {
        ear.open().await;
    }
}

async fn note_frames(
    connection: Connection,
    noted: Arc<Mutex<Noted>>,
    (at_agent, ear): (bool, Ear),
) {
    while let Ok(stream) = connection.accept_uni().await {
        let noted = Arc::clone(&noted);
        let mut ear = ear.clone();
        let note = move |header: Header, tombstone: bool| {
            let (now, mut noted) = (Instant::now(), lock(&noted));
            match at_agent {
                true => noted.at_agent.push((now, header, tombstone)),
                false => noted.at_console.push((now, header)),
            }
        };
        tokio::spawn(async move {
            ear.open().await;
            match net::incoming(stream).await {
                Ok(Incoming::Records(mut records)) => {
                    while let Ok(Some(record)) = records.next().await {
                        ear.open().await;
                        let tombstone = matches!(record, Record::Tombstone { .. });
                        note(*record.header(), tombstone);
                    }
                }
                Ok(Incoming::Single(header, mut stream)) => {
                    if net::read_single(header, &mut stream).await.is_ok() {
                        note(header, false);
                    }
                }
                // A copy is its stream's; what fails is lost with its connection.
                Ok(Incoming::Copy) | Err(_) => {}
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
