//! Edits of the valid vector, opened with code and key: whatever differs is found.

use std::sync::LazyLock;

use fernsicht_protocol::audit::{EpochKeys, Keys};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::wire::Wire;

use crate::finding::Verdict;
use crate::open::open;
use crate::sample::{Office, Session};

const VALID: &[u8] = include_bytes!("../../testdata/valid.recording");

struct Known {
    office: Office,
    keys: Vec<EpochKeys>,
    code: Code,
}

/// Who and what the vectors were drawn from.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let office = Office::new(42);
    let keys = Keys::from_bytes(include_bytes!("../../testdata/valid.keys"));
    let code = Session::begin(&office, 7).code.clone();
    Known {
        keys: keys.expect("the vector's keys").0,
        office,
        code,
    }
});

/// The bytes are edits of five bytes each: what, where (u16, u8 for how much), with what.
pub fn altered(bytes: &[u8]) {
    let mut file = VALID.to_vec();
    for edit in bytes.chunks_exact(5).take(16) {
        let at = usize::from(u16::from_be_bytes([edit[1], edit[2]])) % (file.len() + 1);
        let end = (at + usize::from(edit[3])).min(file.len());
        match edit[0] % 5 {
            0 => file[at..end].fill(edit[4]),
            1 => drop(file.drain(at..end)),
            2 => file.truncate(at),
            3 => {
                let copied = file[at..end].to_vec();
                let to = usize::from(edit[4]) * file.len() / 256;
                file.splice(to..to, copied);
            }
            _ => file[at..end].iter_mut().for_each(|byte| *byte ^= edit[4]),
        }
    }
    let known = &*KNOWN;
    let (code, pin) = (&known.code, known.office.pin());
    let key = &known.office.auditors[0];
    let Ok(opened) = open(file.as_slice(), &known.keys, code, key, &pin) else {
        assert_ne!(file, VALID, "the vector opens");
        return;
    };
    let sound = opened.verdict() == Verdict::Sound;
    assert_eq!(sound, file == VALID, "what differs is found");
    let length = file.len() as u64;
    opened.for_each(|entry, _| {
        assert!(entry.place().until <= length);
        true
    });
}
