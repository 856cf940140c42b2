//! Two ends and the bytes between them.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// Moves everything that can be moved.
fn exchange(a: &mut Mux, b: &mut Mux) {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let sent = a.poll_transmit(&mut bytes, SEGMENT);
        b.handle(&bytes).unwrap();
        bytes.clear();
        let answered = b.poll_transmit(&mut bytes, SEGMENT);
        a.handle(&bytes).unwrap();
        while a.poll_event().is_some() {}
        while b.poll_event().is_some() {}
        if !sent && !answered {
            return;
        }
    }
}

fn write(mux: &mut Mux, id: SendId, bytes: &[u8]) -> usize {
    let mut rest = Bytes::copy_from_slice(bytes);
    mux.write(id, &mut rest).unwrap();
    bytes.len() - rest.len()
}

/// Writes as much as the windows take while nobody reads.
fn fill(a: &mut Mux, b: &mut Mux, id: SendId) -> usize {
    let mut all = 0;
    loop {
        let taken = write(a, id, &[7; SEND_BUFFER]);
        exchange(a, b);
        all += taken;
        if taken == 0 {
            return all;
        }
    }
}

fn read_all(mux: &mut Mux, id: ReceiveId) -> (usize, Read) {
    let mut all = 0;
    loop {
        match mux.read(id, usize::MAX) {
            Read::Chunk(chunk) => all += chunk.len(),
            end @ (Read::Nothing | Read::End | Read::Cancelled) => return (all, end),
        }
    }
}

#[test]
fn a_right_overtakes_a_picture_at_the_next_segment() {
    let (mut a, mut b) = (Mux::default(), Mux::default());
    let picture = a.open(Class::Picture.priority()).unwrap();
    assert_eq!(write(&mut a, picture, &[8; 1 << 20]), SEND_BUFFER);
    let mut first = Vec::new();
    assert!(a.poll_transmit(&mut first, 1));
    assert_eq!(first.len(), 7 + SEGMENT);
    let rights = a.open(Class::Rights.priority()).unwrap();
    write(&mut a, rights, b"none");
    let mut second = Vec::new();
    assert!(a.poll_transmit(&mut second, 1));
    assert_eq!(second, b"\x00\x00\x00\x00\x02\x00\x04none");
    b.handle(&first).unwrap();
    b.handle(&second).unwrap();
    assert!(b.accept().is_some());
    let seen = b.accept().unwrap();
    assert_eq!(b.read(seen, 100), Read::Chunk(Bytes::from_static(b"none")));
}

#[test]
fn unread_pictures_hold_up_neither_rights_nor_messages_nor_beacons() {
    let (mut a, mut b) = (Mux::default(), Mux::default());
    let mut all = 0;
    for _ in 0..STREAMS - 2 {
        let picture = a.open(Class::Picture.priority()).unwrap();
        all += fill(&mut a, &mut b, picture);
    }
    let waiting = (STREAMS - 2) * SEND_BUFFER;
    assert!(b.held() <= WINDOW - RESERVE && all <= WINDOW - RESERVE + waiting);
    for class in [Class::Rights, Class::Beacon] {
        let stream = a.open(class.priority()).unwrap();
        write(&mut a, stream, &[1; 100]);
    }
    assert_eq!(a.open(Class::Rights.priority()), None);
    write(&mut a, SendId::MESSAGES, b"hello");
    exchange(&mut a, &mut b);
    assert!(b.has_come(ReceiveId::MESSAGES));
    let mut small = 0;
    while let Some(id) = b.accept() {
        if let Read::Chunk(chunk) = b.read(id, 200)
            && chunk.len() == 100
        {
            small += 1;
        }
    }
    assert_eq!(small, 2);
}

#[test]
fn a_stream_goes_on_when_it_is_read_and_ends_once() {
    let (mut a, mut b) = (Mux::default(), Mux::default());
    let picture = a.open(Class::Picture.priority()).unwrap();
    let wanted = 4 << 20;
    let mut left = wanted;
    let mut got = 0;
    let mut id = None;
    while left > 0 {
        left -= write(&mut a, picture, &vec![3; left.min(100_000)]);
        exchange(&mut a, &mut b);
        id = id.or_else(|| b.accept());
        got += read_all(&mut b, id.unwrap()).0;
        assert!(b.held() <= STREAM_WINDOW);
    }
    a.finish(picture).unwrap();
    assert_eq!(a.fate(picture), Fate::Open);
    exchange(&mut a, &mut b);
    assert_eq!(a.fate(picture), Fate::Delivered, "it is there, read or not");
    let (rest, end) = read_all(&mut b, id.unwrap());
    assert_eq!((got + rest, end), (wanted, Read::End));
    exchange(&mut a, &mut b);
    assert_eq!((a.fate(picture), b.held()), (Fate::Delivered, 0));
}

