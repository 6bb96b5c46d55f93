//! A hostile camera: stands before a simulated one and changes what it says, as planned.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::plan::{Act, Plan};
use super::unit::Unit;

/// Most that is sent without an end, and how long.
const ENDLESS_BYTES: usize = 8 * 1024 * 1024;
const ENDLESS_SECONDS: u64 = 5;
/// What is sent slowly: this many bytes one by one.
const SLOW_BYTES: usize = 100;
const SLOW: Duration = Duration::from_millis(20);

/// What a camera calls a place, and what stands there instead.
type Name = (String, String);

/// The plan of one session, of all its connections.
pub type Shared = Arc<Mutex<Plan>>;

/// The camera. Dropping it ends it.
pub struct Door {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Door {
    /// Stands before the camera at `genuine`; `plan` is asked at each connection. Where the camera
    /// names itself in XML, this door stands instead; `other` is another name and what stands for
    /// it.
    ///
    /// # Errors
    /// There is no port.
    pub async fn open(
        genuine: SocketAddr,
        other: Option<(SocketAddr, SocketAddr)>,
        plan: impl Fn() -> Shared + Send + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let names = [Some((genuine, address)), other].into_iter().flatten();
        let names = names.map(|(theirs, ours)| (theirs.to_string(), ours.to_string()));
        let names: Arc<[Name]> = names.collect();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (plan, names) = (plan(), Arc::clone(&names));
                tokio::spawn(async move { drop(serve(client, genuine, &names, &plan).await) });
            }
        });
        Ok(Self { address, task })
    }
}

async fn serve(
    client: TcpStream,
    genuine: SocketAddr,
    names: &[Name],
    plan: &Mutex<Plan>,
) -> Result<()> {
    let _ = client.set_nodelay(true);
    let camera = TcpStream::connect(genuine).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_camera, mut to_camera) = camera.into_split();
    let change = change(&mut from_camera, &mut to_client, plan, names);
    select! {
        // The other side has gone: so does the camera's session.
        gone = tokio::io::copy(&mut from_client, &mut to_camera) => drop(gone),
        changed = change => changed?,
    }
    Ok(())
}

async fn change(
    camera: &mut OwnedReadHalf,
    client: &mut OwnedWriteHalf,
    plan: &Mutex<Plan>,
    names: &[Name],
) -> Result<()> {
    let mut come = vec![];
    loop {
        while let Some(unit) = Unit::take(&mut come) {
            let unit = renamed(unit, names);
            let acts = plan
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .act(&unit);
            for act in acts {
                if !perform(act, client).await? {
                    return Ok(());
                }
            }
        }
        if camera.read_buf(&mut come).await? == 0 {
            return Ok(());
        }
    }
}

fn renamed(unit: Unit, names: &[Name]) -> Unit {
    let Unit::Answer(head, body) = unit else {
        return unit;
    };
    if !body.starts_with(b"<") {
        return Unit::Answer(head, body);
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    let named = |text: String, (theirs, ours): &Name| text.replace(theirs.as_str(), ours);
    let text = names.iter().fold(text, named);
    let length = |bytes: usize| format!("Content-Length: {bytes}\r");
    let head = String::from_utf8_lossy(&head);
    let head = head.replace(&length(body.len()), &length(text.len()));
    Unit::Answer(head.into_bytes(), text.into_bytes())
}

/// Whether the connection goes on.
async fn perform(act: Act, client: &mut OwnedWriteHalf) -> Result<bool> {
    match act {
        Act::Send(bytes) => client.write_all(&bytes).await?,
        Act::Slowly(bytes) => {
            let (slow, rest) = bytes.split_at(bytes.len().min(SLOW_BYTES));
            for byte in slow {
                client.write_all(&[*byte]).await?;
                sleep(SLOW).await;
            }
            client.write_all(rest).await?;
        }
        Act::Endlessly(first, again) => {
            client.write_all(&first).await?;
            let again = again.repeat((64 * 1024 / again.len().max(1)).max(1));
            let much = async {
                for _ in 0..ENDLESS_BYTES / again.len() {
                    client.write_all(&again).await?;
                }
                std::io::Result::Ok(())
            };
            // Whoever no longer reads is not waited for.
            let longest = Duration::from_secs(ENDLESS_SECONDS);
            drop(tokio::time::timeout(longest, much).await);
            return Ok(false);
        }
        Act::Close => return Ok(false),
        // Until the other side goes.
        Act::Nothing => std::future::pending().await,
    }
    Ok(true)
}
