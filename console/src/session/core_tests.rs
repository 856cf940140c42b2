//! The core against the protocol's own agent side, without network or clock.

use fernsicht_protocol::cert;
use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::content::{
    self, AgentNotice, Beacon, Button, ConsoleNotice, DropReason, Dropped, Input, InputAck,
    InputEvent, PictureAck,
};
use fernsicht_protocol::crypto::{self, hash};
use fernsicht_protocol::epoch::{Epoch, Opener, Sealer};
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::pairing::agent;
use fernsicht_protocol::peer;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::{List, Text};

use super::hands::{ROOM_PER_INPUT, ROOM_PER_POINT};
use super::*;
use crate::identity::tests::identity;
use crate::picture::Mark;

#[path = "chat_tests.rs"]
mod chat;
#[path = "codes_tests.rs"]
mod codes;
#[path = "recorded_tests.rs"]
mod recorded;

const SESSION: SessionId = [5; 16];

/// An agent's half of a session, without a relay between.
struct Peer {
    th2: [u8; 32],
    /// Of the epoch begun last.
    commitment: [u8; 32],
    channel: peer::Channel,
    sealer: Option<Sealer>,
    opener: Option<Opener>,
    grant: u32,
}

struct Pair {
    core: Core,
    peer: Peer,
    now: Instant,
}

fn outputs(core: &mut Core) -> Vec<Output> {
    std::iter::from_fn(|| core.poll_output()).collect()
}

fn said(core: &mut Core) -> Vec<ConsoleToRelay> {
    outputs(core)
        .into_iter()
        .filter_map(|o| match o {
            Output::Relay(message) => Some(message),
            Output::Goodbye(reason) => Some(ConsoleToRelay::End { reason }),
            Output::Frame(_)
            | Output::Code(_)
            | Output::Fresh
            | Output::Blank
            | Output::Forget
            | Output::Picture(_)
            | Output::Pointer(_)
            | Output::Disk(_)
            | Output::Close => None,
        })
        .collect()
}

/// A core with a code, and the code.
fn offered(now: Instant) -> (Core, SessionCode) {
    offered_to(identity("Erika Weber"), now)
}

fn offered_to(identity: Identity, now: Instant) -> (Core, SessionCode) {
    let mut core = Core::new(Arc::new(identity));
    core.start();
    assert!(core.wants_link());
    core.handle_connected();
    core.handle_relay(
        RelayToConsole::Hello {
            version: VERSION,
            now: 0,
        },
        now,
    );
    assert_eq!(
        said(&mut core),
        [
            ConsoleToRelay::Hello { version: VERSION },
            ConsoleToRelay::NewSession
        ]
    );
    let nameplate = Text::new("4812").unwrap();
    core.handle_relay(
        RelayToConsole::Session {
            session: SESSION,
            nameplate,
            valid_s: 600,
        },
        now,
    );
    let Some(Output::Code(code)) = outputs(&mut core).into_iter().next() else {
        panic!("a code")
    };
    let Stage::Code(shown) = core.stage() else {
        panic!("the code's page")
    };
    assert_eq!((&shown.grouped, shown.tries), (&code, 3));
    (core, SessionCode::parse(&code).unwrap())
}

fn context(core: &Core) -> pairing::Context {
    pairing::Context {
        relay_name: core.identity.relay.name.clone(),
        ca: core.identity.relay.ca,
        configuration: [9; 32],
        session: SESSION,
        nameplate: "4812".into(),
    }
}

/// Sends a share for this password and returns the agent's state with the console's reply.
fn share(core: &mut Core, password: &Password, now: Instant) -> (agent::Opened, ConsoleToRelay) {
    let (state, share) = agent::open(context(core), password, &mut OsRng);
    let share = Blob(share.to_vec());
    core.handle_relay(
        RelayToConsole::Share {
            configuration: [9; 32],
            share,
        },
        now,
    );
    (state, said(core).remove(0))
}

fn wrong(right: &Password) -> Password {
    loop {
        let password = Password::draw(&mut OsRng);
        if password != *right {
            return password;
        }
    }
}

fn paired() -> Pair {
    paired_to(identity("Erika Weber"))
}

