//! The receipt as people read and print it: one HTML file without anything from outside, German and
//! English one below the other, the language that was agreed in first.

use fernsicht_protocol::complaint::Lookup;
use fernsicht_protocol::receipt::{self, EventKind, Receipt, State};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::format;
use crate::texts::{Language, Texts};

/// How long before the deletion a complaint should come in at the latest, in seconds.
const TIME_TO_OPEN_S: u64 = 7 * 24 * 60 * 60;

/// What was agreed to, besides what the receipt itself says.
pub(crate) struct Agreed<'a> {
    /// Whom to complain to.
    pub(crate) complaints_office: &'a str,
    /// True if control was allowed later, in a session for looking only.
    pub(crate) widened: bool,
}

/// The file without its signature.
pub(crate) fn html(receipt: &Receipt, agreed: &Agreed<'_>) -> String {
    let first = Language::from_tag(receipt.language.as_str()).unwrap_or_default();
    let second = match first {
        Language::De => Language::En,
        Language::En => Language::De,
    };
    let title = Texts::new(first, receipt.operator.as_str()).receipt_title();
    let page = html! {
        (DOCTYPE)
        html lang=(first.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (part(receipt, agreed, first, first))
                (part(receipt, agreed, second, first))
                (PreEscaped(receipt::block(receipt)))
            }
        }
    };
    let mut page = page.into_string();
    page.push('\n');
    page
}

fn part(receipt: &Receipt, agreed: &Agreed<'_>, language: Language, agreed_in: Language) -> Markup {
    let texts = Texts::new(language, receipt.operator.as_str());
    let date = |seconds: u64| format::date(language, signed(seconds));
    let moment = |seconds: u64| {
        let seconds = signed(seconds);
        format!(
            "{}, {}",
            format::date(language, seconds),
            format::time(language, seconds)
        )
    };
    let ended = match &receipt.state {
        State::Started => "–".to_owned(),
        State::Completed { at, .. } => moment(*at),
    };
    let last_day = date(receipt.deletion.saturating_sub(TIME_TO_OPEN_S));
    html! {
        section lang=(language.tag()) {
            h1 { (texts.receipt_title()) }
            p.lead { (texts.receipt_intro(&date(receipt.deletion))) }
            dl {
                (row(&texts.receipt_recording_number(), html! { span.number { (Lookup(receipt.lookup)) } }))
                (row(&texts.receipt_operator(), html! { (receipt.operator.as_str()) ", " (receipt.domain.as_str()) }))
                (row(&texts.receipt_technician(), html! { (receipt.technician.as_str()) ", " (receipt.organisation.as_str()) }))
                (row(&texts.receipt_start(), html! { (moment(receipt.started)) }))
                (row(&texts.receipt_end(), html! { (ended) }))
                (row(&texts.receipt_deletion(), html! { (date(receipt.deletion)) }))
                @match receipt.case.as_str() {
                    // To be filled in by hand.
                    "" => (row(&texts.receipt_case(), html! { span.blank {} })),
                    case => (row(&texts.receipt_case(), html! { (case) })),
                }
            }
            h2 { (texts.receipt_rights()) }
            ul {
                @for event in &receipt.events.0 {
                    li { (format::time(language, signed(event.at))) " " (happened(&texts, &event.kind)) }
                }
            }
            h2 { (texts.receipt_complain_title()) }
            ol {
                li { (texts.receipt_complain_1(agreed.complaints_office)) }
                li { (texts.receipt_complain_2()) }
                li { (texts.receipt_complain_3(&last_day)) }
            }
            p { (texts.receipt_log()) }
            p { (texts.receipt_withdraw()) }
            h2 { (texts.receipt_code()) }
            p { (texts.receipt_code_help()) }
            ul {
                @for code in &receipt.codes.0 {
                    li { (code.auditor.as_str()) ": " code { (grouped(&code.fingerprint[..16])) } }
                }
            }
            (proof(receipt, &texts))
            h2 { (texts.receipt_consent_text()) }
            (consent(receipt, agreed, agreed_in))
        }
    }
}

fn row(name: &str, value: Markup) -> Markup {
    html! { dt { (name) } dd { (value) } }
}

fn proof(receipt: &Receipt, texts: &Texts) -> Markup {
    html! {
        h2 { (texts.receipt_proof()) }
        @match &receipt.checkpoint {
            Some(signed) => p { code { (grouped(&signed.checkpoint.chain)) } },
            None => p { (texts.receipt_proof_missing()) },
        }
    }
}

