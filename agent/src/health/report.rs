//! The health document, and when it is worth sending.
//!
//! A camera or the recorder changing its state is told at once, other changes at most every
//! `spacing_seconds`, and everything again every `period_seconds`.

use super::change::{numbers, states};
use super::check::system;
use super::measure::Measures;
use super::scrape;
use crate::clock::{self, Steps};
use crate::config;
use crate::link;
use crate::outbox::Outbox;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use xunke_protocol::health::{
    CameraSignals, CameraState, HealthDocument, MachineSignals, RecordingSignals, RecordingState,
    SpoolSignals,
};
use xunke_protocol::recording::Stretch;
use xunke_protocol::topic::DOCUMENT_BYTES_MAX;

/// How often the signals are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Two documents are never closer than this, however wildly a camera flaps.
const SPACING_MS_MIN: u64 = 1000;
/// Longest document: its envelope takes the rest.
const BYTES_MAX: usize = DOCUMENT_BYTES_MAX - 512;
/// What a stretch takes of it, at most.
const STRETCH_BYTES_MAX: usize = 96;
/// Older than this, the newest durable fragment does not speak for the present: five times the
/// longest fragment.
const DURABLE_AGE_MS_MAX: u64 = 10_000;
const DAY_MS: i64 = 86_400_000;

/// Where the signals come from.
pub struct Sources {
    /// One for each camera.
    pub cameras: Vec<watch::Receiver<CameraSignals>>,
    /// The recorder.
    pub recording: watch::Receiver<RecordingSignals>,
    /// The spool.
    pub spool: watch::Receiver<SpoolSignals>,
    /// What lies in the spool.
    pub held: Box<dyn Fn() -> Vec<Stretch> + Send>,
    /// The link, which knows the hub's clock.
    pub link: watch::Receiver<link::Status>,
    /// Machine, network, equipment.
    pub measures: Measures,
}

impl Sources {
    fn document(&self, clock_steps: u32, now_ms: i64) -> HealthDocument {
        let held = (self.held)();
        let measures = &self.measures;
        let machine = measures.machine.borrow().clone();
        let own = |machine| dated(machine, (measures.certificate_end_ms)(), &held, now_ms);
        let cameras: Vec<_> = self
            .cameras
            .iter()
            .map(|one| one.borrow().clone())
            .collect();
        HealthDocument {
            recording: honest(self.recording.borrow().clone(), &cameras),
            cameras,
            spool: self.spool.borrow().clone(),
            machine: machine.machine.map(own),
            disk: machine.disk,
            network: measures.network.borrow().clone(),
            equipment: measures.equipment(),
            held,
            system: system(),
            clock_skew_ms: self.link.borrow().skew_ms,
            clock_steps,
        }
    }
}

/// The machine with what depends on the time.
fn dated(
    machine: MachineSignals,
    certificate_end_ms: i64,
    held: &[Stretch],
    now_ms: i64,
) -> MachineSignals {
    let days = certificate_end_ms.saturating_sub(now_ms).div_euclid(DAY_MS);
    let oldest_ms = held.iter().map(|stretch| stretch.from_ms).min();
    let age_ms = oldest_ms.map_or(0, |from_ms| now_ms.saturating_sub(from_ms).max(0));
    MachineSignals {
        certificate_days: Some(i32::try_from(days).unwrap_or(i32::MAX)),
        backlog_age_s: Some(age_ms.unsigned_abs() / 1000),
        ..machine
    }
}

/// The document with as many of the newest stretches as it has room for.
fn fitted(mut document: HealthDocument) -> Value {
    loop {
        let text = serde_json::to_string(&document).expect("invariant: plain fields become JSON");
        let over = text.len().saturating_sub(BYTES_MAX);
        if document.held.is_empty() || over == 0 {
            // Read back: a value of its own would have every float written out in full.
            return serde_json::from_str(&text).expect("invariant: JSON is read back");
        }
        let some = over.div_ceil(STRETCH_BYTES_MAX).min(document.held.len());
        document.held.drain(..some);
    }
}

/// A recorder that claims to record while nothing becomes durable is corrected.
fn honest(recording: RecordingSignals, cameras: &[CameraSignals]) -> RecordingSignals {
    let durable = recording
        .durable_age_ms
        .is_some_and(|age| age <= DURABLE_AGE_MS_MAX);
    if recording.state != RecordingState::Recording || durable {
        return recording;
    }
    let frames = cameras
        .iter()
        .any(|camera| camera.state == CameraState::Streaming);
    RecordingSignals {
        state: if frames {
            RecordingState::Failing
        } else {
            RecordingState::Waiting
        },
        ..recording
    }
}

