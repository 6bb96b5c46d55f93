//! History: a box's numbers over time, rolled up so that what is kept stays bounded (R64).
//!
//! report → five minutes → an hour
//!
//! Of each number its mean and its worst are kept: every one is worse the greater it is.

use xunke_protocol::health::{CameraState, HealthDocument, PathEnd};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Length of a fine step.
pub const FINE_MS: i64 = 5 * MINUTE_MS;
/// Length of a coarse step.
pub const COARSE_MS: i64 = 60 * MINUTE_MS;
/// Both lengths with how long steps of them are kept.
pub const KEPT: [(i64, i64); 2] = [(FINE_MS, 2 * DAY_MS), (COARSE_MS, 31 * DAY_MS)];

/// What is kept of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Share of the processors' time that was not idle; kept in thousandths.
    Cpu,
    /// The hottest sensor; kept in thousandths of a degree Celsius.
    Temperature,
    /// Share of the disk that is taken; kept in thousandths.
    Disk,
    /// Time to the hub and back; kept in microseconds.
    RoundTrip,
    /// Share of attempts at the hub that were not answered; kept in thousandths.
    Loss,
    /// Sealed bytes that wait for a receipt.
    Backlog,
    /// Share of the cameras that send no pictures; kept in thousandths.
    Cameras,
}

impl Metric {
    /// All, in the order in which a roll-up holds them.
    pub const ALL: [Self; 7] = [
        Self::Cpu,
        Self::Temperature,
        Self::Disk,
        Self::RoundTrip,
        Self::Loss,
        Self::Backlog,
        Self::Cameras,
    ];

    /// Its stable name, in the store and in the interface, with its unit.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu_ratio",
            Self::Temperature => "temperature_c",
            Self::Disk => "disk_used_ratio",
            Self::RoundTrip => "rtt_ms",
            Self::Loss => "loss_ratio",
            Self::Backlog => "waiting_bytes",
            Self::Cameras => "cameras_away_ratio",
        }
    }

    /// What is kept as whole numbers, in the unit of the name.
    #[must_use]
    pub fn shown(self, kept: i64) -> f64 {
        match self {
            Self::Backlog => kept as f64,
            _ => kept as f64 / 1000.0,
        }
    }

    /// The number of a report; `None` where the box does not measure it.
    fn of(self, report: &HealthDocument) -> Option<i64> {
        let machine = report.machine.as_ref();
        let to_hub = || report.network.iter().find(|path| path.to == PathEnd::Hub);
        match self {
            Self::Cpu => machine?.cpu_ratio.map(thousandths),
            Self::Temperature => machine?.temperature_c.map(thousandths),
            Self::Disk => {
                let disk = report.disk.as_ref()?;
                let used = disk.size_bytes.checked_sub(disk.free_bytes)?;
                share(used, disk.size_bytes)
            }
            Self::RoundTrip => to_hub()?.rtt_ms.map(thousandths),
            Self::Loss => to_hub()?.loss_ratio.map(thousandths),
            Self::Backlog => Some(whole(report.spool.waiting_bytes)),
            Self::Cameras => {
                let streams = |state| state == CameraState::Streaming;
                let away = report.cameras.iter().filter(|one| !streams(one.state));
                share(away.count() as u64, report.cameras.len() as u64)
            }
        }
    }
}

/// Greatest number that is kept: sums of a month stay far from the end of `i64`.
const NUMBER_MAX: i64 = 1_000_000_000_000_000;

/// A cast saturates, and what is no number is 0.
fn thousandths(value: f32) -> i64 {
    let kept = (f64::from(value) * 1000.0).round() as i64;
    kept.clamp(-NUMBER_MAX, NUMBER_MAX)
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).map_or(NUMBER_MAX, |value| value.min(NUMBER_MAX))
}

fn share(part: u64, all: u64) -> Option<i64> {
    let kept = (u128::from(part) * 1000).checked_div(u128::from(all))?;
    i64::try_from(kept).ok()
}

/// One number over a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Amount {
    count: i64,
    sum: i64,
    worst: i64,
}

impl Amount {
    fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            sum: self.sum.saturating_add(other.sum),
            worst: self.worst.max(other.worst),
        }
    }
}

/// A box's numbers over a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rollup {
    amounts: [Option<Amount>; Metric::ALL.len()],
}

