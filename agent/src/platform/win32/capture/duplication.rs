//! Desktop duplication: Windows says what changed on a screen, and hands its picture over on the graphics card.
//!
//! ```text
//! AcquireNextFrame ─► changed and moved rectangles ─► copied on the card into a picture of ours ─► damage
//! read ─► those rectangles ─► memory ─► pixels
//! ```
//!
//! A frame is kept only for as long as its changes are copied: Windows collects what happens meanwhile. Nothing leaves
//! the card before somebody reads. Not here: turned screens (GDI's), and the pointer (asked for apart).

use windows::Win32::Foundation::{E_ACCESSDENIED, HMODULE, RECT};
use windows::Win32::Graphics::Direct3D::D3D_DRIVER_TYPE_UNKNOWN;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_CPU_ACCESS_READ, D3D11_CREATE_DEVICE_FLAG, D3D11_MAP_READ,
    D3D11_MAPPED_SUBRESOURCE, D3D11_SDK_VERSION, D3D11_TEXTURE2D_DESC, D3D11_USAGE_DEFAULT,
    D3D11_USAGE_STAGING, D3D11CreateDevice, ID3D11Device, ID3D11DeviceContext, ID3D11Texture2D,
};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT_B8G8R8A8_UNORM, DXGI_MODE_ROTATION_IDENTITY, DXGI_MODE_ROTATION_UNSPECIFIED,
    DXGI_SAMPLE_DESC,
};
use windows::Win32::Graphics::Dxgi::{
    CreateDXGIFactory1, DXGI_ERROR_ACCESS_LOST, DXGI_ERROR_WAIT_TIMEOUT, DXGI_OUTDUPL_FRAME_INFO,
    DXGI_OUTDUPL_MOVE_RECT, IDXGIAdapter1, IDXGIFactory1, IDXGIOutput1, IDXGIOutputDuplication,
};
use windows::core::{Error, Interface as _, Result};

use crate::platform::{Area, Pixels, Rect};

/// One screen that is duplicated.
pub(super) struct Screen {
    place: Area,
    context: ID3D11DeviceContext,
    duplication: IDXGIOutputDuplication,
    /// The newest picture, on the card.
    newest: ID3D11Texture2D,
    /// Where a processor can read.
    readable: ID3D11Texture2D,
    /// False until the first picture has come.
    filled: bool,
}

/// Why a screen cannot be duplicated.
#[derive(Debug)]
pub(super) enum Refused {
    /// At this moment: the secure desktop is shown, or the screen changes its mode.
    Now(Error),
    /// Here: GDI will do.
    Here(String),
}

/// Opens all of these screens, or none.
pub(super) fn open(places: &[Area]) -> std::result::Result<Vec<Screen>, Refused> {
    let here = |error: Error| Refused::Here(error.message());
    // SAFETY: takes nothing; what it gives counts its own users.
    let factory: IDXGIFactory1 = unsafe { CreateDXGIFactory1() }.map_err(here)?;
    let mut screens = Vec::new();
    // SAFETY: numbers alone; the lists end with an error.
    for adapter in (0..).map_while(|index| unsafe { factory.EnumAdapters1(index) }.ok()) {
        for output in (0..).map_while(|index| unsafe { adapter.EnumOutputs(index) }.ok()) {
            // SAFETY: takes nothing.
            let about = unsafe { output.GetDesc() }.map_err(here)?;
            let place = crate::platform::win32::area(&about.DesktopCoordinates);
            let Some(place) = place.filter(|place| places.contains(place)) else {
                continue;
            };
            let upright = [DXGI_MODE_ROTATION_IDENTITY, DXGI_MODE_ROTATION_UNSPECIFIED];
            if !upright.contains(&about.Rotation) {
                return Err(Refused::Here("a screen is turned".to_owned()));
            }
            let output: IDXGIOutput1 = output.cast().map_err(here)?;
            screens.push(Screen::open(place, &adapter, &output).map_err(
                |error| match error.code() {
                    E_ACCESSDENIED | DXGI_ERROR_ACCESS_LOST => Refused::Now(error),
                    _ => here(error),
                },
            )?);
        }
    }
    let all = places
        .iter()
        .all(|place| screens.iter().any(|screen| screen.place == *place));
    match all {
        true => Ok(screens),
        false => Err(Refused::Here("no card has all screens".to_owned())),
    }
}

