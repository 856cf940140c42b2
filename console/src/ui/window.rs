//! The window's event loop: what goes to the customer's computer is taken before egui sees it.
//!
//! ```text
//! winit ─► Intake ─┬─ over the picture, or a key while it is shown ─► Capture ─► engine
//!                  ├─ local keys (Ctrl+Alt+…), copy, paste          ─► actions for the app
//!                  └─ everything else                               ─► eframe
//! ```
//!
//! So input does not wait for a repaint, and moving the pointer over the picture repaints nothing.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eframe::UserEvent;
use fernsicht_protocol::content::{self, Button, InputEvent};
use winit::application::ApplicationHandler;
use winit::event::{
    ElementState, Ime, KeyEvent, MouseButton, MouseScrollDelta, StartCause, WindowEvent,
};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::keyboard::{Key, KeyCode, ModifiersState, NamedKey, PhysicalKey};
use winit::platform::modifier_supplement::KeyEventExtModifierSupplement as _;
use winit::window::WindowId;

use super::app::{App, Options};
use super::own;
use super::place::{self, Place};
use super::placement::{Placement, Space};
use super::viewing::{self, Act};
use super::{Action, PathFor};
use crate::input::capture::{Capture, Noted, Press};
use crate::session::Session;
use crate::texts::Texts;
use crate::view::{Command, Problem};

/// What the intake and the app both know. One thread, no waiting.
#[derive(Default)]
pub(crate) struct Desk {
    /// The engine, once the window stands.
    pub(crate) session: Option<Rc<Session>>,
    pub(crate) ctx: Option<egui::Context>,
    /// The picture on the screen; none while another page is.
    pub(crate) picture: Option<Shown>,
    pub(crate) keys: PageKeys,
    /// The technician's pointer, in physical pixels of the window.
    pub(crate) pointer: Option<(f64, f64)>,
    /// For the app, in its next pass.
    pub(crate) actions: Vec<Action>,
    /// A menu or a question stands over everything: keys are its.
    pub(crate) dialog: bool,
    /// The chat's field has the keyboard: keys are its.
    pub(crate) writing: bool,
    /// Where the window is.
    pub(crate) place: Option<Place>,
}

/// A picture that takes the hands' work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) placed: Placement,
    /// True if what is done over it is sent.
    pub(crate) control: bool,
    /// True if a click on it points, for the customer to see.
    pub(crate) points: bool,
    /// What of it egui's things lie upon.
    pub(crate) covered: Vec<Space>,
    /// The agent's own windows in it: what is done there has no effect.
    pub(crate) own: Vec<content::Place>,
}

/// Keys that egui cannot give us on the page that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum PageKeys {
    /// None.
    #[default]
    None,
    /// Ctrl+V pastes the token.
    Token,
    /// Ctrl+C copies the code.
    Code,
    /// The local keys of a session.
    Session,
}

impl Desk {
    /// The pixel of the picture under a point of the window.
    pub(crate) fn pixel(&self, at: (f64, f64)) -> Option<(u16, u16)> {
        let shown = self.picture.as_ref()?;
        let covered = shown.covered.iter().any(|space| space.contains(at));
        if covered || self.dialog {
            None
        } else {
            shown.placed.pixel(at)
        }
    }

    /// True if this pixel lies on one of the agent's own windows.
    fn on_own(&self, pixel: (u16, u16)) -> bool {
        let picture = self.picture.as_ref();
        picture.is_some_and(|picture| own::contains(&picture.own, pixel))
    }

    /// True if keys are not the customer's.
    fn keeps_keys(&self) -> bool {
        self.dialog || self.writing
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action);
        self.repaint();
    }

    fn repaint(&self) {
        if let Some(ctx) = &self.ctx {
            ctx.request_repaint();
        }
    }
}

