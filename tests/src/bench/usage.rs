//! What processes cost, from /proc.

use std::fs;

use anyhow::{Context, Result};

/// Processor time and memory of one process at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor seconds used so far.
    pub cpu_s: f64,
    /// Resident memory, MB (10^6 bytes).
    pub resident_mb: f64,
}

impl Usage {
    /// Reads it.
    ///
    /// # Errors
    /// The process is gone.
    pub fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields = after_name(&stat);
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
        let (user, system) = ticks(11)
            .zip(ticks(12))
            .context("/proc/PID/stat is too short")?;
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        Ok(Self {
            cpu_s: (user + system) / per_second,
            resident_mb: resident_mb(pid)?,
        })
    }

    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu_s: self.cpu_s + other.cpu_s,
            resident_mb: self.resident_mb + other.resident_mb,
        }
    }
}

/// The process's children.
///
/// # Errors
/// /proc cannot be read.
pub fn children(pid: u32) -> Result<Vec<u32>> {
    let numbers = fs::read_dir("/proc")?.flatten();
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = pid.to_string();
    Ok(pids
        .filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            after_name(&stat).get(1).is_some_and(|ppid| *ppid == parent)
        })
        .collect())
}

/// Processor seconds of all our children that have ended.
///
/// # Errors
/// /proc cannot be read.
pub fn children_cpu_s() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = after_name(&stat);
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = ticks(13)
        .zip(ticks(14))
        .context("/proc/self/stat is too short")?;
    Ok((user + system) / rustix::param::clock_ticks_per_second() as f64)
}

/// The fields after the name, which may hold blanks and brackets itself; the state comes first.
fn after_name(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')')
        .map_or(vec![], |(_, rest)| rest.split_whitespace().collect())
}

/// The process's share of resident memory, MB: what it has in common with others is divided among
/// them (PSS).
///
/// # Errors
/// The process is gone, or another user's.
pub fn share_mb(pid: u32) -> Result<f64> {
    megabytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn resident_mb(pid: u32) -> Result<f64> {
    megabytes(&format!("/proc/{pid}/status"), "VmRSS:")
}

fn megabytes(file: &str, name: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|text| text.split_whitespace().next());
    let kib = kib.with_context(|| format!("no {name} in {file}"))?;
    Ok(kib.parse::<f64>()? * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_usage_can_be_read() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_mb > 1.0 && usage.cpu_s >= 0.0, "{usage:?}");
        assert!(share_mb(std::process::id()).unwrap() > 0.1);
    }

    #[test]
    fn what_a_child_has_cost_is_counted_when_it_ends() {
        let before = children_cpu_s().unwrap();
        let mut child = std::process::Command::new("sh");
        child.args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]);
        child.status().unwrap();
        assert!(children_cpu_s().unwrap() > before);
    }

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        assert_eq!(after_name("7 (a) b (c)) S 3 4")[..2], ["S", "3"]);
    }
}
