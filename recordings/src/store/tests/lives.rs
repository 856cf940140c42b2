//! A recording's life without its end: begun, kept, moved, read, recovered.

use super::super::faults::Mood;
use super::*;

#[test]
fn what_was_written_is_handed_out() {
    let rig = Rig::new();
    let store = rig.store();
    let made = finish(&store, NOW);
    let recording = store
        .find_by_token(&made.code.open_token())
        .unwrap()
        .unwrap();
    assert_eq!(recording.state, State::Stored);
    assert_eq!(recording.case.as_deref(), Some("2026-17"));
    assert_eq!(recording.bytes, made.bytes.len() as u64);
    let by_number = store.find_by_number(&made.code.lookup()).unwrap();
    assert_eq!(by_number.as_ref(), Some(&recording));
    assert_eq!(store.find_by_token(&[0; 32]).unwrap(), None);
    let active: Vec<_> = fs::read_dir(rig.data().join("active")).unwrap().collect();
    assert!(active.is_empty(), "{active:?}");

    let handed = store
        .hand_out(&recording, "Ada Prüfer", "B-17", None, NOW + 100)
        .unwrap();
    assert_eq!(handed.entry, 2);
    assert_eq!(handed.sealed, vec![(1, made.sealed.clone())]);
    assert_eq!(handed.reading.length(), made.bytes.len() as u64);
    assert_eq!(read_all(handed.reading).unwrap(), made.bytes);
    let entries = store.entries(Some(&recording.lookup_hash)).unwrap();
    assert!(matches!(entries[0].event, Event::Complaint { .. }));
    assert!(matches!(entries[1].event, Event::HandOut { .. }));

    let late = store.hand_out(&recording, "Ada Prüfer", "B-17", None, recording.deletion);
    assert!(
        matches!(late, Err(Error::Deleted)),
        "what is due is not handed out"
    );
}

#[test]
fn a_catalogue_without_case_numbers_gets_them() {
    let rig = Rig::new();
    let store = rig.store();
    finish(&store, NOW);
    drop(store);
    let database = rig.data().join("catalogue.sqlite");
    let db = rusqlite::Connection::open(&database).unwrap();
    db.execute_batch("ALTER TABLE recordings DROP COLUMN case_number; PRAGMA user_version = 1")
        .unwrap();
    drop(db);
    for _ in 0..2 {
        let listed = rig.store().list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].case, None);
    }
    finish(&rig.store(), NOW + 1);
    let listed = rig.store().list().unwrap();
    assert_eq!(listed[1].case.as_deref(), Some("2026-17"));
}

#[test]
fn a_recording_is_read_while_it_is_written_and_moved() {
    let rig = Rig::new();
    let store = rig.store();
    let code = Code::draw(&mut OsRng);
    let mut begun = store.begin(&new_recording(&code, NOW), NOW).unwrap();
    store.keep_keys(begun.id, 1, &sealed()).unwrap();
    let bytes: Vec<u8> = recording_bytes(4000);
    begun.file.append(&bytes).unwrap();
    let recording = store.find(begun.id).unwrap().unwrap();
    let half = bytes.len() as u64 / 2;
    let handed = store
        .hand_out(&recording, "Ada", "B-1", Some(half), NOW)
        .unwrap();
    assert_eq!(read_all(handed.reading).unwrap(), bytes[..half as usize]);

    let mut reading = store.reading(&recording).unwrap();
    let first = reading.next_blocking().unwrap().unwrap();
    store.end(begun.id, bytes.len() as u64, NOW).unwrap();
    assert_eq!(store.move_finished().unwrap(), 1);
    let rest = read_all(reading).unwrap();
    assert_eq!([first, rest].concat(), bytes);
}

#[test]
fn numbers_serve_once() {
    let rig = Rig::new();
    let store = rig.store();
    let code = Code::draw(&mut OsRng);
    store.begin(&new_recording(&code, NOW), NOW).unwrap();
    let again = store.begin(&new_recording(&code, NOW), NOW);
    assert!(matches!(again, Err(Error::Twice)));
}

