//! Somebody who watches in every way there is, and how soon all of it ends (R23).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use tokio::time::timeout;
use xunke_tests::campus::{Classroom, Person, Said, Viewer};
use xunke_tests::clock::now_ms;

use crate::shared::{get, list, until};

const SOON: Duration = Duration::from_secs(5);
/// “revoke to dark under one second”.
const DARK_MS_MAX: i64 = 1000;
/// A segment of so many seconds is more than the buffers between a hub and a browser hold.
const LONG_SEGMENT: &str = "segment_seconds = 25";
const RECORDED_MAX: Duration = Duration::from_secs(60);

/// What is left of the session of somebody who may not watch any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Signed in as before.
    Lives,
    /// Signed out.
    Dead,
}

/// Records the room in long segments from now on.
pub fn record_long_segments(room: &mut Classroom) -> Result<()> {
    room.end_agent()?;
    room.configure(|text| {
        let text = text.replace("segment_seconds = 6", LONG_SEGMENT);
        text.replace("slot_mib = 2", "slot_mib = 16")
    })?;
    room.run_agent()
}

/// Waits until the room has a recording with a long segment; gives its path.
pub async fn recorded(person: &Person, room: &str) -> Result<String> {
    until("a long segment", RECORDED_MAX, async || {
        let body = get(person, &format!("/api/recordings?room={room}")).await?;
        let mut all = list(&body, "recordings")?.iter();
        let found = all.find(|one| one["seconds_recorded"].as_i64() >= Some(24));
        let id = found.and_then(|one| one["id"].as_str());
        let path = id.map(|id| format!("/api/recordings/{id}"));
        Ok(path.ok_or(body))
    })
    .await
}

/// A live picture, a playback of which a segment is being sent, and a line of events.
pub struct Watching {
    person: Person,
    viewer: Viewer,
    segment: String,
    sending: Response,
    events: Response,
}

impl Watching {
    /// Opens everything and waits for the picture.
    pub async fn begin(person: &Person, room: &str, recording: &str) -> Result<Self> {
        let mut viewer = Viewer::open(person).await?;
        viewer.watch(1, room, "sub").await?;
        let opened = viewer.word(SOON).await?;
        ensure!(opened["op"] == "opened", "{opened}");
        viewer.frame(SOON).await?;
        let plan = json!({ "purpose": { "kind": "plan" } });
        let (status, play) = person.post(&format!("{recording}/plays"), &plan).await?;
        ensure!(status.is_success(), "{status} {play}");
        let lasts = |one: &&serde_json::Value| one["duration_ms"].as_i64();
        let longest = list(&play, "segments")?.iter().max_by_key(lasts);
        let longest = longest.and_then(|one| one["id"].as_str());
        let (play, id) = play["play_id"]
            .as_str()
            .zip(longest)
            .context("no segment")?;
        let segment = format!("/api/plays/{play}/segments/{id}");
        // Read only afterwards: the hub waits with it in its hands.
        let sending = person.request(Method::GET, &segment, None).await?;
        ensure!(sending.status().is_success(), "{}", sending.status());
        let events = person.request(Method::GET, "/api/events", None).await?;
        ensure!(events.status().is_success(), "{}", events.status());
        let person = person.clone();
        Ok(Self {
            person,
            viewer,
            segment,
            sending,
            events,
        })
    }

    /// Says why the picture has ended. All of it ended within a second of `since_ms`.
    pub async fn ends(mut self, since_ms: i64, cookie: Cookie) -> Result<String> {
        let (status, body) = self.person.get(&self.segment).await?;
        ensure!(status.is_client_error(), "played on: {status}");
        ensure!(body["error"]["code"].is_string(), "{body}");
        let code = self.darkness(since_ms).await?;
        let signed_in = self.person.get("/api/me").await?.0 == StatusCode::OK;
        ensure!(signed_in == (cookie == Cookie::Lives), "{code}: {cookie:?}");
        if cookie == Cookie::Dead {
            self.lines_end(since_ms).await?;
            let again = self.person.try_socket("/api/live").await?;
            ensure!(again.is_err(), "{code}: a dead cookie has a live line");
        }
        let rest = DARK_MS_MAX - (now_ms() - since_ms);
        tokio::time::sleep(Duration::from_millis(u64::try_from(rest).unwrap_or(0))).await;
        let sent = self.sending.bytes().await;
        ensure!(sent.is_err(), "{code}: a segment was sent to its end");
        Ok(code)
    }

    /// The word that ends the picture; the last frame came in time.
    async fn darkness(&mut self, since_ms: i64) -> Result<String> {
        let mut last_frame_ms = since_ms;
        let code = loop {
            match self.viewer.next(SOON).await? {
                Said::Frame(_) => last_frame_ms = now_ms(),
                Said::Word(word) if word["op"] == "closed" => {
                    let code = word["error"]["code"].as_str();
                    break code.unwrap_or_default().to_owned();
                }
                Said::Word(_) => {}
                Said::Closed => break "session_ended".into(),
            }
            ensure!(last_frame_ms - since_ms < 5000, "the picture goes on");
        };
        in_time(&format!("the picture ({code})"), last_frame_ms - since_ms)?;
        Ok(code)
    }

    /// With the session its two lines end.
    async fn lines_end(&mut self, since_ms: i64) -> Result<()> {
        while !matches!(self.viewer.next(SOON).await?, Said::Closed) {}
        in_time("the live line", now_ms() - since_ms)?;
        while let Ok(Some(_)) = timeout(SOON, self.events.chunk()).await? {}
        in_time("the line of events", now_ms() - since_ms)
    }
}

fn in_time(what: &str, after_ms: i64) -> Result<()> {
    ensure!(
        after_ms < DARK_MS_MAX,
        "{what} ended only after {after_ms} ms"
    );
    Ok(())
}
