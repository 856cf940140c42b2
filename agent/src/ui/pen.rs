//! What every page is drawn with: sentences, boxes and buttons, and the note of what was asked for.
//!
//! A page takes a [`Pen`] and leaves at most one [`Action`] in it. Granting buttons also leave
//! their place, so that the gate can tell how long they have been in plain sight; until then
//! they are drawn as a dashed outline with a clock, screen readers hear that they are busy, and
//! their click counts for nothing.
//!
//! Keys on every page: Tab and Shift+Tab go from one control to the next, Space or Enter presses
//! the one with the ring, Page Up and Page Down scroll, Ctrl with + and − changes the size. No
//! page arrives with the ring on a button.

use std::time::Instant;

use egui::{
    Align, Color32, CornerRadius, FontId, Rect, Response, RichText, Sense, Stroke, StrokeKind, Ui,
};

use super::sign::{self, Sign};
use super::tokens::{self, Palette};
use super::{Action, Operator};
use crate::hand::{Grant, Way};
use crate::texts::Texts;

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// One of several of equal weight.
    Quiet,
    /// The one that leads on. Never a granting one.
    Lead,
    /// Stop.
    Stop,
}

/// What a page is drawn with, and what came of it.
pub(crate) struct Pen<'a> {
    /// The words.
    pub(crate) texts: &'a Texts,
    /// Whom the program belongs to.
    pub(crate) operator: &'a Operator,
    /// The time of this frame.
    pub(crate) now: Instant,
    /// Seconds since 1970 UTC by this computer's clock.
    pub(crate) wall_s: i64,
    /// The granting buttons whose press would count.
    pub(crate) ready: Vec<Grant>,
    /// The height of the screen, if it is known: the bar gets no higher.
    pub(crate) room: Option<f32>,
    /// How high the bar is.
    pub(crate) bar_height: Option<f32>,
    /// Buttons are as wide as there is room.
    pub(crate) stretch: bool,
    /// True on a low window, where every line counts.
    pub(crate) low: bool,
    /// True if the program was started again while it was open: the page says so.
    pub(crate) started_again: bool,
    /// Granting buttons in plain sight, in points.
    pub(crate) placed: Vec<(Grant, Rect)>,
    /// A granting button on which the mouse has just gone down.
    pub(crate) down: Option<Grant>,
    /// The granting button that a key would press.
    pub(crate) ring: Option<Grant>,
    /// What was asked for.
    pub(crate) action: Option<Action>,
}

