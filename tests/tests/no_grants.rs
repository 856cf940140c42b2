//! No path grants without the customer (issue "The main job", point 5): not flags, files or
//! environment, not forged keys and clicks, and not a relay and a console with valid keys that send
//! every message of every type in every state of the guard.
//!
//! All of it against the real agent on a virtual screen; judged by what leaves it and by what is
//! injected on its screen, both seen from outside.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::checkpoint::{Checkpoint, SignedCheckpoint};
use fernsicht_protocol::content::{Button as MouseButton, Chat, ConsoleNotice, Input, InputEvent};
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::frame::{Class, Direction, Frame, Header};
use fernsicht_protocol::guard::CUSTOMER_FIRST;
use fernsicht_protocol::messages::{ConsoleToAgent, ControlOffer, End, Refusal, RelayToAgent};
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::transfer::{Kind, Message};
use fernsicht_protocol::unit::Record;
use fernsicht_protocol::wire::{Blob, List, Text, Wire};
use fernsicht_tests::customer::{Button, Customer};
use fernsicht_tests::device::Device;
use fernsicht_tests::hostile::{Hostile, Met, Pair, flood};
use fernsicht_tests::keymap::keysyms;
use fernsicht_tests::observer::Observer;
use fernsicht_tests::operator::OPERATOR;
use fernsicht_tests::operator::files_below;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::wait;
use fernsicht_tests::xserver::{Process, XServer};

/// How often input is sent that must act.
const TRIES: usize = 5;

/// A customer's screen with an agent on it, whose file names the hostile relay.
struct Scene {
    screen: XServer,
    observer: Observer,
    hostile: Hostile,
    folder: tempfile::TempDir,
}

impl Scene {
    fn set() -> Result<Self> {
        let screen = XServer::start(1280, 800, "de")?.with_window_manager()?;
        let observer = Observer::start(screen.display())?;
        let hostile = Hostile::start()?;
        let folder = tempfile::tempdir()?;
        hostile.agent_file(&Programs::find()?.agent, &folder.path().join("Fernhilfe"))?;
        Ok(Self {
            screen,
            observer,
            hostile,
            folder,
        })
    }

