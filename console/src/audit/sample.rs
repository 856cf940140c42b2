//! A recording for tests, with what the technician's display showed, noted beside it.

use std::collections::BTreeMap;

use fernsicht_protocol::content::{
    AgentNotice, Button, Cause, Chat, ConsoleNotice, Dropped, Input, InputAck, InputEvent,
    PictureAck, Pointer, PointerShape,
};
use fernsicht_protocol::frame::{Class, Direction, Header};
use fernsicht_protocol::messages::End;
use fernsicht_protocol::picture::{Box, Code, Layout, Ledger, Rect, Update, View};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::{Blob, List, Text, Wire};

use super::index::{Ended, Entry, Kind, Source, Time, Unreadable};

pub(crate) const WIDTH: u16 = 200;
pub(crate) const HEIGHT: u16 = 120;

/// 2026-01-01, in hundredths.
pub(crate) const START: Time = 1_767_225_600 * 100;

#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) records: Vec<(Entry, Vec<u8>)>,
    /// What was to be seen from a time on.
    pub(crate) truth: Vec<(Time, Option<Vec<u8>>)>,
    pub(crate) opened: usize,
    now: Time,
    epoch: u32,
    grant: u32,
    rights: Rights,
    numbers: BTreeMap<(u32, Direction, Class), u64>,
    sequence: u64,
    pointer: u64,
    /// The customer's screen, and what was sent of it.
    screen: Vec<u8>,
    ledger: Ledger,
}

impl Source for Sample {
    fn records(&self) -> usize {
        self.records.len()
    }
    fn entry(&self, at: usize) -> Entry {
        self.records[at].0.clone()
    }
    fn content(&mut self, at: usize) -> Result<Vec<u8>, Unreadable> {
        self.opened += 1;
        Ok(self.records[at].1.clone())
    }
}

pub(crate) const fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
    Rect {
        x,
        y,
        width,
        height,
    }
}

impl Sample {
    pub(crate) fn new() -> Self {
        Self {
            records: Vec::new(),
            truth: Vec::new(),
            opened: 0,
            now: START,
            epoch: 0,
            grant: 0,
            rights: Rights::None,
            numbers: BTreeMap::new(),
            sequence: 0,
            pointer: 0,
            screen: vec![0; usize::from(WIDTH) * usize::from(HEIGHT) * 4],
            ledger: Ledger::new(WIDTH, HEIGHT),
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    pub(crate) fn wait(&mut self, hundredths: Time) -> &mut Self {
        self.now += hundredths;
        self
    }

    pub(crate) fn opening(&mut self) -> &mut Self {
        self.epoch += 1;
        self.rights = Rights::None;
        self.truth.push((self.now, None));
        let epoch = self.epoch;
        self.put(Kind::Opening { epoch }, Vec::new())
    }

    pub(crate) fn rights(&mut self, rights: Rights, cause: Cause) -> &mut Self {
        self.grant += 1;
        if !(rights.view() && self.rights.view()) {
            self.truth.push((self.now, None));
        }
        self.rights = rights;
        let content = cause.to_bytes();
        self.frame(Direction::AgentToConsole, Class::Rights, content)
    }

    /// An update that fills `area`, not yet recorded.
    pub(crate) fn update(&mut self, area: Rect, colour: [u8; 3], complete: bool) -> Update {
        let area = if complete {
            rect(0, 0, WIDTH, HEIGHT)
        } else {
            area
        };
        if complete {
            self.screen = vec![0; usize::from(WIDTH) * usize::from(HEIGHT) * 4];
            self.ledger = Ledger::new(WIDTH, HEIGHT);
        }
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                let at = (usize::from(y) * usize::from(WIDTH) + usize::from(x)) * 4;
                self.screen[at..at + 3].copy_from_slice(&colour);
                self.screen[at + 3] = 255;
            }
        }
        let boxes = vec![Box {
            rect: area,
            code: Code::Indexed,
        }];
        let view = View {
            width: WIDTH,
            height: HEIGHT,
            stride: usize::from(WIDTH) * 4,
            bgrx: &self.screen,
        };
        self.ledger.drawn(&boxes, view);
        let update = Update {
            sequence: self.sequence,
            complete: complete.then_some(Layout {
                generation: 1,
                width: WIDTH,
                height: HEIGHT,
            }),
            history: false,
            palette: List(vec![colour]),
            boxes: List(boxes),
            block: Blob(zstd::bulk::compress(&vec![0; area.area()], 1).unwrap()),
        };
        self.sequence += 1;
        update
    }

    pub(crate) fn record_update(&mut self, update: &Update) -> &mut Self {
        let content = update.to_bytes();
        self.frame(Direction::AgentToConsole, Class::Picture, content)
    }

    pub(crate) fn picture(&mut self, area: Rect, colour: [u8; 3], complete: bool) -> &mut Self {
        let update = self.update(area, colour, complete);
        self.record_update(&update)
    }

    /// The console has drawn everything that was made so far.
    pub(crate) fn ack(&mut self) -> &mut Self {
        let digest = self.ledger.digest();
        self.ack_as(digest)
    }

    pub(crate) fn ack_as(&mut self, digest: u64) -> &mut Self {
        let ack = PictureAck {
            sequence: self.sequence - 1,
            digest,
            ahead: List::default(),
            held_us: 0,
        };
        let screen = self.screen.clone();
        self.showed(&ack, &screen)
    }

    /// The console showed this, and said so.
    pub(crate) fn showed(&mut self, ack: &PictureAck, screen: &[u8]) -> &mut Self {
        self.truth.push((self.now, Some(screen.to_vec())));
        self.frame(Direction::ConsoleToAgent, Class::Acks, ack.to_bytes())
    }

