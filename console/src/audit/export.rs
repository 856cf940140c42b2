//! Export of a recording as a video: what the technician saw, with the pointer, in the recording's
//! own times; long pauses stay.
//!
//! ```text
//! Pictures ─► at each change, at most 25 a second ─► Canvas ─► video::Writer
//! ```
//!
//! The one thing that is written decrypted, and only where the auditor says. Not here: that the
//! relay logs it before ([`super::link`]), and the report beside it ([`super::report`]).

use std::path::Path;

use fernsicht_protocol::picture::View;

use super::Failure;
use super::canvas::{Canvas, Pointer};
use super::video::{Writer, Written};

/// The shortest time between two pictures, in hundredths of a second: 25 pictures a second.
const SHORTEST: u64 = 4;

/// The longest a picture stands without being repeated, in hundredths of a second: so that a
/// player can seek within a pause.
const LONGEST: u64 = 1000;

/// A recording that can be gone through. Times are in hundredths of a second since 1970 UTC.
pub trait Pictures {
    /// From when to when.
    fn span(&self) -> (u64, u64);

    /// The largest width and the largest height of any picture.
    fn largest(&mut self) -> Result<(u16, u16), Failure>;

    /// Goes to `time`.
    fn seek(&mut self, time: u64) -> Result<(), Failure>;

    /// The next time after `time` at which something else is to be seen.
    fn change_after(&self, time: u64) -> Option<u64>;

    /// What is to be seen; none: nothing.
    fn picture(&self) -> Option<View<'_>>;

    /// The customer's pointer.
    fn pointer(&self) -> Option<Pointer<'_>>;
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Hundredths of a second of the recording that are written.
    pub done: u64,
    /// Of how many.
    pub of: u64,
}

