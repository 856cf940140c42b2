//! Texts and files at the technician's end, against an agent and a disk that tests play.

use std::path::PathBuf;

use fernsicht_protocol::transfer::{Kind, Message, Part, Reason};

use super::*;
use crate::session::disk::{Done, Job, Ticket, Work};
use crate::view::{Piece, PieceState, Wish};

/// A recorded session under control.
fn desk() -> Pair {
    let (mut pair, mut relay) = office(Role::Checkpoint);
    pair.recorded(&mut relay, 1);
    pair
}

/// What the console wants: said to the agent, and done on the disk.
#[derive(Debug, Default)]
struct Wanted {
    said: Vec<Message>,
    jobs: Vec<Job>,
}

impl Pair {
    fn wish(&mut self, wish: Wish) -> Wanted {
        self.core.handle_wish(wish);
        self.wanted()
    }

    fn agent_says(&mut self, message: &Message) -> Wanted {
        let grant = self.peer.grant;
        let frame = self.frame(Class::Transfer, grant, Rights::Control, &message.to_bytes());
        self.core.handle_record(Record::Frame(frame));
        self.wanted()
    }

    fn disk_says(&mut self, ticket: Ticket, done: Done) -> Wanted {
        self.core.handle_disk(ticket, done);
        self.wanted()
    }

    fn wanted(&mut self) -> Wanted {
        let mut wanted = Wanted::default();
        for output in outputs(&mut self.core) {
            match output {
                Output::Disk(job) => wanted.jobs.push(job),
                Output::Frame(frame) if frame.header.class == Class::Transfer => {
                    let content = self.peer.opener.as_mut().unwrap().open(frame).unwrap();
                    wanted.said.push(Message::from_bytes(&content).unwrap());
                }
                Output::Frame(_)
                | Output::Relay(_)
                | Output::Code(_)
                | Output::Fresh
                | Output::Blank
                | Output::Forget
                | Output::Picture(_)
                | Output::Pointer(_)
                | Output::Goodbye(_)
                | Output::Close => {}
            }
        }
        wanted
    }

    fn piece(&self) -> Piece {
        self.session().piece.expect("a piece is shown")
    }

    /// A file of three bytes is offered. Its ticket.
    fn offered_file(&mut self) -> Ticket {
        let mut wanted = self.wish(Wish::File(PathBuf::from("/tmp/../a.txt")));
        let Some(Job {
            ticket,
            work: Work::Open(_),
        }) = wanted.jobs.pop()
        else {
            panic!("it is opened first: {wanted:?}")
        };
        assert!(wanted.said.is_empty(), "nothing is offered unread");
        let wanted = self.disk_says(ticket, Done::Opened { size: 3 });
        let [
            Message::Offer {
                id,
                kind,
                name,
                size,
            },
        ] = &wanted.said[..]
        else {
            panic!("an offer: {wanted:?}")
        };
        assert_eq!(
            (*id, kind, name.as_str(), *size),
            (ticket.piece, &Kind::File, "a.txt", 3)
        );
        ticket
    }

    /// The customer sends a file of three bytes.
    fn coming_file(&mut self) -> Ticket {
        let wanted = self.wish(Wish::Ask(PathBuf::from("/tmp")));
        let [Message::Ask { id }] = wanted.said[..] else {
            panic!("a question: {wanted:?}")
        };
        let mut wanted = self.agent_says(&Message::Offer {
            id,
            kind: Kind::File,
            name: Text::new("..\\NUL").unwrap(),
            size: 3,
        });
        let Some(Job {
            ticket,
            work: Work::Create { name, size, .. },
        }) = wanted.jobs.pop()
        else {
            panic!("a place for it: {wanted:?}")
        };
        assert_eq!((name.as_str(), size), ("_NUL", 3));
        assert!(wanted.said.is_empty(), "not taken before there is one");
        ticket
    }
}

#[test]
fn a_file_goes_part_by_part_and_is_told_whole_only_when_the_agent_says_so() {
    let mut pair = desk();
    let ticket = pair.offered_file();
    assert_eq!(pair.piece().state, PieceState::Waiting);
    let id = ticket.piece;
    let wanted = pair.agent_says(&Message::Accept { id, from: 0 });
    let part = Part {
        offset: 0,
        length: 3,
    };
    assert!(
        matches!(&wanted.jobs[..], [Job { work: Work::Read(read), .. }] if *read == part),
        "{wanted:?}"
    );
    let wanted = pair.disk_says(ticket, Done::Read(part, b"abc".to_vec()));
    let chunk = Message::Chunk {
        id,
        offset: 0,
        bytes: Blob(b"abc".to_vec()),
    };
    assert_eq!(wanted.said, [chunk]);
    assert!(matches!(
        &wanted.jobs[..],
        [Job {
            work: Work::Sum,
            ..
        }]
    ));
    let hash = hash(b"abc");
    let wanted = pair.disk_says(ticket, Done::Summed(hash));
    assert_eq!(wanted.said, [Message::Done { id, hash }]);
    pair.agent_says(&Message::Received { id, to: 3 });
    assert_eq!(pair.piece().state, PieceState::Running { percent: 100 });
    pair.agent_says(&Message::Finished { id });
    assert_eq!(pair.piece().state, PieceState::Delivered);
}

