//! The auditor's report: one printable HTML file about one case, in German and English, signed
//! with the auditor's key.
//!
//! It says who the auditor is and what the exported video's hash is; whoever has the operator's CA
//! fingerprint can check both ([`check`]). Not here: what the facts are ([`super::facts`]), and the signature's form.

#[cfg(feature = "model")]
mod fuzzing;
mod signature;

use data_encoding::HEXLOWER;
use fernsicht_protocol::chat::Fate;
use fernsicht_protocol::crypto::SigningKey;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::facts::{
    self, Facts, cause_text, date_text, end_text, piece_outcome, piece_text, rights_text,
    time_text, writer_text,
};
use super::identity::fingerprint;
use super::video::Written;
use crate::texts::{Language, Texts};

#[cfg(feature = "model")]
#[doc(hidden)]
pub use fuzzing::run as fuzz;
pub use signature::{Error, check};

/// Who reports, and what was exported with it.
#[derive(Debug, Clone)]
pub struct By<'a> {
    /// The auditor's name.
    pub auditor: &'a str,
    /// The auditor's X25519 key.
    pub key: &'a [u8; 32],
    /// When, in seconds since 1970 UTC.
    pub now_s: u64,
    /// The exported video.
    pub video: Option<&'a Written>,
}

/// The signed file.
pub fn signed(facts: &Facts, by: &By<'_>, chain: &[Vec<u8>], key: &SigningKey) -> String {
    let body = body(facts, by).into_string();
    signature::seal(&body, chain, key)
}

fn body(facts: &Facts, by: &By<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="de" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Nothing is fetched and nothing runs.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Fernsicht · " (facts.case) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @for language in [Language::De, Language::En] {
                    (section(facts, by, language))
                }
            }
        }
        "\n"
    }
}

fn section(facts: &Facts, by: &By<'_>, language: Language) -> Markup {
    let texts = &Texts::new(language);
    let tag = match language {
        Language::De => "de",
        Language::En => "en",
    };
    let days = facts::days_left(facts.deletion, by.now_s);
    html! {
        section lang=(tag) {
            h1 { (texts.text("report-title")) }
            p class=(if facts.verdict == facts::Verdict::Sound { "sound" } else { "alarm" }) {
                (facts.verdict.text(texts))
            }
            @if !facts.findings.is_empty() {
                h2 { (texts.text("report-findings")) }
                ul {
                    @for finding in &facts.findings {
                        li {
                            (finding.what)
                            @if let Some(record) = finding.record { " · " (texts.with("report-record", [("number", record.into())])) }
                            @if let Some(time) = finding.time { " · " (time_text(time)) }
                        }
                    }
                }
            }
            (case_table(facts, by, texts, days))
            h2 { (texts.text("report-rights")) }
            table {
                @for change in &facts.rights {
                    tr {
                        td { (time_text(change.time)) }
                        td { (rights_text(texts, change.rights)) }
                        td { @if let Some(cause) = &change.cause { (cause_text(texts, cause)) } }
                    }
                }
            }
            @if !facts.pieces.is_empty() {
                h2 { (texts.text("audit-pieces")) }
                table {
                    @for fact in &facts.pieces {
                        tr {
                            td { (time_text(fact.time)) }
                            td { (piece_text(texts, fact)) }
                            td { (piece_outcome(texts, fact)) }
                        }
                    }
                }
            }
            h2 { (texts.text("report-input")) }
            table {
                (row(texts, "report-injected", &facts.input.injected.to_string()))
                (row(texts, "report-dropped", &facts.input.dropped.to_string()))
                (row(texts, "report-undecided", &facts.input.undecided.to_string()))
            }
            @if !facts.talk.is_empty() {
                h2 { (texts.text("report-talk")) }
                table {
                    @for said in &facts.talk {
                        tr {
                            td { (time_text(said.time)) }
                            td { (writer_text(texts, said.direction)) }
                            td {
                                (said.text)
                                @match said.fate {
                                    Fate::Shown => {}
                                    Fate::Open => { " · " (texts.text("audit-talk-open")) }
                                    Fate::Refused => { " · " (texts.text("audit-talk-refused")) }
                                }
                            }
                        }
                    }
                }
            }
            h2 { (texts.text("report-export")) }
            table {
                (row(texts, "report-by", by.auditor))
                (row(texts, "report-key", &fingerprint(by.key)))
                (row(texts, "report-when", &time_text(by.now_s * 100)))
                @if let Some(video) = by.video {
                    (row(texts, "report-video", &video.path.file_name().unwrap_or_default().to_string_lossy()))
                    (row(texts, "report-video-bytes", &video.length.to_string()))
                    (row(texts, "report-video-hash", &HEXLOWER.encode(&video.hash)))
                }
            }
            p class="quiet" { (texts.text("report-limits")) }
        }
    }
}

