//! The session code that is spoken on the phone: nameplate, password, check digit
//! (SPEC "Code", docs/protocol.md §1).
//!
//! ```text
//! 4812 073 956  =  nameplate 4812 (4 digits or more) · password 07395 · check digit 6
//! ```
//!
//! Parsed from the right. The check digit (Damm) finds every single wrong digit and every
//! swap of neighbours in the agent, before anything is sent; it is never sent itself.

use rand_core::{CryptoRng, RngCore};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Digits of the shortest code.
pub const MIN_DIGITS: usize = 10;

/// Digits of the longest nameplate.
pub const MAX_NAMEPLATE: usize = 12;

const PASSWORD_DIGITS: usize = 5;

/// Why a typed code is not a code. The person mistyped; nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// Something other than digits and separators.
    #[error("the code contains something other than digits")]
    Letters,
    /// Fewer than [`MIN_DIGITS`] digits.
    #[error("the code is too short")]
    Short,
    /// The check digit does not fit, or there are too many digits.
    #[error("a digit of the code is wrong")]
    Typo,
}

/// The five digits that the relay never learns.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Password([u8; PASSWORD_DIGITS]);

impl Password {
    /// Draws a password, uniformly.
    pub fn draw(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut digits = [0; PASSWORD_DIGITS];
        for digit in &mut digits {
            // 250 is the largest multiple of 10 in a byte: what lies above would be unfair.
            let fair = loop {
                let mut byte = [0];
                rng.fill_bytes(&mut byte);
                if byte[0] < 250 {
                    break byte[0];
                }
            };
            *digit = b'0' + fair % 10;
        }
        Self(digits)
    }

    /// The digits as ASCII.
    pub fn digits(&self) -> &[u8; PASSWORD_DIGITS] {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A complete session code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCode {
    nameplate: String,
    password: Password,
}

impl SessionCode {
    /// Joins the relay's nameplate and the console's password. Errors: [`Error::Short`] or
    /// [`Error::Typo`] if the nameplate is not 4 to 12 digits.
    pub fn new(nameplate: &str, password: Password) -> Result<Self, Error> {
        if !nameplate.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::Letters);
        }
        match nameplate.len() {
            0..=3 => Err(Error::Short),
            4..=MAX_NAMEPLATE => Ok(Self {
                nameplate: nameplate.to_owned(),
                password,
            }),
            _ => Err(Error::Typo),
        }
    }

    /// Reads what a person typed; blanks, dashes, dots and slashes between digits are ignored.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let mut digits = Vec::with_capacity(MIN_DIGITS);
        for c in typed.chars() {
            match c {
                '0'..='9' if digits.len() > MAX_NAMEPLATE + PASSWORD_DIGITS => {
                    return Err(Error::Typo);
                }
                '0'..='9' => digits.push(c as u8),
                ' ' | '-' | '.' | '/' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\t' => {}
                _ => return Err(Error::Letters),
            }
        }
        if digits.len() < MIN_DIGITS {
            return Err(Error::Short);
        }
        if damm(&digits) != 0 {
            return Err(Error::Typo);
        }
        let (nameplate, tail) = digits.split_at(digits.len() - PASSWORD_DIGITS - 1);
        let password: [u8; PASSWORD_DIGITS] = tail[..PASSWORD_DIGITS]
            .try_into()
            .expect("the tail holds password and check digit");
        let nameplate = String::from_utf8(nameplate.to_vec()).expect("digits are ASCII");
        Self::new(&nameplate, Password(password))
    }

    /// The relay's part.
    pub fn nameplate(&self) -> &str {
        &self.nameplate
    }

    /// The part that the relay never learns.
    pub fn password(&self) -> &Password {
        &self.password
    }

    /// As it is shown and spoken: `4812 073 956`.
    pub fn grouped(&self) -> String {
        let mut digits = self.nameplate.clone().into_bytes();
        digits.extend_from_slice(self.password.digits());
        digits.push(b'0' + damm(&digits));
        let digits = String::from_utf8(digits).expect("digits are ASCII");
        let (nameplate, tail) = digits.split_at(self.nameplate.len());
        format!("{nameplate} {} {}", &tail[..3], &tail[3..])
    }
}

/// The Damm digit over ASCII digits; 0 over a code that ends in its own check digit.
fn damm(digits: &[u8]) -> u8 {
    digits.iter().fold(0u8, |interim, digit| {
        DAMM[usize::from(interim)][usize::from(digit - b'0')]
    })
}

/// The quasigroup of H. M. Damm, "Total anti-symmetrische Quasigruppen" (2004), order 10.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    #[test]
    fn grouped_code_parses_back() {
        for nameplate in ["4812", "00017", "123456789012"] {
            let code = SessionCode::new(nameplate, Password::draw(&mut OsRng)).unwrap();
            assert_eq!(SessionCode::parse(&code.grouped()), Ok(code));
        }
    }

    #[test]
    fn known_check_digit() {
        // The worked example of Damm's thesis: 572 has the check digit 4.
        assert_eq!(damm(b"572"), 4);
    }

    #[test]
    fn every_single_error_and_every_swap_is_found() {
        let code = SessionCode::new("4812", Password(*b"07395"))
            .unwrap()
            .grouped()
            .replace(' ', "");
        for at in 0..code.len() {
            for wrong in b'0'..=b'9' {
                let mut typed = code.clone().into_bytes();
                if typed[at] == wrong {
                    continue;
                }
                typed[at] = wrong;
                assert_eq!(
                    SessionCode::parse(std::str::from_utf8(&typed).unwrap()),
                    Err(Error::Typo)
                );
            }
        }
        for at in 1..code.len() {
            let mut typed = code.clone().into_bytes();
            typed.swap(at - 1, at);
            if typed != code.as_bytes() {
                assert_eq!(
                    SessionCode::parse(std::str::from_utf8(&typed).unwrap()),
                    Err(Error::Typo)
                );
            }
        }
    }

    #[test]
    fn what_people_type() {
        assert_eq!(SessionCode::parse("48l2 073 956"), Err(Error::Letters));
        assert_eq!(SessionCode::parse("4812 073 95"), Err(Error::Short));
        assert_eq!(SessionCode::parse(""), Err(Error::Short));
        assert_eq!(SessionCode::parse(&"1".repeat(500)), Err(Error::Typo));
    }
}
