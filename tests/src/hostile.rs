//! A relay and a console in one, with valid keys, that say whatever a test wants them to say.
//!
//! It pairs properly, as whoever holds the CA and the spoken code can, and then sends messages and
//! frames out of turn. What the agent lets out is noted by the clear headers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fernsicht_protocol::attached::{self, Auditor, Configuration};
use fernsicht_protocol::cert::Role;
use fernsicht_protocol::checkpoint::{Checkpoint, SignedCheckpoint};
use fernsicht_protocol::code::{Password, SessionCode};
use fernsicht_protocol::content::{Input, InputEvent};
use fernsicht_protocol::crypto::{self, Hash, SigningKey};
use fernsicht_protocol::epoch::{Epoch, Sealer};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::heads::{HeadList, Heads};
use fernsicht_protocol::messages::{
    AgentToConsole, AgentToRelay, ConsoleToAgent, ControlOffer, RecordingOpen, RelayToAgent,
    SessionId, VERSION,
};
use fernsicht_protocol::net::{
    self, Connection, Identity, Incoming, MessageReceiver, MessageSender, RecordSender, quic,
};
use fernsicht_protocol::pairing::{Confirm, Context as PairingContext, console};
use fernsicht_protocol::retention;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::{AuditorKey, Binding, epoch_message};
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, List, Text, Wire};
use rand_core::OsRng;
use tokio::time::timeout;

use crate::authority::Authority;

/// How long the agent may take for an answer on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a recording is at its first checkpoint.
const FIRST: u64 = 1_000;

const NAMEPLATE: &str = "4812";
const RELAY_NAME: &str = "relay.test";

/// The hostile pair, listening.
#[derive(Debug)]
pub struct Hostile {
    endpoint: quinn::Endpoint,
    technician: Identity,
    signer: Identity,
    ca: Hash,
    code: SessionCode,
    configuration: Configuration,
}

impl Hostile {
    /// Listens on a free port of the loopback interface, inside a tokio runtime.
    pub fn start() -> Result<Self> {
        let authority = Authority::new()?;
        let ca = authority.fingerprint();
        let relay = authority.issue(Role::Relay, RELAY_NAME, "Test")?;
        let technician = authority.issue(Role::Technician, "Max Muster", "Test")?;
        let signer = authority.issue(Role::Checkpoint, RELAY_NAME, "Test")?;
        let auditor = authority.issue(Role::Auditor, "Ute Sommer", "Test")?;
        let endpoint = quic::server("127.0.0.1:0".parse()?, &relay, ca)?;
        let auditor = Auditor {
            name: Text::new("Ute Sommer")?,
            key: AuditorKey::draw(&mut OsRng).public(),
            certificate: crypto::hash(&auditor.chain[0]),
        };
        let configuration = configuration(endpoint.local_addr()?, ca, auditor)?;
        let code = SessionCode::new(NAMEPLATE, Password::draw(&mut OsRng)).context("a code")?;
        Ok(Self {
            endpoint,
            technician,
            signer,
            ca,
            code,
            configuration,
        })
    }

    /// The code to type, digits only.
    pub fn code(&self) -> String {
        self.code.grouped().replace(' ', "")
    }

    /// Writes an agent that connects here.
    pub fn agent_file(&self, program: &Path, output: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let file = attached::attach(&std::fs::read(program)?, &self.configuration)?;
        std::fs::write(output, file)?;
        std::fs::set_permissions(output, std::fs::Permissions::from_mode(0o700))?;
        Ok(())
    }

    /// Awaits an agent, and goes with it as far as its question for the nameplate.
    pub async fn meet(&self) -> Result<Met> {
        let mut met = self.greet(VERSION, unix_now()).await?;
        let AgentToRelay::Join { nameplate } = met.next().await? else {
            bail!("the agent asks for a nameplate")
        };
        ensure!(
            nameplate.as_str() == NAMEPLATE,
            "the nameplate that was typed"
        );
        Ok(met)
    }

