//! From a spoken code to keys that the relay does not have (SPEC "Pairing", docs/protocol.md §4).
//!
//! ```text
//! agent                                   console
//! Opened ── share (msgA) ───────────────► respond()
//!        ◄─ msgB, confB ───────────────── Responded
//! Opened::handle_reply
//!        ── confA, agent_pk, nonce ─────► Responded::handle_confirm
//! Confirmed ◄═ peer channel: chain, signature over th2 ═ Confirmed
//! Confirmed::handle_technician ─► Technician, th2
//! ```
//!
//! Each state consumes itself: a share that has been answered cannot be answered again, and
//! nothing that depends on the key leaves the agent before confB has been verified. The
//! construction is SPAKE2 as the crate `spake2` builds it over Ed25519; it is *not* RFC 9382.
//! Wrong passwords are found by confB and confA alone.
//!
//! Not here: who may try how often (console and router), and the peer channel's packets ([`crate::peer`]).

use curve25519_dalek::edwards::CompressedEdwardsY;
use rand_core::{CryptoRng, RngCore};
use spake2::{Ed25519Group, Identity, Spake2};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::cert::{self, Holder, Role};
use crate::code::Password;
use crate::crypto::{self, Hash, Prk, Secret, SigningKey, labelled_hash};
use crate::messages::{SessionId, VERSION};
use crate::peer;
use crate::wire::enc;

/// Bytes of a share: the side and a compressed point.
pub const SHARE_BYTES: usize = 33;

/// Why a pairing ends. In every case the try is spent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The share is not a point of the other side, or one of small order.
    #[error("the peer's share is not acceptable")]
    Share,
    /// The confirmation does not fit: a wrong password, or somebody in between.
    #[error("the code is wrong")]
    Confirmation,
    /// The technician's chain is not acceptable.
    #[error("the technician cannot be verified: {0}")]
    Chain(#[from] cert::Error),
    /// The technician's signature over the transcript is wrong.
    #[error("the technician's signature is wrong")]
    Signature,
}

/// What both ends must agree on before any share; `ctx` of SPEC.
#[derive(Debug, Clone)]
pub struct Context {
    /// From the attached configuration and from the enrolment token.
    pub relay_name: String,
    /// SHA-256 of the CA certificate.
    pub ca: Hash,
    /// SHA-256 of the attached configuration.
    pub configuration: Hash,
    /// The relay's.
    pub session: SessionId,
    /// ASCII digits.
    pub nameplate: String,
}

impl Context {
    /// ctx.
    pub fn bytes(&self) -> Vec<u8> {
        enc(&[
            &VERSION.to_be_bytes(),
            self.relay_name.as_bytes(),
            &self.ca,
            &self.configuration,
            &self.session,
            self.nameplate.as_bytes(),
        ])
    }

    fn spake(&self, password: &Password) -> (spake2::Password, Identity, Identity) {
        let secret = Zeroizing::new(enc(&[b"pw", password.digits()]));
        let id = crypto::hash(&self.bytes());
        (
            spake2::Password::new(secret.as_slice()),
            Identity::new(&enc(&[b"agent", &id])),
            Identity::new(&enc(&[b"console", &id])),
        )
    }
}

/// confA with what it confirms: step 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// confA.
    pub confirmation: [u8; 32],
    /// agent_pk.
    pub agent_key: [u8; 32],
    /// 32 random bytes.
    pub nonce: [u8; 32],
}

/// The transcript's hashes: whoever saw the messages can recompute them, as the relay and the auditor do.
pub mod transcript {
    use super::{Confirm, Hash, labelled_hash};

    /// th1, from ctx and both shares.
    pub fn th1(context: &[u8], message_a: &[u8], message_b: &[u8]) -> Hash {
        labelled_hash("pairing", &[context, message_a, message_b])
    }

    /// th2; `leaf` is H(leaf) of the technician.
    pub fn th2(th1: &Hash, conf_b: &Hash, confirm: &Confirm, leaf: &Hash) -> Hash {
        labelled_hash(
            "technician",
            &[
                th1,
                conf_b,
                &confirm.confirmation,
                &confirm.agent_key,
                &confirm.nonce,
                leaf,
            ],
        )
    }
}

/// The keys under the pairing key, and the transcript so far.
#[derive(Clone)]
struct Schedule {
    th1: Hash,
    prk: Prk,
}

impl Schedule {
    fn new(context: &Context, message_a: &[u8], message_b: &[u8], key: &[u8]) -> Self {
        let th1 = transcript::th1(&context.bytes(), message_a, message_b);
        Self {
            th1,
            prk: Prk::extract(&th1, key),
        }
    }

