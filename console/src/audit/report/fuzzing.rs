//! Body of the fuzz target `report`: files that somebody shows as an auditor's report. Whatever is taken has the body that
//! was signed, and is the signer's. Not part of the program.

use std::sync::LazyLock;

use fernsicht_protocol::crypto::{SigningKey, hash};
use fernsicht_protocol::fuzzing::certificate::{AUDITOR, CA, LEAF_KEY, edited};
use fernsicht_protocol::messages::Chain;
use fernsicht_protocol::wire::{Blob, List, Wire as _};

use super::signature::{check, seal, with_trailer};

const BODY: &str = "<!DOCTYPE html><html><body>2027/14: Größe</body></html>\n";

/// When the auditor's certificate is valid.
const NOW: u64 = 1_800_000_000;

/// A report, and what stands behind its body.
static GENUINE: LazyLock<(String, Vec<u8>)> = LazyLock::new(|| {
    let key = SigningKey::from_pkcs8(&LEAF_KEY).expect("a key");
    let file = seal(BODY, &[AUDITOR.to_vec(), CA.to_vec()], &key);
    let signature = key.sign("report", &hash(BODY.as_bytes()));
    let chain = [AUDITOR, CA].map(|der| Blob(der.to_vec()));
    let chain: Chain = List(chain.into());
    let trailer = [chain.to_bytes(), signature.to_vec()].concat();
    assert_eq!(with_trailer(BODY, &trailer), file);
    (file, trailer)
});

/// The first byte chooses what the others are: a file, or edits of a report or of what stands behind its body.
pub fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    let (genuine, trailer) = &*GENUINE;
    let file = match how % 4 {
        0 => rest.to_vec(),
        1 => edited(genuine.as_bytes(), rest),
        2 => with_trailer(BODY, &edited(trailer, rest)).into_bytes(),
        _ => [
            &edited(BODY.as_bytes(), rest),
            &genuine.as_bytes()[BODY.len()..],
        ]
        .concat(),
    };
    let checked = check(&file, &hash(CA), NOW);
    assert!(checked.is_ok() || file != genuine.as_bytes());
    if let Ok(holder) = checked {
        assert!(
            file.starts_with(BODY.as_bytes()),
            "the body is what was signed"
        );
        assert_eq!(holder.leaf, hash(AUDITOR));
        let behind = &file[BODY.len()..];
        let end = b"<!--fernsicht-report ";
        assert!(behind.starts_with(end), "and nothing was put behind it");
    }
}
