//! One test per promise of the guard.

use super::*;
use crate::wire::Text;

mod recording;

const RECORDED: ControlOffer = ControlOffer::Recorded {
    deletion: 7_776_000,
};

/// A guard under a clock of its own.
struct Desk {
    now: Instant,
    guard: Guard,
    /// The number of the next input.
    number: u64,
}

impl Desk {
    /// The consent page is open; control is on offer.
    fn consent() -> Self {
        Self::with(RECORDED, true)
    }

    fn with(offer: ControlOffer, input_possible: bool) -> Self {
        let mut desk = Self {
            now: Instant::now(),
            guard: Guard::new(),
            number: 0,
        };
        assert_eq!(
            desk.guard
                .handle_technician(desk.now, offer, input_possible),
            Ok(())
        );
        desk.outputs();
        desk
    }

    fn viewed() -> Self {
        let mut desk = Self::consent();
        desk.guard.consent_view(desk.now, act()).unwrap();
        desk.open_epoch();
        assert_eq!(desk.guard.rights(), Rights::View);
        desk
    }

    fn controlled() -> Self {
        let mut desk = Self::consent();
        desk.guard.consent_control(desk.now, act()).unwrap();
        desk.guard.card_done(desk.now, act()).unwrap();
        desk.open_epoch();
        assert_eq!(desk.guard.rights(), Rights::Control);
        desk
    }

    fn open_epoch(&mut self) {
        let epoch = self.guard.epoch();
        self.guard.handle_epoch_acknowledged(self.now, epoch);
        self.guard.handle_epoch_opened(self.now, epoch);
        self.outputs();
    }

    /// Time passes, everything injected is covered, and the timers fire when they are due.
    fn pass(&mut self, time: Duration) {
        self.covered();
        self.pass_uncovered(time);
    }

    /// As [`Desk::pass`], but no checkpoint comes.
    fn pass_uncovered(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.guard.poll_timeout().filter(|due| *due <= until) {
            self.now = due;
            self.guard.handle_timeout(due);
        }
        self.now = until;
        self.guard.handle_timeout(until);
    }

    /// A checkpoint covers everything so far.
    fn covered(&mut self) {
        let epoch = self.guard.epoch();
        self.guard.handle_covered(self.now, epoch, self.number);
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.guard.poll_output()).collect()
    }

    /// Everything put out but the redrawing of the pages.
    fn acts(&mut self) -> Vec<Output> {
        let mut outputs = self.outputs();
        outputs.retain(|output| *output != Output::StateChanged);
        outputs
    }

    /// The header and plaintext that an honest console would send now.
    fn input(&mut self, event: InputEvent) -> (Header, Input) {
        let header = Header {
            epoch: self.guard.epoch(),
            direction: Direction::ConsoleToAgent,
            class: Class::Input,
            number: self.number,
            grant: self.guard.grant(),
            rights: Rights::Control,
            length: 80,
        };
        self.number += 1;
        let beacon = match &self.guard.state {
            State::Granted(session) => session.beacons.newest(),
            State::Unpaired | State::Consent { .. } | State::Ended(_) => 1,
        };
        (
            header,
            Input {
                beacon,
                layout: 1,
                event,
            },
        )
    }

    /// What becomes of an honest console's event.
    fn try_event(&mut self, event: InputEvent) -> Result<(), DropReason> {
        let (header, input) = self.input(event);
        self.guard
            .handle_input(self.now, &header, &input)
            .map(|permit| {
                assert_eq!(permit.event(), &input.event);
            })
    }

    fn try_move(&mut self) -> Result<(), DropReason> {
        self.try_event(InputEvent::Move { x: 1, y: 1 })
    }

    fn sees(&mut self) -> bool {
        self.guard.view_permit(self.now).is_some()
    }

    /// The rights frame of a change, with what must precede it.
    fn changed(&mut self, before: Rights, rights: Rights, cause: Cause) {
        let acts = self.acts();
        let mut expected = Vec::new();
        if before.control() {
            expected.push(Output::ReleaseInput);
        }
        if before.view() {
            expected.push(Output::CancelFrames);
        }
        let (epoch, grant) = (self.guard.epoch(), self.guard.grant());
        expected.push(Output::SendRights {
            epoch,
            grant,
            rights,
            cause,
        });
        assert_eq!(acts[..expected.len()], expected);
        assert_eq!(self.guard.rights(), rights);
        assert_eq!(
            (self.sees(), self.try_move().is_ok()),
            (rights.view(), rights.control())
        );
    }
}