    fn console_confirmation(&self) -> Hash {
        crypto::hmac(&self.prk.expand("confirm console", &[]), &self.th1)
    }

    fn agent_confirmation(&self, agent_key: &[u8; 32], nonce: &[u8; 32]) -> Hash {
        crypto::hmac(
            &self.prk.expand("confirm agent", &[]),
            &enc(&[&self.th1, agent_key, nonce]),
        )
    }

    fn th2(&self, conf_b: &Hash, confirm: &Confirm, leaf: &Hash) -> Hash {
        transcript::th2(&self.th1, conf_b, confirm, leaf)
    }

    fn peer_keys(&self) -> (Secret, Secret) {
        (
            self.prk.expand("peer a2c", &[]),
            self.prk.expand("peer c2a", &[]),
        )
    }
}

/// The agent's side.
pub mod agent {
    use super::*;

    /// A share is out; the reply is awaited.
    #[must_use]
    pub struct Opened {
        context: Context,
        state: Spake2<Ed25519Group>,
        share: [u8; SHARE_BYTES],
    }

    /// Draws the share. Sending it spends the try.
    pub fn open(
        context: Context,
        password: &Password,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> (Opened, [u8; SHARE_BYTES]) {
        let (password, agent, console) = context.spake(password);
        let (state, share) =
            Spake2::<Ed25519Group>::start_a_with_rng(&password, &agent, &console, rng);
        let share = share.try_into().expect("a share has 33 bytes");
        (
            Opened {
                context,
                state,
                share,
            },
            share,
        )
    }

    impl Opened {
        /// Verifies confB; only then anything that depends on the key is made.
        pub fn handle_reply(
            self,
            share: &[u8],
            confirmation: &Hash,
            rng: &mut (impl RngCore + CryptoRng),
        ) -> Result<(Confirmed, Confirm), Error> {
            self.agree(share)?.handle_confirmation(confirmation, rng)
        }

        /// The first half of it: the key, which the peer may or may not have.
        pub(crate) fn agree(self, share: &[u8]) -> Result<Agreed, Error> {
            check_share(share, SIDE_B)?;
            let key = Zeroizing::new(self.state.finish(share).map_err(|_| Error::Share)?);
            let schedule = Schedule::new(&self.context, &self.share, share, &key);
            Ok(Agreed {
                context: self.context,
                schedule,
            })
        }
    }

    /// A key is there; whether the peer has the same is not yet known. Copied by the fuzz target alone, which
    /// works the key out once for many runs.
    #[derive(Clone)]
    pub(crate) struct Agreed {
        context: Context,
        schedule: Schedule,
    }

    impl Agreed {
        /// Verifies confB; only then anything that depends on the key is made.
        pub(crate) fn handle_confirmation(
            self,
            confirmation: &Hash,
            rng: &mut (impl RngCore + CryptoRng),
        ) -> Result<(Confirmed, Confirm), Error> {
            let schedule = self.schedule;
            if !crypto::equal(&schedule.console_confirmation(), confirmation) {
                return Err(Error::Confirmation);
            }
            let signing = SigningKey::draw(rng);
            let (agent_key, nonce) = (signing.public(), crypto::random(rng));
            let confirm = Confirm {
                confirmation: schedule.agent_confirmation(&agent_key, &nonce),
                agent_key,
                nonce,
            };
            let (a2c, c2a) = schedule.peer_keys();
            let confirmed = Confirmed {
                ca: self.context.ca,
                session: self.context.session,
                conf_b: *confirmation,
                confirm: confirm.clone(),
                resume: schedule.prk.expand("resume agent", &[]),
                schedule,
                signing,
                peer: peer::Channel::new(&a2c, &c2a),
            };
            Ok((confirmed, confirm))
        }
    }

    /// Both ends have the same key; who the technician is, is not yet known.
    #[must_use]
    pub struct Confirmed {
        ca: Hash,
        session: SessionId,
        conf_b: Hash,
        confirm: Confirm,
        resume: Secret,
        pub(super) schedule: Schedule,
        signing: SigningKey,
        /// The sealed channel to the console.
        pub peer: peer::Channel,
    }

    impl Confirmed {
        /// Checks chain, role, validity and the signature over the transcript. `now` is in
        /// seconds since 1970 UTC. Only what this returns may be shown as a name.
        pub fn handle_technician(
            self,
            chain: &[impl AsRef<[u8]>],
            signature: &[u8; 64],
            now: u64,
        ) -> Result<Paired, Error> {
            let technician = cert::verify(chain, &self.ca, Role::Technician, now)?;
            let th2 = self
                .schedule
                .th2(&self.conf_b, &self.confirm, &technician.leaf);
            crypto::verify(&technician.key, "technician", &th2, signature)
                .map_err(|_| Error::Signature)?;
            Ok(Paired {
                technician,
                session: self.session,
                th2,
                resume: self.resume,
                signing: self.signing,
                peer: self.peer,
            })
        }
    }

    /// A session with a verified technician.
    #[must_use]
    pub struct Paired {
        /// Who is asking.
        pub technician: Holder,
        /// The session.
        pub session: SessionId,
        /// The transcript that every epoch binds.
        pub th2: Hash,
        /// The key of the agent's resume tokens.
        pub resume: Secret,
        /// agent_pk's other half; signs heads and the receipt.
        pub signing: SigningKey,
        /// The sealed channel to the console.
        pub peer: peer::Channel,
    }
}

/// The console's side.
pub mod console {
    use super::*;

