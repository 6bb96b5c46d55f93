//! Where the light hangs: a file that is written, an address that is called.

use super::board::Scene;
use crate::config;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use url::Url;

/// For each of the two.
const DONE_MAX: Duration = Duration::from_secs(1);
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Why it does not show what it is to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("light.file = {}: {cause}", file.display())]
    File { file: PathBuf, cause: io::Error },
    #[error("light.file: writing takes too long")]
    Slow,
    #[error("light.url_*: nothing answers")]
    Silent,
    #[error("light.url_*: the answer is {0}")]
    Refused(u16),
}

/// What is written and called in each scene.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    file: Option<(PathBuf, [String; 3])>,
    urls: Option<[Url; 3]>,
}

impl Outlet {
    /// As configured; `None` where the room has no light.
    pub fn new(config: &config::Light) -> Option<Self> {
        let values = config.values().map(str::to_owned);
        let parsed = |text: &str| Url::parse(text).expect("invariant: load() has checked urls");
        config.is_there().then(|| Self {
            file: config.file.clone().map(|file| (file, values)),
            urls: config.urls().map(|urls| urls.map(parsed)),
        })
    }

    /// For each scene the first that looks the same.
    pub fn alike(&self) -> [Scene; 3] {
        Scene::ALL.map(|scene| {
            let same = |other: &&Scene| self.looks(**other) == self.looks(scene);
            let first = Scene::ALL.iter().find(same);
            *first.expect("invariant: a scene looks like itself")
        })
    }

    fn looks(&self, scene: Scene) -> (Option<&String>, Option<&Url>) {
        let at = scene as usize;
        let value = self.file.as_ref().map(|(_, values)| &values[at]);
        (value, self.urls.as_ref().map(|urls| &urls[at]))
    }

    /// Shows it; both have to do it.
    pub async fn show(&self, scene: Scene) -> Result<(), Error> {
        let at = scene as usize;
        if let Some((file, values)) = &self.file {
            write(file.clone(), values[at].clone()).await?;
        }
        if let Some(urls) = &self.urls {
            call(&urls[at]).await?;
        }
        Ok(())
    }
}

/// A file that is not there is not made: an LED that was unplugged is told.
async fn write(file: PathBuf, value: String) -> Result<(), Error> {
    let written = spawn_blocking(move || {
        let opened = File::options().write(true).truncate(true).open(&file);
        let written = opened.and_then(|mut open| writeln!(open, "{value}"));
        written.map_err(|cause| Error::File { file, cause })
    });
    let written = timeout(DONE_MAX, written).await;
    written
        .map_err(|_| Error::Slow)?
        .unwrap_or(Err(Error::Slow))
}

async fn call(url: &Url) -> Result<(), Error> {
    let answered = timeout(DONE_MAX, status(url)).await;
    match answered.ok().flatten().ok_or(Error::Silent)? {
        200..=299 => Ok(()),
        other => Err(Error::Refused(other)),
    }
}

/// The status of the answer. Its body is not read, and no redirect followed.
async fn status(url: &Url) -> Option<u16> {
    let address = *url.socket_addrs(|| None).ok()?.first()?;
    let stream = TcpStream::connect(address).await.ok()?;
    let handshake = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.ok()?;
    // Ends with this function, however it ends.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = hyper::Request::get(path)
        .header(HOST, url.authority())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let response = sender.send_request(request.ok()?).await.ok()?;
    Some(response.status().as_u16())
}
