//! What a Windows program leaves behind: files in the customer's home and keys in the registry, before and after.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Result, ensure};

use super::{command, windows_path};
use crate::operator::files_below;
use crate::xserver::XServer;

/// Everything that is there at one moment.
#[derive(Debug, Clone)]
pub struct Traces {
    files: BTreeSet<PathBuf>,
    /// Key and value, as the registry's own program writes them.
    registry: BTreeSet<String>,
}

/// What came between two moments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// New files below the customer's home, by their place there.
    pub files: Vec<PathBuf>,
    /// New or changed values of the registry.
    pub registry: Vec<String>,
}

impl Traces {
    /// Looks at the home (Documents, AppData and Temp are below it) and at the registry of user and machine.
    pub fn of(screen: &XServer, home: &Path) -> Result<Self> {
        let mut registry = BTreeSet::new();
        for root in ["HKCU", "HKLM"] {
            let file = home.join(format!("{root}.reg"));
            let mut export = command(screen, home, Path::new("reg"));
            let status = export
                .args(["export", root, &windows_path(&file), "/y"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            ensure!(status.success(), "wine does not export {root}");
            let bytes = std::fs::read(&file)?;
            std::fs::remove_file(&file)?;
            registry.extend(values(&text_of(&bytes)));
        }
        registry.retain(|value| {
            !BY_OTHERS_IN_REGISTRY
                .iter()
                .any(|part| value.contains(part))
        });
        let files = files_below(home)?;
        let below = |file: &PathBuf| file.strip_prefix(home).map(Path::to_owned).ok();
        let mut files: BTreeSet<PathBuf> = files.iter().filter_map(below).collect();
        files.retain(|file| !BY_OTHERS.iter().any(|part| file.starts_with(part)));
        Ok(Self { files, registry })
    }

    /// What this has and the earlier one had not.
    pub fn since(&self, before: &Self) -> Left {
        Left {
            files: self.files.difference(&before.files).cloned().collect(),
            registry: self
                .registry
                .difference(&before.registry)
                .cloned()
                .collect(),
        }
    }
}

/// What is written on this side of wine: its registry, the X side's shaders, and where the rig says Documents are.
const BY_OTHERS: [&str; 5] = [
    "wine/system.reg",
    "wine/user.reg",
    "wine/userdef.reg",
    ".cache/mesa_shader_cache",
    ".config/user-dirs.dirs",
];

/// What wine notes for itself when a program asks for network cards, the mouse's speed, or a service.
const BY_OTHERS_IN_REGISTRY: [&str; 3] = [
    "\\Software\\Wine\\Temporary System Parameters",
    "\\Windows NT\\CurrentVersion\\NetworkCards\\",
    "\\CurrentControlSet\\Control\\ServiceCurrent]",
];

/// UTF-16 with its mark.
fn text_of(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|b| u16::from_le_bytes([b[0], b[1]]));
    String::from_utf16_lossy(&units.skip(1).collect::<Vec<_>>())
}

/// Each value with its key before it, and each key by itself.
fn values(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut key = "";
    // A long value goes on over several lines.
    let whole = text.replace("\\\r\n  ", "");
    for line in whole.lines().map(str::trim_end) {
        if line.starts_with('[') {
            key = line;
            found.insert(key.to_owned());
        } else if !line.is_empty() {
            found.insert(format!("{key} {line}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_with_its_key() {
        let text = "Windows Registry Editor Version 5.00\r\n\r\n[A]\r\n\"x\"=hex:01,\\\r\n  02\r\n\r\n[B]\r\n\"x\"=\"1\"\r\n";
        let units = ['\u{feff}'].into_iter().chain(text.chars());
        let bytes: Vec<u8> = units
            .flat_map(|c| (c as u32 as u16).to_le_bytes())
            .collect();
        let found = values(&text_of(&bytes));
        for wanted in ["[A]", "[A] \"x\"=hex:01,02", "[B]", "[B] \"x\"=\"1\""] {
            assert!(found.contains(wanted), "{wanted} is not in {found:?}");
        }
    }

    #[test]
    fn what_came_is_told_and_what_was_there_is_not() {
        let of = |files: &[&str], registry: &[&str]| Traces {
            files: files.iter().map(PathBuf::from).collect(),
            registry: registry.iter().map(|&value| value.to_owned()).collect(),
        };
        let before = of(&["a"], &["[A] \"x\"=\"1\""]);
        let after = of(&["a", "b"], &["[A] \"x\"=\"2\""]);
        let left = after.since(&before);
        assert_eq!(left.files, [PathBuf::from("b")]);
        assert_eq!(left.registry, ["[A] \"x\"=\"2\""]);
        assert_eq!(before.since(&before), Left::default());
    }
}
