//! Whether the desktop is dark, from its XSETTINGS manager: what GTK and Qt programs follow on X11.

use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

use super::Link;
use crate::platform::Error;

/// True for a dark desktop, false for another. None if nobody manages its settings.
pub(in crate::platform) fn dark(display: Option<&str>) -> Result<Option<bool>, Error> {
    let link = Link::open(display)?;
    let selection = link.atom(&format!("_XSETTINGS_S{}", link.screen))?;
    let manager = link.connection.get_selection_owner(selection)?.reply()?;
    if manager.owner == x11rb::NONE {
        return Ok(None);
    }
    let settings = link.atom("_XSETTINGS_SETTINGS")?;
    let (any, words) = (AtomEnum::ANY, MOST / 4);
    let property = link
        .connection
        .get_property(false, manager.owner, settings, any, 0, words)?
        .reply()?;
    Ok(parse(&property.value))
}

/// What the settings say of the theme. None: they are not whole.
fn parse(bytes: &[u8]) -> Option<bool> {
    let mut reader = Reader {
        rest: bytes,
        big: *bytes.first()? == 1,
    };
    reader.take(8)?;
    let count = reader.u32()?;
    let mut dark = false;
    for _ in 0..count {
        let kind = *reader.take(2)?.first()?;
        let name = usize::from(reader.u16()?);
        let name = reader.padded(name)?;
        reader.take(4)?;
        match kind {
            0 => {
                let value = reader.u32()?;
                dark |= name == b"Gtk/ApplicationPreferDarkTheme" && value != 0;
            }
            1 => {
                let length = usize::try_from(reader.u32()?).ok()?;
                let value = reader.padded(length)?.to_ascii_lowercase();
                let says = value.windows(4).any(|part| part == b"dark");
                dark |= name == b"Net/ThemeName" && says;
            }
            2 => drop(reader.take(8)?),
            _ => return None,
        }
    }
    Some(dark)
}

struct Reader<'a> {
    rest: &'a [u8],
    big: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// Followed by what fills it up to a multiple of four.
    fn padded(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.take(length)?;
        self.take(length.next_multiple_of(4) - length)?;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(match self.big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    }

    fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(match self.big {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        })
    }
}

/// More than any desktop's settings take.
const MOST: u32 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(theme: &str, prefer: u32) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        bytes.extend(3u32.to_le_bytes());
        let name = |bytes: &mut Vec<u8>, kind: u8, name: &str| {
            bytes.extend([kind, 0]);
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend([0; 4]);
        };
        name(&mut bytes, 2, "Any/Colour");
        bytes.extend([0; 8]);
        name(&mut bytes, 1, "Net/ThemeName");
        bytes.extend((theme.len() as u32).to_le_bytes());
        bytes.extend(theme.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        name(&mut bytes, 0, "Gtk/ApplicationPreferDarkTheme");
        bytes.extend(prefer.to_le_bytes());
        bytes
    }

    #[test]
    fn a_dark_theme_is_known_by_its_name_or_by_the_wish_for_one() {
        assert_eq!(parse(&settings("Adwaita", 0)), Some(false));
        assert_eq!(parse(&settings("Adwaita-dark", 0)), Some(true));
        assert_eq!(parse(&settings("Breeze-Dark", 0)), Some(true));
        assert_eq!(parse(&settings("Adwaita", 1)), Some(true));
    }

    #[test]
    fn what_is_cut_off_says_nothing() {
        let whole = settings("Adwaita-dark", 1);
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), None, "{length}");
        }
    }
}