impl Pen<'_> {
    /// The colours of the theme in use.
    pub(crate) fn palette(&self, ui: &Ui) -> &'static Palette {
        tokens::palette(ui.theme())
    }

    /// A page's title. Screen readers say it when the page comes.
    pub(crate) fn title(&self, ui: &mut Ui, text: String) {
        let size = if self.low {
            tokens::LEAD
        } else {
            tokens::TITLE
        };
        let title = RichText::new(&text).font(tokens::strong(size));
        let response = ui.add(egui::Label::new(title).wrap());
        mention(ui, &response);
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_role(egui::accesskit::Role::Heading);
            node.set_level(1);
            // What is a label's value is no heading's name.
            node.set_label(text);
        });
    }

    /// The sentence that matters most.
    pub(crate) fn lead(&self, ui: &mut Ui, text: String) {
        let text = RichText::new(text).font(tokens::strong(tokens::LEAD));
        ui.add(egui::Label::new(text).wrap());
    }

    /// Running text.
    pub(crate) fn text(&self, ui: &mut Ui, text: String) {
        ui.add(egui::Label::new(text).wrap());
    }

    /// A sentence with a sign before it. The sign is decoration: the words say it all.
    pub(crate) fn sign(
        &self,
        ui: &mut Ui,
        sign: Sign,
        text: String,
        colour: Color32,
        size: f32,
    ) -> Response {
        let font = if size > tokens::BODY {
            tokens::strong(size)
        } else {
            FontId::proportional(size)
        };
        let row = ui.fonts_mut(|fonts| fonts.row_height(&font));
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(size * 1.4, row), Sense::hover());
            let square = Rect::from_min_size(
                rect.left_center() - egui::vec2(0.0, size / 2.0),
                egui::Vec2::splat(size),
            );
            sign::paint(ui, square, sign, colour);
            ui.add(egui::Label::new(RichText::new(text).font(font).color(colour)).wrap())
        })
        .inner
    }

    /// The one thing that a page has to say: a large sign, and the sentence beside it.
    pub(crate) fn message(&self, ui: &mut Ui, sign: Sign, text: String, colour: Color32) {
        let size = if self.low {
            tokens::TITLE
        } else {
            tokens::SIGN
        };
        let said = ui
            .horizontal_top(|ui| {
                let (square, _) = ui.allocate_exact_size(egui::Vec2::splat(size), Sense::hover());
                sign::paint(ui, square, sign, colour);
                ui.add_space(tokens::GAP);
                let font = tokens::strong(tokens::LEAD);
                ui.add(egui::Label::new(RichText::new(text).font(font).color(colour)).wrap())
            })
            .inner;
        announce(ui, &said);
    }

    /// A box in which something stands apart.
    pub(crate) fn boxed<R>(
        &mut self,
        ui: &mut Ui,
        fill: Color32,
        add: impl FnOnce(&mut Self, &mut Ui) -> R,
    ) -> R {
        let line = self.palette(ui).line;
        egui::Frame::new()
            .fill(fill)
            .stroke(Stroke::new(1.0, line))
            .corner_radius(CornerRadius::same(tokens::ROUND))
            .inner_margin(12.0)
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                add(self, ui)
            })
            .inner
    }

    /// An error sentence, announced by screen readers when it appears.
    pub(crate) fn error(&mut self, ui: &mut Ui, text: String) {
        let palette = self.palette(ui);
        self.boxed(ui, palette.error, |pen, ui| {
            let response = pen.sign(ui, Sign::Warning, text, palette.on_error, tokens::BODY);
            announce(ui, &response);
        });
    }

    /// A button that grants nothing.
    pub(crate) fn button(&mut self, ui: &mut Ui, look: Look, text: String, action: Action) {
        if self.plain(ui, look, text).clicked() {
            self.action = Some(action);
        }
    }

    /// A button that grants nothing; the caller looks at the response.
    pub(crate) fn plain(&self, ui: &mut Ui, look: Look, text: String) -> Response {
        let width = self.width(ui, &text);
        face(ui, self.palette(ui), look, true, text, width)
    }

    /// As [`Self::plain`], with room for each of these texts: it keeps its size, whichever of them it bears.
    pub(crate) fn lasting(&self, ui: &mut Ui, look: Look, text: String, all: &[&str]) -> Response {
        let widths = all.iter().map(|text| self.width(ui, text));
        let width = widths.fold(0.0, f32::max);
        let height = common_height(ui, all, width);
        with_height(ui, height, |ui| {
            face(ui, self.palette(ui), look, true, text, width)
        })
    }

    /// An error that has the page to itself.
    pub(crate) fn great_error(&mut self, ui: &mut Ui, text: String) {
        let palette = self.palette(ui);
        self.boxed(ui, palette.error, |pen, ui| {
            pen.message(ui, Sign::Warning, text, palette.on_error);
        });
    }

    /// A button as wide as there is room.
    pub(crate) fn wide(&mut self, ui: &mut Ui, look: Look, text: String, action: Action) {
        let width = ui.available_width();
        if face(ui, self.palette(ui), look, true, text, width).clicked() {
            self.action = Some(action);
        }
    }

    /// A granting button as wide as there is room.
    pub(crate) fn grant_wide(&mut self, ui: &mut Ui, grant: Grant, text: String) {
        let width = ui.available_width();
        self.granting(ui, grant, text, width);
    }

    /// A granting button.
    pub(crate) fn grant(&mut self, ui: &mut Ui, grant: Grant, text: String) {
        let width = self.width(ui, &text);
        self.granting(ui, grant, text, width);
    }

    fn width(&self, ui: &Ui, text: &str) -> f32 {
        if self.stretch {
            ui.available_width()
        } else {
            natural_width(ui, text)
        }
    }

    fn granting(&mut self, ui: &mut Ui, grant: Grant, text: String, width: f32) {
        let ready = self.ready.contains(&grant);
        let response = face(ui, self.palette(ui), Look::Quiet, ready, text, width);
        if !ready {
            ui.ctx()
                .accesskit_node_builder(response.id, |node| node.set_busy());
        }
        // Half a pixel of rounding is no reason to call it hidden.
        if ui.clip_rect().expand(0.5).contains_rect(response.rect) {
            self.placed.push((grant, response.rect));
        }
        if response.is_pointer_button_down_on() && ui.input(|input| input.pointer.primary_pressed())
        {
            self.down = Some(grant);
        }
        if response.has_focus() {
            self.ring = Some(grant);
        }
        if response.clicked() {
            self.action = Some(Action::Grant(grant, way(ui, &response)));
        }
    }
}

/// How this button was clicked. What assistive technology pressed it did, whatever else there was.
fn way(ui: &Ui, response: &Response) -> Way {
    let click = egui::accesskit::Action::Click;
    if ui.input(|input| input.has_accesskit_action_request(response.id, click)) {
        Way::Aid
    } else if response.clicked_by(egui::PointerButton::Primary) {
        Way::Pointer
    } else {
        Way::Key
    }
}

