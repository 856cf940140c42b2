//! What the index says of a recording that the tests wrote.

use fernsicht_protocol::content::{DropReason, Dropped, InputEvent};
use fernsicht_protocol::wire::List;

use super::input::{Doing, Outcome, Reason, Tally};
use super::*;
use crate::audit::sample::{START, Sample, rect};

fn begun() -> Sample {
    let mut sample = Sample::new();
    sample
        .opening()
        .wait(10)
        .rights(Rights::Control, Cause::Granted);
    sample
}

fn built(sample: &mut Sample) -> Index {
    Index::build(sample).unwrap()
}

#[test]
fn pictures_are_not_opened_by_the_index() {
    let mut sample = begun();
    for _ in 0..50 {
        sample.wait(5).picture(rect(0, 0, 9, 9), [1, 2, 3], true);
    }
    let index = built(&mut sample);
    assert_eq!(index.pictures(), 50);
    assert_eq!(sample.opened, 1, "the rights frame alone");
}

#[test]
fn every_input_has_the_outcome_that_the_acks_say() {
    let mut sample = begun();
    sample.text("abcd").withheld_input().click(3, 4);
    let reason = DropReason::CustomerActive;
    sample.decided(vec![Dropped {
        from: 1,
        to: 2,
        reason,
    }]);
    sample.text("e");
    let index = built(&mut sample);
    let outcomes: Vec<_> = index.input.events().iter().map(|i| i.outcome).collect();
    let dropped = Outcome::Dropped(Reason::CustomerActive);
    assert_eq!(
        outcomes,
        [
            Outcome::Injected,
            dropped,
            dropped,
            Outcome::Injected,
            Outcome::Withheld,
            Outcome::Injected,
            Outcome::Injected,
            Outcome::Undecided,
        ]
    );
    let tally = Tally {
        injected: 4,
        dropped: 2,
        withheld: 1,
        undecided: 1,
    };
    assert_eq!(index.input.tally(), tally);
    assert_eq!(tally.all(), 8);
}

#[test]
fn acks_of_one_epoch_do_not_decide_another() {
    let mut sample = begun();
    sample.text("ab");
    sample
        .wait(50)
        .opening()
        .rights(Rights::Control, Cause::Granted);
    sample.text("cde").decided(Vec::new());
    let index = built(&mut sample);
    let tally = index.input.tally();
    assert_eq!((tally.injected, tally.undecided), (3, 2));
}

#[test]
fn what_belongs_together_is_one_act() {
    let mut sample = begun();
    sample.text("abc").input(InputEvent::Key {
        keysym: 0xff0d,
        down: true,
    });
    sample.wait(1000).text("d");
    for x in 0..9 {
        sample.input(InputEvent::Move { x, y: 1 }).wait(1);
    }
    sample.click(7, 8).click(7, 8);
    let index = built(&mut sample);
    let kinds: Vec<_> = index.input.acts().iter().map(|a| a.kind.clone()).collect();
    let typed = |characters, keys| Doing::Typed { characters, keys };
    let pressed = Doing::Pressed {
        button: fernsicht_protocol::content::Button::Left,
        times: 2,
        x: 7,
        y: 8,
    };
    assert_eq!(kinds, [typed(3, 1), typed(1, 0), Doing::Moved, pressed]);
    assert_eq!(index.input.acts()[2].tally.undecided, 9);
}

#[test]
fn rights_gaps_and_the_customer_are_found_by_time() {
    let mut sample = begun();
    sample
        .wait(100)
        .active(true)
        .wait(50)
        .active(false)
        .wait(50);
    let failed = sample.now();
    sample.wait(500).gap(failed).opening().wait(10);
    sample.rights(Rights::View, Cause::Epoch).wait(100);
    sample.end(End::Customer);
    let index = built(&mut sample);
    assert_eq!(index.change_at(START - 1), None);
    assert_eq!(index.change_at(START).unwrap().rights, Rights::None);
    assert_eq!(index.change_at(START + 50).unwrap().rights, Rights::Control);
    assert!(index.active_at(START + 120) && !index.active_at(START + 170));
    assert_eq!(index.gap_at(START + 400), Some((failed, failed + 500)));
    assert_eq!(index.gap_at(failed + 500), None);
    assert_eq!(
        index.stretch_at(START + 400),
        None,
        "what was seen in a gap is not known"
    );
    let view = index.change_at(failed + 520).unwrap();
    assert_eq!((view.rights, view.epoch), (Rights::View, 2));
    assert_eq!(index.end, Ended::Session(End::Customer));
    assert_eq!(index.change_at(index.to).unwrap().rights, Rights::None);
    assert!(index.misfits.is_empty());
}

#[test]
fn a_rights_frame_that_cannot_be_grants_nothing_and_is_named() {
    let mut sample = begun();
    sample.wait(10);
    let again = sample.records[1].clone();
    let at = sample.records.len();
    sample.put(again.0.kind, again.1);
    let index = built(&mut sample);
    assert_eq!(index.misfits, [(START + 20, at)]);
    assert_eq!(index.change_at(START + 30).unwrap().rights, Rights::None);
}