impl Screen {
    fn open(place: Area, adapter: &IDXGIAdapter1, output: &IDXGIOutput1) -> Result<Self> {
        let (mut device, mut context) = (None, None);
        // SAFETY: both are written into places of ours; an adapter is named, so its kind is not.
        unsafe {
            D3D11CreateDevice(
                adapter,
                D3D_DRIVER_TYPE_UNKNOWN,
                HMODULE::default(),
                D3D11_CREATE_DEVICE_FLAG(0),
                None,
                D3D11_SDK_VERSION,
                Some(&raw mut device),
                None,
                Some(&raw mut context),
            )?;
        }
        let device: ID3D11Device = device.ok_or_else(Error::from_thread)?;
        // SAFETY: the device is alive.
        let duplication = unsafe { output.DuplicateOutput(&device)? };
        Ok(Self {
            place,
            newest: texture(&device, place, false)?,
            readable: texture(&device, place, true)?,
            context: context.ok_or_else(Error::from_thread)?,
            duplication,
            filled: false,
        })
    }

    /// Takes over what changed until now, waiting at most so long for it. What changed is added, by its place on the
    /// desktop.
    pub(super) fn follow(&mut self, milliseconds: u32, damage: &mut Vec<Area>) -> Result<()> {
        let mut info = DXGI_OUTDUPL_FRAME_INFO::default();
        let mut frame = None;
        // SAFETY: both are written into places of ours.
        let next = unsafe {
            self.duplication
                .AcquireNextFrame(milliseconds, &raw mut info, &raw mut frame)
        };
        match next {
            Err(error) if error.code() == DXGI_ERROR_WAIT_TIMEOUT => return Ok(()),
            next => next?,
        }
        let taken = match frame {
            // A frame without a picture tells of the pointer only.
            Some(_) if info.LastPresentTime == 0 && self.filled => Ok(()),
            Some(frame) => frame
                .cast()
                .and_then(|picture| self.take_over(&picture, &info, damage)),
            None => Ok(()),
        };
        // SAFETY: it was acquired above.
        unsafe { self.duplication.ReleaseFrame()? };
        taken
    }

    fn take_over(
        &mut self,
        picture: &ID3D11Texture2D,
        info: &DXGI_OUTDUPL_FRAME_INFO,
        damage: &mut Vec<Area>,
    ) -> Result<()> {
        let changed = match self.filled {
            true => self.changed(info)?,
            false => Vec::new(),
        };
        if changed.is_empty() {
            // SAFETY: both are of one size and format, on one device.
            unsafe { self.context.CopyResource(&self.newest, picture) };
            damage.push(self.place);
            self.filled = true;
            return Ok(());
        }
        for rect in changed {
            let whole = RECT {
                left: 0,
                top: 0,
                right: self.place.width.into(),
                bottom: self.place.height.into(),
            };
            let Some(part) = inside(&whole, &rect) else {
                continue;
            };
            copy(&self.context, picture, &self.newest, part);
            damage.push(Area {
                x: self.place.x.saturating_add_unsigned(part.x),
                y: self.place.y.saturating_add_unsigned(part.y),
                width: part.width,
                height: part.height,
            });
        }
        Ok(())
    }

    /// Where this frame differs from the one before: what was drawn, and where moved parts came to lie.
    fn changed(&self, info: &DXGI_OUTDUPL_FRAME_INFO) -> Result<Vec<RECT>> {
        let room = info.TotalMetadataBufferSize as usize;
        if room == 0 {
            return Ok(Vec::new());
        }
        let mut moved = vec![
            DXGI_OUTDUPL_MOVE_RECT::default();
            room.div_ceil(size_of::<DXGI_OUTDUPL_MOVE_RECT>())
        ];
        let mut drawn = vec![RECT::default(); room.div_ceil(size_of::<RECT>())];
        let (mut moved_bytes, mut drawn_bytes) = (0, 0);
        // SAFETY: Windows is told how much room there is, and says how much of it it used.
        unsafe {
            self.duplication.GetFrameMoveRects(
                size_of_val(moved.as_slice()) as u32,
                moved.as_mut_ptr(),
                &raw mut moved_bytes,
            )?;
            self.duplication.GetFrameDirtyRects(
                size_of_val(drawn.as_slice()) as u32,
                drawn.as_mut_ptr(),
                &raw mut drawn_bytes,
            )?;
        }
        moved.truncate(moved_bytes as usize / size_of::<DXGI_OUTDUPL_MOVE_RECT>());
        drawn.truncate(drawn_bytes as usize / size_of::<RECT>());
        drawn.extend(moved.iter().map(|moved| moved.DestinationRect));
        Ok(drawn)
    }

