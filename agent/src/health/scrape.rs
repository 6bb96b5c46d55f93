//! `/metrics` for Prometheus, off unless it is configured, for this machine alone: what the box's
//! newest document says, and nothing that is not in it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use xunke_protocol::health::HealthDocument;
use xunke_protocol::metrics::{self, Metrics};

const PATH: &str = "/metrics";
/// Scrapes at the same time; more wait.
const SCRAPES_MAX: usize = 4;
/// For a whole scrape.
const SCRAPE: Duration = Duration::from_secs(5);
/// Before the port is asked for again, and after an accept that failed.
const BREATH: Duration = Duration::from_secs(10);

/// The newest document; `None` before there is one.
pub(super) type Newest = watch::Receiver<Option<HealthDocument>>;

/// Answers until it is dropped. A port that is taken keeps nothing else from running.
pub(super) async fn answer(address: SocketAddr, newest: Newest) {
    let listener = bind(address).await;
    let places = Arc::new(Semaphore::new(SCRAPES_MAX));
    let mut scrapes = JoinSet::new();
    loop {
        while scrapes.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let newest = newest.clone();
                scrapes.spawn(async move {
                    let _place = place;
                    drop(timeout(SCRAPE, scrape(stream, newest)).await);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "metrics.listen: a connection cannot be taken");
                sleep(BREATH).await;
            }
        }
    }
}

async fn bind(address: SocketAddr) -> TcpListener {
    let mut told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) if !told => {
                tracing::error!(%address, %error, "metrics.listen: cannot listen there; trying on");
                told = true;
            }
            Err(_) => {}
        }
        sleep(BREATH).await;
    }
}

async fn scrape(stream: TcpStream, newest: Newest) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = respond(request.method(), request.uri().path(), &newest);
        async move { Ok::<_, Infallible>(answer) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SCRAPE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a scrape ended");
    }
}

fn respond(method: &Method, path: &str, newest: &Newest) -> Response<Full<Bytes>> {
    let (status, text) = match (method, path) {
        (&Method::GET, PATH) => (StatusCode::OK, text(newest.borrow().as_ref())),
        (_, PATH) => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn text(newest: Option<&HealthDocument>) -> String {
    let mut numbers = Metrics::default();
    let help = "The agent's version, as a label.";
    let version = env!("CARGO_PKG_VERSION");
    numbers.gauge("xunke_agent_info", help, &[("version", version)], 1.0);
    if let Some(document) = newest {
        numbers.report(document, &[]);
    }
    numbers.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const SAMPLE: &str = include_str!("../../../protocol/samples/health-3.json");

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = loop {
            if let Ok(stream) = TcpStream::connect(address).await {
                break stream;
            }
            tokio::task::yield_now().await;
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Issue 6, item 5: the newest numbers, and nothing else is answered.
    #[tokio::test]
    async fn a_scrape_gets_the_newest_numbers() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let (tell, newest) = watch::channel(None);
        let answering = tokio::spawn(answer(address, newest));
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let before = ask(address, &get("/metrics")).await;
        assert!(before.starts_with("HTTP/1.1 200 OK\r\n"), "{before}");
        assert!(before.contains("xunke_agent_info{version="), "{before}");
        assert!(!before.contains("xunke_recording"), "{before}");
        tell.send_replace(Some(serde_json::from_str(SAMPLE).unwrap()));
        let after = ask(address, &get("/metrics")).await;
        assert!(after.contains("\nxunke_recording 1\n"), "{after}");
        assert!(after.contains("text/plain; version=0.0.4"), "{after}");
        let other = ask(address, &get("/etc/passwd")).await;
        assert!(other.starts_with("HTTP/1.1 404"), "{other}");
        let post = get("/metrics").replace("GET", "POST");
        assert!(ask(address, &post).await.starts_with("HTTP/1.1 405"));
        answering.abort();
    }
}
