//! The trail outside the hub: exported, checked offline; and who watched, told to its teacher.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use xunke_tests::campus::{Viewer, program};
use xunke_tests::clock::now_ms;

use crate::shared::{ELSEWHERE, WELL, campus, folder, get, list, person, room, run};

/// Runs `xunke-hub audit …`: its exit code and all it said.
fn audit(arguments: &[&str]) -> Result<(i32, String)> {
    let mut command = Command::new(program("xunke-hub")?);
    let output = command.arg("audit").args(arguments).output()?;
    let said = [output.stdout, output.stderr].concat();
    let code = output.status.code().context("ended by a signal")?;
    Ok((code, String::from_utf8(said)?))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// X8, K6, R116: the audit administrator takes the whole trail home, and nobody else does; the
/// export is its own last line, is whole offline, and does not survive one changed digit.
#[test]
fn an_export_over_https_is_checked_without_the_hub() -> Result<()> {
    run(async {
        let auditor = person("audit_administrator").await?;
        for other in ["security_administrator", "technician", "school_supervisor"] {
            let (status, body) = person(other).await?.get("/api/audit/export").await?;
            assert_eq!(status, StatusCode::FORBIDDEN, "{other}: {body}");
        }
        let answer = auditor.request(Method::GET, "/api/audit/export", None);
        let answer = answer.await?;
        let named = answer.headers().get("content-disposition").cloned();
        let export = answer.text().await?;
        let named = named.context("no file name")?;
        ensure!(named.to_str()?.ends_with(".jsonl\""), "{named:?}");
        let mut lines = export.lines().rev().skip(1);
        let last: Value = serde_json::from_str(lines.next().context("no lines")?)?;
        assert_eq!(last["action"], "export_trail", "{last}");
        assert_eq!(last["staff_number"], auditor.me["person"]["staff_number"]);

        let file = folder("audit-https")?.join("trail.jsonl");
        fs::write(&file, &export)?;
        let (code, said) = audit(&["verify", text(&file)?])?;
        assert_eq!(code, 0, "{said}");
        fs::write(
            &file,
            export.replacen("\"seq\":3,\"at_ms\":1", "\"seq\":3,\"at_ms\":2", 1),
        )?;
        let (code, said) = audit(&["verify", text(&file)?])?;
        assert_eq!(code, 1, "{said}");
        ensure!(said.contains("line 3: the hash does not fit"), "{said}");
        Ok(())
    })
}

/// R116: what the filters find, as a workbook and as JSON, for the audit administrator alone; each
/// is a line that says how many, and the page is told how the copies are doing (X8).
#[test]
fn what_is_found_is_exported_and_each_export_is_a_line() -> Result<()> {
    run(async {
        let auditor = person("audit_administrator").await?;
        let number = auditor.me["person"]["staff_number"].as_str();
        let number = number.context("no staff number")?;
        let question = format!("person={number}&action=export_trail");
        for kind in ["xlsx", "json"] {
            let path = format!("/api/audit/excerpt.{kind}?{question}");
            for other in ["security_administrator", "technician", "school_supervisor"] {
                let (status, body) = person(other).await?.get(&path).await?;
                assert_eq!(status, StatusCode::FORBIDDEN, "{other}: {body}");
            }
            let answer = auditor.request(Method::GET, &path, None).await?;
            assert_eq!(answer.status(), StatusCode::OK);
            let bytes = answer.bytes().await?;
            let begins: &[u8] = if kind == "xlsx" { b"PK\x03\x04" } else { b"{" };
            ensure!(bytes.starts_with(begins), "{kind}");
        }
        let found = get(&auditor, &format!("/api/audit?{question}")).await?;
        let last = &list(&found, "entries")?[0];
        let detail = last["detail"].as_str().context("no detail")?;
        ensure!(detail.starts_with("excerpt, json "), "{last}");
        let asked = format!("person={number} action=export_trail");
        assert_eq!(last["object"], asked.as_str());
        let home = get(&auditor, "/api/home").await?;
        assert_eq!(home["trail_copy"]["state"], "off", "{home}");
        let other = get(&person("technician").await?, "/api/home").await?;
        ensure!(other["trail_copy"].is_null(), "{other}");
        Ok(())
    })
}

/// X8, K6: the same from the command line while the hub runs; a file is never written over.
#[test]
fn an_export_from_the_command_line_is_signed_and_new() -> Result<()> {
    run(async {
        let config = campus().await?.hub.data_dir().with_file_name("hub.toml");
        let file = folder("audit-command")?.join("trail.jsonl");
        let export = ["export", "--config", text(&config)?, "--out", text(&file)?];
        let (code, said) = audit(&export)?;
        assert_eq!(code, 0, "{said}");
        let key = said.trim().rsplit(' ').next().context("no key")?;
        let (code, whole) = audit(&["verify", text(&file)?, "--key", key])?;
        assert_eq!(code, 0, "{whole}");
        ensure!(whole.contains("signed with the given key"), "{whole}");
        let stranger = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let (code, said) = audit(&["verify", text(&file)?, "--key", stranger])?;
        assert_eq!(code, 1, "{said}");
        let before = fs::read(&file)?;
        let (code, said) = audit(&export)?;
        assert_eq!(code, 1, "{said}");
        ensure!(
            said.contains("cannot write") && fs::read(&file)? == before,
            "{said}"
        );
        Ok(())
    })
}

/// K2, Q19: what runs is not told, nor another teacher's lesson, nor anything to anybody else.
#[test]
fn a_teacher_sees_no_lesson_that_runs_or_is_anothers() -> Result<()> {
    run(async {
        let (supervisor, teacher) = (person("school_supervisor").await?, person("teacher").await?);
        let mut viewer = Viewer::open(&supervisor).await?;
        for (tile, number) in [(1, WELL), (2, ELSEWHERE)] {
            viewer.watch(tile, &room(number).await?, "sub").await?;
            viewer.word(Duration::from_secs(5)).await?;
        }
        let own = get(&teacher, "/api/home").await?;
        let own: Vec<_> = list(&own, "lessons")?
            .iter()
            .map(|lesson| (&lesson["course"], &lesson["start"]))
            .collect();
        let told = get(&teacher, "/api/watchers").await?;
        for view in list(&told, "views")? {
            let lesson = (&view["course"], &view["lesson_start"]);
            ensure!(own.contains(&lesson), "another teacher's: {view}");
            let end_ms = view["lesson_end"].as_i64().context("no end")?;
            ensure!(end_ms <= now_ms(), "it still runs: {view}");
        }
        let (status, body) = supervisor.get("/api/watchers").await?;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
        Ok(())
    })
}
