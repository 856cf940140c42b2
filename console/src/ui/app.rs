//! The window's content: chooses the page, carries out actions.

mod acts;

use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use egui::{CentralPanel, Frame, Margin, Panel, Ui};
use winit::raw_window_handle::HasWindowHandle as _;

use super::native::{Alike, Native, Scene};
use super::pages::Form;
use super::place::Place;
use super::placement::{Placement, Space};
use super::surface::{self, Surface};
use super::viewing::Viewing;
use super::window::{Desk, PageKeys, Shown};
use super::{Action, PathFor, bar, chat, menu, own, pages, pieces, tokens};
use crate::identity::{Identity, Store};
use crate::session::{Config, Session};
use crate::texts::{Language, Texts};
use crate::view::{self, Command, Problem, Stage, View};

/// How the window begins.
#[derive(Debug)]
pub struct Options {
    /// Where the identity is.
    pub store: Store,
    /// The identity, if enrolled.
    pub identity: Option<Identity>,
    /// Language of the texts.
    pub language: Language,
    /// Start a session at once.
    pub new_session: bool,
    /// Print each code to standard output.
    pub print_code: bool,
    /// Fill the screen.
    pub full_screen: bool,
    /// Draw the customer's pointer.
    pub pointer: bool,
    /// Pictures are textures, whatever the window system has.
    pub textures: bool,
    /// Mark the customer's bar in the picture.
    pub bar_mark: bool,
}

