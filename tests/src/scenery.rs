//! What stands on a customer's screen in demonstrations and tests: a page of text, a photo, an editor.
//!
//! Nothing on it moves by itself: cursors do not blink, there is no clock.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::apps::App;
use crate::grab::Picture;
use crate::xserver::XServer;

/// A home folder for the applications, with blinking switched off.
pub fn home(folder: &Path) -> Result<PathBuf> {
    let home = folder.join("home");
    let gtk = home.join("config/gtk-3.0");
    fs::create_dir_all(&gtk)?;
    fs::write(
        gtk.join("settings.ini"),
        "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n",
    )?;
    Ok(home)
}

/// An editor with an empty file.
pub fn editor(screen: &XServer, home: &Path, name: &str) -> Result<(App, PathBuf)> {
    let file = home.join(name);
    fs::write(&file, "")?;
    Ok((App::editor(screen, &file, home)?, file))
}

/// A terminal full of text, each line different.
pub fn page_of_text(screen: &XServer, folder: &Path, geometry: &str) -> Result<App> {
    let file = folder.join("page.txt");
    let line = |n: u32| {
        format!(
            "{n:3}  {:08x}  Der Router blinkt {n}-mal; Anschluss {} ist frei.\n",
            mix(n),
            mix(n + 500) % 97
        )
    };
    fs::write(&file, (1..=60).map(line).collect::<String>())?;
    let path = file
        .to_str()
        .context("the temporary folder's name is text")?;
    App::terminal(
        screen,
        PAGE_TITLE,
        geometry,
        &format!("cat '{path}'; sleep 0.2; printf '\\033[?25l'"),
    )
}

/// A viewer with a picture that is no drawing: smooth shades, edges and grain.
pub fn photo(
    screen: &XServer,
    folder: &Path,
    width: usize,
    height: usize,
    geometry: &str,
) -> Result<App> {
    let file = folder.join("photo.png");
    shades(width, height).save(&file)?;
    App::photo(screen, &file, geometry)
}

/// The picture of [`photo`].
pub fn shades(width: usize, height: usize) -> Picture {
    let pixel = |at: usize| {
        let (x, y) = (
            (at % width) as f32 / width as f32,
            (at / width) as f32 / height as f32,
        );
        let grain = (mix(at as u32) % 17) as f32 - 8.0;
        let ring = (((x - 0.6).hypot(y - 0.4) * 40.0).sin() * 40.0).max(0.0);
        let channel = |value: f32| (value + ring + grain).clamp(0.0, 255.0) as u32;
        channel(60.0 + 150.0 * x) << 16
            | channel(90.0 + 120.0 * y) << 8
            | channel(200.0 - 140.0 * x * y)
    };
    Picture {
        width,
        height,
        pixels: (0..width * height).map(pixel).collect(),
    }
}

/// A number that looks like chance and is the same at every run.
fn mix(n: u32) -> u32 {
    let mut value = n.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    value ^= value >> 15;
    value = value.wrapping_mul(0x2c1b_3c6d);
    value ^ (value >> 13)
}

/// A part of the page's window title.
pub const PAGE_TITLE: &str = "Protokoll";
