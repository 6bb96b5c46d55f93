//! The light on a real file and at a real HTTP server.

use super::*;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const SOON: Duration = Duration::from_secs(5);

fn recording(state: RecordingState) -> RecordingSignals {
    RecordingSignals {
        state,
        since: 0,
        durable_age_ms: None,
        timetable: None,
    }
}

/// A light at work.
struct Room {
    light: Light,
    recorder: watch::Sender<RecordingSignals>,
    told: watch::Receiver<Option<EquipmentSignals>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn room(config: &config::Light) -> Room {
    let light = Light::new(config);
    let (recorder, records) = watch::channel(recording(RecordingState::Idle));
    let (tell, told) = watch::channel(None);
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(light.clone().run(records, tell, stopping));
    Room {
        light,
        recorder,
        told,
        stop,
        task,
    }
}

impl Room {
    async fn ends(self) {
        self.stop.send_replace(true);
        timeout(SOON, self.task).await.unwrap().unwrap();
    }

    async fn tells(&mut self, state: EquipmentState) {
        let told =
            |one: &Option<EquipmentSignals>| one.as_ref().is_some_and(|it| it.state == state);
        drop(
            timeout(SOON, self.told.wait_for(told))
                .await
                .unwrap()
                .unwrap(),
        );
    }
}

fn file(name: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("xunke-light-{name}-{}", std::process::id()));
    fs::write(&file, "?").unwrap();
    file
}

async fn reads(file: &PathBuf, value: &str) {
    let begun = Instant::now();
    while fs::read_to_string(file).unwrap() != format!("{value}\n") {
        assert!(begun.elapsed() < SOON, "{:?}", fs::read_to_string(file));
        sleep(Duration::from_millis(5)).await;
    }
}

/// Lit before the push may begin, out when the last one has ended, off when the agent has.
#[tokio::test]
async fn a_file_shows_what_goes_on() {
    let file = file("file");
    let config = config::Light {
        file: Some(file.clone()),
        file_watched: "255".into(),
        ..config::Light::default()
    };
    let mut room = room(&config);
    reads(&file, "0").await;
    room.tells(EquipmentState::Ok).await;
    room.recorder
        .send_replace(recording(RecordingState::Recording));
    reads(&file, "1").await;
    let first = room.light.claim().await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "255\n");
    let second = room.light.claim().await.unwrap();
    drop(first);
    sleep(Duration::from_millis(50)).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "255\n");
    drop(second);
    reads(&file, "1").await;
    let last = room.light.claim().await.unwrap();
    room.stop.send_replace(true);
    sleep(Duration::from_millis(50)).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "255\n", "still watched");
    drop(last);
    room.ends().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "0\n");
    fs::remove_file(file).unwrap();
}

/// An LED that is gone is told, holds a push up only where the school wants it, and is lit when it
/// is back.
#[tokio::test]
async fn a_light_that_fails_is_told_and_may_hold_pushes_up() {
    let file = file("gone");
    fs::remove_file(&file).unwrap();
    for push_without in [true, false] {
        let config = config::Light {
            file: Some(file.clone()),
            push_without,
            ..config::Light::default()
        };
        let mut room = room(&config);
        room.tells(EquipmentState::Failed).await;
        let begun = Instant::now();
        assert_eq!(room.light.claim().await.is_ok(), push_without);
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        let lost = timeout(Duration::from_millis(50), room.light.lost()).await;
        assert_eq!(lost.is_err(), push_without);
        fs::write(&file, "").unwrap();
        let claim = room.light.claim().await.unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "1\n");
        room.tells(EquipmentState::Ok).await;
        drop(claim);
        room.ends().await;
        fs::remove_file(&file).unwrap();
    }
}

/// A server that says which paths were asked for, and answers with that status.
async fn server(status: &'static str) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 1024];
            let length = stream.read(&mut head).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            drop(tell.send(path));
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (port, heard)
}

fn at(port: u16) -> config::Light {
    let url = |path: &str| Some(format!("http://127.0.0.1:{port}/{path}"));
    config::Light {
        url_idle: url("relay/0?turn=off"),
        url_recording: url("relay/0?turn=on"),
        url_watched: url("relay/0?turn=on"),
        push_without: false,
        ..config::Light::default()
    }
}

#[tokio::test]
async fn an_address_is_called_once_for_each_change_that_is_seen() {
    let (port, mut heard) = server("200 OK").await;
    let room = room(&at(port));
    assert_eq!(heard.recv().await.unwrap(), "/relay/0?turn=off");
    let claim = room.light.claim().await.unwrap();
    assert_eq!(
        heard.try_recv().unwrap(),
        "/relay/0?turn=on",
        "before the push"
    );
    // Recorded or watched: it looks the same here.
    room.recorder
        .send_replace(recording(RecordingState::Recording));
    sleep(Duration::from_millis(50)).await;
    drop(claim);
    drop(room.light.claim().await.unwrap());
    sleep(Duration::from_millis(50)).await;
    assert!(heard.try_recv().is_err());
    room.ends().await;
    assert_eq!(heard.recv().await.unwrap(), "/relay/0?turn=off");
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn an_address_that_refuses_or_is_silent_is_no_light() {
    let (port, _heard) = server("500 Oops").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for port in [port, silent.local_addr().unwrap().port()] {
        let mut room = room(&at(port));
        room.tells(EquipmentState::Failed).await;
        let begun = Instant::now();
        assert_eq!(room.light.claim().await.err(), Some(Dark));
        assert!(begun.elapsed() < LIT_MAX + Duration::from_millis(500));
        room.ends().await;
    }
}

#[tokio::test]
async fn a_room_without_a_light_waits_for_nothing() {
    let room = room(&config::Light::default());
    drop(room.light.claim().await.unwrap());
    let lost = timeout(Duration::from_millis(20), room.light.lost()).await;
    assert!(lost.is_err() && room.told.borrow().is_none());
    room.ends().await;
}
