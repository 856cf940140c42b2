//! fernsicht-console: reads its command line and runs.
// A window, and no black one beside it.
#![cfg_attr(windows, windows_subsystem = "windows")]

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

fn main() -> std::process::ExitCode {
    let filter =
        EnvFilter::try_from_env("FERNSICHT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    fernsicht_console::run(fernsicht_console::args::Args::parse())
}
