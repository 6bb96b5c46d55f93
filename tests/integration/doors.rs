//! Every route from a foreign page and without a CSRF token, what answers carry, and the boxes'
//! door. Who gets what from each route is the matrix of `exits`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use xunke_tests::campus::Person;

use crate::shared::{WELL, campus, get, list, nobody, person, record_form, room, run, until};

const NIL: &str = "00000000-0000-0000-0000-000000000000";
/// What nobody may call: signing in, starting with a code, and the description of the routes.
const PUBLIC: [&str; 11] = [
    "POST /api/session",
    "POST /api/session/link",
    "POST /api/session/passkey",
    "POST /api/session/passkey/question",
    "GET /api/session/single-sign-on",
    "POST /api/session/single-sign-on",
    "POST /api/session/single-sign-on/return",
    "POST /api/session/single-sign-on/code",
    "POST /api/start",
    "POST /api/start/account",
    "GET /api/openapi.json",
];
/// Every method and path that the hub describes.
async fn routes() -> Result<Vec<(Method, String)>> {
    let nobody = nobody().await?;
    let described = get(&nobody, "/api/openapi.json").await?;
    let paths = described["paths"].as_object().context("no paths")?;
    let mut routes = vec![];
    for (path, item) in paths {
        for method in item.as_object().context("no methods")?.keys() {
            routes.push((method.to_uppercase().parse()?, path.clone()));
        }
    }
    ensure!(
        routes.len() >= 15,
        "only {} routes are described",
        routes.len()
    );
    Ok(routes)
}

fn name((method, path): &(Method, String)) -> String {
    format!("{method} {path}")
}

/// Sends a route's request as somebody; parameters are filled with what exists. Signing out is
/// sent without its CSRF token, for the session is needed again.
async fn knock(person: &Person, route: &(Method, String), real: &Value) -> Result<StatusCode> {
    let (method, path) = route;
    let body = match (method.as_str(), path.as_str()) {
        ("GET", _) => None,
        ("POST", "/api/records") => Some(real["form"].clone()),
        _ => Some(json!({})),
    };
    let person = match *method == Method::DELETE && path == "/api/session" {
        true => person.clone().with_header("x-csrf-token", None)?,
        false => person.clone(),
    };
    let path = fill(path, real)?;
    let answer = person.request(method.clone(), &path, body.as_ref());
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
    Ok(answer
        .with_context(|| format!("{} does not answer", name(route)))??
        .status())
}

/// The path with things that exist in place of its parameters.
fn fill(path: &str, real: &Value) -> Result<String> {
    let mut filled = path.to_owned();
    let own = match path.split('/').nth(2) {
        Some("rooms") => "room",
        Some("recordings") => "recording",
        // Nothing is opened or taken back here: the others look at what people hold.
        Some("agreements" | "applications" | "grants" | "people") => "nothing",
        Some("departures" | "handovers" | "sanctions") => "nothing",
        _ => "record",
    };
    for (parameter, key) in [
        ("{id}", own),
        ("{play}", "play"),
        ("{segment}", "segment"),
        ("{room}", "room"),
        ("{party}", "party"),
    ] {
        filled = filled.replace(parameter, real[key].as_str().context("nothing real")?);
    }
    ensure!(!filled.contains('{'), "nothing real to fill into {filled}");
    if path == "/api/records/new" {
        filled = format!(
            "{filled}?room={}",
            real["room"].as_str().context("no room")?
        );
    }
    Ok(filled)
}

/// Things that exist and that a supervisor may see: a room, a recording, an open playback, a
/// patrol record.
async fn real() -> Result<Value> {
    static REAL: OnceCell<Value> = OnceCell::const_new();
    REAL.get_or_try_init(make_real).await.cloned()
}

