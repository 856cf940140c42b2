//! Whole pictures through GDI, for where duplication is refused: remote sessions, turned screens, other makers' Windows.

use windows::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, CreateCompatibleDC, CreateDIBSection,
    DIB_RGB_COLORS, DeleteDC, GetDC, HBITMAP, HDC, ReleaseDC, SRCCOPY, SelectObject,
};

use crate::platform::win32::layer::delete;
use crate::platform::{Area, Error, Rect};

/// A picture that GDI and we have in common. Four bytes a pixel, rows from the top, without gaps.
pub(in crate::platform::win32) struct Bitmap {
    handle: HBITMAP,
    bits: *mut u8,
    length: usize,
}

impl Bitmap {
    /// A black one.
    pub(in crate::platform::win32) fn new(width: u16, height: u16) -> Result<Self, Error> {
        let info = description(width.into(), height.into());
        let mut bits = std::ptr::null_mut();
        let colours = DIB_RGB_COLORS;
        // SAFETY: the description is complete; where the pixels lie is written into a pointer of ours.
        let handle =
            unsafe { CreateDIBSection(None, &raw const info, colours, &raw mut bits, None, 0)? };
        Ok(Self {
            handle,
            bits: bits.cast(),
            length: usize::from(width) * usize::from(height) * 4,
        })
    }

    pub(in crate::platform::win32) fn handle(&self) -> HBITMAP {
        self.handle
    }

    /// Its bytes.
    pub(in crate::platform::win32) fn pixels(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes lie there as long as the bitmap does, and GDI writes only when it is told to.
        unsafe { std::slice::from_raw_parts_mut(self.bits, self.length) }
    }
}

/// Pixels of four bytes, rows from the top, without gaps.
pub(in crate::platform::win32) fn description(width: i32, height: i32) -> BITMAPINFO {
    BITMAPINFO {
        bmiHeader: BITMAPINFOHEADER {
            biSize: size_of::<BITMAPINFOHEADER>() as u32,
            biWidth: width,
            // From the top.
            biHeight: -height,
            biPlanes: 1,
            biBitCount: 32,
            biCompression: BI_RGB.0,
            ..BITMAPINFOHEADER::default()
        },
        ..BITMAPINFO::default()
    }
}

impl Drop for Bitmap {
    fn drop(&mut self) {
        delete(self.handle);
    }
}

/// The shared area, as GDI read it last.
pub(super) struct Picture {
    area: Area,
    // Dropped before what lies in it.
    context: Context,
    bitmap: Bitmap,
}

impl Picture {
    pub(super) fn new(area: Area) -> Result<Self, Error> {
        let bitmap = Bitmap::new(area.width, area.height)?;
        // SAFETY: a context in memory, into which our bitmap goes; it is deleted before the bitmap.
        let context = unsafe {
            let context = Context(CreateCompatibleDC(None));
            SelectObject(context.0, bitmap.handle().into());
            context
        };
        Ok(Self {
            area,
            context,
            bitmap,
        })
    }

    /// Reads a part of the area anew. False if Windows shows this program nothing at this moment.
    pub(super) fn read(&mut self, part: Rect) -> bool {
        let (x, y) = (i32::from(part.x), i32::from(part.y));
        let (width, height) = (part.width.into(), part.height.into());
        let (from_x, from_y) = (i32::from(self.area.x) + x, i32::from(self.area.y) + y);
        // SAFETY: the screen's context is given back at once; the picture has room for every part of the area.
        unsafe {
            let screen = GetDC(None);
            let into = self.context.0;
            let read = BitBlt(
                into,
                x,
                y,
                width,
                height,
                Some(screen),
                from_x,
                from_y,
                SRCCOPY,
            );
            ReleaseDC(None, screen);
            read.is_ok()
        }
    }

    /// What was read.
    pub(super) fn pixels(&mut self) -> &[u8] {
        self.bitmap.pixels()
    }
}

struct Context(HDC);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours; it says whether it was there.
        let _there = unsafe { DeleteDC(self.0) };
    }
}
