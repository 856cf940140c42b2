//! What keeps an auditor from going on, in the auditor's language.

use fernsicht_protocol::audit::AuditRefusal;
use fernsicht_protocol::complaint;

use super::Failure;
use super::facts::date_text;
use crate::texts::Texts;
use crate::ui::words::problem_text;

/// The sentence for a failure.
pub fn failure_text(texts: &Texts, failure: &Failure) -> String {
    let detail = |key: &str, detail: &str| texts.with(key, [("detail", detail.into())]);
    match failure {
        Failure::Problem(problem) => problem_text(texts, problem),
        Failure::NotEnrolled => texts.text("audit-not-enrolled"),
        Failure::Passphrase => texts.text("audit-passphrase-wrong"),
        Failure::PassphraseShort => texts.text("audit-passphrase-short"),
        Failure::PassphrasesDiffer => texts.text("audit-passphrase-differs"),
        Failure::NoTerminal => texts.text("audit-no-terminal"),
        Failure::File {
            path,
            detail: reason,
        } => texts.with(
            "audit-file",
            [
                ("path", path.as_str().into()),
                ("detail", reason.as_str().into()),
            ],
        ),
        Failure::Code(error) => code_text(texts, *error),
        Failure::Receipt(reason) => detail("audit-receipt", reason),
        Failure::ReceiptKey => texts.text("audit-receipt-key"),
        Failure::Reference => texts.text("audit-reference"),
        Failure::Refused(reason) => refusal_text(texts, reason),
        Failure::TooLarge { length, .. } => texts.with(
            "audit-too-large",
            [("megabytes", (length / 1_000_000).into())],
        ),
        Failure::Cancelled => texts.text("audit-cancelled"),
        Failure::Encoding(reason) => detail("audit-encoding", reason),
        Failure::Unreadable(reason) => detail("audit-unreadable", reason),
        Failure::Internal(reason) => detail("problem-internal", reason),
    }
}

fn code_text(texts: &Texts, error: complaint::Error) -> String {
    match error {
        complaint::Error::Length { symbols } => {
            texts.with("audit-code-length", [("symbols", symbols.into())])
        }
        complaint::Error::Symbol { at } => {
            texts.with("audit-code-symbol", [("at", (at + 1).into())])
        }
        complaint::Error::Wrong { at: Some(at) } => {
            texts.with("audit-code-wrong-at", [("at", (at + 1).into())])
        }
        complaint::Error::Wrong { at: None } => texts.text("audit-code-wrong"),
    }
}

fn refusal_text(texts: &Texts, reason: &AuditRefusal) -> String {
    match reason {
        AuditRefusal::NoRecording => texts.text("audit-no-recording"),
        AuditRefusal::Deleted { at } => {
            texts.with("audit-deleted", [("date", date_text(*at).into())])
        }
        AuditRefusal::Running => texts.text("audit-running"),
        AuditRefusal::Fault => texts.text("audit-relay-fault"),
        AuditRefusal::Token => texts.text("problem-token-refused"),
        AuditRefusal::Revoked => texts.text("problem-revoked"),
        AuditRefusal::TooOld => texts.text("problem-too-old"),
        AuditRefusal::Unexpected => texts.text("audit-unexpected"),
        AuditRefusal::TooManyTries { minutes } => {
            texts.with("problem-many-tries", [("minutes", (*minutes).into())])
        }
    }
}
