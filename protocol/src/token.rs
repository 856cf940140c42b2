//! The one-time token of an enrolment (docs/protocol.md §8): all that a console needs for its
//! first, pinned connection.
//!
//! ```text
//! "fst1-" ‖ base32(address ‖ relay name ‖ CA fingerprint ‖ secret ‖ first 4 bytes of SHA-256)
//! ```

use data_encoding::BASE32_NOPAD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::crypto::hash;
use crate::wire::{Reader, Text, Wire};

const PREFIX: &str = "fst1-";
const MAX_TEXT: usize = 1024;
const CHECK: usize = 4;

/// Why text is not a token. It was mistyped or cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// Does not look like a token at all.
    #[error("this is not an enrolment token: it begins with \"fst1-\"")]
    Foreign,
    /// Looks like one, but is incomplete or altered.
    #[error("the enrolment token is incomplete or has a wrong character: copy it again, whole")]
    Damaged,
}

/// An enrolment token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `host:port` of the relay.
    pub address: Text<256>,
    /// The name in the relay's certificate.
    pub relay_name: Text<128>,
    /// SHA-256 of the CA certificate.
    pub ca: [u8; 32],
    /// Known to the relay by its hash only; serves once.
    pub secret: [u8; 16],
}

impl Token {
    /// The text to hand over.
    pub fn encode(&self) -> String {
        let mut body = Zeroizing::new(Vec::new());
        self.address.write(&mut body);
        self.relay_name.write(&mut body);
        self.ca.write(&mut body);
        self.secret.write(&mut body);
        encode_bytes(&body)
    }

    /// Reads what a person pasted; blanks and line breaks are ignored.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > 2 * MAX_TEXT {
            return Err(Error::Damaged);
        }
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let text = text.to_ascii_lowercase();
        let body = text.strip_prefix(PREFIX).ok_or(Error::Foreign)?;
        let bytes = BASE32_NOPAD
            .decode(body.to_ascii_uppercase().as_bytes())
            .map_err(|_| Error::Damaged)?;
        let body = bytes.len().checked_sub(CHECK).ok_or(Error::Damaged)?;
        let (body, check) = bytes.split_at(body);
        if hash(body)[..CHECK] != *check {
            return Err(Error::Damaged);
        }
        Self::read(body).map_err(|_| Error::Damaged)
    }

    fn read(body: &[u8]) -> Result<Self, crate::wire::Error> {
        let mut input = Reader::new(body);
        let token = Self {
            address: Text::read(&mut input)?,
            relay_name: Text::read(&mut input)?,
            ca: Wire::read(&mut input)?,
            secret: Wire::read(&mut input)?,
        };
        input.finish()?;
        Ok(token)
    }
}

/// The text, whatever the bytes are.
pub(crate) fn encode_bytes(body: &[u8]) -> String {
    let body = Zeroizing::new([body, &hash(body)[..CHECK]].concat());
    format!("{PREFIX}{}", BASE32_NOPAD.encode(&body).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_tokens_are_read_and_damaged_ones_are_not() {
        let token = Token {
            address: Text::new("relay.example:7443").unwrap(),
            relay_name: Text::new("relay.example").unwrap(),
            ca: [1; 32],
            secret: [2; 16],
        };
        let text = token.encode();
        let (head, tail) = text.split_at(30);
        assert_eq!(Token::parse(&format!(" {head}\n  {tail}\n")), Ok(token));
        assert_eq!(Token::parse("hello"), Err(Error::Foreign));
        for at in PREFIX.len()..text.len() {
            assert_eq!(
                Token::parse(&text[..at]),
                Err(Error::Damaged),
                "cut at {at}"
            );
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'a' { b'b' } else { b'a' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(
                Token::parse(&altered),
                Err(Error::Damaged),
                "altered at {at}"
            );
        }
    }
}
