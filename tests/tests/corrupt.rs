//! A console that draws one area in a thousand wrong: no wrong picture stays. `make torture` tries it for longer.

use std::time::Duration;

use anyhow::Result;
use fernsicht_tests::corrupt;
use fernsicht_tests::programs::Programs;

#[test]
fn no_wrong_picture_stays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let programs = corrupt::programs(&Programs::find()?)?;
    let report = corrupt::run(programs, folder.path(), SEED, Duration::from_secs(25))?;
    report.check()
}

/// By this one areas are hit early and often.
const SEED: u64 = 3_280;