    /// What is on the customer's screen, and the digest of it.
    pub(crate) fn screen(&self) -> (Vec<u8>, u64) {
        (self.screen.clone(), self.ledger.digest())
    }

    pub(crate) fn input(&mut self, event: InputEvent) -> &mut Self {
        let content = Input {
            beacon: 1,
            layout: 1,
            event,
        }
        .to_bytes();
        self.frame(Direction::ConsoleToAgent, Class::Input, content)
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            let text = Text::new(c.to_string()).unwrap();
            self.input(InputEvent::Text { text }).wait(12);
        }
        self
    }

    pub(crate) fn click(&mut self, x: u16, y: u16) -> &mut Self {
        for down in [true, false] {
            let button = Button::Left;
            self.input(InputEvent::Button { button, down, x, y })
                .wait(5);
        }
        self
    }

    /// Everything so far was decided; these numbers were dropped.
    pub(crate) fn decided(&mut self, dropped: Vec<Dropped>) -> &mut Self {
        let key = (self.epoch, Direction::ConsoleToAgent, Class::Input);
        let ack = InputAck {
            decided: self.numbers.get(&key).copied().unwrap_or(1) - 1,
            dropped: List(dropped),
        };
        self.frame(Direction::AgentToConsole, Class::Acks, ack.to_bytes())
    }

    pub(crate) fn pointer(&mut self, x: u16, y: u16, shape: bool) -> &mut Self {
        self.pointer += 1;
        let arrow = |at: usize| match (at % 12, at / 12) {
            (x, y) if x > y || x + y > 17 => [0; 4],
            (x, y) if x == 0 || x == y || x + y == 17 => [255, 255, 255, 255],
            _ => [0, 0, 0, 255],
        };
        let shape = shape.then(|| PointerShape {
            width: 12,
            height: 18,
            hot_x: 0,
            hot_y: 0,
            bgra: (0..12 * 18).flat_map(arrow).collect(),
        });
        let pointer = Pointer {
            sequence: self.pointer,
            visible: true,
            x,
            y,
            shape,
        };
        let content = pointer.to_bytes();
        self.frame(Direction::AgentToConsole, Class::Pointer, content)
    }

    pub(crate) fn active(&mut self, active: bool) -> &mut Self {
        let content = AgentNotice::CustomerActive { active }.to_bytes();
        self.frame(Direction::AgentToConsole, Class::Notices, content)
    }

    pub(crate) fn chat(&mut self, direction: Direction, chat: Chat) -> &mut Self {
        let content = match direction {
            Direction::AgentToConsole => AgentNotice::Chat { chat }.to_bytes(),
            Direction::ConsoleToAgent => ConsoleNotice::Chat { chat }.to_bytes(),
        };
        self.frame(direction, Class::Notices, content)
    }

    pub(crate) fn gap(&mut self, from: Time) -> &mut Self {
        let to = self.now;
        self.truth.push((from, None));
        self.put(Kind::Gap { from, to }, Vec::new())
    }

    pub(crate) fn withheld_input(&mut self) -> &mut Self {
        let header = self.header(Direction::ConsoleToAgent, Class::Input, 64);
        self.put(Kind::Withheld(header), Vec::new())
    }

    pub(crate) fn end(&mut self, end: End) -> &mut Self {
        self.truth.push((self.now, None));
        self.put(Kind::End(Ended::Session(end)), Vec::new())
    }

    /// What was to be seen at `time`.
    pub(crate) fn truth_at(&self, time: Time) -> Option<&[u8]> {
        let after = self.truth.partition_point(|t| t.0 <= time);
        self.truth[..after].last()?.1.as_deref()
    }

    /// A session with everything in it; `minutes` of work.
    pub(crate) fn work(minutes: u64) -> Self {
        let mut sample = Self::new();
        sample
            .opening()
            .wait(20)
            .rights(Rights::Control, Cause::Granted);
        sample.wait(5).pointer(20, 30, true);
        for minute in 0..minutes {
            let shade = 40 + (minute * 37 % 150) as u8;
            sample.picture(rect(0, 0, 1, 1), [shade, 90, 200 - shade], true);
            sample.wait(3).ack();
            for step in 0..50u16 {
                let area = rect(step * 3, step, 20 + step % 7, 9);
                sample
                    .wait(40)
                    .picture(area, [step as u8 * 5, shade, 77], false);
                sample
                    .wait(2)
                    .ack()
                    .pointer(step * 3, step * 2, step % 10 == 0);
                sample.input(InputEvent::Move { x: step, y: step }).wait(40);
                if step % 10 == 3 {
                    sample.text("geheim");
                }
                if step % 10 == 7 {
                    sample.click(step, step);
                }
                sample.decided(Vec::new());
            }
        }
        sample
    }

    fn header(&mut self, direction: Direction, class: Class, length: u32) -> Header {
        let number = self
            .numbers
            .entry((self.epoch, direction, class))
            .or_default();
        *number += 1;
        Header {
            epoch: self.epoch,
            direction,
            class,
            number: *number - 1,
            grant: self.grant,
            rights: self.rights,
            length,
        }
    }

    fn frame(&mut self, direction: Direction, class: Class, content: Vec<u8>) -> &mut Self {
        let header = self.header(direction, class, content.len() as u32 + 20);
        self.put(Kind::Frame(header), content)
    }

    pub(crate) fn put(&mut self, kind: Kind, content: Vec<u8>) -> &mut Self {
        let time = self.now;
        self.records.push((Entry { time, kind }, content));
        self
    }
}
