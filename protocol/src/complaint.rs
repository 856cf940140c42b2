//! The complaint code: the customer's half of a sealed recording (SPEC "Complaint code, card, receipt").
//!
//! ```text
//! C       = 128 random bits, fresh for every recorded session
//! symbols = 26 of Crockford's base 32 (128 bits, two zero bits) ‖ 2 Reed–Solomon symbols
//! cp = Extract(H(enc("code")), C)   T_open = Expand(cp, "open")   L = first 10 bytes of Expand(cp, "lookup")
//! ```
//!
//! RS(28, 26) over GF(32) = GF(2)[x]/(x⁵+x²+1), roots α and α² with α = x, the first symbol at x²⁷: any two
//! wrong symbols are detected, one is located. Groups of four are for the eye; case, blanks and hyphens do
//! not count, `I` and `L` read as 1, `O` as 0, as Crockford has it.
//!
//! Whoever has C and an auditor's key can open the recording; C alone opens nothing.

use rand_core::{CryptoRng, RngCore};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::{self, Hash, Prk, Secret, hash, labelled_hash};

/// Symbols of a written code.
pub const SYMBOLS: usize = 28;

const DATA: usize = 26;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What is wrong with what was typed. Positions count symbols, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// Too few or too many symbols.
    #[error("the complaint code has {SYMBOLS} symbols, this has {symbols}")]
    Length {
        /// How many there are.
        symbols: usize,
    },
    /// Not a symbol of a complaint code.
    #[error("symbol {} is none of a complaint code", at + 1)]
    Symbol {
        /// Which.
        at: usize,
    },
    /// The check symbols do not fit.
    #[error("a symbol of the complaint code is wrong")]
    Wrong {
        /// Which, if one wrong symbol explains it.
        at: Option<usize>,
    },
}

/// C. Zeroised when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<[u8; 16]>);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

impl Code {
    /// Draws a fresh one.
    pub fn draw(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(Zeroizing::new(crypto::random(rng)))
    }

    /// From its 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its 16 bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The 28 symbols without groups.
    pub fn symbols(&self) -> Zeroizing<String> {
        let mut values = Zeroizing::new([0; SYMBOLS]);
        spread(self.0.as_slice(), &mut values[..DATA]);
        let (first, second) = parity(&values[..DATA]);
        values[DATA] = first;
        values[DATA + 1] = second;
        Zeroizing::new(text(values.as_slice()))
    }

    /// Seven groups of four, as on the card: `XXXX-XXXX-…`.
    pub fn grouped(&self) -> Zeroizing<String> {
        Zeroizing::new(grouped(&self.symbols()))
    }

    /// Reads what a person typed. Errors: [`Error`].
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let values = Zeroizing::new(values::<SYMBOLS>(typed)?);
        let (one, two) = (syndrome(&values[..], 1), syndrome(&values[..], 2));
        if (one, two) != (0, 0) {
            return Err(Error::Wrong {
                at: locate(one, two),
            });
        }
        let mut bytes = Zeroizing::new([0; 16]);
        let left = gather(&values[..DATA], bytes.as_mut_slice());
        if left != 0 {
            return Err(Error::Wrong { at: None });
        }
        Ok(Self(bytes))
    }

    /// cp: what everything that needs the code is derived from.
    pub fn prk(&self) -> Prk {
        Prk::extract(&labelled_hash("code", &[]), self.0.as_slice())
    }

    /// T_open: shows the relay that the complaint is real, without the code.
    pub fn open_token(&self) -> Secret {
        self.prk().expand("open", &[])
    }

    /// L: the number of the recording, for people.
    pub fn lookup(&self) -> Lookup {
        let expanded = self.prk().expand("lookup", &[]);
        let mut number = [0; 10];
        number.copy_from_slice(&expanded[..10]);
        Lookup(number)
    }
}

/// L: "number of the recording" on receipt, pages and command line. The relay keeps its hash only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lookup(pub [u8; 10]);

impl Lookup {
    /// Reads 16 symbols. Errors: [`Error::Length`] or [`Error::Symbol`].
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let values = values::<16>(typed)?;
        let mut bytes = [0; 10];
        gather(&values, &mut bytes);
        Ok(Self(bytes))
    }

    /// H(L), by which the relay finds the recording.
    pub fn hash(&self) -> Hash {
        hash(&self.0)
    }
}

impl std::fmt::Display for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut values = [0; 16];
        spread(&self.0, &mut values);
        f.write_str(&grouped(&text(&values)))
    }
}

fn text(values: &[u8]) -> String {
    values
        .iter()
        .map(|value| char::from(ALPHABET[usize::from(*value)]))
        .collect()
}

fn grouped(symbols: &str) -> String {
    let mut out = String::with_capacity(symbols.len() + symbols.len() / 4);
    for (at, symbol) in symbols.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            out.push('-');
        }
        out.push(symbol);
    }
    out
}

/// Typed symbols as values 0 to 31.
fn values<const N: usize>(typed: &str) -> Result<[u8; N], Error> {
    let mut out = [0; N];
    let mut count = 0;
    let mut foreign = None;
    for symbol in typed.chars() {
        if symbol.is_whitespace() || matches!(symbol, '-' | '–' | '‐' | '‑' | '.' | '_') {
            continue;
        }
        match value(symbol) {
            Some(value) if count < N => out[count] = value,
            Some(_) => {}
            None => {
                foreign.get_or_insert(count);
            }
        }
        count += 1;
    }
    match (foreign, count) {
        (Some(at), _) => Err(Error::Symbol { at }),
        (None, symbols) if symbols != N => {
            out.zeroize();
            Err(Error::Length { symbols })
        }
        (None, _) => Ok(out),
    }
}

