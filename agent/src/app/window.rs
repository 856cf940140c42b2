//! The window's size, place and level: a page in the middle, or the bar at an edge above all others.
//!
//! One window for both, so that it never vanishes between them. Window managers follow
//! requests late and in parts: the bar's place is asked for again until it is there, a few times.

use egui::{Context, Pos2, Rect, Vec2, ViewportBuilder, ViewportCommand, WindowLevel};
use winit::raw_window_handle::RawWindowHandle;

use crate::hand::{Grant, ScreenRect};
use crate::ui::tokens;

/// What the window is right now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Window {
    shape: Shape,
    edge: Edge,
    tries: u8,
    /// The bar is being dragged, or was a moment ago.
    drag: Option<Drag>,
    /// The monitor that the window was placed on.
    on: Option<Rect>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Shape {
    #[default]
    Page,
    Bar {
        height: f32,
    },
}

/// Window managers do not say when they have let go of a window: it has been dragged when it rests elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Drag {
    from: Rect,
    last: Rect,
    /// Since when it has been there, by the clock of the frames, in seconds.
    since: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Edge {
    #[default]
    Top,
    Right,
    Bottom,
    Left,
    /// The customer has dragged it somewhere.
    Free,
}

impl Window {
    /// Makes the window what this frame needs: a bar of this height, or a page.
    pub(super) fn arrange(
        &mut self,
        ctx: &Context,
        bar_height: Option<f32>,
        monitor: Option<Rect>,
    ) {
        match (bar_height, self.shape) {
            (Some(height), Shape::Page) => {
                ctx.send_viewport_cmd(ViewportCommand::Decorations(false));
                ctx.send_viewport_cmd(ViewportCommand::WindowLevel(WindowLevel::AlwaysOnTop));
                self.edge = Edge::Top;
                self.bar(ctx, height, monitor);
            }
            (Some(height), Shape::Bar { height: before }) => {
                if self.on != monitor && self.strayed(ctx, monitor) {
                    // Its monitor has gone or changed.
                    if self.edge == Edge::Free {
                        self.edge = Edge::Top;
                    }
                    self.bar(ctx, height, monitor);
                } else if (height - before).abs() > 0.5 {
                    self.bar(ctx, height, monitor);
                } else if self.tries > 0 {
                    self.place(ctx, height, monitor);
                } else {
                    self.let_go(ctx, monitor);
                }
                if ctx.input(|input| input.viewport().minimized == Some(true)) {
                    ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
                }
            }
            (None, Shape::Bar { .. }) => self.page(ctx, monitor),
            (None, Shape::Page) => self.fit(ctx, monitor),
        }
    }

    /// Sends the bar to the next edge, clockwise.
    pub(super) fn next_edge(&mut self, ctx: &Context) {
        self.edge = match self.edge {
            Edge::Top => Edge::Right,
            Edge::Right => Edge::Bottom,
            Edge::Bottom => Edge::Left,
            Edge::Left | Edge::Free => Edge::Top,
        };
        self.tries = TRIES;
        self.drag = None;
        ctx.request_repaint();
    }

    /// True if the bar can grow by so much below, without anything that is drawn on it moving.
    pub(super) fn unfolds(&self, ctx: &Context, monitor: Option<Rect>, by: f32) -> bool {
        let place = ctx.input(|input| input.viewport().outer_rect);
        grows(self.edge, place.zip(monitor), by)
    }

    /// The customer drags the bar.
    pub(super) fn drag(&mut self, ctx: &Context) {
        self.edge = Edge::Free;
        self.tries = 0;
        let (place, since) = ctx.input(|input| (input.viewport().outer_rect, input.time));
        self.drag = place.map(|from| Drag {
            from,
            last: from,
            since,
        });
        ctx.send_viewport_cmd(ViewportCommand::StartDrag);
    }

    /// A bar that was dragged and rests near an edge docks there.
    fn let_go(&mut self, ctx: &Context, monitor: Option<Rect>) {
        let (place, now) = ctx.input(|input| (input.viewport().outer_rect, input.time));
        let (Some(drag), Some(place), Some(monitor)) = (&mut self.drag, place, monitor) else {
            return;
        };
        if place != drag.last {
            (drag.last, drag.since) = (place, now);
        }
        if place == drag.from {
            return;
        }
        let rests = now - drag.since;
        if rests < REST {
            let rest = std::time::Duration::from_secs_f64(REST - rests);
            return ctx.request_repaint_after(rest);
        }
        self.drag = None;
        if let Some(edge) = near(place, monitor) {
            self.edge = edge;
            self.tries = TRIES;
            ctx.request_repaint();
        }
    }

    fn bar(&mut self, ctx: &Context, height: f32, monitor: Option<Rect>) {
        self.shape = Shape::Bar { height };
        self.tries = TRIES;
        self.drag = None;
        self.place(ctx, height, monitor);
    }

