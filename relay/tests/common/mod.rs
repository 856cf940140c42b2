//! A relay as a process of its own, and clients that speak to it over real QUIC or TLS/TCP.
#![expect(dead_code, reason = "each test program uses a part of it")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests name what they expect"
)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests: a failure is the test's"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use fernsicht_protocol::cert::{self, Role};
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::crypto::{Hash, SigningKey, hash};
use fernsicht_protocol::frame::{Class, Direction, Frame, Header};
use fernsicht_protocol::messages::*;
use fernsicht_protocol::net::{
    self, Connection, Identity, Incoming, MessageReceiver, MessageSender, Pin, ReadError,
    RecordReceiver, RecordSender, RecvStream, SingleSender, Transport,
};
use fernsicht_protocol::pairing::{Confirm, Context, transcript};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::{self, Binding, SealedKey};
use fernsicht_protocol::token::Token;
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, List, Text, Wire};
use rand_core::OsRng;

pub(crate) mod auditor;
pub(crate) mod disk;
pub(crate) mod file;

/// Behind this a relay hangs; a loaded machine only takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fernsicht-relay"));
    command
        .arg("--data")
        .arg(data)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    command(data, arguments).output().unwrap()
}

/// The command fails with a sentence, and does not panic.
pub(crate) fn fails(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

pub(crate) fn succeeds(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A running relay in a directory of its own.
pub(crate) struct Relay {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) process: Child,
    pub(crate) address: String,
}

impl Relay {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::start_in(dir, flags)
    }

    pub(crate) fn start_in(dir: tempfile::TempDir, flags: &[&str]) -> Self {
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0"];
        arguments.extend(flags);
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let mut process = command(&data(&dir), &arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("the relay says where it listens")
                .unwrap();
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.to_owned();
            }
        };
        // Keeps the pipe open, so that the relay can go on talking.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            dir,
            process,
            address,
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        data(&self.dir)
    }

    pub(crate) fn token(&self, name: &str) -> Token {
        let said = succeeds(
            &self.data(),
            &["technician", "add", name, "--organisation", "Nordlicht"],
        );
        let text = said
            .split_whitespace()
            .find(|word| word.starts_with("fst1-"))
            .unwrap();
        Token::parse(text).unwrap()
    }

    pub(crate) async fn enrol(&self, name: &str) -> (Identity, Pin) {
        let token = self.token(name);
        let pin = Pin {
            ca: token.ca,
            relay_name: token.relay_name.as_str().to_owned(),
        };
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let request = rcgen::CertificateParams::new(vec![])
            .unwrap()
            .serialize_request(&key)
            .unwrap();
        let mut console = Console::connect(&self.address, &pin, None).await;
        console
            .say(ConsoleToRelay::Enrol {
                secret: token.secret,
                request: Blob(request.der().to_vec()),
            })
            .await;
        let RelayToConsole::Enrolled { chain } = console.hear().await else {
            panic!("not enrolled")
        };
        let chain = chain.0.into_iter().map(|der| der.0).collect();
        (
            Identity {
                chain,
                key: key.serialize_der().into(),
            },
            pin,
        )
    }

    /// A relay that can record: with an auditor, whose enrolment is a test of its own.
    pub(crate) async fn with_auditor() -> (Self, Identity, Pin) {
        let relay = Self::start(&[]);
        let (identity, pin) = relay.enrol("Erika Weber").await;
        auditor::enrol(&relay, &pin, "Ada Prüfer").await;
        (relay, identity, pin)
    }

    /// What the relay has written to its log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// The files of recordings that are being written, or were not moved yet.
    pub(crate) fn active(&self) -> Vec<PathBuf> {
        recordings_in(&self.data().join("active"))
    }

    /// The files of finished recordings.
    pub(crate) fn stored(&self) -> Vec<PathBuf> {
        recordings_in(&self.data().join("recordings"))
    }

    /// Kills it, and starts another one on the same data.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        Self::start_in(dir, &[])
    }

    /// Ends it at once.
    pub(crate) fn signal_end(&self) {
        self.signal("-INT");
    }

    /// Ends it as service managers do: what is under way has its time.
    pub(crate) fn signal_term(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.process.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn recordings_in(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "recording"))
        .collect()
}

