//! One value of every variant of every message and content: for the byte snapshots and as seeds of the
//! corpora.

use super::parsers::KINDS;
use crate::audit::{AuditRefusal, AuditorToRelay, HandOut, RelayToAuditor, TechnicianCount};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::content::{
    AgentNotice, Beacon, Button, Cause, Chat, ConsoleNotice, DropReason, Dropped, Input, InputAck,
    InputEvent, PeerHeads, PictureAck, Place, Pointer, PointerShape, Screen,
};
use crate::frame::{Class, Direction};
use crate::heads::{Head, HeadList};
use crate::messages::{
    AgentToConsole, AgentToRelay, Chain, ConsoleToAgent, ConsoleToRelay, ControlOffer, End, Page,
    RecordingOpen, Refusal, RelayToAgent, RelayToConsole,
};
use crate::sealing::{SealedKey, SealedKeys};
use crate::transfer::{Kind, Message, Outcome, Reason};
use crate::wire::{Blob, List, Text, Wire};

/// A value's name (`Kind::Variant`, with the inner enumeration's where there is one), its place
/// in [`KINDS`], and its encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// For people.
    pub name: String,
    /// Place in [`KINDS`].
    pub kind: usize,
    /// The encoding.
    pub bytes: Vec<u8>,
}

/// All of them.
pub fn all() -> Vec<Sample> {
    let mut out = agent_to_relay();
    out.extend(relay_to_agent());
    out.extend(console_to_relay());
    out.extend(relay_to_console());
    out.extend(between_the_ends());
    out.extend(contents());
    out.extend(audits());
    out
}

fn audits() -> Vec<Sample> {
    let mut out = samples(
        "AuditorToRelay",
        vec![
            AuditorToRelay::Hello { version: 1 },
            AuditorToRelay::Enrol {
                secret: [1; 16],
                request: Blob(vec![0x30, 0]),
                key: [2; 32],
            },
            AuditorToRelay::Overview,
            AuditorToRelay::Open {
                case: text("2026-17"),
                open_token: [3; 32],
            },
            AuditorToRelay::Revealed {
                case: text("2026-17"),
                what: text("keys 1-9"),
            },
            AuditorToRelay::Exported {
                case: text("2026-17"),
                what: text("video"),
            },
            AuditorToRelay::Close {
                case: text("2026-17"),
            },
        ],
    );
    let mut values = vec![
        RelayToAuditor::Hello {
            version: 1,
            now: 1_800_000_000,
        },
        RelayToAuditor::Enrolled {
            chain: chain(),
            auditors: 2,
        },
        RelayToAuditor::Overview {
            auditors: 2,
            technicians: List(vec![TechnicianCount {
                name: text("Erika Weber"),
                organisation: text("Nordlicht"),
                recorded: 9,
                without_receipt: 1,
            }]),
            more: false,
        },
        RelayToAuditor::Handed {
            recording: HandOut {
                lookup_hash: [1; 32],
                keys_length: 2,
                length: 3,
                deletion: 4,
                entry: 5,
            },
        },
        RelayToAuditor::Logged,
    ];
    let refusals = [
        AuditRefusal::NoRecording,
        AuditRefusal::Token,
        AuditRefusal::Revoked,
        AuditRefusal::Unexpected,
        AuditRefusal::Deleted { at: 1_800_000_000 },
        AuditRefusal::Running,
        AuditRefusal::TooOld,
        AuditRefusal::Fault,
        AuditRefusal::TooManyTries { minutes: 9 },
    ];
    values.extend(refusals.map(|reason| RelayToAuditor::Refused { reason }));
    out.extend(samples("RelayToAuditor", values));
    out
}

fn samples<T: Wire + std::fmt::Debug>(kind: &str, values: Vec<T>) -> Vec<Sample> {
    let place = KINDS.iter().position(|(name, _)| *name == kind);
    let place = place.expect("every kind is in the table");
    let name = |value: &T| {
        // Of `Refused { reason: TooManyTries { minutes: 9 } }`: Refused, TooManyTries.
        let text = format!("{value:?}");
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        let words = words.filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
        let known = |word: &&str| !matches!(*word, "Some" | "None" | "Blob" | "List" | "Text");
        let words: Vec<_> = words
            .filter(known)
            .filter(|word| *word != kind)
            .take(2)
            .collect();
        [&[kind], words.as_slice()].concat().join("::")
    };
    let sample = |value: T| Sample {
        name: name(&value),
        kind: place,
        bytes: value.to_bytes(),
    };
    values.into_iter().map(sample).collect()
}

fn refusals() -> Vec<Refusal> {
    vec![
        Refusal::Unknown,
        Refusal::Expired,
        Refusal::Used,
        Refusal::TooManyTries { minutes: 9 },
        Refusal::Full,
        Refusal::TechnicianLeft,
        Refusal::TooOld,
        Refusal::Draining,
        Refusal::Token,
        Refusal::Revoked,
        Refusal::Unexpected,
        Refusal::NotResumable,
    ]
}

