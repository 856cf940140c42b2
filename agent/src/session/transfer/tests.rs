//! The core's end of texts and files, with a guard in a recorded session and a thread of pieces that tests play.

use fernsicht_protocol::wire::Blob;

use super::desk::Desk;
use super::*;

impl Desk {
    fn say(&self, message: Message) {
        self.change(|core| core.handle_transfer(self.now, message));
    }

    fn offer_file(&self, id: u32) {
        self.say(Message::Offer {
            id,
            kind: Kind::File,
            name: Text::new("a.txt").unwrap(),
            size: 3,
        });
    }

    /// A text comes whole.
    fn send_text(&self, id: u32, text: &str) {
        self.send_pieces(id, text, || {});
    }

    /// As a text; `before` happens when only its end is missing.
    fn send_pieces(&self, id: u32, text: &str, before: impl FnOnce()) {
        self.say(Message::Offer {
            id,
            kind: Kind::Text,
            name: Text::default(),
            size: text.len() as u64,
        });
        let bytes = Blob(text.as_bytes().to_vec());
        let offset = 0;
        self.say(Message::Chunk { id, offset, bytes });
        before();
        let hash = hash(text.as_bytes());
        self.say(Message::Done { id, hash });
    }

    /// What the question is called that an answer is to; none if there is none.
    fn asked(&self) -> Option<u64> {
        self.change(|core| match core.piece_shown()? {
            view::Transfer::AskText { ask, .. }
            | view::Transfer::AskFile { ask, .. }
            | view::Transfer::AskForFile { ask, .. } => Some(ask),
            view::Transfer::Coming { .. }
            | view::Transfer::Going { .. }
            | view::Transfer::Over(_) => None,
        })
    }

    fn answer_no(&self) {
        let ask = self.asked().expect("a question");
        let no = |core: &mut Core| core.refuse_piece(self.now, Hand::pressed(self.now), ask);
        self.change(no).unwrap();
    }

    fn answer_yes(&self) {
        let ask = self.asked().expect("a question");
        let folder = PathBuf::from("/home/erika");
        let yes =
            |core: &mut Core| core.allow_piece(self.now, Hand::pressed(self.now), ask, folder);
        self.change(yes).unwrap();
    }

    /// The thread of pieces says what came of a job of this session's.
    fn done(&self, id: u32, done: Done) {
        self.change(|core| {
            let ticket = core.transfers.ticket(id);
            core.job_done(self.now, ticket, done);
        });
    }

    /// What the thread of pieces is to do next.
    fn job(&self) -> Option<Work> {
        self.change(|core| Some(core.transfers.jobs.pop_front()?.work))
    }

    fn shown(&self) -> Option<view::Transfer> {
        self.change(|core| core.piece_shown())
    }

    /// A file of three bytes is asked about, allowed, and has its place.
    fn coming_file(&self, id: u32) {
        self.offer_file(id);
        assert!(self.job().is_none(), "nothing before consent");
        self.answer_yes();
        let made = self.job();
        assert!(matches!(made, Some(Work::Create { name, .. }) if name == "a.txt"));
        self.done(id, Done::Created);
    }

    /// Why the last piece is over, as the technician was told.
    fn told(&self) -> Option<Reason> {
        self.change(|core| match &core.transfers.over {
            Some(Message::Cancel { reason, .. }) => Some(reason.clone()),
            Some(_) | None => None,
        })
    }
}