fn paired_to(identity: Identity) -> Pair {
    let now = Instant::now();
    let (mut core, code) = offered_to(identity, now);
    let (state, reply) = share(&mut core, code.password(), now);
    let ConsoleToRelay::Reply {
        share,
        confirmation,
    } = reply
    else {
        panic!("a reply")
    };
    let (confirmed, confirm) = state
        .handle_reply(&share.0, &confirmation, &mut OsRng)
        .unwrap();
    let pairing::Confirm {
        confirmation,
        agent_key,
        nonce,
    } = confirm;
    core.handle_relay(
        RelayToConsole::Confirm {
            confirmation,
            agent_key,
            nonce,
        },
        now,
    );
    let mut said = said(&mut core).into_iter();
    assert_eq!(said.next(), Some(ConsoleToRelay::Paired));
    assert!(matches!(
        said.next(),
        Some(ConsoleToRelay::ResumeHash { .. })
    ));
    let Some(ConsoleToRelay::Peer { packet }) = said.next() else {
        panic!("the technician")
    };
    let mut channel = confirmed.peer;
    let message = channel.open(&packet.0).unwrap().unwrap();
    let Ok(ConsoleToAgent::Technician { chain, signature }) = ConsoleToAgent::from_bytes(&message)
    else {
        panic!("the technician");
    };
    let holder = cert::holder(&chain.0[0].0).unwrap();
    assert_eq!(holder.name, "Erika Weber");
    // The chain of a test leads nowhere; the signature over the transcript is what counts here.
    let Phase::Paired(here) = &core.phase else {
        panic!("paired")
    };
    crypto::verify(&holder.key, "technician", &here.th2, &signature).unwrap();
    let th2 = here.th2;
    let deciding = Stage::Deciding {
        page: None,
        until: None,
    };
    assert_eq!(core.stage(), deciding);
    Pair {
        core,
        peer: Peer {
            th2,
            commitment: [0; 32],
            channel,
            sealer: None,
            opener: None,
            grant: 0,
        },
        now,
    }
}

impl Pair {
    fn tell(&mut self, message: &AgentToConsole) {
        let packet = Blob(self.peer.channel.seal(&message.to_bytes()));
        self.core
            .handle_relay(RelayToConsole::Peer { packet }, self.now);
    }

    /// An epoch begins. Returns what is said beside the acknowledgement.
    fn epoch(&mut self, number: u32) -> Vec<Output> {
        let secret = Epoch::draw(&mut OsRng);
        let start = AgentToConsole::EpochStart {
            epoch: number,
            rid: None,
            secret: *secret,
            sealed_keys_hash: [0; 32],
        };
        self.tell(&start);
        let epoch = Epoch::new(&SESSION, None, number, &self.peer.th2, &secret);
        self.peer.sealer = Some(epoch.sealer(Direction::AgentToConsole));
        self.peer.opener = Some(epoch.opener(Direction::ConsoleToAgent));
        let outputs = outputs(&mut self.core).into_iter();
        let (said, rest): (Vec<Output>, _) =
            outputs.partition(|output| matches!(output, Output::Relay(_)));
        let [Output::Relay(ConsoleToRelay::Peer { packet })] = &said[..] else {
            panic!("the acknowledgement")
        };
        let message = self.peer.channel.open(&packet.0).unwrap().unwrap();
        assert_eq!(
            ConsoleToAgent::from_bytes(&message),
            Ok(ConsoleToAgent::EpochAck {
                epoch: number,
                signature: None
            })
        );
        rest
    }

    fn frame(&mut self, class: Class, grant: u32, rights: Rights, content: &[u8]) -> Frame {
        self.peer
            .sealer
            .as_mut()
            .unwrap()
            .seal(class, grant, rights, content)
    }

    fn rights(&mut self, rights: Rights, cause: Cause) -> Vec<Output> {
        self.peer.grant += 1;
        let frame = self.frame(Class::Rights, self.peer.grant, rights, &cause.to_bytes());
        self.core.handle_record(Record::Frame(frame));
        outputs(&mut self.core)
    }

    fn beacon(&mut self, number: u64) {
        let frame = self.frame(
            Class::Beacon,
            self.peer.grant,
            Rights::Control,
            &Beacon { number }.to_bytes(),
        );
        self.core.handle_single(frame);
    }

    fn notice(&mut self, notice: &AgentNotice) {
        let frame = self.frame(
            Class::Notices,
            self.peer.grant,
            Rights::Control,
            &notice.to_bytes(),
        );
        self.core.handle_record(Record::Frame(frame));
    }

    fn control() -> Self {
        let mut pair = paired();
        drop(pair.epoch(1));
        assert!(matches!(
            pair.rights(Rights::Control, Cause::Epoch)[..],
            [Output::Fresh]
        ));
        pair.beacon(1);
        pair
    }

