//! A session under control in the streets, and what can be asked of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::rights::Rights;
use fernsicht_tests::apps::App;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::net::{Impairment, Resident, Streets};
use fernsicht_tests::observer::Target;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP, Stage};
use fernsicht_tests::tap::{Leg, Passed};
use fernsicht_tests::wait;

use super::expected::{Expected, Texts};
use super::story::{Moment, Story, word};
use crate::item::Context;

/// How long both may take to find together again: the longest wait between two tries, and a loaded machine.
pub(crate) const AGAIN: Duration = Duration::from_secs(90);

/// News that waited for a line come at once, on a loaded machine.
const NEWS: Duration = Duration::from_secs(3);

/// A session under way.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) streets: Arc<Streets>,
    pub(crate) story: Story,
    reader: Arc<Reader>,
    target: Target,
    photo: App,
    turn: i32,
    between: Option<Between>,
    expected: &'static Expected,
    _folder: tempfile::TempDir,
}

/// Marks of the moment when it began.
struct Between {
    frames: usize,
    tried: usize,
    place: Place,
    /// Packets that had passed the line that is cut.
    passed: u64,
}

/// Where the way between the two is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On somebody's line.
    Line(Resident),
    /// At the relay: what the agent sends until it is told ends at the tap.
    Relay,
    /// At a program that is no more.
    Program,
}

/// Everything before the code is typed: both screens, the programs, the lines.
pub(crate) struct Set {
    pub(crate) streets: Arc<Streets>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) backdrop: Backdrop,
    pub(crate) folder: tempfile::TempDir,
}

impl Set {
    fn raise(context: &Context, streets: Arc<Streets>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let reader = Arc::new(Reader::start(folder.path())?);
        let backdrop = Backdrop::raise(context.programs.clone(), folder.path(), Layout::default())?
            .at_ends_of(Arc::clone(&streets))?
            .read_by(Arc::clone(&reader));
        Ok(Self {
            streets,
            reader,
            backdrop,
            folder,
        })
    }
}

impl Scene {
    /// Starts everything.
    pub(crate) fn open(set: Set, expected: &'static Expected) -> Result<Self> {
        let Set {
            streets,
            reader,
            backdrop,
            folder,
        } = set;
        let photo = scenery::photo(
            &backdrop.customer_screen,
            folder.path(),
            400,
            300,
            "400x300+500+300",
        )?;
        let target = Target::show(backdrop.customer_screen.display(), 1090, 640, 160, 120)?;
        Ok(Self {
            stage: backdrop.open()?,
            streets,
            story: Story::default(),
            reader,
            target,
            photo,
            turn: 0,
            between: None,
            expected,
            _folder: folder,
        })
    }

    /// Pairs, and the customer allows control: it works.
    pub(crate) fn begin(&mut self) -> Result<()> {
        let code = self.stage.code()?;
        self.stage.customer.enter_code(&code)?;
        self.stage.consent_to_control()?;
        self.stage.same_picture(STEP)?;
        self.control_works()?;
        self.story.rights_before = word(self.stage.rights());
        self.look("before")
    }

    /// Notes what is to be noted at every end.
    pub(crate) fn close(&mut self) {
        self.story.connections = self.connections();
        let all = self.stage.tap.log().all();
        let rights: Vec<_> = all
            .iter()
            .filter(|p| p.leg == Leg::FromAgent && p.header.class == Class::Rights)
            .collect();
        let first = rights.first().map(|p| p.seen.at);
        let line = |p: &&Passed| {
            let at = first.map_or(0.0, |first| (p.seen.at - first).as_secs_f64());
            (
                (at * 10.0).round() / 10.0,
                p.header.epoch,
                word(p.header.rights),
            )
        };
        self.story.rights = rights.iter().map(line).collect();
    }

    /// It went wrong: keeps what both people see and read.
    pub(crate) fn went_wrong(&mut self, error: &anyhow::Error, folder: &Path) -> Result<()> {
        self.story.failures.push(format!("{error:#}"));
        self.story.rights_after = Some(word(self.stage.rights()));
        self.look("when it went wrong")?;
        fs::create_dir_all(folder)?;
        let views = [
            ("customer.png", &self.stage.customer_view),
            ("technician.png", &self.stage.technician_view),
        ];
        for (name, view) in views {
            view.grab()?.save(&folder.join(name))?;
        }
        fs::write(folder.join("relay.log"), self.stage.relay.log()?)?;
        Ok(())
    }

    /// Notes what both people read now.
    pub(crate) fn look(&mut self, when: &str) -> Result<()> {
        let moment = Moment {
            when: when.to_owned(),
            customer: self.reader.read(self.stage.agent.pid())?,
            technician: self.reader.read(self.stage.console.pid())?,
        };
        self.story.read.push(moment);
        Ok(())
    }

