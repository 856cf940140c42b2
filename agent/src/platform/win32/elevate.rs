//! This program anew, by `runas`: Windows asks the person, on the secure desktop, and starts it or does not.
//!
//! What gets the rights must be this very program. Whoever controls the computer could give its file another name and
//! lay something else in its place, for which Windows would then ask: so the file is held open in a way that forbids it,
//! from before the first session on. Libraries that lie beside a program are loaded with it: where there are any,
//! nothing is started. One that comes while Windows asks is not seen.

use std::fs::{File, OpenOptions};
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::{Path, PathBuf};

use windows::Win32::Foundation::{ERROR_CANCELLED, HANDLE};
use windows::Win32::Storage::FileSystem::FILE_SHARE_READ;
use windows::Win32::System::Com::{
    COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx, CoUninitialize,
};
use windows::Win32::System::Threading::{INFINITE, WaitForSingleObject};
use windows::Win32::UI::Shell::{
    SEE_MASK_FLAG_NO_UI, SEE_MASK_NOASYNC, SEE_MASK_NOCLOSEPROCESS, SHELLEXECUTEINFOW,
    ShellExecuteExW,
};
use windows::Win32::UI::WindowsAndMessaging::SW_SHOWNORMAL;
use windows::core::{PCWSTR, w};

use super::{integrity, wide, window};
use crate::platform::elevate::Error;

/// This program, as it may be started anew.
#[derive(Debug)]
pub struct Restart {
    program: PathBuf,
    /// As long as it is open, nobody writes, moves or deletes the file, nor moves a folder above it.
    _held: File,
}

impl Restart {
    /// Holds the program's file. None where the program has the rights already, or its file cannot be held.
    pub fn open() -> Option<Self> {
        if integrity::elevated() {
            return None;
        }
        Self::of(std::env::current_exe().ok()?)
            .inspect_err(|error| tracing::info!(%error, "no start with more rights"))
            .ok()
    }

    fn of(program: PathBuf) -> std::io::Result<Self> {
        let held = OpenOptions::new()
            .read(true)
            .share_mode(FILE_SHARE_READ.0)
            .open(&program)?;
        Ok(Self {
            program,
            _held: held,
        })
    }

    /// Asks the person, and starts the program if that is a yes. Waits for the answer: a thread of its own is needed.
    pub fn start(&self, above: Option<u32>, arguments: &[String]) -> Result<Successor, Error> {
        self.execute(w!("runas"), above, arguments)
    }

    fn execute(
        &self,
        verb: PCWSTR,
        above: Option<u32>,
        arguments: &[String],
    ) -> Result<Successor, Error> {
        if let Some(neighbour) = neighbour(&self.program)? {
            return Err(Error::Neighbour(neighbour));
        }
        let _apartment = Apartment::enter();
        let program: Vec<u16> = self.program.as_os_str().encode_wide().chain([0]).collect();
        let arguments = wide(&command_line(arguments));
        let mut asked = SHELLEXECUTEINFOW {
            cbSize: size_of::<SHELLEXECUTEINFOW>() as u32,
            fMask: SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI,
            hwnd: above.map(window).unwrap_or_default(),
            lpVerb: verb,
            lpFile: PCWSTR(program.as_ptr()),
            lpParameters: PCWSTR(arguments.as_ptr()),
            nShow: SW_SHOWNORMAL.0,
            ..SHELLEXECUTEINFOW::default()
        };
        // SAFETY: the structure says its size; all texts in it are zero-terminated and alive until this returns, and a
        // window that is gone is one that nothing is shown above. It returns when there is an answer (no DDE: NOASYNC).
        unsafe { ShellExecuteExW(&raw mut asked) }.map_err(|error| {
            match error.code() == ERROR_CANCELLED.to_hresult() {
                true => Error::Refused,
                false => Error::System(Box::new(error)),
            }
        })?;
        // SAFETY: the process's handle was asked for, is this program's to close, and nobody else has it.
        let process = (!asked.hProcess.is_invalid())
            .then(|| unsafe { OwnedHandle::from_raw_handle(asked.hProcess.0) });
        Ok(Successor { process })
    }
}

/// The program that was started.
#[derive(Debug)]
pub struct Successor {
    /// None if Windows gives none out.
    process: Option<OwnedHandle>,
}

impl Successor {
    /// Until it has ended. One of which nothing is known is waited for without end.
    pub fn wait(self) {
        let Some(process) = self.process else {
            loop {
                std::thread::park();
            }
        };
        // SAFETY: the handle is open until this returns.
        unsafe { WaitForSingleObject(HANDLE(process.as_raw_handle()), INFINITE) };
    }
}

/// What is started may be extended by components of others, which need this.
struct Apartment {
    entered: bool,
}

impl Apartment {
    fn enter() -> Self {
        // SAFETY: for this thread, and taken back by the drop below on the same one: this type is not sent anywhere.
        let entered =
            unsafe { CoInitializeEx(None, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE) };
        Self {
            entered: entered.is_ok(),
        }
    }
}

impl Drop for Apartment {
    fn drop(&mut self) {
        if self.entered {
            // SAFETY: the other half of what was entered.
            unsafe { CoUninitialize() };
        }
    }
}

