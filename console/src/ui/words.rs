//! What problems, pages, causes and ends are called in the technician's language.

use fernsicht_protocol::content::Cause;
use fernsicht_protocol::messages::{End, Page};

use crate::texts::Texts;
use crate::view::Problem;

/// The sentence of a problem: what is wrong, and what to do.
pub fn problem_text(texts: &Texts, problem: &Problem) -> String {
    match problem {
        Problem::TokenForm => texts.text("problem-token-form"),
        Problem::TokenRefused => texts.text("problem-token-refused"),
        Problem::Unreachable { relay, detail } => texts.with(
            "problem-unreachable",
            [
                ("relay", relay.as_str().into()),
                ("detail", detail.as_str().into()),
            ],
        ),
        Problem::WrongRelay { relay, detail } => texts.with(
            "problem-wrong-relay",
            [
                ("relay", relay.as_str().into()),
                ("detail", detail.as_str().into()),
            ],
        ),
        Problem::RelayAnswer(detail) => {
            texts.with("problem-relay-answer", [("detail", detail.as_str().into())])
        }
        Problem::Storage { path, detail } => texts.with(
            "problem-storage",
            [
                ("path", path.as_str().into()),
                ("detail", detail.as_str().into()),
            ],
        ),
        Problem::StorageOpen { path } => {
            texts.with("problem-storage-open", [("path", path.as_str().into())])
        }
        Problem::NotEnrolled => texts.text("problem-not-enrolled"),
        Problem::AlreadyEnrolled {
            technician,
            relay,
            path,
        } => texts.with(
            "enrol-again",
            [
                ("technician", technician.as_str().into()),
                ("relay", relay.as_str().into()),
                ("path", path.as_str().into()),
            ],
        ),
        Problem::TooOld => texts.text("problem-too-old"),
        Problem::Full => texts.text("problem-full"),
        Problem::Draining => texts.text("problem-draining"),
        Problem::Revoked => texts.text("problem-revoked"),
        Problem::Certificate => texts.text("problem-certificate"),
        Problem::TooManyTries { minutes } => {
            texts.with("problem-many-tries", [("minutes", (*minutes).into())])
        }
        Problem::Unexpected => texts.text("problem-unexpected"),
        Problem::Link(detail) => texts.with("problem-link", [("detail", detail.as_str().into())]),
        Problem::Internal(detail) => {
            texts.with("problem-internal", [("detail", detail.as_str().into())])
        }
        Problem::Window(detail) => {
            texts.with("problem-window", [("detail", detail.as_str().into())])
        }
    }
}

/// Which page the customer reads.
pub(super) fn page_text(texts: &Texts, page: &Page) -> String {
    texts.text(match page {
        Page::Consent => "page-consent",
        Page::Screens => "page-screens",
        Page::Privacy => "page-privacy",
        Page::Starting => "page-starting",
        Page::Session => "page-session",
        Page::Card => "page-card",
    })
}

/// Why there is no picture.
pub(super) fn cause_text(texts: &Texts, cause: &Cause) -> String {
    texts.text(match cause {
        Cause::Granted => "cause-granted",
        Cause::Narrowed => "cause-narrowed",
        Cause::Stopped => "cause-stopped",
        Cause::Question => "cause-question",
        Cause::Answered => "cause-answered",
        Cause::Lost => "cause-lost",
        Cause::Recorder => "cause-recorder",
        Cause::Computer => "cause-computer",
        Cause::Ended => "cause-ended",
        Cause::Epoch => "cause-epoch",
    })
}

/// Why the session is over.
pub(super) fn end_text(texts: &Texts, reason: &End) -> String {
    texts.text(match reason {
        End::Customer => "ended-customer",
        End::Technician => "ended-technician",
        End::Refused => "ended-refused",
        End::Silence => "ended-silence",
        End::Idle => "ended-idle",
        End::Relay => "ended-relay",
        End::Revoked => "ended-revoked",
        End::Lost => "ended-lost",
        End::Tampered => "ended-tampered",
        End::WrongCode => "ended-wrong-code",
        End::Unverified => "ended-unverified",
        End::Fault => "ended-fault",
    })
}

/// What is on the page, for those on the phone.
pub(super) fn guide_key(page: &Page) -> Option<&'static str> {
    match page {
        Page::Consent => Some("guide-consent"),
        Page::Screens => Some("guide-screens"),
        Page::Card => Some("guide-card"),
        Page::Privacy | Page::Starting | Page::Session => None,
    }
}
