//! Pages in a real browser, and films in a real player's eyes: Chromium, ffprobe, ffmpeg, zbarimg.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::grab::Picture;

/// Takes a picture of an HTML file as Chromium shows it, on a page of this size.
pub fn picture_of_page(page: &Path, png: &Path, width: u32, height: u32) -> Result<()> {
    let profile = tempfile::tempdir()?;
    let page = page
        .canonicalize()
        .with_context(|| page.display().to_string())?;
    let mut command = Command::new("chromium");
    command
        .args([
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
        ])
        // The page is ours, and Chromium's own sandbox does not start as root.
        .arg("--no-sandbox")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--screenshot={}", png.display()))
        .arg(format!("file://{}", page.display()))
        .env_remove("DISPLAY")
        .env("HOME", profile.path());
    run(&mut command)?;
    ensure!(
        png.is_file(),
        "chromium wrote no picture of {}",
        page.display()
    );
    Ok(())
}

/// What a QR code in a picture says. None: there is none that can be read.
pub fn code_in(picture: &Picture) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let png = folder.path().join("card.png");
    picture.save(&png)?;
    let output = Command::new("zbarimg")
        .args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"])
        .arg(&png)
        .stdin(Stdio::null())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output()
        .context("zbarimg could not be started; is its package installed?")?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .lines()
        .next()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty()))
}

/// What ffprobe finds in a film.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// The name of the code, `h264`.
    pub code: String,
    /// Width in pixels.
    pub width: u64,
    /// Height in pixels.
    pub height: u64,
    /// Seconds.
    pub seconds: f64,
    /// Frames, counted one by one.
    pub frames: u64,
}

/// Reads a film with ffprobe.
pub fn film(path: &Path) -> Result<Film> {
    let output = run(Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-count_frames"])
        .args(["-select_streams", "v:0", "-show_streams", "-show_format"])
        .arg(path))?;
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let stream = found
        .pointer("/streams/0")
        .with_context(|| format!("no picture in {}", path.display()))?;
    let number = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    Ok(Film {
        code: stream["codec_name"].as_str().unwrap_or_default().to_owned(),
        width: stream["width"].as_u64().unwrap_or_default(),
        height: stream["height"].as_u64().unwrap_or_default(),
        seconds: number(&found["format"]["duration"]).unwrap_or_default(),
        frames: number(&stream["nb_read_frames"]).unwrap_or_default() as u64,
    })
}

/// The picture that a film shows at a time.
pub fn picture_at(path: &Path, seconds: f64) -> Result<Picture> {
    let Film { width, height, .. } = film(path)?;
    // A film stands still for seconds between two pictures; seeking in it would give the next one.
    let output = run(Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args([
            "-vf",
            "fps=50",
            "-ss",
            &format!("{seconds:.3}"),
            "-frames:v",
            "1",
        ])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]))?;
    let (width, height) = (usize::try_from(width)?, usize::try_from(height)?);
    ensure!(
        output.stdout.len() == width * height * 3,
        "no frame at {seconds} s in {}",
        path.display()
    );
    let pixel = |b: &[u8]| u32::from(b[0]) << 16 | u32::from(b[1]) << 8 | u32::from(b[2]);
    Ok(Picture {
        width,
        height,
        pixels: output.stdout.chunks_exact(3).map(pixel).collect(),
    })
}

/// Peak signal-to-noise ratio of two pictures of one size in dB, as ffmpeg's filter of that name has it for films:
/// in their own 4:2:0 (BT.709), brightness and both colours by their number of samples.
pub fn psnr(one: &Picture, other: &Picture) -> Result<f64> {
    ensure!(
        (one.width, one.height) == (other.width, other.height),
        "pictures of two sizes cannot be compared"
    );
    let (width, height) = (one.width & !1, one.height & !1);
    let (mut bright, mut colour) = (0.0, 0.0);
    for (x, y) in (0..height)
        .step_by(2)
        .flat_map(|y| (0..width).step_by(2).map(move |x| (x, y)))
    {
        let mut off = [0.0; 2];
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let at = (y + dy) * one.width + x + dx;
            let [a, b] = [one.pixels[at], other.pixels[at]].map(ycbcr);
            bright += (a[0] - b[0]).powi(2);
            off[0] += (a[1] - b[1]) / 4.0;
            off[1] += (a[2] - b[2]) / 4.0;
        }
        colour += off[0].powi(2) + off[1].powi(2);
    }
    let samples = (width * height) as f64 * 1.5;
    Ok(decibels((bright + colour) / samples))
}

/// BT.709, full range.
fn ycbcr(pixel: u32) -> [f64; 3] {
    let [r, g, b] = [16, 8, 0].map(|shift| f64::from(pixel >> shift & 0xff));
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [y, (b - y) / 1.8556, (r - y) / 1.5748]
}

fn decibels(mean_square: f64) -> f64 {
    if mean_square == 0.0 {
        f64::INFINITY
    } else {
        10.0 * (255.0 * 255.0 / mean_square).log10()
    }
}

/// The same over red, green and blue of every pixel: what 4:2:0 loses of colour counts here.
pub fn psnr_of_colours(one: &Picture, other: &Picture) -> Result<f64> {
    ensure!(
        (one.width, one.height) == (other.width, other.height),
        "pictures of {}x{} and {}x{} cannot be compared",
        one.width,
        one.height,
        other.width,
        other.height
    );
    let squares: u64 = one
        .pixels
        .iter()
        .zip(&other.pixels)
        .map(|(a, b)| {
            [16, 8, 0]
                .map(|shift| u64::from((a >> shift & 0xff).abs_diff(b >> shift & 0xff)).pow(2))
                .iter()
                .sum::<u64>()
        })
        .sum();
    let mean = squares as f64 / (one.pixels.len() * 3) as f64;
    Ok(decibels(mean))
}

fn run(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{name} could not be started; is its package installed?"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {}", words.trim());
    Ok(output)
}