/// The app that eframe runs.
pub struct App {
    session: Rc<Session>,
    desk: Rc<RefCell<Desk>>,
    texts: Texts,
    surface: Surface,
    /// Shares with the engine's threads what they stir.
    native: Arc<OnceLock<Native>>,
    /// What the native surface is to show after this pass.
    scene: Option<Scene>,
    /// Over the picture the technician's pointer is to look like the customer's.
    alike: Alike,
    /// What of the picture the marks of the agent's own windows take.
    marks: Vec<Space>,
    form: Form,
    chat: chat::Form,
    /// The technician knows that the relay ends for maintenance.
    told_maintenance: bool,
    /// Lines of the customer's that the technician was told of.
    told_came: u32,
    clipboard: Option<arboard::Clipboard>,
    viewing: Viewing,
    /// When the picture was last moved by the pointer at its edge.
    pushed: Option<Instant>,
    full_screen: bool,
    /// The bar over a picture that fills the screen.
    bar_over: bool,
    statistics: bool,
    pointer: bool,
    bar_mark: bool,
    asking_end: bool,
    menu: bool,
    /// The page that asks for a path, and what is typed there.
    path: Option<(PathFor, String)>,
    /// Until when the end of a text or a file is told over a full screen.
    piece_over: Option<Instant>,
    /// The technician knows that a click points.
    told_pointing: bool,
    notice: Option<(&'static str, Instant)>,
    dropped: u64,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("surface", &self.surface)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Starts the engine and puts both on the desk.
    pub(crate) fn new(
        created: &eframe::CreationContext<'_>,
        options: Options,
        desk: Rc<RefCell<Desk>>,
    ) -> Result<Self, Problem> {
        let ctx = &created.egui_ctx;
        tokens::apply(ctx);
        let (repaint, look) = (ctx.clone(), ctx.clone());
        let native: Arc<OnceLock<Native>> = Arc::default();
        let stirred = native.clone();
        let print_code = options.print_code;
        let session = Rc::new(Session::start(Config {
            store: options.store,
            identity: options.identity,
            new_session: options.new_session,
            on_code: Box::new(move |code| {
                if print_code {
                    announce(code);
                }
            }),
            repaint: Arc::new(move || repaint.request_repaint()),
            drawn: Arc::new(move || {
                if !stirred.get().is_some_and(Native::stir) {
                    look.request_repaint();
                }
            }),
        })?);
        if let (false, Ok(window)) = (options.textures, created.window_handle()) {
            let (send, lost) = (session.sender(), ctx.clone());
            let opened = Native::open(
                window.as_raw(),
                session.board().clone(),
                move |mark, received| {
                    send(Command::Drawn { mark, received });
                },
                move || lost.request_repaint(),
            );
            opened.map(|opened| native.set(opened).ok());
        }
        {
            let mut desk = desk.borrow_mut();
            desk.session = Some(session.clone());
            desk.ctx = Some(ctx.clone());
        }
        Ok(Self {
            session,
            desk,
            texts: Texts::new(options.language),
            surface: Surface::default(),
            native,
            scene: None,
            alike: Alike::default(),
            marks: Vec::new(),
            form: Form::default(),
            chat: chat::Form::default(),
            told_came: 0,
            told_maintenance: false,
            clipboard: None,
            viewing: Viewing::default(),
            pushed: None,
            full_screen: options.full_screen,
            bar_over: false,
            statistics: false,
            pointer: options.pointer,
            bar_mark: options.bar_mark,
            asking_end: false,
            menu: false,
            path: None,
            piece_over: None,
            told_pointing: false,
            notice: None,
            dropped: 0,
        })
    }

    fn show(&mut self, ui: &mut Ui) {
        let now = Instant::now();
        let view = self.session.view();
        self.scene = None;
        self.marks.clear();
        let actions = std::mem::take(&mut self.desk.borrow_mut().actions);
        for action in actions {
            self.act(ui.ctx(), action, &view);
        }
        self.note_dropped(&view);
        if view.maintenance.is_some() && !self.told_maintenance {
            self.say("notice-maintenance");
        }
        self.told_maintenance = view.maintenance.is_some();
        let action = match &view.stage {
            Stage::Session(session) => self.session_ui(ui, &view, session, now),
            Stage::Enrol { .. }
            | Stage::Ready { .. }
            | Stage::Connecting
            | Stage::Code(_)
            | Stage::CodeOver { .. }
            | Stage::Deciding { .. }
            | Stage::Ended { .. } => {
                self.blank();
                self.asking_end &= matches!(view.stage, Stage::Deciding { .. });
                self.menu = false;
                self.path = None;
                self.told_pointing = false;
                (self.chat, self.told_came) = Default::default();
                self.page_ui(ui, &view, now)
            }
        };
        let answer = self
            .asking_end
            .then(|| bar::end_question(ui.ctx(), &self.texts))
            .flatten();
        let chosen = self.menu_ui(ui, &view, now);
        let path = match &mut self.path {
            Some((what, typed)) => pieces::path(ui.ctx(), &self.texts, *what, typed),
            None => None,
        };
        let dropped = pieces::dropped(ui.ctx());
        let all = [action, answer, chosen, path, dropped];
        for action in all.into_iter().flatten() {
            self.act(ui.ctx(), action, &view);
            ui.ctx().request_repaint();
        }
        self.notice_ui(ui, now);
        self.show_native(ui);
        {
            let mut desk = self.desk.borrow_mut();
            desk.keys = page_keys(&view.stage, self.asking_end);
            desk.dialog = self.asking_end || self.menu || self.path.is_some();
            desk.writing = self.chat.open && self.chat.typing;
            desk.place = place(ui.ctx()).or(desk.place);
        }
        if let Stage::Session(session) = &view.stage
            && session.silent_since.is_some()
        {
            ui.ctx().request_repaint_after(Duration::from_secs(1));
        }
        let counted = counted(&view.stage).or(view.maintenance);
        if let Some(until) = counted.filter(|until| *until > now) {
            // A countdown changes once a second, and only here does time itself repaint.
            let left = until.saturating_duration_since(now);
            ui.ctx().request_repaint_after(Duration::from_nanos(
                u64::from(left.subsec_nanos()) + 1_000_000,
            ));
        }
    }

    /// What lies upon the picture is known only now.
    fn show_native(&mut self, ui: &Ui) {
        let Some(native) = self.native.get() else {
            return;
        };
        let marks = std::mem::take(&mut self.marks);
        let holes: Vec<Space> = upon(ui).into_iter().chain(marks).collect();
        let pointer = self.desk.borrow().pointer;
        let free = pointer.is_some_and(|at| !holes.iter().any(|hole| hole.contains(at)));
        let wanted = std::mem::take(&mut self.alike.wanted) && free && self.scene.is_some();
        let alike = self.alike.follow(wanted, ui.ctx().cumulative_frame_nr());
        if wanted {
            ui.ctx().set_cursor_icon(egui::CursorIcon::None);
            if alike.is_none() {
                ui.ctx().request_repaint();
            }
        }
        let scene = self.scene.take().map(|scene| Scene {
            holes,
            alike,
            ..scene
        });
        if native.show(scene) {
            ui.ctx().request_repaint();
        }
    }

    /// True if a picture that lies like this is shown without egui: nothing dims it.
    fn by_area(&self, placed: &Placement) -> bool {
        let works = self.native.get().is_some_and(Native::works);
        works && !self.asking_end && self.path.is_none() && Scene::takes(placed)
    }

    fn session_ui(
        &mut self,
        ui: &mut Ui,
        view: &View,
        session: &view::Session,
        now: Instant,
    ) -> Option<Action> {
        let mut action = None;
        let over_picture = self.full_screen && session.shows() && self.pictured();
        if !over_picture {
            let frame = Frame::new()
                .fill(tokens::colours(ui).raised)
                .inner_margin(Margin::symmetric(12, 6));
            Panel::top("bar").frame(frame).show(ui, |ui| {
                action = bar::bar(ui, &self.texts, session, self.bar_state(session, view, now));
            });
        }
        self.note_chat(&session.chat);
        if self.chat.open {
            let said = self.chat_ui(ui, session);
            action = action.or(said);
        }
        if session.shows() {
            self.picture_ui(ui, session, now);
        } else {
            self.blank();
        }
        if over_picture != (self.full_screen && session.shows() && self.pictured()) {
            // The first picture takes the bar off the screen, and nothing else may happen.
            ui.ctx().request_repaint();
        }
        if !self.pictured() {
            action = action.or_else(|| self.page_ui(ui, view, now));
        } else if over_picture && self.bar_over {
            action = self.bar_over_ui(ui, session, view, now);
        } else if over_picture {
            bar::badge(ui.ctx(), &self.texts, session, silent_s(session, now));
            self.piece_ui(ui, session, now);
        }
        if self.statistics {
            let by_area = self.scene.is_some();
            bar::statistics(ui.ctx(), &self.texts, &view.measured, by_area);
        }
        action
    }

    fn chat_ui(&mut self, ui: &mut Ui, session: &view::Session) -> Option<Action> {
        let c = tokens::colours(ui);
        let frame = Frame::new()
            .fill(c.raised)
            .inner_margin(Margin::symmetric(12, 8));
        let width = chat_width(ui.ctx());
        let panel = Panel::right("chat").frame(frame).exact_size(width);
        let shown = panel.show(ui, |ui| {
            chat::panel(ui, &self.texts, &session.chat, &mut self.chat)
        });
        shown.inner
    }

    /// A line that came where the chat is not to be seen is told once.
    fn note_chat(&mut self, talk: &view::Talk) {
        if talk.came > self.told_came && !self.chat.open {
            self.say("notice-chat");
        }
        self.told_came = talk.came;
    }

    /// Over a picture that fills the screen: how far a text or a file is, and for a moment what became of it.
    fn piece_ui(&mut self, ui: &Ui, session: &view::Session, now: Instant) {
        let Some(piece) = &session.piece else {
            self.piece_over = None;
            return;
        };
        if piece.under_way() {
            self.piece_over = None;
        } else {
            let until = *self.piece_over.get_or_insert(now + NOTICE * 2);
            if until <= now {
                return;
            }
            ui.ctx().request_repaint_after(until - now);
        }
        pieces::badge(ui.ctx(), &self.texts, piece);
    }

    fn picture_ui(&mut self, ui: &mut Ui, session: &view::Session, now: Instant) {
        let ctx = ui.ctx().clone();
        let frame = Frame::new().fill(tokens::colours(ui).ground);
        CentralPanel::default().frame(frame).show(ui, |ui| {
            let space = physical(ui);
            let pointer = self.desk.borrow().pointer;
            let mut board = self.session.board().lock();
            let size = board.pixels().map(|p| (p.width, p.height));
            let screens = session.screens_of(board.layout());
            let placed = size.map(|size| {
                let seconds = self
                    .pushed
                    .map_or(FIRST_PUSH, |at| (now - at).as_secs_f64());
                let (placed, moved) = self.viewing.follow(space, size, screens, pointer, seconds);
                self.pushed = moved.then_some(now);
                if moved {
                    ctx.request_repaint();
                }
                placed
            });
            // Under control the technician's own pointer is where the customer's is: two would confuse.
            let inside = placed
                .as_ref()
                .zip(pointer)
                .and_then(|(placed, at)| placed.pixel(at));
            let controls = inside.is_some() && session.rights.control();
            let remote = self.pointer && !controls;
            self.alike.wanted = controls && board.pointer().to_see().is_some();
            let own = session.own_of(board.layout()).to_vec();
            let placed = match placed {
                Some(placed) if self.by_area(&placed) => {
                    self.surface.clear();
                    self.scene = Some(Scene {
                        generation: board.generation(),
                        layout: board.layout(),
                        placed: placed.clone(),
                        pointer: remote,
                        alike: None,
                        holes: Vec::new(),
                    });
                    placed
                }
                placed => {
                    let shown = self.surface.update(&ctx, &mut board, placed.as_ref());
                    let pointer = board.pointer().clone();
                    let Some(placed) = placed else {
                        drop(board);
                        return self.blank();
                    };
                    self.surface.paint(ui, &placed);
                    if remote {
                        self.surface.paint_pointer(ui, &placed, &pointer);
                    }
                    if let Some(surface::Shown { marks, received }) = shown {
                        for mark in marks {
                            self.session.send(Command::Drawn { mark, received });
                        }
                    }
                    placed
                }
            };
            drop(board);
            if self.bar_mark {
                let marks = own::paint(ui, &placed, &own, &self.texts.text("picture-own-area"));
                self.marks = marks
                    .into_iter()
                    .map(|mark| physical_rect(ui, mark))
                    .collect();
            }
            self.desk.borrow_mut().picture = Some(Shown {
                placed,
                control: session.takes_input()
                    && !self.asking_end
                    && !self.menu
                    && self.path.is_none(),
                points: session.points(),
                covered: Vec::new(),
                own,
            });
        });
    }

    /// True while a picture is on the screen.
    fn pictured(&self) -> bool {
        self.desk.borrow().picture.is_some()
    }

    fn bar_over_ui(
        &mut self,
        ui: &mut Ui,
        session: &view::Session,
        view: &View,
        now: Instant,
    ) -> Option<Action> {
        let width = ui.ctx().content_rect().width();
        let area = egui::Area::new(egui::Id::unique("bar over")).fixed_pos(egui::Pos2::ZERO);
        let shown = area.show(ui.ctx(), |ui| {
            bar::raised(ui)
                .show(ui, |ui| {
                    ui.set_width(width - 30.0);
                    bar::bar(ui, &self.texts, session, self.bar_state(session, view, now))
                })
                .inner
        });
        let covered = physical_rect(ui, shown.response.rect);
        if let Some(picture) = &mut self.desk.borrow_mut().picture {
            picture.covered.push(covered);
        }
        shown.inner
    }

    fn page_ui(&mut self, ui: &mut Ui, view: &View, now: Instant) -> Option<Action> {
        let frame = Frame::new()
            .fill(tokens::colours(ui).ground)
            .inner_margin(Margin::same(16));
        let shown = CentralPanel::default().frame(frame).show(ui, |ui| {
            pages::page(ui, &self.texts, view, &mut self.form, now)
        });
        shown.inner
    }

    fn notice_ui(&mut self, ui: &Ui, now: Instant) {
        let Some((key, until)) = self.notice else {
            return;
        };
        if until <= now {
            self.notice = None;
            return;
        }
        let beside = match self.chat.open {
            true => chat_width(ui.ctx()),
            false => 0.0,
        };
        bar::notice(ui.ctx(), &self.texts.text(key), beside);
        ui.ctx().request_repaint_after(until - now);
    }

    fn bar_state(&self, session: &view::Session, view: &View, now: Instant) -> bar::State {
        bar::State {
            scale: self.viewing.scale(),
            percent: self.viewing.percent(),
            screen: self.viewing.screen(),
            full_screen: self.full_screen,
            statistics: self.statistics,
            pointer: self.pointer,
            bar_over: self.bar_over,
            chat: self.chat.open,
            unread: self.chat.unread(&session.chat),
            ends_in_s: ends_in_s(view, now),
            silent_s: silent_s(session, now),
        }
    }

    fn menu_ui(&mut self, ui: &Ui, view: &View, now: Instant) -> Option<Action> {
        let Stage::Session(session) = &view.stage else {
            return None;
        };
        if !self.menu {
            return None;
        }
        let state = self.bar_state(session, view, now);
        menu::menu(
            ui.ctx(),
            &self.texts,
            state,
            session.takes_input(),
            session.takes_pieces,
            session.piece.as_ref().is_some_and(view::Piece::under_way),
        )
    }

    /// No picture: not on the screen, not in the graphics memory.
    fn blank(&mut self) {
        self.surface.clear();
        self.desk.borrow_mut().picture = None;
    }

    fn note_dropped(&mut self, view: &View) {
        // Where a click on the customer's bar was dropped, that has been said.
        let said = self.notice.is_some_and(|(key, _)| key == OWN_AREA);
        if view.dropped > self.dropped && !said {
            self.say("notice-dropped");
        }
        self.dropped = view.dropped;
    }

    fn say(&mut self, key: &'static str) {
        self.notice = Some((key, Instant::now() + NOTICE));
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }
}

/// Seconds that a picture at rest is moved by at first.
const FIRST_PUSH: f64 = 0.016;

const OWN_AREA: &str = "notice-own-area";

/// The chat's width, of the window's.
const CHAT_SHARE: f32 = 0.3;
const CHAT_LEAST: f32 = 240.0;
const CHAT_MOST: f32 = 380.0;

/// How long a notice stands.
const NOTICE: Duration = Duration::from_secs(4);

fn page_keys(stage: &Stage, asking_end: bool) -> PageKeys {
    match stage {
        Stage::Enrol { busy: false, .. } => PageKeys::Token,
        Stage::Code(_) => PageKeys::Code,
        Stage::Session(_) | Stage::Deciding { .. } if !asking_end => PageKeys::Session,
        Stage::Enrol { busy: true, .. }
        | Stage::Ready { .. }
        | Stage::Connecting
        | Stage::CodeOver { .. }
        | Stage::Deciding { .. }
        | Stage::Session(_)
        | Stage::Ended { .. } => PageKeys::None,
    }
}

/// In how many seconds the relay ends for maintenance.
fn ends_in_s(view: &View, now: Instant) -> Option<u64> {
    let until = view.maintenance?;
    Some(until.saturating_duration_since(now).as_secs())
}

/// For how many seconds nothing has come from the customer's computer.
fn silent_s(session: &view::Session, now: Instant) -> Option<u64> {
    let since = session.silent_since?;
    Some(now.saturating_duration_since(since).as_secs())
}

/// Until when a page counts down.
fn counted(stage: &Stage) -> Option<Instant> {
    match stage {
        Stage::Code(code) => Some(code.until),
        Stage::Deciding { until, .. } => *until,
        Stage::Session(session) if !session.shows() => session.until,
        Stage::Session(_)
        | Stage::Enrol { .. }
        | Stage::Ready { .. }
        | Stage::Connecting
        | Stage::CodeOver { .. }
        | Stage::Ended { .. } => None,
    }
}

/// How much of the window the chat takes.
fn chat_width(ctx: &egui::Context) -> f32 {
    (ctx.content_rect().width() * CHAT_SHARE).clamp(CHAT_LEAST, CHAT_MOST)
}

/// Where the window is, unless it fills the screen or is not to be seen.
fn place(ctx: &egui::Context) -> Option<Place> {
    ctx.input(|i| {
        let viewport = i.viewport();
        let hidden = viewport.minimized == Some(true) || viewport.fullscreen == Some(true);
        if hidden || viewport.maximized == Some(true) {
            return None;
        }
        Some(Place {
            corner: viewport.outer_rect?.min,
            size: viewport.inner_rect?.size(),
            maximized: false,
        })
    })
}

/// What egui has drawn over everything else in this pass.
fn upon(ui: &Ui) -> Vec<Space> {
    let layers = ui.ctx().memory(|memory| memory.areas().visible_layer_ids());
    // egui still counts what was there in the pass before.
    let drawn = ui.ctx().graphics(|graphics| {
        let now = |layer: &egui::LayerId| graphics.get(*layer).is_some_and(|list| !list.is_empty());
        let above = layers
            .into_iter()
            .filter(|layer| layer.order != egui::Order::Background);
        above.filter(now).collect::<Vec<_>>()
    });
    let rects: Vec<egui::Rect> = ui.ctx().memory(|memory| {
        let rects = drawn.iter().map(|layer| memory.area_rect(layer.id));
        rects.flatten().collect()
    });
    let spaces = rects.into_iter().map(|rect| physical_rect(ui, rect));
    let mut spaces: Vec<Space> = spaces.collect();
    // Their order is chance; the surface is moved only if they are others.
    spaces.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    spaces
}

/// The part of the window that `ui` may fill, in whole physical pixels.
fn physical(ui: &Ui) -> Space {
    physical_rect(ui, ui.max_rect())
}

fn physical_rect(ui: &Ui, rect: egui::Rect) -> Space {
    let ppp = f64::from(ui.ctx().pixels_per_point());
    let pixel = |v: f32| (f64::from(v) * ppp).round();
    let (x, y) = (pixel(rect.min.x), pixel(rect.min.y));
    Space {
        x,
        y,
        width: pixel(rect.max.x) - x,
        height: pixel(rect.max.y) - y,
    }
}

/// One line for scripts and ticket systems.
fn announce(code: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that has gone away does not want the code.
    drop(writeln!(out, "code {code}").and_then(|()| out.flush()));
}
