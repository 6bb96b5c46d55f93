//! Faults: judged from signals, held down, cleared, worded (R64, R65).

use super::kind as fault_kind;
use super::*;
use xunke_protocol::health::*;

fn healthy() -> HealthDocument {
    HealthDocument {
        cameras: vec![CameraSignals {
            source: "cam0".parse().unwrap(),
            shows: Shows::Room,
            state: CameraState::Streaming,
            since: 0,
            stalled: None,
            frame_age_ms: Some(40),
            bytes_per_second: 400_000,
            frames_per_second: 25.0,
            restarts: 0,
            luma_mean: Some(110.0),
            luma_variance: Some(900.0),
            audio: true,
            sound_taken: true,
            model: None,
            firmware: None,
            clock_skew_ms: None,
            drift_ppm: None,
            sound_drift_ppm: None,
            clock_steps: 0,
            events: vec![],
            sharpness: Some(71.0),
            sight: None,
            sound: None,
        }],
        recording: RecordingSignals {
            state: RecordingState::Recording,
            since: 0,
            durable_age_ms: Some(2_000),
            timetable: None,
        },
        spool: SpoolSignals {
            waiting_bytes: 0,
            waiting_segments: 0,
            free_bytes: 1 << 40,
            limit_bytes: 1000,
            evicted_unsent: 0,
        },
        held: Vec::new(),
        machine: None,
        disk: None,
        network: Vec::new(),
        equipment: Vec::new(),
        system: SystemSignals {
            uptime_s: 9,
            load_ratio: 0.4,
            memory_available_bytes: 1 << 30,
            agent_resident_bytes: 1 << 24,
        },
        clock_skew_ms: Some(3),
        clock_steps: 0,
    }
}

/// The box sees it first: the hub's row begins when the box's clock said, if that can be.
#[test]
fn a_fault_begins_when_the_box_says_so() {
    let mut report = healthy();
    report.cameras[0].state = CameraState::Stalled;
    report.cameras[0].since = 5_000;
    assert_eq!(device_findings(&report)[0].since_ms, Some(5_000));
    let mut report = healthy();
    report.cameras[0].sight = Some(vec![Sighting {
        kind: SightKind::Covered,
        since: 7_000,
        value: 0.9,
        usual: None,
    }]);
    assert_eq!(device_findings(&report)[0].since_ms, Some(7_000));
    for (told_ms, expect) in [
        (None, 100_000),
        (Some(91_000), 91_000),
        (Some(100_000), 100_000),
        // Dark since the lesson before, or a clock that is wrong.
        (Some(39_000), 100_000),
        (Some(100_001), 100_000),
    ] {
        assert_eq!(begun_ms(told_ms, 100_000), expect, "{told_ms:?}");
    }
}

/// The codes found after one change to a healthy report.
fn found(change: impl FnOnce(&mut HealthDocument)) -> Vec<(&'static str, String)> {
    let mut report = healthy();
    change(&mut report);
    let findings = device_findings(&report);
    findings
        .into_iter()
        .map(|finding| (finding.code, finding.component))
        .collect()
}

fn one(code: &'static str, component: &str) -> Vec<(&'static str, String)> {
    vec![(code, component.to_owned())]
}

#[test]
fn a_healthy_box_has_no_fault() {
    assert!(found(|_| ()).is_empty());
    assert!(silence_findings(Some(0), Some(0), 150_000).is_empty());
}

#[test]
fn every_state_of_a_camera_is_judged() {
    let state = |state| found(|report| report.cameras[0].state = state);
    assert_eq!(
        state(CameraState::Unreachable),
        one("CAM_NO_SIGNAL", "cam0")
    );
    assert_eq!(state(CameraState::Connecting), one("CAM_NO_SIGNAL", "cam0"));
    assert_eq!(
        state(CameraState::Unauthorized),
        one("CAM_UNAUTHORIZED", "cam0")
    );
    assert_eq!(state(CameraState::Garbage), one("CAM_GARBAGE", "cam0"));
    assert_eq!(state(CameraState::Stalled), one("CAM_STALLED", "cam0"));
    assert!(state(CameraState::Unknown).is_empty());
}

/// Issue: a screen is a source like any other, but black or still it is well.
#[test]
fn a_screen_is_judged_by_whether_it_comes_and_by_nothing_else() {
    let screen = |state| {
        found(|report| {
            let camera = &mut report.cameras[0];
            (camera.shows, camera.state) = (Shows::Screen, state);
            (camera.luma_mean, camera.luma_variance) = (Some(0.0), Some(0.0));
            camera.audio = false;
        })
    };
    assert!(screen(CameraState::Streaming).is_empty());
    assert_eq!(
        screen(CameraState::Unreachable),
        one("CAM_NO_SIGNAL", "cam0")
    );
}