fn ends() -> Vec<End> {
    vec![
        End::Customer,
        End::Technician,
        End::Refused,
        End::Silence,
        End::Idle,
        End::Relay,
        End::Revoked,
        End::Lost,
        End::Tampered,
        End::WrongCode,
        End::Unverified,
        End::Fault,
    ]
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("a short text")
}

fn sealed_keys() -> SealedKeys {
    let sealed = |auditor, sealed| SealedKey {
        auditor: [auditor; 32],
        sealed: Blob(sealed),
    };
    List(vec![sealed(3, vec![3; 4]), sealed(4, vec![])])
}

fn chain() -> Chain {
    List(vec![Blob(vec![0x30, 0]), Blob(vec![0x30, 1, 0])])
}

fn heads() -> HeadList {
    List(vec![Head {
        epoch: 1,
        direction: Direction::ConsoleToAgent,
        class: Class::Input,
        next: 2,
        head: [3; 32],
    }])
}

fn checkpoint() -> SignedCheckpoint {
    SignedCheckpoint {
        checkpoint: Checkpoint {
            rid: [1; 16],
            length: 2,
            chain: [3; 32],
            heads: heads(),
            time: 180_000_000_000,
        },
        signature: [5; 64],
    }
}

fn agent_to_relay() -> Vec<Sample> {
    let recording = RecordingOpen {
        rid: [1; 16],
        commitment: [2; 32],
        sealed_keys: sealed_keys(),
        open_hash: [4; 32],
        lookup_hash: [5; 32],
        deletion: 6,
    };
    let mut values = vec![
        AgentToRelay::Hello {
            version: 1,
            configuration: [1; 32],
        },
        AgentToRelay::Join {
            nameplate: text("4812"),
        },
        AgentToRelay::Share {
            share: Blob(vec![b'A'; 33]),
        },
        AgentToRelay::Confirm {
            confirmation: [1; 32],
            agent_key: [2; 32],
            nonce: [3; 32],
        },
        AgentToRelay::Peer {
            packet: Blob(vec![7; 25]),
        },
        AgentToRelay::EpochOpen {
            epoch: 1,
            recording: None,
        },
        AgentToRelay::EpochOpen {
            epoch: 2,
            recording: Some(recording),
        },
        AgentToRelay::ResumeHash { hash: [1; 32] },
        AgentToRelay::Resume {
            session: [1; 16],
            token: [2; 32],
            next_hash: [3; 32],
        },
    ];
    values.extend(
        ends()
            .into_iter()
            .map(|reason| AgentToRelay::End { reason }),
    );
    values.push(AgentToRelay::ReceiptDone);
    samples("AgentToRelay", values)
}

fn relay_to_agent() -> Vec<Sample> {
    let hello = |control| RelayToAgent::Hello {
        version: 1,
        now: 1_800_000_000,
        control,
    };
    let mut values = vec![
        hello(ControlOffer::Unavailable),
        hello(ControlOffer::Recorded {
            deletion: 1_807_776_000,
        }),
        RelayToAgent::Joined { session: [9; 16] },
    ];
    values.extend(
        refusals()
            .into_iter()
            .map(|reason| RelayToAgent::Refused { reason }),
    );
    values.extend([
        RelayToAgent::Reply {
            share: Blob(vec![b'B'; 33]),
            confirmation: [1; 32],
        },
        RelayToAgent::Peer {
            packet: Blob(vec![7; 25]),
        },
        RelayToAgent::EpochOpened { epoch: 1 },
        RelayToAgent::Resumed,
        RelayToAgent::PeerLost,
        RelayToAgent::RecorderFailed,
    ]);
    values.extend(
        ends()
            .into_iter()
            .map(|reason| RelayToAgent::Ended { reason }),
    );
    values.extend([
        RelayToAgent::Recording {
            epoch: 1,
            chain: chain(),
            checkpoint: checkpoint(),
        },
        RelayToAgent::Checkpoint {
            checkpoint: checkpoint(),
        },
        RelayToAgent::RecorderBack,
    ]);
    samples("RelayToAgent", values)
}

