//! Receipts: what is read was written so, and nothing altered is read.

use std::sync::LazyLock;

use super::Dice;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::content::PeerHeads;
use crate::crypto::SigningKey;
use crate::frame::{Class, Direction};
use crate::heads::Head;
use crate::messages::End;
use crate::receipt::{
    BEGIN, END, Error, Event, EventKind, Receipt, SIGNATURE, SIGNATURE_END, SealedCode, State,
    TheirHeads, VERSION, block, hex, parse, seal,
};
use crate::wire::{Blob, List, Text, Wire};

/// The customer's files: of a session that has begun, and of one that is over.
static SEALED: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    [false, true].map(|completed| {
        let key = SigningKey::draw(&mut Dice(u64::from(completed)));
        let mut receipt = sample(completed);
        receipt.agent_key = key.public();
        let html = format!("<html>{}</html>\n", block(&receipt));
        seal(&html, &key).expect("our own block, our own key")
    })
});

/// The first byte chooses what the others are: a file, what a machine block says, or edits of a sealed receipt.
pub fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    match how % 4 {
        0 => file(rest),
        1 => stated(rest),
        _ => edited(usize::from(how % 4 == 3), rest),
    }
}

fn file(bytes: &[u8]) {
    if let Ok(receipt) = parse(bytes) {
        let block = block(&receipt);
        let found = bytes
            .windows(block.len())
            .any(|window| window == block.as_bytes());
        assert!(found, "a receipt has one encoding");
    }
}

/// A file with any block and nobody's signature: each fault has its verdict, the signature's the last.
fn stated(bytes: &[u8]) {
    let line = [SIGNATURE, &hex(&[0; 64]), SIGNATURE_END].concat();
    let file = [BEGIN, &hex(bytes), END, &line].concat();
    let expected = match bytes.first_chunk() {
        None => Error::Damaged,
        Some(version) if u16::from_be_bytes(*version) != VERSION => {
            Error::Version(u16::from_be_bytes(*version))
        }
        Some(_) => match Receipt::from_bytes(bytes) {
            Ok(receipt) => {
                assert_eq!(receipt.to_bytes(), bytes, "a receipt has one encoding");
                Error::Signature
            }
            Err(_) => Error::Damaged,
        },
    };
    assert_eq!(parse(file.as_bytes()), Err(expected));
}

/// Edits of five bytes each: what, where (u16), how much, with what.
fn edited(which: usize, edits: &[u8]) {
    let sealed = &SEALED[which];
    let mut file = sealed.clone();
    for edit in edits.chunks_exact(5).take(8) {
        let at = usize::from(u16::from_be_bytes([edit[1], edit[2]])) % (file.len() + 1);
        let end = (at + usize::from(edit[3])).min(file.len());
        match edit[0] % 5 {
            0 => file.truncate(at),
            1 => drop(file.drain(at..end)),
            2 => file.insert(at, edit[4]),
            3 => {
                let copied = file[at..end].to_vec();
                let to = usize::from(edit[4]) * file.len() / 256;
                file.splice(to..to, copied);
            }
            _ => file[at..end].iter_mut().for_each(|byte| *byte ^= edit[4]),
        }
    }
    assert_eq!(
        parse(&file).is_err(),
        file != *sealed,
        "every edit is found"
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
        case: text(if completed { "2026-17" } else { "" }),
        agent_key: [12; 32],
    }
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text).expect("short and without control characters")
}
