//! From guard and engine to what the pages show. Pure: reads, decides nothing.

use std::time::Instant;

use fernsicht_protocol::guard::{Fault, Interruption, Phase, Question};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::rights::Rights;

use super::core::{Before, Core};
use crate::view::{self, BarState, Consent, EndReason, Ended, Notice, Problem, Session, Stage};

/// The page of this moment.
pub(super) fn stage(core: &Core, now: Instant) -> Stage {
    match &core.stage {
        Before::Idle => return Stage::Start,
        Before::Failed(problem) => return Stage::StartError(problem.clone()),
        Before::Connecting => return Stage::Connecting,
        Before::Screens(_) if matches!(core.guard.phase(), Phase::Consent { .. }) => {
            return Stage::Screens {
                technician: core.technician.clone(),
                screens: core.screens.clone(),
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
        Phase::Starting if core.guard.viewed(now).is_zero() => Stage::Starting,
        Phase::Starting | Phase::Session | Phase::Reconnecting { .. } => Stage::Session(bar(core)),
        Phase::Ended => Stage::Ended(ended(core, now)),
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
        Some(Interruption::Computer(Fault::Input)) => Some(Notice::InputUnavailable),
        Some(Interruption::Computer(Fault::Screen | Fault::Window)) => Some(
            core.unreadable
                .clone()
                .map_or(Notice::ScreenGone, Notice::Unreadable),
        ),
        Some(Interruption::Stopped) | None => None,
    };
    Session {
        technician: core.technician.clone(),
        state,
        control: core.offer(),
        question: guard.question().map(|question| match question {
            Question::Upgrade => view::Question::Upgrade,
            Question::End => view::Question::End,
            Question::StillThere { until } => view::Question::StillThere(until),
        }),
        notice,
    }
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
    }
}
