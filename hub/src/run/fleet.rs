//! How boxes speak MQTT with this hub: at its own door, or through a broker of the school.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::watch;
use xunke_protocol::envelope::Acks;

use crate::authority::{Ca, Shown, secret_file, tls};
use crate::clock::now_ms;
use crate::config::Config;
use crate::device::enrol::MqttPlace;
use crate::endpoint::{self, Broker, Limits, broker};
use crate::health::intake::Intake;
use crate::recording::missing::Missing;
use crate::store::Db;
use crate::store::device as rows;
use crate::web::{App, error, listen};

/// How soon a certificate that is good no more stands in the broker's list.
const LOOK: Duration = Duration::from_millis(500);
/// The list is written again without a change, long before it ends.
const AGAIN: Duration = Duration::from_secs(24 * 3600);
const LIST: &str = "revoked.pem";

/// Where boxes speak MQTT.
pub(super) enum Mqtt {
    /// With the hub itself.
    Door(TcpListener),
    /// Through a broker: its name and port.
    Broker(String, u16),
}

impl Mqtt {
    /// Opens the hub's own door, unless a broker stands in its place.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        match config.mqtt.broker.address() {
            Some((host, port)) => Ok(Self::Broker(host.to_owned(), port)),
            None => {
                let listener = listen::bind("mqtt.listen", config.mqtt.listen).await?;
                Ok(Self::Door(listener))
            }
        }
    }

    /// What a new box is told.
    pub(super) fn place(&self) -> anyhow::Result<MqttPlace> {
        Ok(match self {
            Self::Door(listener) => MqttPlace {
                host: None,
                port: listener.local_addr()?.port(),
            },
            Self::Broker(host, port) => MqttPlace {
                host: Some(host.clone()),
                port: *port,
            },
        })
    }

    /// For the log.
    pub(super) fn name(&self) -> anyhow::Result<String> {
        Ok(match self {
            Self::Door(listener) => listener.local_addr()?.to_string(),
            Self::Broker(host, port) => format!("the broker {host}:{port}"),
        })
    }

    /// Hears the boxes until `stop` turns true.
    ///
    /// # Errors
    /// TLS cannot be set up, or the folder for the broker cannot be made.
    pub(super) fn serve(
        self,
        app: &App,
        (ca, shown): (&Arc<Ca>, &Arc<Shown>),
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<BoxFuture<'static, ()>> {
        let (links, limits) = (app.devices.links.clone(), Limits::default());
        Ok(match self {
            Self::Door(listener) => {
                let (tls, intake) = (tls::mqtt(shown, ca)?, intake(app, Acks::Puback));
                endpoint::serve(listener, tls, intake, links, limits, stop).boxed()
            }
            Self::Broker(host, port) => {
                let list = List::of(&app.config.data_dir, app.db.clone(), ca.clone())?;
                let (ca, intake) = (ca.clone(), intake(app, Acks::Rcv));
                let broker = Broker { host, port, ca };
                let heard = broker::serve(broker, intake, links, limits, stop.clone());
                async move {
                    tokio::join!(heard, list.follow(stop));
                }
                .boxed()
            }
        })
    }
}

fn intake(app: &App, acks: Acks) -> Arc<Intake> {
    let missing = Missing::new(app.db.clone(), app.trail.clone());
    let store = (app.db.clone(), app.notices.clone());
    Arc::new(Intake::new(store, app.devices.clone(), missing, acks))
}

/// Where the files for a broker are.
pub(crate) fn broker_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("broker")
}

/// Writes the list of certificates that are good no more.
///
/// # Errors
/// The store or the disk fails.
pub(crate) async fn write_list(db: &Db, ca: &Ca, folder: &Path) -> anyhow::Result<Vec<String>> {
    let now_ms = now_ms();
    let serials = rows::revoked(db, now_ms).await?;
    secret_file::write(
        &folder.join(LIST),
        ca.revocations(&serials, now_ms)?.as_bytes(),
    )?;
    Ok(serials)
}

/// The broker's list of certificates that are good no more, in a folder of its own, from where the
/// system takes it to the broker.
struct List {
    folder: PathBuf,
    db: Db,
    ca: Arc<Ca>,
}

impl List {
    fn of(data_dir: &Path, db: Db, ca: Arc<Ca>) -> anyhow::Result<Self> {
        let folder = broker_folder(data_dir);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder, db, ca })
    }

    async fn follow(self, mut stop: watch::Receiver<bool>) {
        let mut written: Option<(Vec<String>, tokio::time::Instant)> = None;
        let mut failing = false;
        loop {
            let looked = self.look(&mut written).await;
            if let Err(error) = &looked
                && !failing
            {
                let error = error::chain(error.as_ref());
                tracing::error!(error, "the broker's list of certificates cannot be written");
            }
            failing = looked.is_err();
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn look(
        &self,
        written: &mut Option<(Vec<String>, tokio::time::Instant)>,
    ) -> anyhow::Result<()> {
        let serials = rows::revoked(&self.db, now_ms()).await?;
        let same = written
            .as_ref()
            .is_some_and(|(before, at)| *before == serials && at.elapsed() < AGAIN);
        if !same {
            let serials = write_list(&self.db, &self.ca, &self.folder).await?;
            *written = Some((serials, tokio::time::Instant::now()));
        }
        Ok(())
    }
}
