//! Bodies of the fuzz targets: plain functions over bytes that panic where a promise is broken.
//!
//! [`recording`] reads any bytes; [`altered`] takes them as edits of the valid vector, which it then opens
//! with code and key. Not part of the programs.

use crate::format::{Body, FILE_HEADER_BYTES};
use crate::reader::{Reader, Record, Records};
use crate::verify::{Verifier, verify_outside};

#[cfg(feature = "sample")]
mod altered;

#[cfg(feature = "sample")]
pub use altered::altered;

/// Panics where the bytes break a promise.
pub type TargetBody = fn(&[u8]);

/// Name and body of each target.
#[cfg(feature = "sample")]
pub const TARGETS: [(&str, TargetBody); 2] = [("recording", recording), ("altered", altered)];

/// Reads any bytes both ways and checks them: both readers and both ways of checking agree, every frame
/// that parses has one encoding, and nothing is taken that is not there.
pub fn recording(bytes: &[u8]) {
    let step = usize::from(bytes.first().copied().unwrap_or_default()) + 1;
    let (mut pushed, mut reader) = (Vec::new(), Reader::new());
    let mut failed = None;
    'all: for chunk in bytes.chunks(step) {
        reader.push(chunk);
        loop {
            match reader.poll_record() {
                Ok(Some(record)) => pushed.push((record.offset, record.bytes.to_vec())),
                Ok(None) => break,
                Err(error) => {
                    failed = Some(error);
                    break 'all;
                }
            }
        }
    }
    if let Ok(records) = Records::new(bytes) {
        let mut walked = Vec::new();
        let mut refused = None;
        for record in records {
            match record {
                Ok(record) => {
                    body(&record);
                    walked.push((record.offset, record.bytes.to_vec()));
                }
                Err(error) => refused = Some(error),
            }
        }
        assert_eq!(walked, pushed, "both readers give the same records");
        assert_eq!(refused, failed, "both readers refuse the same");
    } else {
        assert!(pushed.is_empty() && (failed.is_some() || bytes.len() < FILE_HEADER_BYTES));
    }
    let pin = [0; 32];
    let mut verifier = Verifier::new(&pin);
    for chunk in bytes.chunks(step) {
        verifier.handle_bytes(chunk);
    }
    let (streamed, whole) = (verifier.finish(), verify_outside(bytes, &pin));
    if bytes.len() >= FILE_HEADER_BYTES {
        assert_eq!(streamed, whole, "both ways of checking find the same");
    }
    assert!(whole.length <= bytes.len() as u64);
}

fn body(record: &Record<'_>) {
    let Ok(parsed) = record.parse() else { return };
    if let Body::Frame { header, ciphertext } = &parsed {
        let again = [header.encode().as_slice(), ciphertext].concat();
        assert_eq!(again, record.body(), "a frame has one encoding");
    }
}
