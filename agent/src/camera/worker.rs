//! The process that stands between a hostile camera and the agent; it holds no keys.
//!
//! The full picture decides: when its session ends, the process says why and ends, and the agent
//! starts a fresh one. The small picture is tried again from within.

use super::confine::{Bounds, Reach, confine};
use super::decode::{self, Eye};
use super::intake::{Intake, Outgoing};
use super::looks::{Looks, Wanted};
use super::onvif;
use super::pair::{self, MAIN, Note, Order, Plugged, Report, SUB};
use super::rtsp::{Ended, Stream};
use super::tunnel::Doors;
use super::usb;
use super::usb::stream::Limits;
use futures_util::FutureExt;
use gstreamer as gst;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::io::{Write, stdin};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::runtime;
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use xunke_protocol::health::{CameraState, Side};

/// Reports waiting for the agent: about three seconds of two streams with sound.
const REPORTS_MAX: usize = 256;
const SUB_RETRY_S_MAX: u64 = 30;
/// Keyframes and pieces of sound waiting to be decoded.
const WANTED_MAX: usize = 2;
/// A burst may take more; that much is kept for the next one.
const BUFFER_BYTES: usize = 256 * 1024;

/// Runs as `xunke-agent camera-worker`, with a socket pair as file descriptor 0.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("camera-worker: {why}; it is started by `xunke-agent run` only");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    // No orphan stays when the agent is killed; the socket's end tells the rest.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    let socket = stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| error.to_string())?;
    let mut socket = StdUnixStream::from(socket);
    let order = Order::read(&mut socket).map_err(|error| error.to_string())?;
    if getppid().is_none() {
        return Err("the agent is gone".into());
    }
    give_up(&mut socket, &order).map_err(|error| error.to_string())?;
    let doors = Doors::bind(&order).map_err(|error| error.to_string())?;
    // One thread for all that comes from the camera: handing packets from thread to thread costs
    // more than reading them.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime
        .block_on(async {
            socket.set_nonblocking(true)?;
            serve(UnixStream::from_std(socket)?, order, doors).await;
            std::io::Result::Ok(())
        })
        .map_err(|error| error.to_string())
}

/// Before the first thread, and before the first word from the camera.
fn give_up(socket: &mut StdUnixStream, order: &Order) -> Result<(), pair::Error> {
    let bounds = Bounds {
        mib_max: order.mib_max,
        registry: std::env::var_os("GST_REGISTRY").map(Into::into),
        reach: match &order.device {
            Some(plugged) => Reach::Device(plugged.clone()),
            None => Reach::Network {
                brokered: order.brokered,
            },
        },
    };
    let mut bytes = Vec::new();
    Report::Note(confine(&bounds)).encode(&mut bytes)?;
    Ok(socket.write_all(&bytes)?)
}

