//! A pairing through a relay that may alter every field on its way, between ends that may have
//! different codes or different contexts. It succeeds exactly if nothing was altered and both mean the same.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{Dice, Input};
use crate::code::Password;
use crate::crypto::{Hash, SigningKey, hash};
use crate::pairing::{Context, Error, SHARE_BYTES, agent, console};

/// DER of the CA, of a technician's certificate, and the technician's key (PKCS #8): for tests only, made
/// by `protocol/tests/corpora.rs`.
const CA: &[u8] = include_bytes!("../../testdata/ca.der");
const LEAF: &[u8] = include_bytes!("../../testdata/technician.der");
const KEY: &[u8] = include_bytes!("../../testdata/technician.pk8");

/// When the certificates are valid.
const NOW: u64 = 1_800_000_000;

/// Compressed points of small order, and what is no point.
const BAD_POINTS: [[u8; 32]; 4] = [[0; 32], point(1), point(0xec), [0xff; 32]];

const fn point(first: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    if first == 0xec {
        bytes = [0xff; 32];
        bytes[31] = 0x7f;
    }
    bytes[0] = first;
    bytes
}

/// One agent, and sixteen consoles: of eight contexts, with the same code or another.
struct Cast {
    ours: Password,
    theirs: Password,
    context: Context,
    message_a: [u8; SHARE_BYTES],
    /// What each console answers to the unaltered share.
    answers: HashMap<u8, (console::Responded, [u8; SHARE_BYTES], Hash)>,
    /// What the agent makes of that answer.
    agreed: HashMap<u8, agent::Agreed>,
    key: SigningKey,
}

thread_local! {
    /// SPAKE2 costs a thousand times as much as all the rest: what the relay left unaltered is worked out once.
    static CAST: RefCell<Cast> = RefCell::new(Cast::new());
}

impl Cast {
    fn new() -> Self {
        let mut dice = Dice(7);
        let (ours, theirs) = (Password::draw(&mut dice), Password::draw(&mut dice));
        let context = Context {
            relay_name: "relay.test".to_owned(),
            ca: hash(CA),
            configuration: [7; 32],
            session: [9; 16],
            nameplate: "4812".to_owned(),
        };
        let (_, message_a) = agent::open(context.clone(), &ours, &mut Dice(AGENT));
        Self {
            ours,
            theirs,
            context,
            message_a,
            answers: HashMap::new(),
            agreed: HashMap::new(),
            key: SigningKey::from_pkcs8(KEY).expect("the test key is a key"),
        }
    }

    /// The agent's state, always with the same share.
    fn open(&self) -> agent::Opened {
        agent::open(self.context.clone(), &self.ours, &mut Dice(AGENT)).0
    }

    fn respond(
        &mut self,
        flags: u8,
        share: &[u8],
    ) -> Result<(console::Responded, [u8; SHARE_BYTES], Hash), Error> {
        let unaltered = share == self.message_a;
        if let Some((responded, message_b, conf_b)) = self.answers.get(&flags).filter(|_| unaltered)
        {
            return Ok((responded.again(), *message_b, *conf_b));
        }
        let mut other = self.context.clone();
        match flags >> 1 & 7 {
            1 => other.relay_name.push('x'),
            2 => other.ca[0] ^= 1,
            3 => other.configuration[31] ^= 1,
            4 => other.session[0] ^= 1,
            5 => other.nameplate.push('0'),
            _ => {}
        }
        let password = if flags & 1 == 0 {
            &self.ours
        } else {
            &self.theirs
        };
        let (responded, message_b, conf_b) =
            console::respond(&other, password, share, &mut Dice(CONSOLE))?;
        if unaltered {
            let answer = (responded.again(), message_b, conf_b);
            self.answers.insert(flags, answer);
        }
        Ok((responded, message_b, conf_b))
    }

