//! One camera of this room: keeps its worker process running and hands its frames out.

use super::address::{Unresolved, resolve};
use super::broker::{Allowed, Broker};
use super::onvif::skew;
use super::pair::{Error as PairError, MAIN, Note, Onvif, Order, Report, SUB, Trust};
use super::pause::Pause;
use super::program::Program;
use super::ring::FrameHub;
use super::signals::Meter;
use crate::clock;
use crate::config;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use url::Url;
use xunke_protocol::health::{CameraSignals, CameraState, Side};
use xunke_protocol::id::{SourceName, StreamKind};

/// The worker sends a word twice a second; beyond its own limits it gets this much grace.
const GRACE: Duration = Duration::from_secs(3);
const CREDENTIALS_BYTES_MAX: u64 = 4096;
/// An order with all else in it stays below its own limit.
const CA_BYTES_MAX: u64 = 32 * 1024;
const SIGNALS_EVERY_MS: i64 = 1_000;
/// Between two looks at a camera's pictures (docs/decisions/0017).
const LOOK_MS: u64 = 4_000;
/// A camera being served. Dropping it ends its worker and its streams.
pub struct Camera {
    /// Its name.
    pub name: SourceName,
    main: FrameHub,
    sub: Option<FrameHub>,
    signals: watch::Receiver<CameraSignals>,
    task: JoinHandle<()>,
}

impl Camera {
    /// Starts the camera's worker and keeps it running. Must be called within a runtime.
    pub fn start(camera: config::Camera, intake: config::Intake, program: Program) -> Self {
        let mut meter = Meter::new(camera.name.clone(), clock::now_ms());
        let (publish, signals) = watch::channel(meter.signals(clock::now_ms()));
        let name = camera.name.clone();
        let main = FrameHub::default();
        // A camera that is asked for its streams may have a small one.
        let has_sub = camera.sub_url.is_some() || camera.main_url.is_empty();
        let sub = has_sub.then(FrameHub::default);
        let supervisor = Supervisor {
            camera,
            intake,
            program,
            main: main.clone(),
            sub: sub.clone(),
            meter,
            publish,
            published_ms: 0,
            sub_away: false,
            onvif_trouble: String::new(),
            brokered: true,
            told: None,
        };
        let task = tokio::spawn(supervisor.run());
        Self {
            name,
            main,
            sub,
            signals,
            task,
        }
    }

    /// The frames of a stream; `None` when the camera has no small picture configured.
    pub fn frames(&self, stream: StreamKind) -> Option<&FrameHub> {
        match stream {
            StreamKind::Main => Some(&self.main),
            StreamKind::Sub => self.sub.as_ref(),
        }
    }

    /// How the camera stands, renewed every second and on every change.
    pub fn signals(&self) -> watch::Receiver<CameraSignals> {
        self.signals.clone()
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.task.abort();
        self.main.close();
        if let Some(sub) = &self.sub {
            sub.close();
        }
    }
}

struct Supervisor {
    camera: config::Camera,
    intake: config::Intake,
    program: Program,
    main: FrameHub,
    sub: Option<FrameHub>,
    meter: Meter,
    publish: watch::Sender<CameraSignals>,
    published_ms: i64,
    /// The small picture's end was told, and none has come since.
    sub_away: bool,
    /// What was last told of ONVIF, so that it is told once.
    onvif_trouble: String,
    /// Whether the worker's connections can be made for it here.
    brokered: bool,
    /// What a worker could not give up, as it was last told.
    told: Option<Vec<String>>,
}

/// A worker that runs.
struct Running {
    child: Child,
    socket: UnixStream,
    /// Where it may connect to.
    allowed: Allowed,
}

