//! What agent and console say to the relay, and the relay to them: one enum per
//! direction (docs/protocol.md §3).
//!
//! They travel on the one bidirectional stream of a connection, each behind a u32 length
//! ([`crate::unit`]). Sealed peer packets ([`crate::peer`]) travel inside [`AgentToRelay::Peer`]
//! and its like. No message grants anything: rights travel in rights frames only.

use crate::checkpoint::SignedCheckpoint;
use crate::sealing::SealedKeys;
use crate::wire::{Blob, List, Text, wire_enum, wire_struct};

/// The version that both ends state in their hello.
pub const VERSION: u16 = 1;

/// ALPN of agents.
pub const ALPN_AGENT: &[u8] = b"fernsicht-agent/1";

/// ALPN of consoles.
pub const ALPN_CONSOLE: &[u8] = b"fernsicht-console/1";

/// The largest encoded message, in bytes.
pub const MAX_MESSAGE: usize = 32 << 10;

/// The largest sealed peer packet, in bytes.
pub const MAX_PEER_PACKET: usize = 16 << 10;

/// A session's id, drawn by the relay.
pub type SessionId = [u8; 16];

/// A technician's case number: the operator's own word for the call, on receipt and in the catalogue. Empty: none.
pub type CaseNumber = Text<64>;

/// A sealed peer packet with its header.
pub type PeerPacket = Blob<MAX_PEER_PACKET>;

/// A certificate chain, DER, leaf first, CA last.
pub type Chain = List<Blob<4096>, 4>;

/// A SPAKE2 share: one byte of side and 32 of point.
pub type Share = Blob<33>;

wire_enum! {
    /// Why the relay refuses.
    pub enum Refusal {
        /// No such nameplate.
        0 => Unknown,
        /// The code was valid once.
        1 => Expired,
        /// Somebody has paired with this code, or a try from this network is spent.
        2 => Used,
        /// Too many tries from this network.
        3 => TooManyTries {
            /// Minutes to wait, rounded up.
            minutes: u16,
        },
        /// No room for another session.
        4 => Full,
        /// The console is gone.
        5 => TechnicianLeft,
        /// The client's version is too old.
        6 => TooOld,
        /// The relay ends and takes no new sessions.
        7 => Draining,
        /// The enrolment token is unknown, used or expired.
        8 => Token,
        /// The certificate has been revoked.
        9 => Revoked,
        /// A message that does not fit the state of the session.
        10 => Unexpected,
        /// No session awaits this resume token.
        11 => NotResumable,
    }
}

wire_enum! {
    /// Why a session is over.
    pub enum End {
        /// The customer ended it.
        0 => Customer,
        /// The technician ended it.
        1 => Technician,
        /// The customer refused.
        2 => Refused,
        /// The customer did not answer.
        3 => Silence,
        /// Nothing happened for a long time, or the session reached its greatest length.
        4 => Idle,
        /// The relay ends, for maintenance.
        5 => Relay,
        /// The technician's certificate has been revoked.
        6 => Revoked,
        /// The other side did not come back.
        7 => Lost,
        /// Something was altered on the way.
        8 => Tampered,
        /// The code was wrong.
        9 => WrongCode,
        /// The technician could not be verified.
        10 => Unverified,
        /// A fault of the program.
        11 => Fault,
    }
}

wire_enum! {
    /// Whether this relay can offer control.
    pub enum ControlOffer {
        /// Control is not possible: the recorder does not work.
        0 => Unavailable,
        /// Recorded control.
        1 => Recorded {
            /// When the recording is deleted at the latest, in seconds since 1970 UTC.
            deletion: u64,
        },
    }
}

wire_struct! {
    /// What a new epoch's recording needs; stored as opening records.
    pub struct RecordingOpen {
        /// The recording's inner id.
        pub rid: [u8; 16],
        /// commit_n.
        pub commitment: [u8; 32],
        /// One sealed key per auditor.
        pub sealed_keys: SealedKeys,
        /// H(T_open).
        pub open_hash: [u8; 32],
        /// H(L).
        pub lookup_hash: [u8; 32],
        /// The deletion date that the customer was shown, in seconds since 1970 UTC.
        pub deletion: u64,
    }
}

