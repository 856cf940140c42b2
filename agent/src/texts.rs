//! The words that customers read: the Fluent files of agent/texts behind one function per key.
//!
//! The files are compiled in. Every accessor names its variables, so a missing variable does
//! not compile; a key that no page uses is an unused function; and the tests below compare
//! accessors, files and [`RESERVED`] (keys whose pages are not there yet) in both directions.
//! Dates, times and durations arrive here formatted (see [`crate::format`]).

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// German.
    #[default]
    De,
    /// English.
    En,
}

impl Language {
    /// Reads a language tag such as `de`, `de_DE.UTF-8` or `en-GB`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
            Some(Self::De)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// The requested language, else the system's if there are texts in it, else the operator's.
    pub fn choose(requested: Option<Self>, system: Option<&str>, operator: Option<Self>) -> Self {
        requested
            .or_else(|| system.and_then(Self::from_tag))
            .or(operator)
            .unwrap_or_default()
    }

    fn source(self) -> &'static str {
        match self {
            Self::De => concat!(
                include_str!("../texts/de.ftl"),
                "\n",
                include_str!("../texts/chat.de.ftl"),
                "\n",
                include_str!("../texts/transfer.de.ftl"),
                "\n",
                include_str!("../texts/elevate.de.ftl")
            ),
            Self::En => concat!(
                include_str!("../texts/en.ftl"),
                "\n",
                include_str!("../texts/chat.en.ftl"),
                "\n",
                include_str!("../texts/transfer.en.ftl"),
                "\n",
                include_str!("../texts/elevate.en.ftl")
            ),
        }
    }

    /// The language tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }
}

/// Which texts these are: the first 8 bytes of the SHA-256 of the language's files, one behind the other.
pub(crate) fn version(language: Language) -> [u8; 8] {
    let hash = fernsicht_protocol::crypto::hash(language.source().as_bytes());
    let (first, _) = hash.split_first_chunk().expect("a hash has 32 bytes");
    *first
}

/// The texts in one language, for one operator.
pub struct Texts {
    language: Language,
    operator: String,
    german: FluentBundle<FluentResource>,
    english: FluentBundle<FluentResource>,
    /// Every key that was asked for.
    #[cfg(test)]
    asked: std::cell::RefCell<std::collections::BTreeSet<String>>,
}

impl Texts {
    /// Texts for this operator; the language can be switched at any time.
    pub fn new(language: Language, operator: impl Into<String>) -> Self {
        Self {
            language,
            operator: operator.into(),
            german: bundle(Language::De),
            english: bundle(Language::En),
            #[cfg(test)]
            asked: std::cell::RefCell::default(),
        }
    }

    /// The language shown.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Shows another language.
    pub fn switch(&mut self, language: Language) {
        self.language = language;
    }

    /// Every key that was asked for.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> std::collections::BTreeSet<String> {
        self.asked.borrow().clone()
    }

    fn get(&self, key: &str, given: &[(&'static str, FluentValue<'_>)]) -> String {
        #[cfg(test)]
        self.asked.borrow_mut().insert(key.to_owned());
        let bundle = match self.language {
            Language::De => &self.german,
            Language::En => &self.english,
        };
        let mut args = FluentArgs::with_capacity(given.len() + 1);
        args.set("operator", self.operator.as_str());
        for (name, value) in given {
            args.set(*name, value.clone());
        }
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut errors = Vec::new();
        bundle
            .format_pattern(pattern, Some(&args), &mut errors)
            .into_owned()
    }
}

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let tag: LanguageIdentifier = language
        .tag()
        .parse()
        .expect("our own tags are well-formed");
    let mut bundle = FluentBundle::new(vec![tag]);
    bundle.set_use_isolating(false);
    // What the parser recovers is still shown; a test keeps the files free of errors.
    let resource = match FluentResource::try_new(language.source().to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    bundle.add_resource_overriding(resource);
    bundle
}

