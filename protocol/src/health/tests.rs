//! Reports of older and newer agents, read by older and newer hubs.

use super::*;
use serde_json::Value;

#[test]
fn a_state_of_a_newer_agent_does_not_break_the_report() {
    let state: CameraState = serde_json::from_str("\"on_fire\"").unwrap();
    assert_eq!(state, CameraState::Unknown);
    let state: RecordingState = serde_json::from_str("\"paused\"").unwrap();
    assert_eq!(state, RecordingState::Unknown);
    let basis: TimetableBasis = serde_json::from_str("\"horoscope\"").unwrap();
    assert_eq!(basis, TimetableBasis::Unknown);
    let topic: TamperTopic = serde_json::from_str("\"LensStolen\"").unwrap();
    assert_eq!(topic, TamperTopic::Unknown);
    let shows: Shows = serde_json::from_str("\"aquarium\"").unwrap();
    assert_eq!(shows, Shows::Unknown);
    let side: Side = serde_json::from_str("\"projector\"").unwrap();
    assert_eq!(side, Side::Unknown);
    let kind: SightKind = serde_json::from_str("\"upside_down\"").unwrap();
    assert_eq!(kind, SightKind::Unknown);
    let kind: SoundKind = serde_json::from_str("\"humming\"").unwrap();
    assert_eq!(kind, SoundKind::Unknown);
}

/// Issue 4, item 6: an agent that does not measure clocks says nothing of them.
#[test]
fn an_older_agent_or_hub_knows_nothing_of_clocks() {
    let old = r#"{"source":"cam0","state":"streaming","since":1,"bytes_per_second":0,
        "frames_per_second":0.0,"restarts":2,"audio":false}"#;
    let mut camera: CameraSignals = serde_json::from_str(old).unwrap();
    assert_eq!((camera.drift_ppm, camera.clock_steps), (None, 0));
    assert!(camera.sound_taken);
    (camera.drift_ppm, camera.clock_steps) = (Some(-38.3), 2);
    let new = serde_json::to_string(&camera).unwrap();
    let said = r#""drift_ppm":-38.3,"clock_steps":2"#;
    assert!(new.contains(said) && !new.contains("sound_drift"), "{new}");
}

