//! The program's window: draws the engine's view, does what the pages ask for.
//!
//! ```text
//! engine ──View──► pages ──Action──► app ──Command──► engine
//!                    │ granting buttons
//!                    ▼
//!                  gate ◄── lookout ◄── provenance (platform)
//! ```
//!
//! A frame is drawn when something has changed, and once a second while a countdown is shown:
//! an idle window costs nothing. The app never waits for the engine: what its queue does not
//! take stays in the outbox, in order, and is offered again shortly.

use std::collections::VecDeque;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use egui::{Context, Rect, Theme, Ui, ViewportCommand};
use fernsicht_protocol::messages::Page;
use tokio::sync::{mpsc, watch};

use crate::hand::lookout::Lookout;
use crate::hand::{Grant, Press, Provenance, ScreenRect, Verdict, Way};
use crate::instance::First;
use crate::texts::{Language, Texts};
use crate::ui::{self, Action, Form, Operator, Pen, tokens};
use crate::view::{BarState, Command, Elevate, Problem, Question, Stage, Starting, View};

mod window;

use window::Window;

/// Asks for a new frame, from any thread.
pub type Repaint = Arc<dyn Fn() + Send + Sync>;

/// What the window starts with.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Whom the program belongs to.
    pub operator: Operator,
    /// Language of the first page.
    pub language: Language,
    /// The code of the command line.
    pub code: Option<String>,
    /// True for a dark ground, false for a light one; without it as the system has it, where it tells.
    pub dark: Option<bool>,
}

/// What the engine gets when the window is there.
pub struct Opened {
    /// To be called after every change of the view, and when the engine ends.
    pub repaint: Repaint,
    /// The number of the window.
    pub window: Option<u32>,
}

/// The engine, as the window sees it.
pub struct Link {
    /// What to show. When its sender is gone, the engine has failed.
    pub view: watch::Receiver<View>,
    /// What the customer asks for. Closed means the same as [`Command::Close`].
    pub commands: mpsc::Sender<Command>,
    /// Where presses come from and what covers the window.
    pub provenance: Arc<dyn Provenance>,
}

impl Link {
    /// No engine, only one page: why the program cannot do its work.
    pub fn broken(problem: Problem) -> Self {
        let view = View {
            stage: Stage::StartError(problem),
            ..View::default()
        };
        let (commands, _) = mpsc::channel(1);
        Self {
            view: watch::channel(view).1,
            commands,
            provenance: Arc::new(Nobody),
        }
    }
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The desktop gives us none.
    #[error("no window can be opened on this desktop: {0}")]
    Window(#[from] eframe::Error),
}

/// Opens the window and runs until it closes. `open` starts the engine.
pub fn run(
    setup: Setup,
    first: Option<First>,
    open: impl FnOnce(Opened) -> Link,
) -> Result<(), Error> {
    let title = Texts::new(setup.language, setup.operator.name.as_str()).app_title();
    let options = eframe::NativeOptions {
        viewport: window::first(&title),
        centered: true,
        persist_window: false,
        ..eframe::NativeOptions::default()
    };
    eframe::run_native(
        "fernsicht-agent",
        options,
        Box::new(move |cc| {
            let ctx = cc.egui_ctx.clone();
            let again = Arc::new(AtomicBool::new(false));
            if let Some(first) = first {
                let (ctx, again) = (ctx.clone(), Arc::clone(&again));
                first.listen(move || {
                    again.store(true, Ordering::Relaxed);
                    ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
                    ctx.send_viewport_cmd(ViewportCommand::Focus);
                    ctx.request_repaint();
                })?;
            }
            let painter = ctx.clone();
            let repaint: Repaint = Arc::new(move || painter.request_repaint());
            let link = open(Opened {
                repaint: Arc::clone(&repaint),
                window: window::number(cc),
            });
            let lookout = Lookout::start(Arc::clone(&link.provenance), repaint)?;
            let mut app = App::new(&ctx, setup, link, lookout);
            app.started_again = again;
            Ok(Box::new(app))
        }),
    )?;
    Ok(())
}

/// The pages, their form and what has been asked for.
pub struct App {
    texts: Texts,
    operator: Operator,
    form: Form,
    view: watch::Receiver<View>,
    commands: mpsc::Sender<Command>,
    outbox: VecDeque<Command>,
    lookout: Lookout,
    arrived_at: Option<Place>,
    leaving: Option<Leaving>,
    /// The program was started once more since the page came.
    started_again: Arc<AtomicBool>,
    window: Window,
    /// Where the engine believes the bar to be.
    placed: Option<ScreenRect>,
}

/// The customer is done with the card. Sight may be granted soon after its command, so that is sent only when
/// frames without the code have been drawn: the second begins when the first has been put on the screen.
struct Leaving {
    /// Until it is sent.
    command: Option<Command>,
    frames: u8,
    since: Instant,
}

/// What counts as another page: nothing keeps the keyboard across it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    stage: Discriminant<Stage>,
    state: Option<Discriminant<BarState>>,
    question: Option<Discriminant<Question>>,
    /// Which text or file is asked about: the next question is another page.
    piece: Option<u32>,
    /// How far a start with administrator rights is: each step has other buttons.
    elevate: Option<Elevate>,
    privacy: bool,
}