    /// Awaits an agent, and greets it as a relay of this version, in whose opinion it is this time.
    pub async fn greet(&self, version: u16, now: u64) -> Result<Met> {
        let incoming = timeout(PATIENCE, self.endpoint.accept())
            .await
            .context("no agent connects")?;
        let connection = incoming.context("the endpoint is open")?.await?;
        let quic = connection.clone();
        let connection = Connection::from(connection);
        let (sender, receiver) = timeout(PATIENCE, connection.accept_messages())
            .await
            .context("no message stream")??;
        let let_out = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(note_frames(connection.clone(), Arc::clone(&let_out)));
        let mut met = Met {
            quic,
            connection,
            sender: sender.into(),
            receiver,
            let_out,
        };
        let AgentToRelay::Hello { configuration, .. } = met.next().await? else {
            bail!("the agent greets first")
        };
        ensure!(
            configuration == self.configuration.hash(),
            "the agent states its configuration"
        );
        met.say(RelayToAgent::Hello {
            version,
            now,
            control: ControlOffer::Recorded {
                deletion: retention::latest_deletion(unix_now()),
            },
        })
        .await?;
        Ok(met)
    }

    /// Pairs properly with an agent that was met: its consent page follows.
    pub async fn pair(&self, met: &mut Met) -> Result<Pair> {
        self.pair_as(met, None).await
    }

    /// The same, with other words about the technician than the true ones.
    pub async fn pair_as(&self, met: &mut Met, words: Option<ConsoleToAgent>) -> Result<Pair> {
        let session: SessionId = crypto::random(&mut OsRng);
        met.say(RelayToAgent::Joined { session }).await?;
        let AgentToRelay::Share { share } = met.next().await? else {
            bail!("the agent sends its share")
        };
        let context = PairingContext {
            relay_name: RELAY_NAME.to_owned(),
            ca: self.ca,
            configuration: self.configuration.hash(),
            session,
            nameplate: NAMEPLATE.to_owned(),
        };
        let (responded, own, confirmation) =
            console::respond(&context, self.code.password(), &share.0, &mut OsRng)?;
        met.say(RelayToAgent::Reply {
            share: Blob(own.to_vec()),
            confirmation,
        })
        .await?;
        let AgentToRelay::Confirm {
            confirmation,
            agent_key,
            nonce,
        } = met.next().await?
        else {
            bail!("the agent confirms")
        };
        let key = SigningKey::from_pkcs8(&self.technician.key).context("the technician's key")?;
        let confirm = Confirm {
            confirmation,
            agent_key,
            nonce,
        };
        let paired = responded.handle_confirm(&confirm, &self.technician.chain[0], &key)?;
        let chain = List(
            self.technician
                .chain
                .iter()
                .map(|der| Blob(der.clone()))
                .collect(),
        );
        let mut pair = Pair {
            session,
            paired,
            technician: self.technician.clone(),
            signer: self.signer.clone(),
            sealer: None,
            streams: HashMap::new(),
            heads: Heads::new(session),
            rid: [0; 16],
            length: FIRST,
        };
        let technician = ConsoleToAgent::Technician {
            chain,
            signature: pair.paired.signature,
        };
        pair.say(met, &words.unwrap_or(technician)).await?;
        Ok(pair)
    }
}

/// An agent's connection.
#[derive(Debug)]
pub struct Met {
    /// The connection, for streams out of turn.
    pub connection: Connection,
    quic: quinn::Connection,
    sender: tokio::sync::Mutex<MessageSender>,
    receiver: MessageReceiver,
    let_out: Arc<Mutex<Vec<Header>>>,
}

impl Met {
    /// Says something as the relay.
    pub async fn say(&self, message: RelayToAgent) -> Result<()> {
        Ok(self.sender.lock().await.send(&message).await?)
    }

    /// The agent's next message.
    pub async fn next(&mut self) -> Result<AgentToRelay> {
        let message = timeout(PATIENCE, self.receiver.next())
            .await
            .context("the agent is silent")??;
        message.context("the agent has ended the stream")
    }

    /// Hangs up on the agent.
    pub fn hang_up(&self) {
        self.quic.close(0u32.into(), b"network error");
    }

    /// True if the agent has hung up.
    pub fn gone(&self) -> bool {
        self.quic.close_reason().is_some()
    }

