//! The configuration attached to the agent (docs/protocol.md §9): the only way the agent learns
//! whom it belongs to.
//!
//! ```text
//! program ‖ configuration ‖ program length u64 ‖ configuration length u32
//!         ‖ SHA-256(program ‖ configuration ‖ both lengths) ‖ "FERNSICHTCONFIG1"
//! ```
//!
//! A Windows program may be signed after that: the signature lies behind, and the hash takes the fields of the header that it
//! changes for zero ([`pe`]).
//!
//! The hash finds incomplete downloads. It is no protection against an author of other
//! programs; that is the business of the download's TLS and of code signing.

mod pe;

use thiserror::Error;

use crate::crypto::{Hash, hash};
use crate::wire::{self, List, Reader, Text, Wire, wire_struct};

/// The largest configuration, in bytes.
pub const MAX_CONFIGURATION: usize = 64 << 10;

/// How long the auditor keys in an agent are good for, in seconds: 90 days.
pub const AUDITOR_KEYS_VALID_S: u64 = 90 * 24 * 60 * 60;

const MAGIC: &[u8; 16] = b"FERNSICHTCONFIG1";
const TRAILER: usize = 8 + 4 + 32 + 16;

/// Why a program carries no usable configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// Nothing is attached: the bare program.
    #[error("no configuration is attached to this program")]
    Missing,
    /// Something is attached, but the file is not whole.
    #[error("the program file is damaged or incomplete")]
    Damaged,
    /// Whole, but of a format that this program does not know.
    #[error("the attached configuration cannot be read: {0}")]
    Malformed(#[from] wire::Error),
    /// The program already carries a configuration.
    #[error("the program already carries a configuration")]
    AlreadyAttached,
    /// The program is signed already: a signature covers nothing that is attached later.
    #[error("the program is signed already; attach the configuration first, then sign")]
    AlreadySigned,
}

wire_struct! {
    /// An auditor's public key, to which recordings are sealed.
    pub struct Auditor {
        /// First and last name.
        pub name: Text<128>,
        /// X25519.
        pub key: [u8; 32],
        /// SHA-256 of the auditor's certificate.
        pub certificate: [u8; 32],
    }
}

wire_struct! {
    /// Whom the agent belongs to, and where it calls.
    pub struct Configuration {
        /// When it was attached, in seconds since 1970 UTC.
        pub made: u64,
        /// The operator's name, as customers know it.
        pub operator: Text<128>,
        /// The operator's domain.
        pub domain: Text<256>,
        /// `host:port` of the relay; several are tried in turn.
        pub relay_addresses: List<Text<256>, 8>,
        /// The name in the relay's certificate.
        pub relay_name: Text<128>,
        /// SHA-256 of the CA certificate.
        pub ca: [u8; 32],
        /// The operator's postal address.
        pub address: Text<512>,
        /// Whom to complain to.
        pub complaints_office: Text<512>,
        /// Questions about privacy.
        pub privacy_contact: Text<512>,
        /// The data protection authority.
        pub authority: Text<512>,
        /// The legal basis.
        pub legal_basis: Text<512>,
        /// `de` or `en`: used where the system's language is neither.
        pub language: Text<8>,
        /// Keys to which recordings are sealed; may be empty, then nothing can be recorded.
        pub auditors: List<Auditor, 16>,
    }
}

impl Configuration {
    /// H(agent configuration), part of the pairing's context.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }
}

/// The program with its configuration behind it. Errors: [`Error::AlreadyAttached`], [`Error::AlreadySigned`].
pub fn attach(program: &[u8], configuration: &Configuration) -> Result<Vec<u8>, Error> {
    let whole = unsigned(program);
    if whole.is_some_and(|whole| whole.ends_with(MAGIC)) {
        return Err(Error::AlreadyAttached);
    }
    if whole.is_none_or(|whole| whole.len() != program.len()) {
        return Err(Error::AlreadySigned);
    }
    Ok(attach_bytes(program, &configuration.to_bytes()))
}

/// The same, whatever the program and the bytes are.
pub(crate) fn attach_bytes(program: &[u8], configuration: &[u8]) -> Vec<u8> {
    let mut out = program.to_vec();
    out.extend_from_slice(configuration);
    (program.len() as u64).write(&mut out);
    (configuration.len() as u32).write(&mut out);
    let digest = digest(&out);
    out.extend_from_slice(&digest);
    out.extend_from_slice(MAGIC);
    out
}

