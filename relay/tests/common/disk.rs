//! Disks that fail: small ones, read-only ones, and one that stalls.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system mounted for a test.
pub(crate) struct Mounted {
    at: PathBuf,
    frozen: bool,
}

impl Mounted {
    /// A tmpfs of so many MB. None: this user may not mount; the reason is printed.
    pub(crate) fn tmpfs(at: &Path, megabytes: u32, options: &str) -> Option<Self> {
        let options = format!("size={megabytes}m,mode=700{options}");
        Self::mount(at, &["-t", "tmpfs", "-o", &options, "tmpfs"])
    }

    /// An ext4 of so many MB in a file beside it.
    pub(crate) fn ext4(at: &Path, megabytes: u64) -> Option<Self> {
        let image = at.with_extension("ext4");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(megabytes << 20).unwrap();
        if !ran(Command::new("mkfs.ext4").arg("-q").arg(&image)) {
            return skipped("mkfs.ext4 does not work here");
        }
        Self::mount(at, &["-o", "loop", image.to_str().unwrap()])
    }

    fn mount(at: &Path, arguments: &[&str]) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        match ran(Command::new("mount").args(arguments).arg(at)) {
            true => Some(Self {
                at: at.to_owned(),
                frozen: false,
            }),
            false => skipped("this user may not mount file systems"),
        }
    }

    /// Every write waits from here on.
    pub(crate) fn freeze(&mut self) -> Option<()> {
        if !ran(Command::new("fsfreeze").arg("-f").arg(&self.at)) {
            return skipped("this kernel does not freeze");
        }
        self.frozen = true;
        Some(())
    }

    pub(crate) fn thaw(&mut self) {
        if std::mem::take(&mut self.frozen) {
            assert!(ran(Command::new("fsfreeze").arg("-u").arg(&self.at)));
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.thaw();
        // The relay may still have a file open.
        ran(Command::new("umount").arg("-l").arg(&self.at));
    }
}

fn ran(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

#[expect(clippy::print_stderr, reason = "a test that was not done must say so")]
fn skipped<T>(why: &str) -> Option<T> {
    eprintln!("SKIPPED: {why}");
    None
}