#[test]
fn after_a_no_the_technician_waits_and_reads_how_long() {
    let mut desk = Desk::new();
    desk.offer_file(1);
    desk.answer_no();
    assert_eq!(desk.told(), Some(Reason::Refused));
    desk.pass(2);
    desk.offer_file(2);
    assert_eq!(desk.asked(), None, "the customer is not asked");
    assert!(
        desk.change(|core| core.guard.rights().control()),
        "nothing is suspended"
    );
    assert_eq!(desk.told(), Some(Reason::TooSoon { seconds: 8 }));
    // Something else may be asked.
    desk.send_text(3, "ping");
    desk.answer_yes();
    desk.done(3, Done::Clipped);
    desk.pass(8);
    desk.offer_file(4);
    desk.answer_no();
    desk.pass(59);
    desk.offer_file(5);
    assert_eq!(desk.told(), Some(Reason::TooSoon { seconds: 1 }));
    desk.pass(1);
    desk.offer_file(6);
    desk.answer_no();
    desk.pass(600);
    desk.offer_file(7);
    assert_eq!(desk.asked(), None);
    assert_eq!(desk.told(), Some(Reason::TooOften));
}

#[test]
fn silence_and_questions_that_are_taken_back_count_as_a_no() {
    let mut desk = Desk::new();
    desk.say(Message::Ask { id: 1 });
    let (id, reason) = (1, Reason::Technician);
    desk.say(Message::Cancel { id, reason });
    desk.pass(5);
    desk.say(Message::Ask { id: 2 });
    assert_eq!(desk.told(), Some(Reason::TooSoon { seconds: 5 }));
    desk.pass(5);
    desk.say(Message::Ask { id: 3 });
    // Nobody answers; the pause begins when that is known.
    desk.pass(300);
    assert_eq!(desk.told(), Some(Reason::Silence));
    desk.pass(59);
    desk.say(Message::Ask { id: 4 });
    assert_eq!(desk.told(), Some(Reason::TooSoon { seconds: 1 }));
}

#[test]
fn a_text_that_was_never_asked_about_counts_for_nothing() {
    let mut desk = Desk::new();
    for id in 1..6 {
        desk.say(Message::Offer {
            id,
            kind: Kind::Text,
            name: Text::default(),
            size: 4,
        });
        let reason = Reason::Technician;
        desk.say(Message::Cancel { id, reason });
        desk.pass(1);
    }
    desk.send_text(6, "ping");
    assert!(desk.asked().is_some());
}

#[test]
fn a_text_that_could_not_be_asked_about_counts_for_nothing() {
    const OTHER: u32 = 99;
    let mut desk = Desk::new();
    for id in 1..6 {
        let now = desk.now;
        desk.send_pieces(id, "ping", || {
            // Something else is asked meanwhile.
            desk.change(|core| core.guard.ask_transfer(now, OTHER))
                .unwrap();
        });
        assert!(desk.asked().is_none());
        let no = |core: &mut Core| {
            let act = Hand::pressed(now).into_act();
            core.guard.refuse_transfer(now, act)
        };
        desk.change(no).unwrap();
        desk.pass(1);
    }
    desk.send_text(6, "ping");
    assert!(desk.asked().is_some());
}

#[test]
fn a_yes_makes_the_counting_begin_anew() {
    let mut desk = Desk::new();
    for id in 1..7 {
        desk.send_text(id, "ping");
        match id % 2 {
            1 => desk.answer_no(),
            _ => {
                desk.answer_yes();
                desk.done(id, Done::Clipped);
            }
        }
        desk.pass(10);
    }
    desk.send_text(7, "ping");
    assert!(desk.asked().is_some());
}

#[test]
fn another_session_knows_nothing_of_the_nos_before() {
    let desk = Desk::new();
    desk.offer_file(1);
    desk.answer_no();
    desk.change(|core| core.reset(crate::session::core::Before::Idle));
    desk.begin();
    desk.offer_file(1);
    assert!(desk.asked().is_some());
}

fn chunk(id: u32, offset: u64, bytes: &[u8]) -> Message {
    let bytes = Blob(bytes.to_vec());
    Message::Chunk { id, offset, bytes }
}

