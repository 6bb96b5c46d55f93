//! One camera of this room: keeps its worker process running and hands its frames out.

use super::launch::{Failure, Running, Wish};
use super::onvif::skew;
use super::pair::{ClockPace, Error as PairError, MAIN, Note, Report, SUB};
use super::pause::Pause;
use super::program::Program;
use super::remedy::{remedy, remedy_plugged};
use super::ring::FrameHub;
use super::signals::Meter;
use super::usb::node::resolve;
use crate::clock;
use crate::config::{self, Shows};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use xunke_protocol::health::{CameraSignals, CameraState, Side};
use xunke_protocol::id::{SourceName, StreamKind};

/// The worker sends a word twice a second; beyond its own limits it gets this much grace.
const GRACE: Duration = Duration::from_secs(3);
const SIGNALS_EVERY_MS: i64 = 1_000;
/// Between two looks for a camera on USB that is away.
const PLUGGED: Duration = Duration::from_secs(1);
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
        let now_ms = clock::now_ms();
        let sound_taken = intake.audio && camera.device.is_none();
        let (name, shows) = (camera.name.clone(), camera.shows.into());
        let mut meter = Meter::new(name, shows, sound_taken, now_ms);
        let (publish, signals) = watch::channel(meter.signals(now_ms));
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

impl Supervisor {
    async fn run(mut self) {
        let mut pause = Pause::up_to(self.intake.retry_seconds_max);
        loop {
            if self.until_plugged().await {
                pause.reset();
            }
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

    /// A camera on USB that is away costs a look at its device file each second; back again, it is
    /// opened within that second. Returns whether it was away.
    async fn until_plugged(&mut self) -> bool {
        let mut away = false;
        while let Some(device) = &self.camera.device {
            let Err(error) = resolve(device) else {
                break;
            };
            away = true;
            let side = Some(Side::Camera);
            self.note_state(CameraState::Unreachable, side, &error.to_string());
            self.wait(PLUGGED).await;
        }
        away
    }

    /// Serves one worker until it fails.
    async fn serve(&mut self) -> Failure {
        let wish = Wish {
            look_ms: match self.camera.shows {
                Shows::Room => LOOK_MS,
                // Whatever it looks like, it is no fault.
                Shows::Screen => 0,
            },
            brokered: self.brokered,
            greet: false,
        };
        match Running::start(&self.camera, &self.intake, &self.program, wish).await {
            Ok(mut running) => {
                let failure = self.read(&mut running).await;
                running.end().await;
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

    async fn read(&mut self, running: &mut Running) -> Failure {
        let seconds = self.intake.stall_seconds.max(self.intake.connect_seconds);
        let silence = Duration::from_secs(seconds) + GRACE;
        loop {
            match running.next(silence).await {
                Ok(Report::Note(Note::Confined { lacking, calls })) => {
                    if let Err(failure) = self.confined(lacking, calls, running) {
                        return failure;
                    }
                }
                Ok(report) => self.take(report),
                Err(failure) => return failure,
            }
            self.publish(false);
        }
    }

    /// Begins to answer for the worker's connections, and says once what it could not give up.
    fn confined(
        &mut self,
        lacking: Vec<String>,
        calls: Option<i32>,
        running: &Running,
    ) -> Result<(), Failure> {
        if let Err(failure) = running.answer(self.camera.name.to_string(), calls) {
            // Without an answer it would wait for ever; the next worker connects by itself.
            self.brokered = false;
            return Err(failure);
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
            Report::Note(Note::Alive | Note::Confined { .. } | Note::Greeting(_)) => {}
            Report::Note(Note::State {
                state,
                side,
                detail,
            }) => self.note_state(state, side, &detail),
            Report::Note(Note::Slow { pictures }) => self.note_slow(pictures),
            Report::Note(Note::Sight(sight)) => self.meter.sight(&sight, clock::now_ms()),
            Report::Note(Note::Sound(heard)) => self.meter.sound(heard, clock::now_ms()),
            Report::Note(Note::Clock(pace)) => self.note_clock(pace),
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

    fn note_clock(&mut self, pace: ClockPace) {
        if self.meter.clock(pace) {
            let (name, steps) = (&self.camera.name, pace.steps);
            let what = "the camera's clock was set or stopped; its recording goes on by the box's";
            tracing::info!(source = %name, steps, "{what}");
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
            let what = match self.camera.device {
                Some(_) => remedy_plugged(state, side).en,
                None => remedy(state, side).en,
            };
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    fn start(device: Option<&str>) -> Camera {
        let main_url = device.map_or("rtsp://127.0.0.1:1/main", |_| "");
        let camera = config::Camera {
            name: "cam0".parse().unwrap(),
            shows: Shows::Room,
            device: device.map(Into::into),
            main_url: main_url.into(),
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
        Camera::start(camera, config::Intake::default(), program)
    }

    #[tokio::test]
    async fn a_worker_that_dies_at_once_is_started_again_and_again() {
        let camera = start(None);
        let mut signals = camera.signals();
        let restarted = signals.wait_for(|signals| signals.restarts >= 2);
        timeout(Duration::from_secs(10), restarted)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(signals.borrow().state, CameraState::Connecting);
        assert!(signals.borrow().sound_taken);
    }

    /// X53: no process is started for it, and the missing side is told.
    #[tokio::test]
    async fn a_camera_on_usb_that_is_away_is_waited_for() {
        let camera = start(Some("/dev/v4l/by-path/nothing"));
        let mut signals = camera.signals();
        let told = signals.wait_for(|signals| signals.stalled == Some(Side::Camera));
        timeout(Duration::from_secs(10), told)
            .await
            .unwrap()
            .unwrap();
        let signals = signals.borrow();
        assert_eq!(
            (signals.state, signals.restarts),
            (CameraState::Unreachable, 0)
        );
        assert!(!signals.sound_taken, "the sound of USB is not taken");
    }
}
