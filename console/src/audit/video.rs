//! The exported video: pictures in, an MP4 file out, with the recording's own times.
//!
//! ```text
//! picture ─► canvas (even sides, black around) ─► YUV 4:2:0 ─► H.264 ─► sample, with the time to the next one
//! ```
//!
//! H.264 in openh264's camera mode with a quantiser that is as fine as it allows: sharp rather than small.
//! Colours are BT.709, full range, and say so: a limited range has steps that are a sixth coarser, and what
//! players make of them costs as much again. A picture's duration is known only when
//! the next one comes; that of a long pause is one sample, or several where a pause is so long
//! that a player could not seek in it.
//!
//! The file is written beside its name and moved there when it is complete; one that is
//! dropped before leaves nothing.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use fernsicht_protocol::crypto::Hash;
use fernsicht_protocol::picture::View;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, Profile, QpRange,
    RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;
use openh264::{OpenH264API, Timestamp};
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::bitstream::h264::{
    H264SampleEntryConfig, LengthSize, annexb_to_length_prefixed, build_avc1_box_from_annexb,
};

use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::mux::{Mp4FileMuxer, Sample};
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

use super::Failure;
use super::canvas::Canvas;

/// Time stands in hundredths of a second, as in the recording; the file's scale is a player's.
const TIMESCALE: NonZeroU32 = NonZeroU32::new(1000).expect("not zero");

/// Units of the file's scale in a hundredth of a second.
const PER_CENTISECOND: u64 = 10;

/// At least this often a picture stands by itself, so that a player can seek, in hundredths of a second.
const KEY_EVERY: u64 = 1000;

/// The finest quantiser of openh264's rate control (its GOM_MIN_QP_MODE).
const FINEST: u8 = 12;

/// The longer side of what openh264 encodes.
pub const MAX_LONG: u16 = 3840;

/// The shorter side of what openh264 encodes.
pub const MAX_SHORT: u16 = 2160;

/// A file under way.
pub struct Writer {
    path: PathBuf,
    beside: PathBuf,
    file: Option<File>,
    offset: u64,
    muxer: Mp4FileMuxer,
    encoder: Encoder,
    width: usize,
    height: usize,
    planes: [Vec<u8>; 3],
    begun: Option<u64>,
    keyed: u64,
    entered: bool,
    /// The last sample, whose duration is not known yet.
    waiting: Option<Waiting>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

struct Waiting {
    time: u64,
    bytes: Vec<u8>,
    key: bool,
    entry: Option<SampleEntry>,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// Bytes.
    pub length: u64,
    /// SHA-256.
    pub hash: Hash,
}

impl Writer {
    /// Begins a file for pictures of `width` times `height` pixels, both even.
    pub fn create(path: &Path, width: u16, height: u16) -> Result<Self, Failure> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let beside = path.with_file_name(name);
        let told = |e: io::Error| file_failure(path, &e);
        let mut file = private(&beside).map_err(told)?;
        let muxer = Mp4FileMuxer::new().map_err(encoding)?;
        let head = muxer.initial_boxes_bytes();
        let written = file.write_all(head);
        let offset = head.len() as u64;
        let (width, height) = (usize::from(width), usize::from(height));
        let chroma = width / 2 * (height / 2);
        let writer = Self {
            path: path.to_owned(),
            beside,
            file: Some(file),
            offset,
            muxer,
            encoder: encoder(width, height)?,
            width,
            height,
            planes: [vec![0; width * height], vec![0; chroma], vec![0; chroma]],
            begun: None,
            keyed: 0,
            entered: false,
            waiting: None,
        };
        written.map_err(told)?;
        Ok(writer)
    }

    /// What is to be seen from `time` on, in hundredths of a second; times rise.
    pub fn show(&mut self, time: u64, canvas: &Canvas) -> Result<(), Failure> {
        let begun = *self.begun.get_or_insert(time);
        if time >= self.keyed + KEY_EVERY {
            self.encoder.force_intra_frame();
        }
        self.convert(canvas.view())?;
        let (width, height) = (self.width, self.height);
        let [y, u, v] = &self.planes;
        let source = YUVSlices::new((y, u, v), (width, height), (width, width / 2, width / 2));
        let stamp = Timestamp::from_millis((time - begun) * PER_CENTISECOND);
        let stream = self.encoder.encode_at(&source, stamp).map_err(encoding)?;
        let key = matches!(stream.frame_type(), FrameType::IDR);
        let annexb = stream.to_vec();
        if annexb.is_empty() {
            // The encoder found nothing to say: the picture before stays.
            return Ok(());
        }
        if key {
            self.keyed = time;
        }
        let mut entry = None;
        if !self.entered {
            let config = H264SampleEntryConfig {
                length_size: LengthSize::FourBytes,
            };
            let avc1 = build_avc1_box_from_annexb(&annexb, &config).map_err(encoding)?;
            entry = Some(SampleEntry::Avc1(avc1));
            self.entered = true;
        }
        let bytes = annexb_to_length_prefixed(&annexb, LengthSize::FourBytes).map_err(encoding)?;
        self.flush(time)?;
        self.waiting = Some(Waiting {
            time,
            bytes,
            key,
            entry,
        });
        Ok(())
    }

