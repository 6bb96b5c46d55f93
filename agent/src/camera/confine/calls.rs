//! The system calls a camera worker keeps. Everything else answers EPERM.

use super::Reach;
use crate::camera::pair::Plugged;
use libseccomp::error::SeccompError;
use libseccomp::{
    ScmpAction, ScmpArgCompare as Argument, ScmpCompareOp as Compare, ScmpFilterContext as Filter,
    ScmpSyscall,
};
use rustix::io::Errno;
use rustix::process::getpid;
use std::path::PathBuf;

const MEMORY: &str = "brk madvise membarrier memfd_create mlock mmap mprotect mremap \
    munlock munmap";
const THREADS: &str = "exit exit_group futex futex_waitv get_robust_list getcpu gettid \
    restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait \
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam \
    sched_getscheduler sched_yield set_robust_list sigaltstack";
const TIME: &str = "clock_getres clock_gettime clock_nanosleep gettimeofday nanosleep time \
    timerfd_create timerfd_gettime timerfd_settime times";
const ITSELF: &str = "capget getcwd getegid geteuid getgid getpid getppid getpriority getrandom \
    getresgid getresuid getrlimit getrusage getuid sysinfo uname";
const WAITING: &str = "epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd2 poll \
    ppoll pselect6 select";
/// Which files, Landlock says.
const FILES: &str = "access close close_range dup dup2 dup3 faccessat faccessat2 fcntl fstat \
    fstatfs ftruncate getdents64 lseek lstat newfstatat open openat openat2 pipe pipe2 pread64 \
    read readlink readlinkat readv stat statfs statx write writev";
/// Sockets that exist already, and pairs that lead nowhere else.
const SOCKETS: &str = "accept4 getpeername getsockname getsockopt listen recvfrom recvmsg \
    setsockopt shutdown socketpair";
const CLONE_THREAD: u64 = 0x1_0000;
const MSG_FASTOPEN: u64 = 0x2000_0000;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const SOCK_STREAM: u64 = 1;
const SOCK_TYPES: u64 = 0xf;
const IPPROTO_TCP: u64 = 6;
const PR_SET_NAME: u64 = 15;
/// FIONBIO, FIONREAD, and TCGETS, by which a program asks whether its log is a terminal.
const IOCTLS: [u64; 3] = [0x5421, 0x541b, 0x5401];
const IOCTL_NUMBER: u64 = 0xffff_ffff;
/// The letter of a driver within it: V for video devices, d for graphics processors.
const IOCTL_LETTER: u64 = 0xff00;
const VIDEO: u64 = (b'V' as u64) << 8;
const GRAPHICS: u64 = (b'd' as u64) << 8;

/// Loads the filter for this process and all its threads to come. Returns the descriptor on which
/// the agent hears of `connect` and `bind`.
///
/// # Errors
/// The kernel has no seccomp filters.
pub fn limit(reach: &Reach) -> Result<Option<i32>, SeccompError> {
    let mut filter = Filter::new(ScmpAction::Errno(Errno::PERM.raw_os_error()))?;
    for group in [MEMORY, THREADS, TIME, ITSELF, WAITING, FILES, SOCKETS] {
        for name in group.split_whitespace() {
            allow(&mut filter, name, &[])?;
        }
    }
    threads(&mut filter)?;
    sending(&mut filter)?;
    for number in IOCTLS {
        let same = Argument::new(1, Compare::MaskedEqual(IOCTL_NUMBER), number);
        allow(&mut filter, "ioctl", &[same])?;
    }
    match reach {
        Reach::Network { brokered } => {
            sockets(&mut filter)?;
            connections(&mut filter, *brokered)?;
        }
        Reach::Device(plugged) => devices(&mut filter, plugged)?,
    }
    filter.load()?;
    let brokered = matches!(reach, Reach::Network { brokered: true });
    brokered.then(|| filter.get_notify_fd()).transpose()
}

fn connections(filter: &mut Filter, brokered: bool) -> Result<(), SeccompError> {
    let broker = if brokered {
        ScmpAction::Notify
    } else {
        ScmpAction::Allow
    };
    for name in ["connect", "bind"] {
        filter.add_rule(broker, ScmpSyscall::from_name(name)?)?;
    }
    Ok(())
}

/// What drivers are asked by; which devices, Landlock says.
fn devices(filter: &mut Filter, plugged: &Plugged) -> Result<(), SeccompError> {
    let graphics = |file: &PathBuf| file.starts_with("/dev/dri");
    let graphics = plugged.encoders.iter().any(graphics);
    for letter in [Some(VIDEO), graphics.then_some(GRAPHICS)]
        .into_iter()
        .flatten()
    {
        let same = Argument::new(1, Compare::MaskedEqual(IOCTL_LETTER), letter);
        allow(filter, "ioctl", &[same])?;
    }
    Ok(())
}

/// A call that this architecture does not have needs no rule.
fn allow(filter: &mut Filter, name: &str, when: &[Argument]) -> Result<(), SeccompError> {
    match ScmpSyscall::from_name(name) {
        Ok(call) => filter
            .add_rule_conditional(ScmpAction::Allow, call, when)
            .map(drop),
        Err(_) => Ok(()),
    }
}

/// Threads, no processes; signals to itself only, for an abort.
fn threads(filter: &mut Filter) -> Result<(), SeccompError> {
    let thread = Argument::new(0, Compare::MaskedEqual(CLONE_THREAD), CLONE_THREAD);
    allow(filter, "clone", &[thread])?;
    // Its flags stand in memory, where a filter cannot look; without it the C library takes clone.
    let absent = ScmpAction::Errno(Errno::NOSYS.raw_os_error());
    filter.add_rule(absent, ScmpSyscall::from_name("clone3")?)?;
    let own = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    allow(filter, "tgkill", &[Argument::new(0, Compare::Equal, own)])?;
    let name = Argument::new(0, Compare::Equal, PR_SET_NAME);
    allow(filter, "prctl", &[name])?;
    let asks = Argument::new(2, Compare::Equal, 0);
    allow(filter, "prlimit64", &[asks])
}

/// TCP only.
fn sockets(filter: &mut Filter) -> Result<(), SeccompError> {
    for family in [AF_INET, AF_INET6] {
        for protocol in [0, IPPROTO_TCP] {
            let tcp = [
                Argument::new(0, Compare::Equal, family),
                Argument::new(1, Compare::MaskedEqual(SOCK_TYPES), SOCK_STREAM),
                Argument::new(2, Compare::Equal, protocol),
            ];
            allow(filter, "socket", &tcp)?;
        }
    }
    Ok(())
}

/// On sockets that exist, as the pair with the agent, and no data in the packet that opens a
/// connection: it would name its own target.
fn sending(filter: &mut Filter) -> Result<(), SeccompError> {
    for (name, flags) in [("sendto", 3), ("sendmsg", 2)] {
        let opened = Argument::new(flags, Compare::MaskedEqual(MSG_FASTOPEN), 0);
        allow(filter, name, &[opened])?;
    }
    Ok(())
}
