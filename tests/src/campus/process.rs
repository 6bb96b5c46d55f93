//! A process of the campus: its output in a file, its death tied to ours.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::disk::SmallDisk;

/// Longest wait for a clean end before the process is killed.
const END_MAX: Duration = Duration::from_secs(8);

/// A running program. Dropping it kills it.
pub struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    log: PathBuf,
    /// Where its own words begin in the log.
    log_start: u64,
}

impl Process {
    /// Starts `program`; standard error goes to `folder/NAME.log`, added to what is there.
    ///
    /// # Errors
    /// The program cannot be started or its log cannot be written.
    pub fn start<I, S>(name: &str, program: &Path, arguments: I, folder: &Path) -> Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log);
        let file = file.with_context(|| format!("{} cannot be written", log.display()))?;
        let log_start = file.metadata()?.len();
        // setpriv sets the parent's death signal before it becomes the program, so that nothing
        // stays behind even when this process is killed.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            // Ctrl-C on the terminal is for us; we end the others in their order.
            .process_group(0);
        let mut child = spawn(command).with_context(|| format!("{name} cannot be started"))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = stdout {
            thread::spawn(move || {
                let lines = BufReader::new(stdout).lines().map_while(Result::ok);
                lines.for_each(|line| drop(sender.send(line)));
            });
        }
        Ok(Self {
            name: name.to_owned(),
            child,
            stdin,
            lines,
            log,
            log_start,
        })
    }

    /// Starts `program` as [`Process::start`] does, but on a small disk.
    ///
    /// # Errors
    /// The same, or the disk's folder cannot be written.
    pub fn start_on<S: AsRef<OsStr>>(
        disk: &SmallDisk,
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        folder: &Path,
    ) -> Result<Self> {
        let (program, arguments) = disk.under(program, arguments)?;
        Self::start(name, &program, arguments, folder)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its standard error goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// The process is gone.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("standard input is closed")?;
        writeln!(stdin, "{line}")?;
        Ok(stdin.flush()?)
    }

    /// The next line of its standard output.
    ///
    /// # Errors
    /// Nothing came in time; the error carries the end of the log.
    pub fn line(&self, longest: Duration) -> Result<String> {
        let line = self.lines.recv_timeout(longest);
        line.with_context(|| format!("{} said nothing\n{}", self.name, self.last_words()))
    }

    /// Has it ended by itself?
    pub fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// All that it has written to its log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn said(&self) -> Result<String> {
        let mut log = File::open(&self.log)?;
        log.seek(SeekFrom::Start(self.log_start))?;
        let mut said = String::new();
        log.read_to_string(&mut said)?;
        Ok(said)
    }

    /// The end of its log.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Sends a signal, such as STOP and CONT to freeze and thaw.
    ///
    /// # Errors
    /// The process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("no such process")?, signal)?)
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// It did not end in time and was killed, or it ended with an error.
    pub fn end(&mut self) -> Result<()> {
        drop(self.signal(Signal::TERM));
        let deadline = Instant::now() + END_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                // A program that does not handle TERM dies of it, which is an end as well.
                return match status.code() {
                    Some(0) | None => Ok(()),
                    Some(code) => bail!("{} ended with {code}\n{}", self.name, self.last_words()),
                };
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.kill();
        bail!(
            "{} did not end within {END_MAX:?} and was killed",
            self.name
        )
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

/// Children die with the *thread* that made them, so one thread makes them all and stays.
fn spawn(command: Command) -> std::io::Result<Child> {
    static NURSERY: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            orders
                .into_iter()
                .for_each(|(mut command, answer)| drop(answer.send(command.spawn())));
        });
        Mutex::new(sender)
    });
    let gone = || std::io::Error::other("the thread that starts processes is gone");
    let (answer, child) = mpsc::channel();
    let sender = nursery.lock().map_err(|_| gone())?;
    sender.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}
