//! TUN: an interface of a namespace whose packets this process reads and writes.
//!
//! The one place of the tests that needs `unsafe`: the kernel's request for such an interface has no
//! safe wrapper.

use std::fs::File;
use std::os::fd::AsFd;

use anyhow::{Context, Result, ensure};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::Opcode;

use super::Namespace;

/// Makes the interface `name` in a namespace, and brings it up. It is gone when the file is closed.
pub(super) fn open(namespace: &Namespace, name: &str) -> Result<File> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    // The interface belongs to the namespace of the thread that asks for it.
    let device = namespace.enter(|| {
        let device = rustix::fs::open("/dev/net/tun", flags, Mode::empty())
            .context("no /dev/net/tun on this machine")?;
        attach(&device, name)?;
        Ok(device)
    })?;
    namespace.ip(&["link", "set", name, "mtu", MTU, "up"])?;
    Ok(File::from(device))
}

fn attach(device: impl AsFd, name: &str) -> Result<()> {
    ensure!(name.len() < 16, "{name:?} is too long for an interface");
    let mut request = Request {
        name: [0; 16],
        flags: IFF_TUN | IFF_NO_PI,
        rest: [0; 22],
    };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    #[expect(
        unsafe_code,
        reason = "TUNSETIFF takes one `struct ifreq`, which `Request` is, byte for byte"
    )]
    // SAFETY: the opcode is that of TUNSETIFF; its argument lives across the call and has layout and size of
    // `struct ifreq`, which the kernel reads, and writes the interface's name to; it keeps no reference.
    let made = unsafe {
        let request = rustix::ioctl::Updater::<TUNSETIFF, Request>::new(&mut request);
        rustix::ioctl::ioctl(device, request)
    };
    made.with_context(|| format!("the interface {name} cannot be made"))
}

/// `struct ifreq` of <linux/if.h>, as far as TUNSETIFF reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// `_IOW('T', 202, int)`.
const TUNSETIFF: Opcode = 0x4004_54ca;
const IFF_TUN: u16 = 0x0001;
/// Packets come without a prefix.
const IFF_NO_PI: u16 = 0x1000;
/// As on most lines.
const MTU: &str = "1500";