#[test]
fn a_file_is_written_compared_and_placed_in_this_order() {
    let desk = Desk::new();
    desk.coming_file(1);
    desk.say(chunk(1, 0, b"abc"));
    assert!(matches!(desk.job(), Some(Work::Write(bytes)) if bytes == b"abc"));
    let hash = hash(b"abc");
    desk.say(Message::Done { id: 1, hash });
    assert!(desk.job().is_none(), "not all is written");
    desk.done(1, Done::Written(3));
    assert!(matches!(desk.job(), Some(Work::Check(sum)) if sum == hash));
    desk.done(1, Done::Checked);
    assert!(matches!(desk.job(), Some(Work::Place)));
    let path = PathBuf::from("/home/erika/a.txt");
    desk.done(1, Done::Placed(path.clone()));
    let received = view::Transfer::Over(view::Outcome::Received(path));
    assert_eq!(
        format!("{:?}", desk.shown()),
        format!("{:?}", Some(received))
    );
    let over = desk.change(|core| core.transfers.over.clone());
    assert_eq!(over, Some(Message::Finished { id: 1 }));
}

#[test]
fn what_the_disk_refuses_is_told_to_both_and_leaves_nothing() {
    for reason in [Reason::DiskFull, Reason::NotWritable, Reason::Mismatch] {
        let desk = Desk::new();
        desk.coming_file(1);
        desk.done(1, Done::Failed(reason.clone()));
        assert_eq!(desk.told(), Some(reason.clone()));
        let over = view::Transfer::Over(view::Outcome::Over(reason));
        assert_eq!(format!("{:?}", desk.shown()), format!("{:?}", Some(over)));
        assert!(matches!(desk.job(), Some(Work::Discard)));
        // That was no answer of the customer's: the next one may be asked after a moment.
        desk.say(chunk(1, 0, b"abc"));
        assert!(desk.job().is_none(), "it is over");
    }
}

#[test]
fn a_revocation_voids_what_waits_and_takes_back_first() {
    let desk = Desk::new();
    desk.coming_file(1);
    desk.say(chunk(1, 0, b"abc"));
    desk.change(|core| core.guard.stop(desk.now));
    assert_eq!(desk.told(), Some(Reason::Stopped));
    assert!(matches!(desk.job(), Some(Work::Discard)));
    assert!(desk.job().is_none(), "nothing is written any more");
    // The thread was at it meanwhile.
    desk.done(1, Done::Written(3));
    assert!(desk.job().is_none());
}

#[test]
fn a_technician_who_does_not_keep_to_the_protocol_ends_the_piece_alone() {
    let wrong = [
        chunk(1, 0, b"abcd"),
        chunk(1, 1, b"bc"),
        Message::Accept { id: 1, from: 0 },
        Message::Finished { id: 1 },
        Message::Ask { id: 1 },
    ];
    for message in wrong {
        let desk = Desk::new();
        desk.coming_file(1);
        desk.say(message);
        assert_eq!(desk.told(), Some(Reason::Fault));
        assert!(desk.change(|core| core.guard.rights().control()));
    }
}

#[test]
fn an_answer_is_to_the_file_that_was_shown() {
    let desk = Desk::new();
    desk.say(Message::Ask { id: 1 });
    let unchosen = desk.asked().unwrap();
    let mut choices = vec![unchosen];
    for name in ["a.txt", "b.txt"] {
        desk.change(|core| core.choose_file(PathBuf::from(name)));
        assert!(matches!(desk.job(), Some(Work::Open(_))));
        let (name, size) = (name.to_owned(), 3);
        desk.done(1, Done::Opened { name, size });
        choices.push(desk.asked().unwrap());
    }
    let newest = choices.pop().unwrap();
    let allow = |ask| {
        let hand = Hand::pressed(desk.now);
        desk.change(|core| core.allow_piece(desk.now, hand, ask, PathBuf::new()))
    };
    for old in choices {
        assert_eq!(allow(old), Err(Denied::NotNow));
    }
    assert_eq!(allow(newest), Ok(()));
    desk.say(Message::Accept { id: 1, from: 0 });
    let Some(Work::Read(part)) = desk.job() else {
        panic!("it is read")
    };
    assert_eq!((part.offset, part.length), (0, 3));
    desk.done(1, Done::Read(part, b"abc".to_vec()));
    assert!(matches!(desk.job(), Some(Work::Sum)));
    // What has left cannot be taken back, and that is said.
    desk.change(|core| core.cancel_piece(desk.now));
    assert_eq!(desk.told(), Some(Reason::Customer));
    let partly = view::Transfer::Over(view::Outcome::Partly);
    assert_eq!(format!("{:?}", desk.shown()), format!("{:?}", Some(partly)));
}

