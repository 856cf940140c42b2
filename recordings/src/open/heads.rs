//! Compares what the ends signed with what is recorded (docs/recording-format.md §7.5).
//!
//! The *receiver* of a class can only have had what passed the relay, which records before it forwards:
//! what a receiver signed for must be here. What a *sender* says that it sent may have been lost with
//! its connection; that is noted, and accuses nobody.

use std::collections::BTreeMap;

use fernsicht_protocol::content::PeerHeads;
use fernsicht_protocol::crypto;
use fernsicht_protocol::heads::{self, Head};

use crate::finding::{End, Finding, FrameId, MAX_FINDINGS, Place, What};
use crate::verify::tracks::{Lane, Track, Tracks};
use crate::verify::{Epoch, Outline};

/// Heads that an end signed, and the record that holds them (none: they stand outside).
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) by: End,
    pub(super) heads: PeerHeads,
    pub(super) place: Option<Place>,
}

#[derive(Debug, Default)]
struct Compared {
    /// Up to here equal.
    equal: u64,
    altered: bool,
    /// The most frames signed for beyond those that are here.
    stated: u64,
}

/// What the claims say about the recording.
pub(super) fn compare(claims: &[Claim], outline: &Outline, tracks: &Tracks) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lanes: BTreeMap<(Lane, End), Compared> = BTreeMap::new();
    let whole = whole_place(outline);
    let mut outside = false;
    for claim in claims {
        outside |= claim.place.is_none();
        let Some(fits) = signature_fits(claim, outline) else {
            continue;
        };
        if !fits && findings.len() < MAX_FINDINGS {
            findings.push(Finding {
                place: claim.place.unwrap_or(whole),
                what: What::HeadsSignature,
            });
        }
        if !fits {
            continue;
        }
        for head in claim.heads.heads.0.iter().chain(&claim.heads.previous.0) {
            let lane = (head.epoch, head.direction, head.class);
            let compared = lanes.entry((lane, claim.by)).or_default();
            let Some(track) = tracks.lanes.get(&lane) else {
                // Epochs from before the recording began are none of its business.
                if is_later(outline, head.epoch) {
                    compared.stated = compared.stated.max(head.next);
                }
                continue;
            };
            if head.next > track.next {
                compared.stated = compared.stated.max(head.next);
            } else if let Some(place) = differs(track, head, outline) {
                if !compared.altered {
                    compared.altered = true;
                    let (by, after) = (claim.by, compared.equal);
                    let what = What::HeadsAltered { by, after };
                    let place = place.frame(frame(lane, after));
                    findings.push(Finding { place, what });
                }
            } else {
                compared.equal = compared.equal.max(head.next);
            }
        }
    }
    for ((lane, by), compared) in lanes {
        if compared.stated == 0 {
            continue;
        }
        let track = tracks.lanes.get(&lane);
        let present = track.map_or(0, |track| track.next);
        let epoch = epoch(outline, lane.0);
        let place = match track.and_then(|track| track.past.last()) {
            Some(past) => Place {
                record: past.record,
                offset: past.offset,
                until: past.until,
                frame: None,
            },
            None => epoch.map_or(whole, |epoch| epoch.place),
        };
        let gap = epoch.is_some_and(Epoch::gap);
        findings.push(Finding {
            place: place.frame(frame(lane, present)),
            what: What::HeadsMissing {
                by,
                stated: compared.stated,
                present,
                received: by != End::sender(lane.1),
                excused: gap || outside && !outline.complete,
            },
        });
    }
    findings
}

/// The frames up to `head.next` if their head is not the recorded one.
fn differs(track: &Track, head: &Head, outline: &Outline) -> Option<Place> {
    let session = outline.session().unwrap_or_default();
    if head.next == 0 {
        let first = heads::first(&session, head.epoch, head.direction, head.class);
        return (first != head.head).then(|| whole_place(outline));
    }
    // A hole in the numbers was found as such.
    let at = track
        .past
        .binary_search_by_key(&head.next, |past| past.next);
    let past = &track.past[at.ok()?];
    (past.head != head.head).then_some(Place {
        record: past.record,
        offset: past.offset,
        until: past.until,
        frame: None,
    })
}

/// None: nobody is proven who could have signed, which was found already.
fn signature_fits(claim: &Claim, outline: &Outline) -> Option<bool> {
    let first = outline.epochs.first()?;
    let key = match claim.by {
        End::Agent => first.opening.agent_key,
        End::Console => {
            let mut epochs = outline.epochs.iter();
            epochs.find_map(|epoch| epoch.technician.as_ref())?.key
        }
    };
    let heads = &claim.heads;
    let (session, rid) = (&first.opening.session, &first.opening.rid);
    let message = heads::to_sign(session, rid, &heads.heads, &heads.previous);
    Some(crypto::verify(&key, "heads", &message, &heads.signature).is_ok())
}

fn is_later(outline: &Outline, number: u32) -> bool {
    let first = outline.epochs.first();
    first.is_some_and(|first| number > first.opening.epoch)
}

fn epoch(outline: &Outline, number: u32) -> Option<&Epoch> {
    let mut epochs = outline.epochs.iter();
    epochs.find(|epoch| epoch.opening.epoch == number)
}

fn frame((epoch, direction, class): Lane, number: u64) -> FrameId {
    FrameId {
        epoch,
        direction,
        class,
        number,
    }
}

fn whole_place(outline: &Outline) -> Place {
    Place {
        record: 0,
        offset: 0,
        until: outline.length,
        frame: None,
    }
}
