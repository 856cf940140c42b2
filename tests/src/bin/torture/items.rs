//! Everything that is tried, in this order.

use fernsicht_tests::dice::Dice;
use fernsicht_tests::model::{self, Options};

use crate::command::Command;
use crate::corrupt;
use crate::flood;
use crate::item::{Context, Item, Outcome, Run};
use crate::keyboard;
use crate::networks as net;
use crate::screens;
use crate::transfer;

pub(crate) fn all() -> Vec<Item> {
    vec![
        own(
            "flood",
            "attempts at pairing from 200 addresses in 20 networks, beside a session and honest people",
            flood::pairing,
        ),
        own(
            "replaced",
            "strangers spend the tries of a console's code: a new one at once, with a notice, and it pairs",
            net::codes_replaced,
        ),
        own(
            "loris",
            "connections that take their time: half-open, silent, byte by byte, a message without an end",
            flood::loris,
        ),
        own(
            "migration",
            "a running session whose two ends change their sockets and addresses",
            flood::migration,
        ),
        own(
            "customer-moves",
            "the customer's address changes during control",
            net::customer_moves,
        ),
        own(
            "technician-moves",
            "the technician's address changes during control",
            net::technician_moves,
        ),
        own(
            "customer-stall",
            "10 s without a packet on the customer's line",
            net::customer_stall,
        ),
        own(
            "technician-stall",
            "10 s without a packet on the technician's line",
            net::technician_stall,
        ),
        own(
            "customer-loss",
            "60 s without a packet on the customer's line",
            net::customer_loss,
        ),
        own(
            "technician-loss",
            "60 s without a packet on the technician's line",
            net::technician_loss,
        ),
        own(
            "long-loss",
            "15 min without a packet on the customer's line",
            net::long_loss,
        ),
        own(
            "relay-restart",
            "the relay is stopped and started again",
            net::relay_restarts,
        ),
        own(
            "relay-killed",
            "the relay is killed and started again",
            net::relay_killed,
        ),
        own(
            "console-killed",
            "the technician's program is killed",
            net::console_killed,
        ),
        own(
            "agent-killed",
            "the customer's program is killed",
            net::agent_killed,
        ),
        own(
            "without-udp",
            "a network that lets no UDP pass",
            net::without_udp,
        ),
        own(
            "screens",
            "500 clicks over monitors, scales, resolutions and hot-plug: each on the pixel pointed at",
            screens::points,
        ),
        own(
            "corrupt",
            "one area in a thousand drawn wrong: at rest both screens are the same, each time",
            corrupt::wrong_areas,
        ),
        own(
            "transfer",
            "a gigabyte each way in bounded memory, and a file over a line that loses packets",
            transfer::files,
        ),
        Item {
            name: "kills",
            about: "the relay killed under load: everything but at most the last second opens",
            run: Run::Command(Command {
                program: "cargo",
                // All members: one choice of packages is one build of what they depend on.
                arguments: &[
                    "test",
                    "--locked",
                    "--workspace",
                    "--test",
                    "relay_crash",
                    "--",
                    "--nocapture",
                ],
                environment: |context| {
                    let folder = context.programs.relay.parent();
                    let folder = folder.map(|folder| folder.display().to_string());
                    vec![
                        ("FERNSICHT_KILLS", context.kills.to_string()),
                        ("FERNSICHT_BIN_DIR", folder.unwrap_or_default()),
                    ]
                },
                runs: |context| context.kills.into(),
            }),
        },
        own(
            "keyboard",
            "every pair of keyboard layouts, every character of both, in files that three editors saved",
            keyboard::matrix,
        ),
        own(
            "model",
            "both ends, relay and recorder under one fake clock, in random schedules",
            schedules,
        ),
        Item {
            name: "fuzz",
            about: "every parser and core, guided by coverage",
            run: Run::Command(Command {
                program: "make",
                arguments: &["--no-print-directory", "fuzz"],
                environment: |context| vec![("RUNS", context.fuzz_runs.to_string())],
                runs: |context| context.fuzz_runs,
            }),
        },
    ]
}

fn schedules(context: &Context) -> anyhow::Result<Outcome> {
    let report = model::run(Options {
        schedules: context.schedules,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        seed: Dice::fresh().seed(),
    })?;
    let mut outcome = Outcome {
        runs: report.schedules,
        ..Outcome::default()
    };
    outcome.seed(report.seed);
    if report.failures > 0 {
        outcome.failed.push(format!(
            "{} of {} schedules break a promise: {}",
            report.failures,
            report.schedules,
            serde_json::to_string(&report.first)?
        ));
    }
    outcome.measure("report", &report)?;
    Ok(outcome)
}

fn own(
    name: &'static str,
    about: &'static str,
    run: fn(&Context) -> anyhow::Result<Outcome>,
) -> Item {
    Item {
        name,
        about,
        run: Run::Function(run),
    }
}
