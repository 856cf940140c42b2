//! Edits of valid recordings, opened with keys, code and auditor's key: whatever differs is found, and
//! nothing opens with another's.

use std::sync::LazyLock;

use fernsicht_protocol::audit::{EpochKeys, Keys};
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{Cause, DropReason, InputEvent, Pointer};
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::messages::End as Reason;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::AuditorKey;
use fernsicht_protocol::wire::Wire;

use crate::finding::{End, Refusal, Verdict};
use crate::format::FILE_HEADER_BYTES;
use crate::open::{Evidence, open};
use crate::outcome::Outcome;
use crate::reader::Records;
use crate::sample::{Dice, Office, Recorded, Session};

/// A recording that opens, and where its records begin; the file's end is the last of them.
struct Base {
    bytes: Vec<u8>,
    records: Vec<usize>,
    evidence: Evidence,
}

struct Known {
    bases: [Base; BASES],
    office: Office,
    keys: Vec<EpochKeys>,
    code: Code,
    other_code: Code,
    stranger: AuditorKey,
}

const BASES: usize = 4;

/// Which of them a first byte means: mostly the smallest, which takes the least time.
const CHOICE: [usize; 8] = [0, 1, 0, 2, 0, 1, 0, 3];

/// Who and what the vectors were drawn from. The small recordings are sessions of the same beginning, made with
/// the same sealed keys.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let office = Office::new(42);
    let keys = Keys::from_bytes(include_bytes!("../../testdata/valid.keys"));
    let keys = keys.expect("the vector's keys").0;
    let begin = || Session::begin_with(&office, 7, keys.clone());
    let code = begin().code.clone();
    let vector = include_bytes!("../../testdata/valid.recording").to_vec();
    let bases = [
        Base::new(bare(begin())),
        Base::new(one_epoch(begin())),
        Base::new(two_epochs(begin())),
        Base::of_bytes(vector, Evidence::default()),
    ];
    Known {
        bases,
        keys,
        code,
        other_code: Code::draw(&mut Dice(1)),
        stranger: AuditorKey::draw(&mut Dice(1)),
        office,
    }
});

/// The first byte chooses the recording and what it is opened with; the rest are edits of five bytes each: what,
/// where (u16, u8 for how much), with what.
pub fn altered(bytes: &[u8]) {
    let (how, edits) = bytes.split_first().unwrap_or((&0, &[]));
    let known = &*KNOWN;
    let base = &known.bases[CHOICE[usize::from(how % 8)]];
    let mut file = base.bytes.clone();
    for edit in edits.chunks_exact(5).take(16) {
        base.edit(&mut file, edit);
    }
    let pin = known.office.pin();
    let [first, second] = &known.office.auditors[..] else {
        panic!("the office has two auditors")
    };
    let none: &[EpochKeys] = &[];
    let (keys, code, auditor) = match how >> 3 {
        1 => (&known.keys[..], &known.code, second),
        2 => (&known.keys[..], &known.other_code, first),
        3 => (&known.keys[..], &known.code, &known.stranger),
        4 => (&known.keys[..], &known.other_code, &known.stranger),
        5 => (none, &known.code, first),
        6 => (&known.keys[..1], &known.code, first),
        _ => (&known.keys[..], &known.code, first),
    };
    let entitled = !matches!(how >> 3, 2..=5);
    let opened = match open(file.as_slice(), keys, code, auditor, &pin) {
        Ok(opened) => opened,
        Err(refusal) => {
            assert!(!entitled || file != base.bytes, "the original opens");
            let altered = matches!(refusal, Refusal::Altered(_) | Refusal::Unreadable(_));
            assert!(!altered || file != base.bytes, "nothing was altered");
            return;
        }
    };
    assert!(entitled, "it opens for nobody else");
    let whole = how >> 3 != 6 || opened.epochs().count() < 2;
    let sound = opened.verdict() == Verdict::Sound;
    assert_eq!(sound, whole && file == base.bytes, "what differs is found");
    let length = file.len() as u64;
    let (mut input, mut injected) = (0, 0);
    opened.for_each(|entry, _| {
        assert!(entry.place().until <= length);
        let frame = entry.frame.filter(|frame| frame.class == Class::Input);
        if let Some(frame) = frame {
            let outcome = opened.outcomes().outcome(frame.epoch, frame.number);
            injected += u64::from(outcome == Outcome::Injected);
            input += 1;
        }
        true
    });
    let counts = opened.outcomes().counts();
    let told = counts.injected + counts.dropped + counts.withheld + counts.undecided;
    let fits = told <= input && counts.injected <= injected;
    assert!(fits, "nothing became of input that is not there");
    let missed = opened.compare(&base.evidence);
    assert!(missed.is_empty() || file != base.bytes, "the receipt fits");
}