/// The disk has the last one open, whatever was shown in between.
#[test]
fn of_several_choices_the_last_one_alone_is_shown_and_read() {
    let opened = |name: &str| Done::Opened {
        name: name.to_owned(),
        size: 3,
    };
    for (second, chosen) in [
        (opened("b.txt"), true),
        (Done::Failed(Reason::Unreadable), false),
    ] {
        let desk = Desk::new();
        desk.say(Message::Ask { id: 1 });
        for name in ["a.txt", "b.txt"] {
            desk.change(|core| core.choose_file(PathBuf::from(name)));
        }
        let allow = || {
            let (hand, ask) = (Hand::pressed(desk.now), desk.asked().unwrap());
            desk.change(|core| core.allow_piece(desk.now, hand, ask, PathBuf::new()))
        };
        assert!(matches!(desk.job(), Some(Work::Open(_))));
        desk.done(1, opened("a.txt"));
        assert_eq!(
            allow(),
            Err(Denied::NotNow),
            "the other one is being opened"
        );
        assert!(matches!(desk.job(), Some(Work::Open(_))));
        desk.done(1, second);
        assert_eq!(allow().is_ok(), chosen);
    }
}

/// After a lost link a piece may turn out to be whole while its end is read once more. Nobody permits that reading any
/// more, and what nobody permits would wait at the head of the queue for ever.
#[test]
fn what_waits_for_a_piece_that_is_whole_holds_up_no_other() {
    let desk = Desk::new();
    desk.say(Message::Ask { id: 1 });
    desk.change(|core| core.choose_file("/home/erika/brief.odt".into()));
    assert!(matches!(desk.job(), Some(Work::Open(_))));
    let name = "brief.odt".to_owned();
    desk.done(1, Done::Opened { name, size: 3 });
    desk.answer_yes();
    let from = 0;
    desk.say(Message::Accept { id: 1, from });
    let Some(Work::Read(part)) = desk.job() else {
        panic!("it is read")
    };
    desk.done(1, Done::Read(part, vec![7; 3]));
    assert!(matches!(desk.job(), Some(Work::Sum)));
    desk.done(1, Done::Summed([7; 32]));

    desk.change(|core| core.resume_piece());
    desk.say(Message::Accept { id: 1, from });
    desk.say(Message::Finished { id: 1 });
    assert!(matches!(desk.job(), Some(Work::Discard)));
    desk.offer_file(2);
    desk.answer_yes();
    assert!(matches!(desk.job(), Some(Work::Create { .. })));
}

#[test]
fn a_thread_that_answers_after_the_session_disturbs_no_piece_of_the_next_one() {
    let desk = Desk::new();
    desk.coming_file(1);
    let old = desk.change(|core| core.transfers.ticket(1));
    desk.change(|core| core.reset(crate::session::core::Before::Idle));
    assert!(matches!(desk.job(), Some(Work::Discard)), "of the old one");
    desk.begin();
    desk.coming_file(1);
    desk.change(|core| {
        assert!(core.piece_permit(desk.now, old).is_none());
        assert!(!core.piece_allowed(old));
        core.job_done(desk.now, old, Done::Failed(Reason::DiskFull));
        let own = core.transfers.ticket(1);
        assert!(core.piece_permit(desk.now, own).is_some());
    });
    let coming = desk.shown();
    assert!(
        matches!(coming, Some(view::Transfer::Coming { .. })),
        "{coming:?}"
    );
}
