//! Screen: faults, with what each means and what to do first (R64–R66).

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use xunke_policy::fault::{self, Words};

use super::App;
use super::devices::rooms;
use super::error::{Error, ErrorBody};
use super::input::Query;
use crate::device::registry;
use crate::store::Db;
use crate::store::health::{self as rows, FaultRow};

/// Most faults on one page.
const FAULTS_MAX: i64 = 500;

/// Which faults.
#[derive(Debug, Deserialize)]
pub struct Which {
    /// Only those that are open.
    #[serde(default)]
    pub open: bool,
    /// Only those of this box.
    #[serde(default)]
    pub device: Option<String>,
}

/// Faults, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Faults {
    /// At most 500.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fault {
    /// Its id.
    pub id: String,
    /// Stable name, such as `CAM_COVERED`.
    pub code: String,
    /// `warning`, `minor`, `major` or `critical`.
    pub severity: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// What it is called, in English.
    pub title_en: String,
    /// What most often causes it, in Chinese.
    pub cause_zh: String,
    /// What most often causes it, in English.
    pub cause_en: String,
    /// What to do first, in Chinese.
    pub first_action_zh: String,
    /// What to do first, in English.
    pub first_action_en: String,
    /// Which box.
    pub device: String,
    /// The room's name.
    pub room: String,
    /// A source name, or `box`.
    pub component: String,
    /// First found.
    pub opened_at: i64,
    /// Last found, if it is over.
    pub cleared_at: Option<i64>,
    /// The numbers it rests on.
    pub evidence: String,
}

/// The faults of every box.
///
/// # Errors
/// 403 for whoever does not maintain them.
#[utoipa::path(get, path = "/api/faults", tag = "health",
    params(("open" = Option<bool>, Query, description = "Only those that are open"),
        ("device" = Option<String>, Query, description = "Only those of this box")),
    responses((status = 200, body = Faults), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, which: Query<Which>) -> Result<Json<Faults>, Error> {
    let room_of = rooms_of_boxes(&app.db).await?;
    let faults = match which.0.device {
        Some(device) => rows::faults_of(&app.db, &device, which.0.open, FAULTS_MAX).await?,
        None => rows::faults(&app.db, which.0.open, FAULTS_MAX).await?,
    };
    let view = |row: FaultRow| {
        let room = room_of.get(&row.device_id).cloned().unwrap_or_default();
        view(row, room.name)
    };
    Ok(Json(Faults {
        faults: faults.into_iter().map(view).collect(),
    }))
}

/// Where a box stands, or stood.
#[derive(Debug, Clone, Default)]
pub(super) struct RoomOfBox {
    /// The room's id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
}

/// The room of every box, retired ones too.
pub(super) async fn rooms_of_boxes(db: &Db) -> Result<HashMap<String, RoomOfBox>, Error> {
    let rooms = rooms(db).await?;
    let mut room_of = HashMap::new();
    for device in registry::all(db).await? {
        let room = rooms.get(&device.classroom).map(|room| RoomOfBox {
            id: room.id.0.to_string(),
            name: room.name.clone(),
        });
        room_of.insert(String::from(device.id), room.unwrap_or_default());
    }
    Ok(room_of)
}

fn view(row: FaultRow, room: String) -> Fault {
    let unknown = || Words {
        zh: "（此版本未知的故障）".into(),
        en: "A fault this version does not know".into(),
    };
    let kind = fault::kind(&row.code);
    let words = |of: fn(&fault::Kind) -> &Words| kind.map_or_else(unknown, |kind| of(kind).clone());
    let (title, cause, act) = (
        words(|kind| &kind.title),
        words(|kind| &kind.cause),
        words(|kind| &kind.first_action),
    );
    Fault {
        id: row.id,
        code: row.code,
        severity: row.severity,
        title_zh: title.zh,
        title_en: title.en,
        cause_zh: cause.zh,
        cause_en: cause.en,
        first_action_zh: act.zh,
        first_action_en: act.en,
        device: row.device_id,
        room,
        component: row.component,
        opened_at: row.opened_ms,
        cleared_at: row.cleared_ms,
        evidence: evidence(&row.evidence),
    }
}

/// `{"luma_mean":16.1}` as `luma_mean 16.1`.
pub(super) fn evidence(json: &str) -> String {
    let numbers: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).unwrap_or_default();
    let number = |(name, value): (&String, &serde_json::Value)| match value.as_f64() {
        Some(value) => format!("{name} {}", (value * 100.0).round() / 100.0),
        None => name.clone(),
    };
    numbers.iter().map(number).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_to_do_and_shows_its_numbers() {
        let row = FaultRow {
            id: "1".into(),
            device_id: "box-1".into(),
            component: "cam0".into(),
            code: "CAM_COVERED".into(),
            severity: "major".into(),
            opened_ms: 5,
            cleared_ms: None,
            evidence: r#"{"luma_mean":16.123,"luma_variance":0.0}"#.into(),
        };
        let fault = view(row.clone(), "博学楼101".into());
        assert!(fault.title_zh.contains("遮挡") && fault.first_action_en.contains("lens"));
        assert_eq!(fault.evidence, "luma_mean 16.12, luma_variance 0");
        let unknown = view(
            FaultRow {
                code: "NEWER".into(),
                ..row
            },
            String::new(),
        );
        assert!(unknown.title_zh.contains("未知"));
    }
}
