//! Operations on the guard, checked after each against a reference written in another way.
//!
//! The guard keeps states and settles rights; the [`Ledger`] keeps no state at all, only *when
//! each fact was last noted*, and says by comparing those what must be granted. Each operation is done to both;
//! whatever the guard answers, permits or puts out must follow from the ledger.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::content::{Button, Cause, Input, InputEvent};
use crate::frame::{Class, Direction, Header};
use crate::guard::{CustomerAct, Denied, Fault, Guard, Output, Phase};
use crate::messages::{ControlOffer, End};
use crate::rights::Rights;
use crate::wire::Text;

/// Runs the operations that `bytes` spell: two bytes each, which and how.
/// Returns the highest rights that were reached. Panics where guard and ledger differ.
pub fn run(bytes: &[u8]) -> Rights {
    let mut pair = Pair::new();
    for op in bytes.chunks_exact(2) {
        pair.step(op[0], op[1]);
        pair.compare();
    }
    pair.highest
}

/// How many different operations there are.
pub const OPERATIONS: u8 = 38;

/// The operations that lead to control: a good beginning for random ones.
pub const TO_CONTROL: [u8; 10] = [0, 4, 2, 0, 29, 0, 16, 0, 17, 0];

/// The operations that lead to sight.
pub const TO_VIEW: [u8; 8] = [0, 4, 1, 0, 16, 0, 17, 0];

/// What can be noted in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Technician,
    MoreTime,
    Consent,
    ControlKind,
    SightGiven,
    SightTaken,
    ControlGiven,
    ControlTaken,
    CardShown,
    CardDone,
    RecorderFailed,
    RecorderLapsed,
    RecorderGood,
    Mismatch,
    EpochBegun,
    Acknowledged,
    Opened,
    Lost,
    AskedUpgrade,
    AskedEnd,
    AskedStill,
    AskedTransfer,
    Answered,
    Active,
    Ended,
}

/// When each fact was last noted: its place in the order of all notes, and the time in ms.
#[derive(Debug, Default)]
struct Ledger {
    notes: u64,
    /// By fact; 0 if it was never noted.
    last: [(u64, u64); Fact::Ended as usize + 1],
    lost_since: Option<u64>,
    epochs: u32,
    cards: u32,
    offer: bool,
    input: bool,
    /// Injected input of this epoch that no compared checkpoint covers: number and time.
    uncovered: BTreeMap<u64, u64>,
    /// The piece that was asked about last.
    piece: u32,
    /// Those that the customer allowed and that are not over.
    pieces: BTreeSet<u32>,
}

impl Ledger {
    fn note(&mut self, fact: Fact, ms: u64) {
        self.notes += 1;
        self.last[fact as usize] = (self.notes, ms);
    }

    fn noted(&self, fact: Fact) -> bool {
        self.last[fact as usize].0 > 0
    }

    /// `a` was noted, and `b` not since.
    fn newer(&self, a: Fact, b: Fact) -> bool {
        self.last[a as usize].0 > self.last[b as usize].0
    }

    fn at(&self, fact: Fact) -> u64 {
        self.last[fact as usize].1
    }

    fn running(&self) -> bool {
        self.noted(Fact::Consent) && !self.noted(Fact::Ended)
    }

    fn consenting(&self) -> bool {
        self.noted(Fact::Technician) && !self.noted(Fact::Consent) && !self.noted(Fact::Ended)
    }

    fn epoch_open(&self) -> bool {
        self.newer(Fact::Acknowledged, Fact::EpochBegun)
            && self.newer(Fact::Opened, Fact::EpochBegun)
            && !self.newer(Fact::CardShown, Fact::EpochBegun)
            && !self.newer(Fact::Lost, Fact::EpochBegun)
    }

    fn asking(&self, question: Fact) -> bool {
        self.newer(question, Fact::Answered)
    }

    fn asking_any(&self) -> bool {
        [
            Fact::AskedUpgrade,
            Fact::AskedEnd,
            Fact::AskedStill,
            Fact::AskedTransfer,
        ]
        .into_iter()
        .any(|q| self.asking(q))
    }

