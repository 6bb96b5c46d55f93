//! Self-test: what a lesson needs. The newest signals say how cameras, sound, clock, network,
//! certificate and equipment are, half a second old at most; the disk and the hub's door are tried
//! now. Equipment is asked no more often than it bears: what its own watch found counts.

use crate::config::HubAddress;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use xunke_protocol::health::{
    CameraSignals, CameraState, EquipmentKind, EquipmentSignals, EquipmentState, HealthDocument,
    SoundKind,
};
use xunke_protocol::selftest::{CHECKS_MAX, Check, Outcome, Part, Selftest};

/// What is written and read back.
const TRY_BYTES: usize = 256 * 1024;
const TRY: Duration = Duration::from_secs(10);
const DOOR: Duration = Duration::from_secs(5);
/// No picture for longer is no camera.
const FRAME_MS_MAX: u64 = 5_000;
const SKEW_MS_WARN: i64 = 2_000;
const SKEW_MS_MAX: i64 = 60_000;
const DAYS_WARN: i32 = 30;
const SPACE_WARN: u64 = 4 << 30;
const SPACE_MIN: u64 = 1 << 30;

/// What was tried just now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tried {
    /// How long the disk took, or that it does not take anything.
    pub disk_ms: Option<f64>,
    /// How long the hub's door took to open, or that it does not.
    pub door_ms: Option<f64>,
}

/// Tries disk and door.
pub(super) async fn tried(state_dir: &Path, hub: &HubAddress) -> Tried {
    let file = state_dir.join("selftest.tmp");
    let disk = spawn_blocking(move || write_and_read(&file));
    let disk = timeout(TRY, disk).await;
    let begun = Instant::now();
    let door = TcpStream::connect((hub.host.as_str(), hub.port));
    let door = timeout(DOOR, door).await.ok().and_then(Result::ok);
    Tried {
        disk_ms: disk.ok().and_then(Result::ok).and_then(Result::ok),
        door_ms: door.map(|_| milliseconds(begun)),
    }
}

fn write_and_read(file: &Path) -> io::Result<f64> {
    let begun = Instant::now();
    let bytes: Vec<u8> = (0..TRY_BYTES).map(|n| (n % 251) as u8).collect();
    let tried = (|| {
        let mut open = File::create(file)?;
        open.write_all(&bytes)?;
        open.sync_all()?;
        let mut back = Vec::with_capacity(TRY_BYTES);
        File::open(file)?.read_to_end(&mut back)?;
        Ok(back == bytes)
    })();
    drop(std::fs::remove_file(file));
    match tried {
        Ok(true) => Ok(milliseconds(begun)),
        Ok(false) => Err(io::ErrorKind::InvalidData.into()),
        Err(error) => Err(error),
    }
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e4).round() / 10.0
}

/// What signals and tries come to. Pure.
pub(super) fn result(newest: &HealthDocument, tried: Tried) -> Selftest {
    let mut checks: Vec<Check> = newest.cameras.iter().flat_map(camera).collect();
    checks.push(disk(tried.disk_ms, newest));
    checks.extend(newest.disk.as_ref().map(|disk| space(disk.free_bytes)));
    checks.push(clock(newest.clock_skew_ms));
    checks.push(door(tried.door_ms));
    let days = newest.machine.as_ref();
    checks.extend(days.and_then(|own| own.certificate_days).map(certificate));
    checks.extend(newest.equipment.iter().map(equipment));
    checks.truncate(CHECKS_MAX);
    Selftest { checks }
}

fn check(part: Part, outcome: Outcome, code: Option<&str>) -> Check {
    Check {
        part,
        name: String::new(),
        outcome,
        code: code.map(str::to_owned),
        value: None,
    }
}

fn camera(signals: &CameraSignals) -> Vec<Check> {
    let age_ms = signals.frame_age_ms;
    let fresh = age_ms.is_some_and(|age_ms| age_ms <= FRAME_MS_MAX);
    let (outcome, code) = match signals.state {
        CameraState::Streaming if fresh => (Outcome::Pass, None),
        CameraState::Streaming | CameraState::Stalled => (Outcome::Fail, Some("stalled")),
        CameraState::Connecting => (Outcome::Fail, Some("connecting")),
        CameraState::Unreachable => (Outcome::Fail, Some("unreachable")),
        CameraState::Unauthorized => (Outcome::Fail, Some("unauthorized")),
        CameraState::Garbage => (Outcome::Fail, Some("garbage")),
        CameraState::Unknown => (Outcome::Unknown, None),
    };
    let mut all = vec![Check {
        name: signals.source.to_string(),
        value: age_ms.map(|age_ms| age_ms as f64),
        ..check(Part::Camera, outcome, code)
    }];
    // What is projected has no sound of its own.
    if outcome == Outcome::Pass && signals.sound_taken && signals.shows.is_room() {
        all.push(sound(signals));
    }
    all
}