impl App {
    /// A window's contents; the lookout's thread is the caller's affair.
    pub fn new(ctx: &Context, setup: Setup, link: Link, lookout: Lookout) -> Self {
        tokens::install(ctx);
        if let Some(dark) = setup.dark {
            ctx.set_theme(if dark { Theme::Dark } else { Theme::Light });
        }
        Self {
            texts: Texts::new(setup.language, setup.operator.name.as_str()),
            operator: setup.operator,
            form: Form {
                code: setup.code.clone().unwrap_or_default(),
                prefilled: setup.code,
                ..Form::default()
            },
            view: link.view,
            commands: link.commands,
            outbox: VecDeque::new(),
            lookout,
            arrived_at: None,
            leaving: None,
            started_again: Arc::default(),
            window: Window::default(),
            placed: None,
        }
    }

    /// Looks once whether something covers the granting buttons, where no thread does.
    pub fn look_once(&self, now: Instant) {
        self.lookout.look_once(now);
    }

    /// Draws one frame and does what it asks for.
    pub fn draw(&mut self, ui: &mut Ui, now: Instant, monitor: Option<Rect>) {
        let ctx = ui.ctx().clone();
        let view = self.shown(now);
        self.arrive(&ctx, &view);
        if let Stage::Session(session) = &view.stage {
            let unfolds = self.window.unfolds(&ctx, monitor, ui::chat::HEIGHT);
            self.form.chat.follow(&session.chat, unfolds);
        }

        let mut pen = Pen {
            texts: &self.texts,
            operator: &self.operator,
            now,
            wall_s: jiff::Timestamp::now().as_second(),
            ready: self.ready(now),
            room: monitor.map(|monitor| monitor.height()),
            bar_height: None,
            stretch: false,
            low: false,
            started_again: self.started_again.load(Ordering::Relaxed),
            placed: Vec::new(),
            down: None,
            ring: None,
            action: None,
        };
        ui::draw(ui, &mut pen, &view, &mut self.form);
        self.form.arrived = false;
        let Pen {
            placed,
            down,
            ring,
            action,
            bar_height,
            ..
        } = pen;

        let click = match action {
            Some(Action::Grant(grant, way)) => Some((grant, way)),
            Some(_) | None => None,
        };
        let verdict = self.judge(&ctx, now, &placed, (down, ring, click));
        if let Some(action) = action {
            self.act(&ctx, &view, action);
        }
        match verdict {
            Verdict::Granted(grant, hand) => {
                let command = granting(grant, hand, self.texts.language(), &self.form);
                if matches!(command, Command::CardDone(_)) {
                    self.leaving = Some(Leaving {
                        command: Some(command),
                        frames: 0,
                        since: now,
                    });
                    ctx.request_repaint();
                } else {
                    self.send(&ctx, command);
                }
            }
            Verdict::Wait => ctx.request_repaint_after(SHORTLY),
            Verdict::Refused(_) => {
                // A key needs a ring that the customer's own key brought: it has to come anew.
                surrender_focus(&ctx);
                ctx.request_repaint();
            }
            Verdict::Idle => {}
        }
        self.leave(&ctx);
        self.close_if_asked(&ctx, &view);
        self.flush(&ctx);
        self.window.arrange(&ctx, bar_height, monitor);
        let place = bar_height.and_then(|_| window::place(&ctx));
        if place != self.placed {
            self.placed = place;
            self.send(&ctx, Command::Placed(place));
        }
        schedule(&ctx, &view, now);
    }

