//! Witnesses against a relay that records honestly until it does not: what it states truly is never a
//! mismatch, what it alters is one as soon as both have come so far.

use std::collections::VecDeque;

use super::Input;
use crate::crypto::Hash;
use crate::frame::{Class, Direction, Header};
use crate::heads::{Heads, Witness};
use crate::rights::Rights;

const SESSION: [u8; 16] = [7; 16];

/// A run of operations.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut relay = Heads::new(SESSION);
    let mut sender = Witness::new(SESSION, Direction::ConsoleToAgent);
    let mut receiver = Witness::new(SESSION, Direction::AgentToConsole);
    let mut on_the_way: VecDeque<(Header, Hash)> = VecDeque::new();
    let (mut epoch, mut number, mut altered) = (0, 0, false);
    for _ in 0..MOST {
        if input.0.is_empty() {
            break;
        }
        match input.byte() % 8 {
            0 | 1 if epoch > 0 => {
                let header = header(epoch, number);
                let content = [input.byte(); 32];
                sender.note(&header, &content).expect("the sender's own");
                // The relay records what it will, and forwards what was sent.
                let recorded = match input.byte() {
                    9 => {
                        altered = true;
                        [!content[0]; 32]
                    }
                    _ => content,
                };
                relay.note(&header, &recorded).expect("in order");
                on_the_way.push_back((header, content));
                number += 1;
            }
            2 | 3 => {
                let Some((header, content)) = on_the_way.pop_front() else {
                    continue;
                };
                let noted = receiver.note(&header, &content);
                assert!(noted.is_ok() || altered, "an honest relay is believed");
                if noted.is_err() {
                    return;
                }
            }
            4 => {
                let found = sender.handle_claims(&relay.all());
                assert_eq!(found.is_err(), altered, "the sender knows at once");
                if altered {
                    return;
                }
            }
            5 => {
                let found = receiver.handle_claims(&relay.all());
                let caught_up = on_the_way.is_empty();
                assert!(found.is_ok() || altered, "an honest relay is believed");
                assert!(found.is_err() || !altered || !caught_up);
                if found.is_err() {
                    return;
                }
                if caught_up && epoch > 0 {
                    let covered = receiver.covered(epoch, Direction::ConsoleToAgent, Class::Input);
                    assert_eq!(covered, number);
                }
            }
            6 if input.byte() == 0 => {
                // What was on the way of the old epoch still arrives first.
                while let Some((header, content)) = on_the_way.pop_front() {
                    if receiver.note(&header, &content).is_err() {
                        assert!(altered, "an honest relay is believed");
                        return;
                    }
                }
                // Two epochs later an alteration is out of sight here; the auditor sees it.
                if altered {
                    return;
                }
                (epoch, number) = (epoch + 1, 0);
                relay.begin(epoch);
                sender.begin(epoch);
                receiver.begin(epoch);
            }
            _ => {}
        }
    }
}

fn header(epoch: u32, number: u64) -> Header {
    Header {
        epoch,
        direction: Direction::ConsoleToAgent,
        class: Class::Input,
        number,
        grant: 1,
        rights: Rights::Control,
        length: 16,
    }
}

const MOST: usize = 4096;
