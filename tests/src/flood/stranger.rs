//! A stranger at one address, who tries codes that nobody told him.
//!
//! He trusts any relay, keeps to the messages as far as it helps him, and has no manners: see [`Temper`].

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use fernsicht_protocol::code::Password;
use fernsicht_protocol::messages::{
    ALPN_AGENT, AgentToRelay, Refusal, RelayToAgent, SessionId, VERSION,
};
use fernsicht_protocol::net::{Connection, MessageReceiver};
use fernsicht_protocol::pairing::{Context as PairingContext, agent as pairing_agent};
use fernsicht_protocol::wire::{Blob, Text};
use quinn::crypto::rustls::QuicClientConfig;
use rand_core::OsRng;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::time::timeout;

use super::half;

/// How long a stranger waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one who stops half-way says his part again and again.
pub(super) const GIVES_UP: Duration = Duration::from_secs(8);

/// How he behaves once the relay has taken his share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Temper {
    /// Guesses a password, and confirms what he cannot know.
    Guesses,
    /// Hangs up.
    Leaves,
    /// Says nothing more and waits.
    Stalls,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// No connection came about: the relay takes none from here, or does not answer.
    NotConnected,
    /// The relay said why not.
    Refused(&'static str),
    /// His share was passed on; the guess was wrong, or he left.
    Shared(Temper),
    /// The relay hung up without a word, or did not answer.
    Silence,
    /// His guess was right: one of a hundred thousand is.
    Paired,
}

/// A stranger.
#[derive(Debug, Clone)]
pub struct Stranger {
    endpoint: quinn::Endpoint,
    config: quinn::ClientConfig,
    relay: SocketAddr,
    relay_name: String,
}

impl Stranger {
    /// One at this socket's address. Inside a tokio runtime.
    pub fn new(socket: UdpSocket, relay: SocketAddr, relay_name: &str) -> Result<Self> {
        let endpoint = quinn::Endpoint::new(
            quinn::EndpointConfig::default(),
            None,
            socket,
            Arc::new(quinn::TokioRuntime),
        )?;
        Self::with(endpoint, relay, relay_name)
    }

    /// One whose handshakes stop half-way, and who gives each up after a while without a word.
    pub fn half(socket: UdpSocket, relay: SocketAddr, relay_name: &str) -> Result<Self> {
        let mut this = Self::with(half::endpoint(socket)?, relay, relay_name)?;
        let mut transport = quinn::TransportConfig::default();
        transport.max_idle_timeout(Some(GIVES_UP.try_into()?));
        this.config.transport_config(Arc::new(transport));
        Ok(this)
    }

    fn with(endpoint: quinn::Endpoint, relay: SocketAddr, relay_name: &str) -> Result<Self> {
        Ok(Self {
            endpoint,
            config: client_config()?,
            relay,
            relay_name: relay_name.to_owned(),
        })
    }

    /// Begins to connect.
    pub fn begin(&self) -> Result<quinn::Connecting> {
        let config = self.config.clone();
        Ok(self
            .endpoint
            .connect_with(config, self.relay, &self.relay_name)?)
    }

    /// Connects and does no more than that.
    pub async fn connect(&self) -> Result<quinn::Connection> {
        timeout(PATIENCE, self.begin()?)
            .await
            .context("no answer")?
            .context("not connected")
    }

    /// One attempt at pairing with whoever is behind `nameplate`.
    pub async fn attempt(&self, nameplate: &str, temper: Temper) -> Told {
        let Ok(connection) = self.connect().await else {
            return Told::NotConnected;
        };
        let told = timeout(PATIENCE, self.converse(&connection, nameplate, temper)).await;
        connection.close(0u32.into(), b"");
        match told {
            Ok(Ok(told)) => told,
            Ok(Err(_)) | Err(_) => Told::Silence,
        }
    }

    async fn converse(
        &self,
        connection: &quinn::Connection,
        nameplate: &str,
        temper: Temper,
    ) -> Result<Told> {
        let connection = Connection::from(connection.clone());
        let (mut sender, mut receiver) = connection.open_messages().await?;
        sender.send(&hello()).await?;
        if let Some(told) = refused(&hear(&mut receiver).await?) {
            return Ok(told);
        }
        let nameplate_text = Text::new(nameplate)?;
        let join = AgentToRelay::Join {
            nameplate: nameplate_text,
        };
        sender.send(&join).await?;
        let answer = hear(&mut receiver).await?;
        let RelayToAgent::Joined { session } = answer else {
            return Ok(refused(&answer).unwrap_or(Told::Silence));
        };
        let context = self.context(session, nameplate);
        let (opened, share) = pairing_agent::open(context, &Password::draw(&mut OsRng), &mut OsRng);
        let share = Blob(share.to_vec());
        sender.send(&AgentToRelay::Share { share }).await?;
        if temper == Temper::Leaves {
            // What was sent arrives; an end before it would spend no try.
            sender.finish().await;
            return Ok(Told::Shared(temper));
        }
        let reply = hear(&mut receiver).await?;
        if let Some(told) = refused(&reply) {
            return Ok(told);
        }
        let RelayToAgent::Reply {
            share,
            confirmation,
        } = reply
        else {
            return Ok(Told::Silence);
        };
        if opened
            .handle_reply(&share.0, &confirmation, &mut OsRng)
            .is_ok()
        {
            return Ok(Told::Paired);
        }
        if temper == Temper::Guesses {
            let confirm = AgentToRelay::Confirm {
                confirmation: [0; 32],
                agent_key: [1; 32],
                nonce: [2; 32],
            };
            sender.send(&confirm).await?;
        }
        // Until the relay has had enough.
        while hear(&mut receiver).await.is_ok() {}
        Ok(Told::Shared(temper))
    }

    fn context(&self, session: SessionId, nameplate: &str) -> PairingContext {
        PairingContext {
            relay_name: self.relay_name.clone(),
            // He has no agent file, hence not its configuration.
            ca: [0; 32],
            configuration: [0; 32],
            session,
            nameplate: nameplate.to_owned(),
        }
    }
}

/// The hello of an agent.
pub fn hello() -> AgentToRelay {
    AgentToRelay::Hello {
        version: VERSION,
        configuration: [0; 32],
    }
}

async fn hear(receiver: &mut MessageReceiver) -> Result<RelayToAgent> {
    receiver.next().await?.context("the relay has hung up")
}

fn refused(message: &RelayToAgent) -> Option<Told> {
    let RelayToAgent::Refused { reason } = message else {
        return None;
    };
    Some(Told::Refused(match reason {
        Refusal::Unknown => "unknown",
        Refusal::Expired => "expired",
        Refusal::Used => "used",
        Refusal::TooManyTries { .. } => "too many tries",
        Refusal::Full => "full",
        Refusal::TechnicianLeft => "technician left",
        Refusal::TooOld => "too old",
        Refusal::Draining => "draining",
        Refusal::Token => "token",
        Refusal::Revoked => "revoked",
        Refusal::Unexpected => "unexpected",
        Refusal::NotResumable => "not resumable",
    }))
}

fn client_config() -> Result<quinn::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Anybody(Arc::clone(&provider)));
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN_AGENT.to_vec()];
    Ok(quinn::ClientConfig::new(Arc::new(
        QuicClientConfig::try_from(tls)?,
    )))
}

/// Takes any relay for the right one.
#[derive(Debug)]
struct Anybody(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