fn console_to_relay() -> Vec<Sample> {
    let mut values = vec![
        ConsoleToRelay::Hello { version: 1 },
        ConsoleToRelay::Enrol {
            secret: [1; 16],
            request: Blob(vec![0x30, 0]),
        },
        ConsoleToRelay::NewSession,
        ConsoleToRelay::Reply {
            share: Blob(vec![b'B'; 33]),
            confirmation: [1; 32],
        },
        ConsoleToRelay::Paired,
        ConsoleToRelay::PairingFailed,
        ConsoleToRelay::Peer {
            packet: Blob(vec![7; 25]),
        },
        ConsoleToRelay::ResumeHash { hash: [1; 32] },
        ConsoleToRelay::Resume {
            session: [1; 16],
            token: [2; 32],
            next_hash: [3; 32],
        },
    ];
    values.extend(
        ends()
            .into_iter()
            .map(|reason| ConsoleToRelay::End { reason }),
    );
    values.extend([
        ConsoleToRelay::Transcript {
            epoch: 1,
            signature: [2; 64],
            case: text("2026-17"),
        },
        ConsoleToRelay::EpochSignature {
            epoch: 1,
            signature: [3; 64],
        },
    ]);
    samples("ConsoleToRelay", values)
}

fn relay_to_console() -> Vec<Sample> {
    let mut values = vec![
        RelayToConsole::Hello {
            version: 1,
            now: 1_800_000_000,
        },
        RelayToConsole::Enrolled { chain: chain() },
        RelayToConsole::Session {
            session: [9; 16],
            nameplate: text("4812"),
            valid_s: 600,
        },
        RelayToConsole::CodeExpired,
        RelayToConsole::Share {
            configuration: [1; 32],
            share: Blob(vec![b'A'; 33]),
        },
        RelayToConsole::Confirm {
            confirmation: [1; 32],
            agent_key: [2; 32],
            nonce: [3; 32],
        },
        RelayToConsole::AgentLeft,
        RelayToConsole::Peer {
            packet: Blob(vec![7; 25]),
        },
        RelayToConsole::PeerLost,
        RelayToConsole::Resumed,
        RelayToConsole::RecorderFailed,
    ];
    values.extend(
        refusals()
            .into_iter()
            .map(|reason| RelayToConsole::Refused { reason }),
    );
    values.extend(
        ends()
            .into_iter()
            .map(|reason| RelayToConsole::Ended { reason }),
    );
    values.extend([
        RelayToConsole::Recording {
            epoch: 1,
            chain: chain(),
            checkpoint: checkpoint(),
        },
        RelayToConsole::Checkpoint {
            checkpoint: checkpoint(),
        },
        RelayToConsole::RecorderBack,
        RelayToConsole::Maintenance { seconds: 30 },
    ]);
    samples("RelayToConsole", values)
}

fn between_the_ends() -> Vec<Sample> {
    let start = |epoch, rid| AgentToConsole::EpochStart {
        epoch,
        rid,
        secret: [1; 32],
        sealed_keys_hash: [2; 32],
    };
    let pages = [
        Page::Consent,
        Page::Screens,
        Page::Privacy,
        Page::Starting,
        Page::Session,
        Page::Card,
    ];
    let mut values = vec![start(1, None), start(2, Some([3; 16]))];
    values.extend(pages.into_iter().map(|page| {
        let left_s = (page == Page::Consent).then_some(300);
        AgentToConsole::Page { page, left_s }
    }));
    let mut out = samples("AgentToConsole", values);
    out.extend(samples(
        "ConsoleToAgent",
        vec![
            ConsoleToAgent::Technician {
                chain: chain(),
                signature: [4; 64],
            },
            ConsoleToAgent::EpochAck {
                epoch: 1,
                signature: None,
            },
            ConsoleToAgent::EpochAck {
                epoch: 2,
                signature: Some([5; 64]),
            },
            ConsoleToAgent::Case {
                case: text("2026-17"),
            },
        ],
    ));
    out.extend(transfers());
    out
}

fn transfers() -> Vec<Sample> {
    let (id, hash) = (3, [5; 32]);
    let offer = |kind, name, size| Message::Offer {
        id,
        kind,
        name: text(name),
        size,
    };
    let reasons = [
        Reason::Refused,
        Reason::Silence,
        Reason::Customer,
        Reason::Technician,
        Reason::Stopped,
        Reason::NotNow,
        Reason::Unreadable,
        Reason::Changed,
        Reason::DiskFull,
        Reason::NotWritable,
        Reason::Mismatch,
        Reason::Fault,
        Reason::TooSoon { seconds: 58 },
        Reason::TooOften,
    ];
    let mut all = vec![
        offer(Kind::Text, "", 12),
        offer(Kind::File, "Rechnung.pdf", 70_000),
        Message::Ask { id },
        Message::Accept { id, from: 61_440 },
        Message::Chunk {
            id,
            offset: 61_440,
            bytes: Blob(vec![1, 2, 3]),
        },
        Message::Received { id, to: 70_000 },
        Message::Done { id, hash },
        Message::Finished { id },
    ];
    all.extend(reasons.map(|reason| Message::Cancel { id, reason }));
    samples("Message", all)
}

