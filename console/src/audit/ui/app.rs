//! The auditor's window: chooses the page, carries wishes to the engine.
//!
//! ```text
//! winit events ─► Intake (Ctrl+V) ─► eframe ─► App ─► pages, player ─► Wish ─► Command ─► engine
//! ```

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use eframe::UserEvent;
use egui::{CentralPanel, Frame, Margin, Ui};
use winit::application::ApplicationHandler;
use winit::event::{ElementState, StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::keyboard::{Key, ModifiersState};
use winit::platform::modifier_supplement::KeyEventExtModifierSupplement as _;
use winit::window::WindowId;

use super::engine::{Engine, Office};
use super::pages::{self, Form};
use super::view::{Command, Order, Page, Playing, Proof, View};
use super::{Failure, Wish, player};
use crate::texts::{Language, Texts};
use crate::ui::placement::Space;
use crate::ui::surface::Surface;
use crate::ui::tokens;
use crate::ui::viewing::{Act, Viewing};
use crate::view::Problem;

/// How the window begins.
#[derive(Debug)]
pub struct Options {
    /// Language of the texts.
    pub language: Language,
    /// Where exports go, unless said otherwise.
    pub folder: PathBuf,
    /// What is done first, as if the auditor had asked for it.
    pub begin: Vec<Command>,
}

/// Opens the window and runs until it is closed.
pub fn run(options: Options, office: impl Office) -> Result<(), Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::from(Problem::Window(e.to_string()));
    let event_loop = EventLoop::<UserEvent>::with_user_event()
        .build()
        .map_err(|e| failed(&e))?;
    let viewport = egui::ViewportBuilder::default()
        .with_title(Texts::new(options.language).text("window-title"))
        .with_app_id("fernsicht-auditor")
        .with_inner_size([1280.0, 860.0])
        .with_min_inner_size([760.0, 480.0]);
    let native = eframe::NativeOptions {
        viewport,
        // The picture's pixels must arrive as they are.
        dithering: false,
        ..eframe::NativeOptions::default()
    };
    let paste = Rc::new(Cell::new(false));
    let started = Rc::new(RefCell::new(Err(failed(
        &"the graphics system did not start",
    ))));
    let (for_app, told) = (paste.clone(), started.clone());
    let create: eframe::AppCreator<'_> =
        Box::new(
            move |cc| match App::new(&cc.egui_ctx, options, office, for_app) {
                Ok(app) => {
                    *told.borrow_mut() = Ok(());
                    Ok(Box::new(app))
                }
                Err(failure) => {
                    let text = failure.to_string();
                    *told.borrow_mut() = Err(failure);
                    Err(text.into())
                }
            },
        );
    let app = eframe::create_native("fernsicht-auditor", native, create, &event_loop);
    let mut intake = Intake {
        app,
        modifiers: ModifiersState::empty(),
        paste,
    };
    event_loop.run_app(&mut intake).map_err(|e| failed(&e))?;
    drop(intake);
    started.replace(Ok(()))
}

/// The app that eframe runs.
struct App {
    engine: Engine,
    texts: Texts,
    form: Form,
    player: player::State,
    surface: Surface,
    viewing: Viewing,
    /// Ctrl+V was pressed: egui's own clipboard knows nothing of other programs.
    paste: Rc<Cell<bool>>,
    clipboard: Option<arboard::Clipboard>,
}

impl App {
    fn new(
        ctx: &egui::Context,
        options: Options,
        office: impl Office,
        paste: Rc<Cell<bool>>,
    ) -> Result<Self, Failure> {
        tokens::apply(ctx);
        let repaint = ctx.clone();
        let engine = Engine::start(office, move || repaint.request_repaint())?;
        for command in options.begin {
            engine.send(command);
        }
        Ok(Self {
            engine,
            texts: Texts::new(options.language),
            form: Form {
                folder: options.folder.display().to_string(),
                ..Form::default()
            },
            player: player::State::default(),
            surface: Surface::default(),
            viewing: Viewing::default(),
            paste,
            clipboard: None,
        })
    }

    fn show(&mut self, ui: &mut Ui) {
        self.take_dropped(ui.ctx());
        let view = self.engine.view();
        let wish = match &view.page {
            Page::Replay(playing) => self.replay_ui(ui, &view, playing),
            Page::Enrol
            | Page::Unlock
            | Page::Case(_)
            | Page::Verification
            | Page::Export { .. } => {
                self.surface.clear();
                let frame = Frame::new()
                    .fill(tokens::colours(ui).ground)
                    .inner_margin(Margin::same(0));
                let shown = CentralPanel::default()
                    .frame(frame)
                    .show(ui, |ui| pages::page(ui, &self.texts, &view, &mut self.form));
                shown.inner
            }
        };
        if let Some(wish) = wish {
            self.act(wish, &view);
            ui.ctx().request_repaint();
        }
    }

    fn replay_ui(&mut self, ui: &mut Ui, view: &View, playing: &Playing) -> Option<Wish> {
        let Self {
            engine,
            texts,
            player: state,
            surface,
            viewing,
            ..
        } = self;
        let mut exact = state.exact;
        let mut picture = |ui: &mut Ui| {
            let ctx = ui.ctx().clone();
            let space = physical(ui);
            let pointer = ctx.pointer_hover_pos().map(|at| {
                let ppp = f64::from(ctx.pixels_per_point());
                (f64::from(at.x) * ppp, f64::from(at.y) * ppp)
            });
            let mut board = engine.board().lock();
            let size = board.pixels().map(|p| (p.width, p.height));
            let seconds = f64::from(ctx.input(|i| i.stable_dt));
            let placed = size.map(|size| {
                let (placed, moved) = viewing.follow(space, size, &[], pointer, seconds);
                if moved {
                    ctx.request_repaint();
                }
                placed
            });
            exact = placed.as_ref().map_or(exact, |placed| placed.exact());
            // Its mark is of no use: nobody waits for an acknowledgement here.
            let _mark = surface.update(&ctx, &mut board, placed.as_ref());
            let remote = board.pointer().clone();
            drop(board);
            if let Some(placed) = placed {
                surface.paint(ui, &placed);
                surface.paint_pointer(ui, &placed, &remote);
            }
        };
        let wish = player::player(ui, texts, view, playing, state, &mut picture);
        self.player.exact = exact;
        wish
    }