/// Writes the video to `path`. `go_on` is told how far it is; where it says no the export ends with
/// [`Failure::Cancelled`] and nothing is left at `path`.
pub fn video(
    pictures: &mut dyn Pictures,
    path: &Path,
    go_on: &mut dyn FnMut(Progress) -> bool,
) -> Result<Written, Failure> {
    let (from, to) = pictures.span();
    let mut canvas = Canvas::new(pictures.largest()?);
    let (width, height) = canvas.size();
    let mut writer = Writer::create(path, width, height)?;
    let mut time = from;
    loop {
        pictures.seek(time)?;
        canvas.draw(pictures.picture(), pictures.pointer());
        writer.show(time, &canvas)?;
        let progress = Progress {
            done: time - from,
            of: to.saturating_sub(from),
        };
        if !go_on(progress) {
            return Err(Failure::Cancelled);
        }
        let change = pictures.change_after(time).unwrap_or(u64::MAX);
        let next = change.clamp(time + SHORTEST, time + LONGEST);
        if next >= to {
            break;
        }
        time = next;
    }
    // A picture that came just before the end is not lost to the limit of 25 a second.
    if pictures.change_after(time).is_some_and(|t| t <= to) && time < to {
        pictures.seek(to)?;
        canvas.draw(pictures.picture(), pictures.pointer());
        writer.show(to, &canvas)?;
    }
    writer.finish(to.max(time) + SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures that are computed.
    struct Drawn {
        span: (u64, u64),
        changes: Vec<u64>,
        at: u64,
        bgrx: Vec<u8>,
    }

    const WIDTH: u16 = 320;
    const HEIGHT: u16 = 239;

    impl Drawn {
        fn new(span: (u64, u64), changes: Vec<u64>) -> Self {
            Self {
                span,
                changes,
                at: 0,
                bgrx: Vec::new(),
            }
        }
    }

    /// Lines of what looks like text, another at each change, and a coloured field.
    fn page(time: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for y in 0..u64::from(HEIGHT) {
            for x in 0..u64::from(WIDTH) {
                let ink = (x / 3 * 7 + y / 10 * 13 + time / 50).is_multiple_of(5) && y % 10 < 7;
                let pixel = match (x > 200 && y > 150, ink) {
                    (true, _) => [60 + (x / 4) as u8, 90, 200],
                    (false, true) => [20, 20, 20],
                    (false, false) => [250, 250, 245],
                };
                out.extend_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
            }
        }
        out
    }

    impl Pictures for Drawn {
        fn span(&self) -> (u64, u64) {
            self.span
        }
        fn largest(&mut self) -> Result<(u16, u16), Failure> {
            Ok((WIDTH, HEIGHT))
        }
        fn seek(&mut self, time: u64) -> Result<(), Failure> {
            self.at = time;
            self.bgrx = page(time);
            Ok(())
        }
        fn change_after(&self, time: u64) -> Option<u64> {
            self.changes.iter().copied().find(|t| *t > time)
        }
        fn picture(&self) -> Option<View<'_>> {
            Some(View {
                width: WIDTH,
                height: HEIGHT,
                stride: usize::from(WIDTH) * 4,
                bgrx: &self.bgrx,
            })
        }
        fn pointer(&self) -> Option<Pointer<'_>> {
            None
        }
    }

    /// Sample durations in milliseconds, and the picture of each.
    fn read(path: &Path) -> Vec<(u32, bool, Vec<u8>)> {
        use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};
        let file = std::fs::read(path).unwrap();
        let mut demuxer = Mp4FileDemuxer::new();
        demuxer.handle_input(Input {
            position: 0,
            data: &file,
        });
        let mut decoder = openh264::decoder::Decoder::new().unwrap();
        let mut out = Vec::new();
        while let Some(sample) = demuxer.next_sample().unwrap() {
            let mut annexb = Vec::new();
            if let Some(shiguredo_mp4::boxes::SampleEntry::Avc1(entry)) = sample.sample_entry {
                let sets = entry
                    .avcc_box
                    .sps_list
                    .iter()
                    .chain(&entry.avcc_box.pps_list);
                for set in sets.filter(|_| out.is_empty()) {
                    annexb.extend_from_slice(&[0, 0, 0, 1]);
                    annexb.extend_from_slice(set);
                }
            }
            let from = sample.data_offset as usize;
            let mut nals = &file[from..from + sample.data_size];
            while let Some((length, rest)) = nals.split_first_chunk::<4>() {
                let (nal, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
                annexb.extend_from_slice(&[0, 0, 0, 1]);
                annexb.extend_from_slice(nal);
                nals = rest;
            }
            let mut decoded = decoder.decode(&annexb).unwrap();
            if decoded.is_none() {
                decoded = decoder.flush_remaining().unwrap().pop();
            }
            let decoded = decoded.expect("each sample is a picture");
            out.push((sample.duration, sample.keyframe, colours(&decoded)));
        }
        out
    }

    /// Red, green and blue, as a player makes them: BT.709, full range.
    fn colours(picture: &openh264::decoder::DecodedYUV<'_>) -> Vec<u8> {
        use openh264::formats::YUVSource as _;
        let (width, height) = picture.dimensions();
        let (of_y, of_u, of_v) = picture.strides();
        let mut out = Vec::new();
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let bright = f64::from(picture.y()[y * of_y + x]);
            let u = f64::from(picture.u()[y / 2 * of_u + x / 2]) - 128.0;
            let v = f64::from(picture.v()[y / 2 * of_v + x / 2]) - 128.0;
            let rgb = [1.5748 * v, -0.1873 * u - 0.4681 * v, 1.8556 * u];
            out.extend(rgb.map(|off| (bright + off).round().clamp(0.0, 255.0) as u8));
        }
        out
    }

    fn expected_colours(bgrx: &[u8]) -> Vec<u8> {
        let pixels = bgrx.as_chunks::<4>().0.iter();
        pixels.flat_map(|[b, g, r, _]| [*r, *g, *b]).collect()
    }

    /// Over red, green and blue of every pixel.
    fn psnr(expected: &[u8], shown: &[u8]) -> f64 {
        let off = |(e, s): (&u8, &u8)| f64::from(e.abs_diff(*s)).powi(2);
        let sum: f64 = expected.iter().zip(shown).map(off).sum();
        10.0 * (255.0f64.powi(2) / (sum / expected.len() as f64)).log10()
    }

    #[test]
    fn times_and_pictures_are_those_of_the_recording() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("case.mp4");
        // Two changes within a picture's time, a second apart, and a pause of 25 s.
        let begun = 180_000_000_000;
        let changes = [0, 10, 12, 112, 2612].map(|t| begun + t).to_vec();
        let mut pictures = Drawn::new((begun, begun + 2700), changes);
        let mut told = Vec::new();
        let written = video(&mut pictures, &path, &mut |progress| {
            told.push(progress.done);
            true
        })
        .unwrap();
        let samples = read(&path);
        let durations: Vec<u32> = samples.iter().map(|s| s.0).collect();
        assert_eq!(durations, [100, 40, 980, 10_000, 10_000, 5000, 920]);
        assert_eq!(told, [0, 10, 14, 112, 1112, 2112, 2612]);
        assert!(samples[0].1 && samples[4].1 && !samples[1].1);
        for (sample, time) in samples.iter().zip(&told) {
            let expected = expected_colours(&page(begun + time));
            let psnr = psnr(&expected, &sample.2);
            assert!(psnr >= 40.0, "{psnr} dB at {time}");
        }
        assert_eq!(written.length, std::fs::metadata(&path).unwrap().len());
        let hash = fernsicht_protocol::crypto::hash(&std::fs::read(&path).unwrap());
        assert_eq!(written.hash, hash);
    }

    #[test]
    fn what_is_cancelled_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("case.mp4");
        let mut pictures = Drawn::new((0, 1000), vec![100, 200]);
        let ended = video(&mut pictures, &path, &mut |progress| progress.done < 100);
        assert_eq!(ended, Err(Failure::Cancelled));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_named() {
        let path = Path::new("/nowhere/at/all/case.mp4");
        let mut pictures = Drawn::new((0, 1000), vec![]);
        let Err(Failure::File { path: named, .. }) = video(&mut pictures, path, &mut |_| true)
        else {
            panic!("it cannot be written")
        };
        assert_eq!(named, path.display().to_string());
    }
}
