//! The camera's HTTP server: one request a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::answers;
use super::events::Events;
use super::manners::{Manners, Nonsense, Proof};
use super::proof::{NONCE, REALM, is_proved, text};
use crate::clock::now_ms;

const REQUEST_BYTES_MAX: usize = 64 * 1024;
const LOOK: Duration = Duration::from_millis(50);
/// What a camera may be asked by a stranger: a clock is needed to prove anything.
const OPEN: [&str; 3] = ["GetSystemDateAndTime", "GetServices", "GetCapabilities"];

/// A request that was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which operation.
    pub operation: String,
    /// Whether it brought anything that proves a password.
    pub proof: bool,
}

struct State {
    manners: Manners,
    events: Events,
    seen: Vec<Seen>,
}

/// A running camera; dropping it ends it.
pub struct OnvifCamera {
    /// Its device service.
    pub url: String,
    /// Its host and port.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl OnvifCamera {
    /// Listens on a free port of `ip`.
    ///
    /// # Errors
    /// There is none.
    pub async fn start(ip: IpAddr, manners: Manners) -> Result<Self> {
        let listener = TcpListener::bind((ip, 0)).await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}{}", manners.path);
        let state = Arc::new(Mutex::new(State {
            manners,
            events: Events::default(),
            seen: Vec::new(),
        }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move { drop(serve(stream, address, &shared).await) });
            }
        });
        Ok(Self {
            url,
            address,
            state,
            task,
        })
    }

    /// Changes its manners.
    pub fn change(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut locked(&self.state).manners);
    }

    /// Something happens before it.
    pub fn fire(&self, topic: &str, state: bool) {
        locked(&self.state).events.fire(topic, state);
    }

    /// It forgets who listens.
    pub fn drop_subscriptions(&self) {
        locked(&self.state).events.drop_all();
    }

    /// Subscriptions that it ever made, and that live.
    #[must_use]
    pub fn subscriptions(&self) -> (u32, usize) {
        let state = locked(&self.state);
        (state.events.made, state.events.count())
    }

    /// What it was asked.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.state).seen.clone()
    }
}

impl Drop for OnvifCamera {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Request {
    path: String,
    head: String,
    body: String,
    operation: String,
}

async fn read(stream: &mut TcpStream) -> Result<Option<Request>> {
    let mut bytes = Vec::new();
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = head {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.to_ascii_lowercase();
            let length = length
                .split("content-length:")
                .nth(1)
                .and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let operation = operation(&body).unwrap_or_default().to_owned();
                return Ok(Some(Request {
                    path,
                    head,
                    body,
                    operation,
                }));
            }
        }
        let more = stream.read_buf(&mut bytes).await?;
        if more == 0 || bytes.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
    }
}

/// The name of the first element in the body.
fn operation(body: &str) -> Option<&str> {
    let rest = &body[body.find(":Body>")? + 6..];
    let rest = rest.trim_start().strip_prefix('<')?;
    let name = rest.get(..rest.find([' ', '>', '/'])?)?;
    name.rsplit(':').next()
}

async fn serve(mut stream: TcpStream, own: SocketAddr, state: &Mutex<State>) -> Result<()> {
    let Some(request) = read(&mut stream).await? else {
        return Ok(());
    };
    let manners = {
        let mut state = locked(state);
        let proof = request.body.contains("UsernameToken") || request.head.contains("Digest ");
        state.seen.push(Seen {
            operation: request.operation.clone(),
            proof,
        });
        state.manners.clone()
    };
    if let Some(nonsense) = &manners.says {
        return babble(stream, nonsense).await;
    }
    let camera_ms = now_ms() + manners.skew_ms;
    let proved = is_proved(
        &manners,
        &request.head,
        &request.body,
        &request.path,
        camera_ms / 1000,
    );
    if !proved && !OPEN.contains(&request.operation.as_str()) {
        return refuse(stream, manners.proof).await;
    }
    if request.operation == "PullMessages" {
        return pull(stream, &request, camera_ms, state).await;
    }
    let body = answer(&request, &manners, own, camera_ms, state);
    let status = if body.contains(":Fault>") {
        "400 Bad Request"
    } else {
        "200 OK"
    };
    reply(stream, status, "", &body).await
}

async fn refuse(stream: TcpStream, proof: Proof) -> Result<()> {
    let challenge = format!(
        "WWW-Authenticate: Basic realm=\"{REALM}\"\r\n\
         WWW-Authenticate: Digest realm=\"{REALM}\", nonce=\"{NONCE}\", qop=\"auth\"\r\n"
    );
    match proof {
        Proof::Http => reply(stream, "401 Unauthorized", &challenge, "").await,
        _ => {
            reply(
                stream,
                "400 Bad Request",
                "",
                &answers::fault("NotAuthorized"),
            )
            .await
        }
    }
}

