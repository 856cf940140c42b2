//! The technician's and the auditor's words, by key, in German and English (texts/*.ftl through Fluent).
//!
//! A key that is missing shows itself instead of its text and fails the tests.
//! Not here: the customer's words; those are the agent's.

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// A language that the console speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// German.
    De,
    /// English.
    En,
}

impl Language {
    /// The system's language where we speak it, else English.
    pub fn of_system() -> Self {
        match sys_locale::get_locale() {
            Some(tag) if tag.to_ascii_lowercase().starts_with("de") => Self::De,
            Some(_) | None => Self::En,
        }
    }

    /// The technician's texts, and the auditor's.
    fn sources(self) -> [&'static str; 2] {
        match self {
            Self::De => [
                include_str!("../texts/de.ftl"),
                include_str!("../texts/auditor.de.ftl"),
            ],
            Self::En => [
                include_str!("../texts/en.ftl"),
                include_str!("../texts/auditor.en.ftl"),
            ],
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }
}

/// All texts of one language.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
    language: Language,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({:?})", self.language)
    }
}

impl Texts {
    /// The texts of `language`.
    pub fn new(language: Language) -> Self {
        let tag: LanguageIdentifier = language.tag().parse().expect("our own language tags parse");
        let mut bundle = FluentBundle::new(vec![tag]);
        // egui shows the isolating characters as boxes.
        bundle.set_use_isolating(false);
        for source in language.sources() {
            let resource = FluentResource::try_new(source.to_owned())
                .expect("the texts compiled into the program are tested to parse");
            bundle
                .add_resource(resource)
                .expect("no key stands twice in the texts, as tested");
        }
        Self { bundle, language }
    }

    /// Which language this is.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The text under `key`.
    pub fn text(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// The text under `key` with its values.
    pub fn with<'a, const N: usize>(
        &self,
        key: &str,
        values: [(&'a str, FluentValue<'a>); N],
    ) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(name, value);
        }
        self.format(key, Some(&args))
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|m| m.value()) else {
            debug_assert!(false, "no text under {key}");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = self
            .bundle
            .format_pattern(pattern, args, &mut errors)
            .into_owned();
        debug_assert!(errors.is_empty(), "{key}: {errors:?}");
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn keys(source: &str) -> BTreeSet<String> {
        source
            .lines()
            .filter(|l| !l.starts_with([' ', '#', '*', '}']))
            .filter_map(|l| l.split_once(" ="))
            .map(|(key, _)| key.to_owned())
            .collect()
    }

    fn sources(dir: &Path, out: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn both_languages_have_the_same_keys_and_use_all() {
        let [de, en] = [Language::De, Language::En].map(|l| keys(&l.sources().concat()));
        assert_eq!(de, en);
        let mut code = String::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut code,
        );
        for key in &de {
            assert!(code.contains(&format!("\"{key}\"")), "{key} is not used");
        }
    }

    #[test]
    fn values_and_plurals() {
        let texts = Texts::new(Language::De);
        assert_eq!(
            texts.with("code-tries", [("tries", 1.into())]),
            "noch 1 Versuch"
        );
        assert_eq!(
            texts.with("code-tries", [("tries", 3.into())]),
            "noch 3 Versuche"
        );
        assert_eq!(
            texts.with("code-left", [("time", "9:41".into())]),
            "Gilt noch 9:41"
        );
    }
}