    /// Reads these parts of the area, as far as they lie on this screen. Says which.
    pub(super) fn read(
        &mut self,
        area: Area,
        parts: &[Rect],
        into: &mut Pixels,
    ) -> Result<Vec<Rect>> {
        if !self.filled {
            return Ok(Vec::new());
        }
        let Some(inside) = area.clip(self.place) else {
            return Ok(Vec::new());
        };
        let parts = parts.iter().map(|part| part.intersection(inside));
        let parts: Vec<Rect> = parts.filter(|part| !part.is_empty()).collect();
        let here = |part: Rect| Rect {
            x: part.x - inside.x,
            y: part.y - inside.y,
            ..part
        };
        for part in &parts {
            copy(&self.context, &self.newest, &self.readable, here(*part));
        }
        if parts.is_empty() {
            return Ok(parts);
        }
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        // SAFETY: the texture is one that can be read; mapped, it has as many rows of so many bytes as the screen, and no
        // part is beyond. It is given back before it is written again.
        unsafe {
            self.context
                .Map(&self.readable, 0, D3D11_MAP_READ, 0, Some(&raw mut mapped))?;
            for part in &parts {
                let from = here(*part);
                let width = usize::from(part.width) * 4;
                for line in 0..part.height {
                    let offset = usize::from(from.y + line) * mapped.RowPitch as usize
                        + usize::from(from.x) * 4;
                    let row = mapped.pData.cast::<u8>().add(offset);
                    let at = into.offset(part.x, part.y + line);
                    into.bgrx[at..at + width]
                        .copy_from_slice(std::slice::from_raw_parts(row, width));
                }
            }
            self.context.Unmap(&self.readable, 0);
        }
        Ok(parts)
    }
}

/// What both have in common.
fn inside(whole: &RECT, rect: &RECT) -> Option<Rect> {
    let (left, top) = (rect.left.max(whole.left), rect.top.max(whole.top));
    let (right, bottom) = (rect.right.min(whole.right), rect.bottom.min(whole.bottom));
    let part = Rect {
        x: u16::try_from(left).ok()?,
        y: u16::try_from(top).ok()?,
        width: u16::try_from(right - left).ok()?,
        height: u16::try_from(bottom - top).ok()?,
    };
    (!part.is_empty()).then_some(part)
}

/// On the card, from and to the same place.
fn copy(context: &ID3D11DeviceContext, from: &ID3D11Texture2D, to: &ID3D11Texture2D, part: Rect) {
    let (x, y) = (u32::from(part.x), u32::from(part.y));
    let what = D3D11_BOX {
        left: x,
        top: y,
        front: 0,
        right: part.right(),
        bottom: part.bottom(),
        back: 1,
    };
    // SAFETY: the part lies in both, which are on one device.
    unsafe { context.CopySubresourceRegion(to, 0, x, y, 0, from, 0, Some(&raw const what)) };
}

fn texture(device: &ID3D11Device, place: Area, readable: bool) -> Result<ID3D11Texture2D> {
    let about = D3D11_TEXTURE2D_DESC {
        Width: place.width.into(),
        Height: place.height.into(),
        MipLevels: 1,
        ArraySize: 1,
        Format: DXGI_FORMAT_B8G8R8A8_UNORM,
        SampleDesc: DXGI_SAMPLE_DESC {
            Count: 1,
            Quality: 0,
        },
        Usage: match readable {
            true => D3D11_USAGE_STAGING,
            false => D3D11_USAGE_DEFAULT,
        },
        BindFlags: 0,
        CPUAccessFlags: match readable {
            true => D3D11_CPU_ACCESS_READ.0.cast_unsigned(),
            false => 0,
        },
        MiscFlags: 0,
    };
    let mut made = None;
    // SAFETY: the description is complete; the result is written into a place of ours.
    unsafe { device.CreateTexture2D(&raw const about, None, Some(&raw mut made))? };
    made.ok_or_else(Error::from_thread)
}
