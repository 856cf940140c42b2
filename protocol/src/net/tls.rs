//! The TLS that both transports use: TLS 1.3 only, pinned certificates, no session tickets.

use std::io;
use std::sync::Arc;

use super::{ConnectError, Identity, pin};
use crate::audit::ALPN_AUDITOR;
use crate::crypto::Hash;
use crate::messages::{ALPN_AGENT, ALPN_CONSOLE};

/// For a relay that shows `identity`. Errors: the identity is unusable.
pub(super) fn server(identity: &Identity, ca: Hash) -> io::Result<rustls::ServerConfig> {
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_client_cert_verifier(Arc::new(pin::ClientVerifier::new(ca)))
        .with_single_cert(identity.certificates(), identity.private_key())
        .map_err(io::Error::other)?;
    tls.alpn_protocols = [ALPN_AGENT, ALPN_CONSOLE, ALPN_AUDITOR]
        .map(<[u8]>::to_vec)
        .to_vec();
    // A session ticket would spare the check of the certificate, hence of a revocation.
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(tls)
}

/// For a client that speaks `alpn`. Errors: the identity is unusable.
pub(super) fn client(
    verifier: Arc<pin::Verifier>,
    alpn: &[u8],
    identity: Option<&Identity>,
) -> Result<rustls::ClientConfig, ConnectError> {
    let refuse = |error: rustls::Error| ConnectError::Identity(error.to_string());
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(refuse)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut tls = match identity {
        Some(identity) => builder
            .with_client_auth_cert(identity.certificates(), identity.private_key())
            .map_err(refuse)?,
        None => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls.resumption = rustls::client::Resumption::disabled();
    Ok(tls)
}

pub(super) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
