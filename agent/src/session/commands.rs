//! What the customer asks for on the pages, as calls of the guard. An act that an F11 has overtaken grants
//! nothing; what is denied has changed since the page was drawn.

use std::time::Instant;

use fernsicht_protocol::guard::{Denied, Kind, Phase, Question};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::transfer::Reason;

use super::core::{Consent, Core, ReceiptFile, Shared};
use crate::view::Command;

impl Shared {
    /// False if the program shall end.
    pub(super) fn handle_command(&self, now: Instant, command: Option<Command>) -> bool {
        let Some(command) = command else { return false };
        if matches!(command, Command::Close) {
            return false;
        }
        // What is denied has changed since the page was drawn: the new page is on its way.
        let outcome: Result<(), Denied> = self.change(|core| match command {
            command if core.stopped_since(&command) => Err(Denied::NotNow),
            Command::ConsentView(hand) => core.consent(now, Consent::View, hand),
            Command::ConsentControl(hand, language) => {
                core.consent(now, Consent::Control(language), hand)
            }
            Command::CardDone(hand) => core.card_done(now, hand),
            Command::ChooseScreen(hand, number) => core.choose(now, hand, number),
            Command::Refuse => {
                match core.guard.phase() {
                    // The customer thinks again while the session is being started.
                    Phase::Starting => core.guard.handle_end(now, End::Refused),
                    Phase::Unpaired
                    | Phase::Consent { .. }
                    | Phase::Card { .. }
                    | Phase::Session
                    | Phase::Reconnecting { .. }
                    | Phase::Ended => core.guard.refuse(now),
                }
                Ok(())
            }
            Command::MoreTime => {
                core.guard.more_time(now);
                let page = core.page.clone();
                core.tell_page(now, page);
                Ok(())
            }
            Command::ViewOn(hand) => core.view_on(now, hand),
            Command::ViewOff => {
                core.guard.view_off(now);
                Ok(())
            }
            Command::ControlOn(hand) => match core.guard.kind() {
                Some(Kind::Look) => core.guard.ask_upgrade(now),
                Some(Kind::Control) | None => core.guard.control_on(now, hand.into_act()),
            },
            Command::ControlOff => {
                core.guard.control_off(now);
                Ok(())
            }
            Command::Stop => {
                core.stopped_at = Some(now);
                core.choosing = false;
                core.guard.stop(now);
                Ok(())
            }
            Command::AskEnd => match core.guard.question() {
                // The session is about to end anyway.
                Some(Question::StillThere { .. }) => {
                    core.guard.handle_end(now, End::Customer);
                    Ok(())
                }
                Some(Question::Upgrade) => {
                    core.guard.decline_upgrade(now);
                    core.guard.ask_end(now)
                }
                Some(Question::Transfer { piece, .. }) => {
                    core.cancel_transfer(now, piece, Reason::Customer);
                    core.guard.ask_end(now)
                }
                Some(Question::End) => core.end_instead(now),
                None => core.guard.ask_end(now),
            },
            Command::Yes(hand, language) => {
                (core.agreed_in, core.widened) = (language, true);
                core.guard.accept_upgrade(now, hand.into_act())
            }
            Command::GoOn(hand) => core.go_on(now, hand),
            Command::AskElevation => core.ask_elevation(now),
            Command::Elevate(hand, language) => core.elevate(hand, language),
            Command::No => {
                core.guard.decline_upgrade(now);
                Ok(())
            }
            Command::Placed(place) => {
                core.own_place = place;
                Ok(())
            }
            Command::Write(text) => {
                core.write_chat(&text);
                Ok(())
            }
            Command::TransferYes(hand, ask, folder) => core.allow_piece(now, hand, ask, folder),
            Command::TransferNo(hand, ask) => core.refuse_piece(now, hand, ask),
            Command::TransferCancel => {
                core.cancel_piece(now);
                Ok(())
            }
            Command::TransferFile(path) => {
                core.choose_file(path);
                Ok(())
            }
            Command::TransferSeen => {
                core.outcome_seen();
                Ok(())
            }
            Command::ConfirmEnd => {
                core.guard.handle_end(now, End::Customer);
                Ok(())
            }
            Command::Reading(page) => {
                core.tell_page(now, page);
                Ok(())
            }
            Command::Restart if core.guard.kind().is_none() => {
                core.guard.handle_end(now, End::Customer);
                Ok(())
            }
            // The receipt is not opened or saved anew while a session runs.
            Command::SaveReceipt(_) | Command::PrintReceipt => Ok(()),
            Command::Connect { .. } | Command::Restart | Command::Close => Ok(()),
        });
        if let Err(denied) = outcome {
            tracing::debug!(%denied, "an act came too late");
        }
        true
    }
}

impl Core {
    /// The card is done, with the code noted or not: nothing shows it any more. Not before the receipt
    /// is on the disk, or no folder takes it.
    fn card_done(&mut self, now: Instant, hand: crate::view::Hand) -> Result<(), Denied> {
        if self.file == ReceiptFile::Wanted {
            return Err(Denied::NotNow);
        }
        self.guard.card_done(now, hand.into_act())?;
        self.card = None;
        Ok(())
    }

    /// True if F11 or Stop was pressed after the customer's hand that this command carries: an
    /// act that was overtaken grants nothing.
    fn stopped_since(&self, command: &Command) -> bool {
        let hand = match command {
            Command::ConsentView(hand)
            | Command::ConsentControl(hand, _)
            | Command::CardDone(hand)
            | Command::ChooseScreen(hand, _)
            | Command::ViewOn(hand)
            | Command::ControlOn(hand)
            | Command::Yes(hand, _)
            | Command::GoOn(hand)
            | Command::Elevate(hand, _)
            | Command::TransferYes(hand, ..)
            | Command::TransferNo(hand, _) => hand,
            Command::Connect { .. }
            | Command::Refuse
            | Command::MoreTime
            | Command::ViewOff
            | Command::ControlOff
            | Command::Stop
            | Command::AskEnd
            | Command::AskElevation
            | Command::ConfirmEnd
            | Command::No
            | Command::Write(_)
            | Command::Placed(_)
            | Command::TransferCancel
            | Command::TransferFile(_)
            | Command::TransferSeen
            | Command::Reading(_)
            | Command::SaveReceipt(_)
            | Command::PrintReceipt
            | Command::Restart
            | Command::Close => return false,
        };
        self.stopped_at.is_some_and(|stop| stop >= hand.at())
    }
}
