//! How fast the hour opens: the AEAD alone, opening every frame, the same with everything that is checked
//! before, the first picture, seeks.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use fernsicht_console::audit::replay::Replay;
use fernsicht_console::audit::source::{Bytes, Recording};
use fernsicht_protocol::crypto::AeadKey;
use fernsicht_recordings::format::Body;
use fernsicht_recordings::open::{self, Event};
use fernsicht_recordings::reader::Records;
use fernsicht_tests::dice::Dice;

use crate::hour::Hour;
use crate::table::{Figures, median, rank};

/// How often each speed is measured; the median counts.
const ROUNDS: usize = 5;

/// Random places in the recording.
const SEEKS: usize = 200;

pub(crate) fn measure(hour: &Hour, figures: &mut Figures) -> Result<()> {
    let Hour { office, recorded } = hour;
    let ca = office.pin();
    let auditor = &office.auditors[0];
    let aead = (0..ROUNDS)
        .map(|_| aead(&recorded.bytes))
        .collect::<Result<_>>()?;
    let aead = median(aead);
    let bytes = recorded.bytes.len() as f64;
    let (mut frames, mut everything) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let from = Instant::now();
        let opened = open::open(
            &recorded.bytes,
            &recorded.keys,
            &recorded.code,
            auditor,
            &ca,
        );
        let opened = opened.context("the hour opens")?;
        everything.push(bytes / 1e9 / from.elapsed().as_secs_f64());
        let from = Instant::now();
        let mut unreadable = 0;
        opened.for_each(|_, event| {
            unreadable += usize::from(matches!(black_box(event), Event::Unreadable { .. }));
            true
        });
        frames.push(bytes / 1e9 / from.elapsed().as_secs_f64());
        anyhow::ensure!(unreadable == 0, "{unreadable} frames do not open");
    }
    let figures = &mut figures.opening;
    figures.aead_gb_per_s = aead;
    figures.frames_gb_per_s = median(frames);
    figures.share_of_aead = figures.frames_gb_per_s / aead;
    figures.everything_gb_per_s = median(everything);

    let file = Bytes::new(recorded.bytes.clone());
    let from = Instant::now();
    let opened = open::open(file.clone(), &recorded.keys, &recorded.code, auditor, &ca);
    let opened = Arc::new(opened.context("the hour opens")?);
    let mut replay = Replay::open(Recording::new(file, opened))?;
    let (begin, end) = (replay.index().from, replay.index().to);
    replay.seek(begin + 300)?;
    anyhow::ensure!(replay.view().is_some(), "there is no first picture");
    figures.first_picture_ms = from.elapsed().as_secs_f64() * 1e3;

    let mut dice = Dice::from_seed(5);
    let mut took = Vec::new();
    for _ in 0..SEEKS {
        let time = begin + u64::from(dice.roll((end - begin) as u32));
        let from = Instant::now();
        replay.seek(time)?;
        black_box(replay.view().map(|view| view.bgrx.len()));
        took.push(from.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    figures.seeks = SEEKS;
    figures.seek_ms_p50 = rank(&took, 0.5);
    figures.seek_ms_p95 = rank(&took, 0.95);
    figures.seek_ms_max = rank(&took, 1.0);
    Ok(())
}

/// Gigabytes a second of AES-256-GCM over pieces of the sizes that the frames have, copied first as opening
/// must copy them. They are sealed here: to open foreign ones would end at the first tag.
fn aead(file: &[u8]) -> Result<f64> {
    let key = AeadKey::new(&zeroize::Zeroizing::new([7; 32]));
    let (mut frames, mut bytes) = (Vec::new(), 0);
    for record in Records::new(file)? {
        if let Body::Frame { header, ciphertext } = record?.parse()? {
            let mut sealed = ciphertext[..ciphertext.len() - 16].to_vec();
            key.seal(header.number, &header.encode(), &mut sealed);
            bytes += sealed.len();
            frames.push((header, sealed));
        }
    }
    let mut buffer = Vec::new();
    let from = Instant::now();
    for (header, sealed) in &frames {
        buffer.clear();
        buffer.extend_from_slice(sealed);
        key.open(header.number, &header.encode(), &mut buffer)
            .context("what was just sealed")?;
        black_box(&buffer);
    }
    Ok(bytes as f64 / 1e9 / from.elapsed().as_secs_f64())
}
