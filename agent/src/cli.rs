//! The command line: it can fill in the code and choose the language. Nothing on it grants.

use clap::{Parser, ValueEnum};

use crate::texts::Language;

/// Fernsicht's agent: remote help that the customer is in charge of.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "fernsicht-agent", version, about, long_about = None)]
pub struct Arguments {
    /// Fills in the code from the phone. The program still asks before anybody sees the screen.
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    pub code: Option<String>,
    /// Language of the pages; without it the system's.
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    pub language: Option<Tag>,
    /// Waits until the agent that is open has closed, which started this one in its place.
    #[arg(long, hide = true)]
    pub successor: bool,
}

impl Arguments {
    /// Those of a start that follows this one, in this language. A code serves once: it is not handed on.
    pub(crate) fn of_successor(language: Language) -> Vec<String> {
        ["--language", language.tag(), "--successor"]
            .map(str::to_owned)
            .to_vec()
    }
}

/// A language on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tag {
    /// German.
    De,
    /// English.
    En,
}

impl From<Tag> for Language {
    fn from(tag: Tag) -> Self {
        match tag {
            Tag::De => Self::De,
            Tag::En => Self::En,
        }
    }
}

/// Whether the digits make a code is said on the page, in the customer's words.
fn digits(typed: &str) -> Result<String, String> {
    if typed.chars().count() > 40 {
        return Err("a code is not as long as that; write --code 4812073956".to_owned());
    }
    let fits = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/');
    if typed.chars().any(|c| c.is_ascii_digit()) && typed.chars().all(fits) {
        Ok(typed.to_owned())
    } else {
        Err("a code consists of digits; write --code 4812073956".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_code_is_filled_in_and_the_language_chosen() {
        let given = parse("agent --code 4812073956 --language de").expect("good");
        assert_eq!(given.code.as_deref(), Some("4812073956"));
        assert_eq!(given.language, Some(Tag::De));
    }

    #[test]
    fn a_successor_knows_the_language_and_no_code() {
        for language in [Language::De, Language::En] {
            let line = ["agent".to_owned()].into_iter();
            let line = line.chain(Arguments::of_successor(language));
            let given = Arguments::try_parse_from(line).expect("good");
            assert!(given.successor);
            assert_eq!(given.language.map(Language::from), Some(language));
            assert_eq!(given.code, None);
        }
        assert!(!parse("agent --language de").expect("good").successor);
    }

    #[test]
    fn bad_flags_get_a_sentence() {
        for line in [
            "agent --code abc",
            "agent --code",
            "agent --language fr",
            "agent --grant",
            "agent view",
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.to_string().starts_with("error: "), "{line}: {error}");
        }
        assert!(
            parse("agent --code 12a")
                .expect_err("letters")
                .to_string()
                .contains("consists of digits")
        );
    }

    #[test]
    fn there_is_no_flag_besides_these() {
        use clap::CommandFactory;
        let command = Arguments::command();
        let names: Vec<_> = command
            .get_arguments()
            .map(|argument| argument.get_id().as_str())
            .collect();
        assert_eq!(names, ["code", "language", "successor"]);
    }
}
