//! A small disk of its own for a store, which can be filled, stalled and broken while it is used.
//!
//! - [`Disk::memory`]: a tmpfs that gets full.
//! - [`Disk::block`]: ext4 in a file, through a loop device: `fsfreeze` stalls every write on it,
//!   and a simulated fault makes it read-only under open files, as a dying disk does.
//!
//! Mounting needs root. [`Disk::possible`] tells; where it is false these tests say that they were
//! left out, except in continuous integration, where that is an error.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// A mounted disk; unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    place: PathBuf,
    image: Option<PathBuf>,
    stalled: bool,
    unmounted: bool,
}

impl Disk {
    /// True if this machine lets the tests mount. Errors: it does not, in continuous integration.
    pub fn possible() -> Result<bool> {
        let root = rustix::process::geteuid().is_root();
        if !root && std::env::var_os("CI").is_some() {
            bail!("disks can be mounted by root only, and continuous integration must try them");
        }
        Ok(root)
    }

    /// A tmpfs of so many MiB at `place`, which is made.
    pub fn memory(place: &Path, mebibytes: u32) -> Result<Self> {
        fs::create_dir_all(place)?;
        let size = format!("size={mebibytes}m,mode=700");
        run("mount", ["-t", "tmpfs", "-o", &size, "tmpfs"], &[place])?;
        Ok(Self::mounted(place, None))
    }

    /// An ext4 of so many MiB at `place`, which is made; its image lies beside it.
    pub fn block(place: &Path, mebibytes: u32) -> Result<Self> {
        fs::create_dir_all(place)?;
        let image = place.with_extension("img");
        fs::File::create(&image)?.set_len(u64::from(mebibytes) << 20)?;
        // No share kept back for root: full is full.
        run("mkfs.ext4", ["-q", "-m", "0"], &[&image])?;
        run("mount", ["-o", "loop"], &[&image, place])?;
        fs::remove_dir(place.join("lost+found"))?;
        Ok(Self::mounted(place, Some(image)))
    }

    fn mounted(place: &Path, image: Option<PathBuf>) -> Self {
        Self {
            place: place.to_owned(),
            image,
            stalled: false,
            unmounted: false,
        }
    }

    /// Fills it to the last byte.
    pub fn fill(&self) -> Result<()> {
        use std::io::Write;
        let mut ballast = fs::File::create(self.ballast())?;
        for size in [1 << 20, 4096, 1] {
            let block = vec![0x5a; size];
            while ballast.write_all(&block).is_ok() {}
        }
        ensure!(
            ballast.write_all(&[0]).is_err(),
            "the disk at {} does not get full",
            self.place.display()
        );
        Ok(())
    }

    /// Takes back what [`Self::fill`] did.
    pub fn free(&self) -> Result<()> {
        fs::remove_file(self.ballast()).context("nothing was filled")
    }

    /// Every write from now on waits.
    pub fn stall(&mut self) -> Result<()> {
        run("fsfreeze", ["-f"], &[&self.place])?;
        self.stalled = true;
        Ok(())
    }

    /// Writes go on.
    pub fn go_on(&mut self) -> Result<()> {
        self.stalled = false;
        run("fsfreeze", ["-u"], &[&self.place])
    }

    /// From now on every write fails with EROFS, on open files too. For good.
    pub fn break_writes(&self) -> Result<()> {
        run("mount", ["-o", "remount,abort"], &[&self.place])
    }

    /// From now on it is for reading only. Errors: something on it is open for writing.
    pub fn forbid_writes(&self) -> Result<()> {
        run("mount", ["-o", "remount,ro"], &[&self.place])
    }

    /// Takes everything that programs can still read off it, unmounts it, and puts a folder in its place.
    pub fn replace_by_copy(&mut self) -> Result<()> {
        let copy = self.place.with_extension("copy");
        run("cp", ["-a"], &[&self.place, &copy])?;
        run("umount", [], &[&self.place])?;
        fs::remove_dir(&self.place)?;
        fs::rename(&copy, &self.place)?;
        self.unmounted = true;
        Ok(())
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.stalled {
            self.go_on().ok();
        }
        if !self.unmounted {
            // Lazily: a test that failed may have left a program on it.
            run("umount", ["-l"], &[&self.place]).ok();
        }
        if let Some(image) = &self.image {
            fs::remove_file(image).ok();
        }
    }
}

fn run<const N: usize>(program: &str, arguments: [&str; N], paths: &[&Path]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .args(paths.iter().map(|path| -> &OsStr { path.as_ref() }))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} could not be started; is its package installed?"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} failed: {}",
        words.trim()
    );
    Ok(())
}