wire_enum! {
    /// From the agent to the relay.
    pub enum AgentToRelay {
        /// The first message of a connection.
        0 => Hello {
            /// [`VERSION`].
            version: u16,
            /// SHA-256 of the attached configuration.
            configuration: [u8; 32],
        },
        /// Asks for the session behind a nameplate.
        1 => Join {
            /// ASCII digits, 4 or more.
            nameplate: Text<12>,
        },
        /// msgA. Spends the code's one try from this network.
        2 => Share {
            /// SPAKE2 message of side A.
            share: Share,
        },
        /// Step 3 of the pairing.
        3 => Confirm {
            /// confA.
            confirmation: [u8; 32],
            /// agent_pk, Ed25519.
            agent_key: [u8; 32],
            /// 32 random bytes.
            nonce: [u8; 32],
        },
        /// A sealed packet for the console.
        4 => Peer {
            /// The packet.
            packet: PeerPacket,
        },
        /// An epoch begins.
        5 => EpochOpen {
            /// Its number, from 1.
            epoch: u32,
            /// What the recorder needs; none while nothing is recorded.
            recording: Option<RecordingOpen>,
        },
        /// Registers the hash of the token that may resume this session.
        6 => ResumeHash {
            /// SHA-256 of the token.
            hash: [u8; 32],
        },
        /// The first message after the hello of a connection that resumes a session.
        7 => Resume {
            /// The session.
            session: SessionId,
            /// The token.
            token: [u8; 32],
            /// SHA-256 of the next token.
            next_hash: [u8; 32],
        },
        /// The agent ends the session.
        8 => End {
            /// Why.
            reason: End,
        },
        /// The completed receipt of the recorded session is on the customer's disk. The last message.
        9 => ReceiptDone,
    }
}

wire_enum! {
    /// From the relay to the agent.
    pub enum RelayToAgent {
        /// Answers the hello.
        0 => Hello {
            /// [`VERSION`].
            version: u16,
            /// The relay's time, in seconds since 1970 UTC.
            now: u64,
            /// Whether control can be offered.
            control: ControlOffer,
        },
        /// The nameplate is known; the pairing may begin.
        1 => Joined {
            /// The session's id, part of the pairing's context.
            session: SessionId,
        },
        /// The relay will not. The connection ends.
        2 => Refused {
            /// Why.
            reason: Refusal,
        },
        /// Step 2 of the pairing.
        3 => Reply {
            /// msgB.
            share: Share,
            /// confB.
            confirmation: [u8; 32],
        },
        /// A sealed packet from the console.
        4 => Peer {
            /// The packet.
            packet: PeerPacket,
        },
        /// The epoch's locks are set; its frames may pass.
        5 => EpochOpened {
            /// Its number.
            epoch: u32,
        },
        /// Resumed, or the other side is back: a new epoch is due.
        6 => Resumed,
        /// The console's connection is lost; it has 10 minutes to come back.
        7 => PeerLost,
        /// The recorder does not take input any more: control is suspended.
        8 => RecorderFailed,
        /// The session is over.
        9 => Ended {
            /// Why.
            reason: End,
        },
        /// A recorded epoch's first checkpoint, in place of `EpochOpened`: its opening is recorded.
        10 => Recording {
            /// The epoch.
            epoch: u32,
            /// The signer's.
            chain: Chain,
            /// It covers everything of the epoch's opening but the epoch signature.
            checkpoint: SignedCheckpoint,
        },
        /// A later one: each second in which something was recorded, and at the end.
        11 => Checkpoint {
            /// Signed as the first one.
            checkpoint: SignedCheckpoint,
        },
        /// The recorder takes input again: a new epoch may begin.
        12 => RecorderBack,
    }
}

wire_enum! {
    /// From the console to the relay.
    pub enum ConsoleToRelay {
        /// The first message of a connection.
        0 => Hello {
            /// [`VERSION`].
            version: u16,
        },
        /// Enrols a technician. The only thing a connection without a certificate may ask.
        1 => Enrol {
            /// The secret of the one-time token.
            secret: [u8; 16],
            /// PKCS #10 request, DER. Its names are ignored.
            request: Blob<4096>,
        },
        /// Asks for a session and its nameplate. A session that was not yet paired is given up.
        2 => NewSession,
        /// Step 2 of the pairing.
        3 => Reply {
            /// msgB.
            share: Share,
            /// confB.
            confirmation: [u8; 32],
        },
        /// confA was right: the session is paired.
        4 => Paired,
        /// confA was wrong or something in the pairing did not fit.
        5 => PairingFailed,
        /// A sealed packet for the agent.
        6 => Peer {
            /// The packet.
            packet: PeerPacket,
        },
        /// Registers the hash of the token that may resume this session.
        7 => ResumeHash {
            /// SHA-256 of the token.
            hash: [u8; 32],
        },
        /// The first message after the hello of a connection that resumes a session.
        8 => Resume {
            /// The session.
            session: SessionId,
            /// The token.
            token: [u8; 32],
            /// SHA-256 of the next token.
            next_hash: [u8; 32],
        },
        /// The technician ends the session.
        9 => End {
            /// Why.
            reason: End,
        },
        /// A recorded epoch begins: what the relay's opening records need of the pairing, and its catalogue.
        10 => Transcript {
            /// The epoch.
            epoch: u32,
            /// `Sign(technician, "technician", th2)`.
            signature: [u8; 64],
            /// The technician's case number, for the catalogue; the first recorded epoch's counts.
            case: CaseNumber,
        },
        /// The epoch signature, to be recorded. The peer's acknowledgement follows it.
        11 => EpochSignature {
            /// The epoch.
            epoch: u32,
            /// [`crate::sealing::epoch_message`].
            signature: [u8; 64],
        },
    }
}