/// A§7.1: covering a camera; a dark room with a projector is not a covered lens.
#[test]
fn a_covered_lens_is_dark_and_shows_nothing() {
    let luma = |mean, variance| {
        found(|report| {
            report.cameras[0].luma_mean = Some(mean);
            report.cameras[0].luma_variance = Some(variance);
        })
    };
    assert_eq!(luma(16.0, 0.2), one("CAM_COVERED", "cam0"));
    assert!(luma(16.0, 400.0).is_empty() && luma(235.0, 0.2).is_empty());
    assert!(found(|report| report.cameras[0].luma_mean = None).is_empty());
}

/// R65: what the box has seen for a while is a possible fault with its numbers, whatever the
/// brightness says; an agent of tomorrow may see more.
#[test]
fn what_the_box_has_seen_is_judged() {
    let seen = |kind| {
        found(|report| {
            report.cameras[0].luma_mean = Some(16.0);
            report.cameras[0].luma_variance = Some(0.2);
            report.cameras[0].sight = Some(vec![Sighting {
                kind,
                since: 7,
                value: 21.5,
                usual: Some(70.0),
            }]);
        })
    };
    assert_eq!(seen(SightKind::Covered), one("CAM_COVERED", "cam0"));
    assert_eq!(seen(SightKind::Dark), one("CAM_DARK", "cam0"));
    assert_eq!(seen(SightKind::Blurred), one("CAM_BLURRED", "cam0"));
    assert_eq!(seen(SightKind::Frozen), one("CAM_FROZEN", "cam0"));
    assert_eq!(seen(SightKind::Moved), one("CAM_MOVED", "cam0"));
    assert!(seen(SightKind::Unknown).is_empty());
    let mut report = healthy();
    report.cameras[0].sight = Some(vec![Sighting {
        kind: SightKind::Blurred,
        since: 7,
        value: 21.5,
        usual: Some(70.0),
    }]);
    let numbers = vec![("sharpness", 21.5), ("usual_sharpness", 70.0)];
    assert_eq!(device_findings(&report)[0].evidence, numbers);
    report.cameras[0].sight = Some(vec![]);
    report.cameras[0].luma_mean = Some(16.0);
    report.cameras[0].luma_variance = Some(0.2);
    assert!(device_findings(&report).is_empty(), "the box knows better");
}

/// X56: a microphone that is muted, or turned up too far.
#[test]
fn what_the_box_has_heard_is_judged() {
    let heard = |kind, audio| {
        found(|report| {
            report.cameras[0].audio = audio;
            report.cameras[0].sound = Some(SoundSignals {
                rms_dbfs: -90.0,
                clipping_ratio: 0.2,
                found: kind,
            });
        })
    };
    assert!(heard(None, true).is_empty() && heard(Some(SoundKind::Unknown), true).is_empty());
    assert_eq!(
        heard(Some(SoundKind::Silent), true),
        one("MIC_SILENT", "cam0")
    );
    assert_eq!(
        heard(Some(SoundKind::Clipping), true),
        one("MIC_CLIPPING", "cam0")
    );
    assert_eq!(
        heard(Some(SoundKind::Silent), false),
        one("MIC_ABSENT", "cam0")
    );
}

/// A dark, quiet room at night is no fault; a frozen camera is one at any hour.
#[test]
fn some_faults_matter_in_a_lesson_only() {
    let only: Vec<_> = CATALOGUE
        .iter()
        .filter(|kind| !kind.matters(false))
        .map(|kind| kind.code.as_str())
        .collect();
    assert_eq!(
        only,
        [
            "CAM_COVERED",
            "CAM_DARK",
            "MIC_SILENT",
            "MIC_CLIPPING",
            "PJ_NO_ANSWER"
        ]
    );
    assert!(CATALOGUE.iter().all(|kind| kind.matters(true)));
}

/// R65, R105: what pictures and sound point to is possible, never certain.
#[test]
fn what_is_noticed_is_worded_as_possible() {
    let noticed = [
        "CAM_COVERED",
        "CAM_FROZEN",
        "CAM_MOVED",
        "CAM_BLURRED",
        "CAM_DARK",
        "MIC_SILENT",
        "MIC_CLIPPING",
    ];
    for code in noticed {
        let title = &fault_kind(code).unwrap().title;
        assert!(
            title.zh.contains("疑似") && title.en.contains("possibly"),
            "{code}"
        );
    }
}

