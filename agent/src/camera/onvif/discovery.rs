//! Cameras that answer a call into the network (WS-Discovery), for a technician.
//!
//! The call goes out by multicast on every interface, and to each address of the given networks by
//! itself, because switches often keep multicast back. What answers is listed, not asked.

use super::fence::Fence;
use super::soap::shortened;
use super::xml::{Node, parse};
use crate::config::Network;
use std::collections::BTreeMap;
use std::io::Result;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
const PORT: u16 = 3702;
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Networks larger than this are called by multicast alone.
const ADDRESSES_MAX: u32 = 1024;
const FOUND_MAX: usize = 256;
/// So many calls at once, so that none is lost on the way out.
const BATCH: usize = 64;
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// A camera that answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Addresses of its device service.
    pub urls: Vec<String>,
    /// What it says it is called.
    pub name: String,
    /// What it says it is.
    pub hardware: String,
    /// Addresses that it named and that point elsewhere.
    pub refused: Vec<String>,
}

/// Calls and listens for `longest`. Only what lies in `networks` is listed, when there are any.
///
/// # Errors
/// No socket can be had.
pub async fn discover(networks: &[Network], longest: Duration) -> Result<BTreeMap<IpAddr, Found>> {
    let id = message_id();
    let call = call(&id);
    let until = Instant::now() + longest;
    let mut listening = JoinSet::new();
    for interface in interfaces() {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        // An interface that is down, or an old kernel: the others are called.
        let bound = socket.bind_device(Some(interface.as_bytes()));
        if bound.is_ok() && socket.send_to(call.as_bytes(), (GROUP, PORT)).await.is_ok() {
            listening.spawn(listen(socket, until));
        }
    }
    let single = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let addresses = networks
        .iter()
        .flat_map(|network| network.addresses(ADDRESSES_MAX));
    for (number, address) in addresses.enumerate() {
        let _ = single.send_to(call.as_bytes(), (address, PORT)).await;
        if number % BATCH == BATCH - 1 {
            sleep(BATCH_PAUSE).await;
        }
    }
    listening.spawn(listen(single, until));
    let mut found = BTreeMap::new();
    for (source, bytes) in listening.join_all().await.into_iter().flatten() {
        take(&mut found, source.ip(), &bytes, &id, networks);
    }
    Ok(found)
}

/// Everything that comes until then.
async fn listen(socket: UdpSocket, until: Instant) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut answers = Vec::new();
    let mut bytes = vec![0; ANSWER_BYTES_MAX];
    while answers.len() < FOUND_MAX {
        match timeout_at(until, socket.recv_from(&mut bytes)).await {
            Ok(Ok((length, source))) => answers.push((source, bytes[..length].to_vec())),
            // A closed port somewhere in the network says so; the others may still answer.
            Ok(Err(_)) => {}
            Err(_) => break,
        }
    }
    answers
}

/// Pure: one answer into the list.
pub(super) fn take(
    found: &mut BTreeMap<IpAddr, Found>,
    source: IpAddr,
    bytes: &[u8],
    id: &str,
    networks: &[Network],
) {
    let near = networks.is_empty() || networks.iter().any(|network| network.contains(source));
    let Some(matched) = near.then(|| matched(bytes, id)).flatten() else {
        return;
    };
    let fence = Fence::new(vec![(source.to_string(), source)], networks.to_vec());
    let one = found.entry(source).or_default();
    for text in matched
        .text_at(&["XAddrs"])
        .unwrap_or_default()
        .split_whitespace()
        .take(8)
    {
        let Ok(url) = Url::parse(text) else {
            continue;
        };
        match fence.place(&url, "device service") {
            Ok(_) => push_new(&mut one.urls, url.into()),
            Err(outside) => push_new(&mut one.refused, outside.to_string()),
        }
    }
    for scope in matched
        .text_at(&["Scopes"])
        .unwrap_or_default()
        .split_whitespace()
    {
        let told = |kind: &str| {
            scope
                .strip_prefix("onvif://www.onvif.org/")
                .and_then(|rest| rest.strip_prefix(kind))
        };
        if let Some(name) = told("name/") {
            one.name = shortened(&name.replace("%20", " "));
        }
        if let Some(hardware) = told("hardware/") {
            one.hardware = shortened(&hardware.replace("%20", " "));
        }
    }
}