    /// The engine's view; if the engine is gone without a last word, that it is.
    fn current(&self) -> View {
        let view = self.view.borrow().clone();
        if self.view.has_changed().is_ok() {
            return view;
        }
        match view.stage {
            Stage::StartError(_) | Stage::Ended(_) => view,
            Stage::Start
            | Stage::Connecting
            | Stage::Consent(_)
            | Stage::Screens { .. }
            | Stage::Card(_)
            | Stage::Starting(_)
            | Stage::Session(_) => View {
                stage: Stage::StartError(Problem::Internal),
                ..view
            },
        }
    }

    /// As [`Self::current`], but a card that the customer is done with is not drawn again. One whose
    /// command was overtaken by F11 comes back: it is not done.
    fn shown(&mut self, now: Instant) -> View {
        let view = self.current();
        if !matches!(view.stage, Stage::Card(_)) {
            self.leaving = None;
        }
        let over = |leaving: &Leaving| now.saturating_duration_since(leaving.since) > DENIED;
        if self.leaving.as_ref().is_some_and(over) {
            self.leaving = None;
        }
        match self.leaving {
            Some(_) => View {
                stage: Stage::Starting(Starting::Recording),
                ..view
            },
            None => view,
        }
    }

    /// Sends the card's command once frames without the code have been drawn.
    fn leave(&mut self, ctx: &Context) {
        let Some(leaving) = &mut self.leaving else {
            return;
        };
        leaving.frames = leaving.frames.saturating_add(1);
        let cleared = leaving.frames > CLEARED;
        let command = leaving.command.take_if(|_| cleared);
        match command {
            Some(command) => self.send(ctx, command),
            None if !cleared => ctx.request_repaint(),
            None => {}
        }
        ctx.request_repaint_after(DENIED);
    }

    /// On another page nothing has the keyboard, and no button is ready.
    fn arrive(&mut self, ctx: &Context, view: &View) {
        let mut place = Place::of(view, self.form.privacy);
        if self.arrived_at == Some(place) {
            return;
        }
        if self
            .arrived_at
            .is_some_and(|before| before.stage != place.stage)
        {
            self.form.privacy = false;
            self.form.saving = false;
            self.form.closing = false;
            place.privacy = false;
        }
        if self.arrived_at.is_some() {
            self.started_again.store(false, Ordering::Relaxed);
        }
        self.arrived_at = Some(place);
        if place.piece.is_some() {
            self.form.piece_path = ui::usual_path(&view.stage);
        }
        // Over the pages of one session the chat stays as the customer left it.
        if matches!(
            view.stage,
            Stage::Start | Stage::StartError(_) | Stage::Connecting | Stage::Ended(_)
        ) {
            self.form.chat = ui::chat::Form::default();
        }
        if ui::code_spent(&view.stage) {
            self.form.code.clear();
            self.form.prefilled = None;
        }
        self.form.arrived = true;
        surrender_focus(ctx);
        self.lookout.gate().clear();
        ctx.send_viewport_cmd(ViewportCommand::Title(self.texts.app_title()));
    }

    fn ready(&self, now: Instant) -> Vec<Grant> {
        let gate = self.lookout.gate();
        gate.rects()
            .into_iter()
            .map(|(grant, _)| grant)
            .filter(|grant| gate.ready(now, *grant))
            .collect()
    }