impl Base {
    fn new(recorded: Recorded) -> Self {
        Self::of_bytes(recorded.bytes, recorded.evidence)
    }

    fn of_bytes(bytes: Vec<u8>, evidence: Evidence) -> Self {
        let records = Records::new(&bytes).expect("a recording");
        let ends = records.map(|record| record.expect("a record").end() as usize);
        let records = [FILE_HEADER_BYTES].into_iter().chain(ends).collect();
        Self {
            bytes,
            records,
            evidence,
        }
    }

    /// One edit: of bytes, or of whole records where the first byte's highest bit is set.
    fn edit(&self, file: &mut Vec<u8>, edit: &[u8]) {
        let (what, with) = (edit[0] & 0x7f, edit[4]);
        let at = usize::from(u16::from_be_bytes([edit[1], edit[2]]));
        let many = usize::from(edit[3]);
        let place = |at: usize| self.records[at % self.records.len()].min(file.len());
        let (at, end, to) = match edit[0] & 0x80 {
            0 => {
                let at = at % (file.len() + 1);
                let to = usize::from(with) * file.len() / 256;
                (at, (at + many).min(file.len()), to)
            }
            _ => {
                let (at, end) = (place(at), place(at + many));
                (at.min(end), at.max(end), place(usize::from(with)))
            }
        };
        match what % 5 {
            0 => file[at..end].fill(with),
            1 => drop(file.drain(at..end)),
            2 => file.truncate(at),
            3 => {
                let copied = file[at..end].to_vec();
                file.splice(to..to, copied);
            }
            _ => file[at..end].iter_mut().for_each(|byte| *byte ^= with),
        }
    }
}

/// What every recording has: opening, first checkpoint, epoch signature, one frame, end, last checkpoint.
fn bare(mut session: Session<'_>) -> Recorded {
    let end = session
        .writer
        .append_end(Some(Reason::Customer), session.time);
    session.bytes.extend(end.expect("the recording goes on"));
    session.checkpoint();
    session.kill()
}

/// One of everything that an epoch can hold.
fn one_epoch(mut session: Session<'_>) -> Recorded {
    everything(&mut session);
    session.end(Reason::Technician)
}

/// Two of them, with heads and a checkpoint between.
fn two_epochs(mut session: Session<'_>) -> Recorded {
    session.grant(Rights::View, Cause::Granted);
    session.heads(End::Agent);
    session.checkpoint();
    session.wait(100);
    session.begin_epoch();
    everything(&mut session);
    session.end(Reason::Lost)
}

fn everything(session: &mut Session<'_>) {
    use Direction::{AgentToConsole, ConsoleToAgent};
    session.grant(Rights::Control, Cause::Granted);
    session.beacon();
    let moved = session.input(InputEvent::Move { x: 1, y: 2 });
    let event = InputEvent::ReleaseAll.to_bytes();
    let withheld = session.tombstone(ConsoleToAgent, Class::Input, &event);
    let withheld = withheld.header.number;
    let typed = session.input(InputEvent::ReleaseAll);
    session.ack(typed, &[(withheld, withheld, DropReason::NotGranted)]);
    assert!(moved < withheld, "numbers rise");
    let pointer = Pointer {
        sequence: 1,
        visible: true,
        x: 4,
        y: 5,
        shape: None,
    };
    session.frame(AgentToConsole, Class::Pointer, &pointer.to_bytes());
    session.picture(&[0; 40]);
    session.drop_picture(&[0; 60], 20);
    session.picture_ack(1, 2);
    session.input(InputEvent::Move { x: 3, y: 4 });
}