fn act() -> CustomerAct {
    CustomerAct::attest()
}

#[test]
fn nothing_is_granted_before_the_customer_grants_it() {
    let mut desk = Desk {
        now: Instant::now(),
        guard: Guard::new(),
        number: 0,
    };
    assert!(!desk.sees());
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
    // Everything that comes from outside, before consent.
    let mut desk = Desk::consent();
    for epoch in 0..3 {
        desk.guard.handle_epoch_acknowledged(desk.now, epoch);
        desk.guard.handle_epoch_opened(desk.now, epoch);
    }
    desk.guard.handle_resumed(desk.now);
    desk.guard.handle_offer(desk.now, RECORDED);
    desk.guard.handle_peer_lost(desk.now);
    desk.guard.handle_resumed(desk.now);
    desk.guard.handle_customer_activity(desk.now);
    assert!(!desk.sees());
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
    assert!(desk.acts().is_empty());
    assert_eq!(desk.guard.view_on(desk.now, act()), Err(Denied::NotNow));
    assert_eq!(desk.guard.control_on(desk.now, act()), Err(Denied::NotNow));
}

#[test]
fn a_second_technician_changes_nothing() {
    let mut desk = Desk::with(ControlOffer::Unavailable, true);
    let again = desk.guard.handle_technician(desk.now, RECORDED, true);
    assert_eq!(again, Err(Denied::NotNow));
    assert!(!desk.guard.control_offered());
}

#[test]
fn the_first_rights_wait_for_both_acknowledgements() {
    let mut desk = Desk::consent();
    desk.guard.consent_control(desk.now, act()).unwrap();
    desk.outputs();
    desk.guard.card_done(desk.now, act()).unwrap();
    assert_eq!(
        desk.acts(),
        [Output::OpenEpoch {
            epoch: 1,
            recorded: true
        }]
    );
    assert_eq!((desk.guard.phase(), desk.sees()), (Phase::Starting, false));
    desk.guard.handle_epoch_opened(desk.now, 1);
    desk.guard.handle_epoch_acknowledged(desk.now, 2);
    desk.guard.handle_epoch_acknowledged(desk.now, 0);
    assert!(!desk.sees());
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
    assert!(desk.acts().is_empty());
    desk.guard.handle_epoch_acknowledged(desk.now, 1);
    desk.changed(Rights::None, Rights::Control, Cause::Epoch);
    assert_eq!(
        (desk.guard.phase(), desk.guard.grant()),
        (Phase::Session, 1)
    );
}

#[test]
fn an_epoch_that_nobody_acknowledges_ends_the_session() {
    let mut desk = Desk::consent();
    desk.guard.consent_view(desk.now, act()).unwrap();
    desk.guard.handle_epoch_opened(desk.now, 1);
    desk.pass(OPENING);
    assert_eq!(desk.guard.ended(), Some(&End::Lost));
}

#[test]
fn the_consent_page_waits_five_minutes_and_then_refuses() {
    let mut desk = Desk::consent();
    desk.pass(CONSENT - Duration::from_millis(1));
    assert_eq!(desk.guard.ended(), None);
    desk.guard.more_time(desk.now);
    desk.pass(CONSENT - Duration::from_millis(1));
    assert_eq!(desk.guard.ended(), None);
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.acts(), [Output::SessionEnded(End::Silence)]);
    assert_eq!(
        desk.guard.consent_view(desk.now, act()),
        Err(Denied::NotNow)
    );
}

#[test]
fn a_late_timer_lengthens_no_right() {
    // Nobody called handle_timeout; the click comes a millisecond too late.
    let mut desk = Desk::consent();
    desk.now += CONSENT;
    assert_eq!(
        desk.guard.consent_control(desk.now, act()),
        Err(Denied::NotNow)
    );
    let mut desk = Desk::controlled();
    desk.now += LONGEST;
    assert!(!desk.sees());
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
}

#[test]
fn refusing_ends_the_session() {
    let mut desk = Desk::consent();
    desk.guard.refuse(desk.now);
    assert_eq!(
        desk.outputs(),
        [Output::StateChanged, Output::SessionEnded(End::Refused)]
    );
    assert_eq!(desk.guard.phase(), Phase::Ended);
}