    /// What the technician does, as the agent opens it.
    fn input(&mut self, event: InputEvent) -> Vec<Input> {
        self.input_into(ROOM_PER_INPUT, event)
    }

    fn input_into(&mut self, room: usize, event: InputEvent) -> Vec<Input> {
        self.core.handle_input(event, room);
        outputs(&mut self.core)
            .into_iter()
            .map(|output| {
                let Output::Frame(frame) = output else {
                    panic!("only frames")
                };
                assert_eq!(frame.header.grant, self.peer.grant);
                let content = self.peer.opener.as_mut().unwrap().open(frame).unwrap();
                Input::from_bytes(&content).unwrap()
            })
            .collect()
    }

    fn session(&self) -> view::Session {
        match self.core.stage() {
            Stage::Session(session) => session,
            Stage::Enrol { .. }
            | Stage::Ready { .. }
            | Stage::Connecting
            | Stage::Code(_)
            | Stage::CodeOver { .. }
            | Stage::Deciding { .. }
            | Stage::Ended { .. } => panic!("a session"),
        }
    }
}

fn click() -> InputEvent {
    InputEvent::Button {
        button: Button::Left,
        down: true,
        x: 1,
        y: 2,
    }
}

#[test]
fn nothing_is_sent_before_control_and_a_beacon() {
    let mut pair = paired();
    assert!(pair.input(click()).is_empty());
    drop(pair.epoch(1));
    assert!(pair.input(click()).is_empty());
    pair.rights(Rights::View, Cause::Epoch);
    pair.beacon(1);
    assert!(pair.input(click()).is_empty());
    pair.rights(Rights::Control, Cause::Granted);
    assert!(
        pair.input(click()).is_empty(),
        "no beacon of this grant yet"
    );
    pair.beacon(2);
    // Positions are meant on the picture that is on the screen.
    let mark = Mark {
        sequence: 1,
        layout: 7,
        ..Mark::default()
    };
    pair.core.handle_drawn(mark, Duration::ZERO);
    while pair.core.poll_output().is_some() {}
    assert_eq!(
        pair.input(click()),
        [Input {
            beacon: 2,
            layout: 7,
            event: click()
        }]
    );
}

#[test]
fn a_revocation_blanks_and_stops_input_and_pictures() {
    let mut pair = Pair::control();
    let picture = pair.frame(Class::Picture, 1, Rights::Control, b"update");
    let late = pair.frame(Class::Picture, 1, Rights::Control, b"late");
    pair.core.handle_single(picture);
    assert!(matches!(&outputs(&mut pair.core)[..], [Output::Picture(p)] if p == b"update"));
    assert!(matches!(
        pair.rights(Rights::None, Cause::Stopped)[..],
        [Output::Blank]
    ));
    pair.core.handle_single(late);
    assert!(outputs(&mut pair.core).is_empty());
    assert!(pair.input(click()).is_empty());
    let session = pair.session();
    assert_eq!(
        (session.rights, session.cause.clone()),
        (Rights::None, Cause::Stopped)
    );
    assert!(!session.shows() && !session.takes_input());
}

#[test]
fn a_picture_that_overtakes_its_rights_frame_waits_for_it() {
    let mut pair = paired();
    drop(pair.epoch(1));
    let early = pair.frame(Class::Picture, 1, Rights::View, b"early");
    pair.core.handle_single(early);
    assert!(outputs(&mut pair.core).is_empty());
    let out = pair.rights(Rights::View, Cause::Epoch);
    assert!(
        matches!(&out[..], [Output::Fresh, Output::Picture(p)] if p == b"early"),
        "{out:?}"
    );
}

#[test]
fn while_the_customer_is_active_nothing_is_sent_and_then_everything_goes_up_first() {
    let mut pair = Pair::control();
    pair.notice(&AgentNotice::CustomerActive { active: true });
    assert!(pair.session().customer_active);
    assert!(pair.input(click()).is_empty());
    pair.notice(&AgentNotice::CustomerActive { active: false });
    let events: Vec<_> = pair.input(click()).into_iter().map(|i| i.event).collect();
    assert_eq!(events, [InputEvent::ReleaseAll, click()]);
}

