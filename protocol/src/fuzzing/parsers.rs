//! Parsers: whatever they take has exactly one encoding, and they take nothing oversized.

use super::Dice;
use crate::attached::{self, Configuration};
use crate::audit::{AuditorToRelay, RelayToAuditor};
use crate::code::{self, Password, SessionCode};
use crate::complaint;
use crate::content::{
    AgentNotice, Beacon, Cause, ConsoleNotice, Input, InputAck, PeerHeads, PictureAck, Pointer,
};
use crate::frame::{HEADER_BYTES, Header};
use crate::messages::{
    AgentToConsole, AgentToRelay, ConsoleToAgent, ConsoleToRelay, RelayToAgent, RelayToConsole,
};
use crate::picture::Update;
use crate::token::{self, Token};
use crate::transfer::Message;
use crate::unit::{Assembler, Record};
use crate::wire::{Error, Wire};

/// Decodes, and encodes again.
pub type Again = fn(&[u8]) -> Result<Vec<u8>, Error>;

macro_rules! kinds {
    ($($t:ident),* $(,)?) => {
        /// Every kind of message and content by name; the first byte of the target `messages` chooses.
        pub const KINDS: &[(&str, Again)] = &[$((stringify!($t), again::<$t>)),*];
    };
}

kinds! {
    AgentToRelay,
    RelayToAgent,
    ConsoleToRelay,
    RelayToConsole,
    AgentToConsole,
    ConsoleToAgent,
    Cause,
    Input,
    InputAck,
    PictureAck,
    AgentNotice,
    ConsoleNotice,
    Beacon,
    Pointer,
    PeerHeads,
    AuditorToRelay,
    RelayToAuditor,
    Message,
}

fn again<T: Wire>(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    T::from_bytes(bytes).map(|value| value.to_bytes())
}

/// One kind of message, and its bytes.
pub fn messages(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let (name, again) = KINDS[usize::from(*kind) % KINDS.len()];
    if let Ok(encoded) = again(bytes) {
        assert_eq!(encoded, bytes, "{name} has one encoding");
    }
}

/// A clear header.
pub fn frame(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
        return;
    };
    if let Ok(header) = Header::decode(bytes) {
        assert_eq!(&header.encode(), bytes);
        assert!(header.class.allows(header.direction));
        assert!(header.length as usize <= header.class.max_ciphertext());
    }
}

/// A picture update.
pub fn picture(bytes: &[u8]) {
    let Ok(update) = Update::from_bytes(bytes) else {
        return;
    };
    assert_eq!(update.to_bytes(), bytes);
    assert!(update.raw_bytes() <= crate::picture::MAX_RAW);
    let (width, height) = match update.complete {
        Some(layout) => (layout.width, layout.height),
        None => (1920, 1080),
    };
    let fits = update.fits(width, height);
    assert!(fits.is_ok() || update.complete.is_none());
    if fits.is_ok() {
        let area = usize::from(width) * usize::from(height);
        assert!(area <= crate::picture::MAX_AREA);
        for each in &update.boxes.0 {
            assert!(each.rect.right() <= u32::from(width));
            assert!(each.rect.bottom() <= u32::from(height));
        }
    }
}

/// A configuration by itself, behind a program with everything around it that belongs there, and a program file
/// that ends in the bytes.
pub fn attached(bytes: &[u8]) {
    let configuration = Configuration::from_bytes(bytes);
    if let Ok(configuration) = &configuration {
        assert_eq!(configuration.to_bytes(), bytes);
        let file = attached::attach(b"program", configuration).expect("a bare program");
        assert_eq!(attached::read(&file).as_ref(), Ok(configuration));
        let again = attached::attach(&file, configuration);
        assert_eq!(again, Err(attached::Error::AlreadyAttached));
    }
    let read = attached::read(&attached::attach_bytes(b"program", bytes));
    match configuration {
        _ if bytes.len() > attached::MAX_CONFIGURATION => {
            assert_eq!(read, Err(attached::Error::Damaged));
        }
        Ok(configuration) => assert_eq!(read, Ok(configuration)),
        Err(error) => assert_eq!(read, Err(attached::Error::Malformed(error))),
    }
    if let Ok(configuration) = attached::read(bytes) {
        let tail = attached::attach(b"", &configuration)
            .expect("a bare program")
            .len();
        let program = &bytes[..bytes.len() - tail];
        if let Ok(file) = attached::attach(program, &configuration) {
            assert_eq!(file, bytes);
        }
    }
}