/// Runs as `xunke-agent camera-plugins`: writes GStreamer's list of plugins, as no worker can.
pub fn list_plugins() -> ExitCode {
    match gst::init() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("camera-plugins: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(socket: UnixStream, order: Order, doors: Doors) {
    let (outgoing, reports) = mpsc::channel(REPORTS_MAX);
    let writer = tokio::spawn(write(socket, reports));
    let Ended {
        state,
        side,
        detail,
    } = survived(find_and_stream(order, doors, &outgoing)).await;
    let state = Note::State {
        state,
        side,
        detail,
    };
    let _ = outgoing.send(Some(Report::Note(state))).await;
    let _ = outgoing.send(None).await;
    let _ = writer.await;
}

/// What the camera says may break a reader of it that is not ours. That ends the session and not
/// the process, so that the agent hears whose fault it was.
async fn survived(session: impl Future<Output = Ended>) -> Ended {
    let ended = AssertUnwindSafe(session).catch_unwind().await;
    ended.unwrap_or_else(|_| Ended {
        state: CameraState::Garbage,
        side: Some(Side::Camera),
        detail: "what it said broke the reader: tell its maker, with the log of this box".into(),
    })
}

async fn find_and_stream(order: Order, doors: Doors, outgoing: &Outgoing) -> Ended {
    match onvif::streams::find(order).await {
        Ok(order) => stream_all(&Arc::new(order), doors, outgoing).await,
        Err((state, detail)) => Ended {
            state,
            side: None,
            detail,
        },
    }
}

/// Runs until the full picture's session ends.
async fn stream_all(order: &Arc<Order>, doors: Doors, outgoing: &Outgoing) -> Ended {
    let (wanted, received) = sync_channel(WANTED_MAX);
    let judge = outgoing.clone();
    thread::spawn(move || look_and_listen(&received, &judge));
    if let Some(plugged) = &order.device {
        return run_plugged(order, plugged, (outgoing, &wanted)).await;
    }
    let streams = Arc::new(Notify::new());
    if order.sub_url.is_some() {
        let (order, outgoing, wanted) = (order.clone(), outgoing.clone(), wanted.clone());
        let (main_streams, door) = (streams.clone(), doors.sub);
        tokio::spawn(async move {
            // A camera that serves one viewer only is to serve the recorder.
            main_streams.notified().await;
            run_sub(&order, door, &outgoing, &wanted).await;
        });
    }
    if order.onvif.is_some() {
        let (order, outgoing) = (order.clone(), outgoing.clone());
        tokio::spawn(async move { onvif::watch::attend(&order, &outgoing).await });
    }
    let session = (&**order, doors.main.as_ref());
    if order.greet {
        let stranger = stream(order, session.1, &order.main_url, false);
        if let Some(greeting) = stranger.greet().await {
            let _ = outgoing
                .send(Some(Report::Note(Note::Greeting(greeting))))
                .await;
        }
    }
    run_main(session, outgoing, wanted, &streams).await
}

/// Sends reports in order, all that wait at once; the process ends when the agent is gone.
async fn write(mut socket: UnixStream, mut reports: mpsc::Receiver<Option<Report>>) {
    let (mut waiting, mut bytes) = (Vec::new(), Vec::new());
    while reports.recv_many(&mut waiting, REPORTS_MAX).await > 0 {
        let last = waiting.iter().any(Option::is_none);
        for report in waiting.drain(..).map_while(|report| report) {
            if report.encode(&mut bytes).is_err() {
                return;
            }
        }
        if socket.write_all(&bytes).await.is_err() {
            std::process::exit(0);
        }
        if last {
            return;
        }
        bytes.clear();
        bytes.shrink_to(BUFFER_BYTES);
    }
}

async fn run_main(
    (order, door): (&Order, Option<&TcpListener>),
    outgoing: &Outgoing,
    wanted: SyncSender<Wanted>,
    streams: &Notify,
) -> Ended {
    let every_ms = look_ms(order).filter(|_| order.sub_url.is_none());
    let looks = Looks::new(wanted, every_ms);
    let mut intake = Intake::new(MAIN, outgoing.clone(), looks);
    let beat = beat(outgoing, || streams.notify_one());
    let stream = stream(order, door, &order.main_url, order.audio);
    stream.run(&mut intake, beat).await
}

/// A camera on USB gives both its pictures in one session.
async fn run_plugged(
    order: &Order,
    plugged: &Plugged,
    to: (&Outgoing, &SyncSender<Wanted>),
) -> Ended {
    let limits = Limits {
        connect_ms: order.connect_seconds * 1000,
        stall_ms: order.stall_seconds * 1000,
        look_ms: look_ms(order),
    };
    usb::stream::run(plugged, limits, to, beat(to.0, || {})).await
}

/// How often a keyframe is looked at, if ever.
fn look_ms(order: &Order) -> Option<u64> {
    (order.look_ms > 0).then_some(order.look_ms)
}

/// What is told twice a second; `streams` is called when the first picture has come.
fn beat(outgoing: &Outgoing, streams: impl Fn()) -> impl FnMut(&mut Intake) {
    let mut streaming = false;
    let note = |note| {
        let _ = outgoing.try_send(Some(Report::Note(note)));
    };
    move |intake: &mut Intake| {
        intake.flush();
        note(Note::Alive);
        intake.confess();
        intake.tell_pace();
        if !streaming && intake.has_picture() {
            streaming = true;
            streams();
            note(Note::State {
                state: CameraState::Streaming,
                side: None,
                detail: String::new(),
            });
        }
    }
}

async fn run_sub(
    order: &Order,
    door: Option<TcpListener>,
    outgoing: &Outgoing,
    wanted: &SyncSender<Wanted>,
) {
    let mut pause_s = 1;
    while let Some(url) = &order.sub_url {
        let looks = Looks::new(wanted.clone(), look_ms(order));
        let mut intake = Intake::new(SUB, outgoing.clone(), looks);
        let stream = stream(order, door.as_ref(), url, false);
        let ended = survived(stream.run(&mut intake, |_| {})).await;
        let detail = ended.detail;
        let _ = outgoing
            .send(Some(Report::Note(Note::SubEnded { detail })))
            .await;
        sleep(Duration::from_secs(pause_s)).await;
        let worked = intake.has_picture();
        pause_s = if worked {
            1
        } else {
            (pause_s * 2).min(SUB_RETRY_S_MAX)
        };
    }
}

fn stream<'a>(
    order: &'a Order,
    door: Option<&'a TcpListener>,
    url: &'a str,
    audio: bool,
) -> Stream<'a> {
    Stream {
        url,
        credentials: order.credentials.as_ref(),
        tls: order.trust.as_ref().zip(door),
        audio,
        connect_ms: order.connect_seconds * 1000,
        stall_ms: order.stall_seconds * 1000,
    }
}

/// GStreamer is started by the first keyframe; what it keeps in memory is not spent before.
fn look_and_listen(wanted: &Receiver<Wanted>, outgoing: &Outgoing) {
    let mut eye = Eye::default();
    let mut told = [false; 2];
    while let Ok(wanted) = wanted.recv() {
        let started = gst::init().map_err(|error| error.to_string());
        let (measured, sense, what) = match wanted {
            Wanted::Picture(keyframe) => {
                let seen = started.and_then(|()| eye.look(&keyframe).map_err(|e| e.to_string()));
                (seen.map(|seen| Note::Sight(seen.into())), 0, "pictures")
            }
            Wanted::Sound(piece) => {
                let heard =
                    started.and_then(|()| decode::listen(&piece).map_err(|e| e.to_string()));
                (heard.map(Note::Sound), 1, "sound")
            }
        };
        let note = match measured {
            Ok(note) => note,
            Err(_) if std::mem::replace(&mut told[sense], true) => continue,
            Err(error) => Note::Ignored {
                detail: format!("the camera's {what} cannot be checked: {error}"),
            },
        };
        let _ = outgoing.try_send(Some(Report::Note(note)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X62: the agent is told that it was the camera, and not that its worker failed.
    #[tokio::test]
    async fn a_reader_that_breaks_ends_the_session_and_says_whose_fault_it_is() {
        let ended = survived(async { panic!("an unwrap of a library") }).await;
        assert_eq!(ended.state, CameraState::Garbage);
        assert_eq!(ended.side, Some(Side::Camera));
        assert!(ended.detail.contains("broke the reader"));
    }
}