/// A fact of a file to the customer.
fn fact(outcome: Outcome) -> AgentNotice {
    AgentNotice::Transfer {
        id: 3,
        direction: Direction::ConsoleToAgent,
        kind: Kind::File,
        name: text("Rechnung.pdf"),
        size: 70_000,
        outcome,
    }
}

fn contents() -> Vec<Sample> {
    let mut out = samples(
        "Cause",
        vec![
            Cause::Granted,
            Cause::Narrowed,
            Cause::Stopped,
            Cause::Question,
            Cause::Answered,
            Cause::Lost,
            Cause::Recorder,
            Cause::Computer,
            Cause::Ended,
            Cause::Epoch,
        ],
    );
    let buttons = [
        Button::Left,
        Button::Middle,
        Button::Right,
        Button::Back,
        Button::Forward,
    ];
    let mut events = vec![InputEvent::Move { x: 1, y: 2 }];
    events.extend(buttons.map(|button| InputEvent::Button {
        button,
        down: true,
        x: 1,
        y: 2,
    }));
    events.extend([
        InputEvent::Scroll {
            dx: -1,
            dy: 3,
            x: 1,
            y: 2,
        },
        InputEvent::Key {
            keysym: 0xff0d,
            down: false,
        },
        InputEvent::Text {
            text: text("Grüße €"),
        },
        InputEvent::ReleaseAll,
    ]);
    out.extend(samples(
        "Input",
        events
            .into_iter()
            .map(|event| Input {
                beacon: 7,
                layout: 3,
                event,
            })
            .collect(),
    ));
    let reasons = [
        DropReason::Stale,
        DropReason::NotGranted,
        DropReason::CustomerActive,
        DropReason::OwnWindow,
        DropReason::StopKey,
        DropReason::Refused,
    ];
    let dropped = |reason| {
        List(vec![Dropped {
            from: 1,
            to: 3,
            reason,
        }])
    };
    let mut acks = vec![InputAck {
        decided: 9,
        dropped: List::default(),
    }];
    acks.extend(reasons.map(|reason| InputAck {
        decided: 9,
        dropped: dropped(reason),
    }));
    out.extend(samples("InputAck", acks));
    out.extend(samples(
        "PictureAck",
        [vec![], vec![6, 9]]
            .map(|ahead| PictureAck {
                sequence: 4,
                digest: 5,
                ahead: List(ahead),
                held_us: 6,
            })
            .into(),
    ));
    let screen = Screen {
        number: 1,
        x: -1280,
        y: 0,
        width: 1280,
        height: 800,
    };
    let layout = AgentNotice::Layout {
        generation: 1,
        width: 1280,
        height: 800,
        screens: List(vec![screen]),
    };
    let bar = Place {
        x: 80,
        y: 0,
        width: 1120,
        height: 110,
    };
    out.extend(samples(
        "AgentNotice",
        vec![
            layout,
            AgentNotice::CustomerActive { active: true },
            AgentNotice::TextVersion {
                version: [1; 8],
                language: text("de"),
            },
        ]
        .into_iter()
        .chain(chat().map(|chat| AgentNotice::Chat { chat }))
        .chain([
            AgentNotice::OwnArea {
                layout: 1,
                places: List(vec![bar]),
            },
            AgentNotice::Protected { protected: true },
        ])
        .chain([
            fact(Outcome::Allowed),
            fact(Outcome::Complete { hash: [5; 32] }),
            fact(Outcome::Ended {
                reason: Reason::Stopped,
                sent: 4096,
            }),
        ])
        .collect(),
    ));
    out.extend(samples(
        "ConsoleNotice",
        vec![
            ConsoleNotice::PictureWanted,
            ConsoleNotice::RecordingMismatch,
            ConsoleNotice::Point {
                x: 640,
                y: 360,
                press: true,
            },
        ]
        .into_iter()
        .chain(chat().map(|chat| ConsoleNotice::Chat { chat }))
        .collect(),
    ));
    out.extend(samples(
        "PeerHeads",
        vec![PeerHeads {
            heads: heads(),
            previous: List::default(),
            signature: [6; 64],
        }],
    ));
    out.extend(samples("Beacon", vec![Beacon { number: 7 }]));
    let shape = PointerShape {
        width: 1,
        height: 2,
        hot_x: 0,
        hot_y: 1,
        bgra: vec![9; 8],
    };
    out.extend(samples(
        "Pointer",
        vec![
            Pointer {
                sequence: 1,
                visible: false,
                x: 0,
                y: 0,
                shape: None,
            },
            Pointer {
                sequence: 2,
                visible: true,
                x: 3,
                y: 4,
                shape: Some(shape),
            },
        ],
    ));
    out
}

/// Every word of a chat.
fn chat() -> [Chat; 3] {
    [
        Chat::Line {
            number: 1,
            text: text("Guten Tag"),
        },
        Chat::Shown { number: 2 },
        Chat::Refused { from: 3, to: 9 },
    ]
}
