//! The line between box and hub: a network of its own for the box, joined to ours by two TUN
//! devices and whoever carries packets from one to the other.
//!
//! Nothing stays behind: a network namespace ends with the last process in it, a TUN device with
//! whoever holds it open.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use tokio_tun::Tun;

use super::wire::{Quality, Wire};
use crate::campus::{FAR, Process, system};

const UP_MAX: Duration = Duration::from_secs(10);
/// Larger than any packet of these devices.
const PACKET_BYTES_MAX: usize = 2048;
/// Packets on their way; more than the line's queue holds.
const PACKETS_MAX: usize = 16_384;
/// The line. Dropping it takes it down, and the box's network with it.
pub struct Line {
    far: Process,
    cut: Arc<AtomicBool>,
    /// Bytes that have arrived at the hub's end.
    carried: Arc<AtomicU64>,
    _carriers: JoinSet<()>,
}

/// How connections of this machine behave when packets are lost.
///
/// # Errors
/// The kernel does not say.
pub fn congestion() -> Result<String> {
    let file = "/proc/sys/net/ipv4/tcp_congestion_control";
    let name = fs::read_to_string(file).with_context(|| file.to_owned())?;
    Ok(name.trim().to_owned())
}

/// What this machine lacks for networks of its own, if anything.
#[must_use]
pub fn impossible() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may make networks".into());
    }
    if let Err(error) = File::options().read(true).write(true).open("/dev/net/tun") {
        return Some(format!("/dev/net/tun: {error}"));
    }
    let lacks = |program: &&&str| Command::new(program).arg("-V").output().is_err();
    if let Some(lacking) = ["ip", "unshare", "nsenter", "setpriv"].iter().find(lacks) {
        return Some(format!("{lacking} is not installed"));
    }
    let tried = system("unshare", &["--net", "--", "ip", "link", "set", "lo", "up"]);
    tried.err().map(|error| format!("{error:#}"))
}

impl Line {
    /// Lays it. This process must be in a network namespace of its own.
    ///
    /// # Errors
    /// The machine does not let us.
    pub fn lay(quality: Quality, seed: u64, congestion: &str, folder: &Path) -> Result<Self> {
        system("ip", &["link", "set", "lo", "up"])?;
        let far = ["--net", "--", "sleep", "infinity"];
        let far = Process::start("far", Path::new("unshare"), far, folder)?;
        await_namespace(far.pid())?;
        let near_end = Arc::new(device("near0")?);
        let far_end = Arc::new(far_device(far.pid(), "far0")?);
        let mut line = Self {
            far,
            cut: Arc::default(),
            carried: Arc::default(),
            _carriers: JoinSet::new(),
        };
        system("sh", &["-c", &near_script(congestion)])?;
        let script = far_script(congestion);
        let (program, arguments) = line.within(Path::new("sh"), ["-c", &script]);
        let arguments: Vec<_> = arguments.iter().filter_map(|one| one.to_str()).collect();
        system(&program.to_string_lossy(), &arguments)?;
        let unheard = Arc::<AtomicU64>::default();
        for (from, to, seed, count) in [
            (&far_end, &near_end, seed, line.carried.clone()),
            (&near_end, &far_end, seed + 1, unheard),
        ] {
            let wire = Wire::new(quality, seed);
            let carrier = carry(from.clone(), to.clone(), wire, line.cut.clone(), count);
            line._carriers.spawn(carrier);
        }
        Ok(line)
    }

    /// From now on the line carries nothing, or everything again.
    pub fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    /// Bytes that have arrived at the hub's end so far.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    /// Starts a program in the box's network, as [`Process::start`] does.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start<S: AsRef<OsStr>>(
        &self,
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        folder: &Path,
    ) -> Result<Process> {
        let (program, arguments) = self.within(program, arguments);
        Process::start(name, Path::new(&program), arguments, folder)
    }

    fn within<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> (OsString, Vec<OsString>) {
        let network = format!("--net=/proc/{}/ns/net", self.far.pid());
        let mut all: Vec<OsString> = vec![network.into(), "--".into(), program.into()];
        all.extend(arguments.into_iter().map(|one| one.as_ref().to_owned()));
        ("nsenter".into(), all)
    }
}

/// Waits until the process has a network of its own.
fn await_namespace(pid: u32) -> Result<()> {
    let own = fs::read_link("/proc/self/ns/net")?;
    let until = Instant::now() + UP_MAX;
    while fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|other| other == own) {
        ensure!(Instant::now() < until, "the box gets no network of its own");
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn device(name: &str) -> Result<Tun> {
    let made = Tun::builder().name(name).up().build();
    let made = made.with_context(|| format!("{name} cannot be made"))?;
    made.into_iter().next().context("no device was made")
}

/// Opens a device in the network of another process, on a thread that goes there for it.
fn far_device(pid: u32, name: &str) -> Result<Tun> {
    let network = File::open(format!("/proc/{pid}/ns/net"))?;
    let runtime = Handle::current();
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            let _runtime = runtime.enter();
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
            device(name)
        });
        let made = there.join();
        made.map_err(|_| anyhow::anyhow!("the thread panicked"))?
    })
}

/// Loopback addresses may come and go by the line: the hub of a demonstration has no others.
fn near_script(congestion: &str) -> String {
    format!(
        "ip address add 10.77.0.1 peer 10.77.0.2 dev near0 &&
         echo 1 > /proc/sys/net/ipv4/conf/near0/route_localnet &&
         echo {congestion} > /proc/sys/net/ipv4/tcp_congestion_control"
    )
}

fn far_script(congestion: &str) -> String {
    format!(
        "ip link set lo up &&
         ip address add 10.77.0.2 peer 10.77.0.1 dev far0 &&
         echo 1 > /proc/sys/net/ipv4/conf/far0/route_localnet &&
         ip route add {FAR} dev far0 src 10.77.0.2 table local &&
         echo {congestion} > /proc/sys/net/ipv4/tcp_congestion_control"
    )
}

/// Carries packets one way until it is dropped.
async fn carry(
    from: Arc<Tun>,
    to: Arc<Tun>,
    mut wire: Wire,
    cut: Arc<AtomicBool>,
    carried: Arc<AtomicU64>,
) {
    let (queue, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(PACKETS_MAX);
    let take = async {
        let mut packet = vec![0; PACKET_BYTES_MAX];
        while let Ok(bytes) = from.recv(&mut packet).await {
            if cut.load(Ordering::Relaxed) {
                continue;
            }
            if let Some(at) = wire.carry(bytes, Instant::now()) {
                // What finds no room is lost, as on any line.
                let _ = queue.try_send((at, packet[..bytes].to_vec()));
            }
        }
    };
    let give = async {
        while let Some((at, packet)) = due.recv().await {
            sleep_until(at.into()).await;
            if to.send_all(&packet).await.is_ok() {
                carried.fetch_add(packet.len() as u64, Ordering::Relaxed);
            }
        }
    };
    tokio::join!(take, give);
}