/// Decides when a document is due.
pub struct Report {
    period_ms: u64,
    spacing_ms: u64,
    sent: Option<Sent>,
    newest: watch::Sender<Option<HealthDocument>>,
}

struct Sent {
    mono_ms: u64,
    states: Vec<u8>,
    numbers: Vec<u64>,
}

impl Report {
    /// Nothing was sent yet.
    pub fn new(config: &config::Health) -> Self {
        Self {
            period_ms: config.period_seconds * 1000,
            spacing_ms: config.spacing_seconds * 1000,
            sent: None,
            newest: watch::Sender::new(None),
        }
    }

    /// Shows the newest document to Prometheus until it is dropped, where that is wanted.
    pub fn shown(&self, config: &config::Metrics) -> impl Future<Output = ()> + Send + use<> {
        let (address, newest) = (config.listen.0, self.newest.subscribe());
        async move {
            if let Some(address) = address {
                scrape::answer(address, newest).await;
            }
        }
    }

    /// The newest document; `None` before the first look.
    pub fn newest(&self) -> watch::Receiver<Option<HealthDocument>> {
        self.newest.subscribe()
    }

    /// Looks at the signals and hands what is due to the outbox, calling `alive` after each look.
    /// Never returns.
    pub async fn run(mut self, sources: Sources, outbox: Outbox, alive: impl Fn()) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut steps = Steps::default();
        loop {
            look.tick().await;
            note_step(steps.take(clock::moment()));
            let document = sources.document(steps.count(), clock::now_ms());
            if self.newest.receiver_count() > 0 {
                self.newest.send_replace(Some(document.clone()));
            }
            if self.due(&document, clock::mono_ms()) {
                outbox.set_health(fitted(document));
            }
            alive();
        }
    }

    fn due(&mut self, document: &HealthDocument, mono_ms: u64) -> bool {
        let (states, numbers) = (states(document), numbers(document));
        if let Some(sent) = &self.sent {
            let age_ms = mono_ms.saturating_sub(sent.mono_ms);
            let due = age_ms >= self.period_ms
                || age_ms >= self.spacing_ms && numbers != sent.numbers
                || age_ms >= SPACING_MS_MIN && states != sent.states;
            if !due {
                return false;
            }
        }
        self.sent = Some(Sent {
            mono_ms,
            states,
            numbers,
        });
        true
    }
}

