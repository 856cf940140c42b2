//! A small window of our own over everything, with its own pixels, that takes no click: for frames, numbers, the sign.
//!
//! Layered windows keep their picture; nothing is painted later. Their thread has to serve its messages ([`super::pump`]).

use std::sync::OnceLock;

use windows::Win32::Foundation::{HWND, LPARAM, LRESULT, POINT, SIZE, WPARAM};
use windows::Win32::Graphics::Gdi::{
    AC_SRC_ALPHA, AC_SRC_OVER, BLENDFUNCTION, CreateCompatibleDC, DeleteDC, DeleteObject,
    SelectObject,
};
use windows::Win32::System::LibraryLoader::GetModuleHandleW;
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, HTTRANSPARENT, RegisterClassW, ULW_ALPHA,
    UpdateLayeredWindow, WM_NCHITTEST, WNDCLASSW, WS_EX_LAYERED, WS_EX_NOACTIVATE,
    WS_EX_TOOLWINDOW, WS_EX_TOPMOST, WS_EX_TRANSPARENT, WS_POPUP,
};
use windows::core::{PCWSTR, w};

use super::capture::gdi::Bitmap;
use crate::platform::{Area, Error};

/// The window. It belongs to the thread that made it, and goes with this handle there.
pub(super) struct Layer {
    pub(super) window: HWND,
}

impl Layer {
    /// Makes one, hidden. `colour` says what each pixel is: alpha, red, green, blue, multiplied.
    pub(super) fn new(place: Area, colour: impl Fn(u16, u16) -> u32) -> Result<Self, Error> {
        register()?;
        let look =
            WS_EX_LAYERED | WS_EX_TRANSPARENT | WS_EX_TOPMOST | WS_EX_TOOLWINDOW | WS_EX_NOACTIVATE;
        let (x, y) = (i32::from(place.x), i32::from(place.y));
        let (width, height) = (i32::from(place.width), i32::from(place.height));
        // SAFETY: the class is registered; it takes no parameter.
        let window = unsafe {
            CreateWindowExW(
                look, CLASS, None, WS_POPUP, x, y, width, height, None, None, None, None,
            )?
        };
        let layer = Self { window };
        let mut picture = Bitmap::new(place.width, place.height)?;
        let rows = picture
            .pixels()
            .chunks_exact_mut(usize::from(place.width) * 4);
        for (y, row) in (0..).zip(rows) {
            for (x, pixel) in (0..).zip(row.chunks_exact_mut(4)) {
                pixel.copy_from_slice(&colour(x, y).to_le_bytes());
            }
        }
        let blend = BLENDFUNCTION {
            BlendOp: AC_SRC_OVER as u8,
            BlendFlags: 0,
            SourceConstantAlpha: u8::MAX,
            AlphaFormat: AC_SRC_ALPHA as u8,
        };
        let (at, origin) = (POINT { x, y }, POINT::default());
        let size = SIZE {
            cx: width,
            cy: height,
        };
        // SAFETY: what is pointed to is ours and alive; the picture is taken out of the context before either goes.
        unsafe {
            let context = CreateCompatibleDC(None);
            let before = SelectObject(context, picture.handle().into());
            let shown = UpdateLayeredWindow(
                window,
                None,
                Some(&raw const at),
                Some(&raw const size),
                Some(context),
                Some(&raw const origin),
                windows::Win32::Foundation::COLORREF(0),
                Some(&raw const blend),
                ULW_ALPHA,
            );
            SelectObject(context, before);
            // A context of ours that nothing uses any more.
            let _gone = DeleteDC(context);
            shown?;
        }
        Ok(layer)
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        // SAFETY: on the thread that made it; it may be gone already.
        unsafe { DestroyWindow(self.window) }.ok();
    }
}

/// Frees a bitmap.
pub(super) fn delete(bitmap: windows::Win32::Graphics::Gdi::HBITMAP) {
    // SAFETY: ours, and in no context any more; it says whether it was there.
    let _there = unsafe { DeleteObject(bitmap.into()) };
}

fn register() -> Result<(), Error> {
    static REGISTERED: OnceLock<Result<(), String>> = OnceLock::new();
    let outcome = REGISTERED.get_or_init(|| {
        // SAFETY: the class' name and function live as long as the program.
        unsafe {
            let class = WNDCLASSW {
                lpfnWndProc: Some(serve),
                hInstance: GetModuleHandleW(None).map_err(|e| e.message())?.into(),
                lpszClassName: CLASS,
                ..WNDCLASSW::default()
            };
            match RegisterClassW(&raw const class) {
                0 => Err(windows::core::Error::from_thread().message()),
                _ => Ok(()),
            }
        }
    });
    outcome.clone().map_err(Error::Lost)
}

unsafe extern "system" fn serve(window: HWND, what: u32, word: WPARAM, long: LPARAM) -> LRESULT {
    if what == WM_NCHITTEST {
        return LRESULT(HTTRANSPARENT as isize);
    }
    // SAFETY: passed on as it came.
    unsafe { DefWindowProcW(window, what, word, long) }
}

const CLASS: PCWSTR = w!("FernsichtLayer");