macro_rules! texts {
    ($($name:ident = $key:literal ( $($arg:ident : $ty:ty),* );)*) => {
        impl Texts {
            $(
                #[doc = concat!("`", $key, "`")]
                pub(crate) fn $name(&self $(, $arg: $ty)*) -> String {
                    self.get($key, &[$((stringify!($arg), FluentValue::from($arg))),*])
                }
            )*
        }

        /// Every key that has an accessor, with its variables besides `operator`.
        #[cfg(test)]
        const USED: &[(&str, &[&str])] = &[$(($key, &[$(stringify!($arg)),*])),*];
    };
}

texts! {
    app_title = "app-title"();
    language_switch = "language-switch"();
    language_de = "language-de"();
    language_en = "language-en"();
    button_continue = "button-continue"();
    button_back = "button-back"();
    button_retry = "button-retry"();
    button_new_code = "button-new-code"();
    button_close = "button-close"();
    privacy_link = "privacy-link"();

    start_lead = "start-lead"();
    start_nothing_yet = "start-nothing-yet"();
    start_step_1 = "start-step-1"();
    start_step_2 = "start-step-2"();
    start_step_3 = "start-step-3"();
    start_code_label = "start-code-label"();
    start_code_help = "start-code-help"(digits: usize);
    start_code_prefilled = "start-code-prefilled"();
    start_f11_try = "start-f11-try"();
    start_f11_ok = "start-f11-ok"();
    start_screen_keyboard = "start-screen-keyboard"();
    connecting = "connecting"();

    fraud_title = "fraud-title"();
    fraud_called = "fraud-called"();
    fraud_call_back = "fraud-call-back"();
    fraud_money = "fraud-money"();
    fraud_secrets = "fraud-secrets"();

    consent_title = "consent-title"(technician: &str);
    consent_organisation = "consent-organisation"(organisation: &str);
    consent_verified = "consent-verified"();
    consent_compare = "consent-compare"();
    consent_question = "consent-question"();
    consent_nothing_yet = "consent-nothing-yet"();
    consent_view_button = "consent-view-button"();
    consent_view_text = "consent-view-text"(technician: &str);
    consent_view_declaration = "consent-view-declaration"();
    consent_control_button = "consent-control-button"();
    consent_control_text = "consent-control-text"(technician: &str);
    consent_control_declaration = "consent-control-declaration"(date: &str);
    consent_control_unavailable = "consent-control-unavailable"();
    consent_refuse_button = "consent-refuse-button"();
    consent_refuse_text = "consent-refuse-text"();
    consent_withdraw = "consent-withdraw"();
    consent_private = "consent-private"();
    consent_time = "consent-time"(minutes: u64);
    consent_more_time = "consent-more-time"();
    consent_starting_recording = "consent-starting-recording"();
    monitor_title = "monitor-title"();
    monitor_choice = "monitor-choice"(number: u8);
    monitor_all = "monitor-all"();
    monitor_help = "monitor-help"();

    recording_title = "recording-title"();
    recording_what = "recording-what"(technician: &str);
    recording_not = "recording-not"();
    recording_typed = "recording-typed"();
    recording_whole = "recording-whole"();
    recording_why = "recording-why"();
    recording_locked = "recording-locked"();
    recording_open = "recording-open"();
    recording_delete = "recording-delete"(date: &str);
    recording_copy = "recording-copy"();
    recording_third = "recording-third"();

    privacy_title = "privacy-title"();
    privacy_controller = "privacy-controller"(address: &str);
    privacy_contact = "privacy-contact"(privacycontact: &str);
    privacy_purpose = "privacy-purpose"();
    privacy_data = "privacy-data"();
    privacy_basis = "privacy-basis"(legalbasis: &str);
    privacy_rights = "privacy-rights"();
    privacy_authority = "privacy-authority"(authority: &str);
    privacy_local = "privacy-local"();

    f11_notice = "f11-notice"();
    f11_shared = "f11-shared"();
    f11_unavailable = "f11-unavailable"();

    card_title = "card-title"();
    card_why = "card-why"();
    card_how = "card-how"();
    card_once = "card-once"();
    card_secret = "card-secret"();
    card_receipt = "card-receipt"(path: &str);
    card_done = "card-done"();
    card_skip = "card-skip"();
    card_skip_text = "card-skip-text"();
    card_qr_alt = "card-qr-alt"();

    bar_view = "bar-view"(technician: &str);
    bar_control = "bar-control"(technician: &str);
    bar_view_off = "bar-view-off"(technician: &str);
    bar_stopped = "bar-stopped"(technician: &str);
    bar_you_first = "bar-you-first"(technician: &str);
    bar_question = "bar-question"();
    bar_reconnecting = "bar-reconnecting"();
    bar_reconnected = "bar-reconnected"();
    bar_protected = "bar-protected"();
    bar_recording = "bar-recording"();
    bar_not_recording = "bar-not-recording"();
    bar_recorder_failed = "bar-recorder-failed"();
    bar_recorder_back = "bar-recorder-back"();
    bar_button_view_on = "bar-button-view-on"();
    bar_button_view_off = "bar-button-view-off"();
    bar_button_control_on = "bar-button-control-on"();
    bar_button_control_off = "bar-button-control-off"();
    bar_button_stop = "bar-button-stop"();
    bar_button_end = "bar-button-end"();
    bar_button_move = "bar-button-move"();
    bar_still_there = "bar-still-there"(minutes: u64);
    bar_button_stay = "bar-button-stay"();
    chat_button = "chat-button"();
    chat_button_new = "chat-button-new"();
    chat_button_close = "chat-button-close"();
    chat_whose = "chat-whose"(technician: &str);
    chat_recorded = "chat-recorded"();
    chat_not_recorded = "chat-not-recorded"();
    chat_from = "chat-from"(technician: &str);
    chat_you = "chat-you"();
    chat_text = "chat-text"(text: &str);
    chat_on_way = "chat-on-way"();
    chat_refused = "chat-refused"();
    chat_field = "chat-field"(technician: &str);
    chat_send = "chat-send"();
    upgrade_title = "upgrade-title"();
    upgrade_text = "upgrade-text"();
    upgrade_declaration = "upgrade-declaration"(date: &str);
    upgrade_yes = "upgrade-yes"();
    upgrade_no = "upgrade-no"();
    upgrade_starting_recording = "upgrade-starting-recording"();
    end_question = "end-question"();
    end_yes = "end-yes"();
    end_no = "end-no"();

    end_title = "end-title"();
    end_safe = "end-safe"();
    end_by_you = "end-by-you"(date: &str, time: &str);
    end_by_technician = "end-by-technician"(technician: &str, date: &str, time: &str);
    end_by_refusal = "end-by-refusal"();
    end_by_silence = "end-by-silence"();
    end_summary_view = "end-summary-view"(technician: &str, duration: &str);
    end_summary_control = "end-summary-control"(technician: &str, duration: &str);
    end_not_recorded = "end-not-recorded"();
    end_recorded = "end-recorded"(time: &str);
    end_why_receipt = "end-why-receipt"();
    end_save = "end-save"();
    end_print = "end-print"();
    end_saved = "end-saved"(path: &str);
    end_close_unsaved = "end-close-unsaved"();
    end_recovered = "end-recovered"();
    end_delete_program = "end-delete-program"();

    receipt_title = "receipt-title"();
    receipt_intro = "receipt-intro"(date: &str);
    receipt_operator = "receipt-operator"();
    receipt_technician = "receipt-technician"();
    receipt_start = "receipt-start"();
    receipt_end = "receipt-end"();
    receipt_recording_number = "receipt-recording-number"();
    receipt_case = "receipt-case"();
    receipt_deletion = "receipt-deletion"();
    receipt_rights = "receipt-rights"();
    receipt_right_view_on = "receipt-right-view-on"();
    receipt_right_view_off = "receipt-right-view-off"();
    receipt_right_control_on = "receipt-right-control-on"();
    receipt_right_control_off = "receipt-right-control-off"();
    receipt_right_stop = "receipt-right-stop"();
    receipt_right_lost = "receipt-right-lost"();
    receipt_right_recorder = "receipt-right-recorder"();
    receipt_code = "receipt-code"();
    receipt_code_help = "receipt-code-help"();
    receipt_complain_title = "receipt-complain-title"();
    receipt_complain_1 = "receipt-complain-1"(complaintcontact: &str);
    receipt_complain_2 = "receipt-complain-2"();
    receipt_complain_3 = "receipt-complain-3"(lastday: &str);
    receipt_log = "receipt-log"();
    receipt_withdraw = "receipt-withdraw"();
    receipt_proof = "receipt-proof"();
    receipt_proof_missing = "receipt-proof-missing"();
    receipt_consent_text = "receipt-consent-text"();

    error_code_letters = "error-code-letters"();
    error_code_short = "error-code-short"(digits: usize);
    error_code_typo = "error-code-typo"();
    error_code_wrong = "error-code-wrong"();
    error_code_unknown = "error-code-unknown"();
    error_code_expired = "error-code-expired"();
    error_code_used = "error-code-used"();
    error_too_many_tries = "error-too-many-tries"(minutes: u16);
    error_technician_left = "error-technician-left"();
    error_no_network = "error-no-network"();
    error_relay_unreachable = "error-relay-unreachable"();
    error_relay_full = "error-relay-full"();
    error_relay_untrusted = "error-relay-untrusted"();
    error_clock = "error-clock"(date: &str, time: &str);
    error_agent_old = "error-agent-old"(address: &str);
    error_agent_damaged = "error-agent-damaged"();
    error_technician_unverified = "error-technician-unverified"();
    error_technician_revoked = "error-technician-revoked"();
    error_ended_relay = "error-ended-relay"();
    error_connection_lost = "error-connection-lost"();
    error_technician_lost = "error-technician-lost"(technician: &str);
    error_ended_recorder = "error-ended-recorder"();
    error_ended_idle = "error-ended-idle"();
    error_tampered = "error-tampered"();
    error_monitor_gone = "error-monitor-gone"();
    error_screen_unreadable = "error-screen-unreadable"(detail: &str);
    error_wayland = "error-wayland"();
    error_input_unavailable = "error-input-unavailable"();
    error_already_running = "error-already-running"();
    error_internal = "error-internal"();
    error_receipt_save = "error-receipt-save"();

    transfer_text_title = "transfer-text-title"(technician: &str);
    transfer_text_start = "transfer-text-start"(start: &str);
    transfer_text_whole = "transfer-text-whole"(start: &str);
    transfer_text_length = "transfer-text-length"(length: usize);
    transfer_text_help = "transfer-text-help"();
    transfer_file_title = "transfer-file-title"(technician: &str, name: &str, size: &str);
    transfer_file_help = "transfer-file-help"();
    transfer_folder = "transfer-folder"();
    transfer_want_title = "transfer-want-title"(technician: &str);
    transfer_want_help = "transfer-want-help"();
    transfer_want_path = "transfer-want-path"();
    transfer_want_choose = "transfer-want-choose"();
    transfer_want_chosen = "transfer-want-chosen"(name: &str, size: &str);
    transfer_want_unreadable = "transfer-want-unreadable"();
    transfer_yes = "transfer-yes"();
    transfer_send = "transfer-send"();
    transfer_no = "transfer-no"();
    transfer_coming = "transfer-coming"(name: &str, percent: u8);
    transfer_going = "transfer-going"(name: &str, percent: u8);
    transfer_cancel = "transfer-cancel"();
    transfer_clipboard = "transfer-clipboard"();
    transfer_received = "transfer-received"(path: &str);
    transfer_sent = "transfer-sent"(name: &str);
    transfer_over = "transfer-over"();
    transfer_partly = "transfer-partly"();
    transfer_unanswered = "transfer-unanswered"();
    transfer_disk_full = "transfer-disk-full"();
    transfer_not_writable = "transfer-not-writable"();
    transfer_changed = "transfer-changed"();
    transfer_damaged = "transfer-damaged"();
    transfer_seen = "transfer-seen"();

    elevate_button = "elevate-button"();
    elevate_title = "elevate-title"();
    elevate_what = "elevate-what"();
    elevate_why = "elevate-why"(technician: &str);
    elevate_yes = "elevate-yes"();
    elevate_no = "elevate-no"();
    elevate_waiting = "elevate-waiting"();
    elevate_refused = "elevate-refused"();
    elevate_ended = "elevate-ended"();
    elevate_close = "elevate-close"();

    a11y_code_field = "a11y-code-field"(digits: usize);
    a11y_bar = "a11y-bar"(state: &str);
    a11y_frame = "a11y-frame"();
}

