//! Numbers of the machine, from `/proc`.

use std::fs::read_to_string;
use xunke_protocol::health::SystemSignals;

/// Reads the machine's numbers; a number the kernel does not give is 0.
pub(super) fn system() -> SystemSignals {
    let read = |file: &str| read_to_string(file).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    SystemSignals {
        uptime_s: first_number(&read("/proc/uptime")) as u64,
        load_ratio: (first_number(&read("/proc/loadavg")) / processors as f64) as f32,
        memory_available_bytes: kib(&read("/proc/meminfo"), "MemAvailable:") * 1024,
        agent_resident_bytes: kib(&read("/proc/self/status"), "VmRSS:") * 1024,
    }
}

/// How busy the processors are, from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Processors {
    /// Ticks since the start that were not idle, and all.
    before: Option<(u64, u64)>,
}

impl Processors {
    /// The share that was not idle since the look before, 0 to 1; `None` at the first look.
    pub fn busy(&mut self) -> Option<f32> {
        self.take(&read_to_string("/proc/stat").unwrap_or_default())
    }

    fn take(&mut self, text: &str) -> Option<f32> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks = line.split_whitespace().map_while(|word| word.parse().ok());
        // Time of guests stands a second time behind the eighth.
        let ticks: Vec<u64> = ticks.take(8).collect();
        let all: u64 = ticks.iter().sum();
        let idle = ticks.get(3)? + ticks.get(4)?;
        let now = (all - idle, all);
        let before = self.before.replace(now)?;
        // Counters of a processor that was taken out go back.
        let (busy, all) = (now.0.checked_sub(before.0)?, now.1.checked_sub(before.1)?);
        (all > 0).then(|| (busy as f32 / all as f32).clamp(0.0, 1.0))
    }
}

fn first_number(text: &str) -> f64 {
    let word = text.split_whitespace().next();
    word.and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

fn kib(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.map_or(0, |rest| first_number(rest) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_texts_are_read_in_their_units() {
        assert_eq!(first_number("0.52 0.58 0.59 1/467 12345\n"), 0.52);
        assert_eq!(
            kib(
                "MemTotal: 9 kB\nMemAvailable:    2048 kB\n",
                "MemAvailable:"
            ),
            2048
        );
        assert_eq!(kib("", "VmRSS:"), 0);
    }

    #[test]
    fn processors_are_busy_between_two_looks() {
        let mut processors = Processors::default();
        let mut take = |text: &str| processors.take(text);
        assert_eq!(take("cpu  100 0 100 700 100 0 0 0 50 0\n"), None);
        assert_eq!(take("cpu  150 0 125 1000 125 0 0 0 90 0\n"), Some(0.1875));
        assert_eq!(take("cpu  1 0 1 1 1 0 0 0 0 0\n"), None);
        assert_eq!(
            take("cpu  1 0 1 1 1 0 0 0 0 0\n"),
            None,
            "no time has passed"
        );
        assert_eq!(take("nonsense"), None);
        assert_eq!(take("cpu  1 0\n"), None);
    }

    #[test]
    fn this_machine_has_numbers() {
        let system = system();
        assert!(system.uptime_s > 0 && system.memory_available_bytes > 1 << 20);
        assert!(
            (1 << 20..1 << 33).contains(&system.agent_resident_bytes),
            "{system:?}"
        );
    }
}
