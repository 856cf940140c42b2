//! The signature under a report.
//!
//! ```text
//! file = body ‖ "<!--fernsicht-report " ‖ base64(chain length u32 ‖ (length u32 ‖ certificate)* ‖ signature[64]) ‖ "-->\n"
//! signature = Sign(auditor, "report", H(body))
//! ```

use data_encoding::BASE64;
use fernsicht_protocol::cert::{self, Holder, Role};
use fernsicht_protocol::crypto::{self, Hash, SigningKey, hash};
use fernsicht_protocol::messages::Chain;
use fernsicht_protocol::wire::{Blob, List, Reader, Wire as _};

/// The body with its signature.
pub(super) fn seal(body: &str, chain: &[Vec<u8>], key: &SigningKey) -> String {
    let signature = key.sign("report", &hash(body.as_bytes()));
    let chain: Chain = List(chain.iter().map(|der| Blob(der.clone())).collect());
    let mut trailer = chain.to_bytes();
    trailer.extend_from_slice(&signature);
    with_trailer(body, &trailer)
}

/// The body with whatever stands where a signature should.
pub(super) fn with_trailer(body: &str, trailer: &[u8]) -> String {
    format!("{body}{OPEN}{}{CLOSE}", BASE64.encode(trailer))
}

/// Why a report is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No signature stands in it.
    #[error("this is no signed report")]
    Unsigned,
    /// The certificate is not an auditor's of this operator.
    #[error("the report's certificate: {0}")]
    Chain(#[from] cert::Error),
    /// Altered after it was signed.
    #[error("the report was altered")]
    Altered,
}

/// Checks a report's signature and whose it is. `now_s`: when the certificate must be valid.
pub fn check(file: &[u8], ca: &Hash, now_s: u64) -> Result<Holder, Error> {
    let text = std::str::from_utf8(file).map_err(|_| Error::Unsigned)?;
    let (body, trailer) = text.rsplit_once(OPEN).ok_or(Error::Unsigned)?;
    let trailer = trailer.strip_suffix(CLOSE).ok_or(Error::Unsigned)?;
    let trailer = BASE64
        .decode(trailer.as_bytes())
        .map_err(|_| Error::Unsigned)?;
    let mut input = Reader::new(&trailer);
    let read = (|| {
        let chain = Chain::read(&mut input)?;
        let signature = <[u8; 64]>::read(&mut input)?;
        input.finish()?;
        Ok::<_, fernsicht_protocol::wire::Error>((chain, signature))
    })();
    let (chain, signature) = read.map_err(|_| Error::Unsigned)?;
    let chain: Vec<&[u8]> = chain.0.iter().map(|der| der.0.as_slice()).collect();
    let holder = cert::verify(&chain, ca, Role::Auditor, now_s)?;
    crypto::verify(&holder.key, "report", &hash(body.as_bytes()), &signature)
        .map_err(|_| Error::Altered)?;
    Ok(holder)
}

const OPEN: &str = "<!--fernsicht-report ";
const CLOSE: &str = "-->\n";
