//! From guard and engine to what the pages show. Pure: reads, decides nothing.

use std::time::Instant;

use fernsicht_protocol::guard::{Fault, Interruption, Phase, Question};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::rights::Rights;

use super::core::{Before, Core, ReceiptFile};
use super::recording::Recording;
use crate::view::{
    self, BarState, Consent, EndReason, Ended, Notice, Problem, Saved, Session, Stage, Starting,
};

/// The page of this moment.
pub(super) fn stage(core: &Core, now: Instant) -> Stage {
    match &core.stage {
        Before::Idle => return Stage::Start,
        Before::Failed(problem) => return Stage::StartError(problem.clone()),
        Before::Connecting => return Stage::Connecting,
        Before::Screens(_) if matches!(core.guard.phase(), Phase::Consent { .. }) => {
            return Stage::Screens {
                technician: core.technician.clone(),
                screens: core.choices(),
            };
        }
        Before::Paired | Before::Screens(_) | Before::Ended(_) => {}
    }
    match core.guard.phase() {
        Phase::Unpaired => Stage::Connecting,
        Phase::Consent { until } => Stage::Consent(Consent {
            technician: core.technician.clone(),
            control: core.offer(),
            deadline: until,
            input_possible: core.input_possible,
        }),
        // Nothing has been granted that could be interrupted.
        Phase::Reconnecting { .. } if core.guard.kind().is_none() => Stage::Connecting,
        Phase::Card { .. } => card(core),
        Phase::Starting if starting(core, now) => Stage::Starting(how(core)),
        Phase::Starting | Phase::Session | Phase::Reconnecting { .. } => Stage::Session(bar(core)),
        Phase::Ended => Stage::Ended(ended(core, now)),
    }
}

/// The card, once the receipt is on the disk or no folder takes it.
fn card(core: &Core) -> Stage {
    let receipt = match &core.file {
        ReceiptFile::None | ReceiptFile::Wanted => return Stage::Starting(how(core)),
        ReceiptFile::Saved(path) => Some(path.clone()),
        ReceiptFile::Unsaved => None,
    };
    match &core.card {
        Some(code) => Stage::Card(view::Card {
            code: code.clone(),
            receipt,
        }),
        None => Stage::Starting(how(core)),
    }
}

/// True until the session's first epoch is open, and again until the first recorded one is.
fn starting(core: &Core, now: Instant) -> bool {
    let unconfirmed = core.recording.as_ref().is_some_and(|r| !r.confirmed());
    core.guard.viewed(now).is_zero() || unconfirmed
}

fn how(core: &Core) -> Starting {
    match (core.recording.is_some(), core.widened) {
        (false, _) => Starting::Look,
        (true, false) => Starting::Recording,
        (true, true) => Starting::Upgrade,
    }
}

fn bar(core: &Core) -> Session {
    let guard = &core.guard;
    let state = match (guard.phase(), guard.rights()) {
        (Phase::Reconnecting { .. }, _) => BarState::Reconnecting,
        (_, Rights::Control) if guard.customer_active() => BarState::CustomerFirst,
        (_, Rights::Control) => BarState::Control,
        (_, Rights::View) => BarState::View,
        (_, Rights::None) if guard.stopped() => BarState::Stopped,
        (_, Rights::None) => BarState::ViewOff,
    };
    let notice = match guard.interruption() {
        Some(Interruption::Reconnected) => Some(Notice::Reconnected),
        Some(Interruption::Recorder) => Some(Notice::RecorderFailed),
        Some(Interruption::RecorderBack) => Some(Notice::RecorderBack),
        Some(Interruption::Computer(Fault::Input)) => Some(Notice::InputUnavailable),
        Some(Interruption::Computer(Fault::Screen | Fault::Window)) => Some(
            core.unreadable
                .clone()
                .map_or(Notice::ScreenGone, Notice::Unreadable),
        ),
        Some(Interruption::Stopped) | None => {
            // Who may only look is kept from nothing.
            let control = core.guard.rights().control();
            let elevation = core.elevation_offered();
            (control && core.protected.is_some()).then_some(Notice::Protected { elevation })
        }
    };
    Session {
        technician: core.technician.clone(),
        state,
        control: core.offer(),
        recorded: guard.recorded(),
        question: guard.question().map(|question| match question {
            Question::Upgrade => view::Question::Upgrade,
            Question::End => match core.elevation.question() {
                Some(step) => view::Question::Elevate(step),
                None => view::Question::End,
            },
            Question::StillThere { until } => view::Question::StillThere(until),
            Question::Transfer { piece, .. } => view::Question::Transfer(piece),
        }),
        notice,
        transfer: core.piece_shown(),
        screens: match core.choosing() {
            true => core.choices(),
            false => Vec::new(),
        },
        chat: core.chat.page(),
    }
}

/// True while a line of the technician's may appear: on the bar, while nothing is asked there.
pub(super) fn talks(core: &Core, now: Instant) -> bool {
    let asked = core.guard.question().is_some() || core.choosing();
    !asked && matches!(stage(core, now), Stage::Session(_))
}

fn ended(core: &Core, now: Instant) -> Ended {
    let reason = match (&core.stage, core.guard.ended()) {
        (Before::Ended(problem), _) => EndReason::Problem(problem.clone()),
        (_, Some(End::Customer)) => EndReason::Customer,
        (_, Some(End::Technician)) => EndReason::Technician,
        (_, Some(End::Refused)) => EndReason::Refusal,
        (_, Some(End::Silence)) => EndReason::Silence,
        (_, Some(End::Idle)) => EndReason::Problem(Problem::EndedIdle),
        (_, Some(End::Relay)) => EndReason::Problem(Problem::EndedRelay),
        (_, Some(End::Revoked)) => EndReason::Problem(Problem::TechnicianRevoked),
        (_, Some(End::Lost)) if core.recorder_failed && core.recorded() => {
            EndReason::Problem(Problem::EndedRecorder)
        }
        (_, Some(End::Lost)) => EndReason::Problem(Problem::ConnectionLost),
        (_, Some(End::Tampered)) => EndReason::Problem(Problem::Tampered),
        (_, Some(End::WrongCode)) => EndReason::Problem(Problem::CodeWrong),
        (_, Some(End::Unverified)) => EndReason::Problem(Problem::TechnicianUnverified),
        (_, Some(End::Fault) | None) => EndReason::Problem(Problem::Internal),
    };
    Ended {
        technician: (!core.technician.name.is_empty()).then(|| core.technician.clone()),
        reason,
        at: core.ended_at,
        viewed_s: core.guard.viewed(now).as_secs(),
        controlled_s: core.guard.controlled(now).as_secs(),
        receipt: core
            .recording
            .as_ref()
            .filter(|recording| recording.begun())
            .map(|recording| receipt(core, recording)),
        successor: core.elevation.followed(),
    }
}

fn receipt(core: &Core, recording: &Recording) -> view::Receipt {
    view::Receipt {
        from: i64::try_from(recording.started()).unwrap_or(i64::MAX),
        saved: match &core.file {
            ReceiptFile::Saved(path) => Saved::At(path.clone()),
            ReceiptFile::Wanted => Saved::NotYet,
            ReceiptFile::None | ReceiptFile::Unsaved => Saved::Nowhere,
        },
        failed: core.save_failed,
        places: core.places.clone(),
    }
}