wire_enum! {
    /// From the relay to the console.
    pub enum RelayToConsole {
        /// Answers the hello.
        0 => Hello {
            /// [`VERSION`].
            version: u16,
            /// The relay's time, in seconds since 1970 UTC.
            now: u64,
        },
        /// The certificate chain of an enrolment, leaf first, CA last, DER.
        1 => Enrolled {
            /// The chain.
            chain: Chain,
        },
        /// A session and its nameplate.
        2 => Session {
            /// The session's id, part of the pairing's context.
            session: SessionId,
            /// ASCII digits, 4 or more.
            nameplate: Text<12>,
            /// Seconds until the code expires.
            valid_s: u32,
        },
        /// The code has expired or is spent; a new session is needed.
        3 => CodeExpired,
        /// An agent asks to pair.
        4 => Share {
            /// SHA-256 of the agent's attached configuration, as the agent states it.
            configuration: [u8; 32],
            /// msgA.
            share: Share,
        },
        /// Step 3 of the pairing.
        5 => Confirm {
            /// confA.
            confirmation: [u8; 32],
            /// agent_pk, Ed25519.
            agent_key: [u8; 32],
            /// 32 random bytes.
            nonce: [u8; 32],
        },
        /// The agent left before it was paired. The try is spent.
        6 => AgentLeft,
        /// A sealed packet from the agent.
        7 => Peer {
            /// The packet.
            packet: PeerPacket,
        },
        /// The agent's connection is lost; it has 10 minutes to come back.
        8 => PeerLost,
        /// Resumed, or the other side is back: a new epoch is due.
        9 => Resumed,
        /// The recorder does not take input any more: control is suspended.
        10 => RecorderFailed,
        /// The relay will not.
        11 => Refused {
            /// Why.
            reason: Refusal,
        },
        /// The session is over.
        12 => Ended {
            /// Why.
            reason: End,
        },
        /// A recorded epoch's first checkpoint: the epoch signature is due.
        13 => Recording {
            /// The epoch.
            epoch: u32,
            /// The signer's.
            chain: Chain,
            /// The same as the agent's.
            checkpoint: SignedCheckpoint,
        },
        /// A later one.
        14 => Checkpoint {
            /// Signed as the first one.
            checkpoint: SignedCheckpoint,
        },
        /// The recorder takes input again.
        15 => RecorderBack,
        /// The relay ends soon, and takes no new sessions: a session that is still there then is over.
        16 => Maintenance {
            /// In how many seconds.
            seconds: u16,
        },
    }
}

wire_enum! {
    /// Inside a peer packet, from the agent to the console.
    pub enum AgentToConsole {
        /// An epoch begins: the console answers with [`ConsoleToAgent::EpochAck`].
        0 => EpochStart {
            /// Its number, from 1.
            epoch: u32,
            /// The recording's inner id; none while nothing is recorded.
            rid: Option<[u8; 16]>,
            /// E_n.
            secret: [u8; 32],
            /// SHA-256 over all sealed keys; of nothing while nothing is recorded.
            sealed_keys_hash: [u8; 32],
        },
        /// Which page the customer reads, so that the technician can guide. Its name, nothing of its content.
        1 => Page {
            /// The page.
            page: Page,
            /// Seconds until silence answers for the customer; none where nothing is waited for.
            left_s: Option<u16>,
        },
    }
}

wire_enum! {
    /// The customer's page.
    pub enum Page {
        /// The consent page.
        0 => Consent,
        /// The choice of screens.
        1 => Screens,
        /// The privacy information.
        2 => Privacy,
        /// The session is being started.
        3 => Starting,
        /// The session's bar.
        4 => Session,
        /// The card with the complaint code.
        5 => Card,
    }
}

wire_enum! {
    /// Inside a peer packet, from the console to the agent.
    pub enum ConsoleToAgent {
        /// Who is asking, proven over the transcript.
        0 => Technician {
            /// Certificate chain, leaf first, CA last, DER.
            chain: Chain,
            /// `Sign(technician, "technician", th2)`.
            signature: [u8; 64],
        },
        /// The console holds the epoch's keys.
        1 => EpochAck {
            /// The epoch's number.
            epoch: u32,
            /// The epoch signature, for a recorded epoch.
            signature: Option<[u8; 64]>,
        },
        /// The technician's case number, for the receipt. The newest before the card counts.
        2 => Case {
            /// Empty: none.
            case: CaseNumber,
        },
    }
}