#[test]
fn what_only_the_customer_can_answer_is_said_while_it_lasts_and_under_its_grant() {
    let mut pair = Pair::control();
    assert!(!pair.session().protected);
    pair.notice(&AgentNotice::Protected { protected: true });
    assert!(pair.session().protected);
    assert_eq!(pair.input(click()).len(), 1, "it is told, not held back");
    pair.notice(&AgentNotice::Protected { protected: false });
    assert!(!pair.session().protected);
    pair.notice(&AgentNotice::Protected { protected: true });
    drop(pair.rights(Rights::View, Cause::Narrowed));
    assert!(!pair.session().protected);
    drop(pair.rights(Rights::Control, Cause::Granted));
    assert!(!pair.session().protected, "the agent says it anew");
}

#[test]
fn input_that_finds_no_room_is_dropped_and_everything_goes_up() {
    let mut pair = Pair::control();
    let mut sent = |room, event| -> Vec<InputEvent> {
        let inputs = pair.input_into(room, event);
        inputs.into_iter().map(|input| input.event).collect()
    };
    assert_eq!(sent(3, click()), [click()]);
    assert_eq!(sent(2, click()), [InputEvent::ReleaseAll]);
    assert_eq!(sent(1, click()), []);
    assert_eq!(sent(0, click()), []);
    assert_eq!(sent(3, click()), [InputEvent::ReleaseAll, click()]);
    assert_eq!(sent(0, click()), []);
    assert_eq!(sent(1, click()), []);
    assert_eq!(sent(3, click()), [InputEvent::ReleaseAll, click()]);
}

#[test]
fn a_tombstone_advances_the_number_and_an_altered_record_ends_the_session() {
    let mut pair = Pair::control();
    let content = AgentNotice::CustomerActive { active: true }.to_bytes();
    let withheld = pair.frame(Class::Notices, 1, Rights::Control, &content);
    let header = withheld.header;
    pair.core.handle_record(Record::Tombstone {
        header,
        hash: [0; 32],
    });
    assert!(!pair.session().customer_active);
    pair.notice(&AgentNotice::CustomerActive { active: true });
    assert!(pair.session().customer_active);
    let mut altered = pair.frame(Class::Notices, 1, Rights::Control, &content);
    altered.ciphertext[0] ^= 1;
    pair.core.handle_record(Record::Frame(altered));
    assert_eq!(
        pair.core.stage(),
        Stage::Ended {
            reason: End::Tampered
        }
    );
    assert!(
        outputs(&mut pair.core)
            .iter()
            .any(|o| matches!(o, Output::Forget))
    );
}

#[test]
fn dropped_input_is_counted_unless_the_customer_was_active() {
    let mut pair = Pair::control();
    let range = |from, to, reason| Dropped { from, to, reason };
    let ack = InputAck {
        decided: 9,
        dropped: List(vec![
            range(0, 3, DropReason::CustomerActive),
            range(4, 5, DropReason::OwnWindow),
        ]),
    };
    let frame = pair.frame(Class::Acks, 1, Rights::Control, &ack.to_bytes());
    pair.core.handle_record(Record::Frame(frame));
    assert_eq!(pair.core.dropped(), 2);
}

#[test]
fn what_is_drawn_is_acknowledged() {
    let mut pair = Pair::control();
    let mark = Mark {
        layout: 1,
        sequence: 7,
        digest: 8,
        ahead: vec![9, 11],
        arrived: None,
    };
    pair.core.handle_drawn(mark, Duration::from_millis(6));
    let Some(Output::Frame(frame)) = pair.core.poll_output() else {
        panic!("an ack")
    };
    let content = pair.peer.opener.as_mut().unwrap().open(frame).unwrap();
    assert_eq!(
        PictureAck::from_bytes(&content),
        Ok(PictureAck {
            sequence: 7,
            digest: 8,
            ahead: List(vec![9, 11]),
            held_us: 6_000,
        })
    );
}