#[test]
fn a_file_comes_into_its_place_under_a_harmless_name() {
    let mut pair = desk();
    let ticket = pair.coming_file();
    let id = ticket.piece;
    let wanted = pair.disk_says(ticket, Done::Created);
    assert_eq!(wanted.said, [Message::Accept { id, from: 0 }]);
    let bytes = Blob(b"abc".to_vec());
    let offset = 0;
    let wanted = pair.agent_says(&Message::Chunk { id, offset, bytes });
    assert!(matches!(&wanted.jobs[..], [Job { work: Work::Write(bytes), .. }] if bytes == b"abc"));
    let hash = hash(b"abc");
    let wanted = pair.agent_says(&Message::Done { id, hash });
    assert!(wanted.jobs.is_empty(), "not all is written");
    let wanted = pair.disk_says(ticket, Done::Written(3));
    assert!(matches!(&wanted.jobs[..], [Job { work: Work::Place(sum), .. }] if *sum == hash));
    let path = PathBuf::from("/tmp/_NUL");
    let wanted = pair.disk_says(ticket, Done::Placed(path.clone()));
    assert_eq!(wanted.said, [Message::Finished { id }]);
    assert_eq!(pair.piece().state, PieceState::Received(path));
}

#[test]
fn what_the_disk_refuses_is_told_to_both_and_leaves_nothing() {
    for reason in [Reason::DiskFull, Reason::NotWritable] {
        let mut pair = desk();
        let ticket = pair.coming_file();
        let id = ticket.piece;
        let wanted = pair.disk_says(ticket, Done::Failed(reason.clone()));
        let cancel = Message::Cancel {
            id,
            reason: reason.clone(),
        };
        assert_eq!(wanted.said, [cancel]);
        assert!(matches!(
            &wanted.jobs[..],
            [Job {
                work: Work::Discard,
                ..
            }]
        ));
        assert_eq!(pair.piece().state, PieceState::Ended(reason));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_not_even_offered() {
    let mut pair = desk();
    let wanted = pair.wish(Wish::File(PathBuf::from("/tmp/none")));
    let ticket = wanted.jobs[0].ticket;
    let wanted = pair.disk_says(ticket, Done::Failed(Reason::Unreadable));
    assert!(wanted.said.is_empty(), "{wanted:?}");
    assert_eq!(pair.piece().state, PieceState::Ended(Reason::Unreadable));
}

#[test]
fn an_agent_that_sends_what_was_not_taken_ends_the_piece_and_not_the_session() {
    let chunk = |id, offset, bytes: &[u8]| Message::Chunk {
        id,
        offset,
        bytes: Blob(bytes.to_vec()),
    };
    let mut pair = desk();
    let ticket = pair.coming_file();
    let id = ticket.piece;
    // Before its Accept, beyond the end, out of order, and an answer to what goes the other way.
    let wrong = [
        chunk(id, 0, b"abc"),
        chunk(id, 0, b"abcd"),
        chunk(id, 1, b"bc"),
        Message::Accept { id, from: 0 },
    ];
    for (number, message) in wrong.iter().enumerate() {
        let mut pair = desk();
        let ticket = pair.coming_file();
        if number > 0 {
            pair.disk_says(ticket, Done::Created);
        }
        let wanted = pair.agent_says(message);
        let reason = Reason::Fault;
        assert_eq!(wanted.said, [Message::Cancel { id, reason }], "{message:?}");
        assert_eq!(pair.piece().state, PieceState::Ended(Reason::Fault));
        assert!(pair.session().takes_pieces, "the session goes on");
    }
    // Of another piece it is nothing at all.
    let wanted = pair.agent_says(&chunk(id + 1, 0, b"abc"));
    assert!(wanted.said.is_empty() && wanted.jobs.is_empty());
}

#[test]
fn a_revocation_ends_the_piece_and_a_late_disk_changes_nothing() {
    let mut pair = desk();
    let ticket = pair.coming_file();
    pair.rights(Rights::None, Cause::Stopped);
    assert_eq!(pair.piece().state, PieceState::Ended(Reason::Stopped));
    let wanted = pair.disk_says(ticket, Done::Created);
    assert!(
        wanted.said.is_empty() && wanted.jobs.is_empty(),
        "{wanted:?}"
    );
}

#[test]
fn a_disk_that_answers_after_the_session_disturbs_no_piece_of_the_next_one() {
    let mut pair = desk();
    let ticket = pair.coming_file();
    // Another session has a piece of the same number.
    let late = Ticket {
        session: [6; 16],
        ..ticket
    };
    let wanted = pair.disk_says(late, Done::Failed(Reason::DiskFull));
    assert!(
        wanted.said.is_empty() && wanted.jobs.is_empty(),
        "{wanted:?}"
    );
    assert_eq!(pair.piece().state, PieceState::Running { percent: 0 });
    let wanted = pair.disk_says(ticket, Done::Created);
    assert_eq!(wanted.said.len(), 1, "its own is taken");
}