#[test]
fn without_an_offer_there_is_no_control() {
    for (offer, input) in [(ControlOffer::Unavailable, true), (RECORDED, false)] {
        let mut desk = Desk::with(offer, input);
        assert_eq!(
            desk.guard.consent_control(desk.now, act()),
            Err(Denied::NotOffered)
        );
        assert_eq!(desk.guard.consent_view(desk.now, act()), Ok(()));
        desk.open_epoch();
        assert_eq!(desk.guard.rights(), Rights::View);
        assert_eq!(desk.guard.ask_upgrade(desk.now), Err(Denied::NotOffered));
    }
}

#[test]
fn f11_and_stop_end_everything_at_once() {
    for press in [Guard::stop, Guard::handle_stop_key] {
        let mut desk = Desk::controlled();
        press(&mut desk.guard, desk.now);
        desk.changed(Rights::Control, Rights::None, Cause::Stopped);
        assert!(desk.guard.stopped());
        let mut desk = Desk::viewed();
        press(&mut desk.guard, desk.now);
        desk.changed(Rights::View, Rights::None, Cause::Stopped);
    }
}

#[test]
fn every_f11_counts_in_every_state() {
    let mut desk = Desk::consent();
    desk.guard.handle_stop_key(desk.now);
    assert_eq!(desk.guard.stop_presses(), 1);
    assert_eq!(desk.guard.ended(), None);
    // While the session starts: nothing is granted once it has started.
    desk.guard.consent_control(desk.now, act()).unwrap();
    desk.guard.card_done(desk.now, act()).unwrap();
    desk.outputs();
    desk.guard.handle_stop_key(desk.now);
    desk.guard.handle_epoch_acknowledged(desk.now, 1);
    desk.guard.handle_epoch_opened(desk.now, 1);
    desk.changed(Rights::None, Rights::None, Cause::Epoch);
    // While the link is lost: sight does not come back with it.
    let mut desk = Desk::controlled();
    desk.guard.handle_connection_lost(desk.now);
    desk.guard.handle_stop_key(desk.now);
    desk.guard.handle_resumed(desk.now);
    desk.open_epoch();
    assert_eq!(desk.guard.rights(), Rights::None);
    assert!(desk.guard.stopped());
    // While a question is open.
    let mut desk = Desk::controlled();
    desk.guard.ask_end(desk.now).unwrap();
    desk.guard.handle_stop_key(desk.now);
    desk.guard.go_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::None);
    assert_eq!(desk.guard.stop_presses(), 1);
}

#[test]
fn after_stop_show_on_does_not_switch_control_on() {
    let mut desk = Desk::controlled();
    desk.guard.stop(desk.now);
    desk.outputs();
    assert_eq!(desk.guard.control_on(desk.now, act()), Err(Denied::ViewOff));
    desk.guard.view_on(desk.now, act()).unwrap();
    desk.changed(Rights::None, Rights::View, Cause::Granted);
    assert!(!desk.guard.stopped());
    desk.guard.control_on(desk.now, act()).unwrap();
    desk.changed(Rights::View, Rights::Control, Cause::Granted);
}

#[test]
fn view_off_takes_control_too() {
    let mut desk = Desk::controlled();
    desk.guard.view_off(desk.now);
    desk.changed(Rights::Control, Rights::None, Cause::Narrowed);
    desk.guard.view_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::View);
}

#[test]
fn control_off_leaves_sight() {
    let mut desk = Desk::controlled();
    desk.guard.control_off(desk.now);
    desk.changed(Rights::Control, Rights::View, Cause::Narrowed);
}

#[test]
fn grants_rise_with_every_change_and_with_nothing_else() {
    let mut desk = Desk::controlled();
    let mut grant = desk.guard.grant();
    desk.guard.view_on(desk.now, act()).unwrap();
    desk.guard.control_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.grant(), grant, "both were on already");
    for _ in 0..3 {
        desk.guard.control_off(desk.now);
        desk.guard.control_on(desk.now, act()).unwrap();
        assert_eq!(desk.guard.grant(), grant + 2);
        grant += 2;
    }
}