    /// Waits until both read what they must while it lasts; meanwhile the technician goes on.
    pub(crate) fn during(&mut self, limit: Duration) -> Result<()> {
        self.both_read("while it lasts", self.expected.during, limit)
    }

    /// Waits until both read what they must when it is over; meanwhile the technician goes on.
    pub(crate) fn after(&mut self, limit: Duration) -> Result<()> {
        self.both_read("when it is over", self.expected.after, limit)
    }

    fn both_read(&mut self, when: &str, texts: Texts, limit: Duration) -> Result<()> {
        let [customer, technician] = texts;
        if let Some(key) = customer {
            self.reads(self.stage.agent.pid(), &Words::agent(key)?, limit)?;
        }
        if let Some(key) = technician {
            self.reads(self.stage.console.pid(), &Words::console(key)?, limit)?;
        }
        self.look(when)
    }

    fn reads(&mut self, pid: u32, words: &Words, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        loop {
            let said = self.reader.read(pid)?;
            if said.iter().any(|said| words.fit(said)) {
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "{:?} was not read within {} s, but {said:?}",
                words.key(),
                limit.as_secs()
            );
            self.turn()?;
        }
    }

    /// It begins: from now on nothing may come through, until [`Self::over`].
    pub(crate) fn begins(&mut self, place: Place) -> Result<()> {
        // What was sent a moment ago may still be on its way.
        thread::sleep(Duration::from_millis(500));
        self.stage.observer.clear()?;
        self.between = Some(Between {
            frames: self.stage.tap.log().mark(),
            tried: self.story.tried_between,
            place,
            passed: self.passed_at(place),
        });
        Ok(())
    }

    /// The technician goes on for so long.
    pub(crate) fn goes_on(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn()?;
        }
        Ok(())
    }

    /// It is over: what came through meanwhile is counted.
    pub(crate) fn over(&mut self) -> Result<()> {
        let between = self.between.take().context("it has begun")?;
        self.story.input_between += self.stage.observer.by_programs()?;
        let frames = self.stage.tap.log().since(between.frames);
        let shows = frames
            .iter()
            .filter(|p| p.leg == Leg::FromAgent && p.header.class.shows_screen());
        self.story.frames_between += shows.count();
        let (input, frames) = (self.story.input_between, self.story.frames_between);
        let tried = self.story.tried_between - between.tried;
        self.story.must(input == 0, || {
            format!("{input} events were injected meanwhile")
        });
        // Behind the tap the technician's line is cut: what the agent sends until it is told goes no further.
        let far = matches!(
            between.place,
            Place::Line(Resident::Technician) | Place::Relay
        );
        self.story.must(frames == 0 || far, || {
            format!("{frames} frames of the screen passed meanwhile")
        });
        let packets = self.passed_at(between.place) - between.passed;
        self.story.packets_between = packets;
        self.story.must(packets == 0, || {
            format!("{packets} packets passed the cut line")
        });
        self.story.must(tried > 0, || {
            "nothing was tried meanwhile: the case shows nothing".to_owned()
        });
        self.stage.observer.clear()
    }

    fn passed_at(&self, place: Place) -> u64 {
        match place {
            Place::Line(who) => self.passed(who),
            Place::Relay | Place::Program => 0,
        }
    }

    /// Packets that have passed somebody's line, both ways.
    fn passed(&self, who: Resident) -> u64 {
        let counts = self.streets.line(who).counts();
        counts.iter().map(|counts| counts.passed).sum()
    }

    /// One turn of the technician's hand, and something new on the customer's screen.
    fn turn(&mut self) -> Result<()> {
        self.turn = (self.turn + 1) % 40;
        self.photo
            .window()
            .move_to(400 + self.turn * 3, 250 + self.turn)?;
        let (x, y) = self.target.centre();
        self.stage.technician.click(x, y, 1)?;
        self.stage.technician.type_text("x")?;
        self.story.tried_between += 1;
        thread::sleep(Duration::from_millis(250));
        Ok(())
    }

    /// The line is whole again: waits until both ends have noticed, and news that waited has come.
    pub(crate) fn mend(&mut self, who: Resident) -> Result<()> {
        let (passed, frames) = (self.passed(who), self.stage.tap.log().mark());
        self.streets.line(who).impair(Impairment::default());
        wait::until_true("packets on the mended line", AGAIN, || {
            Ok(self.passed(who) > passed + 20 && self.stage.tap.log().mark() > frames)
        })?;
        thread::sleep(NEWS);
        Ok(())
    }

    /// Input tried before now must not come any more; then nothing may be injected while there is no control.
    pub(crate) fn nothing_comes(&mut self) -> Result<()> {
        self.story.input_late += self.stage.observer.by_programs()?;
        let late = self.story.input_late;
        self.story
            .must(late == 0, || format!("{late} events came late"));
        Ok(())
    }

    /// A click of the technician's arrives.
    pub(crate) fn control_works(&mut self) -> Result<()> {
        let before = self.target.presses()?.len();
        let (x, y) = self.target.centre();
        wait::until_true("a click to arrive", STEP, || {
            self.stage.technician.click(x, y, 1)?;
            thread::sleep(Duration::from_millis(100));
            Ok(self.target.presses()?.len() > before)
        })
    }

    /// Both are together again, with the rights that are left. Where control is not, nothing is injected, and only the
    /// customer switches it on.
    pub(crate) fn together_again(&mut self) -> Result<()> {
        self.after(AGAIN)?;
        let (rights, left) = (self.stage.rights(), self.expected.rights);
        self.story.rights_after = Some(word(rights));
        self.story.must(Some(rights) == left, || {
            format!(
                "rights are {}, not {}",
                word(rights),
                left.map_or("over", word)
            )
        });
        let (reconnected, must) = (self.connections() > 1, self.expected.reconnects);
        self.story.must(reconnected == must, || {
            match reconnected {
                true => "it cost the agent's connection",
                false => "the agent's connection was not lost: the case shows nothing",
            }
            .to_owned()
        });
        if !rights.control() {
            let tried = self.story.tried_between;
            self.stage.observer.clear()?;
            self.goes_on(Duration::from_secs(2))?;
            self.story.tried_between = tried;
            let seen = self.stage.observer.by_programs()?;
            self.story.must(seen == 0, || {
                format!("{seen} events were injected without control")
            });
            self.stage.customer.turn_to_bar()?;
            self.stage.grant(Button::ControlOn, Rights::Control)?;
        }
        self.control_works()?;
        self.stage.same_picture(STEP)?;
        self.look("control again")
    }

    /// How many connections of the agent have passed the tap.
    pub(crate) fn connections(&self) -> u64 {
        let all = self.stage.tap.log().all();
        all.iter()
            .map(|p| p.connection + 1)
            .max()
            .unwrap_or_default()
    }

    /// The customer ends the session; the recording is complete.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.stage.end_by_customer()?;
        let pid = self.stage.agent.pid();
        self.reads(pid, &Words::agent("end-safe")?, STEP)?;
        self.look("at the end")?;
        self.judge()
    }

    /// What relay and auditor say of the recording.
    pub(crate) fn judge(&mut self) -> Result<()> {
        let verdict = verdict(&self.stage, self.expected.recording)?;
        self.story.auditor = verdict.auditor;
        self.story.recording = verdict.recording;
        self.story.failures.extend(verdict.failures);
        Ok(())
    }
}

