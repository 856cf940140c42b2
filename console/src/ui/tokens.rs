//! Colours and sizes of the console, light and dark, in one place.

use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Theme, Vec2,
};

/// The code, readable across a desk.
pub const CODE: f32 = 240.0;
/// Titles.
pub const TITLE: f32 = 30.0;
/// Text.
pub const BODY: f32 = 18.0;
/// Keys, notes.
pub const SMALL: f32 = 14.0;
/// Between unrelated things.
pub const GAP: f32 = 28.0;
/// Between related things.
pub const NEAR: f32 = 10.0;
/// The widest line of text.
pub const COLUMN: f32 = 680.0;
/// Height of a button.
pub const BUTTON: f32 = 40.0;

/// Colours by meaning.
#[derive(Debug, Clone, Copy)]
pub struct Colours {
    /// Behind everything.
    pub ground: Color32,
    /// Bars and notices.
    pub raised: Color32,
    /// Text.
    pub text: Color32,
    /// Less important text.
    pub quiet: Color32,
    /// The main button.
    pub accent: Color32,
    /// Text on the main button.
    pub on_accent: Color32,
    /// The customer lets us look.
    pub view: Color32,
    /// The customer lets us act.
    pub control: Color32,
    /// Something is wrong or has stopped.
    pub alarm: Color32,
    /// Lines.
    pub line: Color32,
}

/// On white.
pub const LIGHT: Colours = Colours {
    ground: Color32::from_rgb(0xf7, 0xf7, 0xf5),
    raised: Color32::from_rgb(0xff, 0xff, 0xff),
    text: Color32::from_rgb(0x1b, 0x1f, 0x24),
    quiet: Color32::from_rgb(0x4a, 0x51, 0x5a),
    accent: Color32::from_rgb(0x0b, 0x4f, 0x8a),
    on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    view: Color32::from_rgb(0x0b, 0x4f, 0x8a),
    control: Color32::from_rgb(0x14, 0x5c, 0x2e),
    alarm: Color32::from_rgb(0x8f, 0x1d, 0x14),
    line: Color32::from_rgb(0xc9, 0xcc, 0xd1),
};

/// On black.
pub const DARK: Colours = Colours {
    ground: Color32::from_rgb(0x17, 0x1a, 0x1e),
    raised: Color32::from_rgb(0x23, 0x27, 0x2d),
    text: Color32::from_rgb(0xf0, 0xf2, 0xf4),
    quiet: Color32::from_rgb(0xbc, 0xc3, 0xcb),
    accent: Color32::from_rgb(0x8e, 0xc7, 0xff),
    on_accent: Color32::from_rgb(0x0c, 0x1a, 0x28),
    view: Color32::from_rgb(0x8e, 0xc7, 0xff),
    control: Color32::from_rgb(0x8f, 0xe0, 0xa8),
    alarm: Color32::from_rgb(0xff, 0xb0, 0xa6),
    line: Color32::from_rgb(0x4b, 0x52, 0x5b),
};

/// The colours in force.
pub fn colours(ui: &egui::Ui) -> Colours {
    if ui.visuals().dark_mode { DARK } else { LIGHT }
}

/// Gives egui our sizes and colours.
pub fn apply(ctx: &egui::Context) {
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    for theme in [Theme::Light, Theme::Dark] {
        ctx.set_style_of(theme, style(theme));
    }
}

fn style(theme: Theme) -> Style {
    let colours = match theme {
        Theme::Light => LIGHT,
        Theme::Dark => DARK,
    };
    let mut style = Style {
        visuals: theme.default_visuals(),
        ..Style::default()
    };
    style.animation_time = 0.0;
    style.text_styles = [
        (TextStyle::Small, SMALL),
        (TextStyle::Body, BODY),
        (TextStyle::Button, BODY),
        (TextStyle::Heading, TITLE),
    ]
    .map(|(text, size)| (text, FontId::new(size, FontFamily::Proportional)))
    .into();
    style.text_styles.insert(
        TextStyle::Monospace,
        FontId::new(BODY, FontFamily::Monospace),
    );
    style.spacing.item_spacing = Vec2::new(NEAR, NEAR);
    style.spacing.button_padding = Vec2::new(16.0, 8.0);
    style.spacing.interact_size.y = BUTTON;
    style.spacing.window_margin = Margin::same(24);
    let visuals = &mut style.visuals;
    visuals.panel_fill = colours.ground;
    visuals.window_fill = colours.raised;
    visuals.window_stroke = Stroke::new(1.0, colours.line);
    visuals.extreme_bg_color = colours.raised;
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(colours.quiet);
    visuals.error_fg_color = colours.alarm;
    visuals.text_cursor.blink = false;
    visuals.selection.bg_fill = colours.accent.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(2.0, colours.accent);
    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.fg_stroke = Stroke::new(1.0, colours.text);
        widget.bg_stroke = Stroke::new(1.0, colours.line);
        widget.weak_bg_fill = colours.raised;
        widget.bg_fill = colours.raised;
        widget.corner_radius = CornerRadius::same(6);
        widget.expansion = 0.0;
    }
    widgets.hovered.bg_stroke = Stroke::new(2.0, colours.accent);
    widgets.active.bg_stroke = Stroke::new(2.0, colours.accent);
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(c: Color32) -> f64 {
        let channel = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 {
                v / 12.92
            } else {
                ((v + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b())
    }

    /// WCAG 2.2, 1.4.6: 7:1.
    #[test]
    fn text_is_readable_on_its_ground() {
        for c in [LIGHT, DARK] {
            for (text, ground) in [
                (c.text, c.ground),
                (c.text, c.raised),
                (c.quiet, c.ground),
                (c.quiet, c.raised),
                (c.view, c.raised),
                (c.control, c.raised),
                (c.alarm, c.ground),
                (c.alarm, c.raised),
                (c.on_accent, c.accent),
            ] {
                let (a, b) = (luminance(text), luminance(ground));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 7.0, "{text:?} on {ground:?}: {contrast:.2}");
            }
        }
    }
}
