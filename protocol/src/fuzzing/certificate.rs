//! Chains as a stranger brings them: any bytes, genuine certificates with edits, and such edits under a signature of the
//! operator's CA, behind which only the checks of what is signed are left.
//!
//! Nothing passes that the CA has not signed, byte for byte; what it has signed serves for its roles and its time, and
//! names read as they are written.

use ring::signature::Ed25519KeyPair;

use super::Input;
use crate::cert::{Error, Role, holder, valid_until, verify, verify_role};
use crate::crypto::hash;
use crate::wire::plain;

/// The seed of the CA's key: for tests only.
pub const CA_SEED: [u8; 32] = [0x5c; 32];

/// When the genuine certificates are valid.
const NOW: u64 = 1_800_000_000;

/// The CA.
pub const CA: &[u8] = include_bytes!("../../testdata/roles/ca.der");

/// An auditor's certificate of that CA.
pub const AUDITOR: &[u8] = GENUINE[2].0;

/// The key of all of them (PKCS #8, Ed25519): its head, and 32 times a 2.
pub const LEAF_KEY: [u8; 48] = {
    let mut key = [2; 48];
    let head = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let mut at = 0;
    while at < head.len() {
        key[at] = head[at];
        at += 1;
    }
    key
};

/// Certificates under that CA, with the role that they are for. Made by `protocol/tests/corpora.rs`.
const GENUINE: [(&[u8], Role); 4] = [
    (
        include_bytes!("../../testdata/roles/relay.der"),
        Role::Relay,
    ),
    (
        include_bytes!("../../testdata/roles/technician.der"),
        Role::Technician,
    ),
    (
        include_bytes!("../../testdata/roles/auditor.der"),
        Role::Auditor,
    ),
    (
        include_bytes!("../../testdata/roles/checkpoint.der"),
        Role::Checkpoint,
    ),
];

/// Of another CA, for every role.
const FOREIGN: &[u8] = include_bytes!("../../testdata/roles/foreign.der");

/// The first byte chooses the certificate and what is done to it, the second the time; the others are edits of it.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (how, when) = (input.byte(), input.byte());
    let base = usize::from(how & 7);
    let genuine = GENUINE.get(base).map_or(FOREIGN, |(der, _)| der);
    let (leaf, signed) = match how >> 3 & 3 {
        0 => (input.0.to_vec(), false),
        1 => (edited(genuine, input.0), false),
        _ => (
            signed_anew(&edited(first(genuine), input.0), &CA_SEED),
            true,
        ),
    };
    let now = match when % 8 {
        0 => 0,
        1 => u64::MAX,
        2 => u64::from(when) << 32,
        _ => NOW,
    };
    let read = holder(&leaf);
    if let Ok(read) = &read {
        assert!(plain(&read.name) && plain(&read.organisation));
        assert!(found(&leaf, &read.key) && found(&leaf, &read.serial));
    }
    let pin = hash(CA);
    for role in [
        Role::Relay,
        Role::Technician,
        Role::Auditor,
        Role::Checkpoint,
    ] {
        let chain = [leaf.as_slice(), CA];
        let verified = verify(&chain, &pin, role, now);
        let own = GENUINE.iter().find(|(der, _)| *der == leaf);
        if let Some((_, own)) = own.filter(|_| now == NOW) {
            assert_eq!(verified.is_ok(), *own == role, "it serves for its role");
        }
        let Ok(verified) = verified else { continue };
        assert!(own.is_some() || signed, "only what the CA has signed");
        assert_eq!(Ok(&verified), read.as_ref());
        assert_eq!(verified.leaf, hash(&leaf));
        assert!(valid_until(&leaf).is_ok_and(|until| now <= until));
        assert!(found(&leaf, &oid(role)), "the role is written in it");
        // The CA is found wherever it stands behind the leaf, and has to stand there.
        let longer = [leaf.as_slice(), FOREIGN, CA];
        assert_eq!(verify_role(&longer, &pin, role, now), Ok(leaf.as_slice()));
        let alone = verify_role(&chain[..1], &pin, role, now);
        assert_eq!(alone, Err(Error::Untrusted));
        let other = verify_role(&longer[..2], &pin, role, now);
        assert_eq!(other, Err(Error::Untrusted));
    }
}

/// A role's object identifier in DER: 2.25.8391264517302764513 and the role.
fn oid(role: Role) -> [u8; 13] {
    let mut oid = *b"\x06\x0b\x69\xf4\xb9\xf0\xd3\xea\x91\xaf\x87\x61\x00";
    oid[12] = role as u8;
    oid
}

fn found(within: &[u8], bytes: &[u8]) -> bool {
    within.windows(bytes.len().max(1)).any(|w| w == bytes)
}

/// Edits of four bytes each: where (u16), how, with what.
pub fn edited(bytes: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for edit in edits.as_chunks().0 {
        let [high, low, how, with] = *edit;
        if out.is_empty() {
            break;
        }
        let at = usize::from(u16::from_be_bytes([high, low])) % out.len();
        match how % 4 {
            0 | 1 => out[at] = with,
            2 => out.insert(at, with),
            _ => drop(out.drain(at..(at + usize::from(how / 4)).min(out.len()))),
        }
    }
    out
}

/// The first element of a sequence in DER: of a certificate or a request, what is signed of it.
pub fn first(der: &[u8]) -> &[u8] {
    let inner = &der[header(der)..];
    &inner[..header(inner) + length(inner)]
}

/// How long tag and length of an element are.
fn header(der: &[u8]) -> usize {
    2 + usize::from(der[1].saturating_sub(0x80))
}

fn length(der: &[u8]) -> usize {
    match der[1] {
        short @ 0..0x80 => usize::from(short),
        _ => der[2..header(der)]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)),
    }
}

/// A certificate or a request with this content, signed with the Ed25519 key of this seed.
pub fn signed_anew(content: &[u8], seed: &[u8; 32]) -> Vec<u8> {
    let key = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed has 32 bytes");
    let signature = key.sign(content);
    let algorithm = b"\x30\x05\x06\x03\x2b\x65\x70\x03\x41\x00";
    let body = [content, algorithm, signature.as_ref()].concat();
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    [&[0x30, 0x82], &length.to_be_bytes()[..], &body].concat()
}