async fn reply(mut stream: TcpStream, status: &str, headers: &str, body: &str) -> Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/soap+xml; charset=utf-8\r\n\
         Content-Length: {}\r\n{headers}Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

fn answer(
    request: &Request,
    manners: &Manners,
    own: SocketAddr,
    camera_ms: i64,
    state: &Mutex<State>,
) -> String {
    let host = manners.names.clone().unwrap_or_else(|| own.to_string());
    let second = request.path.ends_with("media2");
    match request.operation.as_str() {
        "GetSystemDateAndTime" => answers::clock(camera_ms),
        "GetServices" if manners.no_services => answers::fault("ActionNotSupported"),
        "GetServices" => answers::services(manners, &host),
        "GetCapabilities" => answers::capabilities(&host),
        "GetDeviceInformation" => answers::information(),
        "GetProfiles" => answers::profiles(second),
        "GetStreamUri" => {
            let main = text(&request.body, "ProfileToken") == Some("main");
            answers::stream(second, if main { &manners.main } else { &manners.sub })
        }
        "GetEventProperties" => answers::topics(),
        "CreatePullPointSubscription" => {
            let ends_ms = now_ms() + manners.grants_s * 1000;
            let id = locked(state).events.subscribe(ends_ms, manners.replays);
            let host = manners.names_subscription.clone().unwrap_or(host);
            answers::subscribed(&host, id, camera_ms, ends_ms + manners.skew_ms)
        }
        "Renew" if manners.refuses_renew => answers::fault("ActionNotSupported"),
        "Renew" | "Unsubscribe" => about(request, manners, camera_ms, state),
        _ => answers::fault("ActionNotSupported"),
    }
}

/// Renews or ends the subscription that the header names.
fn about(request: &Request, manners: &Manners, camera_ms: i64, state: &Mutex<State>) -> String {
    let mut state = locked(state);
    let id = subscription(request);
    if !state.events.lives(id, now_ms()) {
        return answers::fault("ResourceUnknownFault");
    }
    if request.operation == "Unsubscribe" {
        state.events.end(id);
        return answers::envelope("<wsnt:UnsubscribeResponse/>");
    }
    let ends_ms = now_ms() + manners.grants_s * 1000;
    state.events.renew(id, ends_ms);
    answers::renewed(camera_ms, ends_ms + manners.skew_ms)
}

fn subscription(request: &Request) -> u32 {
    let id = text(&request.body, "SubscriptionId");
    id.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Waits with the answer until something happens, as long as it was asked to.
async fn pull(
    stream: TcpStream,
    request: &Request,
    camera_ms: i64,
    state: &Mutex<State>,
) -> Result<()> {
    let id = subscription(request);
    let longest = text(&request.body, "Timeout").unwrap_or_default();
    let seconds: i64 = longest.trim_matches(['P', 'T', 'S']).parse().unwrap_or(1);
    let until_ms = now_ms() + seconds * 1000;
    loop {
        let (lives, pulled) = {
            let mut state = locked(state);
            (state.events.lives(id, now_ms()), state.events.pull(id))
        };
        if !lives {
            let fault = answers::fault("ResourceUnknownFault");
            return reply(stream, "400 Bad Request", "", &fault).await;
        }
        if pulled.is_some() || now_ms() >= until_ms {
            let messages = pulled.unwrap_or_default();
            let body = answers::pulled(&messages, camera_ms, camera_ms + 60_000);
            return reply(stream, "200 OK", "", &body).await;
        }
        sleep(LOOK).await;
    }
}

async fn babble(mut stream: TcpStream, nonsense: &Nonsense) -> Result<()> {
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><l>&b;</l>";
    match nonsense {
        Nonsense::Html => {
            let page = "<html><head><title>Login</title></head><body><br>Web</body></html>";
            reply(stream, "200 OK", "", page).await
        }
        Nonsense::Laughs => reply(stream, "200 OK", "", laughs).await,
        Nonsense::Deep => reply(stream, "200 OK", "", &"<a>".repeat(100_000)).await,
        Nonsense::Oversize => {
            let body = answers::envelope(&"<x/>".repeat(500_000));
            reply(stream, "200 OK", "", &body).await
        }
        Nonsense::Missing => reply(stream, "404 Not Found", "", "").await,
        Nonsense::Fault(code) => {
            reply(
                stream,
                "500 Internal Server Error",
                "",
                &answers::fault(code),
            )
            .await
        }
        Nonsense::Redirect(to) => {
            let header = format!("Location: {to}\r\n");
            reply(stream, "307 Temporary Redirect", &header, "").await
        }
        Nonsense::Torn => {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n<SOAP-ENV:Envelope";
            Ok(stream.write_all(head).await?)
        }
        Nonsense::Slow => loop {
            stream.write_all(b"H").await?;
            sleep(Duration::from_secs(1)).await;
        },
        Nonsense::Silence => {
            sleep(Duration::from_secs(600)).await;
            Ok(())
        }
    }
}