/// What a person typed as a complaint code or as the number of a recording; and a code of which one symbol, and
/// two, were mistyped as the bytes say.
pub fn complaint(bytes: &[u8]) {
    if let Ok(typed) = std::str::from_utf8(bytes) {
        match complaint::Code::parse(typed) {
            Ok(code) => assert_eq!(complaint::Code::parse(&code.grouped()), Ok(code)),
            Err(complaint::Error::Wrong { at: Some(at) }) => assert!(at < complaint::SYMBOLS),
            Err(complaint::Error::Symbol { at }) => assert!(at < typed.chars().count()),
            Err(complaint::Error::Length { symbols }) => assert_ne!(symbols, complaint::SYMBOLS),
            Err(complaint::Error::Wrong { at: None }) => {}
        }
        if let Ok(number) = complaint::Lookup::parse(typed) {
            assert_eq!(complaint::Lookup::parse(&number.to_string()), Ok(number));
        }
    }
    let Some((code, [one, another])) = bytes.split_first_chunk().map(|(code, rest)| {
        let mut rest = rest.chunks_exact(2).map(|at| (at[0], at[1]));
        (*code, [rest.next(), rest.next()])
    }) else {
        return;
    };
    let code = complaint::Code::from_bytes(code);
    let mut typed = code.symbols().as_bytes().to_vec();
    let mut mistype = |slip: Option<(u8, u8)>| {
        let (at, with) = slip?;
        let at = usize::from(at) % typed.len();
        let with = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[usize::from(with % 32)];
        let wrong = std::mem::replace(&mut typed[at], with) != with;
        let typed = String::from_utf8(typed.clone()).expect("symbols are ASCII");
        Some((at, wrong, complaint::Code::parse(&typed)))
    };
    let Some((at, wrong, parsed)) = mistype(one) else {
        return;
    };
    let expected = match wrong {
        true => Err(complaint::Error::Wrong { at: Some(at) }),
        false => Ok(code.clone()),
    };
    assert_eq!(parsed, expected, "one wrong symbol is located");
    if let Some((also, again, parsed)) = mistype(another)
        && wrong
        && again
        && also != at
    {
        assert!(parsed.is_err(), "two wrong symbols are found");
    }
}

/// What a person typed as a code; and a code of which one digit was mistyped as the bytes say.
pub fn code(bytes: &[u8]) {
    if let Ok(typed) = std::str::from_utf8(bytes)
        && let Ok(code) = SessionCode::parse(typed)
    {
        assert_eq!(SessionCode::parse(&code.grouped()).as_ref(), Ok(&code));
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
        assert_eq!(digits(typed), digits(&code.grouped()));
        assert!((4..=12).contains(&code.nameplate().len()));
    }
    let Some(([length, at, with], digits)) = bytes.split_first_chunk() else {
        return;
    };
    let nameplate = digits.iter().take(usize::from(length % 16));
    let nameplate: String = nameplate.map(|byte| char::from(b'0' + byte % 11)).collect();
    let password = Password::draw(&mut Dice(u64::from(*at)));
    let Ok(code) = SessionCode::new(&nameplate, password) else {
        let fits = (4..=12).contains(&nameplate.len());
        assert!(!fits || nameplate.contains(':'), "4 to 12 digits are one");
        return;
    };
    let mut typed = code.grouped().into_bytes();
    assert_eq!(SessionCode::parse(&code.grouped()), Ok(code));
    let at = usize::from(*at) % typed.len();
    let digit = b'0' + with % 10;
    if typed[at].is_ascii_digit() && typed[at] != digit {
        typed[at] = digit;
        let typed = String::from_utf8(typed).expect("digits are ASCII");
        assert_eq!(SessionCode::parse(&typed), Err(code::Error::Typo));
    }
}

/// What a person pasted as an enrolment token; and a token that holds the bytes.
pub fn token(bytes: &[u8]) {
    if let Ok(pasted) = std::str::from_utf8(bytes)
        && let Ok(token) = Token::parse(pasted)
    {
        assert_eq!(Token::parse(&token.encode()), Ok(token));
    }
    let text = token::encode_bytes(bytes);
    if let Ok(token) = Token::parse(&text) {
        assert_eq!(*token.encode(), text, "a token has one encoding");
    }
}

/// A byte stream in pieces: the first byte chooses what is read and the size of the pieces.
pub fn unit(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else {
        return;
    };
    let read = |size: usize| match how % 3 {
        0 => collect(bytes, size, Assembler::next_message, |message| {
            let length = message.len() as u32;
            [&length.to_be_bytes(), message.as_slice()].concat()
        }),
        _ => collect(bytes, size, Assembler::next_record, Record::encode),
    };
    let whole = read(bytes.len().max(1));
    assert_eq!(
        read(usize::from(how / 3) + 1),
        whole,
        "pieces do not matter"
    );
    assert!(bytes.starts_with(&whole), "each unit has one encoding");
}

/// What was read, encoded again.
fn collect<T>(
    bytes: &[u8],
    size: usize,
    next: fn(&mut Assembler) -> Result<Option<T>, Error>,
    encode: fn(&T) -> Vec<u8>,
) -> Vec<u8> {
    let mut assembler = Assembler::default();
    let mut out = Vec::new();
    for piece in bytes.chunks(size) {
        assembler.push(piece);
        loop {
            match next(&mut assembler) {
                Ok(Some(unit)) => out.extend(encode(&unit)),
                Ok(None) => break,
                Err(_) => return out,
            }
        }
    }
    out
}
