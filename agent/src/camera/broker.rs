//! Makes a confined worker's connections: to its own camera, and to nothing else.
//!
//! The kernel stops the worker at `connect` and `bind` and tells the agent, which reads the
//! address, makes the call itself on its own copy of it, and hands back the result. What the
//! worker writes over the address meanwhile changes nothing.

use crate::config::Network;
use libseccomp::{ScmpNotifReq, ScmpNotifResp, ScmpNotifRespFlags, ScmpSyscall, notify_id_valid};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{bind, connect, getsockname};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::thread;

/// Length of the longest internet address, `sockaddr_in6`.
const ADDRESS_BYTES_MAX: usize = 28;
/// A tunnel for each of its camera's two pictures.
const OWN_MAX: usize = 2;
const FAMILY_INET: u16 = 2;
const FAMILY_INET6: u16 = 10;

/// Where a worker may connect to.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// Its camera's.
    pub addresses: Vec<IpAddr>,
    /// Where its camera may point.
    pub networks: Vec<Network>,
}

impl Allowed {
    fn contains(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
            || self
                .networks
                .iter()
                .any(|network| network.contains(address))
    }
}

/// Answers for one worker until it ends.
pub struct Broker {
    /// Named in the log.
    source: String,
    worker: OwnedFd,
    calls: OwnedFd,
    allowed: Allowed,
    /// Where the worker listens to itself, for a camera behind TLS.
    own: Vec<SocketAddr>,
}

impl Broker {
    /// For the worker with that process number, which told us its descriptor `calls`.
    ///
    /// # Errors
    /// The kernel does not let the agent look into its own worker.
    pub fn new(source: String, pid: u32, calls: i32, allowed: Allowed) -> Result<Self, Errno> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let worker = pidfd_open(pid.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
        let calls = pidfd_getfd(&worker, calls, PidfdGetfdFlags::empty())?;
        Ok(Self {
            source,
            worker,
            calls,
            allowed,
            own: Vec::new(),
        })
    }

    /// Answers on a thread of its own, which ends with the worker.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(mut self) -> std::io::Result<()> {
        let name = format!("broker-{}", self.source);
        thread::Builder::new().name(name).spawn(move || {
            while self.wait() {
                // A worker that was killed meanwhile waits for no answer.
                if let Ok(call) = ScmpNotifReq::receive(self.calls.as_raw_fd()) {
                    let _ = self.answer(&call).respond(self.calls.as_raw_fd());
                }
            }
        })?;
        Ok(())
    }

    /// Whether there is a call; when not, the worker is gone.
    fn wait(&self) -> bool {
        let mut call = [PollFd::new(&self.calls, PollFlags::IN)];
        loop {
            match poll(&mut call, None) {
                Ok(_) => return call[0].revents().contains(PollFlags::IN),
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    fn answer(&mut self, call: &ScmpNotifReq) -> ScmpNotifResp {
        let none = ScmpNotifRespFlags::empty();
        match self.make(call) {
            Ok(()) => ScmpNotifResp::new_val(call.id, 0, none),
            Err(errno) => ScmpNotifResp::new_error(call.id, -errno.raw_os_error(), none),
        }
    }

    fn make(&mut self, call: &ScmpNotifReq) -> Result<(), Errno> {
        let [socket, at, length, ..] = call.data.args;
        let target = self.address(call, at, length)?;
        let socket = i32::try_from(socket).map_err(|_| Errno::BADF)?;
        let socket = pidfd_getfd(&self.worker, socket, PidfdGetfdFlags::empty())?;
        if ScmpSyscall::from_name("bind").is_ok_and(|bind| bind == call.data.syscall) {
            return self.bind(&socket, target);
        }
        if self.allowed.contains(target.ip()) || self.own.contains(&target) {
            return connect(&socket, &target);
        }
        let source = &self.source;
        let what = "a camera worker was kept from speaking with what is not its camera";
        tracing::warn!(%source, %target, "{what}");
        Err(Errno::ACCESS)
    }

    /// On any port of the loopback interface that is free, for itself.
    fn bind(&mut self, socket: &OwnedFd, target: SocketAddr) -> Result<(), Errno> {
        if !target.ip().is_loopback() || target.port() != 0 || self.own.len() >= OWN_MAX {
            return Err(Errno::ACCESS);
        }
        bind(socket, &target)?;
        self.own.push(getsockname(socket)?.try_into()?);
        Ok(())
    }

    fn address(&self, call: &ScmpNotifReq, at: u64, length: u64) -> Result<SocketAddr, Errno> {
        let length = usize::try_from(length).map_err(|_| Errno::INVAL)?;
        let mut bytes = [0; ADDRESS_BYTES_MAX];
        let bytes = bytes.get_mut(..length).ok_or(Errno::INVAL)?;
        let memory = File::open(format!("/proc/{}/mem", call.pid)).map_err(|_| Errno::ACCESS)?;
        // Only now is it certain that this number still means the worker.
        notify_id_valid(self.calls.as_raw_fd(), call.id).map_err(|_| Errno::NOENT)?;
        memory.read_exact_at(bytes, at).map_err(|_| Errno::FAULT)?;
        parse(bytes).ok_or(Errno::AFNOSUPPORT)
    }
}

/// Reads a `sockaddr_in` or `sockaddr_in6`.
fn parse(bytes: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = bytes.split_first_chunk::<2>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let ip: IpAddr = match u16::from_ne_bytes(*family) {
        FAMILY_INET => Ipv4Addr::from(*rest.first_chunk::<4>()?).into(),
        FAMILY_INET6 => Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(*port)))
}

#[cfg(test)]
mod tests;
