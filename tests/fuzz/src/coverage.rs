//! Which edges a set of inputs reaches, by the counters that the instrumentation keeps.
//!
//! The only unsafe code of the fuzz build: it reads the two tables that the linker gathers, and clears one. Where they
//! lie `run.sh` reads from the program's file: naming the linker's own symbols here would keep libFuzzer from them.

use std::io::Write as _;

/// Where the tables lie, as the program's file says: the counters, and for each a place in the program.
#[derive(Clone, Copy)]
pub struct Tables {
    counters: usize,
    count: usize,
    places: usize,
}

impl Tables {
    /// From `COUNTERS,COUNT,PLACES`, all in hexadecimal.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(',').map(|n| usize::from_str_radix(n, 16).ok());
        Some(Self {
            counters: numbers.next()??,
            count: numbers.next()??,
            places: numbers.next()??,
        })
    }
}

/// Runs `body` on every file of `folders` (separated by colons) and prints each edge: its place in the file of the
/// program, in hexadecimal, and 1 if it was reached, else 0.
pub fn report(folders: &str, tables: Tables, body: fn(&[u8])) {
    let base = base();
    let first = (base + tables.counters) as *mut u8;
    let mut reached = vec![false; tables.count];
    for folder in folders.split(':') {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for file in files {
            let Ok(bytes) = std::fs::read(file.path()) else {
                continue;
            };
            body(&bytes);
            for (at, reached) in reached.iter_mut().enumerate() {
                // SAFETY: the file's section table says that so many counters lie there. Nothing else runs that
                // writes them but what is called here. Taken after each file: a counter wraps at 256.
                *reached |= unsafe { first.add(at).replace(0) } > 0;
            }
        }
    }
    let places = (base + tables.places) as *const [usize; 2];
    let mut out = std::io::stdout().lock();
    for (at, reached) in reached.into_iter().enumerate() {
        // SAFETY: one place for each counter, in the same order; the section is never written.
        let [place, _flags] = unsafe { *places.add(at) };
        // Functions that the linker has left out have no place.
        let Some(place) = place.checked_sub(base) else {
            continue;
        };
        let line = writeln!(out, "{place:x} {}", u8::from(reached));
        line.expect("standard output takes it");
    }
}

/// Where the program was loaded.
fn base() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let first = maps.split('-').next().unwrap_or_default();
    usize::from_str_radix(first, 16).unwrap_or_default()
}