fn note_step(step_us: i64) {
    if step_us != 0 {
        let step_ms = step_us / 1000;
        let what = "the box's clock was set; recordings go on, in a new segment";
        tracing::warn!(step_ms, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_protocol::health::{
        CameraEvent, DiskSignals, EquipmentKind, EquipmentSignals, EquipmentState, Part, PathEnd,
        PathMethod, PathSignals, Power, Sensor, Shows, SightKind, Sighting, SoundKind,
        SoundSignals, SystemSignals, TamperTopic, Trouble, TroubleLevel,
    };

    fn camera(name: &str) -> CameraSignals {
        CameraSignals {
            source: name.parse().unwrap(),
            shows: Shows::Screen,
            state: CameraState::Streaming,
            since: 1_763_000_000_000,
            stalled: None,
            frame_age_ms: Some(40),
            bytes_per_second: 412_345,
            frames_per_second: 25.0,
            restarts: 0,
            luma_mean: Some(127.123_46),
            luma_variance: Some(2_123.456),
            audio: true,
            sound_taken: false,
            model: Some("M".repeat(24)),
            firmware: Some("F".repeat(24)),
            clock_skew_ms: Some(-1_763_000_000_000),
            drift_ppm: Some(-100_000.1),
            sound_drift_ppm: Some(-100_000.1),
            clock_steps: u32::MAX,
            events: Vec::new(),
            sharpness: Some(78.1),
            sight: Some(Vec::new()),
            sound: Some(SoundSignals {
                rms_dbfs: -31.5,
                clipping_ratio: 0.0,
                found: None,
            }),
        }
    }

    fn machine() -> MachineSignals {
        MachineSignals {
            cpu_ratio: Some(0.123_456),
            temperature_c: Some(61.234),
            throttled: Some(false),
            undervoltage: Some(false),
            certificate_days: Some(-10_000),
            backlog_age_s: Some(100_000_000),
            absent: Vec::new(),
        }
    }

    fn disk() -> DiskSignals {
        DiskSignals {
            free_bytes: 1 << 40,
            size_bytes: 1 << 42,
            inodes_free_ratio: Some(0.123_456),
            read_only: false,
            disk_temperature_c: None,
            wear_ratio: None,
            disk_failing: None,
            absent: vec![
                Sensor::DiskTemperatureC,
                Sensor::WearRatio,
                Sensor::DiskFailing,
            ],
        }
    }

    fn path(to: PathEnd) -> PathSignals {
        PathSignals {
            to,
            method: PathMethod::Icmp,
            rtt_ms: Some(1234.567),
            jitter_ms: Some(123.456),
            loss_ratio: Some(0.967),
            attempts: 30,
        }
    }

    fn document() -> HealthDocument {
        HealthDocument {
            cameras: vec![camera("cam0")],
            recording: RecordingSignals {
                state: RecordingState::Recording,
                since: 1_763_000_000_000,
                durable_age_ms: Some(900),
                timetable: None,
            },
            spool: SpoolSignals {
                waiting_bytes: 0,
                waiting_segments: 0,
                free_bytes: 1 << 40,
                limit_bytes: 16 << 30,
                evicted_unsent: 0,
            },
            held: Vec::new(),
            machine: Some(machine()),
            disk: Some(disk()),
            network: [PathEnd::Hub, PathEnd::Gateway].map(path).into(),
            equipment: Vec::new(),
            system: SystemSignals {
                uptime_s: 1,
                load_ratio: 0.5,
                memory_available_bytes: 1 << 30,
                agent_resident_bytes: 20 << 20,
            },
            clock_skew_ms: Some(3),
            clock_steps: 0,
        }
    }

    fn seen(kind: SightKind) -> Sighting {
        Sighting {
            kind,
            since: 1_763_000_000_000,
            value: 12.25,
            usual: Some(78.15),
        }
    }

    fn report() -> Report {
        Report::new(&config::Health::default())
    }

    #[test]
    fn noise_is_sent_once_a_minute() {
        let mut report = report();
        let mut document = document();
        let mut sent = Vec::new();
        for second in 0..121 {
            document.cameras[0].frame_age_ms = Some(second % 40);
            document.cameras[0].luma_mean = Some(127.0 + (second % 3) as f32 / 10.0);
            document.system.load_ratio = second as f32;
            document.spool.free_bytes -= 4096;
            if report.due(&document, second * 1000) {
                sent.push(second);
            }
        }
        assert_eq!(sent, [0, 60, 120]);
    }

    #[test]
    fn a_state_is_told_at_once_and_a_number_after_the_spacing() {
        let mut report = report();
        let mut document = document();
        assert!(report.due(&document, 0));
        document.cameras[0].luma_variance = Some(0.4);
        assert!(!report.due(&document, 9_999));
        assert!(report.due(&document, 10_000), "covered: variance fell");
        document.cameras[0].state = CameraState::Stalled;
        assert!(!report.due(&document, 10_500), "flapping is bounded");
        assert!(report.due(&document, 11_000));
        document.recording.state = RecordingState::Failing;
        assert!(report.due(&document, 12_000));
        document.cameras[0].sight = Some(vec![seen(SightKind::Covered)]);
        assert!(
            report.due(&document, 13_000),
            "R65: covered is told at once"
        );
        document.cameras[0].sight = Some(vec![seen(SightKind::Blurred)]);
        assert!(report.due(&document, 14_000));
        document.cameras[0].sound = None;
        assert!(!report.due(&document, 15_000));
    }

    /// Issue 6, item 5: what the machine says is told after the spacing, and noise is not.
    #[test]
    fn a_hot_box_and_a_bad_line_are_told_and_their_noise_is_not() {
        let mut report = report();
        let mut document = document();
        assert!(report.due(&document, 0));
        document.machine.as_mut().unwrap().cpu_ratio = Some(0.9);
        document.machine.as_mut().unwrap().temperature_c = Some(63.0);
        document.network[0].rtt_ms = Some(1111.0);
        assert!(!report.due(&document, 15_000), "noise");
        document.machine.as_mut().unwrap().temperature_c = Some(85.0);
        assert!(report.due(&document, 16_000), "hot");
        document.network[0].loss_ratio = Some(0.2);
        assert!(!report.due(&document, 17_000));
        assert!(report.due(&document, 27_000), "lossy");
        document.disk.as_mut().unwrap().read_only = true;
        assert!(report.due(&document, 28_500), "nothing is recorded now");
    }

    #[test]
    fn certificate_and_backlog_are_reckoned_by_the_day_and_second() {
        let stretch = |from_ms| Stretch {
            source: "cam0".parse().unwrap(),
            from_ms,
            to_ms: from_ms + 1,
        };
        let now_ms = 1_763_000_000_000;
        let of = |end_ms, held: &[Stretch]| {
            let machine = dated(MachineSignals::default(), end_ms, held, now_ms);
            (machine.certificate_days, machine.backlog_age_s)
        };
        assert_eq!(of(now_ms + 2 * DAY_MS - 1, &[]), (Some(1), Some(0)));
        assert_eq!(of(now_ms - 1, &[]), (Some(-1), Some(0)));
        let held = [stretch(now_ms - 5_000), stretch(now_ms - 90_500)];
        assert_eq!(of(now_ms, &held), (Some(0), Some(90)));
        assert_eq!(
            of(i64::MAX, &[stretch(now_ms + 9)]),
            (Some(i32::MAX), Some(0))
        );
    }

    #[test]
    fn nothing_says_recording_while_nothing_becomes_durable() {
        let claim = |durable_age_ms| RecordingSignals {
            durable_age_ms,
            timetable: None,
            ..document().recording
        };
        let streaming = [camera("cam0")];
        let state = |recording, cameras: &[CameraSignals]| honest(recording, cameras).state;
        assert_eq!(
            state(claim(Some(2_500)), &streaming),
            RecordingState::Recording
        );
        assert_eq!(
            state(claim(Some(10_001)), &streaming),
            RecordingState::Failing
        );
        assert_eq!(state(claim(None), &streaming), RecordingState::Failing);
        assert_eq!(state(claim(Some(10_001)), &[]), RecordingState::Waiting);
    }

    fn worst_piece() -> EquipmentSignals {
        let trouble = |part| Trouble {
            part,
            level: TroubleLevel::Warning,
            times: u32::MAX,
        };
        EquipmentSignals {
            name: "projector-number".parse().unwrap(),
            kind: EquipmentKind::Projector,
            state: EquipmentState::Unauthorized,
            since: 1_763_000_000_000,
            misses: u32::MAX,
            rtt_ms: Some(1234.567),
            http_status: None,
            power: Some(Power::Warming),
            troubles: [
                Part::Fan,
                Part::Lamp,
                Part::Temperature,
                Part::Cover,
                Part::Filter,
                Part::Other,
            ]
            .map(trouble)
            .into(),
            lamp_hours: Some(99_999),
            filter_hours: Some(99_999),
            model: Some("M".repeat(24)),
        }
    }

    /// The document as it is sent: within its limit, and with some of what is held.
    fn fits(document: HealthDocument) -> Value {
        let sent = fitted(document);
        let bytes = sent.to_string().len();
        assert!(bytes + 512 <= DOCUMENT_BYTES_MAX, "{bytes}");
        let told = sent["held"].as_array().unwrap();
        assert!((8..200).contains(&told.len()), "{}", told.len());
        sent
    }

    #[test]
    fn the_fullest_box_stays_within_the_limit_of_a_document() {
        let worst = |n| {
            let mut camera = camera(&format!("camera-number{n:03}"));
            camera.sight = Some(vec![seen(SightKind::Covered), seen(SightKind::Blurred)]);
            let event = CameraEvent {
                topic: TamperTopic::GlobalSceneChange,
                since: 1_763_000_000_000,
            };
            camera.events = vec![event; 4];
            camera.sound = Some(SoundSignals {
                rms_dbfs: -119.5,
                clipping_ratio: 0.123,
                found: Some(SoundKind::Clipping),
            });
            camera
        };
        let held = |n: i64| Stretch {
            source: "camera-number001".parse().unwrap(),
            from_ms: 1_763_000_000_000 + n,
            to_ms: 1_763_000_000_001 + n,
        };
        let full = HealthDocument {
            cameras: (0..config::CAMERAS_MAX).map(worst).collect(),
            held: (0..200).map(held).collect(),
            ..document()
        };
        fits(HealthDocument {
            cameras: full.cameras[config::EQUIPMENT_MAX..].to_vec(),
            equipment: vec![worst_piece(); config::EQUIPMENT_MAX],
            ..full.clone()
        });
        let sent = fits(full);
        let told = sent["held"].as_array().unwrap();
        assert_eq!(
            told.last().unwrap()["from_ms"],
            1_763_000_000_199_i64,
            "the newest"
        );
        let usual = HealthDocument {
            held: (0..100).map(held).collect(),
            ..document()
        };
        assert_eq!(fitted(usual)["held"].as_array().unwrap().len(), 100);
    }
}
