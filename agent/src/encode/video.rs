//! One H.264 stream over one region: the leaf that knows openh264.
//!
//! The region keeps its place and size for the life of the stream; another region is
//! another stream. Colours are BT.601, full range; odd sides are padded to even ones by
//! repeating the last row or column.
//!
//! Not here: whether a region is worth it ([`super::cost`]).

use std::time::{Duration, Instant};

use fernsicht_protocol::picture::{Rect, View};
use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, FrameType, Profile, QpRange, RateControlMode,
    UsageType,
};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

use super::Error;

/// The widest region that openh264 encodes.
pub(super) const MAX_WIDTH: u16 = 3840;

/// The highest region that openh264 encodes at that width.
pub(super) const MAX_HEIGHT: u16 = 2160;

/// The smallest side of a region.
pub(super) const MIN_SIDE: u16 = 16;

/// One encoded picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// True if it can be decoded without any other.
    pub(super) key: bool,
    /// Annex B.
    pub(super) bytes: Vec<u8>,
}

/// A stream under way.
pub(super) struct Stream {
    number: u16,
    rect: Rect,
    encoder: openh264::encoder::Encoder,
    started: Instant,
    used: Instant,
    rate: u32,
    recent_bytes: Option<usize>,
    bgra: Vec<u8>,
    planes: [Vec<u8>; 3],
}

impl Stream {
    /// A stream over `rect` that aims at `rate` bytes a second.
    pub(super) fn new(
        number: u16,
        rect: Rect,
        rate: Option<u64>,
        now: Instant,
    ) -> Result<Self, Error> {
        let rate = target(rate);
        let config = EncoderConfig::new()
            .usage_type(UsageType::ScreenContentRealTime)
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .rate_control_mode(RateControlMode::Bitrate)
            .bitrate(BitRate::from_bps(rate))
            .max_frame_rate(FrameRate::from_hz(30.0))
            .qp(QpRange::new(16, 42))
            // A picture that is left out would leave a change unsent.
            .skip_frames(false)
            .background_detection(false)
            .adaptive_quantization(false);
        let encoder =
            openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)
                .map_err(Error::Video)?;
        let (width, height) = coded_size(rect);
        let chroma = width / 2 * (height / 2);
        Ok(Self {
            number,
            rect,
            encoder,
            started: now,
            used: now,
            rate,
            recent_bytes: None,
            bgra: vec![0; width * height * 4],
            planes: [vec![0; width * height], vec![0; chroma], vec![0; chroma]],
        })
    }

    /// Number of the stream.
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// The region.
    pub(super) fn rect(&self) -> Rect {
        self.rect
    }

    /// True if it has not been used for so long that what it shows is of no help.
    pub(super) fn old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) > IDLE
    }

    /// Bytes of a picture that follows another one; none before there was one.
    pub(super) fn recent_bytes(&self) -> Option<usize> {
        self.recent_bytes
    }

    /// True if the stream still suits a line of that rate.
    pub(super) fn suits(&self, rate: Option<u64>) -> bool {
        let rate = target(rate);
        rate / 3 < self.rate && self.rate / 3 < rate
    }

    /// Encodes what `view` shows in the region.
    pub(super) fn encode(&mut self, view: View<'_>, now: Instant) -> Result<Picture, Error> {
        self.copy(view);
        self.convert()?;
        let (width, height) = coded_size(self.rect);
        let [y, u, v] = &self.planes;
        let source = YUVSlices::new((y, u, v), (width, height), (width, width / 2, width / 2));
        let age = now.saturating_duration_since(self.started).as_millis();
        let time = Timestamp::from_millis(u64::try_from(age).unwrap_or_default());
        let stream = self
            .encoder
            .encode_at(&source, time)
            .map_err(Error::Video)?;
        let key = matches!(stream.frame_type(), FrameType::IDR);
        let mut bytes = Vec::new();
        stream.write_vec(&mut bytes);
        if !key {
            let before = self.recent_bytes.unwrap_or(bytes.len());
            self.recent_bytes = Some(before / 2 + bytes.len() / 2);
        }
        self.used = now;
        Ok(Picture { key, bytes })
    }

    fn copy(&mut self, view: View<'_>) {
        let (width, height) = coded_size(self.rect);
        let row_bytes = usize::from(self.rect.width) * 4;
        for (row, line) in self
            .bgra
            .chunks_exact_mut(width * 4)
            .take(height)
            .enumerate()
        {
            let row = (row as u16).min(self.rect.height - 1);
            line[..row_bytes].copy_from_slice(view.row(self.rect, row));
            if row_bytes < line.len() {
                line.copy_within(row_bytes - 4..row_bytes, row_bytes);
            }
        }
    }

    fn convert(&mut self) -> Result<(), Error> {
        let (width, height) = coded_size(self.rect);
        let (width, height) = (width as u32, height as u32);
        let [y, u, v] = &mut self.planes;
        let mut image = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(y),
            y_stride: width,
            u_plane: BufferStoreMut::Borrowed(u),
            u_stride: width / 2,
            v_plane: BufferStoreMut::Borrowed(v),
            v_stride: width / 2,
            width,
            height,
        };
        yuv::bgra_to_yuv420(
            &mut image,
            &self.bgra,
            width * 4,
            YuvRange::Full,
            YuvStandardMatrix::Bt601,
            YuvConversionMode::Balanced,
        )
        .map_err(|_| Error::Conversion)
    }
}

/// Each side rounded up to even.
fn coded_size(rect: Rect) -> (usize, usize) {
    (
        usize::from(rect.width).next_multiple_of(2),
        usize::from(rect.height).next_multiple_of(2),
    )
}

/// Bits a second: two sevenths of the line, since keys have to pass, lost packets to come again, and exact pixels to follow.
fn target(rate: Option<u64>) -> u32 {
    let bits = rate.map_or(MOST_BITS, |r| r.saturating_mul(16) / 7);
    bits.clamp(LEAST_BITS, MOST_BITS) as u32
}

const IDLE: Duration = Duration::from_secs(10);
const LEAST_BITS: u64 = 300_000;
const MOST_BITS: u64 = 12_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_regions_at_an_odd_place() {
        let (width, height) = (101u16, 67u16);
        let bgrx: Vec<u8> = (0..u32::from(width) * u32::from(height))
            .flat_map(|i| (i * 77).to_le_bytes())
            .collect();
        let view = View {
            width,
            height,
            stride: usize::from(width) * 4,
            bgrx: &bgrx,
        };
        let now = Instant::now();
        let rect = Rect {
            x: 2,
            y: 1,
            width: 99,
            height: 65,
        };
        let mut stream = Stream::new(4, rect, None, now).unwrap();
        let first = stream.encode(view, now).unwrap();
        assert!(first.key && first.bytes.starts_with(&[0, 0, 0, 1]));
        assert_eq!(stream.recent_bytes(), None);
        let second = stream
            .encode(view, now + Duration::from_millis(40))
            .unwrap();
        assert!(!second.key && !second.bytes.is_empty() && second.bytes.len() < first.bytes.len());
        assert_eq!(stream.number(), 4);
    }

    #[test]
    fn a_line_that_changed_needs_another_stream() {
        let rect = Rect {
            x: 0,
            y: 0,
            width: 64,
            height: 64,
        };
        let stream = Stream::new(0, rect, Some(400_000), Instant::now()).unwrap();
        assert!(stream.suits(Some(600_000)));
        assert!(!stream.suits(Some(20_000_000)));
        assert!(!stream.suits(Some(10_000)));
    }
}