fn case_table(facts: &Facts, by: &By<'_>, texts: &Texts, days: u64) -> Markup {
    let duration = facts.to.saturating_sub(facts.from) / 100;
    let lasted = format!(
        "{}:{:02}:{:02}",
        duration / 3600,
        duration / 60 % 60,
        duration % 60
    );
    let deletion = texts.with(
        "audit-deletion",
        [
            ("date", date_text(facts.deletion).into()),
            ("days", days.into()),
        ],
    );
    html! {
        table {
            (row(texts, "report-case", &facts.case))
            (row(texts, "report-number", &facts.number))
            (row(texts, "report-relay", &facts.relay))
            (row(texts, "report-technician", &facts.technician))
            (row(texts, "report-organisation", &facts.organisation))
            (row(texts, "report-from", &time_text(facts.from)))
            (row(texts, "report-to", &time_text(facts.to)))
            (row(texts, "report-lasted", &lasted))
            (row(texts, "report-end", &end_text(texts, facts.end.as_ref())))
            (row(texts, "report-epochs", &facts.epochs.to_string()))
            (row(texts, "report-sealed-to", &facts.sealed_to.to_string()))
            @if let Some((version, language)) = &facts.text {
                (row(texts, "report-text", &format!("{version} ({language})")))
            }
            (row(texts, "report-entry", &facts.entry.to_string()))
            (row(texts, "report-deletion", &deletion))
            @if by.video.is_none() { (row(texts, "report-video", &texts.text("report-no-video"))) }
        }
    }
}

fn row(texts: &Texts, key: &str, value: &str) -> Markup {
    html! { tr { th scope="row" { (texts.text(key)) } td { (value) } } }
}

