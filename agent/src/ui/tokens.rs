//! Colours and sizes of every page, in one place, light and dark.
//!
//! Text and its ground differ by 7:1 or more; the test computes it. No state is told by
//! colour alone: each has a sign and a word.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle, Theme,
    Vec2, Visuals,
};

/// Size of running text, in points.
pub(crate) const BODY: f32 = 18.0;
/// Size of the sentence that matters most on a page.
pub(crate) const LEAD: f32 = 21.0;
/// Size of a page's title.
pub(crate) const TITLE: f32 = 28.0;
/// Size of the sign on a page that says one thing alone.
pub(crate) const SIGN: f32 = 56.0;
/// Size of the typed code.
pub(crate) const CODE: f32 = 30.0;
/// Distance between the window's edge and what it shows.
pub(crate) const MARGIN: f32 = 20.0;
/// Distance between things that belong together.
pub(crate) const GAP: f32 = 8.0;
/// Distance between lines where there is little room.
pub(crate) const TIGHT: f32 = 4.0;
/// Distance between groups.
pub(crate) const GROUP: f32 = 16.0;
/// Below this height a page leaves out what is for comfort alone.
pub(crate) const LOW: f32 = 480.0;
/// Longest line of running text.
pub(crate) const LINE: f32 = 860.0;
/// Smallest height of a button.
pub(crate) const BUTTON: f32 = 46.0;
/// Rounded corners.
pub(crate) const ROUND: u8 = 6;

/// The size of every page but the bar, where the screen has room for it.
pub(crate) const PAGE_SIZE: Vec2 = Vec2::new(940.0, 700.0);
/// The smallest size of every page but the bar.
pub(crate) const PAGE_MIN: Vec2 = Vec2::new(620.0, 340.0);
/// Width of the bar at the upper or lower edge, where the screen has room for it.
pub(crate) const BAR_WIDTH: f32 = 1232.0;
/// Width of the bar at the left or right edge.
pub(crate) const BAR_SIDE: f32 = 300.0;

/// The colours of one theme.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    /// Behind everything.
    pub(crate) ground: Color32,
    /// Text on the ground.
    pub(crate) text: Color32,
    /// Ground of boxes and of quiet buttons.
    pub(crate) surface: Color32,
    /// Lines around boxes and buttons.
    pub(crate) line: Color32,
    /// Ground of the button that leads on.
    pub(crate) lead: Color32,
    /// Text on it.
    pub(crate) on_lead: Color32,
    /// Ground of Stop.
    pub(crate) stop: Color32,
    /// Text on it.
    pub(crate) on_stop: Color32,
    /// Ground of warnings.
    pub(crate) warning: Color32,
    /// Text on it.
    pub(crate) on_warning: Color32,
    /// Ground of errors.
    pub(crate) error: Color32,
    /// Text on it.
    pub(crate) on_error: Color32,
    /// Text that says that all is well.
    pub(crate) good: Color32,
    /// The ring around what has the keyboard.
    pub(crate) ring: Color32,
}

/// On a light ground.
pub(crate) const LIGHT: Palette = Palette {
    ground: Color32::from_rgb(0xff, 0xff, 0xff),
    text: Color32::from_rgb(0x1a, 0x1a, 0x1a),
    surface: Color32::from_rgb(0xf1, 0xf3, 0xf6),
    line: Color32::from_rgb(0x5a, 0x62, 0x6c),
    lead: Color32::from_rgb(0x0b, 0x3d, 0x91),
    on_lead: Color32::from_rgb(0xff, 0xff, 0xff),
    stop: Color32::from_rgb(0x8a, 0x0f, 0x1a),
    on_stop: Color32::from_rgb(0xff, 0xff, 0xff),
    warning: Color32::from_rgb(0xff, 0xf4, 0xce),
    on_warning: Color32::from_rgb(0x26, 0x1e, 0x00),
    error: Color32::from_rgb(0xff, 0xe3, 0xe1),
    on_error: Color32::from_rgb(0x5c, 0x00, 0x0a),
    good: Color32::from_rgb(0x0b, 0x4f, 0x1e),
    ring: Color32::from_rgb(0xb4, 0x4a, 0x00),
};

/// On a dark ground.
pub(crate) const DARK: Palette = Palette {
    ground: Color32::from_rgb(0x14, 0x16, 0x1a),
    text: Color32::from_rgb(0xf2, 0xf2, 0xf2),
    surface: Color32::from_rgb(0x24, 0x28, 0x2e),
    line: Color32::from_rgb(0x9a, 0xa4, 0xb0),
    lead: Color32::from_rgb(0xa9, 0xcb, 0xff),
    on_lead: Color32::from_rgb(0x06, 0x14, 0x2c),
    stop: Color32::from_rgb(0xff, 0xb8, 0xb4),
    on_stop: Color32::from_rgb(0x30, 0x00, 0x04),
    warning: Color32::from_rgb(0x3c, 0x31, 0x00),
    on_warning: Color32::from_rgb(0xff, 0xf6, 0xd8),
    error: Color32::from_rgb(0x4a, 0x0a, 0x10),
    on_error: Color32::from_rgb(0xff, 0xe9, 0xe7),
    good: Color32::from_rgb(0xa6, 0xe3, 0xa1),
    ring: Color32::from_rgb(0xff, 0xc0, 0x66),
};