/// An older agent says nothing of sides, and an older hub is not told of what it cannot read.
#[test]
fn a_camera_that_is_well_says_nothing_of_sides() {
    let old = r#"{"source":"cam0","state":"stalled","since":1,"bytes_per_second":0,
        "frames_per_second":0.0,"restarts":2,"audio":false}"#;
    let mut signals: CameraSignals = serde_json::from_str(old).unwrap();
    assert_eq!(signals.stalled, None);
    assert!(
        !serde_json::to_string(&signals)
            .unwrap()
            .contains("stalled\":")
    );
    signals.stalled = Some(Side::Network);
    let said = serde_json::to_string(&signals).unwrap();
    assert!(said.contains(r#""stalled":"network""#), "{said}");
}

/// A camera as agents before sight and sound report it, and as hubs before them read it.
#[test]
fn an_older_agent_or_hub_knows_nothing_of_sight_and_sound() {
    let old = r#"{"source":"cam0","state":"streaming","since":5,"bytes_per_second":1,
        "frames_per_second":25.0,"restarts":0,"luma_mean":99.5,"audio":true}"#;
    let mut camera: CameraSignals = serde_json::from_str(old).unwrap();
    assert_eq!((&camera.sight, &camera.sound), (&None, &None));
    assert!(camera.shows.is_room());
    camera.sight = Some(vec![Sighting {
        kind: SightKind::Blurred,
        since: 4,
        value: 21.5,
        usual: Some(70.0),
    }]);
    let new = serde_json::to_string(&camera).unwrap();
    assert!(
        new.contains(r#""sight":[{"kind":"blurred","since":4,"value":21.5,"usual":70.0}]"#),
        "{new}"
    );
    assert_eq!(serde_json::from_str::<CameraSignals>(&new).unwrap(), camera);
}

/// What each release wrote, oldest first. A line is added, none is ever changed.
const SAMPLES: [&str; 3] = [
    include_str!("../../samples/health-1.json"),
    include_str!("../../samples/health-2.json"),
    include_str!("../../samples/health-3.json"),
];

/// A hub reads what every agent before it has written, to the last field, and says it alike.
#[test]
fn every_sample_of_before_is_read_and_written_alike() {
    for sample in SAMPLES {
        let written: Value = serde_json::from_str(sample).unwrap();
        let document: HealthDocument = serde_json::from_str(sample).unwrap();
        let said = serde_json::to_value(&document).unwrap();
        for (key, value) in written.as_object().unwrap() {
            assert!(contains(&said[key], value), "{key}: {} {value}", said[key]);
        }
    }
}

/// An older hub reads what newer agents write, and passes over what it does not know.
#[test]
fn an_older_hub_reads_a_newer_sample() {
    #[derive(Deserialize)]
    struct OfBefore {
        cameras: Vec<CameraSignals>,
        recording: RecordingSignals,
        spool: SpoolSignals,
        system: SystemSignals,
    }
    for sample in SAMPLES {
        let read: OfBefore = serde_json::from_str(sample).unwrap();
        let whole: HealthDocument = serde_json::from_str(sample).unwrap();
        assert_eq!(read.cameras, whole.cameras);
        assert_eq!(read.recording, whole.recording);
        assert_eq!((read.spool, read.system), (whole.spool, whole.system));
    }
}

/// Issue 6, item 5: an agent of before measures neither machine nor network, and words that are
/// new do not break the report.
#[test]
fn a_machine_tells_what_it_has_no_sensor_for() {
    let read = |sample| serde_json::from_str::<HealthDocument>(sample).unwrap();
    let (before, now) = (read(SAMPLES[0]), read(SAMPLES[1]));
    assert_eq!((before.machine, before.disk), (None, None));
    assert!(before.network.is_empty());
    assert_eq!(now.machine.unwrap().absent, [Sensor::Undervoltage]);
    assert_eq!(now.network[1].method, PathMethod::None);
    let path = r#"{"to":"moon","method":"radio","attempts":1}"#;
    let path: PathSignals = serde_json::from_str(path).unwrap();
    assert_eq!(
        (path.to, path.method),
        (PathEnd::Unknown, PathMethod::Unknown)
    );
    let sensor: Sensor = serde_json::from_str("\"geiger\"").unwrap();
    assert_eq!(sensor, Sensor::Unknown);
}

/// Issue 6, item 5: equipment is new to hubs of before, and its words may be new to this one.
#[test]
fn equipment_of_a_newer_agent_does_not_break_the_report() {
    let read = |sample| serde_json::from_str::<HealthDocument>(sample).unwrap();
    assert!(read(SAMPLES[1]).equipment.is_empty());
    let equipment = read(SAMPLES[2]).equipment;
    let lamp = Trouble {
        part: Part::Lamp,
        level: TroubleLevel::Warning,
        times: 4,
    };
    assert_eq!(equipment[0].troubles, [lamp]);
    assert_eq!(equipment[1].http_status, Some(503));
    let newer = r#"{"name":"door","kind":"lock","state":"ajar","since":1,"power":"dim",
        "troubles":[{"part":"hinge","level":"squeaks","times":1}]}"#;
    let newer: EquipmentSignals = serde_json::from_str(newer).unwrap();
    let expect = (
        EquipmentKind::Unknown,
        EquipmentState::Unknown,
        Some(Power::Unknown),
    );
    assert_eq!((newer.kind, newer.state, newer.power), expect);
    assert_eq!(newer.troubles[0].part, Part::Unknown);
}

/// Whether everything in `part` stands in `whole`, too.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|one| contains(one, value))),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(a, b)| contains(a, b))
        }
        _ => whole == part,
    }
}