fn value(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let at = ALPHABET.iter().position(|s| char::from(*s) == symbol)?;
    u8::try_from(at).ok()
}

/// Bits of `bytes`, most significant first, five to a value; zero bits behind them.
fn spread(bytes: &[u8], values: &mut [u8]) {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    for (at, value) in values.iter_mut().enumerate() {
        *value = (0..5).fold(0, |sum, n| sum << 1 | bit(at * 5 + n));
    }
}

/// The reverse; returns the bits that are left over.
fn gather(values: &[u8], bytes: &mut [u8]) -> u8 {
    let bit = |at: usize| values[at / 5] >> (4 - at % 5) & 1;
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (0..8).fold(0, |sum, n| sum << 1 | bit(at * 8 + n));
    }
    (bytes.len() * 8..values.len() * 5).fold(0, |sum, at| sum << 1 | bit(at))
}

/// Multiplication in GF(32).
fn times(a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in 0..5 {
        if b >> bit & 1 == 1 {
            product ^= u16::from(a) << bit;
        }
    }
    for bit in (5..9).rev() {
        if product >> bit & 1 == 1 {
            product ^= 0b10_0101 << (bit - 5);
        }
    }
    product as u8
}

/// α to the power `exponent`.
fn power(exponent: usize) -> u8 {
    (0..exponent % 31).fold(1, |value, _| times(value, 2))
}

fn inverse(value: u8) -> u8 {
    // value³⁰ = value⁻¹ in a group of 31.
    (0..30).fold(1, |product, _| times(product, value))
}

/// The code's polynomial at α^root; `values` may be the data alone (its first 26 symbols).
fn syndrome(values: &[u8], root: usize) -> u8 {
    values.iter().enumerate().fold(0, |sum, (at, value)| {
        sum ^ times(*value, power(root * (SYMBOLS - 1 - at)))
    })
}

/// The two symbols that make both syndromes zero.
fn parity(data: &[u8]) -> (u8, u8) {
    let (one, two) = (syndrome(data, 1), syndrome(data, 2));
    let first = times(one ^ two, inverse(power(1) ^ power(2)));
    (first, one ^ times(first, power(1)))
}

/// The place of the one wrong symbol, if one explains both syndromes.
fn locate(one: u8, two: u8) -> Option<usize> {
    if one == 0 || two == 0 {
        return None;
    }
    let place = times(two, inverse(one));
    (0..SYMBOLS).find(|at| power(SYMBOLS - 1 - at) == place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_codes_read_back_in_every_spelling() {
        let code = Code::from_bytes(*b"0123456789abcdef");
        let written = code.grouped();
        assert_eq!(written.len(), 34);
        assert_eq!(Code::parse(&written), Ok(code.clone()));
        let spelled = written
            .to_lowercase()
            .replace('-', " ")
            .replace('0', "o")
            .replace('1', "l");
        assert_eq!(Code::parse(&spelled), Ok(code.clone()));
        let number = code.lookup();
        assert_eq!(Lookup::parse(&number.to_string()), Ok(number));
        assert_eq!(number.to_string().len(), 19);
    }

    #[test]
    fn a_fixed_code_has_fixed_values() {
        let code = Code::from_bytes([0x5a; 16]);
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let all = format!(
            "{} {} {}",
            *code.grouped(),
            code.lookup(),
            hex(code.open_token().as_slice())
        );
        assert_eq!(all, FIXED);
    }

    const FIXED: &str = "B9D5-MPJT-B9D5-MPJT-B9D5-MPJT-B8DE W1PX-YX03-2ZBA-FAQ0 \
                         6cb4d8a22af15b260e262ea068f673e0865a057dcd693219b8a14fa5e4cdeb45";

    proptest! {
        #[test]
        fn one_wrong_symbol_is_located(bytes in any::<[u8; 16]>(), at in 0..SYMBOLS, add in 1u8..32) {
            let written = Code::from_bytes(bytes).symbols();
            let mut wrong: Vec<u8> = written.bytes().map(|b| value(b.into()).unwrap()).collect();
            wrong[at] ^= add;
            prop_assert_eq!(Code::parse(&text(&wrong)), Err(Error::Wrong { at: Some(at) }));
        }

        #[test]
        fn two_wrong_symbols_are_detected(bytes in any::<[u8; 16]>(), a in 0..SYMBOLS, b in 0..SYMBOLS,
                                          add in 1u8..32, more in 1u8..32) {
            prop_assume!(a != b);
            let written = Code::from_bytes(bytes).symbols();
            let mut wrong: Vec<u8> = written.bytes().map(|s| value(s.into()).unwrap()).collect();
            wrong[a] ^= add;
            wrong[b] ^= more;
            let refused = matches!(Code::parse(&text(&wrong)), Err(Error::Wrong { .. }));
            prop_assert!(refused);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            if let Ok(code) = Code::parse(&text) {
                prop_assert_eq!(Code::parse(&code.grouped()), Ok(code));
            }
            if let Ok(number) = Lookup::parse(&text) {
                prop_assert_eq!(Lookup::parse(&number.to_string()), Ok(number));
            }
        }
    }

    #[test]
    fn lengths_and_symbols_are_told() {
        let written = Code::from_bytes([7; 16]).symbols();
        assert_eq!(
            Code::parse(&written[1..]),
            Err(Error::Length { symbols: 27 })
        );
        assert_eq!(
            Code::parse(&format!("{}?{}", &written[..5], &written[6..])),
            Err(Error::Symbol { at: 5 })
        );
    }
}
