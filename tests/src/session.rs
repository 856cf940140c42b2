//! A whole session of real programs on two virtual screens: the customer's and the technician's.
//!
//! ```text
//! Stage::open ─► pair ─► consent ─► … ─► drop ends everything
//!
//! customer's screen                                technician's screen
//! editor, terminal, photo, target window           console, full screen
//! agent ──── tap ──── relay ────────────────────── console
//! ```

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fernsicht_protocol::rights::Rights;

use crate::aim;
use crate::auditor::{AUDITOR, Auditor};
use crate::clients::{self, PlainAuditor};
use crate::customer::{Button, Card, Customer};
use crate::device::Device;
use crate::grab::{Grabber, Picture};
use crate::net::{self, Namespace, Streets};
use crate::observer::Observer;
use crate::operator::{Operator, Relay};
use crate::programs::Programs;
use crate::reader::Reader;
use crate::tap::{Place, Tap};
use crate::wait;
use crate::xserver::{Process, XServer};

/// How long a step of the programs may take on a loaded machine.
pub const STEP: Duration = Duration::from_secs(30);

/// How often the customer presses a button that does nothing.
const TRIES: usize = 3;

/// How the two screens are made, and the line between agent and relay.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Width of both.
    pub width: u16,
    /// Height of both.
    pub height: u16,
    /// Width and height of the technician's, if it is another one.
    pub technician_size: Option<(u16, u16)>,
    /// How large the customer's and the technician's programs draw themselves; empty is as the screen says.
    pub scales: [&'static str; 2],
    /// The customer's keyboard.
    pub customer: &'static str,
    /// The technician's keyboard.
    pub technician: &'static str,
    /// Bytes a second of one picture frame on the line; none is as fast as it goes.
    pub pace: Option<u32>,
    /// How many auditors the agent knows. Without one there is only looking.
    pub auditors: usize,
    /// True if the agent also knows an auditor who has no program, for tests that open recordings themselves.
    pub plain_auditor: bool,
    /// True if the agent's frames pass the tap, which knows QUIC alone. Otherwise the agent connects to the relay.
    pub tapped: bool,
    /// True if the console marks the customer's bar in the picture, which then is not the customer's any more.
    pub marked: bool,
    /// In which language the console speaks.
    pub language: &'static str,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 800,
            technician_size: None,
            scales: ["", ""],
            customer: "de",
            technician: "de",
            pace: None,
            auditors: 1,
            plain_auditor: false,
            tapped: true,
            marked: false,
            language: "de",
        }
    }
}

/// Everything that runs. Dropped in this order: programs before screens.
#[derive(Debug)]
pub struct Stage {
    /// The agent.
    pub agent: Process,
    /// The console.
    pub console: Process,
    /// The relay.
    pub relay: Relay,
    /// Between agent and relay.
    pub tap: Tap,
    /// The person at the agent.
    pub customer: Customer,
    /// The technician's keyboard and mouse.
    pub technician: Device,
    /// Sees all input on the customer's screen.
    pub observer: Observer,
    /// What the customer sees.
    pub customer_view: Grabber,
    /// What the technician sees.
    pub technician_view: Grabber,
    /// The customer's screen.
    pub customer_screen: XServer,
    /// The technician's screen.
    pub technician_screen: XServer,
    codes: Receiver<String>,
    /// Relay, technician, auditors and the customer's home.
    pub operator: Operator,
    /// Those whom the agent knows.
    pub auditors: Vec<Auditor>,
    /// The one without a program.
    pub plain_auditor: Option<PlainAuditor>,
    /// The cards that the customer photographed.
    pub cards: Vec<Card>,
    /// Where everything is kept.
    pub folder: PathBuf,
    /// The lines between the people, if there are any.
    pub streets: Option<Arc<Streets>>,
    /// Who reads the programs' pages.
    pub reader: Option<Arc<Reader>>,
    tapped: bool,
}