fn sound(signals: &CameraSignals) -> Check {
    let found = signals.sound.as_ref();
    let (outcome, code) = match found.map(|sound| sound.found) {
        _ if !signals.audio => (Outcome::Fail, Some("no_sound")),
        None => (Outcome::Unknown, None),
        // Nobody speaks before the first lesson: a level that is merely low proves nothing.
        Some(None) => (Outcome::Pass, None),
        Some(Some(SoundKind::Silent)) => (Outcome::Warn, Some("silent")),
        Some(Some(SoundKind::Clipping)) => (Outcome::Warn, Some("clipping")),
        Some(Some(SoundKind::Unknown)) => (Outcome::Unknown, None),
    };
    Check {
        name: signals.source.to_string(),
        value: found.map(|sound| f64::from(sound.rms_dbfs)),
        ..check(Part::Sound, outcome, code)
    }
}

fn disk(disk_ms: Option<f64>, newest: &HealthDocument) -> Check {
    let failing = newest.disk.as_ref().and_then(|disk| disk.disk_failing);
    let (outcome, code) = match (disk_ms, failing) {
        (None, _) => (Outcome::Fail, Some("no_write")),
        (Some(_), Some(true)) => (Outcome::Warn, Some("failing")),
        (Some(_), _) => (Outcome::Pass, None),
    };
    Check {
        value: disk_ms,
        ..check(Part::Disk, outcome, code)
    }
}

fn space(free_bytes: u64) -> Check {
    let (outcome, code) = match free_bytes {
        0..SPACE_MIN => (Outcome::Fail, Some("full")),
        SPACE_MIN..SPACE_WARN => (Outcome::Warn, Some("low")),
        _ => (Outcome::Pass, None),
    };
    Check {
        value: Some(free_bytes as f64),
        ..check(Part::Space, outcome, code)
    }
}

fn clock(skew_ms: Option<i64>) -> Check {
    let off_ms = skew_ms.map(i64::saturating_abs);
    let (outcome, code) = match off_ms {
        None => (Outcome::Unknown, None),
        Some(0..=SKEW_MS_WARN) => (Outcome::Pass, None),
        Some(..=SKEW_MS_MAX) => (Outcome::Warn, Some("off")),
        Some(_) => (Outcome::Fail, Some("off")),
    };
    Check {
        value: skew_ms.map(|skew_ms| skew_ms as f64),
        ..check(Part::Clock, outcome, code)
    }
}

fn door(door_ms: Option<f64>) -> Check {
    let (outcome, code) = match door_ms {
        Some(_) => (Outcome::Pass, None),
        None => (Outcome::Fail, Some("closed")),
    };
    Check {
        value: door_ms,
        ..check(Part::Network, outcome, code)
    }
}

fn certificate(days: i32) -> Check {
    let (outcome, code) = match days {
        ..0 => (Outcome::Fail, Some("expired")),
        0..DAYS_WARN => (Outcome::Warn, Some("ending")),
        _ => (Outcome::Pass, None),
    };
    Check {
        value: Some(f64::from(days)),
        ..check(Part::Certificate, outcome, code)
    }
}