    /// A page that its monitor has no room for is made smaller: what is beyond the edge cannot be pressed.
    fn fit(&mut self, ctx: &Context, monitor: Option<Rect>) {
        let inner = ctx.input(|input| input.viewport().inner_rect);
        let (Some(inner), Some(room)) = (inner, monitor) else {
            return;
        };
        if self.on == monitor {
            return;
        }
        self.on = monitor;
        let room = room.size() - BORDER;
        if inner.width() > room.x || inner.height() > room.y {
            self.page(ctx, monitor);
        }
    }

    /// True unless the customer has put the bar somewhere and it can be seen there.
    fn strayed(&self, ctx: &Context, monitor: Option<Rect>) -> bool {
        let place = ctx.input(|input| input.viewport().outer_rect);
        let seen = place
            .zip(monitor)
            .is_some_and(|(place, monitor)| monitor.contains(place.center()));
        self.edge != Edge::Free || !seen
    }

    fn place(&mut self, ctx: &Context, height: f32, monitor: Option<Rect>) {
        self.on = monitor;
        self.tries = self.tries.saturating_sub(1);
        let wanted = match self.edge {
            Edge::Left | Edge::Right => tokens::BAR_SIDE,
            Edge::Top | Edge::Bottom | Edge::Free => tokens::BAR_WIDTH,
        };
        let room = monitor.map_or(Vec2::splat(f32::INFINITY), |monitor| monitor.size());
        let size = Vec2::new(wanted, height).min(room);
        ctx.send_viewport_cmd(ViewportCommand::MinInnerSize(Vec2::splat(1.0)));
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
        if let Some(monitor) = monitor {
            let centre = monitor.center() - size / 2.0;
            let place = match self.edge {
                Edge::Top => Some(Pos2::new(centre.x, monitor.top())),
                Edge::Bottom => Some(Pos2::new(centre.x, monitor.bottom() - size.y)),
                Edge::Left => Some(Pos2::new(monitor.left(), centre.y)),
                Edge::Right => Some(Pos2::new(monitor.right() - size.x, centre.y)),
                Edge::Free => None,
            };
            if let Some(place) = place {
                ctx.send_viewport_cmd(ViewportCommand::OuterPosition(place));
            }
        }
        if self.tries > 0 {
            ctx.request_repaint_after(std::time::Duration::from_millis(80));
        }
    }

    fn page(&mut self, ctx: &Context, monitor: Option<Rect>) {
        self.shape = Shape::Page;
        self.tries = 0;
        let size = monitor.map_or(tokens::PAGE_SIZE, |monitor| {
            tokens::PAGE_SIZE.min(monitor.size() - BORDER)
        });
        ctx.send_viewport_cmd(ViewportCommand::WindowLevel(WindowLevel::Normal));
        ctx.send_viewport_cmd(ViewportCommand::Decorations(true));
        ctx.send_viewport_cmd(ViewportCommand::MinInnerSize(tokens::PAGE_MIN.min(size)));
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
        if let Some(monitor) = monitor {
            let place = monitor.center() - (size + BORDER) / 2.0;
            ctx.send_viewport_cmd(ViewportCommand::OuterPosition(place));
        }
    }
}

/// The window at the start.
pub(super) fn first(title: &str) -> ViewportBuilder {
    ViewportBuilder::default()
        .with_title(title)
        .with_app_id("fernsicht-agent")
        .with_inner_size(tokens::PAGE_SIZE)
        .with_min_inner_size(tokens::PAGE_MIN)
        .with_icon(egui::IconData::default())
}

/// The monitor that the window is on, in points of the desktop.
pub(super) fn monitor(ctx: &Context, frame: &eframe::Frame) -> Option<Rect> {
    let monitor = frame.winit_window()?.current_monitor()?;
    let scale = ctx.pixels_per_point();
    let (at, size) = (monitor.position(), monitor.size());
    let min = Pos2::new(at.x as f32, at.y as f32) / scale;
    Some(Rect::from_min_size(
        min,
        Vec2::new(size.width as f32, size.height as f32) / scale,
    ))
}

/// True if the window cannot be seen at all.
pub(super) fn hidden(ctx: &Context) -> bool {
    ctx.input(|input| {
        let viewport = input.viewport();
        viewport.minimized == Some(true) || viewport.occluded == Some(true)
    })
}

/// Where these buttons are on the desktop, in pixels.
pub(super) fn on_screen(ctx: &Context, placed: &[(Grant, Rect)]) -> Vec<(Grant, ScreenRect)> {
    let origin = ctx
        .input(|input| input.viewport().inner_rect)
        .map_or(Vec2::ZERO, |rect| rect.min.to_vec2());
    placed
        .iter()
        .map(|(grant, rect)| (*grant, pixels(ctx, rect.translate(origin))))
        .collect()
}

