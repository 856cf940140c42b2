//! The access log: whoever touches it is found.

use super::super::faults::Mood;
use super::*;

/// A log of several entries, as lines.
fn written(rig: &Rig, entries: usize) -> (Store, Vec<String>) {
    let store = rig.store();
    for number in 0..entries {
        store
            .log(
                Event::CaseClosed {
                    auditor: "Ada Prüfer".to_owned(),
                    case: format!("B-{number}"),
                    recording: hex(&[number as u8; 32]),
                },
                NOW + number as u64,
            )
            .unwrap();
    }
    let text = fs::read_to_string(rig.data().join("access.log")).unwrap();
    let lines = text.lines().map(str::to_owned).collect();
    (store, lines)
}

fn put(rig: &Rig, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(rig.data().join("access.log"), text).unwrap();
}

fn broken(store: &Store) -> Broken {
    store.verify_log().unwrap().unwrap_err()
}

#[test]
fn whole_logs_verify_and_are_searched_by_recording() {
    let rig = Rig::new();
    let store = rig.store();
    assert_eq!(store.verify_log().unwrap().unwrap().entries, 0);
    let (store, _) = written(&rig, 5);
    assert_eq!(store.verify_log().unwrap().unwrap().entries, 5);
    let of = store.entries(Some(&[3; 32])).unwrap();
    assert_eq!(of.len(), 1);
    assert_eq!((of[0].number, of[0].time), (4, NOW + 3));
    assert!(store.entries(Some(&[9; 32])).unwrap().is_empty());
}

#[test]
fn every_altered_character_is_found_at_its_entry() {
    let rig = Rig::new();
    let (store, lines) = written(&rig, 3);
    for at in 0..lines[1].len() {
        let mut altered = lines.clone();
        let mut bytes = altered[1].clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let text = [lines[0].as_bytes(), &bytes, lines[2].as_bytes(), b""].join(&b'\n');
        fs::write(rig.data().join("access.log"), text).unwrap();
        assert_eq!(broken(&store).number, 2, "character {at}");
        altered[1] = String::new();
    }
    for addition in [" ", "\t", "{}"] {
        let mut altered = lines.clone();
        altered[1].push_str(addition);
        put(&rig, &altered);
        assert_eq!(
            broken(&store),
            Broken {
                number: 2,
                fault: Fault::Unreadable
            }
        );
    }
}

#[test]
fn removed_moved_doubled_and_foreign_entries_are_found() {
    let rig = Rig::new();
    let (store, lines) = written(&rig, 6);
    let places = |lines: &[String]| {
        put(&rig, lines);
        broken(&store)
    };
    for at in 0..lines.len() {
        let mut removed = lines.clone();
        removed.remove(at);
        let found = places(&removed);
        assert_eq!(found.number, at as u64 + 1);
        let last = at == lines.len() - 1;
        assert_eq!(found.fault == Fault::Cut, last);
        for other in 0..at {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            assert_eq!(places(&swapped).number, other as u64 + 1);
        }
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        assert_eq!(places(&doubled).number, at as u64 + 2);
    }
    for kept in 0..lines.len() {
        let found = places(&lines[..kept]);
        assert_eq!(
            found,
            Broken {
                number: kept as u64 + 1,
                fault: Fault::Cut
            }
        );
    }
    let foreign = Rig::new();
    let (_, others) = written(&foreign, 6);
    let mut mixed = lines.clone();
    mixed[3] = others[3].clone();
    assert_eq!(places(&mixed).number, 4);
    put(&rig, &lines);
    store.verify_log().unwrap().unwrap();
}

#[test]
fn a_cut_tail_is_found_even_with_an_older_head() {
    let rig = Rig::new();
    let (store, lines) = written(&rig, 3);
    let head = fs::read(rig.data().join("access.head")).unwrap();
    drop(store);
    let (store, _) = written(&rig, 2);
    put(&rig, &lines);
    fs::write(rig.data().join("access.head"), head).unwrap();
    assert_eq!(
        broken(&store),
        Broken {
            number: 4,
            fault: Fault::Cut
        }
    );
    fs::remove_file(rig.data().join("access.head")).unwrap();
    assert_eq!(broken(&store).fault, Fault::Head);
}

#[test]
fn a_log_that_was_cut_stays_cut() {
    let rig = Rig::new();
    let (store, lines) = written(&rig, 4);
    put(&rig, &lines[..2]);
    let number = store
        .log(
            Event::Alarm {
                what: "more".to_owned(),
            },
            NOW,
        )
        .unwrap();
    assert_eq!(number, 5, "the gap stays visible");
    assert_eq!(
        broken(&store),
        Broken {
            number: 3,
            fault: Fault::Number
        }
    );
}

#[test]
fn what_returned_was_synced_and_what_did_not_leaves_nothing() {
    let mut steps = 0;
    loop {
        let rig = Rig::new();
        let (store, _) = written(&rig, 2);
        rig.faults.set(Mood::Crashing { after: steps });
        let third = store.log(
            Event::Alarm {
                what: "third".to_owned(),
            },
            NOW,
        );
        drop(store);
        rig.faults.lose_power().unwrap();
        let store = rig.store();
        let whole = store.verify_log().unwrap().unwrap();
        assert!(whole.entries >= 2, "after {steps} steps");
        if third.is_ok() {
            assert_eq!(whole.entries, 3);
        }
        let next = store
            .log(
                Event::Alarm {
                    what: "next".to_owned(),
                },
                NOW,
            )
            .unwrap();
        assert_eq!(next, whole.entries + 1);
        assert_eq!(store.verify_log().unwrap().unwrap().entries, next);
        if third.is_ok() {
            break;
        }
        steps += 1;
    }
}

#[test]
fn an_incomplete_last_line_does_not_count() {
    let rig = Rig::new();
    let (store, lines) = written(&rig, 2);
    let text = format!("{}\n{}\n{}", lines[0], lines[1], &lines[1][..40]);
    fs::write(rig.data().join("access.log"), text).unwrap();
    assert_eq!(store.verify_log().unwrap().unwrap().entries, 2);
    drop(store);
    let store = rig.store();
    assert_eq!(
        store
            .log(
                Event::Alarm {
                    what: "x".to_owned()
                },
                NOW
            )
            .unwrap(),
        3
    );
    assert_eq!(store.verify_log().unwrap().unwrap().entries, 3);
}

#[test]
fn several_programs_append_in_turn() {
    let rig = Rig::new();
    let stores: Vec<Store> = (0..3).map(|_| rig.store()).collect();
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(move || {
                for _ in 0..10 {
                    store
                        .log(
                            Event::Alarm {
                                what: "busy".to_owned(),
                            },
                            NOW,
                        )
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(stores[0].verify_log().unwrap().unwrap().entries, 30);
}