async fn make_real() -> Result<Value> {
    let supervisor = person("school_supervisor").await?;
    let room = room(WELL).await?;
    let recording = until("a recording", Duration::from_secs(40), async || {
        let body = get(&supervisor, &format!("/api/recordings?room={room}")).await?;
        let found = list(&body, "recordings")?.first().cloned();
        Ok(found.ok_or(body))
    })
    .await?;
    let path = format!(
        "/api/recordings/{}/plays",
        recording["id"].as_str().context("no id")?
    );
    let (_, play) = supervisor
        .post(&path, &json!({ "purpose": { "kind": "plan" } }))
        .await?;
    let mut form = record_form(&supervisor, &room).await?;
    let (status, record) = supervisor.post("/api/records", &form).await?;
    ensure!(
        status.is_success(),
        "no record can be filed: {status} {record}"
    );
    // Refused for its grade after the right to file was looked at, so that nothing is filed twice.
    form["grade"] = json!("");
    Ok(json!({
        "room": room,
        "recording": recording["id"],
        "play": play["play_id"],
        "segment": play["segments"][0]["id"],
        "record": record["id"],
        "form": form,
        "nothing": NIL,
        "party": "school",
    }))
}

/// DESIGN §4.6: another site's page and a request without the CSRF token change nothing.
#[test]
fn foreign_pages_change_nothing() -> Result<()> {
    run(async {
        let (supervisor, real) = (person("school_supervisor").await?, real().await?);
        let foreign = supervisor
            .clone()
            .with_header("origin", Some("https://evil.example"))?;
        let silent = supervisor.clone().with_header("origin", None)?;
        let forged = supervisor
            .clone()
            .with_header("x-csrf-token", Some("forged"))?;
        let routes = routes().await?;
        for route in routes.iter().filter(|route| route.0 != Method::GET) {
            for (what, person) in [("foreign", &foreign), ("no origin", &silent)] {
                let status = knock(person, route, &real).await?;
                assert_eq!(status, StatusCode::FORBIDDEN, "{what}: {}", name(route));
            }
            if !PUBLIC.contains(&name(route).as_str()) {
                let status = knock(&forged, route, &real).await?;
                assert_eq!(status, StatusCode::FORBIDDEN, "forged: {}", name(route));
            }
        }
        for person in [foreign, silent] {
            let opened = person.try_socket("/api/live").await?;
            assert_eq!(opened.err(), Some(StatusCode::FORBIDDEN));
        }
        Ok(())
    })
}

/// DESIGN §4.6: what browsers are told with every answer.
#[test]
fn answers_carry_their_protection() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        let answer = supervisor.request(Method::GET, "/api/me", None).await?;
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok());
        assert_eq!(header("cache-control"), Some("no-store"));
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        let csp = header("content-security-policy").context("no CSP")?;
        assert!(
            csp.contains("default-src 'none'") && csp.contains("script-src 'self'"),
            "{csp}"
        );
        Ok(())
    })
}

/// X1: the boxes' door knows boxes by their certificates and takes nothing else.
#[test]
fn the_boxes_door_opens_for_boxes_only() -> Result<()> {
    run(async {
        let (identity, door) = {
            let campus = campus().await?;
            let door = format!("https://127.0.0.1:{}", campus.hub.ports.boxes);
            (campus.classrooms[WELL].identity()?, door)
        };
        let without = identity.client(false)?;
        let with = identity.client(true)?;
        let segment = format!("{door}/box/1/segments/{NIL}");
        for (method, url) in [
            (Method::GET, format!("{door}/box/1/epoch-bundle")),
            (Method::PUT, segment.clone()),
            (Method::GET, format!("{door}/box/1/live/{NIL}")),
        ] {
            // Refused either way: by TLS already, or by an answer.
            if let Ok(answer) = without.request(method, &url).send().await {
                let status = answer.status();
                assert!(
                    matches!(status.as_u16(), 401 | 403),
                    "{url} without certificate: {status}"
                );
            }
        }
        let bundle = with
            .get(format!("{door}/box/1/epoch-bundle"))
            .send()
            .await?;
        assert_eq!(bundle.status(), StatusCode::OK);
        let garbage = with
            .put(&segment)
            .body("not a sealed segment")
            .send()
            .await?;
        assert!(
            garbage.status().is_client_error(),
            "garbage: {}",
            garbage.status()
        );
        let people = with.get(format!("{door}/api/me")).send().await?;
        assert_eq!(
            people.status(),
            StatusCode::NOT_FOUND,
            "people's routes at the boxes' door"
        );
        Ok(())
    })
}
