//! Frames on their way through: the second lock's judgement, and what the recorder has to take.
//!
//! A frame of a recorded epoch is recorded exactly if the recorder has kept that epoch without a gap:
//! those of unrecorded epochs never are, however late they come.

use super::lock::{Effect, Judgement};
use super::session::{Link, Phase, Session};
use super::{ConnectionId, Now, Router, Side, Ticket, Told, Verdict};
use crate::frame::Header;
use crate::messages::End;

impl Router {
    /// A frame's header has arrived from `id`: what becomes of it?
    pub fn handle_frame_header(&mut self, id: ConnectionId, header: &Header, now: Now) -> Verdict {
        let Some((session_id, side)) = self.paired_side(id) else {
            return match header.class.in_order() {
                true => Verdict::Discard { recording: None },
                false => Verdict::Refuse,
            };
        };
        let Some(Session {
            phase: Phase::Paired(pair),
            ..
        }) = self.sessions.get_mut(&session_id)
        else {
            return Verdict::Refuse;
        };
        let (judgement, effect) = pair.lock.judge(side.direction(), header);
        let agent = pair.agent.link;
        let target = match pair.place(side.other()).link {
            Link::Connected(target) => Some(target),
            Link::Lost => None,
        };
        let kept = pair.recording.keeps(header.epoch);
        let recording = kept.then_some(session_id);
        let pending = pair.pending.is_some();
        let verdict = match (judgement, target) {
            (Judgement::Tampered, _) => Verdict::Tampered,
            (Judgement::Refuse, _) => Verdict::Refuse,
            (_, None) if header.class.in_order() => Verdict::Discard { recording },
            (_, None) => Verdict::Refuse,
            (Judgement::Pass, Some(to)) => Verdict::Forward { to, recording },
            (Judgement::Hold, Some(_)) => Verdict::Hold,
            (Judgement::Tombstone, Some(to)) => Verdict::Tombstone { to, recording },
            // Input has one stream, and its next frame waits for the last one's recording.
            (Judgement::PassInput, Some(_)) if pending => Verdict::Tampered,
            // The lock grants control in recorded epochs only; without a recorder nothing passes.
            (Judgement::PassInput, Some(to)) if !kept => Verdict::Tombstone { to, recording },
            (Judgement::PassInput, Some(_)) => {
                let ticket = Ticket(self.next_ticket);
                self.next_ticket += 1;
                pair.pending = Some((ticket, *header));
                Verdict::Record {
                    ticket,
                    recording: session_id,
                }
            }
        };
        if let (Effect::Changed(cut), Link::Connected(agent)) = (effect, agent) {
            self.lock_changed(agent, cut);
        }
        if verdict == Verdict::Tampered {
            self.end_session(session_id, End::Tampered, Told::Both, now);
        }
        verdict
    }

    /// The recorder will not take an input frame of `id`: it has failed, whoever finds out first.
    pub fn handle_unrecorded(&mut self, id: ConnectionId, ticket: Ticket) -> Verdict {
        if let Some((session, Side::Console)) = self.paired_side(id) {
            self.handle_recorder_failed(session);
        }
        self.handle_recorded(id, ticket)
    }

    /// The recorder has taken an input frame of `id`; its rights may have ended meanwhile.
    pub fn handle_recorded(&mut self, id: ConnectionId, ticket: Ticket) -> Verdict {
        let discard = Verdict::Discard { recording: None };
        let Some((session, Side::Console)) = self.paired_side(id) else {
            return discard;
        };
        let Some(Session {
            phase: Phase::Paired(pair),
            ..
        }) = self.sessions.get_mut(&session)
        else {
            return discard;
        };
        let Some((_, header)) = pair.pending.take_if(|(expected, _)| *expected == ticket) else {
            return discard;
        };
        let Link::Connected(to) = pair.agent.link else {
            return discard;
        };
        let recording = None;
        match pair.lock.judge_input(&header) {
            Judgement::PassInput if pair.recording.keeps(header.epoch) => {
                Verdict::Forward { to, recording }
            }
            Judgement::PassInput
            | Judgement::Pass
            | Judgement::Hold
            | Judgement::Tombstone
            | Judgement::Refuse
            | Judgement::Tampered => Verdict::Tombstone { to, recording },
        }
    }
}
