//! A hub with an empty database, on ports of its own, as it is at its first start.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::person::Person;
use super::process::Process;
use super::programs::{free_port, program};

const UP_MAX: Duration = Duration::from_secs(30);

/// The hub.
pub struct EmptyHub {
    /// Its process.
    pub process: Process,
    /// Address for browsers.
    pub url: String,
    folder: PathBuf,
}

impl EmptyHub {
    /// Starts it with all it has in `folder`, at the door for people that `url` names.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(folder: &Path, more: impl FnOnce(&str) -> Result<String>) -> Result<Self> {
        let master = master_key(folder)?;
        let people = free_port()?;
        let url = format!("https://localhost:{people}");
        let text = format!(
            "data_dir = \"{}\"\n[people]\nlisten = \"127.0.0.1:{people}\"\norigin = \"{url}\"\n\
             [boxes]\nlisten = \"127.0.0.1:{}\"\n[mqtt]\nlisten = \"127.0.0.1:{}\"\n\
             [keys]\nmaster_key_file = {master:?}\n[recording]\nfree_mib_min = 64\n{}",
            folder.join("hub").display(),
            free_port()?,
            free_port()?,
            more(&url)?,
        );
        fs::write(folder.join("hub.toml"), text)?;
        Ok(Self {
            process: run(folder)?,
            url,
            folder: folder.to_owned(),
        })
    }

    /// Ends it and starts it again.
    ///
    /// # Errors
    /// It did not end cleanly, or cannot be started.
    pub fn restart(&mut self) -> Result<()> {
        self.process.end()?;
        self.process = run(&self.folder)?;
        Ok(())
    }

    /// The code that this start prints, once its door is open.
    ///
    /// # Errors
    /// It prints none, or its door stays closed.
    pub async fn code(&self) -> Result<String> {
        let code = loop {
            let line = self.process.line(UP_MAX)?;
            if line.len() == 24 && line.matches('-').count() == 4 {
                break line;
            }
        };
        self.open().await?;
        Ok(code)
    }

    /// Waits until its door is open.
    ///
    /// # Errors
    /// It stays closed.
    pub async fn open(&self) -> Result<()> {
        let end = Instant::now() + UP_MAX;
        loop {
            let asked = self.nobody()?.get("/api/openapi.json").await;
            if asked.is_ok() {
                return Ok(());
            }
            ensure!(
                Instant::now() < end,
                "the door is closed\n{}",
                self.process.last_words()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A browser in which nobody has signed in.
    ///
    /// # Errors
    /// The hub's authority cannot be read.
    pub fn nobody(&self) -> Result<Person> {
        let ca_pem = fs::read_to_string(self.folder.join("hub/authority/ca.pem"))?;
        Person::nobody(&self.url, &ca_pem)
    }
}

/// Outside the data it opens (K1), made as the guide says.
fn master_key(folder: &Path) -> Result<PathBuf> {
    let master = folder.join("master.key");
    let mut command = Command::new(program("xunke-hub")?);
    let made = command.args(["keys", "master", "--to"]).arg(&master);
    let made = made.output()?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "no master key: {said}");
    Ok(master)
}

fn run(folder: &Path) -> Result<Process> {
    let config = folder.join("hub.toml");
    let arguments: [OsString; 3] = ["serve".into(), "--config".into(), config.into()];
    Process::start("hub", &program("xunke-hub")?, arguments, folder)
}