#[test]
fn only_looking_is_widened_by_the_question_alone() {
    let mut desk = Desk::viewed();
    assert_eq!(
        desk.guard.control_on(desk.now, act()),
        Err(Denied::OnlyLook)
    );
    assert_eq!(
        desk.guard.accept_upgrade(desk.now, act()),
        Err(Denied::NotNow)
    );
    desk.guard.ask_upgrade(desk.now).unwrap();
    assert_eq!(desk.guard.rights(), Rights::View);
    desk.outputs();
    desk.guard.accept_upgrade(desk.now, act()).unwrap();
    let acts = desk.acts();
    assert_eq!(acts[0], Output::CancelFrames);
    assert!(matches!(
        acts[1],
        Output::SendRights {
            epoch: 1,
            rights: Rights::None,
            ..
        }
    ));
    assert_eq!(acts[2..], [Output::Card]);
    assert!(!desk.sees(), "nobody sees the card");
    desk.guard.card_done(desk.now, act()).unwrap();
    assert_eq!(
        desk.acts(),
        [Output::OpenEpoch {
            epoch: 2,
            recorded: true
        }]
    );
    assert!(!desk.sees(), "sight is off until the new epoch is open");
    desk.guard.handle_epoch_acknowledged(desk.now, 2);
    desk.guard.handle_epoch_opened(desk.now, 2);
    desk.changed(Rights::None, Rights::Control, Cause::Epoch);
}

#[test]
fn declining_the_question_leaves_only_looking() {
    let mut desk = Desk::viewed();
    desk.guard.ask_upgrade(desk.now).unwrap();
    desk.guard.decline_upgrade(desk.now);
    assert_eq!(
        (desk.guard.question(), desk.guard.rights()),
        (None, Rights::View)
    );
    assert_eq!(
        desk.guard.control_on(desk.now, act()),
        Err(Denied::OnlyLook)
    );
}

#[test]
fn switching_sight_off_closes_the_question_of_widening() {
    let mut desk = Desk::viewed();
    desk.guard.ask_upgrade(desk.now).unwrap();
    desk.guard.view_off(desk.now);
    assert_eq!(desk.guard.question(), None);
    assert_eq!(
        desk.guard.accept_upgrade(desk.now, act()),
        Err(Denied::NotNow)
    );
    assert_eq!(desk.guard.ask_upgrade(desk.now), Err(Denied::ViewOff));
}

#[test]
fn while_a_question_is_open_nothing_is_injected() {
    let mut desk = Desk::controlled();
    desk.guard.ask_end(desk.now).unwrap();
    desk.changed(Rights::Control, Rights::View, Cause::Question);
    assert_eq!(desk.guard.view_on(desk.now, act()), Err(Denied::Question));
    assert_eq!(
        desk.guard.control_on(desk.now, act()),
        Err(Denied::Question)
    );
    assert_eq!(desk.guard.ask_end(desk.now), Err(Denied::Question));
    desk.guard.go_on(desk.now, act()).unwrap();
    desk.changed(Rights::View, Rights::Control, Cause::Answered);
}

#[test]
fn pointing_needs_sight_without_control_and_no_question() {
    let header = |desk: &Desk| Header {
        epoch: desk.guard.epoch(),
        direction: Direction::ConsoleToAgent,
        class: Class::Notices,
        number: 0,
        grant: desk.guard.grant(),
        rights: Rights::View,
        length: 80,
    };
    let shown = |desk: &mut Desk, header: &Header| {
        let permit = desk.guard.handle_point(desk.now, header);
        permit.map(drop)
    };
    let mut desk = Desk::consent();
    let early = header(&desk);
    assert_eq!(shown(&mut desk, &early), Err(DropReason::NotGranted));
    let mut desk = Desk::controlled();
    let controlled = header(&desk);
    assert_eq!(shown(&mut desk, &controlled), Err(DropReason::NotGranted));

    let mut desk = Desk::viewed();
    let good = header(&desk);
    assert_eq!(shown(&mut desk, &good), Ok(()));
    for wrong in [
        Header {
            grant: good.grant + 1,
            ..good
        },
        Header {
            epoch: good.epoch + 1,
            ..good
        },
    ] {
        assert_eq!(shown(&mut desk, &wrong), Err(DropReason::Stale));
    }
    for wrong in [
        Header {
            class: Class::Input,
            ..good
        },
        Header {
            direction: Direction::AgentToConsole,
            ..good
        },
    ] {
        assert_eq!(shown(&mut desk, &wrong), Err(DropReason::Refused));
    }
    desk.guard.ask_upgrade(desk.now).unwrap();
    let asked = header(&desk);
    assert_eq!(shown(&mut desk, &asked), Err(DropReason::NotGranted));
    desk.guard.decline_upgrade(desk.now);
    let answered = header(&desk);
    assert!(shown(&mut desk, &answered).is_ok());
    desk.guard.handle_stop_key(desk.now);
    assert_eq!(shown(&mut desk, &answered), Err(DropReason::NotGranted));
    desk.guard.view_on(desk.now, act()).unwrap();
    assert_eq!(
        shown(&mut desk, &answered),
        Err(DropReason::Stale),
        "an older grant"
    );
}