/// What relay and auditor say of the only recording.
pub(crate) struct Verdict {
    pub(crate) auditor: Option<i32>,
    pub(crate) recording: String,
    pub(crate) failures: Vec<String>,
}

/// Asks both. `auditor` is the exit code that his program must have.
pub(crate) fn verdict(stage: &Stage, auditor: i32) -> Result<Verdict> {
    let mut failures = Vec::new();
    let path: PathBuf = stage.folder.join("code");
    fs::write(&path, format!("{}\n", stage.complaint_code()?))?;
    let file = path.to_str().context("paths of tests are text")?;
    let arguments = ["verify", "--case", "torture", "--code-file", file];
    let who = stage.auditors.first().context("there is an auditor")?;
    // The relay finishes a recording a moment after the session.
    let mut exit = None;
    let settled = wait::until_true("the auditor's verdict", Duration::from_secs(30), || {
        exit = who.run(&arguments)?.status.code();
        Ok(exit == Some(auditor))
    });
    if settled.is_err() {
        failures.push(format!(
            "the auditor's program ends with {exit:?}, not {auditor}"
        ));
    }
    let verified = stage.operator.try_command(&["recordings", "verify"])?;
    let recording = String::from_utf8_lossy(&verified.stdout).trim().to_owned();
    if !verified.status.success() {
        failures.push(format!("the recording is damaged: {recording}"));
    }
    Ok(Verdict {
        auditor: exit,
        recording,
        failures,
    })
}

/// Does `work` in the middle of new streets. The screens stand outside: servers in a network of their own would
/// not see which numbers are taken, and take the places of others'.
pub(crate) fn in_streets<T: Send>(
    context: &Context,
    dice: &mut Dice,
    work: impl FnOnce(Set) -> Result<T> + Send,
) -> Result<T> {
    let streets = Arc::new(Streets::build(dice)?);
    let set = Set::raise(context, Arc::clone(&streets))?;
    streets.operator.enter(move || work(set))
}
