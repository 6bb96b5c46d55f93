//! Debian's mosquitto before a hub, with the configuration and the rules of `configs/mosquitto`.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::process::Signal;

use super::process::Process;
use super::programs::program;

const PROGRAM: &str = "/usr/sbin/mosquitto";
const UP_MAX: Duration = Duration::from_secs(10);
/// Where the configuration expects the hub's papers.
const PLACE: &str = "/etc/mosquitto/xunke/";

/// A broker of one hub's own. Dropping it kills it.
pub struct Broker {
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Broker {
    /// Starts it on `port` with papers of the hub that has this configuration.
    ///
    /// # Errors
    /// It is not installed, the hub makes no papers, or it does not start.
    pub fn start(folder: &Path, hub_config: &Path, port: u16) -> Result<Self> {
        ensure!(
            Path::new(PROGRAM).is_file(),
            "{PROGRAM} is missing: ./dev setup installs it"
        );
        fs::create_dir_all(folder)?;
        let mut papers = Command::new(program("xunke-hub")?);
        papers.arg("broker").arg("--config").arg(hub_config);
        let made = papers.arg("--to").arg(folder).output()?;
        let said = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "no papers for the broker\n{said}");
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/mosquitto");
        fs::copy(configs.join("acl"), folder.join("acl"))?;
        let text = fs::read_to_string(configs.join("mosquitto.conf"))?;
        let own = format!("{}/", folder.display());
        let text = text
            .replace(PLACE, &own)
            .replace("listener 8883", &format!("listener {port} 127.0.0.1"));
        fs::write(folder.join("mosquitto.conf"), text + "user root\n")?;
        let mut broker = Self {
            folder: folder.to_owned(),
            port,
            process: None,
        };
        broker.run()?;
        Ok(broker)
    }

    /// Starts its process, which must not be running.
    ///
    /// # Errors
    /// It does not start.
    pub fn run(&mut self) -> Result<()> {
        let config = self.folder.join("mosquitto.conf");
        let arguments = ["-c".as_ref(), config.as_os_str()];
        let mut process = Process::start("mosquitto", Path::new(PROGRAM), arguments, &self.folder)?;
        let deadline = Instant::now() + UP_MAX;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let up = !process.ended() && Instant::now() < deadline;
            ensure!(up, "mosquitto did not start\n{}", process.last_words());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = Some(process);
        Ok(())
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Gives it another list of revoked certificates, as `xunke-revoked.service` does.
    ///
    /// # Errors
    /// There is none, or it does not run.
    pub fn take_list(&self, list: &Path) -> Result<()> {
        fs::copy(list, self.folder.join("revoked.pem"))?;
        match &self.process {
            Some(process) => process.signal(Signal::HUP),
            None => Ok(()),
        }
    }
}