/// The text as it was agreed to: in that language, also in the other one's part.
fn consent(receipt: &Receipt, agreed: &Agreed<'_>, language: Language) -> Markup {
    let texts = Texts::new(language, receipt.operator.as_str());
    let date = format::date(language, signed(receipt.deletion));
    let technician = receipt.technician.as_str();
    let declaration = if agreed.widened {
        texts.upgrade_declaration(&date)
    } else {
        texts.consent_control_declaration(&date)
    };
    let lines = [
        declaration,
        texts.recording_what(technician),
        texts.recording_not(),
        texts.recording_typed(),
        texts.recording_whole(),
        texts.recording_why(),
        texts.recording_locked(),
        texts.recording_open(),
        texts.recording_delete(&date),
        texts.recording_copy(),
        texts.recording_third(),
    ];
    html! {
        blockquote lang=(language.tag()) {
            @for line in lines { p { (line) } }
        }
        p.small { code { (grouped(&receipt.text_version)) } }
    }
}

fn happened(texts: &Texts, kind: &EventKind) -> String {
    match kind {
        EventKind::ViewOn => texts.receipt_right_view_on(),
        EventKind::ViewOff => texts.receipt_right_view_off(),
        EventKind::ControlOn => texts.receipt_right_control_on(),
        EventKind::ControlOff => texts.receipt_right_control_off(),
        EventKind::Stop => texts.receipt_right_stop(),
        EventKind::Lost => texts.receipt_right_lost(),
        EventKind::Recorder => texts.receipt_right_recorder(),
    }
}

/// Hex in groups of four bytes.
fn grouped(bytes: &[u8]) -> String {
    let groups: Vec<String> = bytes
        .chunks(4)
        .map(|group| group.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    groups.join(" ")
}

fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

const STYLE: &str = "\
@page { size: A4; margin: 18mm 20mm }
html { background: #fff; color: #111 }
body { font: 12pt/1.45 'DejaVu Sans', Verdana, Arial, sans-serif; max-width: 42em; margin: 1.5em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin: 0 0 .4em }
h2 { font-size: 1.1em; margin: 1.2em 0 .3em; break-after: avoid }
p, ul, ol, dl { margin: .3em 0 .6em }
dl { display: grid; grid-template-columns: 14em 1fr; gap: .25em 1em }
dt { font-weight: bold }
dd { margin: 0; overflow-wrap: anywhere }
li { break-inside: avoid }
code { font-family: 'DejaVu Sans Mono', monospace; font-size: .85em; overflow-wrap: anywhere }
blockquote { margin: .3em 0; padding: .1em 1em; border-left: 3px solid #666; font-size: .9em }
.lead { font-size: 1.1em }
.number { font-family: 'DejaVu Sans Mono', monospace; font-size: 1.2em; letter-spacing: .05em }
.blank { display: inline-block; width: 14em; border-bottom: 1px solid #111; height: 1.1em }
.small { font-size: .8em }
section + section { margin-top: 3em; padding-top: 1.5em; border-top: 2px solid #111; break-before: page }
@media (max-width: 34em) { dl { grid-template-columns: 1fr } }
@media print { body { font-size: 10.5pt; margin: 0; padding: 0; max-width: none } section + section { border: 0; margin: 0; padding: 0 } }
";

#[cfg(test)]
mod tests {
    use super::*;
    use fernsicht_protocol::crypto::SigningKey;
    use fernsicht_protocol::fuzzing::receipt::sample;
    use fernsicht_protocol::wire::Text;
    use rand_core::OsRng;

    fn made(completed: bool) -> (Receipt, SigningKey) {
        let key = SigningKey::draw(&mut OsRng);
        let mut receipt = sample(completed);
        receipt.agent_key = key.public();
        (receipt, key)
    }

    fn agreed() -> Agreed<'static> {
        Agreed {
            complaints_office: "beschwerde@hilfe.example",
            widened: false,
        }
    }

    #[test]
    fn both_languages_stand_in_a_file_that_seals() {
        for completed in [false, true] {
            let (receipt, key) = made(completed);
            let page = html(&receipt, &agreed());
            for language in [Language::De, Language::En] {
                let texts = Texts::new(language, "Nordlicht Telefon");
                assert!(page.contains(&texts.receipt_title()));
                assert!(page.contains(&texts.receipt_code_help()));
                let missing = page.contains(&texts.receipt_proof_missing());
                assert_eq!(missing, !completed);
            }
            assert!(page.contains(&Lookup(receipt.lookup).to_string()));
            assert_eq!(
                page.matches("<dd>2026-17</dd>").count(),
                if completed { 2 } else { 0 }
            );
            let file = receipt::seal(&page, &key).expect("our own");
            assert_eq!(receipt::parse(&file), Ok(receipt));
        }
    }

    #[test]
    fn nothing_is_fetched_and_no_name_becomes_markup() {
        let (mut receipt, _) = made(true);
        receipt.technician = Text::new("<b>&\"<!--FERNSICHT-RECEIPT 1").expect("text");
        receipt.case = Text::new("</dd><script>&\"<!--FERNSICHT-RECEIPT 1").expect("text");
        let page = html(&receipt, &agreed());
        for outside in ["http:", "https:", "src=", "<script", "<link", "url(", "<b>"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<!--").count(), 1);
    }
}
