//! Where sticks and the like are found.

use std::fs;
use std::path::{Path, PathBuf};

/// Sticks and the like, where this desktop mounts them.
pub fn removable() -> Vec<PathBuf> {
    let Some(user) = std::env::var_os("USER").filter(|user| !user.is_empty()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for base in ["/media", "/run/media"] {
        let Ok(entries) = fs::read_dir(Path::new(base).join(&user)) else {
            continue;
        };
        let folders = entries.flatten().map(|entry| entry.path());
        found.extend(folders.filter(|path| path.is_dir()).take(16));
    }
    found
}