    /// Whether a text or a file may travel, if it is allowed.
    fn transfers(&self) -> bool {
        self.noted(Fact::CardDone) && self.rights().view() && self.recorder_good()
    }

    /// Every text and file is over.
    fn end_pieces(&mut self, ms: u64) {
        self.pieces.clear();
        if self.asking(Fact::AskedTransfer) {
            self.note(Fact::Answered, ms);
        }
    }

    fn card(&self) -> bool {
        self.running() && self.newer(Fact::CardShown, Fact::CardDone)
    }

    fn recorder_good(&self) -> bool {
        !self.newer(Fact::RecorderFailed, Fact::RecorderGood)
            && !self.newer(Fact::RecorderLapsed, Fact::RecorderGood)
            && !self.noted(Fact::Mismatch)
    }

    fn offered(&self) -> bool {
        self.offer && self.input && self.recorder_good()
    }

    fn rights(&self) -> Rights {
        if !self.running() || !self.epoch_open() || !self.newer(Fact::SightGiven, Fact::SightTaken)
        {
            return Rights::None;
        }
        let control = self.newer(Fact::ControlGiven, Fact::ControlTaken)
            && !self.asking_any()
            && self.noted(Fact::CardDone)
            && self.offered();
        if control {
            Rights::Control
        } else {
            Rights::View
        }
    }

    /// What the clock alone brings about.
    fn pass(&mut self, ms: u64) {
        const MINUTE: u64 = 60_000;
        if self.noted(Fact::Ended) {
            return;
        }
        let over = |since: u64, minutes: u64| ms >= since + minutes * MINUTE;
        let read = self.at(Fact::Technician).max(self.at(Fact::MoreTime));
        let opening = self.running()
            && !self.epoch_open()
            && !self.card()
            && self.newer(Fact::EpochBegun, Fact::Lost);
        let oldest = self.uncovered.values().next().copied();
        if self.running()
            && self.epoch_open()
            && self.recorder_good()
            && oldest.is_some_and(|at| ms >= at + 4_000)
        {
            self.note(Fact::RecorderLapsed, ms);
            self.note(Fact::ControlTaken, ms);
        }
        // The timers fire in their order: "still there?" may have taken the question's place before.
        let unanswered = self.at(Fact::AskedTransfer) + 5 * MINUTE;
        let idle_first = self.epoch_open() && self.at(Fact::Active) + 15 * MINUTE <= unanswered;
        if self.running() && self.asking(Fact::AskedTransfer) && ms >= unanswered && !idle_first {
            self.note(Fact::Answered, ms);
            self.note(Fact::ControlTaken, ms);
        }
        if (self.consenting() && over(read, 5))
            || self.lost_since.is_some_and(|since| over(since, 10))
            || (self.card() && over(self.at(Fact::CardShown), 10))
            || (opening && over(self.at(Fact::EpochBegun), 1))
            || (self.asking(Fact::AskedStill) && over(self.at(Fact::AskedStill), 2))
            || (self.running() && over(self.at(Fact::Consent), 240))
        {
            self.note(Fact::Ended, ms);
        } else if self.running()
            && self.epoch_open()
            && !self.asking(Fact::AskedStill)
            && over(self.at(Fact::Active), 15)
        {
            self.note(Fact::Answered, ms); // any other question fades
            self.note(Fact::AskedStill, ms);
        }
    }

    fn begin_epoch(&mut self, ms: u64) {
        self.epochs += 1;
        self.uncovered.clear();
        if !self.newer(Fact::RecorderFailed, Fact::RecorderGood) {
            self.note(Fact::RecorderGood, ms); // a lapse ends with its epoch
        }
        self.note(Fact::EpochBegun, ms);
    }

    fn show_card(&mut self, ms: u64) {
        self.cards += 1;
        self.note(Fact::CardShown, ms);
    }

    fn recorder_back(&mut self, ms: u64) {
        if self.recorder_good() || self.noted(Fact::Mismatch) {
            return;
        }
        self.note(Fact::RecorderGood, ms);
        if self.running() {
            self.note(Fact::ControlTaken, ms);
            if self.noted(Fact::CardDone) && self.lost_since.is_none() {
                self.begin_epoch(ms);
            }
        }
    }