    /// Tells the gate what this frame showed and what was pressed, and asks for its verdict.
    fn judge(
        &self,
        ctx: &Context,
        now: Instant,
        placed: &[(Grant, Rect)],
        (down, ring, click): (Option<Grant>, Option<Grant>, Option<(Grant, Way)>),
    ) -> Verdict {
        let placed: Vec<(Grant, ScreenRect)> = if window::hidden(ctx) {
            Vec::new()
        } else {
            window::on_screen(ctx, placed)
        };
        let mut gate = self.lookout.gate();
        let changed = gate.place(now, &placed);
        if let Some(grant) = down {
            gate.handle_down(now, grant);
        }
        gate.handle_ring(now, ring, self.lookout.platform());
        if let Some((grant, way)) = click {
            gate.handle_click(now, grant, way);
        }
        let verdict = gate.poll(now, self.lookout.platform());
        if let Some(after) = gate.next_ready(now) {
            ctx.request_repaint_after(after);
        }
        drop(gate);
        if changed {
            self.lookout.wake();
        }
        verdict
    }

    fn act(&mut self, ctx: &Context, view: &View, action: Action) {
        match action {
            Action::Grant(..) => {}
            Action::Connect(code) => {
                self.lookout.gate().declare_aid(self.form.aid);
                self.send(
                    ctx,
                    Command::Connect {
                        code,
                        aid: self.form.aid,
                    },
                );
            }
            Action::Refuse => self.send(ctx, Command::Refuse),
            Action::MoreTime => self.send(ctx, Command::MoreTime),
            Action::ViewOff => self.send(ctx, Command::ViewOff),
            Action::ControlOff => self.send(ctx, Command::ControlOff),
            Action::Stop => self.send(ctx, Command::Stop),
            Action::AskEnd => self.send(ctx, Command::AskEnd),
            Action::ConfirmEnd => self.send(ctx, Command::ConfirmEnd),
            Action::No => self.send(ctx, Command::No),
            Action::AskElevation => self.send(ctx, Command::AskElevation),
            Action::Restart { keep_code } => {
                if !keep_code {
                    self.form.code.clear();
                    self.form.prefilled = None;
                }
                self.form.error = None;
                self.send(ctx, Command::Restart);
            }
            Action::Close => ctx.send_viewport_cmd(ViewportCommand::Close),
            Action::Language(language) => {
                self.texts.switch(language);
                ctx.send_viewport_cmd(ViewportCommand::Title(self.texts.app_title()));
                ctx.request_repaint();
            }
            Action::Privacy(open) => {
                self.form.privacy = open;
                if matches!(view.stage, Stage::Consent(_)) {
                    self.send(
                        ctx,
                        Command::Reading(if open { Page::Privacy } else { Page::Consent }),
                    );
                }
                ctx.request_repaint();
            }
            Action::TransferCancel => self.send(ctx, Command::TransferCancel),
            Action::TransferFile(path) => self.send(ctx, Command::TransferFile(path)),
            Action::TransferSeen => self.send(ctx, Command::TransferSeen),
            Action::SaveReceipt(folder) => self.send(ctx, Command::SaveReceipt(folder)),
            Action::PrintReceipt => self.send(ctx, Command::PrintReceipt),
            Action::MoveBar => self.window.next_edge(ctx),
            Action::DragBar => self.window.drag(ctx),
            Action::Write(text) => self.send(ctx, Command::Write(text)),
        }
    }

    /// Without a receipt on any disk the window asks once before it closes.
    fn close_if_asked(&mut self, ctx: &Context, view: &View) {
        if !ctx.input(|input| input.viewport().close_requested()) {
            return;
        }
        if ui::unsaved(&view.stage) && !self.form.closing {
            self.form.closing = true;
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            ctx.request_repaint();
        } else {
            self.send(ctx, Command::Close);
        }
    }

    fn send(&mut self, ctx: &Context, command: Command) {
        self.outbox.push_back(command);
        self.flush(ctx);
    }

