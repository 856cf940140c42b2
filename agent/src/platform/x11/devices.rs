//! Which input devices belong to a person, and which one carries injected events.
//!
//! The X server gives every master device a slave "Virtual core XTEST …" that all
//! injected events come from, and marks it with the property "XTEST Device". Everything
//! else is somebody's hand, or a driver that claims to be one: this is provenance, not proof.

use std::collections::HashMap;

use x11rb::protocol::xinput::{self, ConnectionExt as _, DeviceType, XIGetPropertyItems};

use super::{Error, Link, outdated};

/// The devices of this moment.
pub(in crate::platform) struct Devices {
    known: HashMap<u16, Kind>,
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::platform) enum Kind {
    /// A virtual device that passes on the events of its slaves.
    Master,
    /// Where injected events come from.
    Injected,
    /// A person's.
    Physical,
}

impl Devices {
    /// Asks the server.
    pub(in crate::platform) fn query(link: &Link) -> Result<Self, Error> {
        let property = link.atom("XTEST Device")?;
        let infos = link
            .connection
            .xinput_xi_query_device(xinput::Device::ALL)?
            .reply()?
            .infos;
        let mut known = HashMap::new();
        for info in infos {
            let kind = match info.type_ {
                DeviceType::MASTER_POINTER | DeviceType::MASTER_KEYBOARD => Kind::Master,
                _ if marked(link, info.deviceid, property)? => Kind::Injected,
                _ if info.name.windows(5).any(|word| word == b"XTEST") => Kind::Injected,
                _ => Kind::Physical,
            };
            known.insert(info.deviceid, kind);
        }
        Ok(Self { known })
    }

    /// Those that carry injected events.
    pub(in crate::platform) fn injected(&self) -> impl Iterator<Item = u16> {
        let injected = self
            .known
            .iter()
            .filter(|(_, kind)| **kind == Kind::Injected);
        injected.map(|(device, _)| *device)
    }

    /// The keyboard through which programs inject, if there is one that is known, and those of persons.
    pub(in crate::platform) fn keyboards(link: &Link) -> Result<(Option<u16>, Vec<u16>), Error> {
        let devices = Self::query(link)?;
        let infos = link
            .connection
            .xinput_xi_query_device(xinput::Device::ALL)?
            .reply()?
            .infos;
        let keyboards = infos
            .iter()
            .filter(|info| info.type_ == DeviceType::SLAVE_KEYBOARD)
            .map(|info| info.deviceid);
        let (injecting, persons): (Vec<u16>, Vec<u16>) =
            keyboards.partition(|device| devices.kind(*device) == Some(Kind::Injected));
        Ok((injecting.first().copied(), persons))
    }

    /// What the device is, if it is known.
    pub(in crate::platform) fn kind(&self, device: u16) -> Option<Kind> {
        self.known.get(&device).copied()
    }
}

/// Checks that the server knows XInput 2.1, which delivers raw events to the root window
/// even while another program holds a grab.
pub(in crate::platform) fn check_version(link: &Link) -> Result<(), Error> {
    let unsupported = Error::Unsupported {
        detail: "The X server is too old to tell devices apart (XInput 2.1).",
    };
    if !link.has(xinput::X11_EXTENSION_NAME)? {
        return Err(unsupported);
    }
    let version = link.connection.xinput_xi_query_version(2, 2)?.reply()?;
    if (version.major_version, version.minor_version) < (2, 1) {
        return Err(unsupported);
    }
    Ok(())
}

fn marked(link: &Link, device: u16, property: u32) -> Result<bool, Error> {
    let reply = link
        .connection
        .xinput_xi_get_property(device, false, property, x11rb::NONE, 0, 1)?
        .reply();
    match reply {
        Ok(reply) => {
            Ok(matches!(&reply.items, XIGetPropertyItems::Data8(data) if data.first() == Some(&1)))
        }
        // Unplugged meanwhile.
        Err(error) if outdated(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
