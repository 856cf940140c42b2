//! The card, recorded epochs, the lease and the recorder's failures.

use super::*;

fn open(epoch: u32, recorded: bool) -> Output {
    Output::OpenEpoch { epoch, recorded }
}

impl Desk {
    fn card() -> Self {
        let mut desk = Self::consent();
        desk.guard.consent_control(desk.now, act()).unwrap();
        assert_eq!(desk.acts(), [Output::Card]);
        desk
    }

    fn phase_is_card(&self) -> bool {
        matches!(self.guard.phase(), Phase::Card { .. })
    }
}

#[test]
fn nothing_is_granted_and_no_epoch_begins_before_the_card_is_done() {
    let mut desk = Desk::card();
    assert!(desk.phase_is_card());
    for epoch in 0..3 {
        desk.guard.handle_epoch_acknowledged(desk.now, epoch);
        desk.guard.handle_epoch_opened(desk.now, epoch);
    }
    desk.guard.handle_resumed(desk.now);
    desk.guard.handle_recorder_back(desk.now);
    assert_eq!(desk.guard.view_on(desk.now, act()), Err(Denied::NotNow));
    assert_eq!(desk.guard.control_on(desk.now, act()), Err(Denied::NotNow));
    assert_eq!(desk.guard.ask_end(desk.now), Err(Denied::NotNow));
    assert_eq!(
        (desk.sees(), desk.try_move()),
        (false, Err(DropReason::NotGranted))
    );
    assert!(desk.acts().is_empty());
    desk.guard.card_done(desk.now, act()).unwrap();
    assert_eq!(desk.acts(), [open(1, true)]);
    assert!(!desk.sees(), "the epoch is not open yet");
    assert_eq!(desk.guard.card_done(desk.now, act()), Err(Denied::NotNow));
}

#[test]
fn only_looking_shows_no_card_and_is_not_recorded() {
    let mut desk = Desk::consent();
    desk.guard.consent_view(desk.now, act()).unwrap();
    assert_eq!(desk.acts(), [open(1, false)]);
    assert_eq!(desk.guard.card_done(desk.now, act()), Err(Denied::NotNow));
    desk.open_epoch();
    desk.guard.handle_connection_lost(desk.now);
    desk.guard.handle_resumed(desk.now);
    assert_eq!(desk.acts().last(), Some(&open(2, false)));
}

#[test]
fn recording_once_begun_lasts() {
    let mut desk = Desk::controlled();
    desk.guard.control_off(desk.now);
    desk.guard.view_off(desk.now);
    for epoch in 2..5 {
        desk.guard.handle_connection_lost(desk.now);
        desk.guard.handle_resumed(desk.now);
        assert_eq!(desk.acts().last(), Some(&open(epoch, true)));
        desk.open_epoch();
    }
}

#[test]
fn the_card_waits_ten_minutes_and_then_the_session_ends() {
    let mut desk = Desk::card();
    desk.pass(CARD - Duration::from_millis(1));
    assert!(desk.phase_is_card());
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.guard.ended(), Some(&End::Silence));
}

#[test]
fn on_the_card_the_customer_may_refuse() {
    let mut desk = Desk::card();
    desk.guard.refuse(desk.now);
    assert_eq!(desk.guard.ended(), Some(&End::Refused));
    // Something was seen before: that is the end of a session, not a refusal.
    let mut desk = Desk::viewed();
    desk.guard.ask_upgrade(desk.now).unwrap();
    desk.guard.accept_upgrade(desk.now, act()).unwrap();
    assert!(desk.phase_is_card());
    desk.guard.refuse(desk.now);
    assert_eq!(desk.guard.ended(), Some(&End::Customer));
}

#[test]
fn f11_on_the_card_leaves_nothing_to_grant_after_it() {
    let mut desk = Desk::card();
    desk.guard.handle_stop_key(desk.now);
    assert!(desk.phase_is_card());
    desk.guard.card_done(desk.now, act()).unwrap();
    desk.outputs();
    desk.guard.handle_epoch_acknowledged(desk.now, 1);
    desk.guard.handle_epoch_opened(desk.now, 1);
    desk.changed(Rights::None, Rights::None, Cause::Epoch);
    assert!(desk.guard.stopped());
}

#[test]
fn a_loss_while_the_card_is_read_does_not_take_it_away() {
    let mut desk = Desk::card();
    desk.guard.handle_connection_lost(desk.now);
    assert!(desk.phase_is_card(), "it is shown only once");
    desk.guard.handle_resumed(desk.now);
    assert!(desk.phase_is_card());
    desk.guard.handle_connection_lost(desk.now);
    desk.guard.card_done(desk.now, act()).unwrap();
    assert!(desk.acts().is_empty(), "there is nobody to tell");
    assert!(matches!(desk.guard.phase(), Phase::Reconnecting { .. }));
    desk.guard.handle_resumed(desk.now);
    assert_eq!(desk.acts(), [open(1, true)]);
    desk.open_epoch();
    assert_eq!(
        desk.guard.rights(),
        Rights::View,
        "control needs an own act"
    );
}

