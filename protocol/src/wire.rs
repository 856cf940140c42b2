//! Bytes in, values out: the one codec of all messages (docs/protocol.md §2).
//!
//! Integers are big-endian and of fixed width, but for those that are written as short as they are ([`write_short`]).
//! Whatever has a variable length carries its length, a u32 where nothing else is said, that is checked against a cap
//! *before* memory is taken.
//! A decoded value consumes its input exactly: trailing bytes are an error.
//!
//! Not here: what the messages mean ([`crate::messages`]), and framing ([`crate::unit`]).

use thiserror::Error;

/// Why bytes are not a value. Always the sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// The input ended inside a value.
    #[error("the message is truncated")]
    Truncated,
    /// Bytes were left over behind a complete value.
    #[error("the message has {0} bytes too many")]
    Trailing(usize),
    /// A length field exceeds its cap.
    #[error("a field of {length} bytes or items exceeds its cap of {cap}")]
    TooLong {
        /// The stated length.
        length: usize,
        /// The largest permitted length.
        cap: usize,
    },
    /// A tag byte that this version does not know.
    #[error("unknown tag {tag} of {of}")]
    UnknownTag {
        /// The enumeration.
        of: &'static str,
        /// The tag byte.
        tag: u8,
    },
    /// A field holds a value outside its range.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotText,
}

/// Reads values from the front of a byte slice.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes `length` bytes. Errors: [`Error::Truncated`].
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (head, tail) = self.rest.split_at_checked(length).ok_or(Error::Truncated)?;
        self.rest = tail;
        Ok(head)
    }

    /// Takes a u32 length of at most `cap`, then nothing else.
    pub fn length(&mut self, cap: usize) -> Result<usize, Error> {
        let length = u32::read(self)? as usize;
        if length > cap {
            return Err(Error::TooLong { length, cap });
        }
        Ok(length)
    }

    /// Takes an integer as [`write_short`] writes it. Errors: [`Error::OutOfRange`] beyond `most`, or if it could be
    /// shorter.
    pub fn short(&mut self, most: u64, what: &'static str) -> Result<u64, Error> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = u8::read(self)?;
            let group = u64::from(byte & 0x7f);
            if group << shift >> shift != group || (byte == 0 && shift > 0) {
                return Err(Error::OutOfRange(what));
            }
            value |= group << shift;
            if byte < 0x80 {
                return match value <= most {
                    true => Ok(value),
                    false => Err(Error::OutOfRange(what)),
                };
            }
        }
        Err(Error::OutOfRange(what))
    }

    /// Takes everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Ends the reading. Errors: [`Error::Trailing`] if bytes are left.
    pub fn finish(self) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(Error::Trailing(left)),
        }
    }
}

/// Appends `value` in groups of seven bits, the lowest first, each but the last with the highest bit set (LEB128).
pub fn write_short(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A value with exactly one encoding.
pub trait Wire: Sized {
    /// Appends the encoding to `out`.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads one value from the front of `input`.
    fn read(input: &mut Reader<'_>) -> Result<Self, Error>;

    /// The encoding as a new vector.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Reads a value that fills `bytes` exactly.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(bytes);
        let value = Self::read(&mut input)?;
        input.finish()?;
        Ok(value)
    }
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Wire for $t {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
                let bytes = input.take(size_of::<$t>())?;
                Ok(<$t>::from_be_bytes(bytes.try_into().expect("take returned the length asked for")))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i16, i32);

impl Wire for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        match u8::read(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::OutOfRange("a boolean")),
        }
    }
}

impl<const N: usize> Wire for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let bytes = input.take(N)?;
        Ok(bytes
            .try_into()
            .expect("take returned the length asked for"))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.write(out);
            }
        }
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(if bool::read(input)? {
            Some(T::read(input)?)
        } else {
            None
        })
    }
}

/// Up to `MAX` bytes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Blob<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> std::fmt::Debug for Blob<MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl<const MAX: usize> Wire for Blob<MAX> {
    fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(self.0.len() <= MAX, "the writer keeps its own cap");
        (self.0.len() as u32).write(out);
        out.extend_from_slice(&self.0);
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let length = input.length(MAX)?;
        Ok(Self(input.take(length)?.to_vec()))
    }
}

/// Up to `MAX` bytes of UTF-8 without control characters.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Takes text of at most `MAX` bytes without control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.len() > MAX {
            return Err(Error::TooLong {
                length: text.len(),
                cap: MAX,
            });
        }
        if text.chars().any(char::is_control) {
            return Err(Error::OutOfRange("a control character in text"));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// True if the text reads as it is written: without control characters, and without those
/// that turn the direction of writing around.
pub fn plain(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

impl<const MAX: usize> Wire for Text<MAX> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.0.len() as u32).write(out);
        out.extend_from_slice(self.0.as_bytes());
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let length = input.length(MAX)?;
        let text = std::str::from_utf8(input.take(length)?).map_err(|_| Error::NotText)?;
        Self::new(text)
    }
}

