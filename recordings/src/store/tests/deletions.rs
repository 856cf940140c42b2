//! After a deletion nothing opens the recording, and nothing of it is left.

use super::super::faults::Mood;
use super::*;

#[test]
fn nothing_is_left_of_what_was_deleted() {
    let rig = Rig::new();
    let store = rig.store();
    let yesterday = finish(&store, NOW - DAY);
    let gone = finish(&store, NOW);
    let stays = finish(&store, NOW);
    assert_eq!(found(rig.data(), &traces(&gone)).len(), 3, "the scan finds");

    let another_program = rig.store();
    another_program.list().unwrap();
    let recording = store.find(gone.id).unwrap().unwrap();
    store
        .delete(&recording, Reason::Withdrawal, NOW + 60)
        .unwrap();
    assert_eq!(found(rig.data(), &traces(&gone)), Vec::<String>::new());
    assert!(
        store
            .find_by_token(&gone.code.open_token())
            .unwrap()
            .is_none()
    );
    let reduced = store.find_by_number(&gone.code.lookup()).unwrap().unwrap();
    assert_eq!(reduced.deleted, Some(NOW + 60));
    assert_eq!(
        (reduced.technician, reduced.case, reduced.bytes),
        (None, None, 0)
    );
    let entries = store.entries(Some(&recording.lookup_hash)).unwrap();
    assert!(matches!(&entries[0].event, Event::Deletion { reason, .. } if reason == "withdrawal"));
    let late = store.hand_out(&recording, "Ada", "B-1", None, NOW + 61);
    assert!(matches!(late, Err(Error::Deleted)));

    for made in [&yesterday, &stays] {
        let recording = store.find(made.id).unwrap().unwrap();
        assert!(store.has_keys(&recording).unwrap());
    }
    assert_eq!(store.keys.days().unwrap().len(), 2);
    let recording = store.find(stays.id).unwrap().unwrap();
    store.delete(&recording, Reason::Withdrawal, NOW).unwrap();
    assert_eq!(
        store.keys.days().unwrap().into_iter().collect::<Vec<_>>(),
        ["2026-11-21"],
        "a daily key goes with its last recording"
    );
    let recording = store.find(yesterday.id).unwrap().unwrap();
    assert!(store.has_keys(&recording).unwrap());
}

#[test]
fn retention_deletes_what_is_due_and_only_that() {
    let rig = Rig::new();
    let store = rig.store();
    let old = finish(&store, NOW);
    let new = finish(&store, NOW + 10 * DAY);
    let due = store.find(old.id).unwrap().unwrap().deletion;
    // Every day the relay looks; a machine that jumps by months is not believed.
    let mut day = NOW;
    while day < due {
        assert_eq!(
            store.run_retention(&at(day)).unwrap().deleted,
            Vec::<String>::new()
        );
        day += DAY;
    }
    assert_eq!(store.would_delete(&at(due - 1)).unwrap(), []);
    assert_eq!(store.would_delete(&at(due)).unwrap().len(), 1);
    let run = store.run_retention(&at(due)).unwrap();
    assert_eq!(run.deleted, [hex(&old.code.lookup().hash())]);
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    assert_eq!(found(rig.data(), &traces(&old)), Vec::<String>::new());
    let recording = store.find(new.id).unwrap().unwrap();
    assert_eq!(
        read_all(store.reading(&recording).unwrap()).unwrap(),
        new.bytes
    );
}

#[test]
fn no_reader_and_no_writer_postpones_a_deletion() {
    let rig = Rig::new();
    let store = rig.store();
    let code = Code::draw(&mut OsRng);
    let mut begun = store.begin(&new_recording(&code, NOW), NOW).unwrap();
    store.keep_keys(begun.id, 1, &sealed()).unwrap();
    begun.file.append(&recording_bytes(3000)).unwrap();
    assert!(store.keeps(begun.id).unwrap());
    let recording = store.find(begun.id).unwrap().unwrap();
    let mut reading = store
        .hand_out(&recording, "Ada", "B", None, NOW)
        .unwrap()
        .reading;
    reading.next_blocking().unwrap();
    store.delete(&recording, Reason::Withdrawal, NOW).unwrap();
    assert!(matches!(reading.next_blocking(), Err(Error::Deleted)));
    assert!(!store.keeps(begun.id).unwrap());
    begun.file.append(b"more").unwrap();
    assert!(begun.file.sync().is_err(), "the recorder must notice");
    let late = store.keep_keys(begun.id, 2, &sealed());
    assert!(matches!(late, Err(Error::Deleted)));
    store.end(begun.id, 10, NOW).unwrap();
    assert_eq!(store.find(begun.id).unwrap().unwrap().state, State::Deleted);

    let stored = finish(&store, NOW);
    let recording = store.find(stored.id).unwrap().unwrap();
    let mut reading = store.reading(&recording).unwrap();
    store.delete(&recording, Reason::Withdrawal, NOW).unwrap();
    assert!(matches!(reading.next_blocking(), Err(Error::Deleted)));
}