impl Rollup {
    /// Adds a report.
    pub fn add(&mut self, report: &HealthDocument) {
        let mut one = Self::default();
        for metric in Metric::ALL {
            let amount = metric.of(report).map(|value| Amount {
                count: 1,
                sum: value,
                worst: value,
            });
            one.amounts[metric as usize] = amount;
        }
        self.merge(&one);
    }

    /// Adds what was rolled up elsewhere: before a restart, or over a shorter step.
    pub fn merge(&mut self, other: &Self) {
        for (mine, other) in self.amounts.iter_mut().zip(other.amounts) {
            *mine = match (*mine, other) {
                (Some(mine), Some(other)) => Some(mine.and(other)),
                (mine, other) => mine.or(other),
            };
        }
    }

    /// Mean and worst of a number, in the unit of its name; `None` where there was none.
    #[must_use]
    pub fn shown(&self, metric: Metric) -> Option<(f64, f64)> {
        let amount = self.amounts[metric as usize]?;
        let mean = amount.sum.checked_div(amount.count)?;
        Some((metric.shown(mean), metric.shown(amount.worst)))
    }

    /// As the store keeps it: `cpu_ratio 5 900 210;…`, count, sum and worst of each number.
    #[must_use]
    pub fn text(&self) -> String {
        let part = |metric: Metric| {
            let amount = self.amounts[metric as usize]?;
            let (name, count) = (metric.name(), amount.count);
            Some(format!("{name} {count} {} {}", amount.sum, amount.worst))
        };
        let parts: Vec<String> = Metric::ALL.into_iter().filter_map(part).collect();
        parts.join(";")
    }

    /// Reads what [`Rollup::text`] wrote; what it cannot read, such as a number of a newer version,
    /// is left out.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut rollup = Self::default();
        for part in text.split(';') {
            let mut words = part.split(' ');
            let name = words.next().unwrap_or_default();
            let metric = Metric::ALL.into_iter().find(|one| one.name() == name);
            let numbers: Vec<i64> = words.filter_map(|word| word.parse().ok()).collect();
            if let (Some(metric), [count, sum, worst]) = (metric, &numbers[..]) {
                rollup.amounts[metric as usize] = Some(Amount {
                    count: *count,
                    sum: *sum,
                    worst: *worst,
                });
            }
        }
        rollup
    }
}

/// The beginning of the step that a moment lies in.
#[must_use]
pub fn begin_ms(step_ms: i64, at_ms: i64) -> i64 {
    at_ms.div_euclid(step_ms) * step_ms
}

/// How much of the past is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// 24 hours in steps of five minutes.
    Day,
    /// 7 days in steps of an hour.
    Week,
    /// 30 days in steps of an hour.
    Month,
}

impl Span {
    /// `day`, `week` or `month`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// Length of its steps.
    #[must_use]
    pub const fn step_ms(self) -> i64 {
        match self {
            Self::Day => FINE_MS,
            Self::Week | Self::Month => COARSE_MS,
        }
    }