    /// Headers of all frames that the agent has let out.
    pub fn let_out(&self) -> Vec<Header> {
        self.let_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A paired session, seen from the hostile console.
pub struct Pair {
    session: SessionId,
    paired: console::Paired,
    technician: Identity,
    signer: Identity,
    /// Seals what the console says, once an epoch is open.
    pub sealer: Option<Sealer>,
    streams: HashMap<Class, RecordSender>,
    /// What a true recorder would know of the console's frames.
    heads: Heads,
    rid: [u8; 16],
    length: u64,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pair(epoch open: {})", self.sealer.is_some())
    }
}

impl Pair {
    /// Says something as the console, sealed.
    pub async fn say(&mut self, met: &mut Met, message: &ConsoleToAgent) -> Result<()> {
        let packet = Blob(self.paired.peer.seal(&message.to_bytes()));
        met.say(RelayToAgent::Peer { packet }).await
    }

    /// Sends a record on its class's one stream. Errors: the agent has hung up.
    pub async fn record(&mut self, met: &Met, record: &Record) -> Result<()> {
        if let Record::Frame(frame) = record {
            let sum = crypto::hash(&frame.ciphertext);
            // What continues nothing, no recorder would know either.
            self.heads.note(&frame.header, &sum).ok();
        }
        let class = record.header().class;
        let stream = match self.streams.entry(class) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(none) => none.insert(RecordSender::open(&met.connection, class).await?),
        };
        Ok(stream.send(record).await?)
    }

    /// States as a true relay does that all input so far is recorded.
    pub async fn cover(&mut self, met: &Met) -> Result<()> {
        self.length += 1;
        let mut heads = self.heads.current();
        heads.retain(|head| head.class == Class::Input);
        let checkpoint = self.checkpoint(List(heads))?;
        met.say(RelayToAgent::Checkpoint { checkpoint }).await
    }

    fn checkpoint(&self, heads: HeadList) -> Result<SignedCheckpoint> {
        let checkpoint = Checkpoint {
            rid: self.rid,
            length: self.length,
            chain: [3; 32],
            heads,
            time: unix_now() * 100,
        };
        let key = SigningKey::from_pkcs8(&self.signer.key)?;
        Ok(SignedCheckpoint::sign(checkpoint, &key))
    }

    /// Plays along with the beginning of an epoch, which only the customer's consent starts.
    pub async fn open_epoch(&mut self, met: &mut Met) -> Result<()> {
        let mut begun: Option<Begun> = None;
        let mut opened = None;
        loop {
            if let Some(begun) = &begun
                && let Some(recording) = opened.take()
            {
                return self.acknowledge(met, begun, recording).await;
            }
            match met.next().await? {
                AgentToRelay::Peer { packet } => {
                    let Some(bytes) = self.paired.peer.open(&packet.0)? else {
                        continue;
                    };
                    if let AgentToConsole::EpochStart {
                        epoch,
                        rid,
                        secret,
                        sealed_keys_hash,
                    } = AgentToConsole::from_bytes(&bytes)?
                    {
                        begun = Some(Begun {
                            epoch,
                            rid,
                            secret,
                            sealed_keys_hash,
                        });
                    }
                }
                AgentToRelay::EpochOpen { recording, .. } => opened = Some(recording),
                AgentToRelay::End { reason } => bail!("the agent ended the session: {reason:?}"),
                AgentToRelay::Hello { .. }
                | AgentToRelay::Join { .. }
                | AgentToRelay::Share { .. }
                | AgentToRelay::Confirm { .. }
                | AgentToRelay::ResumeHash { .. }
                | AgentToRelay::ReceiptDone
                | AgentToRelay::Resume { .. } => {}
            }
        }
    }