/// Opens the window and runs until it is closed.
pub fn run(options: Options) -> Result<(), Problem> {
    let failed = |e: &dyn std::fmt::Display| Problem::Window(e.to_string());
    let event_loop = EventLoop::<UserEvent>::with_user_event()
        .build()
        .map_err(|e| failed(&e))?;
    let desk = Rc::new(RefCell::new(Desk::default()));
    let folder = options.store.folder().clone();
    let place = Place::load(&folder);
    let mut viewport = egui::ViewportBuilder::default()
        .with_title(Texts::new(options.language).text("app-title"))
        .with_app_id("fernsicht-console")
        .with_inner_size(place.map_or(USUAL, |place| place.size))
        .with_min_inner_size(place::SMALLEST)
        .with_fullscreen(options.full_screen);
    if let Some(place) = &place {
        viewport = viewport.with_position(place.corner);
    }
    let native = eframe::NativeOptions {
        viewport,
        // The picture's pixels must arrive as they are.
        dithering: false,
        // A window that waits for the screen makes the hands wait too.
        glow_options: egui_glow_configuration(),
        ..eframe::NativeOptions::default()
    };
    let problem = Rc::new(RefCell::new(None));
    let (for_app, for_problem) = (desk.clone(), problem.clone());
    let create: eframe::AppCreator<'_> = Box::new(move |cc| match App::new(cc, options, for_app) {
        Ok(app) => Ok(Box::new(app)),
        Err(error) => {
            let text = error.to_string();
            *for_problem.borrow_mut() = Some(error);
            Err(text.into())
        }
    });
    let app = eframe::create_native("fernsicht-console", native, create, &event_loop);
    let mut intake = Intake {
        app,
        hands: Hands::new(desk.clone()),
        place: Some(place),
    };
    event_loop.run_app(&mut intake).map_err(|e| failed(&e))?;
    drop(intake);
    if let Some(place) = desk.borrow().place {
        place.save(&folder);
    }
    let opened = desk.borrow_mut().session.take().is_some();
    match problem.borrow_mut().take() {
        Some(problem) => Err(problem),
        None if opened => Ok(()),
        None => Err(Problem::Window("the graphics system did not start".into())),
    }
}

fn egui_glow_configuration() -> eframe::egui_glow::GlowConfiguration {
    eframe::egui_glow::GlowConfiguration {
        vsync: false,
        ..Default::default()
    }
}

struct Intake<'a> {
    app: eframe::EframeWinitApplication<'a>,
    hands: Hands,
    /// Where the window was put, if anywhere, until it is known whether any screen shows that.
    place: Option<Option<Place>>,
}

impl Intake<'_> {
    /// A window that no screen shows any more comes back to the first one; where none has room for the usual size it
    /// fills the screen.
    fn check_place(&mut self, event_loop: &ActiveEventLoop) {
        let Some(place) = self.place.take() else {
            return;
        };
        let screens: Vec<egui::Rect> = event_loop
            .available_monitors()
            .map(|screen| {
                let scale = screen.scale_factor();
                let (at, size) = (
                    screen.position().to_logical::<f32>(scale),
                    screen.size().to_logical::<f32>(scale),
                );
                egui::Rect::from_min_size(
                    egui::pos2(at.x, at.y),
                    egui::vec2(size.width, size.height),
                )
            })
            .collect();
        let desk = self.hands.desk.borrow();
        let (Some(first), Some(ctx)) = (screens.first(), &desk.ctx) else {
            return;
        };
        match place {
            None if place::cramped(USUAL, &screens) => {
                ctx.send_viewport_cmd(egui::ViewportCommand::Maximized(true));
            }
            Some(place) if !place.reachable(&screens) => {
                let corner = first.min + egui::vec2(40.0, 40.0);
                ctx.send_viewport_cmd(egui::ViewportCommand::OuterPosition(corner));
            }
            Some(_) | None => {}
        }
    }
}

/// The window's size at the first start.
const USUAL: egui::Vec2 = egui::vec2(1100.0, 760.0);

/// The technician's hands over the picture.
struct Hands {
    desk: Rc<RefCell<Desk>>,
    capture: Capture,
    modifiers: ModifiersState,
    /// What was done last went to the customer's computer.
    controlling: bool,
    /// The pointer was over the picture, as far as egui knows.
    inside: bool,
    /// Buttons that went down on something of egui's.
    others: u32,
    /// The chat's field had the keyboard.
    writing: bool,
    /// A command was lost: everything must go up before the next one.
    lost: bool,
    /// While the technician points: when that was last sent.
    pointing: Option<Instant>,
}