#[test]
fn what_is_cancelled_is_sent_no_further_and_frees_the_windows() {
    let (mut a, mut b) = (Mux::default(), Mux::default());
    let picture = a.open(Class::Picture.priority()).unwrap();
    assert!(fill(&mut a, &mut b, picture) > STREAM_WINDOW);
    a.cancel(picture);
    let mut bytes = Vec::new();
    a.poll_transmit(&mut bytes, usize::MAX);
    assert_eq!(bytes, [2, 0, 0, 0, 1]);
    b.handle(&bytes).unwrap();
    let id = b.accept().unwrap();
    assert_eq!(b.read(id, 1), Read::Cancelled);
    assert_eq!(b.held(), 0);
    exchange(&mut a, &mut b);
    // Also what is complete, as long as nobody has read it; and what never left is never seen.
    let second = a.open(Class::Picture.priority()).unwrap();
    write(&mut a, second, &[1; 1000]);
    a.finish(second).unwrap();
    exchange(&mut a, &mut b);
    a.cancel(second);
    let third = a.open(Class::Picture.priority()).unwrap();
    write(&mut a, third, &[1; 1000]);
    a.cancel(third);
    exchange(&mut a, &mut b);
    let id = b.accept().unwrap();
    assert_eq!(b.read(id, 1), Read::Cancelled);
    assert_eq!(b.accept(), None);
    exchange(&mut a, &mut b);
    let opened = (0..STREAMS).filter_map(|_| a.open(1)).count();
    assert_eq!(opened, STREAMS, "every place is free again");
}

#[test]
fn a_refused_stream_ends_and_its_bytes_take_no_room() {
    let (mut a, mut b) = (Mux::default(), Mux::default());
    let picture = a.open(Class::Picture.priority()).unwrap();
    fill(&mut a, &mut b, picture);
    let id = b.accept().unwrap();
    b.release_receiver(id);
    exchange(&mut a, &mut b);
    assert_eq!(a.fate(picture), Fate::Refused);
    assert!(a.write(picture, &mut Bytes::from_static(b"x")).is_err());
    assert_eq!(b.held(), 0);
}

#[test]
fn who_does_not_keep_to_the_windows_and_numbers_is_found() {
    let mut data = Vec::new();
    for _ in 0..STREAM_WINDOW / SEGMENT + 1 {
        segment::write_data_head(&mut data, 1, SEGMENT);
        data.extend([0; SEGMENT]);
    }
    assert_eq!(Mux::default().handle(&data), Err(Violation::Window(1)));
    let mut many = Vec::new();
    for stream in 1..=STREAMS as u32 + 1 {
        segment::write_data_head(&mut many, stream, 1);
        many.push(0);
    }
    assert_eq!(Mux::default().handle(&many), Err(Violation::Stream(65)));
    let mut whole = Vec::new();
    for stream in 1..=9 {
        for _ in 0..STREAM_WINDOW / SEGMENT {
            segment::write_data_head(&mut whole, stream, SEGMENT);
            whole.extend([0; SEGMENT]);
        }
    }
    assert_eq!(Mux::default().handle(&whole), Err(Violation::Window(9)));
    for (segment, violation) in [
        (Segment::Finish(2), Violation::Stream(2)),
        (Segment::Cancel(1), Violation::Stream(1)),
        (Segment::Room(0, 1), Violation::Window(0)),
        (Segment::Room(1, 1), Violation::Stream(1)),
        (Segment::Refuse(1), Violation::Stream(1)),
        (Segment::Got(0), Violation::Stream(0)),
        (Segment::Done(0), Violation::Stream(0)),
    ] {
        let mut bytes = Vec::new();
        segment.write(&mut bytes);
        assert_eq!(Mux::default().handle(&bytes), Err(violation));
    }
    let mut after = Vec::new();
    Segment::Finish(1).write(&mut after);
    segment::write_data_head(&mut after, 1, 1);
    after.push(0);
    assert_eq!(Mux::default().handle(&after), Err(Violation::Stream(1)));
}

#[test]
fn nobody_opens_streams_who_may_not() {
    let mut mux = Mux::default();
    mux.allow(0);
    mux.handle(b"\x00\x00\x00\x00\x00\x00\x05hello").unwrap();
    let mut first = Vec::new();
    segment::write_data_head(&mut first, 1, 1);
    first.push(0);
    assert_eq!(mux.handle(&first), Err(Violation::Stream(1)));
    let mut later = Mux::default();
    later.allow(0);
    later.allow(STREAMS);
    later.handle(&first).unwrap();
}

