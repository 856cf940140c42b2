//! Errors in the customer's words, what can be done about each, and the page for those after
//! which nothing goes on.

use egui::Ui;
use fernsicht_protocol::code;

use super::pen::{Look, Pen};
use super::{Action, sheet, tokens};
use crate::format;
use crate::view::Problem;

/// What the customer can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Compare the digits: the code stays in the field.
    Code,
    /// Try the same code again.
    Again,
    /// Ask for a new code on the phone.
    NewCode,
    /// Nothing here.
    Close,
}

/// What the customer can do about this.
pub(crate) fn remedy(problem: &Problem) -> Remedy {
    match problem {
        Problem::CodeLetters | Problem::CodeShort | Problem::CodeTypo | Problem::CodeUnknown => {
            Remedy::Code
        }
        Problem::NoNetwork
        | Problem::RelayUnreachable
        | Problem::RelayFull
        | Problem::RelayUntrusted
        | Problem::TooManyTries(_)
        | Problem::Clock => Remedy::Again,
        Problem::CodeWrong
        | Problem::CodeExpired
        | Problem::CodeUsed
        | Problem::TechnicianLeft
        | Problem::EndedRelay
        | Problem::ConnectionLost
        | Problem::TechnicianLost
        | Problem::EndedRecorder
        | Problem::EndedIdle
        | Problem::Tampered
        | Problem::ScreenUnreadable(_) => Remedy::NewCode,
        Problem::TechnicianUnverified
        | Problem::TechnicianRevoked
        | Problem::AgentOld
        | Problem::AgentDamaged
        | Problem::Wayland
        | Problem::Internal => Remedy::Close,
    }
}

/// The sentence. `error-technician-lost` names the technician: see [`sentence_about`].
pub(crate) fn sentence(pen: &Pen<'_>, problem: &Problem) -> String {
    sentence_about(pen, problem, "")
}

/// The sentence, where a technician may be named.
pub(crate) fn sentence_about(pen: &Pen<'_>, problem: &Problem, technician: &str) -> String {
    let texts = pen.texts;
    match problem {
        Problem::CodeLetters => texts.error_code_letters(),
        Problem::CodeShort => texts.error_code_short(code::MIN_DIGITS),
        Problem::CodeTypo => texts.error_code_typo(),
        Problem::CodeWrong => texts.error_code_wrong(),
        Problem::CodeUnknown => texts.error_code_unknown(),
        Problem::CodeExpired => texts.error_code_expired(),
        Problem::CodeUsed => texts.error_code_used(),
        Problem::TooManyTries(minutes) => texts.error_too_many_tries(*minutes),
        Problem::TechnicianLeft => texts.error_technician_left(),
        Problem::NoNetwork => texts.error_no_network(),
        Problem::RelayUnreachable => texts.error_relay_unreachable(),
        Problem::RelayFull => texts.error_relay_full(),
        Problem::RelayUntrusted => texts.error_relay_untrusted(),
        Problem::Clock => {
            let (language, now) = (texts.language(), pen.wall_s);
            texts.error_clock(&format::date(language, now), &format::time(language, now))
        }
        Problem::AgentOld => texts.error_agent_old(&pen.operator.domain),
        Problem::AgentDamaged => texts.error_agent_damaged(),
        Problem::TechnicianUnverified => texts.error_technician_unverified(),
        Problem::TechnicianRevoked => texts.error_technician_revoked(),
        Problem::EndedRelay => texts.error_ended_relay(),
        Problem::ConnectionLost => texts.error_connection_lost(),
        Problem::TechnicianLost => texts.error_technician_lost(technician),
        Problem::EndedRecorder => texts.error_ended_recorder(),
        Problem::EndedIdle => texts.error_ended_idle(),
        Problem::Tampered => texts.error_tampered(),
        Problem::ScreenUnreadable(detail) => texts.error_screen_unreadable(detail),
        Problem::Wayland => texts.error_wayland(),
        Problem::Internal => texts.error_internal(),
    }
}

/// What is wrong with a typed code.
pub(crate) fn of_code(error: code::Error) -> Problem {
    match error {
        code::Error::Letters => Problem::CodeLetters,
        code::Error::Short => Problem::CodeShort,
        code::Error::Typo => Problem::CodeTypo,
    }
}

/// A page that says what went wrong.
pub(crate) fn ui(ui: &mut Ui, pen: &mut Pen<'_>, problem: &Problem) {
    let body = |ui: &mut Ui, pen: &mut Pen<'_>| {
        let sentence = sentence(pen, problem);
        ui.add_space(tokens::GROUP);
        pen.great_error(ui, sentence);
        ui.add_space(tokens::GROUP);
        ui.horizontal_wrapped(|ui| {
            if remedy(problem) == Remedy::NewCode {
                let restart = Action::Restart { keep_code: false };
                pen.button(ui, Look::Lead, pen.texts.button_new_code(), restart);
            }
            pen.button(ui, Look::Quiet, pen.texts.button_close(), Action::Close);
        });
    };
    sheet::show(ui, pen, "problem", 0.0, body, |_, _| {});
}