#[test]
fn a_lost_link_blanks_resumes_with_the_tokens_in_turn_and_needs_a_new_epoch() {
    let mut pair = Pair::control();
    pair.core.handle_lost();
    assert!(matches!(outputs(&mut pair.core)[..], [Output::Blank]));
    assert_eq!(pair.session().link, Link::OwnLost);
    assert!(pair.core.wants_link() && pair.core.resumable());
    pair.core.handle_connected();
    let first = said(&mut pair.core);
    let ConsoleToRelay::Resume {
        session: SESSION,
        token,
        next_hash,
    } = &first[1]
    else {
        panic!("a resume")
    };
    // The relay had taken the token of a try whose answer was lost.
    pair.core.handle_relay(
        RelayToConsole::Refused {
            reason: Refusal::NotResumable,
        },
        pair.now,
    );
    let ConsoleToRelay::Resume { token: second, .. } = said(&mut pair.core).remove(0) else {
        panic!("again")
    };
    assert_ne!(*token, second);
    assert_eq!(*next_hash, hash(&second));
    pair.core.handle_relay(RelayToConsole::Resumed, pair.now);
    let again = said(&mut pair.core);
    assert!(
        again
            .iter()
            .all(|m| matches!(m, ConsoleToRelay::Peer { .. }))
            && again.len() == 2
    );
    assert_eq!(pair.session().rights, Rights::None);
    assert!(pair.input(click()).is_empty());
    drop(pair.epoch(2));
    pair.rights(Rights::Control, Cause::Granted);
    pair.beacon(3);
    assert_eq!(pair.input(click()).len(), 1);
}

#[test]
fn the_customers_page_is_told_only_before_the_first_rights() {
    let mut pair = paired();
    let page = Some(fernsicht_protocol::messages::Page::Consent);
    for (left_s, waits_s) in [
        (Some(272), Some(272)),
        (Some(u16::MAX), Some(3600)),
        (None, None),
    ] {
        pair.tell(&AgentToConsole::Page {
            page: fernsicht_protocol::messages::Page::Consent,
            left_s,
        });
        let until = waits_s.map(|s| pair.now + Duration::from_secs(s));
        let page = page.clone();
        assert_eq!(pair.core.stage(), Stage::Deciding { page, until });
    }
    drop(pair.epoch(1));
    pair.rights(Rights::View, Cause::Epoch);
    pair.rights(Rights::None, Cause::Stopped);
    assert_eq!(pair.session().cause, Cause::Stopped);
}

/// What the agent hears over the peer channel.
fn heard(pair: &mut Pair) -> Vec<ConsoleToAgent> {
    let mut heard = Vec::new();
    for message in said(&mut pair.core) {
        if let ConsoleToRelay::Peer { packet } = message {
            let message = pair.peer.channel.open(&packet.0).unwrap().unwrap();
            heard.push(ConsoleToAgent::from_bytes(&message).unwrap());
        }
    }
    heard
}

#[test]
fn the_case_number_is_told_when_it_changes_and_as_it_reads() {
    let mut pair = paired();
    let case = |text: &str| ConsoleToAgent::Case {
        case: Text::new(text).unwrap(),
    };
    for (typed, told) in [
        (" 2026-17 ", vec![case("2026-17")]),
        ("2026-17", vec![]),
        ("2026-18", vec![case("2026-18")]),
        ("two\nlines", vec![case("")]),
        ("turned\u{202e}around", vec![]),
        (&"9".repeat(64), vec![case(&"9".repeat(64))]),
        (&"9".repeat(65), vec![case("")]),
    ] {
        pair.core.handle_case(typed);
        assert_eq!(heard(&mut pair), told, "{typed:?}");
    }
}

#[test]
fn a_case_number_typed_before_goes_behind_the_technician() {
    let now = Instant::now();
    let (mut core, _) = offered(now);
    core.handle_case("2026-17");
    assert!(outputs(&mut core).is_empty(), "nobody is there yet");
    assert_eq!(core.case(), "2026-17");
}

#[test]
fn pointing_is_sent_while_one_may_look_and_no_more() {
    let mut pair = Pair::control();
    let points = |pair: &mut Pair, room| -> Vec<(u32, ConsoleNotice)> {
        pair.core.handle_point((7, 9), true, room);
        let mut points = Vec::new();
        for output in outputs(&mut pair.core) {
            if let Output::Frame(frame) = output {
                let grant = frame.header.grant;
                let content = pair.peer.opener.as_mut().unwrap().open(frame).unwrap();
                points.push((grant, ConsoleNotice::from_bytes(&content).unwrap()));
            }
        }
        points
    };
    assert_eq!(points(&mut pair, 256), [], "one's own pointer is there");
    pair.rights(Rights::View, Cause::Narrowed);
    let point = ConsoleNotice::Point {
        x: 7,
        y: 9,
        press: true,
    };
    assert_eq!(points(&mut pair, 256), [(2, point)]);
    assert_eq!(
        points(&mut pair, ROOM_PER_POINT - 1),
        [],
        "room for what matters"
    );
    pair.rights(Rights::None, Cause::Stopped);
    assert_eq!(points(&mut pair, 256), []);
}

