//! An auditor's program that speaks the protocol and opens nothing.

use fernsicht_protocol::audit::*;
use fernsicht_protocol::messages::VERSION;
use fernsicht_protocol::net::{Identity, Pin, Transport};
use fernsicht_protocol::token::Token;
use fernsicht_protocol::wire::{Blob, Wire};

use super::{Client, PATIENCE, Relay, read_to_end, succeeds};

pub(crate) struct Auditor(Client);

impl Auditor {
    pub(crate) async fn connect(address: &str, pin: &Pin, identity: Option<&Identity>) -> Self {
        Self::connect_over(Transport::Quic, address, pin, identity).await
    }

    pub(crate) async fn connect_over(
        over: Transport,
        address: &str,
        pin: &Pin,
        identity: Option<&Identity>,
    ) -> Self {
        Self(Client::connect(over, (address, pin), ALPN_AUDITOR, identity).await)
    }

    /// Connected and greeted.
    pub(crate) async fn hello(address: &str, pin: &Pin, identity: Option<&Identity>) -> Self {
        let mut this = Self::connect(address, pin, identity).await;
        let hello = this.ask(AuditorToRelay::Hello { version: VERSION }).await;
        assert!(matches!(hello, RelayToAuditor::Hello { .. }), "{hello:?}");
        this
    }

    pub(crate) async fn ask(&mut self, message: AuditorToRelay) -> RelayToAuditor {
        self.0.say(&message).await;
        self.hear().await.expect("an answer")
    }

    pub(crate) async fn hear(&mut self) -> Option<RelayToAuditor> {
        tokio::time::timeout(PATIENCE, self.0.receiver.next())
            .await
            .expect("in time")
            .unwrap()
    }

    /// True if the relay does not want it.
    pub(crate) async fn refused(&mut self) -> bool {
        let hello = AuditorToRelay::Hello { version: VERSION };
        // Either the message or its answer does not come through.
        drop(self.0.sender.send(&hello).await);
        !matches!(
            self.0.receiver.next::<RelayToAuditor>().await,
            Ok(Some(RelayToAuditor::Hello { .. }))
        )
    }

    /// The keys and the file that follow a hand-out.
    pub(crate) async fn take(&mut self, out: &HandOut) -> (Keys, Vec<u8>) {
        let mut stream = tokio::time::timeout(PATIENCE, self.0.connection.accept_uni())
            .await
            .expect("a stream in time")
            .unwrap();
        let all = read_to_end(&mut stream).await.unwrap();
        let (keys, file) = all.split_at(out.keys_length as usize);
        assert_eq!(file.len() as u64, out.length);
        (Keys::from_bytes(keys).unwrap(), file.to_vec())
    }
}

pub(crate) async fn enrol(relay: &Relay, pin: &Pin, name: &str) -> Identity {
    let said = succeeds(&relay.data(), &["auditor", "add", name]);
    let text = said
        .split_whitespace()
        .find(|word| word.starts_with("fst1-"))
        .unwrap();
    let token = Token::parse(text).unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let request = rcgen::CertificateParams::new(vec![])
        .unwrap()
        .serialize_request(&key)
        .unwrap();
    let mut auditor = Auditor::hello(&relay.address, pin, None).await;
    let enrolled = auditor
        .ask(AuditorToRelay::Enrol {
            secret: token.secret,
            request: Blob(request.der().to_vec()),
            key: [9; 32],
        })
        .await;
    let RelayToAuditor::Enrolled { chain, .. } = enrolled else {
        panic!("not enrolled: {enrolled:?}")
    };
    Identity {
        chain: chain.0.into_iter().map(|der| der.0).collect(),
        key: key.serialize_der().into(),
    }
}