    fn take_sight(&mut self, ms: u64) {
        if !self.running() {
            return;
        }
        self.note(Fact::SightTaken, ms);
        self.note(Fact::ControlTaken, ms);
        self.end_pieces(ms);
        if self.asking(Fact::AskedUpgrade) {
            self.note(Fact::Answered, ms);
        }
    }

    fn lose(&mut self, ms: u64) {
        if self.running() || self.consenting() {
            self.note(Fact::Lost, ms);
            self.note(Fact::ControlTaken, ms);
            self.lost_since.get_or_insert(ms);
        }
    }

    fn open(&mut self, fact: Fact, epoch: u32, ms: u64) {
        let opening = !self.epoch_open() && !self.card() && self.lost_since.is_none();
        if self.running() && epoch == self.epochs && opening {
            self.note(fact, ms);
            let recorded = fact == Fact::Opened && self.noted(Fact::CardDone);
            if recorded && self.newer(Fact::RecorderFailed, Fact::RecorderGood) {
                self.note(Fact::RecorderGood, ms); // its first checkpoint proves it
            }
            if self.epoch_open() {
                self.note(Fact::Active, ms);
            }
        }
    }

    fn withdraw(&mut self, ms: u64) {
        if !self.offered() {
            self.note(Fact::ControlTaken, ms);
        }
    }

    /// Whether an act of the customer that grants something may do so now.
    fn grantable(&self) -> bool {
        self.running() && !self.card() && self.lost_since.is_none() && !self.asking_any()
    }
}

/// Guard and ledger under one clock, and what the guard has put out.
struct Pair {
    start: Instant,
    ms: u64,
    guard: Guard,
    ledger: Ledger,
    /// When the customer's own input last kept remote input out, under these rights.
    customer: Option<u64>,
    beacons: VecDeque<(u64, u64)>,
    last_beacon: u64,
    /// Texts and files that were asked about, and nobody has said yet that they are over.
    untold: BTreeSet<u32>,
    sent_grant: u32,
    sent_rights: Rights,
    begun: u32,
    recorded: bool,
    cards: u32,
    /// The next input number of this epoch.
    number: u64,
    ended: bool,
    highest: Rights,
}

