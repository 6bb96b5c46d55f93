//! A PostgreSQL of one test's own: a new cluster in a folder of its own, gone with it. It speaks
//! TLS, and whoever connects checks its name, as on another machine.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use uuid::Uuid;

use super::process::Process;
use super::programs::free_port;

const UP_MAX: Duration = Duration::from_secs(30);
const USER: &str = "xunke";

/// A running server. Dropping it kills it and removes its folder.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    password: String,
    /// Behind a lock only because its lines may be read by one at a time.
    process: Mutex<Option<Process>>,
}

impl Postgres {
    /// Makes a cluster and starts its server on 127.0.0.1. It never runs as root.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start: the error carries what it said.
    pub fn start() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("xunke-pg-{}", Uuid::now_v7().simple()));
        fs::create_dir_all(&folder)?;
        let owner = owner()?;
        let mut server = Self {
            port: free_port()?,
            password: format!("{}-secret", Uuid::now_v7().simple()),
            folder,
            process: Mutex::default(),
        };
        if let Some((uid, gid)) = owner {
            chown(&server.folder, Some(uid), Some(gid))?;
        }
        server.initialise(owner)?;
        server.certify(owner)?;
        server.run(owner)?;
        Ok(server)
    }

    fn initialise(&self, owner: Option<(u32, u32)>) -> Result<()> {
        let file = self.password_file();
        write_secret(&file, &self.password)?;
        if let Some((uid, gid)) = owner {
            chown(&file, Some(uid), Some(gid))?;
        }
        let (program, mut arguments) = as_owner(&tool("initdb")?, owner);
        arguments.extend(["-D".into(), self.data().display().to_string()]);
        let how = [
            "-U",
            USER,
            "--auth=scram-sha-256",
            "--locale=C",
            "--encoding=UTF8",
            "--no-sync",
        ];
        arguments.extend(how.map(str::to_owned));
        arguments.push(format!("--pwfile={}", file.display()));
        let output = Command::new(program).args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no cluster could be made\n{said}");
        if owner.is_some() {
            // From here on it is the hub's, which runs as we do.
            chown(&file, Some(rustix::process::getuid().as_raw()), None)?;
        }
        Ok(())
    }

    fn certify(&self, owner: Option<(u32, u32)>) -> Result<()> {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        fs::write(self.ca_file(), made.cert.pem())?;
        let key = self.folder.join("key.pem");
        write_secret(&key, &made.signing_key.serialize_pem())?;
        match owner {
            Some((uid, gid)) => Ok(chown(&key, Some(uid), Some(gid))?),
            None => Ok(()),
        }
    }

    fn run(&mut self, owner: Option<(u32, u32)>) -> Result<()> {
        let (program, mut arguments) = as_owner(&tool("postgres")?, owner);
        arguments.extend(["-D".into(), self.data().display().to_string()]);
        arguments.extend(["-k".into(), self.folder.display().to_string()]);
        arguments.extend(["-h", "127.0.0.1", "-c", "max_connections=300"].map(str::to_owned));
        arguments.extend(["-p".into(), self.port.to_string()]);
        let (certificate, key) = (self.ca_file(), self.folder.join("key.pem"));
        let tls = [
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", certificate.display()),
            format!("ssl_key_file={}", key.display()),
        ];
        arguments.extend(
            tls.into_iter()
                .flat_map(|setting| ["-c".to_owned(), setting]),
        );
        let logs = std::env::temp_dir();
        let mut process = Process::start("postgres", program.as_ref(), arguments, &logs)?;
        let end = Instant::now() + UP_MAX;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if process.ended() || Instant::now() > end {
                bail!("PostgreSQL did not start\n{}", process.last_words());
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.process = Mutex::new(Some(process));
        while self.sql("SELECT 1").is_err() {
            ensure!(Instant::now() < end, "PostgreSQL does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The file with the password.
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// What whoever connects must trust, PEM.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// How the hub is told of it.
    #[must_use]
    pub fn configuration(&self) -> String {
        let (url, file) = (self.url(), self.password_file());
        format!("[store]\nurl = \"{url}\"\npassword_file = {file:?}\n")
    }

    /// Where it is, without the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.address(USER)
    }

    /// The same with it, for a process that is handed it in its environment.
    #[must_use]
    pub fn url_with_password(&self) -> String {
        self.address(&format!("{USER}:{}", self.password))
    }

    fn address(&self, user: &str) -> String {
        let (port, ca) = (self.port, self.ca_file());
        let checked = format!("sslmode=verify-full&sslrootcert={}", ca.display());
        format!("postgres://{user}@127.0.0.1:{port}/postgres?{checked}")
    }

    /// Runs a statement; gives what it prints.
    ///
    /// # Errors
    /// The server does not take it.
    pub fn sql(&self, statement: &str) -> Result<String> {
        let output = Command::new(tool("psql")?)
            .env("PGPASSWORD", &self.password)
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
            ])
            .arg(self.url())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{statement}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.process = Mutex::default();
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn write_secret(file: &Path, secret: &str) -> Result<()> {
    let mut options = fs::File::options();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(file)?;
    Ok(writeln!(file, "{secret}")?)
}

/// Root hands the server to somebody else: PostgreSQL refuses to run as root.
fn owner() -> Result<Option<(u32, u32)>> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| {
        let fields = users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let mut found = fields.filter(|fields| fields.first() == Some(&name));
        let fields = found.next()?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    let found = ids("postgres").or_else(|| ids("nobody"));
    found
        .map(Some)
        .context("there is no user that PostgreSQL could run as")
}

fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> (String, Vec<String>) {
    let program = program.display().to_string();
    let Some((uid, gid)) = owner else {
        return (program, Vec::new());
    };
    // A change of user takes the parent's death signal away: set once more behind it.
    let mut arguments = vec![format!("--reuid={uid}"), format!("--regid={gid}")];
    let more = ["--clear-groups", "--pdeathsig", "KILL", "--"];
    arguments.extend(more.map(str::to_owned));
    arguments.push(program);
    ("setpriv".into(), arguments)
}

/// A program of PostgreSQL: the newest that Debian has put aside, or the one in the path.
fn tool(name: &str) -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<_> = versions
        .map(|one| one.path().join("bin").join(name))
        .collect();
    found.retain(|path| path.is_file());
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = found
        .pop()
        .or_else(|| paths.into_iter().find(|path| path.is_file()));
    found.with_context(|| format!("{name} is not installed: ./dev setup installs it"))
}
