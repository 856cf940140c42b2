//! The auditor's command line. Neither passphrase nor complaint code stands on it: other users of the
//! computer can read command lines.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};

use crate::texts::Language;

/// Opens one recording on a complaint.
#[derive(Debug, Clone, Parser)]
#[command(name = "fernsicht-auditor", version, after_help = EXIT_CODES)]
pub struct Args {
    /// Where keys and certificate are kept; else FERNSICHT_AUDITOR_DATA, else the system's place.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,

    /// Language; the system's where it is not given.
    #[arg(long, value_enum, global = true)]
    pub language: Option<Language>,

    /// The passphrase is the first line of this file; else of that which
    /// FERNSICHT_AUDITOR_PASSPHRASE_FILE names, else it is asked for.
    #[arg(long, value_name = "FILE", global = true)]
    pub passphrase_file: Option<PathBuf>,

    /// Answer in JSON, for scripts.
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do instead of opening the window.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What is done without, or before, the window.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Enrol this computer with a one-time token from the operator.
    Enrol {
        /// The token.
        token: String,
    },
    /// The cases opened here, and each technician's count of recorded sessions without a completed receipt.
    List,
    /// Fetch the recording of a complaint and say in words whether it is sound.
    Verify(Complaint),
    /// Fetch and verify the recording of a complaint, then show it.
    Open {
        /// The complaint.
        #[command(flatten)]
        complaint: Complaint,
        /// Say what was found, without a window.
        #[arg(long)]
        no_window: bool,
    },
    /// Fetch, verify and write the recording of a complaint as a video, with a signed report.
    Export {
        /// The complaint.
        #[command(flatten)]
        complaint: Complaint,
        /// Where the video goes (MP4).
        #[arg(long, value_name = "FILE")]
        video: Option<PathBuf>,
        /// Where the signed report goes (HTML).
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        /// Both into this folder, named after the case.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["video", "report"])]
        output: Option<PathBuf>,
    },
    /// Check the signature of a report.
    CheckReport {
        /// The report's file.
        file: PathBuf,
    },
    /// Close a case.
    Close {
        /// The case reference.
        #[arg(long, value_name = "REF")]
        case: String,
    },
}

/// Which recording.
#[derive(Debug, Clone, Group)]
pub struct Complaint {
    /// The case reference: your own number of this complaint.
    #[arg(long, value_name = "REF")]
    pub case: String,

    /// The customer's receipt.
    #[arg(long, value_name = "FILE", conflicts_with = "code_file")]
    pub receipt: Option<PathBuf>,

    /// A file whose first line is the complaint code; without it and a receipt the code is asked for.
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}

/// The same as in docs/auditor.md.
const EXIT_CODES: &str = "\
Exit codes:
   0  done; the recording is sound and complete
   1  the command line, a file or this computer
   2  sound as far as it goes; its end is missing, or the recorder had failed in between
   3  something was altered or is missing
   4  the complaint code does not belong to this recording
   5  not sealed to this auditor
   6  the relay has no recording for this code
   7  sealed falsely by the customer's program
   8  the complaint code is mistyped
   9  the passphrase is wrong
  10  the relay cannot be reached, or refuses
  11  the receipt cannot be used
  12  the recording was deleted";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["fernsicht-auditor"].iter().chain(args))
    }

    #[test]
    fn secrets_have_no_place_on_the_command_line() {
        for flag in ["--passphrase", "--code", "--password", "--key"] {
            let args = ["verify", "--case", "1", flag, "x"];
            // An abbreviation of --code-file would take the code for a file's name.
            assert!(parse(&args).is_err(), "{flag}");
        }
    }

    #[test]
    fn a_receipt_or_a_code() {
        let both = [
            "verify",
            "--case",
            "1",
            "--receipt",
            "a",
            "--code-file",
            "b",
        ];
        assert!(parse(&both).is_err());
        assert!(parse(&both[..5]).is_ok());
        assert!(parse(&["verify", "--receipt", "a"]).is_err());
        let args = parse(&["--json", "export", "--case", "1", "--video", "v"]).unwrap();
        assert!(args.json && matches!(args.command, Some(Command::Export { report: None, .. })));
    }
}
