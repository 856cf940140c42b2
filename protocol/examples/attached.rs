//! Says what is attached to an agent: `attached FILE`.

use std::process::ExitCode;

use fernsicht_protocol::attached;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it answers a person or a script"
)]
fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: attached FILE");
        return ExitCode::FAILURE;
    };
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    match read.and_then(|file| attached::read(&file).map_err(|error| error.to_string())) {
        Ok(configuration) => {
            println!("{}", configuration.operator.as_str());
            for address in &configuration.relay_addresses.0 {
                println!("{}", address.as_str());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