    /// The last picture is seen until `time`; the file takes its name.
    pub fn finish(mut self, time: u64) -> Result<Written, Failure> {
        self.flush(time)?;
        let finalized = self.muxer.finalize().map_err(encoding)?;
        let pairs: Vec<(u64, Vec<u8>)> = finalized
            .offset_and_bytes_pairs()
            .map(|(at, bytes)| (at, bytes.to_vec()))
            .collect();
        let mut file = self
            .file
            .take()
            .ok_or_else(|| Failure::Internal("a file that was closed".into()))?;
        let done = (|| {
            for (at, bytes) in pairs {
                file.seek(SeekFrom::Start(at))?;
                file.write_all(&bytes)?;
            }
            file.sync_all()?;
            let (length, hash) = hash_of(&self.beside)?;
            std::fs::rename(&self.beside, &self.path)?;
            Ok(Written {
                path: self.path.clone(),
                length,
                hash,
            })
        })();
        done.map_err(|e: io::Error| file_failure(&self.path, &e))
    }

    /// Writes the sample that waits: it lasts until `time`.
    fn flush(&mut self, time: u64) -> Result<(), Failure> {
        let Some(waiting) = self.waiting.take() else {
            return Ok(());
        };
        let file = self
            .file
            .as_mut()
            .ok_or_else(|| Failure::Internal("a file that was closed".into()))?;
        file.write_all(&waiting.bytes)
            .map_err(|e| file_failure(&self.path, &e))?;
        let duration = time.saturating_sub(waiting.time).max(1) * PER_CENTISECOND;
        let sample = Sample {
            track_kind: TrackKind::Video,
            sample_entry: waiting.entry,
            keyframe: waiting.key,
            timescale: TIMESCALE,
            duration: u32::try_from(duration).unwrap_or(u32::MAX),
            composition_time_offset: None,
            data_offset: self.offset,
            data_size: waiting.bytes.len(),
        };
        self.muxer.append_sample(&sample).map_err(encoding)?;
        self.offset += waiting.bytes.len() as u64;
        Ok(())
    }

    fn convert(&mut self, view: View<'_>) -> Result<(), Failure> {
        let (width, height) = (self.width as u32, self.height as u32);
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
            view.bgrx,
            view.stride as u32,
            YuvRange::Full,
            YuvStandardMatrix::Bt709,
            YuvConversionMode::Balanced,
        )
        .map_err(encoding)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Renamed when it was finished; else nobody wants it. One that cannot be removed is told by its name.
        if self.file.take().is_some() || self.beside.exists() {
            drop(std::fs::remove_file(&self.beside));
        }
    }
}

fn encoder(width: usize, height: usize) -> Result<Encoder, Failure> {
    // The quantiser follows from its range alone in this mode; the rate must only be plausible.
    let rate = (width * height * 24).clamp(8_000_000, 100_000_000) as u32;
    let config = EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .profile(Profile::Baseline)
        .complexity(Complexity::Medium)
        .rate_control_mode(RateControlMode::Bufferbased)
        .bitrate(BitRate::from_bps(rate))
        .max_frame_rate(FrameRate::from_hz(25.0))
        // openh264 takes nothing finer where it controls the rate.
        .qp(QpRange::new(FINEST, FINEST))
        .skip_frames(false)
        .background_detection(false)
        .adaptive_quantization(false)
        .scene_change_detect(false)
        .vui(VuiConfig::bt709_full());
    Encoder::with_api_config(OpenH264API::from_source(), config).map_err(encoding)
}

/// A new file that only its owner reads: it shows what was recorded.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) fn file_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::File {
        path: path.display().to_string(),
        detail: error.to_string(),
    }
}

fn encoding(error: impl std::fmt::Display) -> Failure {
    Failure::Encoding(error.to_string())
}

/// Bytes and SHA-256 of a file.
fn hash_of(path: &Path) -> io::Result<(u64, Hash)> {
    let mut file = File::open(path)?;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        length += read as u64;
        context.update(&buffer[..read]);
    }
    let hash = context.finish();
    let hash = hash.as_ref().try_into().map_err(io::Error::other)?;
    Ok((length, hash))
}