#[test]
fn a_clock_that_was_set_back_does_not_turn_the_order_round() {
    let mut sample = begun();
    sample.wait(100).text("a");
    sample.records.last_mut().unwrap().0.time = START - 500;
    let index = built(&mut sample);
    assert_eq!((index.from, index.to), (START, START + 10));
    assert_eq!(index.input.events()[0].time, START + 10);
}

#[test]
fn an_interrupted_recording_ends_where_its_last_record_stands() {
    let mut sample = begun();
    sample
        .wait(50)
        .picture(rect(0, 0, 1, 1), [1, 2, 3], true)
        .wait(5)
        .ack();
    let last = sample.now();
    // The relay ran again the next day.
    sample
        .wait(8_640_000)
        .put(Kind::End(Ended::Interrupted), Vec::new());
    let index = built(&mut sample);
    assert_eq!((index.to, &index.end), (last + 1, &Ended::Interrupted));
    assert!(index.stretch_at(last).is_some() && index.stretch_at(last + 1).is_none());
    assert_eq!(index.change_at(last + 1).unwrap().rights, Rights::None);
}

#[test]
fn a_pointer_is_not_seen_in_a_gap_that_began_before_it() {
    let mut sample = begun();
    let failed = sample.now() + 10;
    sample
        .wait(20)
        .pointer(3, 4, true)
        .wait(80)
        .gap(failed)
        .opening();
    let index = built(&mut sample);
    let times: Vec<_> = index.pointers.iter().map(|p| p.time).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(!index.pointer_at(failed + 50).unwrap().visible);
}

#[test]
fn what_was_written_is_read_once_with_what_became_of_it() {
    use fernsicht_protocol::chat::Fate;
    use fernsicht_protocol::content::Chat;
    use fernsicht_protocol::wire::Text;

    let line = |number, text: &str| Chat::Line {
        number,
        text: Text::new(text).unwrap(),
    };
    let (theirs, ours) = (Direction::ConsoleToAgent, Direction::AgentToConsole);
    let mut sample = begun();
    sample
        .chat(theirs, line(1, "Gu\u{202e}ten Tag"))
        .wait(10)
        .chat(ours, line(1, "Ja?"))
        .chat(ours, Chat::Shown { number: 1 })
        .chat(theirs, line(2, "verloren"))
        .opening()
        .rights(Rights::Control, Cause::Epoch)
        // Said again in the next epoch.
        .chat(theirs, line(2, "verloren"))
        .chat(theirs, line(3, "zu viel"))
        .chat(ours, Chat::Refused { from: 3, to: 9 });
    let index = built(&mut sample);
    let said: Vec<_> = index
        .talk
        .iter()
        .map(|said| (said.direction, said.text.as_str(), said.fate))
        .collect();
    assert_eq!(
        said,
        [
            (theirs, "Guten Tag", Fate::Shown),
            (ours, "Ja?", Fate::Open),
            (theirs, "verloren", Fate::Open),
            (theirs, "zu viel", Fate::Refused),
        ]
    );
    assert!(index.misfits.is_empty(), "{:?}", index.misfits);
}

#[test]
fn a_picture_is_another_one_too_if_more_is_shown_before_its_turn() {
    let mut sample = begun();
    sample.picture(rect(0, 0, 1, 1), [5; 3], true);
    let (screen, digest) = sample.screen();
    let mut say = |sequence, ahead: &[u64]| {
        let ahead = List(ahead.to_vec());
        let ack = PictureAck {
            sequence,
            digest,
            ahead,
            held_us: 0,
        };
        sample.wait(1).showed(&ack, &screen);
    };
    say(4, &[]);
    say(4, &[]);
    say(4, &[6]);
    say(4, &[6]);
    say(4, &[6, 7]);
    say(3, &[6]);
    say(6, &[]);
    let index = built(&mut sample);
    let said = index.stretches[0].acks.iter();
    let said: Vec<_> = said.map(|a| (a.sequence, &a.ahead[..])).collect();
    let expected: [(u64, &[u64]); 4] = [(4, &[]), (4, &[6]), (4, &[6, 7]), (6, &[])];
    assert_eq!(said, expected);
    assert_eq!(index.misfits, []);
}

#[test]
fn an_ack_of_what_cannot_be_before_its_turn_does_not_fit() {
    let mut sample = begun();
    sample.picture(rect(0, 0, 1, 1), [5; 3], true);
    let (screen, digest) = sample.screen();
    let ack = PictureAck {
        sequence: 4,
        digest,
        ahead: List(vec![3]),
        held_us: 0,
    };
    sample.wait(1).showed(&ack, &screen);
    let index = built(&mut sample);
    assert!(index.stretches[0].acks.is_empty());
    assert_eq!(index.misfits.len(), 1);
}
