//! Replays the committed corpora of agent, console and auditor through the bodies of their fuzz targets, on every test run.
//! Those of protocol, recordings, relay and decoder are replayed where their bodies are.
//!
//! `REGENERATE=1 cargo test -p fernsicht-tests --test corpora` writes the seeds anew.

use std::fs;
use std::path::Path;

use fernsicht_protocol::crypto::hash;

type Body = fn(&[u8]);

#[test]
fn corpora_of_the_programs_break_no_promise() {
    let targets: [(&str, Body, Vec<Vec<u8>>); 3] = [
        ("agent", fernsicht_agent::session::fuzz, agent()),
        ("console", fernsicht_console::session::fuzz, console()),
        ("report", fernsicht_console::audit::report::fuzz, reports()),
    ];
    for (target, body, seeds) in targets {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let corpus = corpus.join(target);
        if std::env::var_os("REGENERATE").is_some() {
            for seed in &seeds {
                let hash = hash(seed);
                let name = hash[..10].iter().map(|byte| format!("{byte:02x}"));
                fs::write(corpus.join(name.collect::<String>()), seed).unwrap();
            }
        }
        let mut replayed = 0;
        for entry in fs::read_dir(corpus).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display()); // names the file if the body panics
            body(&fs::read(&path).unwrap());
            replayed += 1;
        }
        assert!(replayed > 0, "{target} has no corpus");
    }
}

/// Operations of the target `agent`.
mod customers {
    /// A piece is offered: its kind and name, and its size.
    pub(super) fn offer(what: u8, size: u8) -> Vec<u8> {
        vec![2 * 8, what, size]
    }
    /// The rest of it, and its hash.
    pub(super) const SENT: [u8; 5] = [1, 2, 32, 1, 4];
    pub(super) const ASK: [u8; 2] = [2 * 8, 1];
    pub(super) const CHOOSE: u8 = 4 + 7 * 8;
    pub(super) const YES: u8 = 4;
    pub(super) const NO: u8 = 4 + 4 * 8;
    pub(super) const STOP: u8 = 4 + 11 * 8;
    pub(super) const JOB: u8 = 5;
    pub(super) const PASS: [u8; 2] = [7, 1];
    pub(super) const LINE: [u8; 2] = [3 + 2 * 8, 0];
}

/// Ways through the agent's core.
fn agent() -> Vec<Vec<u8>> {
    use customers::*;
    let text = offer(8, 9 << 4);
    let file = offer(0, 9 << 4);
    let pauses = [[7, 2], [7, 3], [7, 4]];
    let mut out = vec![
        [&text[..], &SENT, &[YES], &[JOB; 3]].concat(),
        [&text[..], &SENT, &[NO], &text, &SENT, &PASS, &text, &SENT].concat(),
        [&file[..], &[YES, JOB], &SENT, &[JOB; 5]].concat(),
        [&file[..], &[YES, JOB], &SENT[..3], &[STOP], &[JOB; 3]].concat(),
        [&ASK[..], &[CHOOSE, JOB, YES, 1, 5, 0], &[JOB; 4]].concat(),
        [&ASK[..], &[CHOOSE, JOB, CHOOSE, JOB, YES + 16 * 8, YES]].concat(),
        [&PASS[..], &LINE, &LINE, &PASS, &LINE, &PASS, &LINE].concat(),
        [
            &PASS[..],
            &[4 + 10 * 8, 3],
            &[4 + 10 * 8, 9],
            &[3 + 8 * 8, 1],
        ]
        .concat(),
        [
            &file[..],
            &[YES, JOB],
            &[7 + 3 * 8, 7 + 4 * 8],
            &SENT,
            &[JOB; 5],
        ]
        .concat(),
        [
            &file[..],
            &[YES, JOB],
            &[7 + 5 * 8, 7 + 6 * 8],
            &SENT,
            &[JOB; 5],
        ]
        .concat(),
    ];
    let refused: Vec<u8> = pauses
        .iter()
        .flat_map(|pause| [&file[..], &[NO], pause].concat())
        .collect();
    out.push([&refused[..], &file].concat());
    let big = offer(0, 15 << 4 | 9);
    out.push([&big[..], &[YES, JOB], &[1, 2, 16].repeat(25)].concat());
    for size in 0..=255 {
        out.push([&offer(size & 8, size)[..], &[YES, JOB], &SENT, &[JOB; 4]].concat());
    }
    out
}

/// Ways through the console's.
fn console() -> Vec<Vec<u8>> {
    let (accept, received) = ([0, 4], |size| [0, 4 | 24, size]);
    let (ask, job) = ([3 + 4 * 8], [4]);
    let offer = |size| [0, 0, size];
    let sent = [0, 1, 32, 0, 3];
    let lost = [6 + 7 * 8, 6 + 15 * 8];
    let line = [2 + 2 * 8, 0];
    let mut out = vec![
        [&[3, 9][..], &accept, &received(4), &[0, 6]].concat(),
        [&[3 + 2 * 8][..], &job, &accept, &job.repeat(6), &[0, 6]].concat(),
        [&ask[..], &offer(9 << 4), &job, &sent, &job.repeat(3)].concat(),
        [
            &ask[..],
            &offer(9 << 4),
            &lost,
            &offer(9 << 4),
            &job,
            &sent,
            &job.repeat(3),
        ]
        .concat(),
        [&ask[..], &offer(9 << 4), &job, &[6 + 5 * 8], &sent, &job].concat(),
        [&ask[..], &offer(9 << 4), &job, &[3 + 6 * 8], &sent, &job].concat(),
        [&[3 + 7 * 8, 3, 3 + 7 * 8, 9][..], &lost, &[2 + 10 * 8, 1]].concat(),
        [&line[..], &line, &[2 + 8 * 8, 0], &line].concat(),
        [
            &[3, 255][..],
            &accept,
            &received(4),
            &received(5),
            &received(6),
        ]
        .concat(),
        vec![
            7 + 2 * 8,
            1,
            6 + 5 * 8,
            7 + 2 * 8,
            2,
            7 + 3 * 8,
            3,
            6 + 16 * 8,
        ],
    ];
    let big = [&ask[..], &offer(15 << 4 | 9), &job].concat();
    out.push([&big[..], &[0, 1, 16].repeat(25)].concat());
    for size in 0..=255 {
        out.push([&ask[..], &offer(size), &job, &sent, &job.repeat(2)].concat());
        out.push([&[3, size][..], &accept, &received(size), &received(5)].concat());
    }
    out
}

/// A report with edits: of the whole, of what stands behind its body, of the body.
fn reports() -> Vec<Vec<u8>> {
    let file = b"x<!--fernsicht-report AAAA-->\n";
    let mut out = vec![[&[0], file.as_slice()].concat(), vec![0], vec![1]];
    for how in [1, 2, 3] {
        for at in 0..40 {
            out.push(vec![how, at / 10, at % 10 * 25, 0, 1]);
            out.push(vec![how, at / 10, at % 10 * 25, 2, 1]);
            out.push(vec![how, at / 10, at % 10 * 25, 7, 1]);
        }
    }
    out
}