impl Pair {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            ms: 0,
            guard: Guard::new(),
            ledger: Ledger::default(),
            customer: None,
            beacons: VecDeque::new(),
            last_beacon: 0,
            untold: BTreeSet::new(),
            sent_grant: 0,
            sent_rights: Rights::None,
            begun: 0,
            recorded: false,
            cards: 0,
            number: 0,
            ended: false,
            highest: Rights::None,
        }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.ms)
    }

    fn step(&mut self, op: u8, arg: u8) {
        let (now, ms) = (self.now(), self.ms);
        let op = op % OPERATIONS;
        if op == 26 {
            self.ms += WAITS[usize::from(arg) % WAITS.len()];
            return;
        }
        let before = self.ledger.rights();
        self.ledger.pass(ms);
        if self.ledger.rights() != before {
            self.customer = None;
        }
        let before = self.ledger.rights();
        let act = CustomerAct::attest();
        match op {
            0 => self.technician(now, arg),
            1 | 2 => self.consent(now, op == 2, act),
            3 => {
                self.guard.refuse(now);
                if self.ledger.consenting() || self.ledger.card() {
                    self.ledger.note(Fact::Ended, ms);
                }
            }
            4 => {
                self.guard.more_time(now);
                if self.ledger.consenting() {
                    self.ledger.note(Fact::MoreTime, ms);
                }
            }
            5 => {
                let may = self.ledger.grantable();
                assert_eq!(self.guard.view_on(now, act).is_ok(), may, "view_on");
                if may {
                    self.ledger.note(Fact::SightGiven, ms);
                }
            }
            6 => {
                self.guard.view_off(now);
                self.ledger.take_sight(ms);
            }
            7 => {
                let may = self.ledger.grantable()
                    && self.ledger.noted(Fact::ControlKind)
                    && self.ledger.offered()
                    && self.ledger.newer(Fact::SightGiven, Fact::SightTaken);
                assert_eq!(self.guard.control_on(now, act).is_ok(), may, "control_on");
                if may {
                    self.ledger.note(Fact::ControlGiven, ms);
                }
            }
            8 => {
                self.guard.control_off(now);
                if self.ledger.running() {
                    self.ledger.note(Fact::ControlTaken, ms);
                    self.ledger.end_pieces(ms);
                }
            }
            9 | 10 => {
                let presses = self.guard.stop_presses();
                if op == 9 {
                    self.guard.stop(now)
                } else {
                    self.guard.handle_stop_key(now)
                }
                assert_eq!(self.guard.stop_presses(), presses + 1, "every F11 counts");
                assert_eq!(
                    self.guard.rights(),
                    Rights::None,
                    "nothing is granted after F11"
                );
                self.ledger.take_sight(ms);
            }
            11 => {
                let may = self.ledger.grantable()
                    && !self.ledger.noted(Fact::ControlKind)
                    && self.ledger.offered()
                    && self.ledger.newer(Fact::SightGiven, Fact::SightTaken);
                assert_eq!(self.guard.ask_upgrade(now).is_ok(), may, "ask_upgrade");
                if may {
                    self.ledger.note(Fact::AskedUpgrade, ms);
                }
            }
            12 => self.accept_upgrade(now, act),
            13 => {
                self.guard.decline_upgrade(now);
                if self.ledger.running() && self.ledger.asking(Fact::AskedUpgrade) {
                    self.ledger.note(Fact::Answered, ms);
                }
            }
            14 => {
                let may = self.ledger.running() && !self.ledger.card() && !self.ledger.asking_any();
                assert_eq!(self.guard.ask_end(now).is_ok(), may, "ask_end");
                if may {
                    self.ledger.note(Fact::AskedEnd, ms);
                }
            }
            15 => {
                let asked =
                    self.ledger.asking(Fact::AskedEnd) || self.ledger.asking(Fact::AskedStill);
                let may = self.ledger.running() && asked;
                assert_eq!(self.guard.go_on(now, act).is_ok(), may, "go_on");
                if may {
                    self.ledger.note(Fact::Answered, ms);
                    self.ledger.note(Fact::Active, ms);
                }
            }
            16 | 17 => {
                let wrong = u32::from(arg % 8 == 7);
                let epoch = self.ledger.epochs.wrapping_add(wrong);
                if op == 16 {
                    self.guard.handle_epoch_acknowledged(now, epoch);
                    self.ledger.open(Fact::Acknowledged, epoch, ms);
                } else {
                    self.guard.handle_epoch_opened(now, epoch);
                    self.ledger.open(Fact::Opened, epoch, ms);
                }
            }
            18 => {
                self.guard.handle_connection_lost(now);
                self.ledger.lose(ms);
            }
            19 => {
                self.guard.handle_peer_lost(now);
                self.ledger.lose(ms);
            }
            20 => {
                self.guard.handle_resumed(now);
                self.ledger.lost_since = None;
                if self.ledger.running() {
                    self.ledger.note(Fact::ControlTaken, ms);
                    self.ledger.note(Fact::Active, ms);
                    if !self.ledger.card() {
                        self.ledger.begin_epoch(ms);
                    }
                }
            }
            21 => {
                let offer = offer(arg);
                let withdrawn = offer == ControlOffer::Unavailable;
                self.guard.handle_offer(now, offer);
                let early = !self.ledger.noted(Fact::Technician);
                if early || withdrawn || self.ledger.lost_since.is_some() {
                    if !self.ledger.noted(Fact::CardShown) {
                        self.ledger.offer = !withdrawn;
                    } else if withdrawn {
                        self.ledger.note(Fact::RecorderFailed, ms);
                    }
                    if !withdrawn {
                        self.ledger.note(Fact::RecorderGood, ms);
                    }
                    self.ledger.withdraw(ms);
                }
            }
            22 => {
                self.guard.handle_recorder_failed(now);
                self.ledger.note(Fact::RecorderFailed, ms);
                self.ledger.withdraw(ms);
            }
            23 => self.fault(now, arg),
            24 => {
                self.guard.handle_customer_activity(now);
                if self.ledger.running() {
                    self.ledger.note(Fact::Active, ms);
                    if self.ledger.rights().control() {
                        self.customer = Some(ms);
                    }
                }
            }
            25 if arg.is_multiple_of(8) => {
                self.guard.handle_end(now, End::Technician);
                self.ledger.note(Fact::Ended, ms);
            }
            27 => self.guard.handle_timeout(now),
            28 => self.input(now, arg),
            29 => {
                let may = self.ledger.card();
                assert_eq!(self.guard.card_done(now, act).is_ok(), may, "card_done");
                if may {
                    self.ledger.note(Fact::CardDone, ms);
                    if self.ledger.lost_since.is_none() {
                        self.ledger.begin_epoch(ms);
                    }
                }
            }
            30 => {
                self.guard.handle_recorder_back(now);
                self.ledger.recorder_back(ms);
            }
            31 => {
                let epoch = self.ledger.epochs.wrapping_sub(u32::from(arg % 16 == 15));
                let next = self.number.saturating_sub(u64::from(arg % 4));
                self.guard.handle_covered(now, epoch, next);
                self.covered(epoch, next);
            }
            32 if arg.is_multiple_of(4) => {
                self.guard.handle_recording_mismatch(now);
                self.ledger.note(Fact::Mismatch, ms);
                self.ledger.withdraw(ms);
            }
            33..=37 => self.transfer(now, op, arg, act),
            _ => {}
        }
        self.guard.handle_timeout(now);
        if self.ledger.rights() != before {
            self.customer = None;
        }
    }

    fn transfer(&mut self, now: Instant, op: u8, arg: u8, act: CustomerAct) {
        let ms = self.ms;
        let running = self.ledger.running();
        let asking = running && self.ledger.asking(Fact::AskedTransfer);
        let piece = self.ledger.piece;
        match op {
            33 => {
                let may = running
                    && self.ledger.transfers()
                    && !self.ledger.asking_any()
                    && self.ledger.pieces.len() < 3;
                let asked = self.guard.ask_transfer(now, piece + 1);
                assert_eq!(asked.is_ok(), may, "ask_transfer {:?}", self.ledger);
                if may {
                    self.ledger.piece += 1;
                    self.untold.insert(piece + 1);
                    self.ledger.note(Fact::AskedTransfer, ms);
                }
            }
            34 => {
                let may = asking && self.ledger.transfers();
                let allowed = self.guard.allow_transfer(now, act);
                assert_eq!(allowed.ok(), may.then_some(piece), "allow_transfer");
                if may {
                    self.ledger.note(Fact::Answered, ms);
                    self.ledger.note(Fact::Active, ms);
                    self.ledger.pieces.insert(piece);
                }
            }
            35 => {
                let refused = self.guard.refuse_transfer(now, act);
                assert_eq!(refused.is_ok(), asking, "refuse_transfer");
                if asking {
                    self.ledger.note(Fact::Answered, ms);
                    self.ledger.note(Fact::Active, ms);
                }
            }
            36 => {
                let over = piece.saturating_sub(u32::from(arg % 4));
                self.guard.end_transfer(now, over);
                if self.ledger.pieces.remove(&over) {
                    self.untold.remove(&over);
                }
            }
            _ => {
                let other = piece + u32::from(arg % 3 == 2);
                self.guard.withdraw_question(now, other);
                if asking && other == piece {
                    self.untold.remove(&piece);
                    self.ledger.note(Fact::Answered, ms);
                    self.ledger.note(Fact::ControlTaken, ms);
                }
            }
        }
    }

    /// A piece goes on exactly while the customer's word for it stands and everything else does.
    fn compare_pieces(&mut self) {
        let now = self.now();
        for piece in 0..=self.ledger.piece + 1 {
            let may = self.ledger.running()
                && self.ledger.pieces.contains(&piece)
                && self.ledger.transfers();
            let permit = self.guard.transfer_permit(now, piece).is_some();
            assert_eq!(permit, may, "piece {piece} {:?}", self.ledger);
            let stands = self.ledger.running()
                && (self.ledger.pieces.contains(&piece)
                    || piece == self.ledger.piece && self.ledger.asking(Fact::AskedTransfer));
            assert_eq!(
                self.untold.contains(&piece),
                stands,
                "told that {piece} is over"
            );
        }
    }

    fn technician(&mut self, now: Instant, arg: u8) {
        let (offer, input) = (offer(arg / 2 + 1), arg.is_multiple_of(2));
        let first = !self.ledger.noted(Fact::Technician) && !self.ledger.noted(Fact::Ended);
        let recorded = offer != ControlOffer::Unavailable;
        let taken = self.guard.handle_technician(now, offer, input);
        assert_eq!(taken, if first { Ok(()) } else { Err(Denied::NotNow) });
        if first {
            self.ledger.note(Fact::Technician, self.ms);
            (self.ledger.offer, self.ledger.input) = (recorded, input);
        }
    }

    fn covered(&mut self, epoch: u32, next: u64) {
        if !self.ledger.running() || epoch != self.ledger.epochs {
            return;
        }
        self.ledger.uncovered.retain(|number, _| *number >= next);
        let lapsed = self.ledger.newer(Fact::RecorderLapsed, Fact::RecorderGood)
            && !self
                .ledger
                .newer(Fact::RecorderFailed, Fact::RecorderLapsed);
        if lapsed && self.ledger.uncovered.is_empty() {
            self.ledger.recorder_back(self.ms);
        }
    }

    fn consent(&mut self, now: Instant, control: bool, act: CustomerAct) {
        let may = self.ledger.consenting()
            && self.ledger.lost_since.is_none()
            && (!control || self.ledger.offered());
        let done = match control {
            true => self.guard.consent_control(now, act),
            false => self.guard.consent_view(now, act),
        };
        assert_eq!(done.is_ok(), may, "consent");
        if may {
            self.ledger.note(Fact::Consent, self.ms);
            self.ledger.note(Fact::Active, self.ms);
            self.ledger.note(Fact::SightGiven, self.ms);
            if control {
                self.ledger.note(Fact::ControlKind, self.ms);
                self.ledger.note(Fact::ControlGiven, self.ms);
                self.ledger.show_card(self.ms);
            } else {
                self.ledger.begin_epoch(self.ms);
            }
        }
    }

    fn accept_upgrade(&mut self, now: Instant, act: CustomerAct) {
        let may = self.ledger.running()
            && self.ledger.asking(Fact::AskedUpgrade)
            && self.ledger.epoch_open()
            && self.ledger.offered();
        assert_eq!(
            self.guard.accept_upgrade(now, act).is_ok(),
            may,
            "accept_upgrade"
        );
        if may {
            self.ledger.note(Fact::Answered, self.ms);
            self.ledger.note(Fact::ControlKind, self.ms);
            self.ledger.note(Fact::ControlGiven, self.ms);
            self.ledger.show_card(self.ms);
        }
    }

    fn fault(&mut self, now: Instant, arg: u8) {
        match arg % 16 {
            0 => {
                self.guard.handle_computer_fault(now, Fault::Window);
                self.ledger.note(Fact::Ended, self.ms);
            }
            1..4 => {
                self.guard.handle_computer_fault(now, Fault::Input);
                self.ledger.input = false;
                self.ledger.withdraw(self.ms);
            }
            _ => {
                self.guard.handle_computer_fault(now, Fault::Screen);
                self.ledger.take_sight(self.ms);
            }
        }
    }

    fn input(&mut self, now: Instant, arg: u8) {
        let header = Header {
            epoch: self.ledger.epochs.wrapping_sub(u32::from(arg % 11 == 1)),
            direction: Direction::ConsoleToAgent,
            class: if arg % 13 == 1 {
                Class::Notices
            } else {
                Class::Input
            },
            number: self.number,
            grant: self
                .sent_grant
                .wrapping_add(u32::from(arg % 7 == 1))
                .wrapping_sub(u32::from(arg % 5 == 1)),
            rights: Rights::Control,
            length: 80,
        };
        let back = usize::from(arg % 6);
        let beacon = match self.beacons.len().checked_sub(1 + back) {
            Some(index) => self.beacons[index].0,
            None => self.last_beacon.saturating_sub(back as u64),
        };
        let event = event(arg);
        let harmless = match &event {
            InputEvent::Key { keysym, .. } => *keysym != 0xffc8,
            InputEvent::Scroll { dy, .. } => *dy <= 32,
            InputEvent::Move { .. }
            | InputEvent::Button { .. }
            | InputEvent::Text { .. }
            | InputEvent::ReleaseAll => true,
        };
        let fresh = self
            .beacons
            .iter()
            .any(|(sent, at)| *sent == beacon && self.ms - at <= 2_000);
        let may = self.ledger.rights().control()
            && header.class == Class::Input
            && header.epoch == self.ledger.epochs
            && header.grant == self.sent_grant
            && fresh
            && harmless
            && self.customer.is_none_or(|at| self.ms >= at + 1_000);
        let input = Input {
            beacon,
            layout: 1,
            event,
        };
        match self.guard.handle_input(now, &header, &input) {
            Ok(permit) => {
                assert!(
                    may,
                    "input without right: {header:?} {input:?} {:?}",
                    self.ledger
                );
                assert_eq!(
                    (permit.grant(), permit.event()),
                    (self.sent_grant, &input.event)
                );
                assert!(self.recorded, "control without a recorded epoch");
                let oldest = self.ledger.uncovered.values().next().copied();
                assert!(
                    oldest.is_none_or(|at| self.ms < at + 4_000),
                    "control beyond its lease"
                );
                self.ledger.uncovered.insert(self.number, self.ms);
                self.number += 1;
                self.ledger.note(Fact::Active, self.ms);
            }
            Err(reason) => assert!(
                !may,
                "input with right dropped: {reason:?} {header:?} {input:?}"
            ),
        }
    }

    /// What the guard has put out and what it permits must follow from the ledger.
    /// A sign is shown where the technician may look and no more, while nothing is asked, and under no other
    /// grant or epoch.
    fn compare_pointing(&mut self, rights: Rights) {
        let now = self.now();
        let header = |epoch, grant| Header {
            epoch,
            direction: Direction::ConsoleToAgent,
            class: Class::Notices,
            number: 0,
            grant,
            rights: Rights::View,
            length: 80,
        };
        let (epoch, grant) = (self.ledger.epochs, self.sent_grant);
        let may = rights == Rights::View && !self.ledger.asking_any();
        let shown = self.guard.handle_point(now, &header(epoch, grant)).is_ok();
        assert_eq!(shown, may, "{:?}", self.ledger);
        for (epoch, grant) in [
            (epoch, grant.wrapping_sub(1)),
            (epoch, grant + 1),
            (epoch.wrapping_sub(1), grant),
        ] {
            let stale = self.guard.handle_point(now, &header(epoch, grant));
            assert!(stale.is_err(), "a sign of another grant or epoch");
        }
    }

    fn compare(&mut self) {
        let (now, before) = (self.now(), self.ledger.rights());
        self.ledger.pass(self.ms);
        if self.ledger.rights() != before {
            self.customer = None;
        }
        self.guard.handle_timeout(now);
        let rights = self.ledger.rights();
        self.drain();
        assert_eq!(
            self.begun, self.ledger.epochs,
            "epochs begin when they are due"
        );
        assert_eq!(self.guard.rights(), rights, "{:?}", self.ledger);
        let permit = self
            .guard
            .view_permit(now)
            .map(|permit| (permit.grant(), permit.epoch(), permit.rights()));
        let expected = rights
            .view()
            .then_some((self.sent_grant, self.ledger.epochs, rights));
        assert_eq!(permit, expected, "{:?}", self.ledger);
        self.compare_pointing(rights);
        self.compare_pieces();
        if rights != Rights::None || self.ledger.epoch_open() && self.ledger.running() {
            assert_eq!(
                self.sent_rights, rights,
                "what was sent is what is in force"
            );
        }
        let ended = self.ledger.noted(Fact::Ended);
        assert_eq!(self.cards, self.ledger.cards, "a card for each recording");
        assert!(self.cards <= 1, "the code is shown only once");
        let card = matches!(self.guard.phase(), Phase::Card { .. });
        assert_eq!(
            card,
            self.ledger.card(),
            "the card is shown until it is done"
        );
        assert!(!card || permit.is_none(), "nobody sees the card");
        assert_eq!(self.guard.phase() == Phase::Ended, ended);
        assert_eq!(self.ended, ended, "the end is told");
        match self.guard.poll_timeout() {
            Some(due) => assert!(due > now && !ended, "timers lie ahead"),
            None => assert!(
                ended || !self.ledger.noted(Fact::Technician),
                "a session always has a timer"
            ),
        }
        let (viewed, controlled) = (self.guard.viewed(now), self.guard.controlled(now));
        assert!(
            controlled <= viewed && viewed <= now - self.start,
            "durations"
        );
        self.highest = self.highest.max(rights);
    }

    fn drain(&mut self) {
        let mut released = false;
        let mut cancelled = false;
        while let Some(output) = self.guard.poll_output() {
            assert!(!self.ended, "nothing follows the end: {output:?}");
            match output {
                Output::ReleaseInput => released = true,
                Output::CancelFrames => cancelled = true,
                Output::SendRights {
                    epoch,
                    grant,
                    rights,
                    cause,
                } => {
                    assert_eq!(epoch, self.begun, "nothing is sealed in another epoch");
                    assert!(grant > self.sent_grant, "grants rise");
                    assert!(
                        !self.sent_rights.control() || released,
                        "released before told"
                    );
                    assert!(
                        !self.sent_rights.view() || cancelled,
                        "cancelled before told"
                    );
                    assert!(
                        !(cause == Cause::Stopped && rights.view()),
                        "Stop grants nothing"
                    );
                    (self.sent_grant, self.sent_rights) = (grant, rights);
                    (released, cancelled) = (false, false);
                    self.beacons.clear();
                }
                Output::Card => {
                    assert_eq!(self.sent_rights, Rights::None, "nobody sees the card");
                    self.cards += 1;
                }
                Output::OpenEpoch { epoch, recorded } => {
                    assert_eq!(epoch, self.begun + 1, "epochs follow each other");
                    assert_eq!(recorded, self.ledger.noted(Fact::CardDone));
                    assert!(recorded || !self.recorded, "recording once begun lasts");
                    (self.begun, self.recorded, self.number) = (epoch, recorded, 0);
                    // Without a link the last rights frame of an epoch may never have been sent.
                    (self.sent_rights, released, cancelled) = (Rights::None, false, false);
                }
                Output::Beacon { number } => {
                    assert!(self.sent_rights.control(), "beacons only under control");
                    assert!(number > self.last_beacon, "beacons rise");
                    self.last_beacon = number;
                    self.beacons.push_back((number, self.ms));
                }
                Output::CancelTransfer { piece, .. } => {
                    assert!(
                        self.ledger.noted(Fact::Ended) || !self.ledger.pieces.contains(&piece),
                        "what is cancelled is over"
                    );
                    assert!(self.untold.remove(&piece), "{piece} is cancelled once");
                }
                Output::CustomerActive(_) | Output::StateChanged => {}
                Output::SessionEnded(_) => self.ended = true,
            }
        }
    }
}