/// What lies beside the program and would be loaded with it, or redirect what is.
fn neighbour(program: &Path) -> std::io::Result<Option<PathBuf>> {
    let Some(folder) = program.parent() else {
        return Ok(None);
    };
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let loaded = path.extension().is_some_and(|extension| {
            ["dll", "local", "manifest"]
                .iter()
                .any(|kind| extension.eq_ignore_ascii_case(kind))
        });
        if loaded {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// One line that programs take apart into these.
fn command_line(arguments: &[String]) -> String {
    let quoted: Vec<String> = arguments.iter().map(|argument| quoted(argument)).collect();
    quoted.join(" ")
}

/// Backslashes count only before a quotation mark, and there each twice.
fn quoted(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '\t', '\n', '\u{b}', '"']) {
        return argument.to_owned();
    }
    let mut line = String::from('"');
    let mut slashes = 0;
    for letter in argument.chars() {
        match letter {
            '\\' => slashes += 1,
            '"' => {
                line.extend(std::iter::repeat_n('\\', slashes + 1));
                slashes = 0;
            }
            _ => slashes = 0,
        }
        line.push(letter);
    }
    line.extend(std::iter::repeat_n('\\', slashes));
    line.push('"');
    line
}

#[cfg(test)]
mod tests {
    use windows::Win32::Foundation::{HLOCAL, LocalFree};
    use windows::Win32::UI::Shell::CommandLineToArgvW;
    use windows::core::HSTRING;

    use super::*;

    /// As Windows takes it apart, behind a program's name.
    fn taken_apart(line: &str) -> Vec<String> {
        let line = HSTRING::from(format!("agent.exe {line}"));
        let mut count = 0;
        // SAFETY: Windows says how many texts there are, each zero-terminated; they are freed when they were copied.
        unsafe {
            let texts = CommandLineToArgvW(&line, &raw mut count);
            assert!(!texts.is_null());
            let all = std::slice::from_raw_parts(texts, count as usize)
                .iter()
                .map(|text| text.to_string().expect("what was given"))
                .collect::<Vec<_>>();
            LocalFree(Some(HLOCAL(texts.cast())));
            all[1..].to_vec()
        }
    }

    #[test]
    fn arguments_arrive_as_they_were_given() {
        let given = [
            "--language",
            "",
            "a b",
            r"C:\Users\Erika Weber\",
            r"C:\plain\",
            r#"say "hello""#,
            r#"\"#,
            r#"\\""#,
            r#"a\\ b\""#,
            "tab\there",
            "Grüße",
        ]
        .map(str::to_owned);
        let line = command_line(&given);
        assert_eq!(taken_apart(&line), given, "{line}");
        assert_eq!(quoted("--language"), "--language");
        assert_eq!(quoted(r"a b\"), r#""a b\\""#);
    }

    /// A folder of its own with this program in it, or a part of it.
    fn stand() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("Fernhilfe 1.exe");
        std::fs::copy(std::env::current_exe().expect("its name"), &program).expect("a copy");
        (folder, program)
    }

    #[test]
    fn what_lies_beside_the_program_keeps_it_from_more_rights() {
        let (folder, program) = stand();
        let restart = Restart::of(program).expect("held");
        std::fs::write(folder.path().join("notes.txt"), b"").expect("written");
        assert_eq!(neighbour(&restart.program).expect("read"), None);
        for name in ["version.DLL", "Fernhilfe 1.exe.local", "a.manifest"] {
            let beside = folder.path().join(name);
            std::fs::write(&beside, b"").expect("written");
            let refused = restart.execute(w!("open"), None, &["--list".to_owned()]);
            assert!(matches!(refused, Err(Error::Neighbour(_))), "{name}");
            std::fs::remove_file(&beside).expect("removed");
        }
    }

    #[test]
    fn nothing_takes_the_place_of_a_program_that_is_held() {
        let (folder, program) = stand();
        let restart = Restart::of(program.clone()).expect("held");
        let other = folder.path().join("other.exe");
        std::fs::write(&other, b"not this program").expect("written");
        assert!(std::fs::rename(&program, folder.path().join("away.exe")).is_err());
        assert!(std::fs::rename(&other, &program).is_err());
        assert!(std::fs::write(&program, b"not this program").is_err());
        drop(restart);
        std::fs::rename(&program, folder.path().join("away.exe")).expect("nobody holds it");
    }

    #[test]
    fn what_was_started_is_waited_for() {
        let (folder, program) = stand();
        let restart = Restart::of(program).expect("held");
        let ready = folder.path().join("it ran.txt");
        let arguments = [
            "--exact",
            "--ignored",
            "platform::win32::elevate::tests::leaves_a_sign",
        ]
        .map(str::to_owned);
        let successor = restart
            .execute(w!("open"), None, &arguments)
            .expect("started");
        successor.wait();
        assert!(ready.exists(), "it ran and had its arguments");
    }

    #[test]
    #[ignore = "is what the test above starts"]
    fn leaves_a_sign() {
        let program = std::env::current_exe().expect("its name");
        std::fs::write(program.with_file_name("it ran.txt"), b"").expect("written");
    }

    #[test]
    fn what_cannot_be_started_says_so() {
        let (folder, _) = stand();
        let broken = folder.path().join("broken.exe");
        std::fs::write(&broken, b"MZ").expect("written");
        let restart = Restart::of(broken).expect("held");
        let outcome = restart.execute(w!("open"), None, &[]);
        assert!(matches!(outcome, Err(Error::System(_))), "{outcome:?}");
    }
}