#[test]
fn answering_a_question_brings_nothing_that_was_off() {
    let mut desk = Desk::controlled();
    desk.guard.control_off(desk.now);
    desk.guard.ask_end(desk.now).unwrap();
    desk.guard.go_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::View);
    let mut desk = Desk::controlled();
    desk.guard.ask_end(desk.now).unwrap();
    desk.guard.control_off(desk.now);
    desk.guard.go_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::View);
}

#[test]
fn a_reconnect_brings_sight_back_but_never_control() {
    let mut desk = Desk::controlled();
    let grant = desk.guard.grant();
    desk.guard.handle_connection_lost(desk.now);
    // Nothing can be sent; the rights are gone all the same.
    assert_eq!(desk.acts(), [Output::ReleaseInput, Output::CancelFrames]);
    assert!(!desk.sees());
    assert_eq!(desk.guard.wish(), Rights::View, "the switch is off already");
    assert_eq!(
        desk.guard.view_on(desk.now, act()),
        Err(Denied::NotConnected)
    );
    desk.pass(RECONNECT - Duration::from_millis(1));
    desk.guard.handle_resumed(desk.now);
    assert_eq!(
        desk.acts(),
        [Output::OpenEpoch {
            epoch: 2,
            recorded: true
        }]
    );
    desk.guard.handle_epoch_acknowledged(desk.now, 2);
    desk.guard.handle_epoch_opened(desk.now, 2);
    desk.changed(Rights::None, Rights::View, Cause::Epoch);
    assert!(desk.guard.grant() > grant + 1);
    assert_eq!(desk.guard.interruption(), Some(Interruption::Reconnected));
    desk.guard.control_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::Control);
    assert_eq!(desk.guard.interruption(), None);
}

#[test]
fn a_lost_technician_is_told_to_the_old_epoch() {
    let mut desk = Desk::controlled();
    desk.guard.handle_peer_lost(desk.now);
    desk.changed(Rights::Control, Rights::None, Cause::Lost);
    // What comes late for the old epoch opens nothing.
    desk.guard.handle_epoch_acknowledged(desk.now, 1);
    desk.guard.handle_epoch_opened(desk.now, 1);
    assert!(!desk.sees());
    desk.pass(RECONNECT);
    assert_eq!(desk.guard.ended(), Some(&End::Lost));
}

#[test]
fn a_second_loss_does_not_lengthen_the_wait() {
    let mut desk = Desk::viewed();
    desk.guard.handle_peer_lost(desk.now);
    desk.pass(RECONNECT / 2);
    desk.guard.handle_connection_lost(desk.now);
    desk.pass(RECONNECT / 2);
    assert_eq!(desk.guard.ended(), Some(&End::Lost));
}

#[test]
fn a_second_loss_on_the_consent_page_does_not_lengthen_the_wait_either() {
    let mut desk = Desk::consent();
    desk.guard.handle_connection_lost(desk.now);
    for _ in 0..3 {
        assert_eq!(desk.guard.ended(), None);
        desk.guard.more_time(desk.now);
        desk.guard.handle_peer_lost(desk.now);
        desk.pass(RECONNECT / 3 + Duration::from_millis(1));
    }
    assert_eq!(desk.guard.ended(), Some(&End::Lost));
}

#[test]
fn resuming_without_a_loss_counts_as_one() {
    let mut desk = Desk::controlled();
    desk.guard.handle_resumed(desk.now);
    let acts = desk.acts();
    assert!(
        matches!(
            acts[2],
            Output::SendRights {
                epoch: 1,
                rights: Rights::None,
                ..
            }
        ),
        "{acts:?}"
    );
    assert_eq!(
        acts[3..],
        [Output::OpenEpoch {
            epoch: 2,
            recorded: true
        }]
    );
    desk.open_epoch();
    assert_eq!(desk.guard.rights(), Rights::View);
}

