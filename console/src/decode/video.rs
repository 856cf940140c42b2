//! One H.264 stream: the leaf that knows openh264.
//!
//! openh264 is C and its input hostile, so that only what our agent writes reaches it:
//! slices, and parameter sets of exactly the box's size with few reference pictures
//! ([`super::sps`]). That also bounds its memory.

use fernsicht_protocol::picture::Rect;
use openh264::decoder::{DecodeOptions, DecodedYUV, Flush};
use openh264::formats::YUVSource;
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix};

use super::Error;
use super::canvas::{Canvas, OPAQUE};
use super::sps;

/// A stream under way.
pub(super) struct Stream {
    number: u16,
    rect: Rect,
    decoder: openh264::decoder::Decoder,
    bgra: Vec<u8>,
}

/// Decodes a picture of stream `number` and draws it into `rect`, which lies within the
/// canvas. A key of another stream or box takes the place of the stream before it.
pub(super) fn draw(
    running: &mut Option<Stream>,
    number: u16,
    rect: Rect,
    key: bool,
    bytes: &[u8],
    canvas: &mut Canvas,
) -> Result<(), Error> {
    sps::check(bytes, coded_size(rect), key).map_err(Error::Video)?;
    if running
        .as_ref()
        .is_none_or(|s| s.number != number || s.rect != rect)
    {
        if !key {
            return Err(Error::Video("a picture of a stream that was not started"));
        }
        *running = None;
        let decoder = openh264::decoder::Decoder::new().map_err(Error::Decoder)?;
        *running = Some(Stream {
            number,
            rect,
            decoder,
            bgra: Vec::new(),
        });
    }
    let stream = running.as_mut().ok_or(Error::Video("no stream"))?;
    stream.draw(bytes, canvas)
}

impl Stream {
    fn draw(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<(), Error> {
        let options = DecodeOptions::new().flush_after_decode(Flush::NoFlush);
        let decoded = self.decoder.decode_with_options(bytes, options);
        let picture = decoded
            .map_err(|_| Error::Video("it does not decode"))?
            .ok_or(Error::Video("it holds no picture"))?;
        let (width, height) = coded_size(self.rect);
        if picture.dimensions() != (width, height) {
            return Err(Error::Video("its size is not that of its box"));
        }
        self.bgra.resize(width * height * 4, 0);
        convert(&picture, &mut self.bgra)?;
        for (row, line) in (0..self.rect.height).zip(self.bgra.chunks_exact(width * 4)) {
            for (pixel, [b, g, r, _]) in canvas
                .row_mut(self.rect, row)
                .iter_mut()
                .zip(line.as_chunks::<4>().0)
            {
                *pixel = [*b, *g, *r, OPAQUE];
            }
        }
        Ok(())
    }
}

fn convert(picture: &DecodedYUV<'_>, bgra: &mut [u8]) -> Result<(), Error> {
    let too_large = |_| Error::Video("its size is not that of its box");
    let (width, height) = picture.dimensions();
    let (y_stride, u_stride, v_stride) = picture.strides();
    let size = |n: usize| u32::try_from(n).map_err(too_large);
    let image = YuvPlanarImage {
        y_plane: picture.y(),
        y_stride: size(y_stride)?,
        u_plane: picture.u(),
        u_stride: size(u_stride)?,
        v_plane: picture.v(),
        v_stride: size(v_stride)?,
        width: size(width)?,
        height: size(height)?,
    };
    yuv::yuv420_to_bgra(
        &image,
        bgra,
        size(width * 4)?,
        YuvRange::Full,
        YuvStandardMatrix::Bt601,
    )
    .map_err(|_| Error::Video("its colours do not convert"))
}

/// Each side rounded up to even.
fn coded_size(rect: Rect) -> (usize, usize) {
    (
        usize::from(rect.width).next_multiple_of(2),
        usize::from(rect.height).next_multiple_of(2),
    )
}