#[test]
fn receipts_are_counted_by_technician() {
    let rig = Rig::new();
    let store = rig.store();
    let with = finish(&store, NOW);
    store.receipt_done(with.id).unwrap();
    let without = finish(&store, NOW);
    write(&store, NOW);
    let counts = |store: &Store| {
        let counts = store.counts().unwrap();
        (counts[0].recorded, counts[0].without_receipt)
    };
    assert_eq!(counts(&store), (3, 1), "one that still runs lacks nothing");
    for made in [with, without] {
        let recording = store.find(made.id).unwrap().unwrap();
        store.delete(&recording, Reason::Withdrawal, NOW).unwrap();
    }
    assert_eq!(counts(&store), (3, 1), "counts outlive the recordings");
}

#[test]
fn what_a_killed_relay_leaves_is_closed_as_interrupted() {
    let rig = Rig::new();
    let store = rig.store();
    store.recover_in("one boot", NOW).unwrap();
    let made = write(&store, NOW);
    let unborn = store
        .begin(&new_recording(&Code::draw(&mut OsRng), NOW), NOW)
        .unwrap();
    let path = store.active_path(&store.find(made.id).unwrap().unwrap().name);
    let mut torn = made.bytes.clone();
    torn.extend_from_slice(&frame(99)[..586]);
    fs::write(&path, &torn).unwrap();
    drop((store, unborn.file));

    let store = rig.store();
    let recovered = store.recover_in("one boot", NOW + 5).unwrap();
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0].bytes, made.bytes.len() as u64);
    assert_eq!(recovered[0].torn, 586);
    assert_eq!(
        store.find(unborn.id).unwrap(),
        None,
        "nothing was kept of it"
    );
    let recording = store.find(made.id).unwrap().unwrap();
    assert_eq!(recording.state, State::Interrupted);
    store.move_finished().unwrap();
    let recording = store.find(made.id).unwrap().unwrap();
    assert_eq!(
        (recording.state, recording.interrupted),
        (State::Stored, true)
    );
    assert_eq!(
        read_all(store.reading(&recording).unwrap()).unwrap(),
        made.bytes
    );
    assert_eq!(store.recover_in("one boot", NOW + 6).unwrap(), []);
}

#[test]
fn after_a_kill_whole_records_count_and_after_a_power_loss_only_what_was_synced() {
    for (boot, kept_frames) in [("one boot", 2), ("another boot", 0)] {
        let rig = Rig::new();
        let store = rig.store();
        store.recover_in("one boot", NOW).unwrap();
        let made = write(&store, NOW);
        let path = store.active_path(&store.find(made.id).unwrap().unwrap().name);
        let mut left = made.bytes.clone();
        let mut expected = made.bytes.clone();
        for number in [100, 101] {
            let frame = frame(number);
            left.extend_from_slice(&frame);
            if number < 100 + kept_frames {
                expected.extend_from_slice(&frame);
            }
        }
        // Blocks that never reached the disk read as zeros; a record of them is none.
        let zeros = record(Kind::Frame, &[0; 300]);
        left.extend_from_slice(&zeros);
        left.extend_from_slice(&frame(102));
        fs::write(&path, &left).unwrap();
        drop(store);
        let store = rig.store();
        store.recover_in(boot, NOW).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), expected.len(), "{boot}");
        assert_eq!(fs::read(&path).unwrap(), expected);
    }
}

#[test]
fn without_the_key_directory_nothing_is_thrown_away() {
    let rig = Rig::new();
    let store = rig.store();
    let made = write(&store, NOW);
    drop(store);
    fs::rename(rig.data().join("keys"), rig.data().join("not mounted")).unwrap();
    let store = rig.store();
    store.recover(NOW).unwrap();
    let recording = store.find(made.id).unwrap().unwrap();
    assert_eq!(recording.state, State::Interrupted);
    let handed = store.hand_out(&recording, "Ada", "B-1", None, NOW);
    assert!(matches!(handed, Err(Error::Deleted)));
    let run = store.run_retention(&at(NOW)).unwrap();
    assert_eq!((run.keys_missing, run.deleted.len()), (1, 0));
    let log = store.entries(None).unwrap();
    assert!(matches!(&log[0].event, Event::Alarm { what } if what.contains("key directory")));
    fs::remove_dir_all(rig.data().join("keys")).unwrap();
    fs::rename(rig.data().join("not mounted"), rig.data().join("keys")).unwrap();
    store.hand_out(&recording, "Ada", "B-1", None, NOW).unwrap();
    assert_eq!(store.run_retention(&at(NOW)).unwrap().keys_missing, 0);
}

