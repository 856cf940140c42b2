//! The auditor: enrolled in a folder of his own, with a passphrase in a file, on the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::programs::{self, Programs};
use crate::xserver::XServer;

/// The auditor of all demonstrations.
pub const AUDITOR: &str = "Dr. Ute Sommer";

/// What opens the auditor's keys.
pub const PASSPHRASE: &str = "sieben graue Möwen über Sylt";

/// An enrolled auditor.
#[derive(Debug, Clone)]
pub struct Auditor {
    program: PathBuf,
    home: PathBuf,
    passphrase: PathBuf,
}

impl Auditor {
    /// Enrols with a one-time token; keys and certificate go into `home`, which is made.
    pub fn enrol(programs: &Programs, home: &Path, token: &str) -> Result<Self> {
        fs::create_dir_all(home)?;
        fs::set_permissions(home, fs::Permissions::from_mode(0o700))?;
        let passphrase = home.with_extension("passphrase");
        fs::write(&passphrase, PASSPHRASE)?;
        fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600))?;
        let this = Self {
            program: programs.auditor.clone(),
            home: home.to_owned(),
            passphrase,
        };
        this.run_well(&["enrol", token])?;
        Ok(this)
    }

    /// Where his keys lie.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The file with his passphrase.
    pub fn passphrase_file(&self) -> &Path {
        &self.passphrase
    }

    /// Runs a command to its end, whatever comes of it.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        programs::run(&self.program, &self.with_keys(arguments)?)
    }

    /// Runs a command that must succeed. Returns what it prints.
    pub fn run_well(&self, arguments: &[&str]) -> Result<String> {
        programs::run_well(&self.program, &self.with_keys(arguments)?)
    }

    /// Runs a command that must succeed and prints JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let printed = self.run_well(&[arguments, &["--json"]].concat())?;
        serde_json::from_str(&printed).with_context(|| format!("no JSON: {printed}"))
    }

    /// The command of his window on a screen.
    pub fn window(&self, screen: &XServer) -> Command {
        let mut command = screen.command(&self.program);
        command
            .arg("--data")
            .arg(&self.home)
            .args(["--language", "de"])
            .env("HOME", &self.home);
        command
    }

    fn with_keys<'a>(&'a self, arguments: &[&'a str]) -> Result<Vec<&'a str>> {
        let text = |path: &'a Path| path.to_str().context("paths of tests are text");
        let keys = [
            "--data",
            text(&self.home)?,
            "--passphrase-file",
            text(&self.passphrase)?,
        ];
        Ok([arguments, &keys].concat())
    }
}