    fn command(&self) -> Command {
        let mut command = self.screen.command(self.folder.path().join("Fernhilfe"));
        command
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path());
        command.args(["--language", "de", "--code", &self.hostile.code()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts the agent; the customer confirms the code that is filled in.
    fn start(&self, command: &mut Command) -> Result<(Process, Customer)> {
        let agent = Process::start("fernsicht-agent", command)?;
        let customer = Customer::at(&self.screen, OPERATOR)?;
        tokio::task::block_in_place(|| {
            customer.sit_down()?;
            customer.hand().key(keysyms::RETURN)
        })?;
        self.observer.clear()?;
        Ok((agent, customer))
    }

    /// Starts the agent; the customer agrees to control, and it is the technician's turn.
    async fn controlled(&self) -> Result<(Process, Customer, Met, Pair)> {
        let (agent, customer) = self.start(&mut self.command())?;
        let mut met = self.hostile.meet().await?;
        let mut pair = self.hostile.pair(&mut met).await?;
        tokio::task::block_in_place(|| consent_to_control(&customer))?;
        pair.open_epoch(&mut met).await?;
        tokio::task::block_in_place(|| {
            wait::until_true("control", Duration::from_secs(20), || {
                Ok(met.let_out().iter().any(|header| header.rights.control()))
            })
        })?;
        wait_for_own_turn(&met).await;
        Ok((agent, customer, met, pair))
    }

    /// Fails if anything was injected since the observer was cleared, or the agent has let out anything of rights or of the
    /// screen since it had let out so much.
    fn nothing_since(&self, met: &Met, before: usize) -> Result<()> {
        ensure!(self.observer.by_programs()? == 0, "something was injected");
        let after = met.let_out();
        let after = after.get(before..).context("the log only grows")?;
        ensure!(
            after
                .iter()
                .all(|h| h.rights == Rights::None && !h.class.shows_screen()),
            "{after:?}"
        );
        Ok(())
    }

    /// Fails if anything was injected since the agent's start, or anything of the screen was let out.
    fn nothing_happened(&self, met: &Met, allowed: Rights) -> Result<()> {
        let injected = self.observer.by_programs()?;
        ensure!(injected == 0, "{injected} events were injected");
        for file in files_below(self.folder.path())? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let pressed = name.contains("pressed-upon") || name.ends_with(".part");
            ensure!(!pressed, "{} was written", file.display());
        }
        let pasted = self
            .screen
            .command("xclip")
            .args(["-selection", "clipboard", "-o"])
            .output()?;
        ensure!(pasted.stdout.is_empty(), "something is on the clipboard");
        for header in met.let_out() {
            ensure!(
                header.rights <= allowed,
                "the agent states {:?}",
                header.rights
            );
            ensure!(
                allowed.view() || !header.class.shows_screen(),
                "the screen was let out: {header:?}"
            );
        }
        Ok(())
    }
}

/// Every message that a relay can send, so that none is forgotten when one is added.
fn every_message() -> Vec<RelayToAgent> {
    let messages = vec![
        RelayToAgent::Hello {
            version: 1,
            now: 1,
            control: ControlOffer::Recorded {
                deletion: 1_900_000_000,
            },
        },
        RelayToAgent::Hello {
            version: 1,
            now: 1,
            control: ControlOffer::Recorded { deletion: u64::MAX },
        },
        RelayToAgent::Joined { session: [9; 16] },
        RelayToAgent::Refused {
            reason: Refusal::Unexpected,
        },
        RelayToAgent::Reply {
            share: Blob(vec![b'B'; 33]),
            confirmation: [1; 32],
        },
        RelayToAgent::Peer {
            packet: Blob(vec![0; 64]),
        },
        RelayToAgent::EpochOpened { epoch: 1 },
        RelayToAgent::EpochOpened { epoch: 2 },
        RelayToAgent::Resumed,
        RelayToAgent::PeerLost,
        RelayToAgent::RecorderFailed,
        RelayToAgent::RecorderBack,
        RelayToAgent::Recording {
            epoch: 1,
            chain: List(vec![Blob(vec![0; 40])]),
            checkpoint: checkpoint(),
        },
        RelayToAgent::Checkpoint {
            checkpoint: checkpoint(),
        },
        RelayToAgent::Ended { reason: End::Fault },
    ];
    for message in &messages {
        // A new variant does not compile until it is looked at, and then belongs above.
        match message {
            RelayToAgent::Hello { .. }
            | RelayToAgent::Joined { .. }
            | RelayToAgent::Refused { .. }
            | RelayToAgent::Reply { .. }
            | RelayToAgent::Peer { .. }
            | RelayToAgent::EpochOpened { .. }
            | RelayToAgent::Resumed
            | RelayToAgent::PeerLost
            | RelayToAgent::RecorderFailed
            | RelayToAgent::RecorderBack
            | RelayToAgent::Recording { .. }
            | RelayToAgent::Checkpoint { .. }
            | RelayToAgent::Ended { .. } => {}
        }
    }
    messages
}

/// Nobody has signed it.
fn checkpoint() -> SignedCheckpoint {
    SignedCheckpoint {
        checkpoint: Checkpoint {
            rid: [1; 16],
            length: 1,
            chain: [2; 32],
            heads: List::default(),
            time: 1,
        },
        signature: [0; 64],
    }
}

/// What a console can say over the peer channel.
fn every_word(pair_chain: &[Vec<u8>]) -> Vec<ConsoleToAgent> {
    let chain = List(pair_chain.iter().map(|der| Blob(der.clone())).collect());
    let words = vec![
        ConsoleToAgent::Case {
            case: Text::new("2026-17").expect("a short text"),
        },
        ConsoleToAgent::EpochAck {
            epoch: 1,
            signature: None,
        },
        ConsoleToAgent::EpochAck {
            epoch: 2,
            signature: Some([0; 64]),
        },
        ConsoleToAgent::Technician {
            chain,
            signature: [0; 64],
        },
    ];
    for word in &words {
        match word {
            ConsoleToAgent::Technician { .. }
            | ConsoleToAgent::EpochAck { .. }
            | ConsoleToAgent::Case { .. } => {}
        }
    }
    words
}

/// What a technician's hand could do.
fn every_input() -> Vec<InputEvent> {
    let (x, y) = (600, 600);
    vec![
        InputEvent::Move { x, y },
        InputEvent::Button {
            button: MouseButton::Left,
            down: true,
            x,
            y,
        },
        InputEvent::Button {
            button: MouseButton::Left,
            down: false,
            x,
            y,
        },
        InputEvent::Scroll { dx: 0, dy: 3, x, y },
        InputEvent::Key {
            keysym: keysyms::RETURN,
            down: true,
        },
        InputEvent::Key {
            keysym: keysyms::SPACE,
            down: true,
        },
        InputEvent::Key {
            keysym: keysyms::F11,
            down: true,
        },
        InputEvent::Text {
            text: Text::new("x").expect("a letter is text"),
        },
        InputEvent::ReleaseAll,
    ]
}

/// Frames out of turn: of every class, in the direction in which it may travel, on streams of either kind.
async fn frames_out_of_turn(met: &Met) -> Result<()> {
    for class in Class::ALL {
        for direction in [Direction::AgentToConsole, Direction::ConsoleToAgent] {
            let header = Header {
                epoch: 1,
                direction,
                class,
                number: 0,
                grant: 1,
                rights: Rights::Control,
                length: 80,
            };
            let frame = Frame {
                header,
                ciphertext: vec![7; 80],
            };
            // The agent may have hung up over the frame before.
            let Ok(mut stream) = met.connection.open_uni(class).await else {
                return Ok(());
            };
            let bytes = match class.in_order() {
                true => Record::Frame(frame).encode(),
                false => frame.encode(),
            };
            if stream.write_all(&bytes).await.is_err() {
                return Ok(());
            }
            stream.finish().ok();
        }
    }
    Ok(())
}

/// A text for the clipboard and a file, pressed upon a customer whom nobody has asked, and a request for one of his.
fn every_piece() -> Vec<Message> {
    let content = b"pressed upon".to_vec();
    let mut all = vec![Message::Ask { id: 1 }];
    for (id, kind) in [(2, Kind::Text), (3, Kind::File)] {
        all.extend([
            Message::Offer {
                id,
                kind,
                name: Text::new("../pressed-upon.txt").unwrap_or_default(),
                size: content.len() as u64,
            },
            Message::Accept { id, from: 0 },
            Message::Chunk {
                id,
                offset: 0,
                bytes: Blob(content.clone()),
            },
            Message::Done {
                id,
                hash: hash(&content),
            },
            Message::Received { id, to: 1 },
            Message::Finished { id },
        ]);
    }
    all
}

/// Input, sealed with the epoch's true keys, under each of these grants and rights.
fn inputs(met: &Met, pair: &mut Pair, grants: &[u32], all_rights: &[Rights]) -> Vec<Record> {
    let sealer = pair.sealer.as_mut().expect("an epoch is open");
    // The newest ones that the agent sent, by their count: an old one is stale whatever else is right.
    let sent = met.let_out();
    let sent = sent.iter().filter(|h| h.class == Class::Beacon).count() as u64;
    let beacons = [0, 1, 2, sent.saturating_sub(1), sent, sent + 1];
    let mut records = Vec::new();
    for grant in grants {
        for rights in all_rights {
            for event in every_input() {
                for beacon in beacons {
                    let input = Input {
                        beacon,
                        layout: 1,
                        event: event.clone(),
                    };
                    records.push(Record::Frame(sealer.seal(
                        Class::Input,
                        *grant,
                        *rights,
                        &input.to_bytes(),
                    )));
                }
            }
        }
    }
    records
}

/// Input, notices and pieces, sealed with the epoch's true keys; input under every grant and every right.
async fn sealed_input(met: &Met, pair: &mut Pair) {
    let rights = [Rights::None, Rights::View, Rights::Control];
    let mut records = inputs(met, pair, &[0, 1, 2, 3, u32::MAX], &rights);
    let sealer = pair.sealer.as_mut().expect("an epoch is open");
    let point = ConsoleNotice::Point {
        x: 600,
        y: 600,
        press: true,
    };
    let line = ConsoleNotice::Chat {
        chat: Chat::Line {
            number: 1,
            text: Text::new("Ja").unwrap_or_default(),
        },
    };
    for notice in [ConsoleNotice::PictureWanted, point, line] {
        let content = notice.to_bytes();
        let frame = sealer.seal(Class::Notices, 1, Rights::Control, &content);
        records.push(Record::Frame(frame));
    }
    for message in every_piece() {
        let content = message.to_bytes();
        let frame = sealer.seal(Class::Transfer, 1, Rights::Control, &content);
        records.push(Record::Frame(frame));
    }
    send(met, pair, records).await;
}

async fn send(met: &Met, pair: &mut Pair, records: Vec<Record>) {
    for record in records {
        if pair.record(met, &record).await.is_err() {
            break;
        }
    }
}

/// Gives the agent the time to do something wrong.
async fn watch(met: &Met) {
    let until = Instant::now() + Duration::from_millis(400);
    while Instant::now() < until && !met.gone() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The customer agrees to looking and control, and puts the card away.
fn consent_to_control(customer: &Customer) -> Result<()> {
    customer.read()?;
    customer.press(Button::ConsentControl)?;
    customer.photograph_card()?;
    customer.read()?;
    customer.press(Button::CardDone)
}

/// Waits until the agent says that there are no rights.
fn revoked(met: &Met) -> Result<()> {
    wait::until_true("the revocation", Duration::from_secs(20), || {
        let all = met.let_out();
        let last = all.iter().rfind(|header| header.class == Class::Rights);
        Ok(last.is_some_and(|header| header.rights == Rights::None))
    })
}

/// The customer's own last key keeps the technician waiting for a second.
async fn wait_for_own_turn(met: &Met) {
    let until = Instant::now() + CUSTOMER_FIRST + Duration::from_millis(200);
    while Instant::now() < until && !met.gone() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_connecting_no_message_grants() -> Result<()> {
    let scene = Scene::set()?;
    let mut rest = every_message();
    while !rest.is_empty() {
        let (_agent, _customer) = scene.start(&mut scene.command())?;
        let mut met = scene.hostile.meet().await?;
        messages_out_of_turn(&mut met, &mut rest).await?;
        scene.nothing_happened(&met, Rights::None)?;
    }
    let (_agent, _customer) = scene.start(&mut scene.command())?;
    let met = scene.hostile.meet().await?;
    frames_out_of_turn(&met).await?;
    watch(&met).await;
    scene.nothing_happened(&met, Rights::None)
}

/// Sends messages until the agent hangs up; takes those that were sent out of `rest`.
async fn messages_out_of_turn(met: &mut Met, rest: &mut Vec<RelayToAgent>) -> Result<()> {
    while let Some(message) = rest.pop() {
        // Whether it was still taken does not matter: what follows is judged.
        drop(met.say(message).await);
        watch(met).await;
        if met.gone() {
            break;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_consent_page_no_message_grants() -> Result<()> {
    let scene = Scene::set()?;
    let mut rest = every_message();
    let mut first = true;
    while !rest.is_empty() {
        let (_agent, _customer) = scene.start(&mut scene.command())?;
        let mut met = scene.hostile.meet().await?;
        let mut pair = scene.hostile.pair(&mut met).await?;
        if std::mem::take(&mut first) {
            for word in every_word(&[vec![0; 40]]) {
                drop(pair.say(&mut met, &word).await);
            }
            frames_out_of_turn(&met).await?;
            watch(&met).await;
        } else {
            messages_out_of_turn(&mut met, &mut rest).await?;
        }
        scene.nothing_happened(&met, Rights::None)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_keys_and_clicks_do_not_grant() -> Result<()> {
    let scene = Scene::set()?;
    let (_agent, customer) = scene.start(&mut scene.command())?;
    let mut met = scene.hostile.meet().await?;
    let mut pair = scene.hostile.pair(&mut met).await?;
    let forger = Device::injected(scene.screen.display())?;
    tokio::task::block_in_place(|| -> Result<()> {
        customer.read()?;
        // "Only look" is the second, "look and control" the third; the fourth would refuse.
        for tabs in [2, 1] {
            for _ in 0..tabs {
                forger.key(keysyms::TAB)?;
                customer.rest(Duration::from_millis(150))?;
            }
            for key in [keysyms::SPACE, keysyms::RETURN] {
                customer.read()?;
                forger.key(key)?;
            }
        }
        // All over the two granting buttons and around them, but not on the refusal.
        let (x, y, width, height) = customer.window()?.place()?;
        for row in 2..14 {
            customer.rest(Duration::from_millis(1100))?;
            for column in [1, 3] {
                forger.click(
                    x + width as i16 / 6 * column,
                    y + height as i16 / 15 * row,
                    1,
                )?;
            }
        }
        Ok(())
    })?;
    watch(&met).await;
    ensure!(!met.gone(), "the agent still waits for its customer");
    ensure!(met.let_out().is_empty(), "{:?}", met.let_out());

    // The customer's own key on the same page does grant.
    tokio::task::block_in_place(|| consent_to_control(&customer))?;
    pair.open_epoch(&mut met).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_card_is_shown_nothing_grants() -> Result<()> {
    let scene = Scene::set()?;
    let mut rest = every_message();
    let mut first = true;
    while !rest.is_empty() {
        let (_agent, customer) = scene.start(&mut scene.command())?;
        let mut met = scene.hostile.meet().await?;
        let mut pair = scene.hostile.pair(&mut met).await?;
        tokio::task::block_in_place(|| {
            customer.read()?;
            customer.press(Button::ConsentControl)?;
            customer.photograph_card()
        })?;
        scene.observer.clear()?;
        if std::mem::take(&mut first) {
            for word in every_word(&[vec![0; 40]]) {
                drop(pair.say(&mut met, &word).await);
            }
            frames_out_of_turn(&met).await?;
            let forger = Device::injected(scene.screen.display())?;
            tokio::task::block_in_place(|| -> Result<()> {
                customer.read()?;
                for key in [keysyms::TAB, keysyms::TAB, keysyms::SPACE, keysyms::RETURN] {
                    forger.key(key)?;
                }
                Ok(())
            })?;
            watch(&met).await;
            // What was forged is the test's own.
            scene.observer.clear()?;
        } else {
            messages_out_of_turn(&mut met, &mut rest).await?;
        }
        scene.nothing_happened(&met, Rights::None)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environment_and_files_do_not_grant() -> Result<()> {
    let scene = Scene::set()?;
    let words = "view = true\ncontrol = true\ngrant = true\nunattended = true\n";
    for folder in [
        "",
        ".config",
        ".config/fernsicht",
        ".config/fernsicht-agent",
    ] {
        let folder = scene.folder.path().join(folder);
        fs::create_dir_all(&folder)?;
        for file in [
            "agent.toml",
            "fernsicht.toml",
            "config.toml",
            "Fernhilfe.toml",
            "grant",
            ".env",
        ] {
            fs::write(folder.join(file), words)?;
        }
    }
    let mut command = scene.command();
    command.current_dir(scene.folder.path());
    for prefix in ["FERNSICHT_", "FERNSICHT_AGENT_", ""] {
        for name in [
            "GRANT",
            "VIEW",
            "CONTROL",
            "UNATTENDED",
            "CONSENT",
            "YES",
            "TEST",
            "AID",
            "DEBUG",
        ] {
            command.env(format!("{prefix}{name}"), "1");
        }
    }
    let (_agent, _customer) = scene.start(&mut command)?;
    let mut met = scene.hostile.meet().await?;
    let _pair = scene.hostile.pair(&mut met).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    ensure!(!met.gone(), "the agent waits for its customer");
    scene.nothing_happened(&met, Rights::None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_looking_stays_only_looking() -> Result<()> {
    let scene = Scene::set()?;
    let mut rest = every_message();
    rest.retain(|message| {
        !matches!(
            message,
            RelayToAgent::Refused { .. } | RelayToAgent::Ended { .. }
        )
    });
    let (_agent, customer) = scene.start(&mut scene.command())?;
    let mut met = scene.hostile.meet().await?;
    let mut pair = scene.hostile.pair(&mut met).await?;
    tokio::task::block_in_place(|| {
        customer.read()?;
        customer.press(Button::ConsentView)
    })?;
    pair.open_epoch(&mut met).await?;
    let sight = || {
        Ok(met
            .let_out()
            .iter()
            .any(|header| header.rights == Rights::View))
    };
    tokio::task::block_in_place(|| wait::until_true("sight", Duration::from_secs(20), sight))?;

    sealed_input(&met, &mut pair).await;
    watch(&met).await;
    scene.nothing_happened(&met, Rights::View)?;
    messages_out_of_turn(&mut met, &mut rest).await?;
    frames_out_of_turn(&met).await?;
    watch(&met).await;
    scene.nothing_happened(&met, Rights::View)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_stop_key_no_message_brings_anything_back() -> Result<()> {
    let scene = Scene::set()?;
    let (_agent, customer, mut met, mut pair) = scene.controlled().await?;
    // Under control the same input does act: the keys are the right ones.
    let acts = || Ok(scene.observer.by_programs()? > 0);
    for _ in 0..TRIES {
        // What a loaded machine delivers too late is dropped as stale.
        let grant = met.let_out().iter().map(|header| header.grant).max();
        let grant = grant.context("rights were told")?;
        let records = inputs(&met, &mut pair, &[grant], &[Rights::Control]);
        send(&met, &mut pair, records).await;
        let acted = || wait::until_true("input under control to act", Duration::from_secs(3), acts);
        if tokio::task::block_in_place(acted).is_ok() {
            break;
        }
    }
    ensure!(acts()?, "input under control does not act");
    ensure!(!met.gone(), "the agent goes on");

    customer.press_stop(&scene.observer)?;
    tokio::task::block_in_place(|| revoked(&met))?;
    watch(&met).await;
    let before = met.let_out().len();
    scene.observer.clear()?;

    sealed_input(&met, &mut pair).await;
    for word in every_word(&[vec![0; 40]]) {
        drop(pair.say(&mut met, &word).await);
    }
    let mut rest = every_message();
    messages_out_of_turn(&mut met, &mut rest).await?;
    frames_out_of_turn(&met).await?;
    watch(&met).await;
    scene.nothing_since(&met, before)
}

/// More events than are on their way: a window of 2 MiB, each with 106 bytes. What was sent before the newest so many, the
/// agent has read.
const ON_THE_WAY: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_input_stops_at_the_stop_key() -> Result<()> {
    let scene = Scene::set()?;
    let (_agent, customer, met, pair) = scene.controlled().await?;
    let met = Arc::new(met);
    scene.observer.clear()?;
    let (sent, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let count = || sent.load(Ordering::Relaxed);
    let flooding = tokio::spawn(flood(met.clone(), pair, sent.clone(), ended.clone()));
    let (before, at_stop) = tokio::task::block_in_place(|| -> Result<_> {
        // Under way: the agent has read tens of thousands and acts on them.
        wait::until_true("the flood", Duration::from_secs(120), || {
            Ok(count() >= 3 * ON_THE_WAY && scene.observer.by_programs()? > 1_000)
        })?;
        let before = count();
        customer.press_stop(&scene.observer)?;
        revoked(&met)?;
        Ok((before, count()))
    })?;
    let all = met.let_out();
    let told = all.iter().filter(|header| header.class == Class::Rights);
    let told: Vec<Rights> = told.map(|header| header.rights).collect();
    ensure!(
        told.ends_with(&[Rights::Control, Rights::None]),
        "it was the stop key that ended control: {told:?}"
    );
    watch(&met).await;
    let let_out = met.let_out().len();
    scene.observer.clear()?;
    // It goes on, and the agent reads a hundred thousand more.
    let (from, since) = (count(), Instant::now());
    let until = from + 6 * ON_THE_WAY;
    tokio::task::block_in_place(|| {
        wait::until_true("the flood behind F11", Duration::from_secs(120), || {
            Ok(count() >= until || flooding.is_finished())
        })
    })?;
    let pace = (count() - from) as f64 / since.elapsed().as_secs_f64();
    ended.store(true, Ordering::Relaxed);
    flooding.await??;
    ensure!(count() >= until, "the flood ended at {} events", count());
    println!(
        "{before} events before F11, {} until control was off, {} in all, at last {pace:.0} a second",
        at_stop - before,
        count()
    );
    watch(&met).await;
    ensure!(!met.gone(), "the agent goes on");
    scene.nothing_since(&met, let_out)
}
