//! Body of the fuzz target `request`: what comes to the relay to be signed, as a stranger brings it who has a token.
//!
//! ```text
//! any bytes │ a genuine request with edits │ such edits under the requester's signature
//!     └─► issue as technician and as auditor ─► refused, or a certificate that this module reads as the other ends do
//! ```
//!
//! Whatever is issued is for the requester's key and bears the register's names, the role that the token is for, and
//! no extension but ours. Not part of the program.

use std::sync::LazyLock;

use fernsicht_protocol::cert::{self, Role};
use fernsicht_protocol::crypto::{hash, sound};
use fernsicht_protocol::fuzzing::certificate::{edited, first, signed_anew};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::authority::{Authority, Issued, make_ca};

/// The seed of the requester's key.
const SEED: [u8; 32] = [2; 32];

const NAME: &str = "Zoë Müller";
const ORGANISATION: &str = "Nordlicht";

struct Office {
    ca: Vec<u8>,
    authority: Authority,
    /// The requester's public key, and requests that are signed with it.
    key: [u8; 32],
    requests: Vec<Vec<u8>>,
    /// What the requests become that ask for nothing: the measure of all others.
    issued: [Issued; 2],
}

static OFFICE: LazyLock<Office> = LazyLock::new(Office::new);

impl Office {
    fn new() -> Self {
        let made = make_ca(ORGANISATION).expect("a CA");
        let (_, pem) = parse_x509_pem(made.certificate.as_bytes()).expect("our own PEM");
        let authority = Authority::new(&pem.contents, &made.key).expect("our own CA");
        let requests = requests();
        let plain = requests.first().expect("there are some");
        let [technician, auditor] = ROLES.map(|role| issue(&authority, role, plain));
        let issued = [technician, auditor].map(|issued| issued.expect("an honest request"));
        let holder = cert::holder(&issued[0].leaf).expect("a certificate");
        Self {
            ca: pem.contents,
            authority,
            key: holder.key,
            requests,
            issued,
        }
    }
}

const ROLES: [Role; 2] = [Role::Technician, Role::Auditor];

fn issue(authority: &Authority, role: Role, request: &[u8]) -> Option<Issued> {
    let issued = match role {
        Role::Auditor => authority.issue_auditor(NAME, request),
        Role::Technician | Role::Relay | Role::Checkpoint => {
            authority.issue_technician(NAME, ORGANISATION, request)
        }
    };
    issued.ok()
}

/// As the programs make it; one that asks for all it may not have; and one with a key of another kind.
fn requests() -> Vec<Vec<u8>> {
    let head = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let own = KeyPair::try_from([head.as_slice(), &SEED].concat()).expect("a key");
    let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let plain = CertificateParams::default();
    let mut greedy = CertificateParams::new(vec!["relay.example".to_owned()]).expect("a name");
    greedy.is_ca = IsCa::NoCa;
    greedy.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let role = cert::role_arcs(Role::Checkpoint).to_vec();
    greedy.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::Other(role),
    ];
    let made = [(&plain, &own), (&greedy, &own), (&plain, &other)];
    let requests = made.map(|(params, key)| params.serialize_request(key));
    requests
        .into_iter()
        .map(|request| request.expect("a request").der().to_vec())
        .collect()
}

/// The first byte chooses what the others are: a request, or edits of one; and what it is for.
pub(crate) fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    let office = &*OFFICE;
    let base = &office.requests[usize::from(how >> 2 & 7) % office.requests.len()];
    let request = match how & 3 {
        0 => rest.to_vec(),
        1 => edited(base, rest),
        _ => signed_anew(&edited(first(base), rest), &SEED),
    };
    let at = usize::from(how >> 5 & 1);
    if let Some(issued) = issue(&office.authority, ROLES[at], &request) {
        check(office, at, &request, &issued, how & 3 > 0);
    }
}

fn check(office: &Office, at: usize, request: &[u8], issued: &Issued, edited: bool) {
    let (role, measure) = (ROLES[at], &office.issued[at]);
    let (pin, now) = (hash(&office.ca), issued.expires.cast_unsigned());
    let chain = [issued.leaf.as_slice(), &office.ca];
    let holder = cert::verify(&chain, &pin, role, now).expect("it serves for its role");
    for other in [
        Role::Relay,
        Role::Technician,
        Role::Auditor,
        Role::Checkpoint,
    ] {
        let verified = cert::verify_role(&chain, &pin, other, now);
        assert_eq!(verified.is_ok(), other == role, "and for no other");
    }
    assert!(!edited || holder.key == office.key, "who signs has the key");
    assert!(request.windows(32).any(|bytes| bytes == holder.key));
    assert!(sound(&holder.key), "a key that somebody has");
    assert_eq!(holder.serial, issued.serial);
    assert_eq!(cert::valid_until(&issued.leaf), Ok(now));
    let parse = |leaf| X509Certificate::from_der(leaf).expect("our own").1;
    let (given, ours) = (parse(&issued.leaf), parse(&measure.leaf));
    assert_eq!(given.subject(), ours.subject(), "names are the register's");
    assert_eq!(given.issuer(), ours.issuer());
    assert_eq!(given.version(), ours.version());
    assert_eq!(
        given.public_key().algorithm,
        ours.public_key().algorithm,
        "Ed25519 alone"
    );
    assert_eq!(
        given.extensions(),
        ours.extensions(),
        "extensions are only ours"
    );
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What the fuzzer found and what it starts from. `REGENERATE=1` writes the seeds anew.
    #[test]
    fn the_corpus_breaks_no_promise() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus/request");
        if std::env::var_os("REGENERATE").is_some() {
            for seed in seeds() {
                let name: String = hash(&seed)[..10]
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                std::fs::write(corpus.join(name), seed).unwrap();
            }
        }
        let mut replayed = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display()); // names the file if the body panics
            run(&std::fs::read(&path).unwrap());
            replayed += 1;
        }
        assert!(replayed > 0, "there is a corpus");
    }

    /// Requests by themselves, and with edits, with and without the requester's signature under these. One has the neutral
    /// point for its key, under which the neutral point and a zero sign everything.
    fn seeds() -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for (base, request) in requests().iter().enumerate() {
            let chosen = (base as u8) << 2;
            for role in [0, 32] {
                out.push([&[role], request.as_slice()].concat());
                out.push(vec![1 | chosen | role]);
                out.push(vec![2 | chosen | role]);
            }
            for at in (0..request.len() as u8).step_by(5) {
                for how in [1, 2] {
                    out.push(vec![how | chosen, 0, at, 0, 1]);
                    out.push(vec![how | chosen, 0, at, 2, 1]);
                }
            }
        }
        let mut nobodys = requests().remove(0);
        let neutral: [u8; 32] = std::array::from_fn(|at| u8::from(at == 0));
        let key = OFFICE.key;
        let at = nobodys.windows(32).position(|bytes| bytes == key).unwrap();
        nobodys[at..at + 32].copy_from_slice(&neutral);
        let end = nobodys.len();
        nobodys[end - 64..end - 32].copy_from_slice(&neutral);
        nobodys[end - 32..].fill(0);
        out.push([&[0], nobodys.as_slice()].concat());
        out
    }
}