/// Waits for something, and says what did not come.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + PATIENCE;
    while !done() {
        assert!(std::time::Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn data(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("data")
}

/// Over what agent and console speak to the relay.
pub(crate) type Over = [Transport; 2];

pub(crate) const QUIC: Over = [Transport::Quic; 2];

pub(crate) struct Client {
    pub(crate) connection: Connection,
    sender: MessageSender,
    receiver: MessageReceiver,
}

impl Client {
    pub(crate) async fn connect(
        over: Transport,
        (address, pin): (&str, &Pin),
        alpn: &[u8],
        identity: Option<&Identity>,
    ) -> Self {
        let connection = net::connect_over(over, address, pin, alpn, identity).await;
        let connection = connection.unwrap();
        let (sender, receiver) = connection.open_messages().await.unwrap();
        Self {
            connection,
            sender,
            receiver,
        }
    }

    pub(crate) async fn single(&self, frame: &Frame) -> SingleSender {
        let mut stream = SingleSender::open(&self.connection, frame.header.class)
            .await
            .unwrap();
        stream.send(frame.clone()).await.unwrap();
        stream
    }

    /// As much of a frame as is said.
    pub(crate) async fn part(&self, frame: &Frame, length: usize) -> SingleSender {
        let mut stream = SingleSender::open(&self.connection, frame.header.class)
            .await
            .unwrap();
        let header = frame.header.encode().to_vec();
        let part = frame.ciphertext[..length].to_vec();
        let mut chunks = [header.into(), part.into()];
        stream.send_chunks(&mut chunks).await.unwrap();
        stream
    }

    pub(crate) async fn say(&mut self, message: &impl Wire) {
        self.sender.send(message).await.unwrap();
    }

    pub(crate) async fn hear<T: Wire>(&mut self) -> Option<T> {
        tokio::time::timeout(PATIENCE, self.receiver.next())
            .await
            .expect("a message in time")
            .unwrap()
    }

    pub(crate) async fn stream(&self) -> Incoming {
        stream_of(&self.connection).await
    }

    pub(crate) async fn records(&self) -> RecordReceiver {
        records_of(&self.connection).await
    }
}

pub(crate) async fn read_to_end(stream: &mut RecvStream) -> Result<Vec<u8>, ReadError> {
    let mut all = Vec::new();
    while let Some(chunk) = stream.read_chunk(1 << 20).await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

async fn stream_of(connection: &Connection) -> Incoming {
    loop {
        let stream = tokio::time::timeout(PATIENCE, connection.accept_uni()).await;
        let stream = stream.expect("a stream in time").unwrap();
        match net::incoming(stream).await.unwrap() {
            Incoming::Copy => {}
            incoming @ (Incoming::Records(_) | Incoming::Single(..)) => return incoming,
        }
    }
}

async fn records_of(connection: &Connection) -> RecordReceiver {
    match stream_of(connection).await {
        Incoming::Records(records) => records,
        other @ (Incoming::Single(..) | Incoming::Copy) => panic!("no records: {other:?}"),
    }
}

pub(crate) struct Console(pub(crate) Client);

impl Console {
    pub(crate) async fn connect(address: &str, pin: &Pin, identity: Option<&Identity>) -> Self {
        Self::connect_over(Transport::Quic, address, pin, identity).await
    }

    pub(crate) async fn connect_over(
        over: Transport,
        address: &str,
        pin: &Pin,
        identity: Option<&Identity>,
    ) -> Self {
        let client = Client::connect(over, (address, pin), ALPN_CONSOLE, identity);
        let mut this = Self(client.await);
        this.say(ConsoleToRelay::Hello { version: VERSION }).await;
        this.expect_hello().await;
        this
    }

    async fn expect_hello(&mut self) {
        assert!(matches!(
            self.hear().await,
            RelayToConsole::Hello {
                version: VERSION,
                ..
            }
        ));
    }

    pub(crate) async fn say(&mut self, message: ConsoleToRelay) {
        self.0.say(&message).await;
    }

    pub(crate) async fn hear(&mut self) -> RelayToConsole {
        self.0.hear().await.expect("the relay says more")
    }

    pub(crate) async fn offer(&mut self) -> Text<12> {
        self.say(ConsoleToRelay::NewSession).await;
        match self.hear().await {
            RelayToConsole::Session { nameplate, .. } => nameplate,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) struct Agent(pub(crate) Client);

impl Agent {
    pub(crate) async fn connect(address: &str, pin: &Pin) -> (Self, ControlOffer) {
        Self::connect_over(Transport::Quic, address, pin).await
    }

    pub(crate) async fn connect_over(
        over: Transport,
        address: &str,
        pin: &Pin,
    ) -> (Self, ControlOffer) {
        let mut this = Self(Client::connect(over, (address, pin), ALPN_AGENT, None).await);
        this.say(AgentToRelay::Hello {
            version: VERSION,
            configuration: [1; 32],
        })
        .await;
        match this.hear().await {
            RelayToAgent::Hello { control, .. } => (this, control),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, message: AgentToRelay) {
        self.0.say(&message).await;
    }

    pub(crate) async fn hear(&mut self) -> RelayToAgent {
        self.0.hear().await.expect("the relay says more")
    }

    pub(crate) async fn join(&mut self, nameplate: &Text<12>) -> RelayToAgent {
        self.say(AgentToRelay::Join {
            nameplate: nameplate.clone(),
        })
        .await;
        self.hear().await
    }
}

/// Pairs two clients through the relay.
pub(crate) async fn pair(relay: &Relay, identity: &Identity, pin: &Pin) -> (Agent, Console) {
    let mut console = Console::connect(&relay.address, pin, Some(identity)).await;
    let nameplate = console.offer().await;
    let (mut agent, _) = Agent::connect(&relay.address, pin).await;
    assert!(matches!(
        agent.join(&nameplate).await,
        RelayToAgent::Joined { .. }
    ));
    finish_pairing(&mut agent, &mut console).await;
    (agent, console)
}

async fn finish_pairing(agent: &mut Agent, console: &mut Console) {
    agent
        .say(AgentToRelay::Share {
            share: Blob(vec![1; 33]),
        })
        .await;
    let shared = RelayToConsole::Share {
        configuration: [1; 32],
        share: Blob(vec![1; 33]),
    };
    assert_eq!(console.hear().await, shared);
    console
        .say(ConsoleToRelay::Reply {
            share: Blob(vec![2; 33]),
            confirmation: [2; 32],
        })
        .await;
    assert_eq!(
        agent.hear().await,
        RelayToAgent::Reply {
            share: Blob(vec![2; 33]),
            confirmation: [2; 32]
        }
    );
    agent
        .say(AgentToRelay::Confirm {
            confirmation: [3; 32],
            agent_key: [4; 32],
            nonce: [5; 32],
        })
        .await;
    let confirmed = RelayToConsole::Confirm {
        confirmation: [3; 32],
        agent_key: [4; 32],
        nonce: [5; 32],
    };
    assert_eq!(console.hear().await, confirmed);
    console.say(ConsoleToRelay::Paired).await;
    console
        .say(ConsoleToRelay::Peer {
            packet: Blob(vec![9; 300]),
        })
        .await;
    assert_eq!(
        agent.hear().await,
        RelayToAgent::Peer {
            packet: Blob(vec![9; 300])
        }
    );
}

/// Paired, with the unrecorded epoch 1 open.
pub(crate) async fn opened(relay: &Relay, identity: &Identity, pin: &Pin) -> (Agent, Console) {
    let (mut agent, console) = pair(relay, identity, pin).await;
    agent
        .say(AgentToRelay::EpochOpen {
            epoch: 1,
            recording: None,
        })
        .await;
    assert_eq!(agent.hear().await, RelayToAgent::EpochOpened { epoch: 1 });
    (agent, console)
}

pub(crate) fn frame(class: Class, number: u64, grant: u32, rights: Rights, length: usize) -> Frame {
    let direction = match class {
        Class::Input => Direction::ConsoleToAgent,
        _ => Direction::AgentToConsole,
    };
    let header = Header {
        epoch: 1,
        direction,
        class,
        number,
        grant,
        rights,
        length: length as u32,
    };
    Frame {
        header,
        ciphertext: vec![class as u8; length],
    }
}

/// A session that is recorded.
pub(crate) struct Session {
    pub(crate) agent: Agent,
    pub(crate) console: Console,
    pub(crate) open: RecordingOpen,
    pub(crate) code: Code,
    session: SessionId,
    th2: Hash,
    leaf: Hash,
    key: SigningKey,
    pin: Pin,
}

/// Paired, with the recorded epoch 1 open and signed.
pub(crate) async fn recorded(relay: &Relay, identity: &Identity, pin: &Pin) -> Session {
    recorded_over(QUIC, relay, identity, pin).await
}

pub(crate) async fn recorded_over(
    over: Over,
    relay: &Relay,
    identity: &Identity,
    pin: &Pin,
) -> Session {
    let mut session = asked_over(over, relay, identity, pin).await;
    session.open(1).await;
    session
}

/// Paired by an agent that was offered a recording.
pub(crate) async fn asked(relay: &Relay, identity: &Identity, pin: &Pin) -> Session {
    asked_over(QUIC, relay, identity, pin).await
}

async fn asked_over(over: Over, relay: &Relay, identity: &Identity, pin: &Pin) -> Session {
    let mut console = Console::connect_over(over[1], &relay.address, pin, Some(identity)).await;
    let nameplate = console.offer().await;
    let (mut agent, control) = Agent::connect_over(over[0], &relay.address, pin).await;
    let ControlOffer::Recorded { deletion } = control else {
        panic!("no recording is offered: {}", relay.log())
    };
    let RelayToAgent::Joined { session } = agent.join(&nameplate).await else {
        panic!("not joined")
    };
    finish_pairing(&mut agent, &mut console).await;
    let leaf = hash(&identity.chain[0]);
    let context = Context {
        relay_name: pin.relay_name.clone(),
        ca: pin.ca,
        configuration: [1; 32],
        session,
        nameplate: nameplate.as_str().to_owned(),
    };
    let confirm = Confirm {
        confirmation: [3; 32],
        agent_key: [4; 32],
        nonce: [5; 32],
    };
    let th1 = transcript::th1(&context.bytes(), &[1; 33], &[2; 33]);
    let th2 = transcript::th2(&th1, &[2; 32], &confirm, &leaf);
    let code = Code::draw(&mut OsRng);
    let sealed = SealedKey {
        auditor: [6; 32],
        sealed: Blob(vec![7; 96]),
    };
    Session {
        agent,
        console,
        open: RecordingOpen {
            rid: fernsicht_protocol::crypto::random(&mut OsRng),
            commitment: [8; 32],
            sealed_keys: List(vec![sealed]),
            open_hash: hash(code.open_token().as_slice()),
            lookup_hash: code.lookup().hash(),
            deletion,
        },
        code,
        session,
        th2,
        leaf,
        key: SigningKey::from_pkcs8(&identity.key).unwrap(),
        pin: pin.clone(),
    }
}

impl Session {
    /// Opens a recorded epoch as both ends do.
    pub(crate) async fn open(&mut self, epoch: u32) -> SignedCheckpoint {
        let recording = Some(self.open.clone());
        self.agent
            .say(AgentToRelay::EpochOpen { epoch, recording })
            .await;
        let signature = self.key.sign("technician", &self.th2);
        self.console
            .say(ConsoleToRelay::Transcript {
                epoch,
                signature,
                case: CaseNumber::default(),
            })
            .await;
        let (chain, first) = loop {
            match self.agent.hear().await {
                RelayToAgent::Recording {
                    epoch: of,
                    chain,
                    checkpoint,
                } if of == epoch => break (chain, checkpoint),
                RelayToAgent::Checkpoint { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        let now = jiff::Timestamp::now().as_second() as u64;
        let ders: Vec<&[u8]> = chain.0.iter().map(|der| &der.0[..]).collect();
        let signer = cert::verify(&ders, &self.pin.ca, Role::Checkpoint, now).unwrap();
        first.verify(&signer.key).unwrap();
        assert_eq!(first.checkpoint.rid, self.open.rid);
        self.console_hears_recording(epoch, &first).await;
        let binding = Binding {
            session: self.session,
            rid: self.open.rid,
            epoch,
            commitment: self.open.commitment,
            leaf: self.leaf,
            th2: self.th2,
        };
        let keys = sealing::hash_all(&self.open.sealed_keys);
        let message = sealing::epoch_message(&binding, &keys, &first.hash());
        let signature = self.key.sign("epoch", &message);
        self.console
            .say(ConsoleToRelay::EpochSignature { epoch, signature })
            .await;
        // What the console says behind it tells the agent that the signature is there.
        self.console
            .say(ConsoleToRelay::Peer {
                packet: Blob(vec![7]),
            })
            .await;
        while self.agent.hear().await
            != (RelayToAgent::Peer {
                packet: Blob(vec![7]),
            })
        {}
        first
    }

    async fn console_hears_recording(&mut self, epoch: u32, first: &SignedCheckpoint) {
        loop {
            match self.console.hear().await {
                RelayToConsole::Recording {
                    epoch: of,
                    checkpoint,
                    ..
                } if of == epoch => {
                    assert_eq!(checkpoint, *first);
                    return;
                }
                RelayToConsole::Checkpoint { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message for the agent that is no checkpoint.
    pub(crate) async fn agent_hears(&mut self) -> RelayToAgent {
        loop {
            match self.agent.hear().await {
                RelayToAgent::Checkpoint { .. } => {}
                other => return other,
            }
        }
    }

    pub(crate) async fn console_hears(&mut self) -> RelayToConsole {
        loop {
            match self.console.hear().await {
                RelayToConsole::Checkpoint { .. } => {}
                other => return other,
            }
        }
    }

    pub(crate) async fn checkpoint(&mut self) -> SignedCheckpoint {
        loop {
            if let RelayToAgent::Checkpoint { checkpoint } = self.agent.hear().await {
                return checkpoint;
            }
        }
    }

    /// Grants control in this epoch. The streams stay open as long as what is returned.
    pub(crate) async fn control(&mut self, epoch: u32, grant: u32) -> Hands {
        let mut rights = RecordSender::open(&self.agent.0.connection, Class::Rights)
            .await
            .unwrap();
        let on = frame_of(epoch, Class::Rights, 0, grant, Rights::Control, 32);
        rights.send(&Record::Frame(on.clone())).await.unwrap();
        let mut seen = self.console.0.records().await;
        assert_eq!(seen.next().await.unwrap(), Some(Record::Frame(on)));
        let input = RecordSender::open(&self.console.0.connection, Class::Input)
            .await
            .unwrap();
        Hands {
            rights,
            seen,
            input,
            agent: self.agent.0.connection.clone(),
            received: None,
            epoch,
            grant,
            next: 0,
        }
    }
}

/// The streams of a controlled epoch.
pub(crate) struct Hands {
    pub(crate) rights: RecordSender,
    pub(crate) seen: RecordReceiver,
    pub(crate) input: RecordSender,
    pub(crate) received: Option<RecordReceiver>,
    agent: Connection,
    epoch: u32,
    grant: u32,
    next: u64,
}

impl Hands {
    /// Sends an input frame.
    pub(crate) async fn send(&mut self) -> Frame {
        let mut frame = frame_of(
            self.epoch,
            Class::Input,
            self.next,
            self.grant,
            Rights::Control,
            80,
        );
        // Each one can be found in a file.
        rand_core::RngCore::fill_bytes(&mut OsRng, &mut frame.ciphertext);
        self.next += 1;
        self.input
            .send(&Record::Frame(frame.clone()))
            .await
            .unwrap();
        frame
    }

    /// What reaches the agent of this very frame; older streams may still bring something.
    pub(crate) async fn receive_newest(&mut self, sent: &Frame) -> Record {
        loop {
            let mut records = records_of(&self.agent).await;
            if let Ok(Some(record)) = records.next().await
                && *record.header() == sent.header
            {
                self.received = Some(records);
                return record;
            }
        }
    }

    /// What reaches the agent next.
    pub(crate) async fn receive(&mut self) -> Record {
        if self.received.is_none() {
            self.received = Some(records_of(&self.agent).await);
        }
        let received = self.received.as_mut().unwrap();
        let next = tokio::time::timeout(PATIENCE, received.next()).await;
        next.expect("input in time").unwrap().unwrap()
    }
}

pub(crate) fn frame_of(
    epoch: u32,
    class: Class,
    number: u64,
    grant: u32,
    rights: Rights,
    length: usize,
) -> Frame {
    let mut frame = frame(class, number, grant, rights, length);
    frame.header.epoch = epoch;
    frame
}