    /// The agent's key, from the share that has come. `answered`: it is that of an honest answer.
    fn agree(&mut self, flags: u8, share: &[u8], answered: bool) -> Result<agent::Agreed, Error> {
        if let Some(agreed) = self.agreed.get(&flags).filter(|_| answered) {
            return Ok(agreed.clone());
        }
        let agreed = self.open().agree(share)?;
        if answered {
            self.agreed.insert(flags, agreed.clone());
        }
        Ok(agreed)
    }
}

/// From which the ends draw their shares.
const AGENT: u64 = 8;
const CONSOLE: u64 = 9;

/// Runs the pairing that `bytes` spell: what differs, and what is altered.
pub fn run(bytes: &[u8]) {
    CAST.with_borrow_mut(|cast| play(cast, bytes));
}

fn play(cast: &mut Cast, bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut dice = Dice(7);
    let flags = input.byte() & 15;
    let mut same = flags & 1 == 0 && matches!(flags >> 1 & 7, 0 | 6 | 7);

    let message_a = cast.message_a;
    let mut share = message_a.to_vec();
    same &= !tamper(&mut share, &mut input, b'A', None);
    let unaltered = share == message_a;
    let Ok((responded, message_b, mut conf_b)) = cast.respond(flags, &share) else {
        assert!(!same, "an honest share is taken");
        return;
    };
    let mut share = message_b.to_vec();
    same &= !tamper(&mut share, &mut input, b'B', Some(&message_a));
    same &= !input.alter(&mut conf_b);
    let answered = unaltered && share == message_b;
    let confirmed = cast
        .agree(flags, &share, answered)
        .and_then(|agreed| agreed.handle_confirmation(&conf_b, &mut dice));
    assert_eq!(
        confirmed.is_ok(),
        same,
        "the agent confirms what both mean, and nothing else"
    );
    let Ok((confirmed, mut confirm)) = confirmed else {
        return;
    };
    same &= !input.alter(&mut confirm.confirmation);
    same &= !input.alter(&mut confirm.agent_key);
    same &= !input.alter(&mut confirm.nonce);
    let paired = responded.handle_confirm(&confirm, LEAF, &cast.key);
    assert_eq!(
        paired.is_ok(),
        same,
        "the console pairs what both mean, and nothing else"
    );
    let Ok(mut there) = paired else { return };
    let mut chain = vec![LEAF.to_vec(), CA.to_vec()];
    same &= !input.alter(&mut chain[0]);
    same &= !input.alter(&mut chain[1]);
    same &= !input.alter(&mut there.signature);
    let mut now = NOW;
    let how = input.byte() % 8;
    same &= !(1..6).contains(&how);
    match how {
        1 => now = 0,
        2 => now = u64::MAX / 2,
        3 => chain.reverse(),
        4 => chain.truncate(1),
        5 => chain[0] = CA.to_vec(),
        _ => {}
    }
    let here = confirmed.handle_technician(&chain, &there.signature, now);
    assert_eq!(
        here.is_ok(),
        same,
        "a name is shown for an unaltered proof only"
    );
    if let Ok(mut here) = here {
        assert_eq!(here.th2, there.th2);
        assert_eq!(here.technician.name, "Erika Weber");
        let packet = here.peer.seal(b"hello");
        assert_eq!(there.peer.open(&packet), Ok(Some(b"hello".to_vec())));
    }
}

/// Alters or replaces a share as a relay might; returns whether it differs then.
fn tamper(share: &mut Vec<u8>, input: &mut Input<'_>, side: u8, reflected: Option<&[u8]>) -> bool {
    let before = share.clone();
    let how = input.byte();
    match how % 8 {
        1 => _ = input.alter(share),
        2 => share.truncate(usize::from(input.byte())),
        3 => share.push(how),
        4 => {
            *share = vec![side];
            share.extend(BAD_POINTS[usize::from(how >> 3) % BAD_POINTS.len()]);
        }
        5 => share[0] = if side == b'A' { b'B' } else { b'A' },
        6 => {
            if let Some(reflected) = reflected {
                *share = reflected.to_vec();
                share[0] = side;
            }
        }
        _ => {}
    }
    *share != before
}
