//! Complete recordings for tests: both ends and the relay of a session, imitated with the real parts.
//!
//! ```text
//! Office::new(seed) ─► Session::begin ─► rights, input, ack, picture, heads, checkpoint … ─► end ─► Recorded
//! ```
//!
//! Everything is drawn from the seed, so that the same calls give the same bytes. The sealed keys alone differ
//! each time (HPKE draws for itself); [`Session::begin_with`] takes them as they were once made.
//! Not part of the programs.

use fernsicht_protocol::audit::EpochKeys;
use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::code::Password;
use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::content::{
    Beacon, Cause, DropReason, Dropped, Input, InputAck, InputEvent, PeerHeads, PictureAck,
};
use fernsicht_protocol::crypto::{self, Secret, SigningKey, hash};
use fernsicht_protocol::epoch::{Epoch, Sealer};
use fernsicht_protocol::frame::{Class, Direction, Frame};
use fernsicht_protocol::heads::{self, Heads};
use fernsicht_protocol::messages::End as Reason;
use fernsicht_protocol::pairing::{self, Context};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::sealing::{self, AuditorKey, SealedKeys, epoch_message};
use fernsicht_protocol::wire::{Blob, List, Wire};

use crate::finding::End;
use crate::format::Opening;
use crate::open::Evidence;
use crate::writer::{Ciphertext, Writer};

mod office;

pub use office::{Dice, Office};

/// When samples begin, in hundredths of a second since 1970 UTC: a day in November 2026.
pub const START: u64 = 179_500_000_000;

/// What came of a session.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The file.
    pub bytes: Vec<u8>,
    /// The sealed keys, as the relay hands them out.
    pub keys: Vec<EpochKeys>,
    /// The customer's code.
    pub code: Code,
    /// What the customer's receipt would say.
    pub evidence: Evidence,
}

/// A recorded session going on.
#[derive(Debug)]
pub struct Session<'o> {
    office: &'o Office,
    rng: Dice,
    opening: Opening,
    agent_key: SigningKey,
    /// The recorder's state.
    pub writer: Writer,
    /// The file so far.
    pub bytes: Vec<u8>,
    /// The relay's clock, in hundredths of a second since 1970 UTC.
    pub time: u64,
    /// The customer's code.
    pub code: Code,
    keys: Vec<EpochKeys>,
    preset: Vec<EpochKeys>,
    sealers: [Sealer; 2],
    heads: [Heads; 2],
    restated: [bool; 2],
    /// The rights in force, for headers.
    pub rights: Rights,
    /// The grant in force, for headers.
    pub grant: u32,
    beacon: u64,
    evidence: Evidence,
}

impl<'o> Session<'o> {
    /// Pairs and opens epoch 1: opening, first checkpoint, epoch signature.
    pub fn begin(office: &'o Office, seed: u64) -> Self {
        Self::begin_with(office, seed, Vec::new())
    }

    /// The same, with sealed keys that were made before: of the same office and seed.
    pub fn begin_with(office: &'o Office, seed: u64, preset: Vec<EpochKeys>) -> Self {
        let mut rng = Dice(seed);
        let session: [u8; 16] = crypto::random(&mut rng);
        let rid: [u8; 16] = crypto::random(&mut rng);
        let code = Code::draw(&mut rng);
        let (opening, agent_key) = pair(office, session, rid, &mut rng);
        let (sealers, opening, keys) = open_epoch(office, opening, &code, &preset, &mut rng);
        let (writer, bytes) = Writer::new(&opening, START);
        let mut this = Self {
            office,
            rng,
            agent_key,
            writer,
            bytes,
            time: START,
            code,
            keys: vec![keys],
            preset,
            sealers,
            heads: [Heads::new(session), Heads::new(session)],
            restated: [false; 2],
            rights: Rights::None,
            grant: 0,
            beacon: 0,
            evidence: Evidence::default(),
            opening,
        };
        this.sign_epoch();
        this
    }

    /// Opens the next epoch.
    pub fn begin_epoch(&mut self) {
        let mut opening = self.opening.clone();
        opening.epoch += 1;
        let (sealers, opening, keys) = open_epoch(
            self.office,
            opening,
            &self.code,
            &self.preset,
            &mut self.rng,
        );
        let bytes = self.writer.append_opening(&opening, self.time);
        self.bytes.extend(bytes.expect("a later epoch"));
        self.sealers = sealers;
        self.opening = opening;
        self.keys.push(keys);
        self.sign_epoch();
    }

    fn sign_epoch(&mut self) {
        for heads in &mut self.heads {
            heads.begin(self.opening.epoch);
        }
        self.restated = [false; 2];
        let first = self.checkpoint().hash();
        let sealed = &self.opening.sealed_keys_hash;
        let message = epoch_message(&self.opening.binding(), sealed, &first);
        let signature = self.office.technician_key.sign("epoch", &message);
        let epoch = self.opening.epoch;
        let bytes = self.writer.append_signature(epoch, &signature, self.time);
        self.bytes.extend(bytes.expect("the recording goes on"));
        self.rights_frame(Cause::Epoch);
    }