/// A crash with power loss after every step: the next run completes it, once.
#[test]
fn a_deletion_that_was_cut_off_is_completed() {
    let mut steps = 0;
    loop {
        let rig = Rig::new();
        let store = rig.store();
        let gone = if steps % 2 == 0 {
            finish(&store, NOW)
        } else {
            write(&store, NOW)
        };
        let stays = finish(&store, NOW + DAY);
        let recording = store.find(gone.id).unwrap().unwrap();
        rig.faults.set(Mood::Crashing { after: steps });
        let done = store.delete(&recording, Reason::Withdrawal, NOW).is_ok();
        drop(store);
        rig.faults.lose_power().unwrap();

        let store = rig.store();
        let run = store.run_retention(&at(NOW)).unwrap();
        assert!(
            run.failed.is_empty(),
            "after {steps} steps: {:?}",
            run.failed
        );
        let left = found(rig.data(), &traces(&gone));
        assert_eq!(left, Vec::<String>::new(), "after {steps} steps");
        let entries = store.entries(Some(&recording.lookup_hash)).unwrap();
        assert_eq!(entries.len(), 1, "after {steps} steps");
        store.verify_log().unwrap().unwrap();
        let days: Vec<_> = store.keys.days().unwrap().into_iter().collect();
        assert_eq!(days, ["2026-11-23"], "after {steps} steps");
        let recording = store.find(stays.id).unwrap().unwrap();
        assert!(store.has_keys(&recording).unwrap());
        if done {
            assert!(steps > 10, "the steps were counted");
            break;
        }
        steps += 1;
    }
}

#[test]
fn a_restored_backup_opens_nothing_that_was_deleted() {
    let rig = Rig::new();
    let backup = tempfile::tempdir().unwrap();
    let store = rig.store();
    let gone = finish(&store, NOW);
    let stays = finish(&store, NOW);
    drop(store);
    copy_tree(rig.data(), backup.path(), "keys");
    assert!(
        !found(backup.path(), &traces(&gone)).is_empty(),
        "its frames are there"
    );

    let store = rig.store();
    let recording = store.find(gone.id).unwrap().unwrap();
    store.delete(&recording, Reason::Withdrawal, NOW).unwrap();
    drop(store);
    for entry in fs::read_dir(rig.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name != "keys") {
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap()
            } else {
                fs::remove_file(path).unwrap()
            }
        }
    }
    copy_tree(backup.path(), rig.data(), "keys");

    let store = rig.store();
    let recording = store
        .find_by_token(&gone.code.open_token())
        .unwrap()
        .unwrap();
    assert_eq!(recording.state, State::Stored, "the old catalogue knows it");
    let handed = store.hand_out(&recording, "Ada", "B-1", None, NOW);
    assert!(matches!(handed, Err(Error::Deleted)));
    let keys: Vec<_> = traces(&gone)
        .into_iter()
        .filter(|(what, _)| *what == "a key")
        .collect();
    assert_eq!(found(rig.data(), &keys), Vec::<String>::new());
    let recording = store.find(stays.id).unwrap().unwrap();
    let handed = store.hand_out(&recording, "Ada", "B-1", None, NOW).unwrap();
    assert_eq!(handed.sealed, vec![(1, stays.sealed)]);
}

#[test]
fn a_lost_catalogue_does_not_destroy_what_it_knew() {
    let rig = Rig::new();
    let store = rig.store();
    let lost = finish(&store, NOW);
    drop(store);
    for name in [
        "catalogue.sqlite",
        "catalogue.sqlite-wal",
        "catalogue.sqlite-shm",
    ] {
        drop(fs::remove_file(rig.data().join(name)));
    }
    let store = rig.store();
    let now = super::super::clock::read().unwrap();
    store.run_retention(&now).unwrap();
    assert_eq!(store.keys.recordings().unwrap().len(), 1);
    assert_eq!(store.keys.days().unwrap().len(), 1);

    // Nobody will ever name it: it goes when any recording would have to.
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(94 * DAY);
    for directory in ["keys", "recordings"] {
        for entry in fs::read_dir(rig.data().join(directory)).unwrap() {
            let file = fs::File::options().write(true).open(entry.unwrap().path());
            file.unwrap().set_modified(old).unwrap();
        }
    }
    store.run_retention(&now).unwrap();
    assert!(store.keys.recordings().unwrap().is_empty());
    assert!(store.keys.days().unwrap().is_empty());
    assert_eq!(found(rig.data(), &traces(&lost)), Vec::<String>::new());
}