impl Hands {
    fn new(desk: Rc<RefCell<Desk>>) -> Self {
        Self {
            desk,
            capture: Capture::default(),
            modifiers: ModifiersState::empty(),
            controlling: false,
            inside: false,
            others: 0,
            writing: false,
            lost: false,
            pointing: None,
        }
    }

    /// True if egui must not see the event.
    fn handle(&mut self, event: &WindowEvent) -> bool {
        self.check_control();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the other events are egui's"
        )]
        match event {
            WindowEvent::ModifiersChanged(modifiers) => {
                self.modifiers = modifiers.state();
                self.capture.handle_modifiers(self.modifiers);
                false
            }
            WindowEvent::KeyboardInput {
                event,
                is_synthetic: false,
                ..
            } => self.handle_key(event),
            WindowEvent::KeyboardInput { .. } => {
                let desk = self.desk.borrow();
                desk.picture.is_some() && !desk.keeps_keys()
            }
            WindowEvent::Ime(Ime::Commit(text)) => self.handle_text(text),
            WindowEvent::CursorMoved { position, .. } => self.handle_move((position.x, position.y)),
            WindowEvent::CursorLeft { .. } => {
                self.inside = false;
                let mut desk = self.desk.borrow_mut();
                desk.pointer = None;
                desk.repaint();
                false
            }
            WindowEvent::MouseInput { state, button, .. } => self.handle_button(*state, *button),
            WindowEvent::MouseWheel { delta, .. } => self.handle_wheel(*delta),
            WindowEvent::Focused(false) => {
                self.release();
                false
            }
            _ => false,
        }
    }

    /// Control that is gone takes with it what is held.
    fn check_control(&mut self) {
        let control = self
            .desk
            .borrow()
            .picture
            .as_ref()
            .is_some_and(|p| p.control);
        let writing = self.desk.borrow().writing;
        if self.controlling && !control || writing && !self.writing {
            self.release();
        }
        (self.controlling, self.writing) = (control, writing);
    }

    fn handle_key(&mut self, event: &KeyEvent) -> bool {
        if event.state == ElementState::Pressed && self.local_key(event) {
            return true;
        }
        let (shown, control, kept) = {
            let desk = self.desk.borrow();
            (desk.picture.is_some(), self.controlling, desk.keeps_keys())
        };
        if !shown || kept {
            return false;
        }
        if !control {
            if event.state == ElementState::Pressed && event.text.is_some() && !event.repeat {
                self.desk.borrow_mut().act(Action::NoControl);
            }
            return true;
        }
        let press = Press {
            physical: event.physical_key,
            logical: event.logical_key.clone(),
            plain: event.key_without_modifiers(),
            text: event.text.as_ref().map(|t| t.to_string()),
            location: event.location,
            down: event.state == ElementState::Pressed,
            repeat: event.repeat,
        };
        let mut out = Vec::new();
        if self.capture.handle_key(&press, &mut out) == Noted::StopKey {
            self.desk.borrow_mut().act(Action::StopKey);
        }
        self.send(out);
        true
    }

    /// Keys that the console keeps for itself.
    fn local_key(&mut self, event: &KeyEvent) -> bool {
        if let Some(act) = self.view_key(event) {
            self.desk.borrow_mut().act(Action::View(act));
            return true;
        }
        let plain = event.key_without_modifiers();
        let Key::Character(letter) = &plain else {
            return false;
        };
        let (control, alt) = (self.modifiers.control_key(), self.modifiers.alt_key());
        let mut desk = self.desk.borrow_mut();
        let action = match (desk.keys, letter.as_str()) {
            (_, "f") if control && alt => Action::ToggleFullScreen,
            (PageKeys::Session, "k") if control && alt => Action::ToggleMenu,
            (PageKeys::Session, "m") if control && alt => Action::ToggleBar,
            (PageKeys::Session, "n") if control && alt => Action::ToggleChat,
            (PageKeys::Session, "i") if control && alt => Action::ToggleStatistics,
            (PageKeys::Session, "p") if control && alt => Action::TogglePointer,
            (PageKeys::Session, "e") if control && alt => Action::AskEnd,
            (PageKeys::Session, "v") if control && alt => Action::SendClipboard,
            (PageKeys::Session, "u") if control && alt => Action::AskPath(PathFor::File),
            (PageKeys::Session, "o") if control && alt => Action::AskPath(PathFor::Folder),
            (PageKeys::Code, "c") if control && !alt => Action::Copy,
            (PageKeys::Token, "v") if control && !alt => Action::Paste,
            (PageKeys::None | PageKeys::Token | PageKeys::Code | PageKeys::Session, _) => {
                return false;
            }
        };
        if !event.repeat {
            desk.act(action);
        }
        true
    }

    /// Ctrl+Alt with a key that changes the view; arrows are the desktops' own on many systems. Digits by their place: layouts differ in what they make of them.
    fn view_key(&self, event: &KeyEvent) -> Option<Act> {
        let held = self.modifiers.control_key() && self.modifiers.alt_key();
        let desk = self.desk.borrow();
        if !held || desk.keys != PageKeys::Session {
            return None;
        }
        let scrolls = desk.picture.as_ref().is_some_and(|p| p.placed.scrolls());
        match (event.key_without_modifiers(), event.physical_key) {
            (Key::Named(NamedKey::Home), _) if scrolls => Some(Act::Scroll(-1, 0)),
            (Key::Named(NamedKey::End), _) if scrolls => Some(Act::Scroll(1, 0)),
            (Key::Named(NamedKey::PageUp), _) if scrolls => Some(Act::Scroll(0, -1)),
            (Key::Named(NamedKey::PageDown), _) if scrolls => Some(Act::Scroll(0, 1)),
            (Key::Character(letter), _) if letter == "s" => Some(Act::Toggle),
            (Key::Character(sign), _) if sign == "+" || sign == "=" => Some(Act::Larger),
            (Key::Character(sign), _) if sign == "-" => Some(Act::Smaller),
            (_, PhysicalKey::Code(code)) => {
                let digit = DIGITS.iter().position(|digit| *digit == code)?;
                let number = u8::try_from(digit).ok().filter(|number| *number > 0);
                Some(Act::Screen(number))
            }
            (_, PhysicalKey::Unidentified(_)) => None,
        }
    }

    fn handle_text(&mut self, text: &str) -> bool {
        let taken = self.controlling && !self.writing;
        if taken {
            let mut out = Vec::new();
            self.capture.handle_text(text, &mut out);
            self.send(out);
        }
        taken
    }

    fn handle_move(&mut self, at: (f64, f64)) -> bool {
        let (pixel, nearest) = {
            let mut desk = self.desk.borrow_mut();
            desk.pointer = Some(at);
            let pushes = desk
                .picture
                .as_ref()
                .is_some_and(|p| viewing::at_edge(&p.placed, at));
            let pixel = desk.pixel(at);
            if pushes || pixel.is_some() != self.inside {
                desk.repaint();
            }
            (pixel, desk.picture.as_ref().map(|p| p.placed.nearest(at)))
        };
        if let Some(at) = pixel.filter(|_| self.pointing.is_some()) {
            self.point(at, false);
        }
        let mut out = Vec::new();
        if self.controlling
            && self.others == 0
            && let Some(at) = pixel.or_else(|| nearest.filter(|_| self.capture.holds_button()))
        {
            self.capture.handle_move(at, &mut out);
        }
        self.send(out);
        // egui learns once that the pointer has left what is its.
        let taken = pixel.is_some() && self.inside && self.others == 0;
        self.inside = pixel.is_some();
        taken || self.capture.holds_button()
    }

    fn handle_button(&mut self, state: ElementState, button: MouseButton) -> bool {
        let down = state == ElementState::Pressed;
        let (pixel, nearest) = {
            let desk = self.desk.borrow();
            let Some(at) = desk.pointer else { return false };
            (
                desk.pixel(at),
                desk.picture.as_ref().map(|p| p.placed.nearest(at)),
            )
        };
        if !down && button == MouseButton::Left && self.pointing.take().is_some() {
            return true;
        }
        if !down && !self.capture.holds_button() || down && pixel.is_none() {
            self.others = if down {
                self.others + 1
            } else {
                self.others.saturating_sub(1)
            };
            return false;
        }
        if down && self.writing {
            self.desk.borrow_mut().act(Action::LeaveChat);
        }
        let button = match button {
            MouseButton::Left => Button::Left,
            MouseButton::Right => Button::Right,
            MouseButton::Middle => Button::Middle,
            MouseButton::Back => Button::Back,
            MouseButton::Forward => Button::Forward,
            MouseButton::Other(_) => return true,
        };
        let on_own = pixel.is_some_and(|at| self.desk.borrow().on_own(at));
        if down && on_own {
            self.desk.borrow_mut().act(Action::OwnArea);
        }
        if !self.controlling {
            if let Some(at) = pixel.filter(|_| down && !on_own) {
                self.point_or_say(button, at);
            }
            return true;
        }
        let mut out = Vec::new();
        if let Some(at) = pixel.or(nearest) {
            self.capture.handle_button(button, down, at, &mut out);
        }
        self.send(out);
        true
    }

    fn handle_wheel(&mut self, delta: MouseScrollDelta) -> bool {
        let Some(at) = ({
            let desk = self.desk.borrow();
            desk.pointer.and_then(|at| desk.pixel(at))
        }) else {
            return false;
        };
        if self.controlling {
            // winit counts away from the hand as positive.
            let (dx, dy) = match delta {
                MouseScrollDelta::LineDelta(x, y) => (-f64::from(x), -f64::from(y)),
                MouseScrollDelta::PixelDelta(p) => {
                    (-p.x / PIXELS_PER_NOTCH, -p.y / PIXELS_PER_NOTCH)
                }
            };
            let mut out = Vec::new();
            self.capture.handle_scroll(dx, dy, at, &mut out);
            self.send(out);
        }
        true
    }

    /// A click where nothing may be done: it points, where that is shown.
    fn point_or_say(&mut self, button: Button, at: (u16, u16)) {
        let mut desk = self.desk.borrow_mut();
        let points = desk.picture.as_ref().is_some_and(|p| p.points);
        if !points || button != Button::Left {
            return desk.act(Action::NoControl);
        }
        desk.act(Action::Pointed);
        drop(desk);
        self.point(at, true);
    }

    /// Points there, and while the button is held wherever the pointer goes.
    fn point(&mut self, (x, y): (u16, u16), press: bool) {
        let now = Instant::now();
        let early = |last: Instant| now.saturating_duration_since(last) < POINT_EVERY;
        if !press && self.pointing.is_some_and(early) {
            return;
        }
        let Some(session) = self.desk.borrow().session.clone() else {
            return;
        };
        // One that is lost is followed by the next.
        session.send(Command::Point { x, y, press });
        self.pointing = Some(now);
    }

    fn release(&mut self) {
        self.pointing = None;
        let mut out = Vec::new();
        self.capture.release(&mut out);
        self.send(out);
        self.others = 0;
    }

    fn send(&mut self, events: Vec<InputEvent>) {
        let Some(session) = self.desk.borrow().session.clone() else {
            return;
        };
        for event in events {
            if self.lost && session.send(Command::Input(InputEvent::ReleaseAll)) {
                self.lost = false;
            }
            let matters = !matches!(event, InputEvent::Move { .. });
            if !session.send(Command::Input(event)) {
                self.lost |= matters;
            }
        }
    }
}

/// The digits' keys, from 0.
const DIGITS: [KeyCode; 10] = [
    KeyCode::Digit0,
    KeyCode::Digit1,
    KeyCode::Digit2,
    KeyCode::Digit3,
    KeyCode::Digit4,
    KeyCode::Digit5,
    KeyCode::Digit6,
    KeyCode::Digit7,
    KeyCode::Digit8,
    KeyCode::Digit9,
];
/// Between two places that are pointed at: the customer's sign moves no faster.
const POINT_EVERY: Duration = Duration::from_millis(50);

/// A notch of a wheel, where only pixels are told.
const PIXELS_PER_NOTCH: f64 = 40.0;

impl ApplicationHandler<UserEvent> for Intake<'_> {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        self.app.resumed(event_loop);
        self.check_place(event_loop);
    }

    fn suspended(&mut self, event_loop: &ActiveEventLoop) {
        self.app.suspended(event_loop);
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, window: WindowId, event: WindowEvent) {
        if !self.hands.handle(&event) {
            self.app.window_event(event_loop, window, event);
        }
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