const STYLE: &str = "body{font:16px/1.45 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:1.6rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #bbb;overflow-wrap:anywhere}\
th{font-weight:600;width:16rem}.sound,.alarm{padding:.6rem .8rem;border:2px solid;font-weight:600}.alarm{border-color:#a00}.sound{border-color:#060}\
.quiet{color:#444}section+section{margin-top:3rem;border-top:3px solid #111}\
@media print{body{margin:0;max-width:none}section+section{break-before:page;border:0}}";

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use fernsicht_protocol::cert::{self, Role};
    use fernsicht_protocol::content::Cause;
    use fernsicht_protocol::crypto::{Hash, hash};
    use fernsicht_protocol::frame::Direction;
    use fernsicht_protocol::rights::Rights;
    use fernsicht_protocol::transfer::{Kind, Outcome};
    use fernsicht_recordings::finding::Check;

    use super::super::facts::{Change, Finding, Input, Verdict};
    use super::super::index::PieceFact;
    use super::super::index::talk::said;
    use super::*;

    pub(crate) fn facts() -> Facts {
        Facts {
            case: "2027/14 <b>".into(),
            number: "AAAA-BBBB-CCCC-DDDD".into(),
            relay: "relay.example:7443".into(),
            technician: "Erika Weber".into(),
            organisation: "Nordlicht & Söhne".into(),
            from: 180_000_000_000,
            to: 180_000_012_345,
            epochs: 2,
            bytes: 4096,
            deletion: 1_807_000_000,
            end: None,
            verdict: Verdict::Altered,
            refused_at: None,
            findings: vec![Finding {
                check: Check::Chain,
                grave: true,
                record: Some(17),
                time: Some(180_000_000_100),
                what: "the chain breaks".into(),
            }],
            rights: vec![Change {
                time: 180_000_000_000,
                rights: Rights::Control,
                cause: Some(Cause::Epoch),
            }],
            pieces: vec![PieceFact {
                time: 180_000_000_200,
                id: 1,
                to_customer: true,
                kind: Kind::File,
                name: "Anleitung <i>.pdf".into(),
                size: 70_000,
                outcome: Outcome::Complete { hash: [0xcd; 32] },
            }],
            input: Input {
                injected: 12,
                dropped: 3,
                undecided: 1,
            },
            talk: vec![
                said(
                    180_000_000_700,
                    Direction::ConsoleToAgent,
                    "Bitte <b>warten</b>",
                    Fate::Shown,
                ),
                said(180_000_000_900, Direction::AgentToConsole, "Ja", Fate::Open),
            ],
            text: Some(("0011223344556677".into(), "de".into())),
            sealed_to: 2,
            entry: 5,
        }
    }

    /// A CA's certificate and an auditor's chain with its key.
    pub(crate) fn office(role: Role) -> (Hash, Vec<Vec<u8>>, SigningKey) {
        use rcgen::{
            BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
            KeyPair, PKCS_ED25519,
        };
        let ca_key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).unwrap().der().to_vec();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Jonas Brandt");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(
            cert::role_arcs(role).to_vec(),
        )];
        let leaf = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        let signing = SigningKey::from_pkcs8(&key.serialize_der()).unwrap();
        (hash(&ca), vec![leaf, ca], signing)
    }

    fn report(role: Role) -> (String, Hash) {
        let (ca, chain, key) = office(role);
        let video = Written {
            path: PathBuf::from("/tmp/fall.mp4"),
            length: 99,
            hash: [0xab; 32],
        };
        let by = By {
            auditor: "Jonas Brandt",
            key: &[3; 32],
            now_s: 1_800_100_000,
            video: Some(&video),
        };
        (signed(&facts(), &by, &chain, &key), ca)
    }

    #[test]
    fn it_says_what_was_found_in_both_languages_and_escapes() {
        let (report, _) = report(Role::Auditor);
        for part in [
            "2027/14 &lt;b&gt;",
            "Nordlicht &amp; Söhne",
            "Bericht",
            "Report",
            "the chain breaks",
            "<td>Technik</td><td>Bitte &lt;b&gt;warten&lt;/b&gt;</td>",
            "<td>Customer</td><td>Ja · whether it could be read is not known</td>",
            "Anleitung &lt;i&gt;.pdf",
            &"cd".repeat(32),
            &"ab".repeat(32),
            "fall.mp4",
            "lang=\"de\"",
            "lang=\"en\"",
        ] {
            assert!(report.contains(part), "{part}");
        }
        assert!(!report.contains("<script") && !report.contains("<b>"));
    }

    #[test]
    fn every_altered_byte_is_found() {
        let (report, ca) = report(Role::Auditor);
        let holder = check(report.as_bytes(), &ca, NOW).unwrap();
        assert_eq!(holder.name, "Jonas Brandt");
        assert_eq!(
            check(report.as_bytes(), &[0; 32], NOW),
            Err(Error::Chain(cert::Error::Untrusted))
        );
        for at in 0..report.len() {
            let mut altered = report.clone().into_bytes();
            altered[at] ^= 1;
            assert!(check(&altered, &ca, NOW).is_err(), "byte {at}");
        }
    }

    #[test]
    fn only_an_auditor_reports() {
        let (report, ca) = report(Role::Technician);
        assert_eq!(
            check(report.as_bytes(), &ca, NOW),
            Err(Error::Chain(cert::Error::Role))
        );
    }

    const NOW: u64 = 1_800_000_000;
}