    /// Gives the engine what it takes. One press makes one command, so the outbox stays short.
    fn flush(&mut self, ctx: &Context) {
        while let Some(command) = self.outbox.pop_front() {
            match self.commands.try_send(command) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(command)) => {
                    self.outbox.push_front(command);
                    ctx.request_repaint_after(SHORTLY);
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => self.outbox.clear(),
            }
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let monitor = window::monitor(ui.ctx(), frame);
        self.draw(ui, Instant::now(), monitor);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

impl Place {
    fn of(view: &View, privacy: bool) -> Self {
        let (state, question) = match &view.stage {
            Stage::Session(session) => {
                // Using mouse or keyboard turns the one into the other: the ring stays where it is.
                let state = match session.state {
                    BarState::CustomerFirst => BarState::Control,
                    state @ (BarState::View
                    | BarState::Control
                    | BarState::ViewOff
                    | BarState::Stopped
                    | BarState::Reconnecting) => state,
                };
                (Some(discriminant(&state)), session.question)
            }
            Stage::Start
            | Stage::StartError(_)
            | Stage::Connecting
            | Stage::Consent(_)
            | Stage::Screens { .. }
            | Stage::Card(_)
            | Stage::Starting(_)
            | Stage::Ended(_) => (None, None),
        };
        let (piece, elevate) = match question {
            Some(Question::Transfer(piece)) => (Some(piece), None),
            Some(Question::Elevate(step)) => (None, Some(step)),
            Some(Question::Upgrade | Question::End | Question::StillThere(_)) | None => {
                (None, None)
            }
        };
        Self {
            stage: discriminant(&view.stage),
            state,
            question: question.map(|question| discriminant(&question)),
            piece,
            elevate,
            privacy,
        }
    }
}

/// Nothing has the keyboard.
fn surrender_focus(ctx: &Context) {
    ctx.memory_mut(|memory| {
        if let Some(id) = memory.focused() {
            memory.surrender_focus(id);
        }
    });
}

fn granting(grant: Grant, hand: crate::view::Hand, language: Language, form: &Form) -> Command {
    match grant {
        Grant::ConsentView => Command::ConsentView(hand),
        Grant::ConsentControl => Command::ConsentControl(hand, language),
        Grant::CardDone | Grant::CardSkip => Command::CardDone(hand),
        Grant::Screen(number) => Command::ChooseScreen(hand, number),
        Grant::ViewOn => Command::ViewOn(hand),
        Grant::ControlOn => Command::ControlOn(hand),
        Grant::Yes => Command::Yes(hand, language),
        Grant::GoOn => Command::GoOn(hand),
        Grant::Elevate => Command::Elevate(hand, language),
        Grant::TransferYes(ask) => Command::TransferYes(hand, ask, form.piece_path.trim().into()),
        Grant::TransferNo(ask) => Command::TransferNo(hand, ask),
    }
}

/// Asks for the next frame if a countdown is or will be shown.
fn schedule(ctx: &Context, view: &View, now: Instant) {
    match &view.stage {
        Stage::Consent(consent) => ctx.request_repaint_after(ui::next_tick(now, consent.deadline)),
        Stage::Session(session) => {
            if let Some(Question::StillThere(_)) = session.question {
                ctx.request_repaint_after(SECOND);
            }
        }
        Stage::Start
        | Stage::StartError(_)
        | Stage::Connecting
        | Stage::Screens { .. }
        | Stage::Card(_)
        | Stage::Starting(_)
        | Stage::Ended(_) => {}
    }
}

/// Where there is no platform, nobody's hand counts.
struct Nobody;

impl Provenance for Nobody {
    fn presses_since(&self, _: Instant) -> Option<Vec<Press>> {
        None
    }

    fn covered(&self, _: ScreenRect) -> bool {
        true
    }

    fn covered_since(&self, _: Instant, _: ScreenRect) -> bool {
        true
    }
}

/// Frames without the code before the card counts as done: the one that was just granted does not.
const CLEARED: u8 = 2;
/// A card whose command has led nowhere for this long is shown again.
const DENIED: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);
const SHORTLY: Duration = Duration::from_millis(15);

#[cfg(test)]
mod tests;
