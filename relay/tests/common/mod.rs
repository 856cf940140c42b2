//! A relay as a process of its own, and clients that speak to it over real QUIC.
#![expect(dead_code, reason = "each test program uses a part of it")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests name what they expect"
)]
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure is the test's"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use fernsicht_protocol::frame::{Class, Direction, Frame, Header};
use fernsicht_protocol::messages::*;
use fernsicht_protocol::quic::{
    self, Identity, Incoming, MessageReceiver, MessageSender, Pin, RecordReceiver,
};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::token::Token;
use fernsicht_protocol::wire::{Blob, Text, Wire};

const PATIENCE: Duration = Duration::from_secs(20);

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
        let mut process = command(&data(&dir), &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
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

    pub(crate) fn signal_end(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn data(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("data")
}

pub(crate) struct Client {
    _endpoint: quinn::Endpoint,
    pub(crate) connection: quinn::Connection,
    sender: MessageSender,
    receiver: MessageReceiver,
}

impl Client {
    async fn connect(address: &str, pin: &Pin, alpn: &[u8], identity: Option<&Identity>) -> Self {
        let (endpoint, connection) = quic::connect(address, pin, alpn, identity).await.unwrap();
        let (send, receive) = connection.open_bi().await.unwrap();
        Self {
            _endpoint: endpoint,
            connection,
            sender: MessageSender::new(send),
            receiver: MessageReceiver::new(receive),
        }
    }

    async fn hear<T: Wire>(&mut self) -> Option<T> {
        tokio::time::timeout(PATIENCE, self.receiver.next())
            .await
            .expect("a message in time")
            .unwrap()
    }

    pub(crate) async fn stream(&self) -> Incoming {
        let stream = tokio::time::timeout(PATIENCE, self.connection.accept_uni()).await;
        quic::incoming(stream.expect("a stream in time").unwrap())
            .await
            .unwrap()
    }

    pub(crate) async fn records(&self) -> RecordReceiver {
        match self.stream().await {
            Incoming::Records(records) => records,
            Incoming::Single(header, _) => panic!("a single frame: {header:?}"),
        }
    }
}

pub(crate) struct Console(pub(crate) Client);

impl Console {
    pub(crate) async fn connect(address: &str, pin: &Pin, identity: Option<&Identity>) -> Self {
        let mut this = Self(Client::connect(address, pin, ALPN_CONSOLE, identity).await);
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
        self.0.sender.send(&message).await.unwrap();
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
        let mut this = Self(Client::connect(address, pin, ALPN_AGENT, None).await);
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
        self.0.sender.send(&message).await.unwrap();
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
    (agent, console)
}

/// Paired, with epoch 1 open.
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
