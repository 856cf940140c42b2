//! The real programs as child processes: relay, console, auditor, agent, with everything they keep in a
//! folder of its own.
//!
//! The programs are those beside the running executable (`target/debug` or `target/release`), or in
//! the folder that FERNSICHT_BIN_DIR names.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The four programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `fernsicht-relay`.
    pub relay: PathBuf,
    /// `fernsicht-console`.
    pub console: PathBuf,
    /// `fernsicht-auditor`.
    pub auditor: PathBuf,
    /// `fernsicht-agent`, bare.
    pub agent: PathBuf,
}

impl Programs {
    /// Finds them. Errors: one is missing; the sentence says how to build it.
    pub fn find() -> Result<Self> {
        let mut folders: Vec<PathBuf> = std::env::var_os("FERNSICHT_BIN_DIR")
            .map(PathBuf::from)
            .into_iter()
            .collect();
        if folders.is_empty() {
            let this = std::env::current_exe()?;
            // Tests run from `deps` or `examples`, one below the programs.
            folders.extend(this.ancestors().skip(1).take(2).map(Path::to_path_buf));
        }
        Self::find_in(&folders)
    }

    /// Finds them in the first of these folders that has each.
    pub fn find_in(folders: &[PathBuf]) -> Result<Self> {
        let find = |name: &str| -> Result<PathBuf> {
            let found = folders
                .iter()
                .map(|folder| folder.join(name))
                .find(|path| path.is_file());
            found.with_context(|| {
                format!("{name} is not built; run: cargo build --workspace --bins")
            })
        };
        Ok(Self {
            relay: find("fernsicht-relay")?,
            console: find("fernsicht-console")?,
            auditor: find("fernsicht-auditor")?,
            agent: find("fernsicht-agent")?,
        })
    }
}

/// Runs a program to its end, without terminal and display.
pub fn run(program: &Path, arguments: &[&str]) -> Result<Output> {
    let name = program.display();
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .with_context(|| format!("{name} could not be started"))
}

/// Like [`run`], for runs that must succeed. Returns what was printed.
pub fn run_well(program: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(program, arguments)?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} {}: {}",
        program.display(),
        arguments.join(" "),
        words.trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Checks that a run failed as it should: with a sentence, an exit code, and no panic.
pub fn refused_with(output: &Output, word: &str) -> Result<()> {
    let words = String::from_utf8_lossy(&output.stderr);
    let Some(code) = output.status.code() else {
        bail!("killed by a signal: {words}")
    };
    ensure!(
        code != 0,
        "accepted what it should refuse; it said {words:?}"
    );
    ensure!(
        code != 101 && !words.contains("panicked"),
        "panicked: {words}"
    );
    ensure!(
        words.contains(word),
        "the sentence does not mention {word:?}: {words}"
    );
    Ok(())
}
