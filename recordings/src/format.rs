//! What stands in a recording's file (docs/recording-format.md §2, §3).
//!
//! ```text
//! file   = "FERNSICHTREC" ‖ version u16 ‖ record*
//! record = length u32 ‖ kind u8 ‖ time u64 ‖ body          length counts kind, time and body
//! ```
//!
//! Bodies are encoded as messages are ([`fernsicht_protocol::wire`]). A frame's ciphertext is borrowed from
//! what was read: it is the bulk of a recording.
//!
//! Not here: finding the records in bytes ([`crate::reader`]), and whether they are true ([`crate::verify`]).

use fernsicht_protocol::checkpoint::SignedCheckpoint;
use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::frame::{Class, HEADER_BYTES, Header, MAX_CIPHERTEXT};
use fernsicht_protocol::messages::{Chain, End, SessionId, Share};
use fernsicht_protocol::pairing::{Confirm, transcript};
use fernsicht_protocol::sealing::Binding;
use fernsicht_protocol::wire::{Blob, Error, Reader, Wire, wire_struct};

/// The first bytes of every recording.
pub const MAGIC: &[u8; 12] = b"FERNSICHTREC";

/// The version of this format.
pub const VERSION: u16 = 1;

/// Bytes before the first record.
pub const FILE_HEADER_BYTES: usize = MAGIC.len() + 2;

/// Bytes of a record before its body: length, kind, time.
pub const RECORD_HEADER_BYTES: usize = 4 + KIND_AND_TIME;

/// Kind and time: what `length` counts besides the body.
pub(crate) const KIND_AND_TIME: usize = 1 + 8;

/// Bytes of a frame's record behind its length and before its ciphertext: kind, time, header.
pub(crate) const FRAME_CLEAR_BYTES: usize = KIND_AND_TIME + HEADER_BYTES;

/// The largest body of any record.
pub const MAX_BODY: usize = MAX_CIPHERTEXT + 64;

/// The largest ctx.
pub const MAX_CONTEXT: usize = 1024;

/// The first bytes of a file.
pub fn file_header() -> [u8; FILE_HEADER_BYTES] {
    let mut out = [0; FILE_HEADER_BYTES];
    out[..MAGIC.len()].copy_from_slice(MAGIC);
    out[MAGIC.len()..].copy_from_slice(&VERSION.to_be_bytes());
    out
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An epoch begins.
    Opening = 1,
    /// The technician's signature over the epoch.
    EpochSignature = 2,
    /// A frame that was forwarded.
    Frame = 3,
    /// An in-order frame that the relay withheld, or one of a text or file, whose content is never kept.
    Tombstone = 4,
    /// A frame of classes 6 to 9 that was not delivered whole.
    Dropped = 5,
    /// The relay's signature over all before it.
    Checkpoint = 6,
    /// The recorder had failed: nothing stands here of that time.
    Gap = 7,
    /// The recording is over.
    End = 8,
}

impl Kind {
    /// All kinds by number.
    pub const ALL: [Self; 8] = [
        Self::Opening,
        Self::EpochSignature,
        Self::Frame,
        Self::Tombstone,
        Self::Dropped,
        Self::Checkpoint,
        Self::Gap,
        Self::End,
    ];

    /// Reads the byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// The largest body of this kind; checked before memory is taken.
    pub fn max_body(self) -> usize {
        match self {
            // Two chains of four certificates of 4,096 bytes, ctx, and fixed fields.
            Self::Opening => 36 << 10,
            Self::EpochSignature => 4 + 64,
            Self::Frame => HEADER_BYTES + MAX_CIPHERTEXT,
            Self::Tombstone => HEADER_BYTES + 32,
            Self::Dropped => HEADER_BYTES + 4 + 32,
            // 24 heads of 46 bytes, and fixed fields.
            Self::Checkpoint => 2 << 10,
            Self::Gap => 16,
            Self::End => 2,
        }
    }
}

wire_struct! {
    /// Everything about the beginning of a recorded epoch that may stand in clear.
    pub struct Opening {
        /// The session.
        pub session: SessionId,
        /// n.
        pub epoch: u32,
        /// The recording's inner id.
        pub rid: [u8; 16],
        /// ctx, as the pairing hashed it.
        pub context: Blob<MAX_CONTEXT>,
        /// msgA.
        pub message_a: Share,
        /// msgB.
        pub message_b: Share,
        /// th1, to be recomputed.
        pub th1: Hash,
        /// confB.
        pub conf_b: Hash,
        /// confA.
        pub conf_a: Hash,
        /// agent_pk.
        pub agent_key: [u8; 32],
        /// The agent's 32 random bytes.
        pub nonce: [u8; 32],
        /// th2, to be recomputed.
        pub th2: Hash,
        /// The technician's certificate chain.
        pub technician: Chain,
        /// `Sign(technician, "technician", th2)`.
        pub signature: [u8; 64],
        /// commit_n.
        pub commitment: Hash,
        /// H(all SealedKeys).
        pub sealed_keys_hash: Hash,
        /// The deletion date that the customer was shown, in seconds since 1970 UTC.
        pub deletion: u64,
        /// The checkpoint signer's certificate chain.
        pub signer: Chain,
    }
}