/// Every key that has an accessor.
#[cfg(test)]
pub(crate) fn used() -> impl Iterator<Item = &'static str> {
    USED.iter().map(|(key, _)| *key)
}

/// Keys without a page, each with the reason.
#[cfg(test)]
const RESERVED: &[(&str, &str)] = &[
    (
        "consent-control-unrecorded",
        "there is no control without a recording",
    ),
    (
        "error-udp-blocked",
        "where UDP is blocked the agent connects over TCP; where both are, the relay is unreachable",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// key → variables, read from the source text: `{ $name` wherever it stands in an entry.
    fn variables(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        assert!(
            FluentResource::try_new(language.source().to_owned()).is_ok(),
            "{language:?} has errors"
        );
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in language
            .source()
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let mut rest = line;
            if !line.starts_with(' ')
                && let Some((name, value)) = line.split_once(" =")
            {
                key = name.to_owned();
                assert!(
                    found.insert(key.clone(), BTreeSet::new()).is_none(),
                    "{key} stands twice"
                );
                rest = value;
            }
            for part in rest.split('$').skip(1) {
                let name: String = part
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect();
                found
                    .get_mut(&key)
                    .expect("a variable belongs to a key")
                    .insert(name);
            }
        }
        found
    }

    #[test]
    fn both_files_hold_the_same_keys_with_the_same_variables() {
        assert_eq!(variables(Language::De), variables(Language::En));
    }

    #[test]
    fn every_key_is_used_or_reserved_and_no_other() {
        let used = USED.iter().map(|(key, _)| (*key).to_owned());
        let reserved = RESERVED.iter().map(|(key, _)| (*key).to_owned());
        let ours: Vec<String> = used.chain(reserved).collect();
        let once: BTreeSet<String> = ours.iter().cloned().collect();
        assert_eq!(ours.len(), once.len(), "a key is listed twice");
        assert_eq!(once, variables(Language::De).into_keys().collect());
    }

    #[test]
    fn every_variable_is_supplied_and_none_in_vain() {
        let found = variables(Language::De);
        for (key, given) in USED {
            let given: BTreeSet<String> = given.iter().map(|name| (*name).to_owned()).collect();
            let mut wanted = found[*key].clone();
            wanted.remove("operator");
            assert_eq!(given, wanted, "{key}");
        }
    }

    #[test]
    fn numbers_choose_the_right_form() {
        let mut texts = Texts::new(Language::De, "Beispiel AG");
        assert!(texts.consent_time(1).contains("noch 1 Minute."));
        assert!(texts.consent_time(3).contains("noch 3 Minuten."));
        texts.switch(Language::En);
        assert!(texts.error_too_many_tries(1).contains("wait 1 minute."));
        assert_eq!(texts.app_title(), "Remote help from Beispiel AG");
    }

    #[test]
    fn the_language_is_requested_then_the_systems_then_the_operators() {
        use Language::{De, En};
        assert_eq!(
            Language::choose(Some(En), Some("de_DE.UTF-8"), Some(De)),
            En
        );
        assert_eq!(Language::choose(None, Some("en-GB"), Some(De)), En);
        assert_eq!(Language::choose(None, Some("fr-FR"), Some(En)), En);
        assert_eq!(Language::choose(None, None, None), De);
    }
}
