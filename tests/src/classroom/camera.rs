//! The RTSP server of one room and the misfortunes that can befall it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gstreamer as gst;
use gstreamer_rtsp_server as rtsp;
use rtsp::glib;
use rtsp::gst_rtsp::RTSPAuthMethod;
use rtsp::prelude::*;
use serde::{Deserialize, Serialize};

use super::mood::{Look, Mood};
use super::stream::{MAIN, SUB, Sound, VIEWER_ROLE, factory};

/// Something that happens to the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// The lens is covered: a dark picture without a strip.
    Cover,
    /// The lens is free again, the lamps are on, the camera looks ahead.
    Uncover,
    /// The lamps are switched off.
    Dim,
    /// The lens is out of focus.
    Blur,
    /// The camera is turned to the side.
    Turn,
    /// The same picture is sent again and again.
    Still,
    /// Nothing is sent any more; connections stay open.
    Freeze,
    /// Sending goes on.
    Thaw,
    /// All sessions are closed, connections are refused.
    Die,
    /// Whatever befell the camera is over.
    Revive,
    /// The port answers RTSP with bytes that mean nothing.
    Garbage,
    /// Every request is answered 401.
    Unauthorized,
}

/// Name and password the camera wants.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Login of the one account.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// A running camera.
pub struct Camera {
    server: rtsp::RTSPServer,
    auth: rtsp::RTSPAuth,
    credentials: Credentials,
    mood: Arc<Mood>,
    port: u16,
    listening: Option<glib::SourceId>,
    garbage: Option<Garbage>,
}

impl Camera {
    /// Listens on `127.0.0.1:port` (0: any free port) in the default main context.
    ///
    /// # Errors
    /// The port is in use or GStreamer lacks its RTSP parts.
    pub fn start(room: &str, sound: Sound, port: u16, credentials: Credentials) -> Result<Self> {
        let server = rtsp::RTSPServer::new();
        server.set_address("127.0.0.1");
        let mood = Arc::new(Mood::default());
        let mounts = server
            .mount_points()
            .context("the RTSP server has no mount points")?;
        for quality in [MAIN, SUB] {
            mounts.add_factory(quality.path, factory(quality, sound, room, &mood));
        }
        let auth = rtsp::RTSPAuth::new();
        auth.set_supported_methods(RTSPAuthMethod::Digest);
        server.set_auth(Some(&auth));
        clean_sessions(&server);
        let (listening, garbage) = (None, None);
        let mut camera = Self {
            server,
            auth,
            credentials,
            mood,
            port,
            listening,
            garbage,
        };
        camera.admit();
        camera.listen()?;
        Ok(camera)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes it happen; returns when it has.
    ///
    /// # Errors
    /// The port could not be taken again.
    pub fn suffer(&mut self, behaviour: Behaviour) -> Result<()> {
        match behaviour {
            Behaviour::Cover => self.mood.set_look(Look::Covered),
            Behaviour::Uncover => self.mood.set_look(Look::Plain),
            Behaviour::Dim => self.mood.set_look(Look::Dimmed),
            Behaviour::Blur => self.mood.set_look(Look::Blurred),
            Behaviour::Turn => self.mood.set_look(Look::Turned),
            Behaviour::Still => self.mood.set_look(Look::Still),
            Behaviour::Freeze => self.mood.set_frozen(true),
            Behaviour::Thaw => self.mood.set_frozen(false),
            Behaviour::Die => self.die(),
            Behaviour::Revive => self.revive()?,
            Behaviour::Garbage => {
                self.die();
                self.garbage = Some(Garbage::start(self.port)?);
            }
            Behaviour::Unauthorized => {
                self.auth.remove_digest(&self.credentials.user);
                self.kick();
            }
        }
        Ok(())
    }

    fn die(&mut self) {
        if let Some(source) = self.listening.take() {
            source.remove();
        }
        self.kick();
    }

    fn revive(&mut self) -> Result<()> {
        self.mood.set_look(Look::Plain);
        self.mood.set_frozen(false);
        self.garbage = None;
        self.auth.remove_digest(&self.credentials.user);
        self.admit();
        self.listen()
    }

    fn admit(&self) {
        let token = rtsp::RTSPToken::builder()
            .field("media.factory.role", VIEWER_ROLE)
            .build();
        self.auth
            .add_digest(&self.credentials.user, &self.credentials.password, &token);
    }

    fn listen(&mut self) -> Result<()> {
        if self.listening.is_some() {
            return Ok(());
        }
        self.server.set_service(&self.port.to_string());
        let source = self.server.attach(None);
        self.listening = Some(source.with_context(|| format!("port {} is in use", self.port))?);
        self.port = u16::try_from(self.server.bound_port()).unwrap_or(0);
        ensure!(self.port != 0, "the RTSP server is not listening");
        Ok(())
    }

    fn kick(&self) {
        self.server
            .client_filter(Some(&mut |_, _| rtsp::RTSPFilterResult::Remove));
    }
}

/// Forgets sessions whose clients vanished without a word.
fn clean_sessions(server: &rtsp::RTSPServer) {
    let pool = server.session_pool();
    glib::timeout_add_seconds(2, move || {
        pool.iter().for_each(|pool| {
            pool.cleanup();
        });
        glib::ControlFlow::Continue
    });
}

/// Checks that every GStreamer element the streams need is installed.
///
/// # Errors
/// Names the missing element.
pub fn check_elements() -> Result<()> {
    let pictures = ["appsrc", "x264enc", "rtph264pay"];
    let sound = [
        "voaacenc",
        "rtpmp4gpay",
        "audioresample",
        "alawenc",
        "rtppcmapay",
    ];
    for element in pictures.into_iter().chain(sound) {
        ensure!(
            gst::ElementFactory::find(element).is_some(),
            "GStreamer lacks {element}: install gstreamer1.0-plugins-base, -good, -bad and -ugly"
        );
    }
    Ok(())
}

/// A listener that answers everything with nonsense until it is dropped.
struct Garbage {
    ended: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Garbage {
    fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("port {port} cannot be taken for garbage"))?;
        listener.set_nonblocking(true)?;
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        let thread = Some(thread::spawn(move || talk_nonsense(&listener, &stop)));
        Ok(Self { ended, thread })
    }
}

impl Drop for Garbage {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn talk_nonsense(listener: &TcpListener, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Ok((mut peer, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        thread::spawn(move || -> std::io::Result<()> {
            peer.set_nonblocking(false)?;
            peer.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut request = [0_u8; 4096];
            while peer.read(&mut request)? > 0 {
                peer.write_all(b"RTSP/9.9 banana \xff\xfe\x00$\x00\xff\xff\r\n\x01\x02\r\n\r\n")?;
            }
            Ok(())
        });
    }
}