    /// As relay and console: opens, or records and signs, and acknowledges.
    async fn acknowledge(
        &mut self,
        met: &mut Met,
        begun: &Begun,
        recording: Option<RecordingOpen>,
    ) -> Result<()> {
        let (epoch, th2) = (begun.epoch, self.paired.th2);
        let keys = Epoch::new(&self.session, begun.rid, epoch, &th2, &begun.secret.into());
        self.sealer = Some(keys.sealer(Direction::ConsoleToAgent));
        self.heads.begin(epoch);
        let mut signature = None;
        match recording {
            None => met.say(RelayToAgent::EpochOpened { epoch }).await?,
            Some(open) => {
                self.rid = open.rid;
                let checkpoint = self.checkpoint(List::default())?;
                let binding = Binding {
                    session: self.session,
                    rid: open.rid,
                    epoch,
                    commitment: open.commitment,
                    leaf: crypto::hash(&self.technician.chain[0]),
                    th2,
                };
                let message = epoch_message(&binding, &begun.sealed_keys_hash, &checkpoint.hash());
                let key = SigningKey::from_pkcs8(&self.technician.key)?;
                signature = Some(key.sign("epoch", &message));
                let chain = self.signer.chain.iter().map(|der| Blob(der.clone()));
                let chain = List(chain.collect());
                met.say(RelayToAgent::Recording {
                    epoch,
                    chain,
                    checkpoint,
                })
                .await?;
            }
        }
        self.say(met, &ConsoleToAgent::EpochAck { epoch, signature })
            .await
    }
}

/// The technician's hand without a pause, as fast as input can be sealed and sent, until it has `ended`; the relay states that
/// all of it is recorded, since so much would lose control by the lease. `sent` counts.
pub async fn flood(
    met: Arc<Met>,
    mut pair: Pair,
    sent: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
) -> Result<()> {
    while !ended.load(Ordering::Relaxed) {
        let let_out = met.let_out();
        let beacon = let_out.iter().filter(|h| h.class == Class::Beacon).count() as u64;
        let grant = let_out.iter().map(|header| header.grant).max();
        let grant = grant.context("rights were told")?;
        for step in 0..BATCH {
            let (x, y) = (300 + step, 300 + step % 7);
            let content = Input {
                beacon: beacon.saturating_sub(1),
                layout: 1,
                event: InputEvent::Move { x, y },
            };
            let sealer = pair.sealer.as_mut().context("an epoch is open")?;
            let frame = sealer.seal(Class::Input, grant, Rights::Control, &content.to_bytes());
            pair.record(&met, &Record::Frame(frame)).await?;
        }
        pair.cover(&met).await?;
        sent.fetch_add(usize::from(BATCH), Ordering::Relaxed);
    }
    Ok(())
}

/// Between two looks at the newest beacon; far less than the lease has room for.
const BATCH: u16 = 500;

/// What the agent says of an epoch to the console.
struct Begun {
    epoch: u32,
    rid: Option<[u8; 16]>,
    secret: [u8; 32],
    sealed_keys_hash: Hash,
}

async fn note_frames(connection: Connection, let_out: Arc<Mutex<Vec<Header>>>) {
    while let Ok(stream) = connection.accept_uni().await {
        let book = Arc::clone(&let_out);
        tokio::spawn(async move {
            let note = |header| {
                book.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(header)
            };
            match net::incoming(stream).await {
                Ok(Incoming::Records(mut records)) => {
                    while let Ok(Some(record)) = records.next().await {
                        note(*record.header());
                    }
                }
                Ok(Incoming::Single(header, mut stream)) => {
                    note(header);
                    // What is in it cannot be read here; it must only be taken.
                    drop(net::read_single(header, &mut stream).await);
                }
                Ok(Incoming::Copy) | Err(_) => {}
            }
        });
    }
}

fn configuration(address: SocketAddr, ca: Hash, auditor: Auditor) -> Result<Configuration> {
    fn text<const MAX: usize>(words: &str) -> Result<Text<MAX>> {
        Ok(Text::new(words)?)
    }
    Ok(Configuration {
        made: unix_now(),
        operator: text(crate::operator::OPERATOR)?,
        domain: text("hilfe.example")?,
        relay_addresses: List(vec![text(&address.to_string())?]),
        relay_name: text(RELAY_NAME)?,
        ca,
        address: text("Hafenstraße 1")?,
        complaints_office: text("Beschwerdestelle")?,
        privacy_contact: text("Datenschutz")?,
        authority: text("Landesbeauftragte")?,
        legal_basis: text("Art. 6 Abs. 1 lit. a DSGVO")?,
        language: text("de")?,
        auditors: List(vec![auditor]),
    })
}

fn unix_now() -> u64 {
    jiff::Timestamp::now().as_second().unsigned_abs()
}
