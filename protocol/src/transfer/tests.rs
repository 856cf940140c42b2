//! Both ends against each other, and against peers that do not keep to the protocol.

use proptest::prelude::*;

use super::*;
use crate::crypto::hash;
use crate::frame::MAX_IN_ORDER_CIPHERTEXT;
use crate::wire::Wire;

fn text(name: &str) -> Text<LONGEST_NAME> {
    Text::new(name).unwrap()
}

fn sender(size: u64) -> Sender {
    Sender::new(7, Kind::File, text("a.bin"), size).unwrap()
}

fn receiver(size: u64) -> Receiver {
    Receiver::new(7, Kind::File, size).unwrap()
}

/// Runs a piece through, losing the link after the messages that `losses` count. Returns what arrived.
fn run(content: &[u8], losses: &[usize]) -> Vec<u8> {
    let size = content.len() as u64;
    let (mut from, mut to) = (sender(size), receiver(size));
    let mut arrived = Vec::new();
    let mut losses = losses.iter().copied();
    let mut left = losses.next();
    let mut passes = || match &mut left {
        Some(0) => {
            left = losses.next();
            false
        }
        Some(n) => {
            *n -= 1;
            true
        }
        None => true,
    };
    from.offer();
    'epoch: loop {
        // The receiver's person says yes, or had before the loss.
        let again = to.handle_offer(&Kind::File, size).unwrap();
        let accepted = again.unwrap_or_else(|| to.accept());
        if !passes() {
            from.offer();
            continue;
        }
        let Message::Accept { from: at, .. } = accepted else {
            unreachable!()
        };
        from.handle_accept(at).unwrap();
        loop {
            let mut under_way = Vec::new();
            while let Some(part) = from.poll_part() {
                let range = part.offset as usize..part.offset as usize + part.length;
                under_way.push(
                    from.handle_read(part.offset, content[range].to_vec())
                        .unwrap(),
                );
            }
            assert!(under_way.len() as u64 * CHUNK as u64 <= WINDOW + CHUNK as u64);
            for message in under_way {
                if !passes() {
                    from.offer();
                    continue 'epoch;
                }
                let Message::Chunk { offset, bytes, .. } = message else {
                    unreachable!()
                };
                to.handle_chunk(offset, bytes.0.len()).unwrap();
                arrived.extend_from_slice(&bytes.0);
                if let Some(Message::Received { to: written, .. }) =
                    to.handle_written(bytes.0.len())
                    && passes()
                {
                    from.handle_received(written).unwrap();
                }
            }
            if from.exhausted() {
                let Some(Message::Done { hash: stated, .. }) = from.handle_hash(hash(content))
                else {
                    unreachable!()
                };
                if !passes() {
                    from.offer();
                    continue 'epoch;
                }
                to.handle_done(stated).unwrap();
                assert_eq!(to.complete(), Some(hash(&arrived)));
                from.handle_finished().unwrap();
                return arrived;
            }
            if from.poll_part().is_none() {
                // A word about the window was lost: the next epoch brings it.
                from.offer();
                continue 'epoch;
            }
        }
    }
}

