//! An operator in a temporary folder: relay, technician, auditors, and the agent file that customers get.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use fernsicht_protocol::cert::Role;
use fernsicht_protocol::net::Pin;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::auditor::Auditor;
use crate::authority::Authority;
use crate::dice::Dice;
use crate::programs::{self, Programs};
use crate::tap::Place;
use crate::wait;
use crate::wine;
use crate::xserver::{Process, XServer};

/// The company of all demonstrations.
pub const OPERATOR: &str = "Nordlicht Telefon";
/// The technician of all demonstrations.
pub const TECHNICIAN: &str = "Erika Weber";
/// Where she works.
pub const ORGANISATION: &str = "Kundendienst Nord";

const RELAY_NAME: &str = "relay.demo";

/// The operator's things.
#[derive(Debug, Clone)]
pub struct Operator {
    programs: Programs,
    folder: PathBuf,
    data: PathBuf,
    listen: SocketAddr,
}

/// A running relay.
#[derive(Debug)]
pub struct Relay {
    /// The process.
    pub process: Process,
    log: PathBuf,
}

impl Relay {
    /// What it has logged.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Operator {
    /// Prepares everything in `folder`, which must exist; nothing runs yet.
    pub fn new(programs: Programs, folder: &Path) -> Result<Self> {
        let listen = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), free_port()?);
        Self::listening(programs, folder, listen)
    }

    /// The same with a relay at this address of a network of its own, where every port is free.
    pub fn at(programs: Programs, folder: &Path, address: IpAddr) -> Result<Self> {
        Self::listening(programs, folder, SocketAddr::new(address, 7443))
    }

    /// The same operator with a relay at another address, before anything runs.
    pub fn moved_to(self, address: IpAddr) -> Result<Self> {
        Self::at(self.programs, &self.folder, address)
    }

    /// A stranger with a relay of his own at the same address, and a CA of his own.
    pub fn taken_over(&self, folder: &Path) -> Result<Self> {
        Self::listening(self.programs.clone(), folder, self.listen)
    }

    fn listening(programs: Programs, folder: &Path, listen: SocketAddr) -> Result<Self> {
        let this = Self {
            programs,
            folder: folder.to_owned(),
            data: folder.join("relay"),
            listen,
        };
        fs::create_dir_all(this.data())?;
        this.configure(&this.address())?;
        Ok(this)
    }

    /// `host:port` of the relay.
    pub fn address(&self) -> String {
        self.listen.to_string()
    }

    /// The relay's data directory.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Writes relay.toml, with this as the address that tokens and agents get.
    pub fn configure(&self, public_address: &str) -> Result<()> {
        self.write_configuration(public_address, "")
    }

    /// Writes relay.toml without limits on what one network may do: all sessions of a load test come from one.
    pub fn configure_without_limits(&self) -> Result<()> {
        let limits = "[limits]\nsessions = 100000\nconnections = 100000\n\
                      connections_per_network = 100000\njoins_per_network = 100000\n";
        self.write_configuration(&self.address(), limits)
    }

    /// Writes relay.toml with room for one client alone.
    pub fn configure_for_one(&self) -> Result<()> {
        self.write_configuration(&self.address(), "[limits]\nconnections_per_network = 1\n")
    }

    /// Writes relay.toml with so many places in all, and so many for one network.
    pub fn configure_places(&self, all: usize, per_network: usize) -> Result<()> {
        let limits =
            format!("[limits]\nconnections = {all}\nconnections_per_network = {per_network}\n");
        self.write_configuration(&self.address(), &limits)
    }

    fn write_configuration(&self, public_address: &str, more: &str) -> Result<()> {
        let text = format!(
            "listen = \"{}\"\npublic_address = \"{public_address}\"\nname = \"{RELAY_NAME}\"\n\
             operator = \"{OPERATOR}\"\ndomain = \"hilfe.nordlicht.example\"\naddress = \"Hafenstraße 1, 20457 Hamburg\"\n\
             complaints_office = \"Beschwerdestelle, beschwerde@nordlicht.example\"\n\
             privacy_contact = \"datenschutz@nordlicht.example\"\n\
             authority = \"Landesbeauftragte für den Datenschutz\"\nlegal_basis = \"Art. 6 Abs. 1 lit. a DSGVO\"\n\
             language = \"de\"\ndrain_seconds = 0\n{more}",
            self.listen
        );
        fs::write(self.data().join("relay.toml"), text).context("relay.toml")
    }

    /// Everything that lies in the relay's data directory, byte by byte: files that hold `needle`.
    pub fn files_with(&self, needle: &[u8]) -> Result<Vec<PathBuf>> {
        files_with(&self.data, needle)
    }

    /// Starts the relay and waits until it listens.
    pub fn serve(&self) -> Result<Relay> {
        let log = self.folder.join("relay.log");
        let before = fs::read(&log).map_or(0, |text| text.len());
        let output = fs::File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(&self.programs.relay);
        command.arg("serve").arg("--data").arg(self.data());
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut process = Process::start("fernsicht-relay", &mut command)?;
        let address = self.address();
        wait::until_true("the relay to listen", Duration::from_secs(30), || {
            process
                .check()
                .with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
            // Whoever gets the port proves that nobody listens there yet.
            Ok(UdpSocket::bind(&address).is_err()
                && fs::read_to_string(&log)?[before..].contains("listening on"))
        })?;
        Ok(Relay { process, log })
    }

    /// Runs a command of the relay's, such as `["recordings", "list"]`, that must succeed. Returns what it prints.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        programs::run_well(&self.programs.relay, &self.with_data(arguments)?)
    }

    /// Like [`Self::command`], whatever comes of it.
    pub fn try_command(&self, arguments: &[&str]) -> Result<Output> {
        programs::run(&self.programs.relay, &self.with_data(arguments)?)
    }

    fn with_data<'a>(&'a self, arguments: &[&'a str]) -> Result<Vec<&'a str>> {
        let data = self.data.to_str();
        let data = data.context("the temporary folder's name is text")?;
        Ok([arguments, &["--data", data]].concat())
    }

    /// Registers the technician. Returns the one-time token.
    pub fn token(&self) -> Result<String> {
        let add = ["technician", "add", TECHNICIAN];
        token_in(&self.command(&[&add[..], &["--organisation", ORGANISATION]].concat())?)
    }

    /// Registers an auditor. Returns the one-time token.
    pub fn auditor_token(&self, name: &str) -> Result<String> {
        token_in(&self.command(&["auditor", "add", name])?)
    }

    /// Registers an auditor and enrols him in a folder of his own. The relay must run.
    pub fn enrol_auditor(&self, name: &str) -> Result<Auditor> {
        let token = self.auditor_token(name)?;
        let home = self
            .folder
            .join(format!("auditor-{}", name.replace(' ', "-")));
        Auditor::enrol(&self.programs, &home, &token)
    }

    /// Enrols a console in a folder of its own, which is returned. The relay must run.
    pub fn enrol(&self) -> Result<PathBuf> {
        let home = self.folder.join("console");
        fs::create_dir_all(&home)?;
        let data = home
            .to_str()
            .context("the temporary folder's name is text")?;
        programs::run_well(
            &self.programs.console,
            &["enrol", &self.token()?, "--data", data],
        )?;
        Ok(home)
    }

    /// Makes the agent that connects to `public_address`. Returns the file.
    pub fn agent(&self, public_address: &str) -> Result<PathBuf> {
        self.configure(public_address)?;
        let mut file = self.folder.join("Fernhilfe");
        if wine::runs(&self.programs.agent) {
            file.set_extension("exe");
        }
        let [data, output, program] = [&self.data(), &file, &self.programs.agent].map(|path| {
            path.to_str()
                .map(str::to_owned)
                .context("paths of tests are text")
        });
        let arguments = [
            "agent",
            "--output",
            &output?,
            "--program",
            &program?,
            "--data",
            &data?,
        ];
        programs::run_well(&self.programs.relay, &arguments)?;
        self.configure(&self.address())?;
        Ok(file)
    }

    /// The operator's CA, as whoever holds its key has it. The relay must have been started once.
    pub fn authority(&self) -> Result<Authority> {
        let pem = fs::read(self.data().join("ca.pem"))?;
        let certificate = CertificateDer::from_pem_slice(&pem).context("ca.pem")?;
        Authority::load(
            certificate.to_vec(),
            &fs::read_to_string(self.data().join("ca.key"))?,
        )
    }

    /// What a tap before this relay needs.
    pub fn place(&self) -> Result<Place> {
        let authority = self.authority()?;
        let identity = authority.issue(Role::Relay, RELAY_NAME, OPERATOR)?;
        let pin = Pin {
            ca: authority.fingerprint(),
            relay_name: RELAY_NAME.to_owned(),
        };
        Ok(Place {
            identity,
            pin,
            relay: self.address(),
            listen: self.listen.ip(),
            pace: None,
        })
    }

    /// The console's command on a screen, with its folder.
    pub fn console(&self, screen: &XServer, home: &Path) -> Command {
        self.console_in("de", screen, home)
    }

    /// The same in this language.
    pub fn console_in(&self, language: &str, screen: &XServer, home: &Path) -> Command {
        let mut command = screen.command(&self.programs.console);
        command
            .arg("--data")
            .arg(home)
            .args(["--language", language])
            .env("HOME", home);
        command
    }

    /// The command of an agent file on a screen, with a home and a run directory of its own.
    pub fn agent_command(&self, screen: &XServer, file: &Path) -> Result<Command> {
        let home = self.customer();
        for folder in ["Documents", "Downloads", ".config"] {
            fs::create_dir_all(home.join(folder))?;
        }
        fs::write(
            home.join(".config/user-dirs.dirs"),
            "XDG_DOCUMENTS_DIR=\"$HOME/Documents\"\nXDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n",
        )?;
        let mut command = match wine::runs(file) {
            true => wine::command(screen, &home, file),
            false => screen.command(file),
        };
        command.args(["--language", "de"]).env("HOME", &home);
        for (variable, folder) in [
            ("XDG_RUNTIME_DIR", ""),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_STATE_HOME", ".local/state"),
        ] {
            command.env(variable, home.join(folder));
        }
        Ok(command)
    }

    /// The customer's home.
    pub fn customer(&self) -> PathBuf {
        self.folder.join("customer")
    }

    /// The receipts in the customer's home, the oldest first.
    pub fn receipts(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for path in files_below(&self.customer())? {
            if path
                .extension()
                .is_some_and(|extension| extension == "html")
            {
                found.push((fs::metadata(&path)?.created()?, path));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }
}

/// A port that is free for UDP and TCP, and that stays so while its relay is started anew: below those from which
/// the kernel gives clients theirs.
fn free_port() -> Result<u16> {
    let mut dice = Dice::fresh();
    let mut ports = (0..1000).map(|_| 10_000 + dice.roll(22_000) as u16);
    let free = |port: &u16| {
        let address = (Ipv4Addr::LOCALHOST, *port);
        UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok()
    };
    ports.find(free).context("no port is free")
}

/// All files below a folder.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Those files below a folder whose bytes hold `needle` anywhere.
pub fn files_with(folder: &Path, needle: &[u8]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in files_below(folder)? {
        // A file may vanish while others are read.
        let Ok(bytes) = fs::read(&path) else { continue };
        if bytes.windows(needle.len()).any(|part| part == needle) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The token that a command printed.
fn token_in(printed: &str) -> Result<String> {
    let token = printed
        .split_whitespace()
        .find(|word| word.starts_with("fst") && word.contains('-'));
    token
        .map(str::to_owned)
        .with_context(|| format!("no token in {printed:?}"))
}