impl Opening {
    /// th1 of what stands here.
    pub fn recomputed_th1(&self) -> Hash {
        transcript::th1(&self.context.0, &self.message_a.0, &self.message_b.0)
    }

    /// th2 of what stands here, over the recomputed th1.
    pub fn recomputed_th2(&self) -> Hash {
        let confirm = Confirm {
            confirmation: self.conf_a,
            agent_key: self.agent_key,
            nonce: self.nonce,
        };
        transcript::th2(&self.recomputed_th1(), &self.conf_b, &confirm, &self.leaf())
    }

    /// H(leaf) of the technician.
    pub fn leaf(&self) -> Hash {
        let leaf = self.technician.0.first().map_or(&[][..], |der| &der.0);
        fernsicht_protocol::crypto::hash(leaf)
    }

    /// What the epoch's sealed keys and its signature are bound to.
    pub fn binding(&self) -> Binding {
        Binding {
            session: self.session,
            rid: self.rid,
            epoch: self.epoch,
            commitment: self.commitment,
            leaf: self.leaf(),
            th2: self.th2,
        }
    }

    /// The chain's bytes, as [`fernsicht_protocol::cert::verify`] takes them.
    pub(crate) fn ders(chain: &Chain) -> Vec<&[u8]> {
        chain.0.iter().map(|der| der.0.as_slice()).collect()
    }
}

/// The parsed body of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// An epoch begins.
    Opening(Box<Opening>),
    /// The technician's signature over the epoch, as the console sent it.
    EpochSignature {
        /// n.
        epoch: u32,
        /// [`fernsicht_protocol::sealing::epoch_message`], label `epoch`.
        signature: [u8; 64],
    },
    /// A frame, byte for byte as it was forwarded.
    Frame {
        /// The clear header.
        header: Header,
        /// Ciphertext and tag.
        ciphertext: &'a [u8],
    },
    /// An in-order frame that the relay withheld.
    Tombstone {
        /// Its unchanged header.
        header: Header,
        /// H(ciphertext).
        hash: Hash,
    },
    /// A frame of classes 6 to 9 that was cancelled, or that the relay did not let through.
    Dropped {
        /// Its header.
        header: Header,
        /// How many bytes of its ciphertext had come.
        received: u32,
        /// H of those.
        hash: Hash,
    },
    /// The relay's signature over all before it.
    Checkpoint(Box<SignedCheckpoint>),
    /// The recorder had failed.
    Gap {
        /// Since when, in hundredths of a second since 1970 UTC.
        from: u64,
        /// Until when.
        to: u64,
    },
    /// The recording is over.
    End {
        /// Why the session ended; none if the recorder closed it for a reason of its own: *interrupted*.
        reason: Option<End>,
    },
}

impl<'a> Body<'a> {
    /// Reads a body. Errors: it is not one of this kind, exactly.
    pub fn parse(kind: Kind, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut input = Reader::new(bytes);
        let body = match kind {
            Kind::Opening => Self::Opening(Box::new(Opening::read(&mut input)?)),
            Kind::EpochSignature => Self::EpochSignature {
                epoch: u32::read(&mut input)?,
                signature: <[u8; 64]>::read(&mut input)?,
            },
            Kind::Frame => {
                let header = Header::read(&mut input)?;
                if header.class == Class::Transfer {
                    return Err(Error::OutOfRange("the class of a recorded frame"));
                }
                let ciphertext = input.take(header.length as usize)?;
                Self::Frame { header, ciphertext }
            }
            Kind::Tombstone => {
                let header = Header::read(&mut input)?;
                if !header.class.in_order() {
                    return Err(Error::OutOfRange("the class of a tombstone"));
                }
                let hash = Hash::read(&mut input)?;
                Self::Tombstone { header, hash }
            }
            Kind::Dropped => {
                let header = Header::read(&mut input)?;
                if header.class.in_order() {
                    return Err(Error::OutOfRange("the class of a dropped frame"));
                }
                let received = u32::read(&mut input)?;
                if received > header.length {
                    return Err(Error::OutOfRange("the received part of a dropped frame"));
                }
                let hash = Hash::read(&mut input)?;
                Self::Dropped {
                    header,
                    received,
                    hash,
                }
            }
            Kind::Checkpoint => Self::Checkpoint(Box::new(SignedCheckpoint::read(&mut input)?)),
            Kind::Gap => {
                let (from, to) = (u64::read(&mut input)?, u64::read(&mut input)?);
                if from > to {
                    return Err(Error::OutOfRange("the times of a gap"));
                }
                Self::Gap { from, to }
            }
            Kind::End => Self::End {
                reason: Option::<End>::read(&mut input)?,
            },
        };
        input.finish()?;
        Ok(body)
    }

    /// The header of a frame, tombstone or dropped frame.
    pub fn header(&self) -> Option<&Header> {
        match self {
            Self::Frame { header, .. }
            | Self::Tombstone { header, .. }
            | Self::Dropped { header, .. } => Some(header),
            Self::Opening(_)
            | Self::EpochSignature { .. }
            | Self::Checkpoint(_)
            | Self::Gap { .. }
            | Self::End { .. } => None,
        }
    }
}
