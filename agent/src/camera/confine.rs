//! What a camera worker gives up before it hears from its camera: files, system calls, memory, and
//! every connection that the agent does not make for it; the worker of a camera on USB keeps that
//! device's file and has no network at all. Worker process only.
//!
//! Landlock (Linux 5.13) leaves it what GStreamer must read and nothing that can be written;
//! seccomp leaves it the calls of `calls`, and hands `connect` and `bind` to the agent
//! ([`super::broker`], Linux 5.9). A kernel that lacks one of them is told of in the log, and the
//! worker goes on.

mod calls;

use super::pair::{Note, Plugged};
use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::path::{Path, PathBuf};

/// Newest Landlock that is asked for; older kernels enforce what they know.
const LANDLOCK: ABI = ABI::V6;
/// GStreamer with its plugins and decoders, the resolver, and what they ask about the processor.
const READABLE: [&str; 14] = [
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system",
    "/dev/null",
    "/dev/urandom",
];
const GRAPHICS: [&str; 3] = ["/sys/dev/char", "/sys/devices", "/sys/bus/pci/drivers"];
const FILES_MAX: u64 = 128;
const MIB: u64 = 1024 * 1024;

/// How much is left to a worker.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Most memory it may write to, MiB.
    pub mib_max: u64,
    /// GStreamer's list of plugins.
    pub registry: Option<PathBuf>,
    /// How it comes to its camera.
    pub reach: Reach,
}

/// How a worker comes to its camera.
#[derive(Debug, Clone)]
pub enum Reach {
    /// By the network alone.
    Network {
        /// Whether the agent answers for its connections.
        brokered: bool,
    },
    /// By these device files, and by no network.
    Device(Plugged),
}

/// Gives up everything that is not needed, before the first thread starts. Returns what to tell
/// the agent: what this kernel lacks, and where the agent finds the worker's calls.
pub fn confine(bounds: &Bounds) -> Note {
    let mut lacking = Vec::new();
    if let Err(error) = limit_resources(bounds.mib_max) {
        lacking.push(format!("memory limit: {error}"));
    }
    match limit_files(bounds.registry.as_deref(), &bounds.reach) {
        Ok(RulesetStatus::NotEnforced) => lacking.push("Landlock".to_owned()),
        Ok(_) => {}
        Err(error) => lacking.push(format!("Landlock: {error}")),
    }
    let calls = match calls::limit(&bounds.reach) {
        Ok(calls) => calls,
        Err(error) => {
            lacking.push(format!("seccomp: {error}"));
            None
        }
    };
    Note::Confined { lacking, calls }
}

fn limit_resources(mib_max: u64) -> std::io::Result<()> {
    let most = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::Nofile, most(FILES_MAX))?;
    setrlimit(Resource::Data, most(mib_max * MIB))?;
    Ok(())
}

fn limit_files(registry: Option<&Path>, reach: &Reach) -> Result<RulesetStatus, RulesetError> {
    let readable = READABLE.iter().map(Path::new).chain(registry);
    let devices = match reach {
        Reach::Network { .. } => Vec::new(),
        Reach::Device(plugged) => [&[plugged.node.clone()][..], &plugged.encoders].concat(),
    };
    // A graphics processor's driver asks what it is.
    let graphics = devices.iter().any(|file| file.starts_with("/dev/dri"));
    let described = if graphics { &GRAPHICS[..] } else { &[] };
    let readable = readable.chain(described.iter().map(Path::new));
    let used = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(LANDLOCK)))?
        .add_rules(path_beneath_rules(devices, used))?
        .restrict_self()?;
    Ok(status.ruleset)
}

#[cfg(test)]
mod tests;