#[test]
fn sound_recorder_spool_clock_and_memory_are_judged() {
    let silent = |sound_taken| {
        found(move |report| {
            let camera = &mut report.cameras[0];
            (camera.audio, camera.sound_taken) = (false, sound_taken);
        })
    };
    assert_eq!(silent(true), one("MIC_ABSENT", "cam0"));
    assert!(
        silent(false).is_empty(),
        "a box that takes no sound misses none"
    );
    let failing = |report: &mut HealthDocument| report.recording.state = RecordingState::Failing;
    assert_eq!(found(failing), one("REC_FAILING", "box"));
    let behind = |report: &mut HealthDocument| report.recording.durable_age_ms = Some(10_001);
    assert_eq!(found(behind), one("REC_FAILING", "box"));
    assert_eq!(
        found(|report| report.spool.waiting_bytes = 701),
        one("SPOOL_FILLING", "box")
    );
    assert!(found(|report| report.spool.waiting_bytes = 700).is_empty());
    assert_eq!(
        found(|report| report.spool.evicted_unsent = 1),
        one("REC_EVICTED", "box")
    );
    assert_eq!(
        found(|report| report.clock_skew_ms = Some(-5_001)),
        one("CLOCK_SKEW", "box")
    );
    assert_eq!(
        found(|report| report.clock_skew_ms = Some(i64::MIN)),
        one("CLOCK_WRONG", "box")
    );
    assert!(found(|report| report.clock_skew_ms = None).is_empty());
    assert!(found(|report| report.recording.durable_age_ms = Some(10_000)).is_empty());
    assert_eq!(
        found(|report| report.system.memory_available_bytes = 1),
        one("MEMORY_LOW", "box")
    );
}

/// Each limit from both sides.
#[test]
fn a_limit_is_where_it_is_said_to_be() {
    let skew = |skew_ms| found(|report| report.clock_skew_ms = Some(skew_ms));
    assert!(skew(5_000).is_empty() && skew(-5_000).is_empty());
    assert_eq!(skew(5_001), one("CLOCK_SKEW", "box"));
    assert_eq!(skew(60_000), one("CLOCK_SKEW", "box"));
    assert_eq!(skew(60_001), one("CLOCK_WRONG", "box"));
    let memory = |bytes| found(|report| report.system.memory_available_bytes = bytes);
    assert_eq!(memory(67_108_863), one("MEMORY_LOW", "box"));
    assert!(memory(67_108_864).is_empty());
}

/// A camera that is off has no picture to judge and nothing to record.
#[test]
fn one_cause_is_one_fault() {
    let off = found(|report| {
        report.cameras[0].state = CameraState::Unreachable;
        report.cameras[0].audio = false;
        report.recording.state = RecordingState::Waiting;
        report.recording.durable_age_ms = Some(99_000);
    });
    assert_eq!(off, one("CAM_NO_SIGNAL", "cam0"));
}

#[test]
fn silence_is_judged_without_any_report() {
    assert_eq!(silence_findings(None, Some(7), 9)[0].code, "DEVICE_LOST");
    assert_eq!(
        silence_findings(Some(0), None, 150_001)[0].code,
        "DEVICE_SILENT"
    );
    // A box that has just come back is not blamed for the time before.
    assert!(silence_findings(Some(500_000), Some(0), 500_001).is_empty());
}

/// Steps (second, found) through a life with 10 s hold-down and 5 s clear time.
fn edges(steps: &[(i64, bool)]) -> Vec<(i64, Edge)> {
    let mut phase = None;
    let mut edges = Vec::new();
    for (second, found) in steps {
        let (next, edge) = step(phase, *found, 10_000, 5_000, second * 1000);
        phase = next;
        edges.extend(edge.map(|edge| (*second, edge)));
    }
    edges
}

#[test]
fn a_finding_becomes_a_fault_when_it_has_lasted() {
    let opened = (10, Edge::Opened { since_ms: 0 });
    assert_eq!(
        edges(&[(0, true), (9, true), (10, true), (11, true)]),
        [opened]
    );
    assert_eq!(
        edges(&[(0, true), (9, true), (9, false), (10, true), (19, true)]),
        []
    );
}

