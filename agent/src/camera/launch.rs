//! A camera's worker process, from its start to its end: its order, its reports, and somebody to
//! make its connections.

use super::address::{Unresolved, resolve};
use super::broker::{Allowed, Broker};
use super::credentials::{Unusable, credentials, trust};
use super::pair::{Error as PairError, Onvif, Order, Plugged, Report};
use super::program::Program;
use super::usb::node;
use crate::config;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::time::timeout;

/// A worker has this long to end.
const GRACE: Duration = Duration::from_secs(3);
/// Of one worker's reports, read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// A worker that runs.
pub struct Running {
    child: Child,
    socket: BufReader<UnixStream>,
    /// Where it may connect to.
    allowed: Allowed,
}

/// What is wanted of a worker beside what the configuration says.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// A keyframe is looked at this often; 0 for never.
    pub look_ms: u64,
    /// Whether its connections are made for it.
    pub brokered: bool,
    /// Whether to tell first how the camera greets a stranger.
    pub greet: bool,
}

/// Why a worker is not served, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file that it needs.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// A camera on USB.
    #[error(transparent)]
    Device(#[from] node::Error),
    /// The camera's name.
    #[error(transparent)]
    Address(#[from] Unresolved),
    /// There are too many processes or open files.
    #[error("the camera worker cannot be started")]
    Start(#[source] std::io::Error),
    /// The kernel does not let the agent look into its own worker.
    #[error("the agent cannot watch what its camera worker connects to; it goes on without")]
    Broker(#[source] std::io::Error),
    /// It is gone, or does not keep to the format.
    #[error("the camera worker ended")]
    Pair(#[from] PairError),
    /// It says nothing.
    #[error("the camera worker is silent and was ended")]
    Silent,
}

impl Running {
    /// Starts a worker and hands it its order. Secrets are read anew each time.
    ///
    /// # Errors
    /// A file cannot be used, a name leads nowhere, or no process can be started.
    pub async fn start(
        camera: &config::Camera,
        intake: &config::Intake,
        program: &Program,
        wish: Wish,
    ) -> Result<Self, Failure> {
        let known = camera.credentials_file.as_deref().map(credentials);
        let credentials = known.transpose()?;
        // The worker can ask no name server.
        let main_url = Some(&camera.main_url).filter(|url| !url.is_empty());
        let urls = [main_url, camera.sub_url.as_ref(), camera.onvif_url.as_ref()];
        let ([main_url, sub_url, onvif_url], addresses) = resolve(urls).await?;
        let device = camera.device.as_deref().map(plugged).transpose()?;
        let order = Order {
            device,
            main_url: main_url.unwrap_or_default(),
            sub_url,
            onvif: onvif_url.map(|url| Onvif {
                url,
                networks: intake.camera_networks.clone(),
            }),
            credentials,
            trust: trust(camera)?,
            audio: intake.audio,
            connect_seconds: intake.connect_seconds,
            stall_seconds: intake.stall_seconds,
            look_ms: wish.look_ms,
            mib_max: intake.worker_mib_max,
            brokered: wish.brokered,
            greet: wish.greet,
        };
        let (child, socket) = program.spawn().map_err(Failure::Start)?;
        let mut socket = UnixStream::from_std(socket).map_err(Failure::Start)?;
        let sent = socket.write_all(&order.encode()).await;
        sent.map_err(PairError::Io)?;
        Ok(Self {
            child,
            socket: BufReader::with_capacity(BUFFER_BYTES, socket),
            allowed: Allowed {
                addresses,
                networks: intake.camera_networks.clone(),
            },
        })
    }

    /// Its next report.
    ///
    /// # Errors
    /// There is none within `silence`, or it is nonsense, or the worker is gone.
    pub async fn next(&mut self, silence: Duration) -> Result<Report, Failure> {
        match timeout(silence, Report::read(&mut self.socket)).await {
            Ok(report) => Ok(report?),
            Err(_) => Err(Failure::Silent),
        }
    }

    /// Begins to answer for its connections, which it tells of on its descriptor `calls`; `name`
    /// stands in the log.
    ///
    /// # Errors
    /// The kernel refuses, and the worker would wait for ever.
    pub fn answer(&self, name: String, calls: Option<i32>) -> Result<(), Failure> {
        let (Some(calls), Some(pid)) = (calls, self.child.id()) else {
            return Ok(());
        };
        let broker = Broker::new(name, pid, calls, self.allowed.clone());
        let started = broker.map_err(std::io::Error::from).and_then(Broker::start);
        started.map_err(Failure::Broker)
    }

    /// Ends it.
    pub async fn end(mut self) {
        let _ = self.child.start_kill();
        let _ = timeout(GRACE, self.child.wait()).await;
    }
}

/// A link is followed here, where more than one device can be seen.
fn plugged(device: &Path) -> Result<Plugged, node::Error> {
    Ok(Plugged {
        node: node::resolve(device)?,
        encoders: node::encoders(),
    })
}
