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
    fn this_machine_has_numbers() {
        let system = system();
        assert!(system.uptime_s > 0 && system.memory_available_bytes > 1 << 20);
        assert!(
            (1 << 20..1 << 33).contains(&system.agent_resident_bytes),
            "{system:?}"
        );
    }
}