/// Screens and operator, before the console and the agent start.
#[derive(Debug)]
pub struct Backdrop {
    /// The customer's screen.
    pub customer_screen: XServer,
    /// The technician's screen.
    pub technician_screen: XServer,
    /// What is prepared so far.
    pub operator: Operator,
    folder: PathBuf,
    pace: Option<u32>,
    scales: [&'static str; 2],
    auditors: usize,
    plain_auditor: bool,
    streets: Option<Arc<Streets>>,
    reader: Option<Arc<Reader>>,
    tapped: bool,
    marked: bool,
    language: &'static str,
    environment: Vec<(&'static str, String)>,
}

impl Backdrop {
    /// Starts both screens with window managers; everything is kept in `folder`.
    pub fn raise(programs: Programs, folder: &Path, layout: Layout) -> Result<Self> {
        let Layout {
            width,
            height,
            technician_size,
            scales,
            customer,
            technician,
            pace,
            auditors,
            plain_auditor,
            tapped,
            marked,
            language,
        } = layout;
        let customer_screen = XServer::start(width, height, customer)?.with_window_manager()?;
        let (width, height) = technician_size.unwrap_or((width, height));
        let technician_screen = XServer::start(width, height, technician)?.with_window_manager()?;
        let operator = Operator::new(programs, folder)?;
        Ok(Self {
            customer_screen,
            technician_screen,
            operator,
            folder: folder.to_owned(),
            pace,
            scales,
            auditors,
            plain_auditor,
            streets: None,
            reader: None,
            tapped,
            marked,
            language,
            environment: Vec::new(),
        })
    }

    /// The customer and the technician are at the ends of their lines, and the operator is where this thread is:
    /// in the streets' middle.
    pub fn at_ends_of(mut self, streets: Arc<Streets>) -> Result<Self> {
        self.operator = self.operator.moved_to(net::OPERATOR.into())?;
        self.streets = Some(streets);
        Ok(self)
    }

    /// Both programs' pages can be read.
    pub fn read_by(mut self, reader: Arc<Reader>) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Agent and console find this in their environment.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// The agent connects to the relay itself: the tap sees nothing.
    pub fn without_tap(mut self) -> Self {
        self.tapped = false;
        self
    }

    /// Starts relay, tap, console and agent; the auditors are enrolled before the agent is made.
    pub fn open(self) -> Result<Stage> {
        let Self {
            customer_screen,
            technician_screen,
            operator,
            folder,
            pace,
            scales,
            auditors,
            plain_auditor,
            streets,
            reader,
            tapped,
            marked,
            language,
            environment,
        } = self;
        let attend = |command: &mut Command| {
            command.envs(environment.iter().cloned());
            if let Some(reader) = &reader {
                reader.attend(command);
            }
        };
        let relay = operator.serve()?;
        let home = operator.enrol()?;
        let name = |n: usize| match n {
            0 => AUDITOR.to_owned(),
            n => format!("Revision {n}"),
        };
        let auditors = (0..auditors)
            .map(|n| operator.enrol_auditor(&name(n)))
            .collect::<Result<_>>()?;
        let plain_auditor = match plain_auditor {
            true => {
                let token = operator.auditor_token("Revision ohne Programm")?;
                let address = operator.address();
                Some(clients::block_on(PlainAuditor::enrol(&address, &token))?)
            }
            false => None,
        };
        let tap = Tap::start(Place {
            pace,
            ..operator.place()?
        })?;
        let relay_of_agent = match tapped {
            true => tap.address().to_string(),
            false => operator.address(),
        };
        let file = operator.agent(&relay_of_agent)?;

        let mut command = operator.console_in(language, &technician_screen, &home);
        command.args([
            "--new-session",
            "--print-code",
            "--full-screen",
            "--hide-pointer",
        ]);
        if !marked {
            command.arg("--hide-bar-mark");
        }
        command
            .stdout(Stdio::piped())
            .stderr(log(&folder, "console.log")?);
        scale(&mut command, scales[1]);
        attend(&mut command);
        let place = streets.as_ref().map(|streets| &streets.technician);
        let mut console = start_in(place, "fernsicht-console", &mut command)?;
        let codes = read_codes(
            console
                .child()
                .stdout
                .take()
                .context("the console's output is piped")?,
        );

        let observer = Observer::start(customer_screen.display())?;
        let mut command = operator.agent_command(&customer_screen, &file)?;
        command
            .stdout(Stdio::null())
            .stderr(log(&folder, "agent.log")?);
        scale(&mut command, scales[0]);
        attend(&mut command);
        let place = streets.as_ref().map(|streets| &streets.customer);
        let agent = start_in(place, "fernsicht-agent", &mut command)?;
        Ok(Stage {
            agent,
            console,
            relay,
            tap,
            customer: Customer::at(&customer_screen, crate::operator::OPERATOR)?,
            technician: Device::physical(technician_screen.display())?,
            observer,
            customer_view: Grabber::open(customer_screen.display())?,
            technician_view: Grabber::open(technician_screen.display())?,
            customer_screen,
            technician_screen,
            codes,
            operator,
            auditors,
            plain_auditor,
            cards: Vec::new(),
            folder,
            streets,
            reader,
            tapped,
        })
    }
}

fn scale(command: &mut Command, factor: &str) {
    if !factor.is_empty() {
        command.env("WINIT_X11_SCALE_FACTOR", factor);
    }
}

fn start_in(place: Option<&Namespace>, name: &str, command: &mut Command) -> Result<Process> {
    match place {
        Some(namespace) => namespace.enter(|| Process::start(name, command)),
        None => Process::start(name, command),
    }
}

impl Stage {
    /// The next code that the console prints, digits only.
    pub fn code(&mut self) -> Result<String> {
        let code = self.codes.recv_timeout(STEP * 2);
        self.check()?;
        code.context("the console printed no code")
    }

    /// Errors if one of the programs has ended.
    pub fn check(&mut self) -> Result<()> {
        for (process, name) in [(&mut self.agent, "agent"), (&mut self.console, "console")] {
            let path = self.folder.join(format!("{name}.log"));
            process
                .check()
                .with_context(|| std::fs::read_to_string(path).unwrap_or_default())?;
        }
        let log = self.relay.log()?;
        self.relay.process.check().context(log)
    }

    /// The technician clicks here until it arrives: the customer's own hand has the right of way.
    pub fn turn_to(&self, (x, y): (i16, i16)) -> Result<()> {
        let before = self.observer.by_programs()?;
        wait::until_true("the technician's turn", STEP, || {
            self.technician.click(x, y, 1)?;
            std::thread::sleep(Duration::from_millis(200));
            Ok(self.observer.by_programs()? > before)
        })
    }

    /// The customer types the console's code, agrees to looking and control, chooses what to show (the nth button of
    /// that page), photographs the card and puts it away.
    pub fn share(&mut self, choice: u8) -> Result<()> {
        let code = self.code()?;
        self.customer.enter_code(&code)?;
        self.customer.read()?;
        self.customer.press(Button::ConsentControl)?;
        self.customer.read()?;
        aim::save(self, "choice")?;
        self.press_until_card(Button::Screen(choice))?;
        self.grant(Button::CardDone, Rights::Control)
    }

    /// The customer agrees to looking and control, photographs the card and puts it away.
    pub fn consent_to_control(&mut self) -> Result<()> {
        self.press_until_card(Button::ConsentControl)?;
        self.grant(Button::CardDone, Rights::Control)
    }

    /// The customer presses a button behind which the card comes, and photographs it.
    pub fn press_until_card(&mut self, button: Button) -> Result<()> {
        let mut card = None;
        for _ in 0..TRIES {
            self.customer.read()?;
            self.customer.press(button)?;
            card = self.customer.photograph_card().ok();
            self.check()?;
            if card.is_some() {
                break;
            }
        }
        match card {
            Some(card) => self.cards.push(card),
            None => return self.refused(button, "the card did not come"),
        }
        Ok(())
    }

    /// The customer ends the session, with the bar as it is under control.
    pub fn end_by_customer(&mut self) -> Result<()> {
        self.customer.turn_to_bar()?;
        self.customer.press(Button::End)?;
        self.customer.rest(Duration::from_millis(300))?;
        self.customer.press(Button::EndYes)
    }

    /// The complaint code of the newest card.
    pub fn complaint_code(&self) -> Result<&str> {
        let card = self.cards.last().context("no card was photographed")?;
        Ok(&card.code)
    }

    /// Presses a granting button until the agent's rights frame says that it worked; without a tap, until
    /// the technician sees what the customer sees.
    pub fn grant(&mut self, button: Button, rights: Rights) -> Result<()> {
        for _ in 0..TRIES {
            let before = self.tap.log().rights().len();
            self.customer.read()?;
            self.customer.press(button)?;
            let granted = match self.tapped {
                true => wait::until_true("the rights", Duration::from_secs(5), || {
                    Ok(self.tap.log().rights()[before..]
                        .iter()
                        .any(|(_, _, now)| *now == rights))
                }),
                false => self.same_picture(Duration::from_secs(5)).map(drop),
            };
            self.check()?;
            if granted.is_ok() {
                return Ok(());
            }
        }
        self.refused(button, &format!("the agent did not grant {rights:?}"))
    }

    /// Keeps what the customer sees, and says what did not come.
    fn refused(&self, button: Button, what: &str) -> Result<()> {
        let path = match std::env::var_os("FERNSICHT_TEST_PICTURES") {
            Some(folder) => PathBuf::from(folder).join("refused.png"),
            None => self.folder.join("refused.png"),
        };
        self.customer_view.grab()?.save(&path)?;
        bail!(
            "{button:?} was pressed {TRIES} times, but {what}; picture: {}",
            path.display()
        )
    }

    /// The rights in force, by the agent's newest rights frame.
    pub fn rights(&self) -> Rights {
        self.tap
            .log()
            .rights()
            .last()
            .map_or(Rights::None, |(_, _, rights)| *rights)
    }

    /// Waits until both screens show the same. Returns the picture.
    pub fn same_picture(&self, limit: Duration) -> Result<Picture> {
        let mut last = 0;
        let same = wait::until("both screens to show the same", limit, || {
            let (theirs, ours) = (self.technician_view.grab()?, self.customer_view.grab()?);
            last = theirs.differing_pixels(&ours)?;
            Ok((last == 0).then_some(ours))
        });
        same.with_context(|| format!("{last} pixels differ"))
    }
}

/// Reads the lines `code 4812 073 956`; other lines are none of ours.
fn read_codes(pipe: ChildStdout) -> Receiver<String> {
    // A person reads one code at a time; a handful may wait.
    let (sender, receiver) = sync_channel(16);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { return };
            let digits = line.strip_prefix("code ").map(|code| code.replace(' ', ""));
            if let Some(digits) = digits
                && sender.send(digits).is_err()
            {
                return;
            }
        }
    });
    receiver
}

fn log(folder: &Path, name: &str) -> Result<std::fs::File> {
    Ok(std::fs::File::create(folder.join(name))?)
}