#[test]
fn a_link_lost_on_the_consent_page_may_come_back() {
    let mut desk = Desk::consent();
    desk.guard.handle_connection_lost(desk.now);
    assert!(matches!(desk.guard.phase(), Phase::Reconnecting { .. }));
    assert_eq!(
        desk.guard.consent_view(desk.now, act()),
        Err(Denied::NotConnected)
    );
    desk.guard.handle_resumed(desk.now);
    assert_eq!(desk.guard.consent_view(desk.now, act()), Ok(()));
}

#[test]
fn a_failed_recorder_takes_control_and_only_a_new_epoch_can_bring_it_back() {
    let mut desk = Desk::controlled();
    desk.guard.handle_recorder_failed(desk.now);
    desk.changed(Rights::Control, Rights::View, Cause::Recorder);
    assert_eq!(desk.guard.interruption(), Some(Interruption::Recorder));
    desk.guard.handle_offer(desk.now, RECORDED);
    assert_eq!(
        desk.guard.control_on(desk.now, act()),
        Err(Denied::NotOffered)
    );
    desk.guard.handle_connection_lost(desk.now);
    desk.guard.handle_offer(desk.now, RECORDED);
    desk.guard.handle_resumed(desk.now);
    desk.open_epoch();
    assert_eq!(desk.guard.rights(), Rights::View);
    desk.guard.control_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::Control);
}

#[test]
fn faults_of_the_computer_end_what_they_touch() {
    let mut desk = Desk::controlled();
    desk.guard.handle_computer_fault(desk.now, Fault::Input);
    desk.changed(Rights::Control, Rights::View, Cause::Computer);
    assert_eq!(
        desk.guard.control_on(desk.now, act()),
        Err(Denied::NotOffered)
    );
    desk.guard.handle_computer_fault(desk.now, Fault::Screen);
    desk.changed(Rights::View, Rights::None, Cause::Computer);
    desk.guard.view_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::View);
    desk.outputs();
    desk.guard.handle_computer_fault(desk.now, Fault::Window);
    let acts = desk.acts();
    assert!(matches!(
        acts[1],
        Output::SendRights {
            rights: Rights::None,
            cause: Cause::Computer,
            ..
        }
    ));
    assert_eq!(acts[2..], [Output::SessionEnded(End::Fault)]);
    assert!(!desk.sees());
}

#[test]
fn after_fifteen_minutes_without_input_it_asks_and_two_minutes_later_it_ends() {
    let mut desk = Desk::controlled();
    desk.pass(IDLE - Duration::from_millis(1));
    assert_eq!(
        desk.try_move(),
        Ok(()),
        "input of either side starts the time anew"
    );
    desk.pass(IDLE - Duration::from_millis(1));
    desk.guard.handle_customer_activity(desk.now);
    desk.pass(IDLE - Duration::from_millis(1));
    assert_eq!(desk.guard.question(), None);
    desk.pass(Duration::from_millis(1));
    let until = desk.now + STILL_THERE;
    assert_eq!(desk.guard.question(), Some(Question::StillThere { until }));
    assert_eq!(
        (desk.guard.rights(), desk.try_move()),
        (Rights::View, Err(DropReason::NotGranted))
    );
    desk.pass(STILL_THERE - Duration::from_millis(1));
    desk.guard.go_on(desk.now, act()).unwrap();
    assert_eq!(
        (desk.guard.question(), desk.guard.rights()),
        (None, Rights::Control)
    );
    desk.pass(IDLE + STILL_THERE);
    assert_eq!(desk.guard.ended(), Some(&End::Idle));
}

#[test]
fn dropped_input_keeps_no_session_alive() {
    let mut desk = Desk::viewed();
    desk.pass(IDLE - Duration::from_millis(1));
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
    desk.pass(Duration::from_millis(1));
    assert!(desk.guard.question().is_some());
}

#[test]
fn four_hours_are_the_most() {
    let mut desk = Desk::viewed();
    for _ in 0..24 {
        assert_eq!(desk.guard.ended(), None);
        desk.guard.handle_customer_activity(desk.now);
        desk.pass(LONGEST / 24);
    }
    assert_eq!(desk.guard.ended(), Some(&End::Idle));
}

