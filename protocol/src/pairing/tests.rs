//! Both ends of a pairing, with a real CA.

use super::*;
use crate::cert::role_arcs;
use rand_core::OsRng;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ED25519,
};

struct Office {
    ca: Vec<u8>,
    leaf: Vec<u8>,
    key: SigningKey,
}

impl Office {
    fn new(role: Role) -> Self {
        let ca_key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).unwrap().der().to_vec();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Erika Weber");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Technik");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(role_arcs(role).to_vec())];
        let leaf = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        Self {
            ca,
            leaf,
            key: SigningKey::from_pkcs8(&key.serialize_der()).unwrap(),
        }
    }

    fn context(&self) -> Context {
        Context {
            relay_name: "relay.test".into(),
            ca: crypto::hash(&self.ca),
            configuration: [7; 32],
            session: [9; 16],
            nameplate: "4812".into(),
        }
    }
}

const NOW: u64 = 1_800_000_000;

fn pair(
    office: &Office,
    a: &Password,
    b: &Password,
) -> Result<(agent::Paired, console::Paired), Error> {
    let context = office.context();
    let (opened, message_a) = agent::open(context.clone(), a, &mut OsRng);
    let (responded, message_b, conf_b) = console::respond(&context, b, &message_a, &mut OsRng)?;
    let (confirmed, confirm) = opened.handle_reply(&message_b, &conf_b, &mut OsRng)?;
    let paired = responded.handle_confirm(&confirm, &office.leaf, &office.key)?;
    let chain = [office.leaf.clone(), office.ca.clone()];
    Ok((
        confirmed.handle_technician(&chain, &paired.signature, NOW)?,
        paired,
    ))
}

#[test]
fn right_code_pairs_and_names_the_technician() {
    let office = Office::new(Role::Technician);
    let password = Password::draw(&mut OsRng);
    let (mut agent, mut console) = pair(&office, &password, &password).unwrap();
    assert_eq!(agent.technician.name, "Erika Weber");
    assert_eq!(agent.technician.organisation, "Technik");
    assert_eq!(agent.th2, console.th2);
    let packet = agent.peer.seal(b"hello");
    assert_eq!(console.peer.open(&packet), Ok(Some(b"hello".to_vec())));
}

#[test]
fn wrong_code_fails_in_the_agent_before_it_confirms_anything() {
    let office = Office::new(Role::Technician);
    let a = Password::draw(&mut OsRng);
    let b = loop {
        let b = Password::draw(&mut OsRng);
        if b != a {
            break b;
        }
    };
    assert_eq!(pair(&office, &a, &b).err(), Some(Error::Confirmation));
}

#[test]
fn another_role_is_no_technician() {
    let office = Office::new(Role::Auditor);
    let password = Password::draw(&mut OsRng);
    assert_eq!(
        pair(&office, &password, &password).err(),
        Some(Error::Chain(cert::Error::Role))
    );
}

#[test]
fn another_operator_is_untrusted_and_time_is_checked() {
    let office = Office::new(Role::Technician);
    let other = Office::new(Role::Technician);
    let chain = [office.leaf.clone(), office.ca.clone()];
    let ca = crypto::hash(&office.ca);
    assert!(cert::verify(&chain, &ca, Role::Technician, NOW).is_ok());
    assert_eq!(
        cert::verify(&chain, &crypto::hash(&other.ca), Role::Technician, NOW),
        Err(cert::Error::Untrusted)
    );
    let forged = [other.leaf.clone(), office.ca.clone()];
    assert_eq!(
        cert::verify(&forged, &ca, Role::Technician, NOW),
        Err(cert::Error::Untrusted)
    );
    assert_eq!(
        cert::verify(&chain, &ca, Role::Technician, 0),
        Err(cert::Error::Time)
    );
}

#[test]
fn every_field_of_the_context_is_bound() {
    let office = Office::new(Role::Technician);
    let password = Password::draw(&mut OsRng);
    let context = office.context();
    let changes: [fn(&mut Context); 5] = [
        |c| c.relay_name.push('x'),
        |c| c.ca[0] ^= 1,
        |c| c.configuration[0] ^= 1,
        |c| c.session[0] ^= 1,
        |c| c.nameplate.push('1'),
    ];
    for change in changes {
        let mut other = context.clone();
        change(&mut other);
        let (opened, message_a) = agent::open(context.clone(), &password, &mut OsRng);
        let (_responded, message_b, conf_b) =
            console::respond(&other, &password, &message_a, &mut OsRng).unwrap();
        assert_eq!(
            opened.handle_reply(&message_b, &conf_b, &mut OsRng).err(),
            Some(Error::Confirmation)
        );
    }
}

#[test]
fn shares_of_small_order_or_of_the_own_side_are_rejected() {
    let office = Office::new(Role::Technician);
    let password = Password::draw(&mut OsRng);
    let context = office.context();
    // Compressed identity, and the point of order 2.
    let mut identity = [0; 33];
    identity[..2].copy_from_slice(&[b'A', 1]);
    let mut order_two = [0xff; 33];
    order_two[0] = b'A';
    order_two[1] = 0xec;
    order_two[32] = 0x7f;
    for share in [identity, order_two] {
        assert_eq!(
            console::respond(&context, &password, &share, &mut OsRng).err(),
            Some(Error::Share)
        );
    }
    let (opened, message_a) = agent::open(context.clone(), &password, &mut OsRng);
    assert_eq!(
        opened.handle_reply(&message_a, &[0; 32], &mut OsRng).err(),
        Some(Error::Share)
    );
    assert_eq!(
        console::respond(&context, &password, &message_a[..32], &mut OsRng).err(),
        Some(Error::Share)
    );
}
