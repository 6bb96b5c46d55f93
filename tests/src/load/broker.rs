//! Debian's mosquitto with the hub's certificates, to measure beside the hub.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xunke_protocol::topic;

use super::fleet::{Address, Side};
use crate::campus::{BoxIdentity, Process, free_port};

const PROGRAM: &str = "/usr/sbin/mosquitto";
const UP_MAX: Duration = Duration::from_secs(10);

/// A broker of one test's own. Dropping it kills it.
pub struct Mosquitto {
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Mosquitto {
    /// Starts it in `folder` with the certificates of the hub that keeps its data in `data_dir`. It
    /// keeps nothing on disk: its PUBACK says that the broker has the message.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start(folder: &Path, data_dir: &Path, anybody: &BoxIdentity) -> Result<Self> {
        let authority = data_dir.join("authority");
        let (file, port) = (
            |name: &str| authority.join(name).display().to_string(),
            free_port()?,
        );
        fs::create_dir_all(folder)?;
        // The rule of each device is that of docs/PROTOCOL.md, in mosquitto's words.
        let rules = "pattern write xk/1/d/%u/up/#\npattern read xk/1/d/%u/dn/#\n\
                     pattern read xk/1/hub/state\npattern write xk/1/hub/state\n";
        fs::write(folder.join("rules"), rules)?;
        let settings = format!(
            "listener {port} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\n\
             require_certificate true\nuse_identity_as_username true\n\
             tls_version tlsv1.3\nacl_file {}\npersistence false\nuser root\n\
             use_username_as_clientid true\n",
            file("ca.pem"),
            file("hub.pem"),
            file("hub-key.pem"),
            folder.join("rules").display(),
        );
        fs::write(folder.join("mosquitto.conf"), settings)?;
        fs::write(folder.join("box.pem"), &anybody.certificate_pem)?;
        fs::write(folder.join("box-key.pem"), &anybody.key_pem)?;
        fs::write(folder.join("ca.pem"), &anybody.ca_pem)?;
        let mut broker = Self {
            folder: folder.to_owned(),
            port,
            process: None,
        };
        broker.run()?;
        Ok(broker)
    }
}

impl Side for Mosquitto {
    fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".into(),
            port: self.port,
        }
    }

    fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    fn kill(&mut self) {
        self.process = None;
    }

    fn run(&mut self) -> Result<()> {
        let program = Path::new(PROGRAM);
        ensure!(
            program.is_file(),
            "{PROGRAM} is missing: ./dev setup installs it"
        );
        let config = self.folder.join("mosquitto.conf");
        let arguments = ["-c".as_ref(), config.as_os_str()];
        let mut process = Process::start("mosquitto", program, arguments, &self.folder)?;
        let deadline = Instant::now() + UP_MAX;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let up = !process.ended() && Instant::now() < deadline;
            ensure!(up, "mosquitto did not start\n{}", process.last_words());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = Some(process);
        self.speak_for_the_hub()
    }
}

impl Mosquitto {
    /// No hub is behind it: its own acknowledgement is all there is, and boxes are told so.
    fn speak_for_the_hub(&self) -> Result<()> {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let port = self.port.to_string();
        let said = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &port, "-q", "1", "-r"])
            .args(["--cafile", &file("ca.pem"), "--cert", &file("box.pem")])
            .args(["--key", &file("box-key.pem"), "-t", topic::HUB_STATE])
            .args(["-m", r#"{"online":true,"since":1,"acks":"puback"}"#])
            .output()
            .context("mosquitto_pub cannot be run: ./dev setup installs it")?;
        let why = String::from_utf8_lossy(&said.stderr);
        ensure!(said.status.success(), "mosquitto takes no message: {why}");
        Ok(())
    }
}