#[test]
fn beacons_come_twice_a_second_under_control_and_never_otherwise() {
    let mut desk = Desk::controlled();
    desk.pass(Duration::from_secs(2));
    let numbers = [2, 3, 4, 5].map(|number| Output::Beacon { number });
    assert_eq!(desk.acts(), numbers);
    desk.guard.control_off(desk.now);
    desk.outputs();
    let due = desk.guard.poll_timeout().unwrap();
    assert!(
        due - desk.now > Duration::from_secs(60),
        "no timer runs while nothing is controlled"
    );
    desk.pass(Duration::from_secs(10));
    assert!(desk.acts().is_empty());
    desk.guard.control_on(desk.now, act()).unwrap();
    assert_eq!(
        desk.acts().last(),
        Some(&Output::Beacon { number: 6 }),
        "numbers go on rising"
    );
}

#[test]
fn a_late_timer_sends_one_beacon_not_many() {
    let mut desk = Desk::controlled();
    desk.now += Duration::from_secs(60);
    desk.guard.handle_timeout(desk.now);
    assert_eq!(desk.acts(), [Output::Beacon { number: 2 }]);
}

#[test]
fn held_back_input_lands_nowhere() {
    let mut desk = Desk::controlled();
    let (header, input) = desk.input(InputEvent::Move { x: 1, y: 1 });
    desk.pass(BEACON_FRESH);
    assert!(desk.guard.handle_input(desk.now, &header, &input).is_ok());
    desk.pass(Duration::from_millis(1));
    assert_eq!(
        desk.guard.handle_input(desk.now, &header, &input).err(),
        Some(DropReason::Stale)
    );
}

#[test]
fn input_of_another_grant_epoch_beacon_or_class_is_dropped() {
    let mut desk = Desk::controlled();
    let (header, input) = desk.input(InputEvent::Move { x: 1, y: 1 });
    let mut dropped = |header: Header, beacon: u64, reason: DropReason| {
        let input = Input {
            beacon,
            layout: 1,
            event: input.event.clone(),
        };
        assert_eq!(
            desk.guard.handle_input(desk.now, &header, &input).err(),
            Some(reason)
        );
    };
    dropped(
        Header {
            grant: header.grant - 1,
            ..header
        },
        input.beacon,
        DropReason::Stale,
    );
    dropped(
        Header {
            grant: header.grant + 1,
            ..header
        },
        input.beacon,
        DropReason::Stale,
    );
    dropped(
        Header { epoch: 0, ..header },
        input.beacon,
        DropReason::Stale,
    );
    dropped(
        Header { epoch: 2, ..header },
        input.beacon,
        DropReason::Stale,
    );
    dropped(header, 0, DropReason::Stale);
    dropped(header, input.beacon + 1, DropReason::Stale);
    dropped(
        Header {
            class: Class::Notices,
            ..header
        },
        input.beacon,
        DropReason::Refused,
    );
}

#[test]
fn input_from_before_a_revocation_lands_nowhere_after_it() {
    let mut desk = Desk::controlled();
    let (header, input) = desk.input(InputEvent::Move { x: 1, y: 1 });
    desk.guard.control_off(desk.now);
    desk.guard.control_on(desk.now, act()).unwrap();
    assert_eq!(
        desk.guard.handle_input(desk.now, &header, &input).err(),
        Some(DropReason::Stale)
    );
    // Not even with the new grant, if the beacon is from before.
    let forged = Header {
        grant: desk.guard.grant(),
        ..header
    };
    assert_eq!(
        desk.guard.handle_input(desk.now, &forged, &input).err(),
        Some(DropReason::Stale)
    );
    assert_eq!(desk.try_move(), Ok(()));
}

#[test]
fn f11_is_never_injected() {
    for keysym in [0xffc8, 0x1008_fe0b] {
        for down in [true, false] {
            let mut desk = Desk::controlled();
            let pressed = desk.try_event(InputEvent::Key { keysym, down });
            assert_eq!(pressed, Err(DropReason::StopKey));
        }
    }
    let mut desk = Desk::controlled();
    assert_eq!(
        desk.try_event(InputEvent::Key {
            keysym: 0xffc7,
            down: true
        }),
        Ok(())
    );
    let text = Text::new("F11").unwrap();
    assert_eq!(desk.try_event(InputEvent::Text { text }), Ok(()));
}

#[test]
fn a_wheel_turns_by_bounded_notches() {
    let mut desk = Desk::controlled();
    let turned = |dx, dy| InputEvent::Scroll { dx, dy, x: 0, y: 0 };
    assert_eq!(desk.try_event(turned(32, -32)), Ok(()));
    assert_eq!(desk.try_event(turned(0, 33)), Err(DropReason::Refused));
    assert_eq!(
        desk.try_event(turned(i16::MIN, 0)),
        Err(DropReason::Refused)
    );
}