/// The file without a signature, and without what fills up to it. None: where that begins is nonsense.
fn unsigned(file: &[u8]) -> Option<&[u8]> {
    let Some(fields) = pe::fields(file) else {
        return Some(file);
    };
    let end = fields.signed_to(file)?;
    let signed = &file[..end];
    if end == file.len() {
        return Some(signed);
    }
    let filled = |zeros: usize| {
        let (before, zeros) = signed.split_at_checked(end.checked_sub(zeros)?)?;
        (before.ends_with(MAGIC) && zeros.iter().all(|byte| *byte == 0)).then_some(before)
    };
    Some((0..8).find_map(filled).unwrap_or(signed))
}

/// The hash of what stands before the hash.
fn digest(bytes: &[u8]) -> Hash {
    match pe::fields(bytes) {
        Some(fields) => fields.hash(bytes),
        None => hash(bytes),
    }
}

/// Reads the configuration out of a complete program file.
pub fn read(file: &[u8]) -> Result<Configuration, Error> {
    let file = unsigned(file).ok_or(Error::Damaged)?;
    if !file.ends_with(MAGIC) {
        // A cut-off download lacks the magic, like a bare program. What tells them apart
        // for a person is the same: download it again.
        return Err(Error::Missing);
    }
    let body = file.len().checked_sub(TRAILER).ok_or(Error::Damaged)?;
    let mut trailer = Reader::new(&file[body..]);
    let program = u64::read(&mut trailer)?;
    let length = u32::read(&mut trailer)? as usize;
    let digest = <[u8; 32]>::read(&mut trailer)?;
    let whole = usize::try_from(program)
        .ok()
        .and_then(|p| p.checked_add(length))
        == Some(body);
    if !whole || length > MAX_CONFIGURATION || self::digest(&file[..body + 12]) != digest {
        return Err(Error::Damaged);
    }
    Ok(Configuration::from_bytes(&file[body - length..body])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn configuration() -> Configuration {
        Configuration {
            made: 1_800_000_000,
            operator: Text::new("Nordlicht Telefon").unwrap(),
            domain: Text::new("hilfe.example").unwrap(),
            relay_addresses: List(vec![Text::new("relay.example:7443").unwrap()]),
            relay_name: Text::new("relay.example").unwrap(),
            ca: [5; 32],
            address: Text::new("Hafenstraße 1").unwrap(),
            complaints_office: Text::new("beschwerde@hilfe.example").unwrap(),
            privacy_contact: Text::new("datenschutz@hilfe.example").unwrap(),
            authority: Text::new("Landesbeauftragte").unwrap(),
            legal_basis: Text::new("Art. 6 Abs. 1 lit. a DSGVO").unwrap(),
            language: Text::new("de").unwrap(),
            auditors: List::default(),
        }
    }

    #[test]
    fn attached_configuration_is_read_back() {
        let file = attach(b"\x7fELF program", &configuration()).unwrap();
        assert_eq!(read(&file), Ok(configuration()));
        assert_eq!(attach(&file, &configuration()), Err(Error::AlreadyAttached));
    }

    #[test]
    fn a_windows_program_may_be_signed_afterwards_and_not_before() {
        for more in 0..8 {
            let mut program = pe::tests::program();
            program.resize(program.len() + more, 9);
            let file = attach(&program, &configuration()).unwrap();
            assert_eq!(read(&file), Ok(configuration()));
            let signed = pe::tests::sign(&file, &[7; 1000]);
            assert_eq!(read(&signed), Ok(configuration()));
            assert_eq!(
                attach(&signed, &configuration()),
                Err(Error::AlreadyAttached)
            );
            for cut in [signed.len() - 1, file.len(), file.len() - 1, 600, 0] {
                assert!(read(&signed[..cut]).is_err(), "cut at {cut}");
            }
            let bare = pe::tests::sign(&program, &[7; 1000]);
            assert_eq!(read(&bare), Err(Error::Missing));
            assert_eq!(attach(&bare, &configuration()), Err(Error::AlreadySigned));
        }
    }

    #[test]
    fn of_a_windows_program_only_what_signing_changes_is_not_looked_at() {
        let file = attach(&pe::tests::program(), &configuration()).unwrap();
        let unseen: Vec<usize> = (0..file.len())
            .filter(|at| {
                let mut flipped = file.clone();
                flipped[*at] ^= 1;
                read(&flipped).is_ok()
            })
            .collect();
        let checksum = 0x80 + 24 + 64;
        assert_eq!(unseen, Vec::from_iter(checksum..checksum + 4));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_found() {
        let file = attach(b"program", &configuration()).unwrap();
        for at in 0..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            assert!(read(&flipped).is_err(), "byte {at}");
            assert!(read(&file[..at]).is_err(), "cut at {at}");
            assert!(read(&file[at + 1..]).is_err(), "without the first {at}");
        }
    }
}
