//! Numbers for Prometheus, in the same words on the box and on the hub (text format 0.0.4).
//!
//! Base units, `_total` for what only grows, and as labels opaque ids and names of sources and
//! equipment alone: no room, no building, no person.

use crate::health::{
    CameraSignals, CameraState, DiskSignals, EquipmentSignals, EquipmentState, HealthDocument,
    MachineSignals, PathEnd, PathSignals, Power, RecordingState,
};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What the text is, for `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a number only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
    Histogram,
}

#[derive(Debug)]
struct Family {
    help: &'static str,
    kind: Kind,
    /// What follows the name, labels as they are written, and the number.
    samples: Vec<(&'static str, String, f64)>,
}

/// Numbers, gathered by their names.
#[derive(Debug, Default)]
pub struct Metrics(BTreeMap<&'static str, Family>);

/// A label and its value.
pub type Label<'a> = (&'static str, &'a str);

impl Metrics {
    /// A number that goes up and down. Of one name, the first help counts.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, of: &[Label<'_>], value: f64) {
        self.add((name, help, Kind::Gauge), ("", of), value);
    }

    /// A number that only grows until the program ends; its name ends in `_total`.
    pub fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        of: &[Label<'_>],
        value: f64,
    ) {
        self.add((name, help, Kind::Counter), ("", of), value);
    }

    /// How long, or how much, each of many took: how many were at most so much, for ascending
    /// limits, how many there were, and their sum.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        at_most: &[(f64, u64)],
        (count, sum): (u64, f64),
    ) {
        let family = (name, help, Kind::Histogram);
        for (limit, within) in at_most {
            let limit = limit.to_string();
            self.add(family, ("_bucket", &[("le", &limit)]), *within as f64);
        }
        self.add(family, ("_bucket", &[("le", "+Inf")]), count as f64);
        self.add(family, ("_sum", &[]), sum);
        self.add(family, ("_count", &[]), count as f64);
    }

    fn add(
        &mut self,
        (name, help, kind): (&'static str, &'static str, Kind),
        (suffix, labels): (&'static str, &[Label<'_>]),
        value: f64,
    ) {
        // What is no number is not told.
        if !value.is_finite() {
            return;
        }
        let written = labels.iter().map(|(label, value)| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            format!("{label}=\"{value}\"")
        });
        let written = written.collect::<Vec<_>>().join(",");
        let family = self.0.entry(name).or_insert_with(|| Family {
            help,
            kind,
            samples: Vec::new(),
        });
        family.samples.push((suffix, written, value));
    }

    /// The whole text, in the order of names.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.0 {
            let kind = match family.kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
                Kind::Histogram => "histogram",
            };
            let written = write!(
                text,
                "# HELP {name} {}\n# TYPE {name} {kind}\n",
                family.help
            );
            written.expect("invariant: a text takes every line");
            for (suffix, labels, value) in &family.samples {
                let braces = if labels.is_empty() {
                    String::new()
                } else {
                    format!("{{{labels}}}")
                };
                let written = writeln!(text, "{name}{suffix}{braces} {value}");
                written.expect("invariant: a text takes every line");
            }
        }
        text
    }

    /// What a report says, with these labels before each number's own.
    pub fn report(&mut self, report: &HealthDocument, of: &[Label<'_>]) {
        self.recorder(report, of);
        for camera in &report.cameras {
            self.camera(camera, of);
        }
        if let Some(machine) = &report.machine {
            self.machine(machine, of);
        }
        if let Some(disk) = &report.disk {
            self.disk(disk, of);
        }
        for path in &report.network {
            self.path(path, of);
        }
        for piece in &report.equipment {
            self.equipment(piece, of);
        }
    }

    fn recorder(&mut self, report: &HealthDocument, of: &[Label<'_>]) {
        let (spool, system) = (&report.spool, &report.system);
        let recording = report.recording.state == RecordingState::Recording;
        for (name, help, value) in [
            (
                "xunke_recording",
                "1 while fragments become durable.",
                f64::from(u8::from(recording)),
            ),
            (
                "xunke_spool_waiting_bytes",
                "Sealed bytes that wait for a receipt.",
                spool.waiting_bytes as f64,
            ),
            (
                "xunke_spool_waiting_segments",
                "Segments that wait for a receipt.",
                spool.waiting_segments as f64,
            ),
            (
                "xunke_spool_limit_bytes",
                "The limit set for the spool.",
                spool.limit_bytes as f64,
            ),
            (
                "xunke_load_ratio",
                "One-minute load for each processor.",
                system.load_ratio.into(),
            ),
            (
                "xunke_memory_available_bytes",
                "Memory that can be had without swapping.",
                system.memory_available_bytes as f64,
            ),
            (
                "xunke_agent_resident_bytes",
                "Resident memory of the agent.",
                system.agent_resident_bytes as f64,
            ),
            (
                "xunke_uptime_seconds",
                "Since the operating system started.",
                system.uptime_s as f64,
            ),
        ] {
            self.gauge(name, help, of, value);
        }
        let help = "Segments given up unsent since the agent started.";
        let evicted = spool.evicted_unsent as f64;
        self.counter("xunke_spool_evicted_unsent_total", help, of, evicted);
        if let Some(skew_ms) = report.clock_skew_ms {
            let help = "The box's clock against the hub's.";
            self.gauge(
                "xunke_clock_skew_seconds",
                help,
                of,
                skew_ms as f64 / 1000.0,
            );
        }
    }

    fn camera(&mut self, camera: &CameraSignals, of: &[Label<'_>]) {
        let of = &[of, &[("source", camera.source.as_str())]].concat();
        let streaming = camera.state == CameraState::Streaming;
        for (name, help, value) in [
            (
                "xunke_camera_streaming",
                "1 while frames arrive.",
                f64::from(u8::from(streaming)),
            ),
            (
                "xunke_camera_received_bytes_per_second",
                "Received over the last ten seconds.",
                camera.bytes_per_second as f64,
            ),
            (
                "xunke_camera_frames_per_second",
                "Frames over the last ten seconds.",
                camera.frames_per_second.into(),
            ),
        ] {
            self.gauge(name, help, of, value);
        }
        let help = "Times its session was opened again since the agent started.";
        self.counter(
            "xunke_camera_restarts_total",
            help,
            of,
            camera.restarts.into(),
        );
    }

    fn machine(&mut self, machine: &MachineSignals, of: &[Label<'_>]) {
        let truth = |value: Option<bool>| value.map(|value| f64::from(u8::from(value)));
        for (name, help, value) in [
            (
                "xunke_cpu_busy_ratio",
                "Share of the processors' time that was not idle.",
                machine.cpu_ratio.map(f64::from),
            ),
            (
                "xunke_temperature_celsius",
                "The hottest sensor that is not a disk's.",
                machine.temperature_c.map(f64::from),
            ),
            (
                "xunke_cpu_throttled",
                "1 while the processor is slowed down.",
                truth(machine.throttled),
            ),
            (
                "xunke_undervoltage",
                "1 while the supply voltage is too low.",
                truth(machine.undervoltage),
            ),
            (
                "xunke_certificate_left_seconds",
                "Whole days until the box's certificate ends, in seconds.",
                machine
                    .certificate_days
                    .map(|days| f64::from(days) * 86_400.0),
            ),
            (
                "xunke_backlog_age_seconds",
                "Age of the oldest footage that the hub does not have yet.",
                machine.backlog_age_s.map(|age_s| age_s as f64),
            ),
        ] {
            if let Some(value) = value {
                self.gauge(name, help, of, value);
            }
        }
    }

    fn disk(&mut self, disk: &DiskSignals, of: &[Label<'_>]) {
        let truth = |value: bool| f64::from(u8::from(value));
        for (name, help, value) in [
            (
                "xunke_disk_free_bytes",
                "Space that the agent may use.",
                Some(disk.free_bytes as f64),
            ),
            (
                "xunke_disk_size_bytes",
                "Size of the file system.",
                Some(disk.size_bytes as f64),
            ),
            (
                "xunke_disk_read_only",
                "1 while it takes no writes.",
                Some(truth(disk.read_only)),
            ),
            (
                "xunke_disk_inodes_free_ratio",
                "Share of its files that can still be made.",
                disk.inodes_free_ratio.map(f64::from),
            ),
            (
                "xunke_disk_temperature_celsius",
                "Of the disk.",
                disk.disk_temperature_c.map(f64::from),
            ),
            (
                "xunke_disk_wear_ratio",
                "Share of its rated life that is used up.",
                disk.wear_ratio.map(f64::from),
            ),
            (
                "xunke_disk_failing",
                "1 when it is called worn out or dead.",
                disk.disk_failing.map(truth),
            ),
        ] {
            if let Some(value) = value {
                self.gauge(name, help, of, value);
            }
        }
    }

    fn path(&mut self, path: &PathSignals, of: &[Label<'_>]) {
        let to = match path.to {
            PathEnd::Hub => "hub",
            PathEnd::Gateway => "gateway",
            PathEnd::Unknown => return,
        };
        let of = &[of, &[("to", to)]].concat();
        let seconds = |ms: Option<f32>| ms.map(|ms| f64::from(ms) / 1000.0);
        for (name, help, value) in [
            (
                "xunke_path_rtt_seconds",
                "Median time there and back over the last minutes.",
                seconds(path.rtt_ms),
            ),
            (
                "xunke_path_jitter_seconds",
                "Mean difference of two answers that follow each other.",
                seconds(path.jitter_ms),
            ),
            (
                "xunke_path_loss_ratio",
                "Share of attempts that were not answered.",
                path.loss_ratio.map(f64::from),
            ),
        ] {
            if let Some(value) = value {
                self.gauge(name, help, of, value);
            }
        }
    }

    fn equipment(&mut self, piece: &EquipmentSignals, of: &[Label<'_>]) {
        let of = &[of, &[("equipment", piece.name.as_str())]].concat();
        let up = match piece.state {
            EquipmentState::Unknown => None,
            EquipmentState::Unreachable | EquipmentState::Unauthorized => Some(0.0),
            _ => Some(1.0),
        };
        let power = piece.power.filter(|power| *power != Power::Unknown);
        for (name, help, value) in [
            ("xunke_equipment_up", "1 while it answers.", up),
            (
                "xunke_equipment_rtt_seconds",
                "How long its newest answer took.",
                piece.rtt_ms.map(|ms| f64::from(ms) / 1000.0),
            ),
            (
                "xunke_projector_on",
                "1 while it shines.",
                power.map(|power| f64::from(u8::from(power == Power::On))),
            ),
            (
                "xunke_projector_lamp_seconds",
                "Hours of the lamp that has the most, in seconds.",
                piece.lamp_hours.map(|hours| f64::from(hours) * 3600.0),
            ),
        ] {
            if let Some(value) = value {
                self.gauge(name, help, of, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_stands_once_with_all_its_samples() {
        let mut metrics = Metrics::default();
        metrics.gauge("xunke_b", "B.", &[("box", "box-1")], 1.5);
        metrics.counter("xunke_a_total", "A.", &[], 3.0);
        metrics.gauge("xunke_b", "B.", &[("box", "say \"hi\"\\\n")], -2.0);
        metrics.gauge("xunke_b", "B.", &[], f64::INFINITY);
        let expect = "# HELP xunke_a_total A.\n# TYPE xunke_a_total counter\nxunke_a_total 3\n\
            # HELP xunke_b B.\n# TYPE xunke_b gauge\nxunke_b{box=\"box-1\"} 1.5\n\
            xunke_b{box=\"say \\\"hi\\\"\\\\\\n\"} -2\n";
        assert_eq!(metrics.text(), expect);
    }

    #[test]
    fn a_histogram_counts_up_to_each_limit_and_all() {
        let mut metrics = Metrics::default();
        metrics.histogram("xunke_w_seconds", "W.", &[(0.005, 2), (2.0, 3)], (4, 9.5));
        let expect = "# HELP xunke_w_seconds W.\n# TYPE xunke_w_seconds histogram\n\
            xunke_w_seconds_bucket{le=\"0.005\"} 2\nxunke_w_seconds_bucket{le=\"2\"} 3\n\
            xunke_w_seconds_bucket{le=\"+Inf\"} 4\nxunke_w_seconds_sum 9.5\n\
            xunke_w_seconds_count 4\n";
        assert_eq!(metrics.text(), expect);
    }

    /// Issue 6, item 5: base units, and every number of the newest sample that has one.
    #[test]
    fn a_report_becomes_numbers_in_base_units() {
        let report = include_str!("../samples/health-3.json");
        let report: HealthDocument = serde_json::from_str(report).unwrap();
        let mut metrics = Metrics::default();
        metrics.report(&report, &[("box", "box-1")]);
        let text = metrics.text();
        for line in [
            "xunke_recording{box=\"box-1\"} 1",
            "xunke_camera_streaming{box=\"box-1\",source=\"cam0\"} 1",
            "xunke_path_rtt_seconds{box=\"box-1\",to=\"hub\"} 0.0025",
            "xunke_clock_skew_seconds{box=\"box-1\"} 0.003",
            "xunke_certificate_left_seconds{box=\"box-1\"} 26870400",
            "xunke_disk_wear_ratio{box=\"box-1\"} 0.125",
            "xunke_projector_lamp_seconds{box=\"box-1\",equipment=\"projector\"} 8442000",
            "xunke_equipment_up{box=\"box-1\",equipment=\"panel\"} 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
        }
        assert!(
            !text.contains("undervoltage"),
            "what has no sensor has no number"
        );
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .collect();
        let names = names.iter().filter_map(|line| line.split_once(' '));
        for (name, kind) in names {
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
            assert!(!name.ends_with("_ms") && !name.contains("hours"), "{name}");
        }
    }
}