#[test]
fn while_the_customer_is_active_remote_input_is_dropped_and_both_see_it() {
    let mut desk = Desk::controlled();
    desk.guard.handle_customer_activity(desk.now);
    assert_eq!(
        desk.acts(),
        [Output::ReleaseInput, Output::CustomerActive(true)]
    );
    assert_eq!(desk.try_move(), Err(DropReason::CustomerActive));
    desk.pass(CUSTOMER_FIRST / 2);
    desk.guard.handle_customer_activity(desk.now);
    desk.pass(CUSTOMER_FIRST - Duration::from_millis(1));
    assert_eq!(desk.try_move(), Err(DropReason::CustomerActive));
    desk.outputs();
    desk.pass(Duration::from_millis(1));
    assert!(desk.acts().contains(&Output::CustomerActive(false)));
    assert_eq!(desk.try_move(), Ok(()));
    assert_eq!(
        desk.guard.rights(),
        Rights::Control,
        "no right changes by it"
    );
}

#[test]
fn what_was_said_of_the_customers_activity_is_taken_back_with_control() {
    let mut desk = Desk::controlled();
    desk.guard.handle_customer_activity(desk.now);
    desk.outputs();
    desk.guard.control_off(desk.now);
    assert_eq!(desk.acts().last(), Some(&Output::CustomerActive(false)));
    assert!(!desk.guard.customer_active());
}

#[test]
fn without_control_the_customers_activity_says_nothing() {
    let mut desk = Desk::viewed();
    desk.guard.handle_customer_activity(desk.now);
    assert!(desk.outputs().is_empty());
    assert!(!desk.guard.customer_active());
}

#[test]
fn the_end_revokes_first_and_is_the_last_word() {
    let mut desk = Desk::controlled();
    desk.guard.handle_end(desk.now, End::Customer);
    let acts = desk.acts();
    assert_eq!(acts[..2], [Output::ReleaseInput, Output::CancelFrames]);
    assert!(matches!(
        acts[2],
        Output::SendRights {
            rights: Rights::None,
            cause: Cause::Ended,
            ..
        }
    ));
    assert_eq!(acts[3..], [Output::SessionEnded(End::Customer)]);
    let guard = &mut desk.guard;
    let now = desk.now;
    guard.handle_resumed(now);
    guard.handle_end(now, End::Technician);
    guard.handle_connection_lost(now);
    guard.handle_recorder_failed(now);
    guard.handle_stop_key(now);
    assert_eq!(guard.view_on(now, act()), Err(Denied::NotNow));
    assert_eq!(guard.poll_timeout(), None);
    assert_eq!(guard.poll_output(), None);
    assert_eq!(guard.ended(), Some(&End::Customer));
}

#[test]
fn the_end_page_knows_how_long_was_seen_and_controlled() {
    let mut desk = Desk::controlled();
    desk.pass(Duration::from_secs(10));
    desk.guard.control_off(desk.now);
    desk.pass(Duration::from_secs(5));
    desk.guard.view_off(desk.now);
    desk.pass(Duration::from_secs(60));
    desk.guard.handle_end(desk.now, End::Customer);
    desk.pass(Duration::from_secs(60));
    assert_eq!(desk.guard.viewed(desk.now), Duration::from_secs(15));
    assert_eq!(desk.guard.controlled(desk.now), Duration::from_secs(10));
}

#[test]
fn time_that_runs_back_lengthens_nothing() {
    let mut desk = Desk::controlled();
    let early = desk.now;
    let (header, input) = desk.input(InputEvent::Move { x: 1, y: 1 });
    desk.pass(Duration::from_secs(3));
    assert_eq!(
        desk.guard.handle_input(early, &header, &input).err(),
        Some(DropReason::Stale)
    );
}

#[test]
fn when_the_grants_are_used_up_everything_ends() {
    let mut desk = Desk::controlled();
    desk.guard.grant = u32::MAX;
    desk.guard.control_off(desk.now);
    let acts = desk.acts();
    assert_eq!(
        acts,
        [
            Output::ReleaseInput,
            Output::CancelFrames,
            Output::SessionEnded(End::Fault)
        ]
    );
    assert!(!desk.sees());
}