/// Where the window is on the desktop, in pixels.
pub(super) fn place(ctx: &Context) -> Option<ScreenRect> {
    let inner = ctx.input(|input| input.viewport().inner_rect)?;
    Some(pixels(ctx, inner))
}

fn pixels(ctx: &Context, rect: Rect) -> ScreenRect {
    let scale = ctx.pixels_per_point();
    let (min, max) = (
        (rect.min.to_vec2() * scale).round(),
        (rect.max.to_vec2() * scale).round(),
    );
    ScreenRect {
        x: min.x as i32,
        y: min.y as i32,
        width: (max.x - min.x) as u32,
        height: (max.y - min.y) as u32,
    }
}

/// The number by which the window system knows the window.
pub(super) fn number(cc: &eframe::CreationContext<'_>) -> Option<u32> {
    use winit::raw_window_handle::HasWindowHandle as _;
    number_of(cc.window_handle().ok()?.as_raw())
}

#[cfg(unix)]
fn number_of(window: RawWindowHandle) -> Option<u32> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other kind of window has no X11 id"
    )]
    match window {
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        _ => None,
    }
}

/// Of a handle's 64 bits only 32 are used: Windows extends them by their sign.
#[cfg(windows)]
fn number_of(window: RawWindowHandle) -> Option<u32> {
    let RawWindowHandle::Win32(handle) = window else {
        return None;
    };
    Some(handle.hwnd.get() as u32)
}

/// The edge that a bar lies at, or nearly. At the sides only one that leaves most of the monitor free: a bar as
/// wide as the monitor is near both.
fn near(place: Rect, monitor: Rect) -> Option<Edge> {
    let mut found = vec![
        (place.top() - monitor.top(), Edge::Top),
        (monitor.bottom() - place.bottom(), Edge::Bottom),
    ];
    let slack = monitor.width() - place.width();
    if slack > 2.0 * NEAR {
        found.push((place.left() - monitor.left(), Edge::Left));
        found.push((monitor.right() - place.right(), Edge::Right));
    }
    let nearest = found
        .into_iter()
        .min_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(distance, _)| *distance <= NEAR);
    nearest.map(|(_, edge)| edge)
}

/// True if a bar there grows downwards in place; `room`: its own place and its monitor's, where they are known.
fn grows(edge: Edge, room: Option<(Rect, Rect)>, by: f32) -> bool {
    match edge {
        Edge::Top => true,
        Edge::Right | Edge::Bottom | Edge::Left => false,
        Edge::Free => room.is_some_and(|(place, monitor)| place.bottom() + by <= monitor.bottom()),
    }
}

/// How near an edge is near.
const NEAR: f32 = 24.0;
/// How long a dragged bar lies still before it docks, in seconds.
const REST: f64 = 0.6;

/// What a window manager puts around a page, about.
const BORDER: Vec2 = Vec2::new(16.0, 48.0);
const TRIES: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_docks_at_the_edge_that_it_was_dragged_to() {
        let monitor = Rect::from_min_size(Pos2::new(1000.0, 0.0), Vec2::new(1920.0, 1080.0));
        let at = |x, y, width| {
            let place = Rect::from_min_size(Pos2::new(x, y), Vec2::new(width, 100.0));
            near(place, monitor)
        };
        for (x, y, edge) in [
            (1300.0, 20.0, Some(Edge::Top)),
            (1300.0, -30.0, Some(Edge::Top)),
            (1300.0, 970.0, Some(Edge::Bottom)),
            (1015.0, 500.0, Some(Edge::Left)),
            (1790.0, 500.0, Some(Edge::Right)),
            (1300.0, 500.0, None),
            (1300.0, 25.0, None),
        ] {
            assert_eq!(at(x, y, 1120.0), edge, "{x} {y}");
        }
        // As wide as the monitor, it is at no side.
        assert_eq!(at(1000.0, 500.0, 1920.0), None);
    }

    #[test]
    fn a_bar_grows_by_itself_only_where_nothing_moves() {
        let monitor = Rect::from_min_size(Pos2::ZERO, Vec2::new(1920.0, 1080.0));
        let at = |y| {
            let place = Rect::from_min_size(Pos2::new(300.0, y), Vec2::new(1232.0, 100.0));
            Some((place, monitor))
        };
        assert!(grows(Edge::Top, None, 400.0));
        for edge in [Edge::Right, Edge::Bottom, Edge::Left] {
            assert!(!grows(edge, at(0.0), 400.0), "{edge:?}");
        }
        assert!(grows(Edge::Free, at(580.0), 400.0));
        assert!(!grows(Edge::Free, at(581.0), 400.0));
        assert!(!grows(Edge::Free, None, 400.0));
    }
}
