//! One network namespace: made, entered, and gone with the value.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace with a loopback interface that is up. Deleted when dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one. `role` is a part of its name, for whoever looks at the machine.
    pub fn new(role: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fernsicht-{}-{number}-{role}", std::process::id());
        ip(&["netns", "add", &name])?;
        let this = Self { name };
        this.ip(&["link", "set", "lo", "up"])?;
        Ok(this)
    }

    /// Runs `ip` with these arguments in here.
    pub fn ip(&self, arguments: &[&str]) -> Result<()> {
        ip(&[&["-n", &self.name], arguments].concat())
    }

    /// Runs `work` on a thread of its own that is in here, with every socket that it makes, every
    /// thread and every process that it starts. They stay in here when the thread is gone.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let place = self.file()?;
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(place.as_fd(), network)
                    .context("this thread may not change its network")?;
                work()
            });
            match worker.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Joins this network to another by a pair of interfaces, each with an address such as `10.0.0.1/24`.
    pub fn join(&self, (name, address): (&str, &str), other: (&Self, &str, &str)) -> Result<()> {
        let (there, other_name, other_address) = other;
        let pair = ["type", "veth", "peer", "name", other_name];
        let place = ["netns", there.name.as_str()];
        self.ip(&[&["link", "add", name][..], &pair, &place].concat())?;
        for (network, name, address) in [(self, name, address), (there, other_name, other_address)]
        {
            network.ip(&["address", "add", address, "dev", name])?;
            network.ip(&["link", "set", name, "up"])?;
        }
        Ok(())
    }

    fn file(&self) -> Result<File> {
        let path = PathBuf::from("/run/netns").join(&self.name);
        File::open(&path).with_context(|| format!("no network at {}", path.display()))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nothing is left to be done where it cannot be deleted; the kernel keeps it while it is used.
        ip(&["netns", "delete", &self.name]).ok();
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .context("ip could not be started; is the package iproute2 installed?")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "ip {}: {}",
        arguments.join(" "),
        words.trim()
    );
    Ok(())
}
