//! A box in a virtual machine: a Debian kernel in QEMU, told what to do through a serial port.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::campus::Process;

/// Longest wait for one command.
const COMMAND_MAX: Duration = Duration::from_secs(60);
const BOOT_MAX: Duration = Duration::from_secs(60);
/// A processor that is emulated takes so many times as long.
const EMULATED: u32 = 12;
const KVM: &str = "/dev/kvm";

/// A machine that runs. Dropping it is a power cut.
pub struct Guest {
    process: Process,
    console: BufReader<UnixStream>,
    log: PathBuf,
    patience: u32,
}

/// Whether virtual machines run at the speed of this one.
fn is_fast() -> bool {
    let open = File::options().read(true).write(true).open(KVM);
    open.is_ok()
}

impl Guest {
    /// Boots `image` (`disk.img`, `vmlinuz`, `initrd.img`, left as they are) with `share` as its
    /// second disk, and waits until it takes commands.
    ///
    /// # Errors
    /// It does not come up; the error carries the end of its console.
    pub fn boot(image: &Path, share: &Path, folder: &Path) -> Result<Self> {
        if is_fast() {
            match Self::boot_at(true, image, share, folder) {
                Ok(guest) => return Ok(guest),
                // Nested machines may have the device and no use of it.
                Err(error) => eprintln!("  {KVM} is of no use here: {}", first_line(&error)),
            }
        }
        Self::boot_at(false, image, share, folder)
    }

    fn boot_at(fast: bool, image: &Path, share: &Path, folder: &Path) -> Result<Self> {
        let (socket, log) = (folder.join("told.sock"), folder.join("console.log"));
        drop(std::fs::remove_file(&socket));
        let arguments = arguments(image, share, &socket, &log, fast);
        let program = Path::new("/usr/bin/qemu-system-x86_64");
        let process = Process::start("qemu", program, arguments, folder)?;
        let patience = if fast { 1 } else { EMULATED };
        let console = connect(&socket).with_context(|| process.last_words())?;
        console.set_read_timeout(Some(BOOT_MAX * patience))?;
        let mut guest = Self {
            process,
            console: BufReader::new(console),
            log,
            patience,
        };
        let said = guest.line()?;
        ensure!(said == "ready", "{said:?}\n{}", guest.last_words());
        let longest = COMMAND_MAX * patience;
        guest.console.get_ref().set_read_timeout(Some(longest))?;
        Ok(guest)
    }

    /// How many times longer everything may take here.
    #[must_use]
    pub fn patience(&self) -> u32 {
        self.patience
    }

    /// Runs one line of shell as root; gives what it says.
    ///
    /// # Errors
    /// It fails or takes too long.
    pub fn tell(&mut self, command: &str) -> Result<String> {
        ensure!(!command.contains('\n'), "one line: {command}");
        writeln!(self.console.get_mut(), "{command}")?;
        let answer = self.line().with_context(|| command.to_owned())?;
        let (code, said) = answer.split_once(' ').context("no answer")?;
        let said = String::from_utf8_lossy(&BASE64.decode(said)?)
            .trim()
            .to_owned();
        if code != "0" {
            bail!("{command}: {code}\n{said}");
        }
        Ok(said)
    }

    /// Its clock, milliseconds since the epoch.
    ///
    /// # Errors
    /// It is gone.
    pub fn now_ms(&mut self) -> Result<i64> {
        Ok(self.tell("date +%s%3N")?.parse()?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.console.read_line(&mut line);
        if !matches!(read, Ok(bytes) if bytes > 0) {
            bail!("the machine says nothing\n{}", self.last_words());
        }
        Ok(line.trim().to_owned())
    }

    fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<_> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(25)..].join("\n");
        format!("{end}\n{}", self.process.last_words())
    }
}

fn first_line(error: &anyhow::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn connect(socket: &Path) -> Result<UnixStream> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => sleep(Duration::from_millis(50)),
        }
    }
}

fn arguments(image: &Path, share: &Path, socket: &Path, log: &Path, fast: bool) -> Vec<String> {
    let (accelerator, processor) = if fast {
        ("kvm", "host,-arch-capabilities")
    } else {
        ("tcg", "max")
    };
    let at = |name: &str| image.join(name).display().to_string();
    let disk = |file: String, how: &str| format!("file={file},format=raw,if=virtio,{how}");
    let words = [
        ("-accel", accelerator.to_owned()),
        ("-cpu", processor.to_owned()),
        ("-smp", "2".to_owned()),
        ("-m", "1024".to_owned()),
        ("-display", "none".to_owned()),
        ("-monitor", "none".to_owned()),
        ("-kernel", at("vmlinuz")),
        ("-initrd", at("initrd.img")),
        (
            "-append",
            "root=/dev/vda rw console=ttyS0 panic=-1".to_owned(),
        ),
        ("-drive", disk(at("disk.img"), "snapshot=on")),
        ("-drive", disk(share.display().to_string(), "readonly=on")),
        ("-netdev", "user,id=net".to_owned()),
        ("-device", "virtio-net-pci,netdev=net".to_owned()),
        ("-device", "virtio-rng-pci".to_owned()),
        ("-serial", format!("file:{}", log.display())),
        (
            "-chardev",
            format!(
                "socket,id=told,path={},server=on,wait=off",
                socket.display()
            ),
        ),
        ("-serial", "chardev:told".to_owned()),
    ];
    let words = words
        .into_iter()
        .flat_map(|(key, value)| [key.to_owned(), value]);
    let more = ["-nodefaults", "-no-reboot"].map(str::to_owned);
    more.into_iter().chain(words).collect()
}