    /// confB is out; confA is awaited.
    #[must_use]
    pub struct Responded {
        session: SessionId,
        conf_b: Hash,
        schedule: Schedule,
    }

    /// Answers a share. Receiving it spends one of the code's tries.
    pub fn respond(
        context: &Context,
        password: &Password,
        share: &[u8],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Responded, [u8; SHARE_BYTES], Hash), Error> {
        check_share(share, SIDE_A)?;
        let (password, agent, console) = context.spake(password);
        let (state, own) =
            Spake2::<Ed25519Group>::start_b_with_rng(&password, &agent, &console, rng);
        let own: [u8; SHARE_BYTES] = own.try_into().expect("a share has 33 bytes");
        let key = Zeroizing::new(state.finish(share).map_err(|_| Error::Share)?);
        let schedule = Schedule::new(context, share, &own, &key);
        let conf_b = schedule.console_confirmation();
        Ok((
            Responded {
                session: context.session,
                conf_b,
                schedule,
            },
            own,
            conf_b,
        ))
    }

    impl Responded {
        /// The same once more: for the fuzz target alone, which works the key out once for many runs.
        pub(crate) fn again(&self) -> Self {
            Self {
                session: self.session,
                conf_b: self.conf_b,
                schedule: self.schedule.clone(),
            }
        }

        /// Verifies confA and signs the transcript: the console signs only for sessions
        /// that it paired itself.
        pub fn handle_confirm(
            self,
            confirm: &Confirm,
            leaf: &[u8],
            key: &SigningKey,
        ) -> Result<Paired, Error> {
            let expected = self
                .schedule
                .agent_confirmation(&confirm.agent_key, &confirm.nonce);
            if !crypto::equal(&expected, &confirm.confirmation) {
                return Err(Error::Confirmation);
            }
            let th2 = self
                .schedule
                .th2(&self.conf_b, confirm, &crypto::hash(leaf));
            let (a2c, c2a) = self.schedule.peer_keys();
            Ok(Paired {
                session: self.session,
                th2,
                signature: key.sign("technician", &th2),
                agent_key: confirm.agent_key,
                resume: self.schedule.prk.expand("resume console", &[]),
                peer: peer::Channel::new(&c2a, &a2c),
            })
        }
    }

    /// A paired session.
    #[must_use]
    pub struct Paired {
        /// The session.
        pub session: SessionId,
        /// The transcript that every epoch binds.
        pub th2: Hash,
        /// Over th2, for the agent.
        pub signature: [u8; 64],
        /// agent_pk.
        pub agent_key: [u8; 32],
        /// The key of the console's resume tokens.
        pub resume: Secret,
        /// The sealed channel to the agent.
        pub peer: peer::Channel,
    }
}

/// token_k of SPEC "Resume": what a client shows to the relay to come back. `counter` from 0.
pub fn resume_token(key: &Secret, counter: u64) -> Secret {
    Prk::extract(b"", key.as_slice()).expand("resume token", &[&counter.to_be_bytes()])
}

const SIDE_A: u8 = b'A';
const SIDE_B: u8 = b'B';

/// A share must be a point of the other side and not one of the eight of small order, which
/// would make the key independent of the password.
fn check_share(share: &[u8], side: u8) -> Result<(), Error> {
    let (&stated, point) = share.split_first().ok_or(Error::Share)?;
    let point = CompressedEdwardsY::from_slice(point).map_err(|_| Error::Share)?;
    let point = point.decompress().ok_or(Error::Share)?;
    if stated != side || point.is_small_order() {
        return Err(Error::Share);
    }
    Ok(())
}

#[doc(hidden)]
pub mod rehearsal;

#[cfg(test)]
mod tests;