#[test]
fn who_does_not_read_what_is_told_makes_nothing_pile_up() {
    let mut mux = Mux::default();
    for number in 1..=STREAMS as u32 {
        let mut finish = Vec::new();
        Segment::Finish(number).write(&mut finish);
        mux.handle(&finish).unwrap();
        let id = mux.accept().unwrap();
        assert_eq!(mux.read(id, 1), Read::End);
        mux.release_receiver(id);
    }
    // Over here; to who has opened them they are open until they are done.
    let next = STREAMS as u32 + 1;
    let mut finish = Vec::new();
    Segment::Finish(next).write(&mut finish);
    let mut told = Vec::new();
    mux.poll_transmit(&mut told, usize::MAX);
    mux.handle(&finish).unwrap();
    for number in next + 1..next + STREAMS as u32 {
        let mut finish = Vec::new();
        Segment::Finish(number).write(&mut finish);
        mux.handle(&finish).unwrap();
    }
    while let Some(id) = mux.accept() {
        assert_eq!(mux.read(id, 1), Read::End);
    }
    let mut finish = Vec::new();
    Segment::Finish(next + STREAMS as u32).write(&mut finish);
    assert!(matches!(mux.handle(&finish), Err(Violation::Stream(_))));
}

#[test]
fn small_segments_take_no_more_memory_than_their_bytes() {
    let mut mux = Mux::default();
    let mut data = Vec::new();
    for _ in 0..100_000 {
        segment::write_data_head(&mut data, 1, 1);
        data.push(0);
    }
    mux.handle(&data).unwrap();
    let id = mux.accept().unwrap();
    let mut chunks = 0;
    while let Read::Chunk(_) = mux.read(id, usize::MAX) {
        chunks += 1;
    }
    assert_eq!(chunks, 100_000usize.div_ceil(SEGMENT));
}

#[test]
fn pings_are_answered_and_a_goodbye_is_the_last_word() {
    let (mut a, mut b) = (Mux::default(), Mux::default());
    for value in 0..1000 {
        a.ping(value);
    }
    let mut bytes = Vec::new();
    a.poll_transmit(&mut bytes, usize::MAX);
    b.handle(&bytes.repeat(1000)).unwrap();
    bytes.clear();
    b.poll_transmit(&mut bytes, usize::MAX);
    a.handle(&bytes).unwrap();
    assert_eq!(a.poll_event(), Some(Event::Pong(999)));
    assert_eq!(a.poll_event(), None);

    write(&mut a, SendId::MESSAGES, b"never said");
    a.close(3, b"messages are not read");
    bytes.clear();
    assert!(a.poll_transmit(&mut bytes, usize::MAX));
    b.handle(&bytes).unwrap();
    assert_eq!(b.poll_event(), Some(Event::Closed));
    assert_eq!(b.goodbye(), Some((3, &b"messages are not read"[..])));
    assert!(!b.has_come(ReceiveId::MESSAGES));
    assert!(!a.poll_transmit(&mut bytes, usize::MAX));
}

#[derive(Debug, Clone)]
enum Op {
    Open(u8),
    Write(usize, usize),
    Finish(usize),
    Cancel(usize),
    Release(usize),
    Transmit(bool, usize),
    Read(usize, usize),
    Refuse(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (2u8..10).prop_map(Op::Open),
        (any::<usize>(), 1usize..60_000).prop_map(|(at, n)| Op::Write(at, n)),
        (any::<usize>(), 1usize..60_000).prop_map(|(at, n)| Op::Write(at, n)),
        any::<usize>().prop_map(Op::Finish),
        any::<usize>().prop_map(Op::Cancel),
        any::<usize>().prop_map(Op::Release),
        (any::<bool>(), 1usize..40_000).prop_map(|(back, n)| Op::Transmit(back, n)),
        (any::<bool>(), 1usize..40_000).prop_map(|(back, n)| Op::Transmit(back, n)),
        (any::<usize>(), 1usize..100_000).prop_map(|(at, n)| Op::Read(at, n)),
        (any::<usize>(), 1usize..100_000).prop_map(|(at, n)| Op::Read(at, n)),
        any::<usize>().prop_map(Op::Refuse),
    ]
}

/// What one stream was given and gave: every byte tells stream and place.
#[derive(Default)]
struct Ledger {
    written: usize,
    cancelled: bool,
    ended: bool,
}

/// One stream at its reader.
#[derive(Default)]
struct Seen {
    id: Option<ReceiveId>,
    bytes: Vec<u8>,
    end: Option<Read>,
    refused: bool,
}

impl Seen {
    fn new(id: ReceiveId) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }
}