    /// The beginnings of its steps, the last being the one that runs now; 720 at most.
    #[must_use]
    pub fn steps(self, now_ms: i64) -> Vec<i64> {
        let count = match self {
            Self::Day => DAY_MS / FINE_MS,
            Self::Week => 7 * DAY_MS / COARSE_MS,
            Self::Month => 30 * DAY_MS / COARSE_MS,
        };
        let last_ms = begin_ms(self.step_ms(), now_ms);
        let begin = |back: i64| last_ms - back * self.step_ms();
        (0..count).rev().map(begin).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(cpu: f64, streaming: usize, cameras: usize) -> HealthDocument {
        let camera = |number: usize| {
            let state = ["unreachable", "streaming"][usize::from(number < streaming)];
            format!(
                "{{ source = 'cam{number}', state = '{state}', since = 1, restarts = 0, \
                 bytes_per_second = 0, frames_per_second = 25.0, audio = true }}"
            )
        };
        let cameras: Vec<_> = (0..cameras).map(camera).collect();
        let cameras = cameras.join(", ");
        let text = format!(
            r#"cameras = [{cameras}]
            recording = {{ state = "idle", since = 0 }}
            network = [
                {{ to = "gateway", method = "icmp", rtt_ms = 1.0, attempts = 9 }},
                {{ to = "hub", method = "tcp", rtt_ms = 2.5, loss_ratio = 0.25, attempts = 9 }},
            ]
            machine = {{ cpu_ratio = {cpu:?}, temperature_c = -3.25 }}
            disk = {{ free_bytes = 25, size_bytes = 100, read_only = false }}
            [spool]
            waiting_bytes = 7
            waiting_segments = 0
            free_bytes = 9
            limit_bytes = 9
            evicted_unsent = 0
            [system]
            uptime_s = 1
            load_ratio = 0.1
            memory_available_bytes = 1
            agent_resident_bytes = 1"#
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_step_has_the_mean_and_the_worst_of_each_number() {
        let mut rollup = Rollup::default();
        rollup.add(&report(0.2, 2, 2));
        rollup.add(&report(0.6, 1, 2));
        assert_eq!(rollup.shown(Metric::Cpu), Some((0.4, 0.6)));
        assert_eq!(rollup.shown(Metric::Temperature), Some((-3.25, -3.25)));
        assert_eq!(rollup.shown(Metric::Disk), Some((0.75, 0.75)));
        assert_eq!(rollup.shown(Metric::RoundTrip), Some((2.5, 2.5)));
        assert_eq!(rollup.shown(Metric::Loss), Some((0.25, 0.25)));
        assert_eq!(rollup.shown(Metric::Backlog), Some((7.0, 7.0)));
        assert_eq!(rollup.shown(Metric::Cameras), Some((0.25, 0.5)));
    }

    #[test]
    fn what_is_not_measured_is_not_zero() {
        let mut rollup = Rollup::default();
        let mut bare = report(0.2, 0, 0);
        (bare.machine, bare.disk) = (None, None);
        bare.network.clear();
        rollup.add(&bare);
        let known = |metric: &Metric| rollup.shown(*metric).is_some();
        let known: Vec<_> = Metric::ALL.into_iter().filter(known).collect();
        assert_eq!(known, [Metric::Backlog]);
        // A disk that is fuller than full says nothing.
        let mut absurd = report(f64::from(f32::MAX), 0, 0);
        absurd.disk.as_mut().unwrap().free_bytes = 101;
        rollup.add(&absurd);
        assert_eq!(rollup.shown(Metric::Disk), None);
        assert!(
            rollup.shown(Metric::Cpu).unwrap().1 > 1e9,
            "bounded, not wrapped"
        );
    }

    /// Whatever is merged in whatever parts: a restart in the middle of a step changes nothing.
    #[test]
    fn parts_merge_to_the_whole_and_survive_the_store() {
        let reports: Vec<_> = (0..12)
            .map(|at| report(f64::from(at) / 16.0, 1, 1))
            .collect();
        let mut whole = Rollup::default();
        reports.iter().for_each(|one| whole.add(one));
        for cut in 0..reports.len() {
            let (mut first, mut second) = (Rollup::default(), Rollup::default());
            reports[..cut].iter().for_each(|one| first.add(one));
            reports[cut..].iter().for_each(|one| second.add(one));
            let mut merged = Rollup::read(&first.text());
            merged.merge(&Rollup::read(&second.text()));
            assert_eq!(merged, whole, "cut at {cut}");
        }
        assert_eq!(Rollup::read(""), Rollup::default());
        let newer = format!("new_number 1 2 3;{};cpu_ratio x", whole.text());
        assert_eq!(Rollup::read(&newer), whole);
        assert_eq!(Rollup::read("cpu_ratio 0 0 0").shown(Metric::Cpu), None);
    }

    #[test]
    fn spans_end_with_the_step_that_runs_and_fit_into_what_is_kept() {
        let now_ms = 1_795_000_000_123;
        for (name, count) in [("day", 288), ("week", 168), ("month", 720)] {
            let span = Span::named(name).unwrap();
            let steps = span.steps(now_ms);
            assert_eq!(steps.len(), count, "{name}");
            assert_eq!(*steps.last().unwrap(), begin_ms(span.step_ms(), now_ms));
            let kept = KEPT.iter().find(|(step_ms, _)| *step_ms == span.step_ms());
            let (_, kept_ms) = kept.unwrap();
            assert!(now_ms - steps[0] < *kept_ms, "{name} is kept");
        }
        assert_eq!(Span::named("year"), None);
        assert_eq!(begin_ms(FINE_MS, -1), -FINE_MS);
    }
}