/// Why a worker is no longer served.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the camera's credentials file {} cannot be used: {why}", file.display())]
    Credentials { file: PathBuf, why: String },
    #[error("the camera's tls_ca_file {} cannot be used: {why}", file.display())]
    Authority { file: PathBuf, why: String },
    #[error(transparent)]
    Address(#[from] Unresolved),
    #[error("the camera worker cannot be started")]
    Start(#[source] std::io::Error),
    #[error("the agent cannot watch what its camera worker connects to; it goes on without")]
    Broker(#[source] std::io::Error),
    #[error("the camera worker ended")]
    Pair(#[from] PairError),
    #[error("the camera worker is silent and was ended")]
    Silent,
}

impl Supervisor {
    async fn run(mut self) {
        let mut pause = Pause::up_to(self.intake.retry_seconds_max);
        loop {
            let failure = self.serve().await;
            self.interrupt();
            let streamed = self.publish.borrow().state == CameraState::Streaming;
            match failure {
                Failure::Pair(PairError::Io(_)) if !streamed => {}
                failure => self.warn(&failure),
            }
            if streamed {
                let side = Some(Side::Box);
                self.note_state(
                    CameraState::Stalled,
                    side,
                    "its worker ended without a word",
                );
            }
            if self
                .meter
                .signals(clock::now_ms())
                .frame_age_ms
                .is_some_and(|age| age < 60_000)
            {
                pause.reset();
            }
            self.wait(pause.take()).await;
            self.meter.restart();
        }
    }

    /// Serves one worker until it fails.
    async fn serve(&mut self) -> Failure {
        match self.start().await {
            Ok(mut running) => {
                let failure = self.read(&mut running).await;
                let _ = running.child.start_kill();
                let _ = timeout(GRACE, running.child.wait()).await;
                failure
            }
            Err(failure) => {
                if let Failure::Address(unresolved) = &failure {
                    self.note_state(CameraState::Unreachable, None, &unresolved.to_string());
                }
                failure
            }
        }
    }

    async fn start(&self) -> Result<Running, Failure> {
        let credentials = match &self.camera.credentials_file {
            Some(file) => Some(credentials(file)?),
            None => None,
        };
        // The worker can ask no name server.
        let camera = &self.camera;
        let main_url = Some(&camera.main_url).filter(|url| !url.is_empty());
        let urls = [main_url, camera.sub_url.as_ref(), camera.onvif_url.as_ref()];
        let ([main_url, sub_url, onvif_url], addresses) = resolve(urls).await?;
        let order = Order {
            main_url: main_url.unwrap_or_default(),
            sub_url,
            onvif: onvif_url.map(|url| Onvif {
                url,
                networks: self.intake.camera_networks.clone(),
            }),
            credentials,
            trust: trust(&self.camera)?,
            audio: self.intake.audio,
            connect_seconds: self.intake.connect_seconds,
            stall_seconds: self.intake.stall_seconds,
            look_ms: LOOK_MS,
            mib_max: self.intake.worker_mib_max,
            brokered: self.brokered,
        };
        let (child, socket) = self.program.spawn().map_err(Failure::Start)?;
        let mut socket = UnixStream::from_std(socket).map_err(Failure::Start)?;
        let sent = socket.write_all(&order.encode()).await;
        sent.map_err(PairError::Io)?;
        Ok(Running {
            child,
            socket,
            allowed: Allowed {
                addresses,
                networks: self.intake.camera_networks.clone(),
            },
        })
    }

    async fn read(&mut self, running: &mut Running) -> Failure {
        let worker = (running.child.id(), running.allowed.clone());
        let mut socket = BufReader::with_capacity(64 * 1024, &mut running.socket);
        let seconds = self.intake.stall_seconds.max(self.intake.connect_seconds);
        let silence = Duration::from_secs(seconds) + GRACE;
        loop {
            match timeout(silence, Report::read(&mut socket)).await {
                Ok(Ok(Report::Note(Note::Confined { lacking, calls }))) => {
                    if let Err(failure) = self.confined(lacking, calls, &worker) {
                        return failure;
                    }
                }
                Ok(Ok(report)) => self.take(report),
                Ok(Err(error)) => return error.into(),
                Err(_) => return Failure::Silent,
            }
            self.publish(false);
        }
    }

    /// Begins to answer for the worker's connections, and says once what it could not give up.
    fn confined(
        &mut self,
        lacking: Vec<String>,
        calls: Option<i32>,
        (pid, allowed): &(Option<u32>, Allowed),
    ) -> Result<(), Failure> {
        let name = self.camera.name.to_string();
        if let (Some(calls), Some(pid)) = (calls, pid) {
            let broker = Broker::new(name, *pid, calls, allowed.clone());
            let started = broker.map_err(std::io::Error::from).and_then(Broker::start);
            // Without an answer it would wait for ever; the next worker connects by itself.
            started.map_err(|error| {
                self.brokered = false;
                Failure::Broker(error)
            })?;
        }
        if !lacking.is_empty() && self.told.as_ref() != Some(&lacking) {
            let lacks = lacking.join(", ");
            tracing::warn!(
                source = %self.camera.name,
                lacks,
                "this kernel cannot confine the camera worker wholly: install a newer one"
            );
        }
        self.told = Some(lacking);
        Ok(())
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Frame(frame) if frame.handle == MAIN => {
                self.meter.frame(&frame, clock::now_ms());
                self.main.publish(frame);
            }
            Report::Frame(frame) => {
                if let Some(sub) = self.sub.as_ref().filter(|_| frame.handle == SUB) {
                    self.sub_away = false;
                    sub.publish(frame);
                }
            }
            Report::Note(Note::Alive | Note::Confined { .. }) => {}
            Report::Note(Note::State {
                state,
                side,
                detail,
            }) => self.note_state(state, side, &detail),
            Report::Note(Note::Slow { pictures }) => self.note_slow(pictures),
            Report::Note(Note::Sight(sight)) => self.meter.sight(&sight, clock::now_ms()),
            Report::Note(Note::Sound(heard)) => self.meter.sound(heard, clock::now_ms()),
            Report::Note(Note::SubEnded { detail }) => {
                if let Some(sub) = &self.sub {
                    sub.interrupt();
                }
                if !std::mem::replace(&mut self.sub_away, true) {
                    let name = &self.camera.name;
                    tracing::warn!(source = %name, detail, "the small picture has ended");
                }
            }
            Report::Note(Note::Device {
                model,
                firmware,
                clock_skew_ms,
            }) => self.note_device(&model, &firmware, clock_skew_ms),
            Report::Note(Note::Events { events }) => self.meter.events(events),
            Report::Note(Note::OnvifEnded { detail }) => self.note_onvif(detail),
            Report::Note(Note::Ignored { detail }) => {
                tracing::info!(source = %self.camera.name, detail, "part of a camera is not taken");
            }
        }
    }

    fn note_device(&mut self, model: &str, firmware: &str, clock_skew_ms: Option<i64>) {
        self.onvif_trouble.clear();
        if !self.meter.device(model, firmware, clock_skew_ms) {
            return;
        }
        let name = &self.camera.name;
        tracing::info!(source = %name, model, firmware, clock_skew_ms, "camera told what it is");
        let clock = clock_skew_ms.map(|skew_ms| skew::judge(skew_ms, clock::now_ms()));
        if let Some(advice) = clock.and_then(skew::advice) {
            tracing::warn!(source = %name, clock_skew_ms, "{advice}");
        }
    }

    /// The same trouble is told once.
    fn note_onvif(&mut self, detail: String) {
        if self.onvif_trouble != detail {
            let source = &self.camera.name;
            tracing::warn!(%source, detail, "camera is not asked by ONVIF; its streams go on");
            self.onvif_trouble = detail;
        }
    }

    fn note_slow(&mut self, pictures: u32) {
        if self.meter.slow(clock::now_ms()) {
            let name = &self.camera.name;
            let what = "the box is too slow and left pictures out: look at its processor and disk";
            tracing::warn!(source = %name, pictures, "{what}");
        }
    }

    fn note_state(&mut self, state: CameraState, side: Option<Side>, detail: &str) {
        if !self.meter.state(state, side, clock::now_ms()) {
            return;
        }
        self.publish(true);
        let name = &self.camera.name;
        if state == CameraState::Streaming {
            tracing::info!(source = %name, "camera streams");
        } else {
            let what = advice(state, side);
            tracing::warn!(source = %name, state = ?state, side = ?side, detail, "{what}");
        }
    }

    fn publish(&mut self, now: bool) {
        let now_ms = clock::now_ms();
        if now || (now_ms - self.published_ms).abs() >= SIGNALS_EVERY_MS {
            self.published_ms = now_ms;
            self.publish.send_replace(self.meter.signals(now_ms));
        }
    }

    fn interrupt(&self) {
        self.main.interrupt();
        if let Some(sub) = &self.sub {
            sub.interrupt();
        }
    }

    fn warn(&self, failure: &Failure) {
        let cause = std::error::Error::source(failure).map(ToString::to_string);
        tracing::warn!(source = %self.camera.name, cause, "{failure}");
    }

    /// Pauses, and goes on telling how old the newest frame is.
    async fn wait(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            self.publish(false);
            let left = until.saturating_duration_since(Instant::now());
            sleep(left.min(Duration::from_secs(1))).await;
        }
    }
}

/// What to do about a camera, for the log.
fn advice(state: CameraState, side: Option<Side>) -> &'static str {
    match (state, side) {
        (CameraState::Unreachable, Some(Side::Camera)) => {
            "camera refuses connections: restart it, or check its power, cable and address"
        }
        (CameraState::Unreachable, _) => {
            "camera does not answer: check its power, cable and address"
        }
        (CameraState::Unauthorized, _) => {
            "camera refuses name and password: check credentials_file"
        }
        (CameraState::Garbage, _) => {
            "camera offers no stream that can be recorded: check its address and what it said"
        }
        (CameraState::Stalled, Some(Side::Network)) => {
            "camera has stopped sending because the network lost it: check cable and switch"
        }
        (CameraState::Stalled, Some(Side::Box)) => {
            "camera's worker has failed: it is started again"
        }
        (CameraState::Stalled, _) => {
            "camera has stopped sending although it answers: it is opened again"
        }
        _ => "camera is being opened",
    }
}

