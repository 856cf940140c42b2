//! Desktop duplication: Windows says what changed on a screen, and hands its picture over on the graphics card.
//!
//! ```text
//! follow ─► AcquireNextFrame ─► changed and moved rectangles ─► damage; the frame is held
//! read   ─► what is held, and what came since ─► copied on the card into a picture of ours ─► memory ─► pixels
//! ```
//!
//! Copying takes a permit, on the card as well: a frame that nobody may read is held as it came. Windows collects what
//! happens meanwhile for the next one. Not here: turned screens (GDI's), and the pointer (asked for apart).

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
    /// False until the first picture was copied.
    filled: bool,
    /// What came and nobody has read. Until it is given back Windows hands no other one out.
    held: Option<Frame>,
    /// What a reader found changed beside what it had asked for.
    late: Vec<Area>,
}

/// A picture that Windows handed out, with what changed in it: seen from the screen's corner.
struct Frame {
    picture: ID3D11Texture2D,
    changed: Vec<Rect>,
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
    let adapters = (0..).map_while(|index| {
        // SAFETY: numbers alone; the list ends with an error.
        unsafe { factory.EnumAdapters1(index) }.ok()
    });
    for adapter in adapters {
        let outputs = (0..).map_while(|index| {
            // SAFETY: numbers alone; the list ends with an error.
            unsafe { adapter.EnumOutputs(index) }.ok()
        });
        for output in outputs {
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
            held: None,
            late: Vec::new(),
        })
    }

    /// True while something new is held that nobody has read.
    pub(super) fn unread(&self) -> bool {
        self.held.is_some()
    }

    /// Waits at most so long for something new, and holds it. What changed is added, by its place on the desktop.
    pub(super) fn follow(&mut self, milliseconds: u32, damage: &mut Vec<Area>) -> Result<()> {
        if !self.late.is_empty() {
            damage.append(&mut self.late);
            return Ok(());
        }
        if self.held.is_none() {
            self.held = self.acquire(milliseconds)?;
            let new = self.held.iter().flat_map(|frame| &frame.changed);
            damage.extend(new.map(|part| on_desktop(self.place, *part)));
        }
        Ok(())
    }

    /// The next frame with a picture, if one comes in time. None may be held.
    fn acquire(&self, milliseconds: u32) -> Result<Option<Frame>> {
        let mut info = DXGI_OUTDUPL_FRAME_INFO::default();
        let mut resource = None;
        // SAFETY: both are written into places of ours.
        let next = unsafe {
            self.duplication
                .AcquireNextFrame(milliseconds, &raw mut info, &raw mut resource)
        };
        match next {
            Err(error) if error.code() == DXGI_ERROR_WAIT_TIMEOUT => return Ok(None),
            next => next?,
        }
        let whole = Area {
            x: 0,
            y: 0,
            ..self.place
        }
        .whole();
        let frame = match resource {
            // A frame without a picture tells of the pointer only.
            Some(_) if info.LastPresentTime == 0 && self.filled => Ok(None),
            Some(resource) => resource.cast().and_then(|picture| {
                let changed = match self.filled {
                    true => self.changed(&info)?,
                    false => Vec::new(),
                };
                let inside = changed.iter().filter_map(|rect| within(whole, rect));
                let changed = match changed.is_empty() {
                    true => vec![whole],
                    false => inside.collect(),
                };
                // One in which nothing changed would be held for ever: nobody would be told to read it.
                Ok((!changed.is_empty()).then_some(Frame { picture, changed }))
            }),
            None => Ok(None),
        };
        if !matches!(frame, Ok(Some(_))) {
            self.give_back()?;
        }
        frame
    }

    /// Copies what changed, on the card, and gives the frame back.
    fn take_over(&mut self, frame: &Frame) -> Result<()> {
        for part in &frame.changed {
            copy(&self.context, &frame.picture, &self.newest, *part);
        }
        self.filled = true;
        self.give_back()
    }

    fn give_back(&self) -> Result<()> {
        // SAFETY: a frame was acquired; nothing of it is used any more.
        unsafe { self.duplication.ReleaseFrame() }
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

    /// Reads these parts of the area, as far as they lie on this screen, as they are at this moment. Says which. The
    /// caller has a permit.
    pub(super) fn read(
        &mut self,
        area: Area,
        parts: &[Rect],
        into: &mut Pixels,
    ) -> Result<Vec<Rect>> {
        if let Some(frame) = self.held.take() {
            self.take_over(&frame)?;
        }
        if let Some(frame) = self.acquire(0)? {
            self.take_over(&frame)?;
            let new = frame.changed.iter();
            let new = new.map(|part| on_desktop(self.place, *part));
            self.late
                .extend(new.filter(|new| !asked_for(area, parts, *new)));
        }
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

/// Where a part of the screen lies on the desktop.
fn on_desktop(place: Area, part: Rect) -> Area {
    Area {
        x: place.x.saturating_add_unsigned(part.x),
        y: place.y.saturating_add_unsigned(part.y),
        width: part.width,
        height: part.height,
    }
}

/// True if one of the parts of the area has all of this place of the desktop.
fn asked_for(area: Area, parts: &[Rect], place: Area) -> bool {
    let inside = |part: &Rect| on_desktop(area, *part).covers(place);
    parts.iter().any(inside)
}

/// What of Windows' rectangle lies within ours.
fn within(whole: Rect, rect: &RECT) -> Option<Rect> {
    let along = |at: i32, most: u16| u16::try_from(at.clamp(0, most.into())).ok();
    let (x, y) = (
        along(rect.left, whole.width)?,
        along(rect.top, whole.height)?,
    );
    let part = Rect {
        x,
        y,
        width: along(rect.right, whole.width)?.checked_sub(x)?,
        height: along(rect.bottom, whole.height)?.checked_sub(y)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Area = Area {
        x: -800,
        y: 40,
        width: 800,
        height: 600,
    };

    fn part(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn rectangles_of_windows_end_at_the_screen() {
        let whole = SCREEN.whole();
        let rect = |left, top, right, bottom| RECT {
            left,
            top,
            right,
            bottom,
        };
        assert_eq!(
            within(whole, &rect(-5, -5, 900, 20)),
            Some(part(0, 0, 800, 20))
        );
        assert_eq!(
            within(whole, &rect(10, 590, 30, 700)),
            Some(part(10, 590, 20, 10))
        );
        for outside in [
            rect(800, 0, 900, 10),
            rect(-9, 0, 0, 10),
            rect(30, 10, 10, 20),
        ] {
            assert_eq!(within(whole, &outside), None);
        }
    }

    #[test]
    fn what_was_read_already_is_not_told_again() {
        let area = Area {
            x: -800,
            y: 0,
            width: 2000,
            height: 700,
        };
        let changed = on_desktop(SCREEN, part(10, 10, 20, 20));
        assert_eq!((changed.x, changed.y), (-790, 50));
        assert!(asked_for(area, &[part(0, 40, 100, 100)], changed));
        assert!(!asked_for(
            area,
            &[part(0, 40, 25, 100), part(25, 40, 75, 100)],
            changed
        ));
        assert!(!asked_for(area, &[], changed));
    }
}