#[test]
fn without_a_checkpoint_the_lease_lapses_after_four_seconds() {
    let mut desk = Desk::controlled();
    desk.pass_uncovered(Duration::from_secs(60));
    assert_eq!(desk.guard.rights(), Rights::Control, "nothing was injected");
    assert_eq!(desk.try_move(), Ok(()));
    desk.outputs();
    desk.pass_uncovered(LEASE - Duration::from_millis(1));
    assert_eq!(desk.guard.rights(), Rights::Control);
    desk.outputs();
    desk.now += Duration::from_millis(1);
    assert_eq!(desk.guard.poll_timeout(), Some(desk.now));
    desk.guard.handle_timeout(desk.now);
    let acts = desk.acts();
    let told = acts.iter().any(|output| {
        matches!(
            output,
            Output::SendRights {
                rights: Rights::View,
                cause: Cause::Recorder,
                ..
            }
        )
    });
    assert!(told, "{acts:?}");
    assert_eq!(
        (desk.guard.rights(), desk.try_move()),
        (Rights::View, Err(DropReason::NotGranted))
    );
    assert_eq!(desk.guard.interruption(), Some(Interruption::Recorder));
    assert_eq!(
        desk.guard.control_on(desk.now, act()),
        Err(Denied::NotOffered)
    );
}

#[test]
fn a_late_timer_does_not_lengthen_the_lease() {
    let mut desk = Desk::controlled();
    assert_eq!(desk.try_move(), Ok(()));
    desk.now += LEASE;
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
}

#[test]
fn the_oldest_uncovered_event_counts_not_the_newest() {
    let mut desk = Desk::controlled();
    for second in 0..4 {
        assert_eq!(desk.try_move(), Ok(()), "{second}");
        desk.pass_uncovered(Duration::from_secs(1));
    }
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
}

#[test]
fn covered_input_holds_the_lease() {
    let mut desk = Desk::controlled();
    for _ in 0..20 {
        assert_eq!(desk.try_move(), Ok(()));
        desk.pass_uncovered(Duration::from_secs(1));
        let behind = desk.number.saturating_sub(2);
        desk.guard.handle_covered(desk.now, 1, behind);
    }
    // What is said of another epoch covers nothing.
    desk.covered();
    assert_eq!(desk.try_move(), Ok(()));
    desk.guard.handle_covered(desk.now, 2, 1_000);
    desk.pass_uncovered(LEASE);
    assert_eq!(desk.guard.rights(), Rights::View);
}

#[test]
fn after_a_lapse_a_late_checkpoint_begins_a_new_epoch_without_control() {
    let mut desk = Desk::controlled();
    assert_eq!(desk.try_move(), Ok(()));
    desk.pass_uncovered(LEASE);
    desk.outputs();
    desk.covered();
    let acts = desk.acts();
    assert_eq!(acts.last(), Some(&open(2, true)), "{acts:?}");
    assert_eq!(desk.guard.interruption(), Some(Interruption::RecorderBack));
    desk.open_epoch();
    assert_eq!(desk.guard.rights(), Rights::View);
    desk.guard.control_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.rights(), Rights::Control);
}

#[test]
fn more_events_than_any_hand_makes_are_not_leased() {
    let mut desk = Desk::controlled();
    for _ in 0..super::super::lease::MOST {
        assert_eq!(desk.try_move(), Ok(()));
    }
    assert_eq!(desk.try_move(), Err(DropReason::NotGranted));
    assert_eq!(desk.guard.rights(), Rights::View);
}

#[test]
fn the_recorders_return_begins_an_epoch_and_switches_no_control_on() {
    let mut desk = Desk::controlled();
    desk.guard.handle_recorder_back(desk.now);
    assert!(desk.acts().is_empty(), "it had not failed");
    desk.guard.handle_recorder_failed(desk.now);
    desk.guard.handle_recorder_failed(desk.now);
    desk.outputs();
    desk.guard.handle_recorder_back(desk.now);
    let acts = desk.acts();
    assert_eq!(acts.last(), Some(&open(2, true)), "{acts:?}");
    desk.open_epoch();
    assert_eq!(desk.guard.rights(), Rights::View);
    assert_eq!(desk.guard.interruption(), Some(Interruption::RecorderBack));
    desk.guard.control_on(desk.now, act()).unwrap();
    assert_eq!(desk.guard.interruption(), None);
}

#[test]
fn a_recorder_that_fails_while_the_customer_only_looks_on_is_back_for_widening() {
    let mut desk = Desk::viewed();
    desk.guard.handle_recorder_failed(desk.now);
    assert_eq!(desk.guard.ask_upgrade(desk.now), Err(Denied::NotOffered));
    desk.guard.handle_recorder_back(desk.now);
    assert!(desk.acts().is_empty(), "nothing is recorded");
    assert_eq!(desk.guard.ask_upgrade(desk.now), Ok(()));
}

#[test]
fn after_a_contradicted_checkpoint_there_is_no_control_any_more() {
    let mut desk = Desk::controlled();
    desk.guard.handle_recording_mismatch(desk.now);
    desk.changed(Rights::Control, Rights::View, Cause::Recorder);
    desk.guard.handle_recorder_failed(desk.now);
    desk.guard.handle_recorder_back(desk.now);
    desk.guard.handle_connection_lost(desk.now);
    desk.guard.handle_offer(desk.now, RECORDED);
    desk.guard.handle_resumed(desk.now);
    desk.open_epoch();
    assert_eq!(
        desk.guard.control_on(desk.now, act()),
        Err(Denied::NotOffered)
    );
    assert_eq!(desk.guard.offer(), &ControlOffer::Unavailable);
}

#[test]
fn the_deletion_date_of_a_recording_is_the_one_that_was_consented_to() {
    let mut desk = Desk::controlled();
    desk.guard.handle_connection_lost(desk.now);
    let later = ControlOffer::Recorded { deletion: u64::MAX };
    desk.guard.handle_offer(desk.now, later);
    assert_eq!(desk.guard.offer(), &RECORDED);
}