#[test]
fn frames_of_before_a_loss_do_nothing_until_the_next_epoch() {
    for back in [false, true] {
        let mut pair = Pair::control();
        let late = pair.frame(
            Class::Rights,
            pair.peer.grant + 1,
            Rights::View,
            &Cause::Narrowed.to_bytes(),
        );
        let picture = pair.frame(
            Class::Picture,
            pair.peer.grant + 1,
            Rights::View,
            &[1, 2, 3],
        );
        pair.core.handle_relay(RelayToConsole::PeerLost, pair.now);
        if back {
            pair.core.handle_relay(RelayToConsole::Resumed, pair.now);
        }
        outputs(&mut pair.core);
        pair.core.handle_record(Record::Frame(late));
        pair.core.handle_single(picture);
        assert!(outputs(&mut pair.core).is_empty());
        let session = pair.session();
        assert_eq!((session.rights, session.cause), (Rights::None, Cause::Lost));
        pair.core.handle_relay(RelayToConsole::Resumed, pair.now);
        outputs(&mut pair.core);
        drop(pair.epoch(2));
        assert!(matches!(
            pair.rights(Rights::View, Cause::Granted)[..],
            [Output::Fresh]
        ));
    }
}

#[test]
fn refusals_and_ends_are_told() {
    let now = Instant::now();
    let (mut core, _) = offered(now);
    core.handle_relay(
        RelayToConsole::Refused {
            reason: Refusal::Draining,
        },
        now,
    );
    assert_eq!(
        core.stage(),
        Stage::Ready {
            problem: Some(Problem::Draining)
        }
    );
    let mut pair = Pair::control();
    pair.core.handle_relay(
        RelayToConsole::Ended {
            reason: End::Customer,
        },
        now,
    );
    assert_eq!(
        pair.core.stage(),
        Stage::Ended {
            reason: End::Customer
        }
    );
    assert!(
        outputs(&mut pair.core)
            .iter()
            .any(|o| matches!(o, Output::Forget))
    );
    let mut pair = Pair::control();
    pair.core.end();
    assert_eq!(
        said(&mut pair.core),
        [ConsoleToRelay::End {
            reason: End::Technician
        }]
    );
}

#[test]
fn a_relay_that_speaks_out_of_turn_moves_nothing() {
    let now = Instant::now();
    let messages = || {
        [
            RelayToConsole::Enrolled {
                chain: List(vec![]),
            },
            RelayToConsole::CodeExpired,
            RelayToConsole::Share {
                configuration: [0; 32],
                share: Blob(vec![0; 33]),
            },
            RelayToConsole::Confirm {
                confirmation: [0; 32],
                agent_key: [0; 32],
                nonce: [0; 32],
            },
            RelayToConsole::AgentLeft,
            RelayToConsole::Peer {
                packet: Blob(vec![0; 40]),
            },
            RelayToConsole::PeerLost,
            RelayToConsole::Resumed,
            RelayToConsole::RecorderFailed,
            RelayToConsole::RecorderBack,
        ]
    };
    for message in messages() {
        let mut core = Core::new(Arc::new(identity("Erika Weber")));
        core.handle_relay(message, now);
        assert_eq!(core.stage(), Stage::Ready { problem: None });
    }
    for message in messages() {
        let (mut core, _) = offered(now);
        core.handle_relay(message, now);
        assert!(!matches!(
            core.stage(),
            Stage::Session(_) | Stage::Deciding { .. }
        ));
    }
}

#[test]
fn under_control_silence_is_told_and_ends_with_the_next_sign_of_life() {
    let mut pair = Pair::control();
    let at = |pair: &Pair, ms| pair.now + Duration::from_millis(ms);
    let start = at(&pair, 0);
    pair.core.handle_heard(start);
    assert_eq!(pair.core.poll_timeout(), Some(at(&pair, 3_000)));
    pair.core.handle_timeout(at(&pair, 2_999));
    assert_eq!(pair.session().silent_since, None);
    pair.core.handle_timeout(at(&pair, 3_000));
    assert_eq!(pair.session().silent_since, Some(start));
    assert_eq!(pair.core.poll_timeout(), None, "said once");
    pair.core.handle_heard(at(&pair, 8_000));
    assert_eq!(pair.session().silent_since, None);
    // Who only looks at a screen at rest hears nothing for long.
    pair.rights(Rights::View, Cause::Narrowed);
    assert_eq!(pair.core.poll_timeout(), None);
}