    /// Seals a frame without recording it.
    pub fn seal(&mut self, direction: Direction, class: Class, content: &[u8]) -> Frame {
        self.sealers[direction as usize].seal(class, self.grant, self.rights, content)
    }

    /// Seals a frame and records it as forwarded.
    pub fn frame(&mut self, direction: Direction, class: Class, content: &[u8]) -> Frame {
        let frame = self.seal(direction, class, content);
        self.record(&frame);
        frame
    }

    /// Records a sealed frame as forwarded.
    pub fn record(&mut self, frame: &Frame) {
        let sum = Ciphertext::of(&frame.ciphertext);
        let prefix = self.writer.append_frame(&frame.header, &sum, self.time);
        self.bytes.extend(prefix.expect("a frame in order"));
        self.bytes.extend(&frame.ciphertext);
        self.witness(frame, true);
    }

    /// Seals a frame that the relay withholds.
    pub fn tombstone(&mut self, direction: Direction, class: Class, content: &[u8]) -> Frame {
        let frame = self.seal(direction, class, content);
        let hash = hash(&frame.ciphertext);
        let bytes = self
            .writer
            .append_tombstone(&frame.header, &hash, self.time);
        self.bytes.extend(bytes.expect("a frame in order"));
        self.witness(&frame, true);
        frame
    }

    /// Seals a frame that is lost with its sender's connection.
    pub fn lose(&mut self, direction: Direction, class: Class, content: &[u8]) -> Frame {
        let frame = self.seal(direction, class, content);
        self.witness(&frame, false);
        frame
    }

    /// Seals a frame that arrives while the recorder has failed.
    pub fn pass_unrecorded(&mut self, direction: Direction, class: Class, content: &[u8]) -> Frame {
        let frame = self.seal(direction, class, content);
        self.witness(&frame, true);
        frame
    }

    /// Seals a picture of which `received` bytes arrive.
    pub fn drop_picture(&mut self, update: &[u8], received: usize) -> Frame {
        let frame = self.seal(Direction::AgentToConsole, Class::Picture, update);
        let part = &frame.ciphertext[..received];
        let bytes = self
            .writer
            .append_dropped(&frame.header, &Ciphertext::of(part), self.time);
        self.bytes
            .extend(bytes.expect("a frame that may be dropped"));
        frame
    }

    /// A rights frame with the rights in force.
    pub fn rights_frame(&mut self, cause: Cause) {
        let content = cause.to_bytes();
        self.frame(Direction::AgentToConsole, Class::Rights, &content);
    }

    /// The customer grants: new rights, a higher grant, a rights frame.
    pub fn grant(&mut self, rights: Rights, cause: Cause) {
        self.rights = rights;
        self.grant += 1;
        self.rights_frame(cause);
    }

    /// A beacon.
    pub fn beacon(&mut self) {
        self.beacon += 1;
        let beacon = Beacon {
            number: self.beacon,
        };
        self.frame(Direction::AgentToConsole, Class::Beacon, &beacon.to_bytes());
    }

    /// An input event. Returns its number.
    pub fn input(&mut self, event: InputEvent) -> u64 {
        let beacon = self.beacon;
        let input = Input {
            beacon,
            layout: 1,
            event,
        }
        .to_bytes();
        let frame = self.frame(Direction::ConsoleToAgent, Class::Input, &input);
        frame.header.number
    }

    /// The agent decides input up to this number.
    pub fn ack(&mut self, decided: u64, dropped: &[(u64, u64, DropReason)]) {
        let dropped = dropped.iter().cloned();
        let dropped = dropped.map(|(from, to, reason)| Dropped { from, to, reason });
        let ack = InputAck {
            decided,
            dropped: List(dropped.collect()),
        };
        self.frame(Direction::AgentToConsole, Class::Acks, &ack.to_bytes());
    }

    /// A picture update, encoded.
    pub fn picture(&mut self, update: &[u8]) -> Frame {
        self.frame(Direction::AgentToConsole, Class::Picture, update)
    }

    /// The console drew.
    pub fn picture_ack(&mut self, sequence: u64, digest: u64) {
        let ack = PictureAck {
            sequence,
            digest,
            ahead: List::default(),
            held_us: 0,
        };
        self.frame(Direction::ConsoleToAgent, Class::Acks, &ack.to_bytes());
    }

    /// An end signs what it sent and received.
    pub fn heads(&mut self, by: End) -> PeerHeads {
        let (at, direction) = match by {
            End::Agent => (0, Direction::AgentToConsole),
            End::Console => (1, Direction::ConsoleToAgent),
        };
        let heads = List(self.heads[at].current());
        let previous = match std::mem::replace(&mut self.restated[at], true) {
            true => List::default(),
            false => List(self.heads[at].previous()),
        };
        let (session, rid) = (&self.opening.session, &self.opening.rid);
        let message = heads::to_sign(session, rid, &heads, &previous);
        let key = match by {
            End::Agent => &self.agent_key,
            End::Console => &self.office.technician_key,
        };
        let signed = PeerHeads {
            signature: key.sign("heads", &message),
            heads,
            previous,
        };
        self.frame(direction, Class::Heads, &signed.to_bytes());
        let slot = match by {
            End::Agent => &mut self.evidence.agent,
            End::Console => &mut self.evidence.console,
        };
        *slot = Some(signed.clone());
        signed
    }

