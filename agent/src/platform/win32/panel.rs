//! Windows that lie over everything and take no input.

use windows::Win32::UI::WindowsAndMessaging::{
    HWND_TOPMOST, KillTimer, MSG, SW_SHOWNOACTIVATE, SWP_NOACTIVATE, SWP_NOMOVE, SWP_NOSIZE,
    SetTimer, SetWindowPos, ShowWindow, WM_TIMER,
};

use super::layer::Layer;
use super::pump::{Pump, Serve};
use super::{number, session};
use crate::platform::overlay::Block;
use crate::platform::{Error, OwnWindows};

/// The windows, as long as it lives.
pub(in crate::platform) struct Panel {
    windows: Vec<u32>,
    own: OwnWindows,
    _pump: Pump,
}

impl Panel {
    pub(in crate::platform) fn show(
        _: Option<&str>,
        blocks: &[Block],
        own: &OwnWindows,
    ) -> Result<Self, Error> {
        let blocks: Vec<Block> = blocks.to_vec();
        let list = own.clone();
        let (pump, windows) = Pump::start("overlay", move || {
            let mut layers = Vec::new();
            let mut windows = Vec::new();
            for block in &blocks {
                let layer = Layer::new(block.place, |x, y| colour(block, x, y))?;
                let number = number(layer.window);
                list.add(number);
                session::keep_out(number);
                windows.push(number);
                layers.push(layer);
            }
            for layer in &layers {
                // SAFETY: one of ours; it says whether it was shown before.
                let _before = unsafe { ShowWindow(layer.window, SW_SHOWNOACTIVATE) };
            }
            // SAFETY: no window and no function: the message comes to this thread.
            let timer = unsafe { SetTimer(None, 0, RAISE_MS, None) };
            Ok((windows, Keeper { layers, timer }))
        })?;
        Ok(Self {
            windows,
            own: own.clone(),
            _pump: pump,
        })
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        for window in &self.windows {
            self.own.remove(*window);
        }
    }
}

/// Keeps them above other windows that want to be there.
struct Keeper {
    layers: Vec<Layer>,
    timer: usize,
}

impl Serve for Keeper {
    fn handle(&mut self, message: &MSG) {
        if message.message != WM_TIMER {
            return;
        }
        for layer in &self.layers {
            let how = SWP_NOACTIVATE | SWP_NOMOVE | SWP_NOSIZE;
            // SAFETY: one of ours, on its thread.
            unsafe { SetWindowPos(layer.window, Some(HWND_TOPMOST), 0, 0, 0, 0, how) }.ok();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // SAFETY: it was set by this thread.
        unsafe { KillTimer(None, self.timer) }.ok();
    }
}

fn colour(block: &Block, x: u16, y: u16) -> u32 {
    let inside = |part: &crate::platform::Area| part.contains(x.into(), y.into());
    match block.drawing.iter().any(inside) {
        true => BRIGHT,
        false => {
            let [red, green, blue] = block.colour;
            u32::from_be_bytes([u8::MAX, red, green, blue])
        }
    }
}

const BRIGHT: u32 = 0xffff_ffff;
/// How often they are put above what came over them.
const RAISE_MS: u32 = 1000;