/// Tells screen readers to say this whenever it changes.
pub(crate) fn announce(ui: &Ui, response: &Response) {
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_live(egui::accesskit::Live::Assertive)
    });
}

/// Tells screen readers to say this when it changes and they have nothing else to say.
pub(crate) fn mention(ui: &Ui, response: &Response) {
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_live(egui::accesskit::Live::Polite)
    });
}

fn button_font() -> FontId {
    tokens::strong(tokens::BODY)
}

/// As wide as the text on one line, if there is room for it.
pub(crate) fn natural_width(ui: &Ui, text: &str) -> f32 {
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), button_font(), Color32::PLACEHOLDER);
    (galley.size().x.ceil() + 2.0 * ui.spacing().button_padding.x).min(ui.available_width())
}

/// How high a button of this width gets.
fn height(ui: &Ui, text: &str, width: f32) -> f32 {
    let padding = ui.spacing().button_padding;
    let inner = (width - 2.0 * padding.x).max(1.0);
    let galley = ui
        .painter()
        .layout(text.to_owned(), button_font(), Color32::PLACEHOLDER, inner);
    (galley.size().y + 2.0 * padding.y).max(tokens::BUTTON)
}

/// The greatest of the heights that these texts need as buttons of this width.
pub(crate) fn common_height(ui: &Ui, texts: &[&str], width: f32) -> f32 {
    texts
        .iter()
        .map(|text| height(ui, text, width))
        .fold(tokens::BUTTON, f32::max)
}

/// Draws a button: filled if a press counts; if not yet, a dashed outline with a clock on its edge.
fn face(
    ui: &mut Ui,
    palette: &Palette,
    look: Look,
    ready: bool,
    text: String,
    width: f32,
) -> Response {
    let padding = ui.spacing().button_padding;
    let (fill, ink) = match look {
        Look::Quiet => (palette.surface, palette.text),
        Look::Lead => (palette.lead, palette.on_lead),
        Look::Stop => (palette.stop, palette.on_stop),
    };
    let minimum = ui.data(|data| {
        data.get_temp::<f32>(equal_height_id())
            .unwrap_or(tokens::BUTTON)
    });
    let size = egui::vec2(width, height(ui, &text, width).max(minimum));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &text));
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let pressed = response.is_pointer_button_down_on();
    let hovered = response.hovered();
    let painter = ui.painter();
    let round = CornerRadius::same(tokens::ROUND);
    let ground = if ready { fill } else { palette.ground };
    painter.rect_filled(rect, round, ground);
    let width = if pressed {
        4.0
    } else if hovered && ready {
        3.0
    } else {
        2.0
    };
    if ready {
        painter.rect_stroke(
            rect,
            round,
            Stroke::new(width, palette.line),
            StrokeKind::Inside,
        );
    } else {
        dashes(ui, rect, palette.line);
        clock(ui, rect, palette);
    }
    if response.has_focus() {
        painter.rect_stroke(
            rect.expand(3.0),
            round,
            Stroke::new(3.0, palette.ring),
            StrokeKind::Middle,
        );
    }
    let mut job =
        egui::text::LayoutJob::simple(text, button_font(), ink, rect.width() - 2.0 * padding.x);
    job.halign = Align::Center;
    let galley = ui.painter().layout_job(job);
    let at = egui::pos2(rect.center().x, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn dashes(ui: &Ui, rect: Rect, colour: Color32) {
    let rect = rect.shrink(1.0);
    let path = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    ui.painter().extend(egui::Shape::dashed_line(
        &path,
        Stroke::new(2.0, colour),
        6.0,
        5.0,
    ));
}

/// In the corner, half above the edge, where no word is.
fn clock(ui: &Ui, rect: Rect, palette: &Palette) {
    let middle = egui::pos2(rect.right() - CLOCK, rect.top() + 2.0);
    ui.painter()
        .circle_filled(middle, CLOCK * 0.75, palette.ground);
    let square = Rect::from_center_size(middle, egui::Vec2::splat(CLOCK));
    sign::paint(ui, square, Sign::Wait, palette.text);
}

/// The clock on a button that is not ready.
const CLOCK: f32 = 16.0;

fn equal_height_id() -> egui::Id {
    egui::Id::unique("equal height of buttons")
}

/// Draws with buttons that are all at least this high.
pub(crate) fn with_height<R>(ui: &mut Ui, height: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.data_mut(|data| data.insert_temp(equal_height_id(), height));
    let result = add(ui);
    ui.data_mut(|data| data.remove::<f32>(equal_height_id()));
    result
}