fn equipment(signals: &EquipmentSignals) -> Check {
    let part = match signals.kind {
        EquipmentKind::Projector => Part::Projector,
        _ => Part::Equipment,
    };
    let (outcome, code) = match signals.state {
        EquipmentState::Ok | EquipmentState::Off => (Outcome::Pass, None),
        EquipmentState::Degraded => (Outcome::Warn, Some("degraded")),
        EquipmentState::Failed => (Outcome::Fail, Some("failed")),
        EquipmentState::Unreachable => (Outcome::Fail, Some("unreachable")),
        EquipmentState::Unauthorized => (Outcome::Fail, Some("unauthorized")),
        EquipmentState::Unknown => (Outcome::Unknown, None),
    };
    Check {
        name: signals.name.to_string(),
        ..check(part, outcome, code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_peer::directory;
    use serde_json::{Value, json};

    fn document(change: impl FnOnce(&mut Value)) -> HealthDocument {
        let mut document = json!({
            "cameras": [{
                "source": "cam0", "state": "streaming", "since": 1, "frame_age_ms": 40,
                "bytes_per_second": 1, "frames_per_second": 25.0, "restarts": 0, "audio": true,
                "sound": {"rms_dbfs": -40.0, "clipping_ratio": 0.0},
            }],
            "recording": {"state": "idle", "since": 1},
            "spool": {"waiting_bytes": 0, "waiting_segments": 0, "free_bytes": 1, "limit_bytes": 2,
                "evicted_unsent": 0},
            "system": {"uptime_s": 1, "load_ratio": 0.1, "memory_available_bytes": 1,
                "agent_resident_bytes": 1},
            "machine": {"certificate_days": 200},
            "disk": {"free_bytes": 1_u64 << 40, "size_bytes": 1_u64 << 41, "read_only": false},
            "equipment": [{"name": "projector", "kind": "projector", "state": "ok", "since": 1}],
            "clock_skew_ms": -3,
        });
        change(&mut document);
        serde_json::from_value(document).unwrap()
    }

    const WELL: Tried = Tried {
        disk_ms: Some(4.0),
        door_ms: Some(1.0),
    };

    fn found(
        change: impl FnOnce(&mut Value),
        tried: Tried,
    ) -> Vec<(Part, Outcome, Option<String>)> {
        let all = result(&document(change), tried).checks.into_iter();
        let bad = all.filter(|check| check.outcome != Outcome::Pass);
        bad.map(|check| (check.part, check.outcome, check.code))
            .collect()
    }

    #[test]
    fn a_room_that_is_well_passes_everything() {
        let checks = result(&document(|_| ()), WELL).checks;
        let parts: Vec<Part> = checks.iter().map(|check| check.part).collect();
        let all = [
            Part::Camera,
            Part::Sound,
            Part::Disk,
            Part::Space,
            Part::Clock,
            Part::Network,
            Part::Certificate,
            Part::Projector,
        ];
        assert_eq!(parts, all);
        assert!(checks.iter().all(|check| check.outcome == Outcome::Pass));
    }

    #[test]
    fn each_part_fails_by_its_own_word() {
        type Case = (fn(&mut Value), Part, Outcome, Option<&'static str>);
        let cases: [Case; 9] = [
            (
                |all| all["cameras"][0]["state"] = "unreachable".into(),
                Part::Camera,
                Outcome::Fail,
                Some("unreachable"),
            ),
            (
                |all| all["cameras"][0]["frame_age_ms"] = 5001.into(),
                Part::Camera,
                Outcome::Fail,
                Some("stalled"),
            ),
            (
                |all| all["cameras"][0]["audio"] = false.into(),
                Part::Sound,
                Outcome::Fail,
                Some("no_sound"),
            ),
            (
                |all| all["cameras"][0]["sound"]["found"] = "silent".into(),
                Part::Sound,
                Outcome::Warn,
                Some("silent"),
            ),
            (
                |all| all["disk"]["free_bytes"] = 9.into(),
                Part::Space,
                Outcome::Fail,
                Some("full"),
            ),
            (
                |all| all["clock_skew_ms"] = 60_001.into(),
                Part::Clock,
                Outcome::Fail,
                Some("off"),
            ),
            (
                |all| all["machine"]["certificate_days"] = 29.into(),
                Part::Certificate,
                Outcome::Warn,
                Some("ending"),
            ),
            (
                |all| all["equipment"][0]["state"] = "unreachable".into(),
                Part::Projector,
                Outcome::Fail,
                Some("unreachable"),
            ),
            (
                |all| all["equipment"][0]["state"] = "unknown".into(),
                Part::Projector,
                Outcome::Unknown,
                None,
            ),
        ];
        for (change, part, outcome, code) in cases {
            let expected = (part, outcome, code.map(str::to_owned));
            assert_eq!(found(change, WELL), [expected]);
        }
        let nothing = Tried {
            disk_ms: None,
            door_ms: None,
        };
        let codes: Vec<_> = found(|_| (), nothing)
            .into_iter()
            .map(|one| one.2)
            .collect();
        assert_eq!(codes, [Some("no_write".into()), Some("closed".into())]);
    }

    #[tokio::test]
    async fn the_disk_is_tried_and_left_as_it_was() {
        let folder = directory("selftest");
        let nobody = HubAddress {
            host: "127.0.0.1".into(),
            port: 1,
        };
        let found = tried(&folder, &nobody).await;
        assert!(
            found.disk_ms.is_some() && found.door_ms.is_none(),
            "{found:?}"
        );
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        let gone = tried(&folder.join("gone"), &nobody).await;
        assert_eq!(gone.disk_ms, None);
    }
}