/// Crash after every step, then power loss: whatever was confirmed before is there.
#[test]
fn what_was_confirmed_survives_a_power_loss_at_any_step() {
    let mut steps = 0;
    loop {
        let rig = Rig::new();
        let store = rig.store();
        let earlier = finish(&store, NOW);
        let code = Code::draw(&mut OsRng);
        let new = new_recording(&code, NOW);
        let keys = sealed();
        let bytes = recording_bytes(3);
        rig.faults.set(Mood::Crashing { after: steps });
        // What was confirmed, in order.
        let mut kept = false;
        let mut synced = 0;
        let mut run = || -> Option<()> {
            let mut begun = store.begin(&new, NOW).ok()?;
            store.keep_keys(begun.id, 1, &keys).ok()?;
            kept = true;
            for chunk in [&bytes[..1200], &bytes[1200..]] {
                begun.file.append(chunk).ok()?;
                begun.file.sync().ok()?;
                synced += chunk.len();
            }
            store.end(begun.id, synced as u64, NOW).ok()?;
            store.move_finished().ok().map(drop)
        };
        let done = run().is_some();
        drop(store);
        rig.faults.lose_power().unwrap();

        let store = rig.store();
        store.recover(NOW).unwrap();
        let recording = store.find_by_token(&code.open_token()).unwrap();
        if synced > 1200 {
            let recording = recording.expect("a synced recording is there");
            let read = read_all(store.reading(&recording).unwrap()).unwrap();
            assert_eq!(read, bytes, "after {steps} steps");
            let handed = store.hand_out(&recording, "Ada", "B-1", None, NOW).unwrap();
            assert_eq!(handed.sealed, vec![(1, keys)], "after {steps} steps");
        } else if let Some(recording) = recording {
            assert!(kept, "after {steps} steps");
            assert!(store.has_keys(&recording).unwrap(), "after {steps} steps");
        }
        let earlier_row = store.find(earlier.id).unwrap().unwrap();
        assert_eq!(
            read_all(store.reading(&earlier_row).unwrap()).unwrap(),
            earlier.bytes
        );
        assert!(store.has_keys(&earlier_row).unwrap());
        if done {
            assert!(steps > 10, "the steps were counted");
            break;
        }
        steps += 1;
    }
}

#[test]
fn a_full_broken_or_stalled_disk_is_told() {
    let rig = Rig::new();
    let store = rig.store();
    store.probe().unwrap();
    for mood in [Mood::Full, Mood::Broken] {
        rig.faults.set(mood);
        store.probe().unwrap_err();
        let code = Code::draw(&mut OsRng);
        let begun = store.begin(&new_recording(&code, NOW), NOW);
        assert_eq!(begun.unwrap_err().full(), mood == Mood::Full);
        rig.faults.set(Mood::Well);
        assert_eq!(store.list().unwrap(), [], "nothing is left of it");
        store.probe().unwrap();
    }
    rig.faults.set(Mood::Stalled);
    let faults = rig.faults.clone();
    let (done, waits) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || done.send(store.probe().is_ok()));
    let early = waits.recv_timeout(std::time::Duration::from_millis(50));
    assert!(early.is_err(), "it stalls");
    faults.set(Mood::Well);
    assert!(waits.recv().unwrap());
}

#[test]
fn everything_is_for_its_owner_only_and_the_key_directory_is_marked() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::new();
    let store = rig.store();
    finish(&store, NOW);
    write(&store, NOW);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for dir in ["active", "keys", "recordings"] {
        assert_eq!(mode(&rig.data().join(dir)), 0o700, "{dir}");
    }
    for dir in ["", "active", "keys"] {
        for entry in fs::read_dir(rig.data().join(dir)).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{path:?}");
        }
    }
    let tag = fs::read(rig.data().join("keys/CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with(b"Signature: 8a477f597d28d172789f06886806bc55"));
    let readme = fs::read_to_string(rig.data().join("keys/README")).unwrap();
    assert!(readme.contains("backup"));
}