fn push_new(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

/// What an envelope says, when it answers our own call.
fn matched(bytes: &[u8], id: &str) -> Option<Node> {
    let envelope = parse(bytes).ok()?;
    let answers = envelope.text_at(&["Header", "RelatesTo"])?;
    (answers == id).then_some(())?;
    envelope
        .at(&["Body", "ProbeMatches", "ProbeMatch"])
        .cloned()
}

fn message_id() -> String {
    let mut random = [0; 16];
    // Without randomness an answer to somebody else's call may be listed too.
    let _ = getrandom::fill(&mut random);
    format!("urn:uuid:{}", uuid::Uuid::from_bytes(random))
}

fn call(id: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">\
         <s:Header><a:MessageID>{id}</a:MessageID>\
         <a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>\
         <a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></s:Header>\
         <s:Body><d:Probe xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\">\
         <d:Types xmlns:n=\"http://www.onvif.org/ver10/network/wsdl\">n:NetworkVideoTransmitter\
         </d:Types></d:Probe></s:Body></s:Envelope>"
    )
}

/// Every network interface but the loopback.
fn interfaces() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/class/net") else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name != "lo").take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "urn:uuid:1";

    fn answer(id: &str, addresses: &str) -> Vec<u8> {
        format!(
            "<E><Header><RelatesTo>{id}</RelatesTo></Header><Body><ProbeMatches><ProbeMatch>\
             <Scopes>onvif://www.onvif.org/name/Front%20left onvif://www.onvif.org/hardware/X1 \
             onvif://www.onvif.org/Profile/T</Scopes><XAddrs>{addresses}</XAddrs>\
             </ProbeMatch></ProbeMatches></Body></E>"
        )
        .into()
    }

    fn taken(id: &str, addresses: &str, networks: &[&str]) -> Option<Found> {
        let networks: Vec<Network> = networks.iter().map(|text| text.parse().unwrap()).collect();
        let source = "10.0.0.7".parse().unwrap();
        let mut found = BTreeMap::new();
        take(&mut found, source, &answer(id, addresses), ID, &networks);
        found.remove(&source)
    }

    /// X62: an answer speaks for its sender alone.
    #[test]
    fn an_answer_is_listed_with_what_points_to_its_sender() {
        let both = "http://10.0.0.7/onvif http://10.9.9.9/onvif";
        let one = taken(ID, both, &[]).unwrap();
        assert_eq!(one.urls, ["http://10.0.0.7/onvif"]);
        assert!(
            one.refused[0].contains("names 10.9.9.9 as its device service"),
            "{one:?}"
        );
        assert_eq!(
            (one.name.as_str(), one.hardware.as_str()),
            ("Front left", "X1")
        );
        let wide = taken(ID, both, &["10.0.0.0/24", "10.9.9.0/24"]).unwrap();
        assert_eq!((wide.urls.len(), wide.refused.len()), (2, 0));
        assert_eq!(taken("urn:uuid:2", both, &[]), None, "not to our call");
        assert_eq!(
            taken(ID, both, &["10.1.0.0/24"]),
            None,
            "not in the network"
        );
    }

    #[test]
    fn the_call_is_read_by_our_own_reader() {
        let node = parse(call(ID).as_bytes()).unwrap();
        assert_eq!(node.text_at(&["Header", "MessageID"]), Some(ID));
        assert!(node.at(&["Body", "Probe", "Types"]).is_some());
        assert_ne!(message_id(), message_id());
    }
}
