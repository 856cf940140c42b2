//! Receipts: what is read was written so, and nothing altered is read.

use super::{Dice, Input};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::content::PeerHeads;
use crate::crypto::SigningKey;
use crate::frame::{Class, Direction};
use crate::heads::Head;
use crate::messages::End;
use crate::receipt::{
    Event, EventKind, Receipt, SealedCode, State, TheirHeads, VERSION, block, parse, seal,
};
use crate::wire::{Blob, List, Text};

/// Bytes as a file, and a sealed receipt altered as they say.
pub fn run(bytes: &[u8]) {
    if let Ok(receipt) = parse(bytes) {
        let block = block(&receipt);
        let found = bytes
            .windows(block.len())
            .any(|window| window == block.as_bytes());
        assert!(found, "a receipt has one encoding");
    }
    let mut input = Input(bytes);
    let mut receipt = sample(input.byte().is_multiple_of(2));
    let key = SigningKey::draw(&mut Dice(u64::from(input.byte())));
    receipt.agent_key = key.public();
    let html = format!("<html>{}</html>\n", block(&receipt));
    let mut file = seal(&html, &key).expect("our own block, our own key");
    let altered = input.alter(&mut file);
    assert_eq!(
        parse(&file).is_err(),
        altered,
        "every altered byte is found"
    );
}

/// One receipt of each state, with everything that can stand in it.
pub fn sample(completed: bool) -> Receipt {
    let heads = || PeerHeads {
        heads: List(vec![Head {
            epoch: 2,
            direction: Direction::ConsoleToAgent,
            class: Class::Input,
            next: 9,
            head: [7; 32],
        }]),
        previous: List::default(),
        signature: [8; 64],
    };
    let event = |at, kind| Event { at, kind };
    let checkpoint = SignedCheckpoint {
        checkpoint: Checkpoint {
            rid: [2; 16],
            length: 4_096,
            chain: [3; 32],
            heads: heads().heads,
            time: 180_000_000_000,
        },
        signature: [4; 64],
    };
    Receipt {
        version: VERSION,
        state: if completed {
            State::Completed {
                at: 1_800_000_900,
                reason: End::Customer,
            }
        } else {
            State::Started
        },
        operator: text("Nordlicht Telefon"),
        domain: text("hilfe.example"),
        technician: text("Anna Muster"),
        organisation: text("Hotline"),
        leaf: [5; 32],
        session: [1; 16],
        rid: [2; 16],
        lookup: [6; 10],
        started: 1_800_000_000,
        deletion: 1_807_776_000,
        events: List(vec![
            event(1_800_000_010, EventKind::ViewOn),
            event(1_800_000_010, EventKind::ControlOn),
            event(1_800_000_200, EventKind::Stop),
        ]),
        codes: List(vec![SealedCode {
            auditor: text("Rita Prüfer"),
            fingerprint: [9; 32],
            sealed: Blob(vec![10; 80]),
        }]),
        checkpoint: completed.then_some(checkpoint),
        mismatch: false,
        own: completed.then(heads),
        console: if completed {
            TheirHeads::Stated {
                at: 1_800_000_890,
                heads: heads(),
            }
        } else {
            TheirHeads::Missing {
                since: 1_800_000_000,
            }
        },
        text_version: [11; 8],
        language: text("de"),
        agent_key: [12; 32],
    }
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("short and without control characters")
}