    fn act(&mut self, wish: Wish, view: &View) {
        let command = match wish {
            Wish::Submit => self.submit(view),
            Wish::Refresh => Some(Command::Refresh),
            Wish::Watch => Some(Command::Watch),
            Wish::Verification => Some(Command::Verification),
            Wish::Export => Some(Command::ShowExport),
            Wish::StartExport => Some(Command::Export(Order {
                folder: PathBuf::from(self.form.folder.trim()),
                report: !self.form.no_report,
                video: !self.form.no_video,
            })),
            Wish::Cancel => {
                self.engine.cancel();
                None
            }
            Wish::Close => {
                self.form.code.clear();
                self.form.receipt.clear();
                self.form.reference.clear();
                self.player = player::State::default();
                Some(Command::Close)
            }
            Wish::Play(run) => Some(Command::Play(run)),
            Wish::Speed(speed) => Some(Command::Speed(speed)),
            Wish::Seek(time) => Some(Command::Seek(time)),
            Wish::Reveal(act) => Some(Command::Reveal(act)),
            Wish::Mask(act) => Some(Command::Mask(act)),
            Wish::ToggleScale => {
                self.viewing.act(Act::Toggle);
                None
            }
            Wish::Language(language) => {
                self.texts = Texts::new(language);
                None
            }
        };
        if let Some(command) = command {
            self.engine.send(command);
        }
    }

    /// What the form says, for the page that it is on.
    fn submit(&mut self, view: &View) -> Option<Command> {
        let form = &mut self.form;
        match &view.page {
            Page::Enrol => Some(Command::Enrol {
                token: form.token.trim().to_owned(),
                passphrase: form.passphrase.clone(),
                again: std::mem::take(&mut form.again),
            }),
            Page::Unlock => Some(Command::Unlock {
                passphrase: std::mem::take(&mut form.passphrase),
            }),
            Page::Case(_) => Some(Command::Open {
                reference: form.reference.trim().to_owned(),
                proof: match form.by_code {
                    true => Proof::Code(form.code.clone()),
                    false => Proof::Receipt(PathBuf::from(form.receipt.trim())),
                },
            }),
            Page::Verification | Page::Replay(_) | Page::Export { .. } => None,
        }
    }

    /// A file that was dropped on the window is the receipt.
    fn take_dropped(&mut self, ctx: &egui::Context) {
        let dropped = ctx.input(|i| i.raw.dropped_files.first().map(|f| f.path().to_owned()));
        if let Some(path) = dropped {
            self.form.receipt = path.display().to_string();
            self.form.by_code = false;
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        if !self.paste.take() {
            return;
        }
        // Kept open: on X11 the text lives as long as its owner.
        if self.clipboard.is_none() {
            self.clipboard = arboard::Clipboard::new().ok();
        }
        let text = self.clipboard.as_mut().and_then(|c| c.get_text().ok());
        if let Some(text) = text.filter(|t| t.len() <= LONGEST_PASTE) {
            input
                .events
                .push(egui::Event::Paste(text.trim().to_owned()));
        }
    }
}

/// Longer than any token or path.
const LONGEST_PASTE: usize = 8192;

/// The part of the window that `ui` may fill, in whole physical pixels.
fn physical(ui: &Ui) -> Space {
    let ppp = f64::from(ui.ctx().pixels_per_point());
    let pixel = |v: f32| (f64::from(v) * ppp).round();
    let rect = ui.max_rect();
    let (x, y) = (pixel(rect.min.x), pixel(rect.min.y));
    Space {
        x,
        y,
        width: pixel(rect.max.x) - x,
        height: pixel(rect.max.y) - y,
    }
}

/// Sees Ctrl+V before egui does.
struct Intake<'a> {
    app: eframe::EframeWinitApplication<'a>,
    modifiers: ModifiersState,
    paste: Rc<Cell<bool>>,
}

impl Intake<'_> {
    fn note(&mut self, event: &WindowEvent) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the other events are egui's"
        )]
        match event {
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            WindowEvent::KeyboardInput { event, .. } => {
                let plain = event.key_without_modifiers();
                let v = matches!(&plain, Key::Character(letter) if letter.as_str() == "v");
                let control = self.modifiers.control_key() && !self.modifiers.alt_key();
                if v && control && event.state == ElementState::Pressed {
                    self.paste.set(true);
                }
            }
            _ => {}
        }
    }
}

impl ApplicationHandler<UserEvent> for Intake<'_> {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        self.app.resumed(event_loop);
    }

    fn suspended(&mut self, event_loop: &ActiveEventLoop) {
        self.app.suspended(event_loop);
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, window: WindowId, event: WindowEvent) {
        self.note(&event);
        self.app.window_event(event_loop, window, event);
    }

    fn new_events(&mut self, event_loop: &ActiveEventLoop, cause: StartCause) {
        self.app.new_events(event_loop, cause);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, event: UserEvent) {
        self.app.user_event(event_loop, event);
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        self.app.about_to_wait(event_loop);
    }

    fn exiting(&mut self, event_loop: &ActiveEventLoop) {
        self.app.exiting(event_loop);
    }
}