    /// The relay signs.
    pub fn checkpoint(&mut self) -> SignedCheckpoint {
        let (signed, bytes) = self.writer.checkpoint(&self.office.signer_key, self.time);
        self.bytes.extend(bytes);
        self.evidence.checkpoint = Some(signed.clone());
        signed
    }

    /// The recorder had failed since `from`; a new epoch follows.
    pub fn gap(&mut self, from: u64) {
        let bytes = self.writer.append_gap(from, self.time, self.time);
        self.bytes.extend(bytes.expect("the recording goes on"));
    }

    /// Time passes.
    pub fn wait(&mut self, hundredths: u64) {
        self.time += hundredths;
    }

    /// The relay is killed: the file ends as it is.
    pub fn kill(self) -> Recorded {
        Recorded {
            bytes: self.bytes,
            keys: self.keys,
            code: self.code,
            evidence: self.evidence,
        }
    }

    /// Both ends sign, the recording ends, the relay signs.
    pub fn end(mut self, reason: Reason) -> Recorded {
        self.heads(End::Agent);
        self.heads(End::Console);
        let bytes = self.writer.append_end(Some(reason), self.time);
        self.bytes.extend(bytes.expect("the recording goes on"));
        self.checkpoint();
        self.kill()
    }

    fn witness(&mut self, frame: &Frame, arrived: bool) {
        if !frame.header.class.in_order() {
            return;
        }
        let hash = hash(&frame.ciphertext);
        let sender = frame.header.direction as usize;
        for (at, heads) in self.heads.iter_mut().enumerate() {
            if at == sender || arrived {
                heads.note(&frame.header, &hash).expect("sealed in order");
            }
        }
    }
}

/// A whole pairing, as both ends make it.
fn pair(
    office: &Office,
    session: [u8; 16],
    rid: [u8; 16],
    rng: &mut Dice,
) -> (Opening, SigningKey) {
    let context = Context {
        relay_name: "relay.test".into(),
        ca: office.pin(),
        configuration: [7; 32],
        session,
        nameplate: "4812".into(),
    };
    let password = Password::draw(rng);
    let (opened, message_a) = pairing::agent::open(context.clone(), &password, rng);
    let (responded, message_b, conf_b) =
        pairing::console::respond(&context, &password, &message_a, rng).expect("a share");
    let (confirmed, confirm) = opened
        .handle_reply(&message_b, &conf_b, rng)
        .expect("the same password");
    let leaf = &office.technician.0[0].0;
    let console = responded
        .handle_confirm(&confirm, leaf, &office.technician_key)
        .expect("the same password");
    let chain = Opening::ders(&office.technician);
    let agent = confirmed
        .handle_technician(&chain, &console.signature, START / 100)
        .expect("a technician of this operator");
    let opening = Opening {
        session,
        epoch: 1,
        rid,
        context: Blob(context.bytes()),
        message_a: Blob(message_a.to_vec()),
        message_b: Blob(message_b.to_vec()),
        th1: [0; 32],
        conf_b,
        conf_a: confirm.confirmation,
        agent_key: confirm.agent_key,
        nonce: confirm.nonce,
        th2: agent.th2,
        technician: office.technician.clone(),
        signature: console.signature,
        commitment: [0; 32],
        sealed_keys_hash: [0; 32],
        deletion: START / 100 + 90 * 86_400,
        signer: office.signer.clone(),
    };
    let th1 = opening.recomputed_th1();
    (Opening { th1, ..opening }, agent.signing)
}

/// Draws the epoch's secret and seals it to the auditors.
fn open_epoch(
    office: &Office,
    mut opening: Opening,
    code: &Code,
    preset: &[EpochKeys],
    rng: &mut Dice,
) -> ([Sealer; 2], Opening, EpochKeys) {
    let secret: Secret = Epoch::draw(rng);
    let (session, rid, number) = (&opening.session, Some(opening.rid), opening.epoch);
    let epoch = Epoch::new(session, rid, number, &opening.th2, &secret);
    opening.commitment = epoch.commitment();
    let binding = opening.binding();
    let preset = preset.iter().find(|keys| keys.epoch == number);
    let keys = preset.cloned().unwrap_or_else(|| {
        let seal = |auditor: &AuditorKey| {
            sealing::seal(&binding, &auditor.public(), code, &secret).expect("an auditor's key")
        };
        EpochKeys {
            epoch: number,
            sealed_keys: List(office.auditors.iter().map(seal).collect()) as SealedKeys,
        }
    });
    opening.sealed_keys_hash = sealing::hash_all(&keys.sealed_keys);
    let sealers = [Direction::AgentToConsole, Direction::ConsoleToAgent];
    (
        sealers.map(|direction| epoch.sealer(direction)),
        opening,
        keys,
    )
}
