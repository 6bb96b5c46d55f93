//! The patrol record (附件1): header from the timetable, filed, read by whom it may be.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::StatusCode;
use serde_json::json;
use xunke_tests::campus::Viewer;

use crate::shared::{WELL, get, list, person, record_form, room, run};

/// R73–R85, R89: filed beside the picture, listed, and secret from those it does not concern.
#[test]
fn a_record_is_filed_and_read_by_those_it_concerns() -> Result<()> {
    run(async {
        let supervisor = person("unit_supervisor").await?;
        let room = room(WELL).await?;
        let mut viewer = Viewer::open(&supervisor).await?;
        viewer.watch(1, &room, "sub").await?;
        let opened = viewer.word(Duration::from_secs(5)).await?;
        viewer.frame(Duration::from_secs(5)).await?;
        let mut form = record_form(&supervisor, &room).await?;
        form["view_id"] = opened["view_id"].clone();
        let (status, filed) = supervisor.post("/api/records", &form).await?;
        assert!(status.is_success(), "{status} {filed}");
        let id = filed["id"].as_str().context("no id")?;
        for (role, sees) in [
            ("unit_supervisor", true),
            ("academic_affairs", true),
            ("unit_leader", true),
            ("technician", false),
            ("security_administrator", false),
            ("audit_administrator", false),
            ("school_supervisor_unsigned", false),
        ] {
            let somebody = person(role).await?;
            let (status, body) = somebody.get(&format!("/api/records/{id}")).await?;
            assert_eq!(status == StatusCode::OK, sees, "{role}: {status} {body}");
            let (status, body) = somebody.get("/api/records").await?;
            let listed = list(&body, "records").is_ok_and(|all| all.iter().any(|r| r["id"] == *id));
            assert_eq!(listed, sees, "{role}: {status} {body}");
        }
        let record = get(&supervisor, &format!("/api/records/{id}")).await?;
        assert_eq!(record["teacher"], form["teacher"], "{record}");
        Ok(())
    })
}

/// R73–R85: each wrong field is named.
#[test]
fn a_wrong_field_is_named() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        let form = record_form(&supervisor, &room(WELL).await?).await?;
        for (field, wrong) in [
            ("teacher_presence", json!("C")),
            ("interaction", json!("")),
            ("conditions", json!("Z")),
            ("grade", json!("H")),
            ("present_count", json!(-1)),
        ] {
            let mut form = form.clone();
            form[field] = wrong;
            let (status, body) = supervisor.post("/api/records", &form).await?;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {body}");
            assert_eq!(body["error"]["field"], field, "{body}");
        }
        Ok(())
    })
}