/// Up to `MAX` values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Wire, const MAX: usize> Wire for List<T, MAX> {
    fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(self.0.len() <= MAX, "the writer keeps its own cap");
        (self.0.len() as u32).write(out);
        for item in &self.0 {
            item.write(out);
        }
    }
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let length = input.length(MAX)?;
        // Memory grows with what is really there, not with what is announced.
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(T::read(input)?);
        }
        Ok(Self(items))
    }
}

/// `enc(..)` of SPEC: each field behind a u32 length. The input of every hash,
/// signature and key derivation.
pub fn enc(fields: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(fields.iter().map(|f| f.len() + 4).sum());
    for field in fields {
        (field.len() as u32).write(&mut out);
        out.extend_from_slice(field);
    }
    out
}

/// Declares a struct whose encoding is that of its fields, in order.
#[macro_export]
macro_rules! wire_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident : $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }
        impl $crate::wire::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $($crate::wire::Wire::write(&self.$field, out);)*
            }
            fn read(input: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::Error> {
                Ok(Self { $($field: $crate::wire::Wire::read(input)?,)* })
            }
        }
    };
}
pub use wire_struct;

/// Declares an enum whose encoding is a tag byte and then the variant's fields.
#[macro_export]
macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$vmeta:meta])* $tag:literal => $variant:ident $({ $($(#[$fmeta:meta])* $field:ident : $ty:ty),* $(,)? })?,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name { $($(#[$vmeta])* $variant $({ $($(#[$fmeta])* $field: $ty),* })?,)* }
        impl $crate::wire::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        out.push($tag);
                        $($($crate::wire::Wire::write($field, out);)*)?
                    })*
                }
            }
            fn read(input: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::Error> {
                match <u8 as $crate::wire::Wire>::read(input)? {
                    $($tag => Ok(Self::$variant $({ $($field: $crate::wire::Wire::read(input)?),* })?),)*
                    tag => Err($crate::wire::Error::UnknownTag { of: stringify!($name), tag }),
                }
            }
        }
    };
}
pub use wire_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_lengths_take_no_memory() {
        let mut bytes = Vec::new();
        u32::MAX.write(&mut bytes);
        assert_eq!(
            Blob::<64>::from_bytes(&bytes),
            Err(Error::TooLong {
                length: u32::MAX as usize,
                cap: 64
            })
        );
        assert_eq!(
            List::<u64, 8>::from_bytes(&[0, 0, 0, 8]),
            Err(Error::Truncated)
        );
    }

    #[test]
    fn short_integers_have_one_encoding() {
        for value in [
            0,
            1,
            127,
            128,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut bytes = Vec::new();
            write_short(&mut bytes, value);
            let mut input = Reader::new(&bytes);
            assert_eq!(input.short(value, "it"), Ok(value));
            assert_eq!(input.finish(), Ok(()));
            let bits = 64 - (value | 1).leading_zeros();
            assert_eq!(bytes.len() as u32, bits.div_ceil(7));
            if let Some(less) = value.checked_sub(1) {
                assert!(Reader::new(&bytes).short(less, "it").is_err());
            }
            let cut = &bytes[..bytes.len() - 1];
            assert_eq!(
                Reader::new(cut).short(u64::MAX, "it"),
                Err(Error::Truncated)
            );
        }
        let refused = Err(Error::OutOfRange("it"));
        let longer: [&[u8]; 4] = [
            &[0x80, 0],
            &[0xff, 0x80, 0],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            &[0xff; 11],
        ];
        for bytes in longer {
            assert_eq!(Reader::new(bytes).short(u64::MAX, "it"), refused);
        }
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert_eq!(u8::from_bytes(&[1, 2]), Err(Error::Trailing(1)));
    }

    #[test]
    fn text_has_no_control_characters() {
        assert_eq!(
            Text::<8>::new("a\u{1b}b"),
            Err(Error::OutOfRange("a control character in text"))
        );
        assert_eq!(
            Text::<2>::new("äö"),
            Err(Error::TooLong { length: 4, cap: 2 })
        );
    }

    #[test]
    fn enc_separates_fields() {
        assert_ne!(enc(&[b"ab", b"c"]), enc(&[b"a", b"bc"]));
        assert_eq!(enc(&[b"a"]), [0, 0, 0, 1, b'a']);
    }
}
