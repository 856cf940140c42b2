//! The auditor's passphrase: from a file, or from the terminal, unseen; never from the command line.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Failure;
use crate::texts::Texts;

/// The shortest passphrase, in characters.
pub const LEAST: usize = 10;

/// The longest file that is read as a passphrase.
const LONGEST_FILE: u64 = 4096;

/// The variable that names a file with the passphrase.
pub const FILE_VARIABLE: &str = "FERNSICHT_AUDITOR_PASSPHRASE_FILE";

/// A passphrase that is long enough.
pub struct Passphrase(Zeroizing<String>);

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

impl Passphrase {
    /// Errors: [`Failure::PassphraseShort`].
    pub fn new(text: Zeroizing<String>) -> Result<Self, Failure> {
        match text.chars().count() < LEAST {
            true => Err(Failure::PassphraseShort),
            false => Ok(Self(text)),
        }
    }

    /// As it was typed.
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }

    /// What the key is derived from.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Where a passphrase comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The first line of this file.
    File(PathBuf),
    /// The terminal.
    Terminal,
}

impl Source {
    /// The file of the command line, else that of [`FILE_VARIABLE`], else the terminal.
    pub fn new(file: Option<PathBuf>) -> Self {
        let named = || std::env::var_os(FILE_VARIABLE).map(PathBuf::from);
        file.or_else(named).map_or(Self::Terminal, Self::File)
    }

    /// The passphrase that opens existing keys.
    pub fn ask(&self, texts: &Texts) -> Result<Passphrase, Failure> {
        match self {
            Self::File(path) => from_file(path),
            Self::Terminal => Passphrase::new(typed(texts, "audit-passphrase")?),
        }
    }

    /// A new passphrase: typed twice, after it was said that it is final.
    pub fn choose(&self, texts: &Texts) -> Result<Passphrase, Failure> {
        match self {
            Self::File(path) => from_file(path),
            Self::Terminal => {
                super::say_aside(&texts.text("audit-passphrase-final"));
                let first = typed(texts, "audit-passphrase-new")?;
                let chosen = Passphrase::new(first)?;
                let again = typed(texts, "audit-passphrase-again")?;
                match *again == *chosen.0 {
                    true => Ok(chosen),
                    false => Err(Failure::PassphrasesDiffer),
                }
            }
        }
    }
}

fn typed(texts: &Texts, key: &str) -> Result<Zeroizing<String>, Failure> {
    let prompt = format!("{} ", texts.text(key));
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|_| Failure::NoTerminal)
}

fn from_file(path: &Path) -> Result<Passphrase, Failure> {
    Passphrase::new(first_line(path)?)
}

/// The first line of a small file, without its end.
pub fn first_line(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let told = |detail: String| Failure::File {
        path: path.display().to_string(),
        detail,
    };
    let length = std::fs::metadata(path)
        .map_err(|e| told(e.to_string()))?
        .len();
    if length > LONGEST_FILE {
        return Err(told("too long".into()));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|e| told(e.to_string()))?);
    let line = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_has_ten_characters() {
        assert!(Passphrase::new("123456789".to_owned().into()).is_err());
        assert!(Passphrase::new("ääääöööööß".to_owned().into()).is_ok());
    }

    #[test]
    fn a_file_counts_with_its_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passphrase");
        std::fs::write(&path, "correct horse\nsecond\n").unwrap();
        let source = Source::new(Some(path));
        let texts = Texts::new(crate::texts::Language::En);
        assert_eq!(source.ask(&texts).unwrap().bytes(), b"correct horse");
        assert_eq!(source.choose(&texts).unwrap().bytes(), b"correct horse");
    }
}