/// The palette of a theme.
pub(crate) fn palette(theme: Theme) -> &'static Palette {
    match theme {
        Theme::Light => &LIGHT,
        Theme::Dark => &DARK,
    }
}

/// The letters of titles and buttons. Known to a context from the first frame after [`install`] on.
pub(crate) fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// Regular letters, and strong ones for titles and buttons; behind both egui's own for what they lack.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let own = [
        (REGULAR, notosans::REGULAR_TTF),
        (STRONG, notosans::BOLD_TTF),
    ];
    for (name, bytes) in own {
        let data = Arc::new(FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), data);
    }
    let spare = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    for (name, family) in [
        (REGULAR, FontFamily::Proportional),
        (STRONG, FontFamily::Name(STRONG.into())),
    ] {
        let mut stack = vec![name.to_owned()];
        stack.extend(spare.iter().cloned());
        fonts.families.insert(family, stack);
    }
    fonts
}

const REGULAR: &str = "regular";
const STRONG: &str = "strong";

/// Gives both themes our colours, sizes and calm: nothing blinks or glides, so an idle page costs nothing.
pub(crate) fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.options_mut(|options| {
        options.fallback_theme = Theme::Light;
        options.zoom_with_keyboard = true;
    });
    for theme in [Theme::Light, Theme::Dark] {
        let colours = palette(theme);
        ctx.style_mut_of(theme, |style| {
            style.text_styles = [
                (TextStyle::Heading, strong(TITLE)),
                (TextStyle::Body, FontId::new(BODY, FontFamily::Proportional)),
                (TextStyle::Button, strong(BODY)),
                (
                    TextStyle::Small,
                    FontId::new(BODY, FontFamily::Proportional),
                ),
                (
                    TextStyle::Monospace,
                    FontId::new(CODE, FontFamily::Monospace),
                ),
            ]
            .into();
            style.animation_time = 0.0;
            style.scroll_animation = egui::style::ScrollAnimation::none();
            style.interaction.selectable_labels = false;
            style.spacing.item_spacing = Vec2::new(GAP, GAP);
            style.spacing.button_padding = Vec2::new(14.0, 8.0);
            style.spacing.icon_width = 24.0;
            style.spacing.icon_width_inner = 16.0;
            style.spacing.scroll = egui::style::ScrollStyle::solid();
            style.spacing.scroll.bar_width = 14.0;
            style.visuals = visuals(theme, colours);
        });
    }
}

fn visuals(theme: Theme, colours: &Palette) -> Visuals {
    let mut visuals = match theme {
        Theme::Light => Visuals::light(),
        Theme::Dark => Visuals::dark(),
    };
    visuals.override_text_color = Some(colours.text);
    visuals.panel_fill = colours.ground;
    visuals.window_fill = colours.ground;
    visuals.extreme_bg_color = colours.ground;
    visuals.text_edit_bg_color = Some(colours.ground);
    visuals.text_cursor.blink = false;
    visuals.text_cursor.stroke = Stroke::new(2.0, colours.text);
    visuals.selection.stroke = Stroke::new(3.0, colours.ring);
    let widgets = &mut visuals.widgets;
    for (state, width) in [
        (&mut widgets.noninteractive, 1.0),
        (&mut widgets.inactive, 2.0),
        (&mut widgets.hovered, 2.0),
        (&mut widgets.active, 3.0),
        (&mut widgets.open, 2.0),
    ] {
        state.bg_stroke = Stroke::new(width, colours.line);
        state.fg_stroke = Stroke::new(2.0, colours.text);
        state.corner_radius = CornerRadius::same(ROUND);
        state.expansion = 0.0;
    }
    widgets.inactive.bg_fill = colours.surface;
    widgets.hovered.bg_fill = colours.surface;
    visuals
}

/// How much two colours differ, by WCAG 2: from 1 to 21.
#[cfg(test)]
pub(crate) fn contrast(a: Color32, b: Color32) -> f64 {
    let luminance = |colour: Color32| {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(colour.r()) + 0.7152 * part(colour.g()) + 0.0722 * part(colour.b())
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_out_from_its_ground() {
        for p in [LIGHT, DARK] {
            for (text, ground) in [
                (p.text, p.ground),
                (p.text, p.surface),
                (p.on_lead, p.lead),
                (p.on_stop, p.stop),
                (p.on_warning, p.warning),
                (p.on_error, p.error),
                (p.good, p.ground),
                (p.good, p.surface),
            ] {
                assert!(
                    contrast(text, ground) >= 7.0,
                    "{text:?} on {ground:?}: {:.2}",
                    contrast(text, ground)
                );
            }
            // What is not text but must be seen: 3:1.
            for line in [p.line, p.ring] {
                assert!(contrast(line, p.ground) >= 3.0);
                assert!(contrast(line, p.surface) >= 3.0);
            }
        }
    }
}