#[test]
fn a_piece_arrives_whole() {
    for size in [0, 1, CHUNK, CHUNK + 1, WINDOW as usize * 3 + 17] {
        let content: Vec<u8> = (0..size).map(|n| (n / 7) as u8).collect();
        assert_eq!(run(&content, &[]), content, "{size} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn losses_change_nothing(size in 0_usize..3_000_000, losses in proptest::collection::vec(0_usize..40, 0..12)) {
        let content: Vec<u8> = (0..size).map(|n| (n / 251) as u8).collect();
        prop_assert_eq!(run(&content, &losses), content);
    }
}

#[test]
fn a_chunk_fits_its_frame() {
    let message = Message::Chunk {
        id: u32::MAX,
        offset: u64::MAX,
        bytes: Blob(vec![0; CHUNK]),
    };
    let padded = (message.to_bytes().len() + 4).next_multiple_of(64);
    assert!(padded + 16 <= MAX_IN_ORDER_CIPHERTEXT);
}

#[test]
fn what_is_too_large_is_not_begun() {
    assert!(matches!(
        Receiver::new(1, Kind::Text, LONGEST_TEXT + 1),
        Err(Error::TooLarge)
    ));
    assert!(matches!(
        Receiver::new(1, Kind::File, LARGEST_FILE + 1),
        Err(Error::TooLarge)
    ));
    assert!(Sender::new(1, Kind::Text, text(""), LONGEST_TEXT + 1).is_err());
}

#[test]
fn a_receiver_takes_only_what_continues() {
    let size = CHUNK as u64 + 10;
    let mut to = receiver(size);
    assert_eq!(to.handle_chunk(0, CHUNK), Err(Error::Turn), "not accepted");
    assert_eq!(to.handle_done([0; 32]), Err(Error::Turn), "not accepted");
    to.accept();
    assert_eq!(to.handle_chunk(1, CHUNK), Err(Error::Offset));
    for length in [0, 1, CHUNK - 1, CHUNK + 1, CHUNK + 10, CHUNK + 11] {
        assert_eq!(to.handle_chunk(0, length), Err(Error::Length), "{length}");
    }
    to.handle_chunk(0, CHUNK).unwrap();
    assert_eq!(to.handle_chunk(0, CHUNK), Err(Error::Offset), "twice");
    assert_eq!(to.handle_done([0; 32]), Err(Error::Turn), "too early");
    for length in [0, 9, 11, CHUNK] {
        let at_the_end = to.handle_chunk(CHUNK as u64, length);
        assert_eq!(at_the_end, Err(Error::Length), "{length}");
    }
    to.handle_chunk(CHUNK as u64, 10).unwrap();
    to.handle_done([1; 32]).unwrap();
    assert_eq!(to.complete(), None, "not yet written");
    to.handle_written(CHUNK + 10);
    assert_eq!(to.complete(), Some([1; 32]));
    to.handle_done([1; 32]).unwrap();
    assert_eq!(to.handle_done([2; 32]), Err(Error::Turn), "another hash");
    assert_eq!(to.handle_chunk(size, 1), Err(Error::Turn), "behind the end");
    assert_eq!(to.handle_offer(&Kind::File, size + 1), Err(Error::Turn));
    assert_eq!(to.handle_offer(&Kind::Text, size), Err(Error::Turn));
}

#[test]
fn a_peer_never_takes_more_memory_than_two_windows() {
    let mut to = receiver(LARGEST_FILE);
    to.accept();
    let mut offset = 0;
    while to.handle_chunk(offset, CHUNK).is_ok() {
        offset += CHUNK as u64;
    }
    assert!(offset <= 2 * WINDOW, "{offset} bytes unwritten");
}

#[test]
fn a_sender_believes_nobody_who_has_more_than_was_sent() {
    let mut from = sender(10);
    from.offer();
    assert_eq!(from.handle_accept(1), Err(Error::Offset));
    from.handle_accept(0).unwrap();
    assert_eq!(from.handle_received(1), Err(Error::Offset));
    assert_eq!(from.handle_finished(), Err(Error::Turn));
    assert!(from.handle_read(0, vec![0; 9]).is_none(), "not all of it");
    assert!(from.handle_read(0, vec![0; 10]).is_some());
    assert!(from.handle_hash([0; 32]).is_some());
    from.handle_finished().unwrap();
}

#[test]
fn a_yes_that_meets_the_repeated_offer_is_taken_once() {
    let (mut from, mut to) = (sender(CHUNK as u64 + 3), receiver(CHUNK as u64 + 3));
    from.offer();
    // A new epoch: the offer is repeated, and before it comes the receiver's person says yes.
    from.offer();
    let yes = to.accept();
    let Ok(Some(answer)) = to.handle_offer(&Kind::File, CHUNK as u64 + 3) else {
        panic!("it was taken before")
    };
    assert_eq!(yes, answer);
    from.handle_accept(0).unwrap();
    assert!(from.handle_read(0, vec![0; CHUNK]).is_some());
    from.handle_accept(0).unwrap();
    let rest = from.poll_part().unwrap();
    assert_eq!(rest.offset, CHUNK as u64, "nothing is sent twice");
    assert_eq!(from.handle_accept(CHUNK as u64 + 1), Err(Error::Offset));
}

#[test]
fn a_disk_that_stalls_over_two_losses_makes_the_sender_wait() {
    let size = 4 * WINDOW;
    let (mut from, mut to) = (sender(size), receiver(size));
    let mut accepted = Some(to.accept());
    for _ in 0..3 {
        from.offer();
        if let Some(Message::Accept { from: at, .. }) = accepted {
            from.handle_accept(at).unwrap();
        }
        while let Some(part) = from.poll_part() {
            from.handle_read(part.offset, vec![0; part.length]).unwrap();
            to.handle_chunk(part.offset, part.length).unwrap();
        }
        accepted = to.handle_offer(&Kind::File, size).unwrap();
    }
    assert_eq!(accepted, None, "nearly two windows are held");
    let told: Vec<Message> = (0..17).filter_map(|_| to.handle_written(CHUNK)).collect();
    assert!(matches!(told[..], [Message::Accept { from: at, .. }] if at == from.sent()));
}

#[test]
fn a_finish_that_was_lost_counts_in_the_next_epoch() {
    let mut from = sender(3);
    from.offer();
    from.handle_accept(0).unwrap();
    from.handle_read(0, vec![0; 3]).unwrap();
    assert_eq!(
        from.handle_finished(),
        Err(Error::Turn),
        "no hash was stated"
    );
    from.handle_hash([0; 32]).unwrap();
    from.offer();
    from.handle_finished().unwrap();
}

#[test]
fn names_are_made_harmless() {
    let long = "ä".repeat(300) + ".tar.gz";
    for (given, kept) in [
        ("report.pdf", "report.pdf"),
        ("Straße 12.txt", "Straße 12.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("a/", "file"),
        ("/dev/null", "null"),
        (".bashrc", "bashrc"),
        ("...hidden", "hidden"),
        ("name. . ", "name"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("Com1", "_Com1"),
        ("LPT9.log", "_LPT9.log"),
        ("com¹", "_com¹"),
        ("nul .x", "_nul .x"),
        ("commander", "commander"),
        ("a\nb\u{7}c", "abc"),
        ("gpj.\u{202e}exe", "gpj.exe"),
        ("a\u{200b}b", "ab"),
        ("a:b|c?.txt", "a_b_c_.txt"),
        ("\u{2028}", "file"),
    ] {
        assert_eq!(harmless(given), kept, "{given:?}");
    }
    let short = harmless(&long);
    assert!(
        short.len() <= LONGEST_NAME && short.ends_with(".gz"),
        "{short}"
    );
}

proptest! {
    #[test]
    fn any_name_is_made_harmless_once(name in "\\PC{0,300}|[./\\\\ \u{0}-\u{1f}a]{0,40}") {
        let kept = harmless(&name);
        prop_assert!(!kept.is_empty() && kept.len() <= LONGEST_NAME);
        prop_assert!(!kept.contains(['/', '\\', '\0']) && !kept.starts_with('.'));
        prop_assert!(!kept.ends_with(['.', ' ']));
        prop_assert!(crate::wire::plain(&kept));
        prop_assert_eq!(harmless(&kept), kept.clone());
        let numbered = with_number(&kept, 4_000_000_000);
        prop_assert!(numbered.len() <= LONGEST_NAME && numbered != kept);
    }
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    assert_eq!(with_number("report.pdf", 2), "report (2).pdf");
    assert_eq!(with_number("Makefile", 3), "Makefile (3)");
}

#[test]
fn a_preview_reads_as_it_is_written() {
    assert_eq!(preview("a\n\tb \u{202e}c", 40), ("a b c".into(), true));
    assert_eq!(preview("abcdef", 3), ("abc".into(), false));
    assert_eq!(preview("", 3), (String::new(), true));
}

#[test]
fn sizes_as_people_read_them() {
    for (bytes, shown) in [
        (0, "0 B"),
        (999, "999 B"),
        (1_500, "1,5 kB"),
        (2_048_000, "2,0 MB"),
        (123_456_789, "123 MB"),
        (1_073_741_824, "1,0 GB"),
    ] {
        assert_eq!(size_text(bytes, ','), shown);
    }
}
