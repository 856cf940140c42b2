//! fernsicht-relay: reads its command line and runs.

use std::process::ExitCode;

fn main() -> ExitCode {
    fernsicht_relay::run()
}