fn offer(arg: u8) -> ControlOffer {
    match arg % 5 {
        0 => ControlOffer::Unavailable,
        day => ControlOffer::Recorded {
            deletion: u64::from(day) * 86_400,
        },
    }
}

fn event(arg: u8) -> InputEvent {
    match arg % 9 {
        0 => InputEvent::Key {
            keysym: 0xffc8,
            down: arg.is_multiple_of(2),
        },
        1 => InputEvent::Key {
            keysym: 0xff0d,
            down: true,
        },
        2 => InputEvent::Text {
            text: Text::default(),
        },
        3 => InputEvent::Scroll {
            dx: 0,
            dy: i16::from(arg),
            x: 1,
            y: 1,
        },
        4 => InputEvent::Button {
            button: Button::Left,
            down: true,
            x: 1,
            y: 1,
        },
        5 => InputEvent::ReleaseAll,
        _ => InputEvent::Move {
            x: u16::from(arg),
            y: 0,
        },
    }
}

/// Jumps of the clock in ms: around every limit.
const WAITS: [u64; 24] = [
    0, 1, 1, 10, 100, 250, 499, 500, 501, 999, 1_000, 1_999, 2_000, 2_001, 59_999, 60_000, 119_999,
    120_000, 299_999, 300_000, 600_000, 899_999, 900_000, 14_400_000,
];
