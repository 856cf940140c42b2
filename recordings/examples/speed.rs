//! How fast recordings are written, verified and opened, against the AEAD's own speed.
//!
//! `cargo run --release -p fernsicht-recordings --features sample --example speed`: one line of JSON per size
//! of picture frames, in GB/s of ciphertext by the CPU time of this thread.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::time::Duration;

use fernsicht_protocol::crypto::AeadKey;
use fernsicht_protocol::messages::End;
use fernsicht_recordings::open::open;
use fernsicht_recordings::sample::{Office, Session};
use fernsicht_recordings::verify::verify_outside;
use fernsicht_recordings::writer::Ciphertext;

/// Bytes of each recording.
const TOTAL: usize = 256 << 20;

fn main() {
    for size in [1_200, 5_000, 64 << 10] {
        measure(size);
    }
}

/// CPU time of the main thread.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").expect("a Linux kernel");
    let spent = stat.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(spent.expect("nanoseconds"))
}

fn measure(size: usize) {
    let office = Office::new(1);
    let mut session = Session::begin(&office, 2);
    let content = vec![7; size];
    let sealed: Vec<_> = (0..TOTAL / size)
        .map(|_| {
            let direction = fernsicht_protocol::frame::Direction::AgentToConsole;
            session.seal(
                direction,
                fernsicht_protocol::frame::Class::Picture,
                &content,
            )
        })
        .collect();
    let bytes: usize = sealed.iter().map(|frame| frame.ciphertext.len()).sum();
    let speed = |begun: Duration| bytes as f64 / 1e9 / (cpu() - begun).as_secs_f64();

    // What a recorder pays: the writer without the write.
    let mut writer = session.writer.clone();
    let begun = cpu();
    for frame in &sealed {
        let sum = Ciphertext::of(&frame.ciphertext);
        let prefix = writer.append_frame(&frame.header, &sum, session.time);
        assert!(prefix.is_ok());
    }
    let written = speed(begun);

    for frame in &sealed {
        session.record(frame);
    }
    let recorded = session.end(End::Customer);

    let key = AeadKey::new(&[1; 32].into());
    let mut buffer = sealed[0].ciphertext.clone();
    let begun = cpu();
    for number in 0..sealed.len() as u64 {
        buffer.truncate(buffer.len() - 16);
        key.seal(number, &[0; 25], &mut buffer);
    }
    let aead = speed(begun);

    let begun = cpu();
    let outline = verify_outside(&recorded.bytes, &office.pin());
    let verified = speed(begun);
    assert!(outline.complete && outline.findings.is_empty());

    let begun = cpu();
    let (keys, code, auditor) = (&recorded.keys, &recorded.code, &office.auditors[0]);
    let opened = open(
        recorded.bytes.as_slice(),
        keys,
        code,
        auditor,
        &office.pin(),
    );
    let opened = opened.expect("the sample opens");
    let checked = speed(begun);

    let begun = cpu();
    let mut seen = 0;
    opened.for_each(|_, event| {
        seen += usize::from(matches!(
            event,
            fernsicht_recordings::open::Event::Picture { .. }
        ));
        true
    });
    let read = speed(begun);
    assert_eq!(seen, sealed.len());
    println!(
        "{{\"frame\": {size}, \"aead\": {aead:.2}, \"write\": {written:.2}, \"verify\": {verified:.2}, \
         \"open_with_all_checks\": {checked:.2}, \"open_frames\": {read:.2}, \"open_frames_to_aead\": {:.2}}}",
        read / aead
    );
}