/// Whom to believe; read anew at every start as well.
fn trust(camera: &config::Camera) -> Result<Option<Trust>, Failure> {
    if let Some(config::Sha256Hex(pin)) = camera.tls_sha256 {
        return Ok(Some(Trust::Sha256(pin)));
    }
    let Some(file) = &camera.tls_ca_file else {
        return Ok(None);
    };
    let wrong = |why: String| Failure::Authority {
        file: file.clone(),
        why,
    };
    let bytes = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() > CA_BYTES_MAX {
        return Err(wrong("it is longer than 32 KiB".into()));
    }
    let pem = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let name = Url::parse(&camera.main_url).ok();
    let name = name.as_ref().and_then(Url::host_str).unwrap_or_default();
    let name = name.trim_matches(['[', ']']).to_owned();
    Ok(Some(Trust::Authority(pem, name)))
}

/// As a worker's own, for a technician.
///
/// # Errors
/// What is wrong with the file.
pub fn read_credentials(file: &Path) -> Result<(String, String), String> {
    credentials(file).map_err(|failure| failure.to_string())
}

/// Reads user name (first line) and password (second line); read anew at every start, so that a
/// changed password needs no restart of the agent.
fn credentials(file: &Path) -> Result<(String, String), Failure> {
    let wrong = |why: String| Failure::Credentials {
        file: file.to_owned(),
        why,
    };
    let bytes = std::fs::metadata(file)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if bytes > CREDENTIALS_BYTES_MAX {
        return Err(wrong("it is longer than 4 KiB".into()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some(user), Some(password)) if !user.is_empty() => Ok((user.into(), password.into())),
        _ => Err(wrong(
            "it must hold the user name and then the password, one a line".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credentials_file_is_two_lines_and_its_errors_say_so() {
        let dir = std::env::temp_dir().join(format!("xunke-credentials-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("camera");
        let check = |text: &str| {
            std::fs::write(&file, text).unwrap();
            credentials(&file).map_err(|error| error.to_string())
        };
        let expect = ("admin".to_owned(), "p@ss: word".to_owned());
        assert_eq!(check("admin\np@ss: word\n"), Ok(expect));
        assert_eq!(check("admin\n\n").map(|pair| pair.1), Ok(String::new()));
        for bad in ["", "admin", "\npassword\n"] {
            assert!(check(bad).unwrap_err().contains("one a line"), "{bad:?}");
        }
        assert!(check(&"x".repeat(5000)).unwrap_err().contains("4 KiB"));
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(
            credentials(&file)
                .unwrap_err()
                .to_string()
                .contains("cannot be used")
        );
    }

    #[tokio::test]
    async fn a_worker_that_dies_at_once_is_started_again_and_again() {
        let camera = config::Camera {
            name: "cam0".parse().unwrap(),
            main_url: "rtsp://127.0.0.1:1/main".into(),
            sub_url: None,
            onvif_url: None,
            credentials_file: None,
            tls_sha256: None,
            tls_ca_file: None,
        };
        let program = Program {
            file: "/bin/false".into(),
            registry: "/nonexistent".into(),
        };
        let camera = Camera::start(camera, config::Intake::default(), program);
        let mut signals = camera.signals();
        let restarted = signals.wait_for(|signals| signals.restarts >= 2);
        timeout(Duration::from_secs(10), restarted)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(signals.borrow().state, CameraState::Connecting);
    }
}
