//! Who is at the other end of a connection: the relay by the pinned CA, technicians by theirs.
//!
//! No public certificate authority has a say. TLS 1.3 only.

use std::sync::{Arc, Mutex, PoisonError};

use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    SignatureScheme,
};
use webpki::EndEntityCert;

use super::Pin;
use super::tls::provider;
use crate::cert::{self, Role};
use crate::crypto::Hash;

/// Checks the relay's chain against a [`Pin`] and remembers why it failed.
#[derive(Debug)]
pub(super) struct Verifier {
    pin: Pin,
    provider: Arc<CryptoProvider>,
    failure: Mutex<Option<cert::Error>>,
}

impl Verifier {
    pub(super) fn new(pin: Pin) -> Self {
        Self {
            pin,
            provider: provider(),
            failure: Mutex::new(None),
        }
    }

    /// Why the chain was refused, if it was.
    pub(super) fn failure(&self) -> Option<cert::Error> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn check(
        &self,
        chain: &[&[u8]],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), cert::Error> {
        let leaf = cert::verify_role(chain, &self.pin.ca, Role::Relay, now.as_secs())?;
        let leaf = CertificateDer::from(leaf);
        EndEntityCert::try_from(&leaf)
            .and_then(|leaf| leaf.verify_is_valid_for_subject_name(name))
            .map_err(|_| cert::Error::Untrusted)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<&[u8]> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|der| der.as_ref())
            .collect();
        self.check(&chain, server_name, now).map_err(|error| {
            let reported = tls_error(&error);
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            reported
        })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Checks that a client's chain, if it shows one, is a technician's or an auditor's.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    ca: Hash,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    pub(super) fn new(ca: Hash) -> Self {
        Self {
            ca,
            provider: provider(),
        }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<&[u8]> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|der| der.as_ref())
            .collect();
        cert::verify(&chain, &self.ca, Role::Technician, now.as_secs())
            .or_else(|_| cert::verify(&chain, &self.ca, Role::Auditor, now.as_secs()))
            .map_err(|e| tls_error(&e))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn tls_error(error: &cert::Error) -> Error {
    match error {
        cert::Error::Untrusted => CertificateError::UnknownIssuer,
        cert::Error::Time => CertificateError::Expired,
        cert::Error::Role => CertificateError::InvalidPurpose,
        cert::Error::Malformed => CertificateError::BadEncoding,
    }
    .into()
}