fn pattern(stream: usize, at: usize) -> u8 {
    (stream * 31 + at * 7) as u8
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens in whatever order: bytes arrive in order, once, unaltered; a stream that was
    /// finished and neither cancelled nor refused arrives whole; windows and places come back.
    #[test]
    fn streams_keep_their_bytes(ops in proptest::collection::vec(op(), 1..400)) {
        let (mut a, mut b) = (Mux::default(), Mux::default());
        // Streams by their order of opening at `a`; the first data carries that order in two bytes.
        let mut sent: Vec<(Option<SendId>, Ledger)> = Vec::new();
        let mut got: Vec<Seen> = Vec::new();
        let step = |a: &mut Mux, b: &mut Mux, back: bool, most: usize| {
            let (from, to) = if back { (b, a) } else { (a, b) };
            let mut bytes = Vec::new();
            let moved = from.poll_transmit(&mut bytes, most);
            to.handle(&bytes).map(|()| moved)
        };
        let read = |b: &mut Mux, stream: &mut Seen, n| {
            let Some(id) = stream.id else { return false };
            match b.read(id, n) {
                Read::Chunk(chunk) => stream.bytes.extend_from_slice(&chunk),
                Read::Nothing => return false,
                end @ (Read::End | Read::Cancelled) => {
                    stream.end = Some(end);
                    stream.id = None;
                }
            }
            true
        };
        for op in ops {
            match op {
                Op::Open(priority) => if let Some(id) = a.open(i32::from(priority)) {
                    let place = sent.len();
                    sent.push((Some(id), Ledger { written: 2, ..Ledger::default() }));
                    let mut head = Bytes::copy_from_slice(&(place as u16).to_be_bytes());
                    a.write(id, &mut head).unwrap();
                },
                Op::Write(at, n) if !sent.is_empty() => {
                    let place = at % sent.len();
                    let (id, ledger) = &mut sent[place];
                    if let Some(id) = *id {
                        let data: Vec<u8> = (0..n).map(|i| pattern(place, ledger.written + i)).collect();
                        let mut data = Bytes::from(data);
                        if a.write(id, &mut data).is_ok() {
                            ledger.written += n - data.len();
                        }
                    }
                }
                Op::Finish(at) if !sent.is_empty() => {
                    let place = at % sent.len();
                    if let (Some(id), _) = &sent[place] {
                        a.finish(*id).ok();
                    }
                }
                Op::Cancel(at) if !sent.is_empty() => {
                    let place = at % sent.len();
                    if let (Some(id), ledger) = &mut sent[place] {
                        a.cancel(*id);
                        ledger.cancelled = true;
                    }
                }
                Op::Release(at) if !sent.is_empty() => {
                    let place = at % sent.len();
                    if let Some(id) = sent[place].0.take() {
                        a.release_sender(id);
                    }
                }
                Op::Transmit(back, most) => drop(step(&mut a, &mut b, back, most).unwrap()),
                Op::Read(at, n) if !got.is_empty() => {
                    let place = at % got.len();
                    read(&mut b, &mut got[place], n);
                }
                Op::Refuse(at) if !got.is_empty() => {
                    let place = at % got.len();
                    if let Some(id) = got[place].id.take() {
                        b.release_receiver(id);
                        got[place].refused = true;
                    }
                }
                Op::Write(..) | Op::Finish(_) | Op::Cancel(_) | Op::Release(_) | Op::Read(..) | Op::Refuse(_) => {}
            }
            while let Some(id) = b.accept() {
                got.push(Seen::new(id));
            }
            prop_assert!(b.held() <= WINDOW);
        }
        // To the end: everything is finished, moved and read.
        for (id, _) in &mut sent {
            if let Some(id) = id.take() {
                a.release_sender(id);
            }
        }
        loop {
            let mut moved = step(&mut a, &mut b, false, SEGMENT).unwrap();
            moved |= step(&mut a, &mut b, true, SEGMENT).unwrap();
            while let Some(id) = b.accept() {
                got.push(Seen::new(id));
            }
            for stream in &mut got {
                moved |= read(&mut b, stream, usize::MAX);
            }
            if !moved { break }
        }
        prop_assert_eq!(b.held(), 0);
        prop_assert_eq!((0..=STREAMS).filter_map(|_| a.open(1)).count(), STREAMS);
        for Seen { bytes, end, refused, .. } in got {
            prop_assert!(refused || end.is_some());
            let Some(head) = bytes.first_chunk::<2>() else { continue };
            let place = usize::from(u16::from_be_bytes(*head));
            for (at, byte) in bytes.iter().enumerate().skip(2) {
                prop_assert_eq!(*byte, pattern(place, at));
            }
            let ledger = &mut sent[place].1;
            prop_assert!(!ledger.ended, "a stream arrives once");
            ledger.ended = true;
            if end == Some(Read::End) {
                prop_assert_eq!(bytes.len(), ledger.written);
            }
            if !refused && !ledger.cancelled {
                prop_assert_eq!(end, Some(Read::End));
            }
        }
    }
}
