//! One honest pairing, worked out once and played as often as wanted: a model of both ends makes a session
//! of it without SPAKE2's half millisecond. Not part of the programs.
//!
//! Every session made of it has the same keys, so that nothing of it may ever carry anything but tests.

use super::*;
use crate::fuzzing::Dice;

/// What both ends had after their pairing, and what passed the relay.
pub struct Rehearsal {
    /// What both agreed on before any share.
    pub context: Context,
    /// msgA.
    pub message_a: [u8; SHARE_BYTES],
    /// msgB.
    pub message_b: [u8; SHARE_BYTES],
    /// confB.
    pub conf_b: Hash,
    /// confA, agent_pk, nonce.
    pub confirm: Confirm,
    /// The transcript that every epoch binds.
    pub th2: Hash,
    technician: Holder,
    signature: [u8; 64],
    /// From which agent_pk was drawn.
    seed: u64,
    peer: (Secret, Secret),
    resume: (Secret, Secret),
}

impl Rehearsal {
    /// Pairs. `chain` and `key` are the technician's, `now` is in seconds since 1970 UTC.
    pub fn new(
        context: Context,
        password: &Password,
        (chain, key): (&[Vec<u8>], &SigningKey),
        now: u64,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, Error> {
        let leaf = chain.first().ok_or(Error::Signature)?;
        let (opened, message_a) = agent::open(context.clone(), password, rng);
        let (responded, message_b, conf_b) = console::respond(&context, password, &message_a, rng)?;
        let seed = rng.next_u64();
        let (confirmed, confirm) = opened.handle_reply(&message_b, &conf_b, &mut Dice(seed))?;
        let prk = &confirmed.schedule.prk;
        let peer = confirmed.schedule.peer_keys();
        let resume = (
            prk.expand("resume agent", &[]),
            prk.expand("resume console", &[]),
        );
        let on_console = responded.handle_confirm(&confirm, leaf, key)?;
        let on_agent = confirmed.handle_technician(chain, &on_console.signature, now)?;
        Ok(Self {
            context,
            message_a,
            message_b,
            conf_b,
            confirm,
            th2: on_agent.th2,
            technician: on_agent.technician,
            signature: on_console.signature,
            seed,
            peer,
            resume,
        })
    }

    /// The agent's end, which has yet to open the console's first packet.
    pub fn agent(&self) -> agent::Paired {
        let (a2c, c2a) = &self.peer;
        agent::Paired {
            technician: self.technician.clone(),
            session: self.context.session,
            th2: self.th2,
            resume: self.resume.0.clone(),
            signing: self.signing(),
            peer: peer::Channel::new(a2c, c2a),
        }
    }

    /// The console's end.
    pub fn console(&self) -> console::Paired {
        console::Paired {
            session: self.context.session,
            th2: self.th2,
            signature: self.signature,
            agent_key: self.confirm.agent_key,
            resume: self.resume.1.clone(),
            peer: self.listener(),
        }
    }

    /// A second end of the console's: it opens what the agent says.
    pub fn listener(&self) -> peer::Channel {
        let (a2c, c2a) = &self.peer;
        peer::Channel::new(c2a, a2c)
    }

    fn signing(&self) -> SigningKey {
        SigningKey::draw(&mut Dice(self.seed))
    }
}