#[test]
fn a_fault_ends_when_it_has_been_gone() {
    let opened = (10, Edge::Opened { since_ms: 0 });
    let cleared = (25, Edge::Cleared { since_ms: 20_000 });
    let ends = [
        (0, true),
        (10, true),
        (20, false),
        (24, false),
        (25, false),
        (26, false),
    ];
    assert_eq!(edges(&ends), [opened, cleared]);
    let flickers = [
        (0, true),
        (10, true),
        (20, false),
        (24, true),
        (29, false),
        (33, true),
    ];
    assert_eq!(edges(&flickers), [opened]);
}

#[test]
fn without_hold_down_a_fault_begins_at_once() {
    let now = step(None, true, 0, 0, 7);
    assert_eq!(now, (Some(Phase::Open), Some(Edge::Opened { since_ms: 7 })));
    assert_eq!(
        step(now.0, false, 0, 0, 8),
        (None, Some(Edge::Cleared { since_ms: 8 }))
    );
}

/// What is judged has its words: a code in `judge.rs` that nobody has worded would stop the hub.
#[test]
fn whatever_is_judged_is_in_the_catalogue() {
    let production = [
        include_str!("judge.rs"),
        include_str!("judge/equipment.rs"),
        include_str!("judge/machine.rs"),
    ];
    let words = production
        .into_iter()
        .flat_map(|text| text.split('"').skip(1).step_by(2));
    let is_code =
        |word: &&str| word.len() > 3 && word.chars().all(|c| c == '_' || c.is_ascii_uppercase());
    let codes: Vec<_> = words.filter(is_code).collect();
    assert!(codes.len() > 40, "{codes:?}");
    for code in codes {
        assert!(fault_kind(code).is_some(), "{code} is not in faults.toml");
    }
    assert!(fault_kind("NO_SUCH_FAULT").is_none());
}

/// A lesson that is not recorded is critical when it is felt; at night the same can wait.
#[test]
fn severity_follows_the_timetable() {
    let at = |code, moment| fault_kind(code).unwrap().severity.at(moment).name();
    assert_eq!(at("CAM_NO_SIGNAL", Moment::InClass), "critical");
    assert_eq!(at("CAM_NO_SIGNAL", Moment::BeforeClass), "critical");
    assert_eq!(at("CAM_NO_SIGNAL", Moment::Idle), "major");
    assert_eq!(at("CAM_NO_SIGNAL", Moment::Holiday), "minor");
    // What was given up is lost at any hour.
    assert_eq!(at("REC_EVICTED", Moment::Holiday), "critical");
}

/// The times and severities that the guide promises, seconds: hold-down, idle, clear.
#[test]
fn every_fault_has_its_times() {
    let never = LESSON_ONLY / 1000;
    let expect = [
        ("DEVICE_LOST", "critical", 20, 90, 0),
        ("DEVICE_SILENT", "major", 0, 0, 5),
        ("CAM_NO_SIGNAL", "critical", 10, 10, 5),
        ("CAM_UNAUTHORIZED", "critical", 10, 10, 5),
        ("CAM_GARBAGE", "critical", 10, 10, 5),
        ("CAM_STALLED", "critical", 5, 10, 5),
        ("CAM_COVERED", "major", 5, never, 5),
        ("CAM_FROZEN", "critical", 5, 600, 5),
        ("CAM_MOVED", "major", 5, 600, 5),
        ("CAM_BLURRED", "minor", 5, 600, 5),
        ("CAM_DARK", "minor", 10, never, 5),
        ("MIC_ABSENT", "minor", 30, 30, 5),
        ("MIC_SILENT", "minor", 10, never, 5),
        ("MIC_CLIPPING", "minor", 10, never, 5),
        ("REC_FAILING", "critical", 5, 5, 5),
        ("REC_EVICTED", "critical", 0, 0, 5),
        ("SPOOL_FILLING", "major", 60, 60, 60),
        ("CLOCK_SKEW", "warning", 60, 60, 60),
        ("CLOCK_WRONG", "major", 60, 60, 60),
        ("MEMORY_LOW", "minor", 60, 60, 60),
    ];
    for (code, severity, hold, idle, clear) in expect {
        let kind = fault_kind(code).unwrap();
        let seconds = [kind.hold_ms, kind.idle_hold_ms, kind.clear_ms].map(|ms| ms / 1000);
        assert_eq!(seconds, [hold, idle, clear], "{code}");
        assert_eq!(kind.severity.in_class.name(), severity, "{code}");
    }
}
