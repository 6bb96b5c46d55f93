//! The audit administrator's console at the doors of one hub: lines of what was asked, filters,
//! hints, and a signed inspection (R115–R118, X5).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Person, one_time_code};
use xunke_tests::clock::now_ms;

use crate::shared::{campus, get, list, person, room, run, until};

/// The lines that answer a question.
async fn lines(auditor: &Person, question: &str) -> Result<Vec<Value>> {
    let page = get(auditor, &format!("/api/audit?limit=500&{question}")).await?;
    Ok(list(&page, "entries")?.clone())
}

/// R116, R118: whoever reads a list leaves a line, once; the trail answers by person, action,
/// outcome and object, and says which.
#[test]
fn every_query_is_a_line_and_every_line_is_found() -> Result<()> {
    run(async {
        let auditor = person("audit_administrator").await?;
        let affairs = person("academic_affairs").await?;
        for _ in 0..3 {
            get(&affairs, "/api/grants").await?;
        }
        let number = affairs.me["person"]["staff_number"].as_str();
        let number = number.context("no staff number")?;
        let read = lines(&auditor, &format!("person={number}&action=read_ledger")).await?;
        assert_eq!(read.len(), 1, "asked again is the same query: {read:?}");
        assert_eq!(read[0]["outcome"], "permitted");
        let technician = person("technician").await?;
        let (status, _) = technician.get("/api/audit").await?;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let refused = lines(&auditor, "outcome=refused&action=read_trail").await?;
        ensure!(!refused.is_empty(), "a refused query is a line too");
        let fits = |line: &Value| line["outcome"] == "refused" && line["action"] == "read_trail";
        ensure!(refused.iter().all(fits), "{refused:?}");
        let started = lines(&auditor, "action=hub_started").await?;
        assert_eq!(started.len(), 1, "{started:?}");
        let applied = lines(&auditor, "action=apply_preset").await?;
        let object = applied[0]["object"].as_str().context("no object")?;
        ensure!(object.starts_with("北京工业职业技术学院"), "{object}");
        let by_object = lines(&auditor, "object=%E5%8C%97%E4%BA%AC%E5%B7%A5%E4%B8%9A").await?;
        ensure!(
            by_object
                .iter()
                .any(|line| line["seq"] == applied[0]["seq"])
        );
        let future = now_ms() + 60_000;
        assert!(lines(&auditor, &format!("from={future}")).await?.is_empty());
        Ok(())
    })
}

/// R117, R114: many refused attempts become a hint with its lines, and a person judges it.
#[test]
fn refused_attempts_become_a_hint_that_a_person_judges() -> Result<()> {
    run(async {
        let auditor = person("audit_administrator").await?;
        let teacher = person("teacher").await?;
        let room = room(0).await?;
        for _ in 0..12 {
            let (status, _) = teacher.get(&format!("/api/rooms/{room}")).await?;
            assert_eq!(status, StatusCode::FORBIDDEN);
        }
        let number = &teacher.me["person"]["staff_number"];
        let mine =
            |risk: &&Value| risk["risk"] == "refusals" && risk["person"]["staff_number"] == *number;
        let risk = until("a hint", Duration::from_secs(40), async || {
            let body = get(&auditor, "/api/risks").await?;
            let found = list(&body, "risks")?.iter().find(mine).cloned();
            Ok(found.ok_or(body))
        })
        .await?;
        assert_eq!(risk["state"], "open", "{risk}");
        ensure!(risk["lines"].as_i64() >= Some(11), "{risk}");
        let path = format!(
            "/api/risks/{}/judgement",
            risk["id"].as_str().context("id")?
        );
        let form = json!({ "state": "false_alarm", "note": "自动化测试" });
        let security = person("security_administrator").await?;
        let (status, body) = security.post(&path, &form).await?;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
        let (status, body) = auditor.post(&path, &form).await?;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
        let body = get(&auditor, "/api/risks").await?;
        let judged = list(&body, "risks")?
            .iter()
            .find(|one| one["id"] == risk["id"]);
        let judged = judged.context("gone")?;
        assert_eq!(judged["state"], "false_alarm");
        assert_eq!(judged["note"], "自动化测试");
        Ok(())
    })
}

/// R115: signed with password and code, once each; a wrong password signs nothing and does not
/// sign out; the homes of two administrators know when the next is due, and nobody else's.
#[test]
fn an_inspection_is_signed_and_no_other_console_sees_it() -> Result<()> {
    run(async {
        let auditor = person("audit_administrator").await?;
        let account = {
            let campus = campus().await?;
            let mut accounts = campus.hub.accounts.iter();
            let found = accounts.find(|one| one.role == "audit_administrator");
            found.context("no auditor")?.clone()
        };
        let before = get(&auditor, "/api/home").await?;
        let from = before["inspection"]["inspected_until"].as_i64();
        let from = from.context("nothing is due")?;
        let until = now_ms() - 1;
        let form = |password: &str, totp: String| {
            json!({ "from": from, "until": until, "findings": "未发现异常。",
                "measures": "无需处理。", "password": password, "totp": totp })
        };
        let code = one_time_code(&account.totp_secret, now_ms())?;
        let wrong = form("Xk7#wide-Lake", code);
        let (status, body) = auditor.post("/api/inspections", &wrong).await?;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(body["error"]["field"], "password");
        let mut signed = None;
        for at_ms in [0, 30_000].map(|ms| now_ms() + ms) {
            let code = one_time_code(&account.totp_secret, at_ms)?;
            let form = form(&account.password, code);
            let (status, body) = auditor.post("/api/inspections", &form).await?;
            if status == StatusCode::CREATED {
                signed = Some(body);
                break;
            }
        }
        let signed = signed.context("not signed")?;
        let listed = get(&auditor, "/api/inspections").await?;
        let one = list(&listed, "inspections")?
            .first()
            .context("not listed")?;
        assert_eq!(one["number"], signed["number"]);
        assert_eq!(
            (&one["whole"], &one["until"]),
            (&json!(true), &json!(until))
        );
        ensure!(one["period"]["lines"].as_i64() > Some(0), "{one}");
        let security = person("security_administrator").await?;
        let home = get(&security, "/api/home").await?;
        assert_eq!(home["inspection"]["inspected_until"], until);
        assert_eq!(home["inspection"]["overdue"], false);
        for role in ["technician", "academic_affairs", "school_supervisor"] {
            let home = get(&person(role).await?, "/api/home").await?;
            assert_eq!(home["inspection"], Value::Null, "{role}");
        }
        for path in ["/api/inspections", "/api/risks"] {
            let (status, body) = security.get(path).await?;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {body}");
        }
        Ok(())
    })
}
