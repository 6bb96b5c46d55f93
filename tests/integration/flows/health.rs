//! Classroom fault → status → the IT centre's screen.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use xunke_tests::campus::Person;
use xunke_tests::classroom::Behaviour;

use crate::shared::{UNLUCKY, campus, get, list, person, run, unlucky_turn, until};

/// Stall, looks, hold-down, report: well within.
const OPENS_MAX: Duration = Duration::from_secs(90);
const CLEARS_MAX: Duration = Duration::from_secs(90);

/// A fault of the unlucky room, open or cleared.
async fn fault(person: &Person, code: &str, open: bool) -> Result<Value> {
    let device = campus().await?.classrooms[UNLUCKY].room.device_id.clone();
    let longest = if open { OPENS_MAX } else { CLEARS_MAX };
    until(&format!("{code}, open: {open}"), longest, async || {
        let body = get(person, "/api/faults?open=true").await?;
        let mut faults = list(&body, "faults")?.iter();
        let found = faults.find(|fault| fault["code"] == code && fault["device"] == *device);
        Ok(match (found, open) {
            (Some(fault), true) => Ok(fault.clone()),
            (None, false) => Ok(Value::Null),
            _ => Err(body),
        })
    })
    .await
}

async fn befall(behaviour: Behaviour) -> Result<()> {
    campus().await?.classrooms[UNLUCKY].befall(behaviour)
}

/// R64, R65: what happens to a camera is on the screen, with a first action, and goes again.
///
/// One test, for one camera can suffer one thing at a time.
#[test]
fn what_befalls_a_camera_opens_a_fault_and_clears_it() -> Result<()> {
    run(async {
        let _turn = unlucky_turn().await;
        let technician = person("technician").await?;
        for (befalls, code) in [
            (Behaviour::Die, "CAM_NO_SIGNAL"),
            (Behaviour::Cover, "CAM_COVERED"),
            (Behaviour::Freeze, "CAM_STALLED"),
            (Behaviour::Unauthorized, "CAM_UNAUTHORIZED"),
            (Behaviour::Garbage, "CAM_GARBAGE"),
            (Behaviour::Dim, "CAM_DARK"),
            (Behaviour::Blur, "CAM_BLURRED"),
            (Behaviour::Still, "CAM_FROZEN"),
            (Behaviour::Turn, "CAM_MOVED"),
        ] {
            befall(befalls).await?;
            let fault_open = fault(&technician, code, true).await;
            befall(Behaviour::Revive).await?;
            let fault_open = fault_open?;
            assert!(
                !fault_open["first_action_zh"]
                    .as_str()
                    .context("no action")?
                    .is_empty()
            );
            assert!(fault_open["cleared_at"].is_null(), "{fault_open}");
            fault(&technician, code, false).await?;
        }
        lost_box(&technician).await?;
        no_names(&technician).await
    })
}

/// R64: a box without power is lost within a minute, and back when it is.
async fn lost_box(technician: &Person) -> Result<()> {
    campus().await?.classrooms[UNLUCKY].kill_agent();
    let lost = fault(technician, "DEVICE_LOST", true).await;
    campus().await?.classrooms[UNLUCKY].run_agent()?;
    assert_eq!(lost?["severity"], "critical");
    fault(technician, "DEVICE_LOST", false).await.map(drop)
}

/// DESIGN §4.4: the fleet plane is blind to class content.
async fn no_names(technician: &Person) -> Result<()> {
    let said = [
        get(technician, "/api/devices").await?.to_string(),
        get(technician, "/api/faults").await?.to_string(),
    ];
    let campus = campus().await?;
    for account in campus
        .hub
        .accounts
        .iter()
        .filter(|account| account.role == "teacher")
    {
        for text in &said {
            assert!(!text.contains(&account.name), "a teacher is named: {text}");
        }
    }
    Ok(())
}
