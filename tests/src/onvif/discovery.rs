//! Answers calls into the network, as cameras do on port 3702.

use std::net::Ipv4Addr;

use anyhow::Result;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::proof::text;

const PORT: u16 = 3702;

/// Answers on one address; dropping it ends it.
pub struct Responder(JoinHandle<()>);

impl Responder {
    /// Names `addresses` to whoever calls `ip`.
    ///
    /// # Errors
    /// Somebody else answers there.
    pub async fn start(ip: Ipv4Addr, addresses: &str) -> Result<Self> {
        let socket = UdpSocket::bind((ip, PORT)).await?;
        let addresses = addresses.to_owned();
        let task = tokio::spawn(async move {
            let mut bytes = vec![0; 8192];
            while let Ok((length, peer)) = socket.recv_from(&mut bytes).await {
                let call = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let id = text(&call, "MessageID").unwrap_or_default();
                let answer = matched(id, &addresses);
                drop(socket.send_to(answer.as_bytes(), peer).await);
            }
        });
        Ok(Self(task))
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn matched(id: &str, addresses: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><SOAP-ENV:Envelope \
         xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><SOAP-ENV:Header>\
         <wsa:RelatesTo>{id}</wsa:RelatesTo></SOAP-ENV:Header><SOAP-ENV:Body><d:ProbeMatches>\
         <d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>\
         onvif://www.onvif.org/name/Sim%20camera onvif://www.onvif.org/hardware/SIM-1080</d:Scopes>\
         <d:XAddrs>{addresses}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body>\
         </SOAP-ENV:Envelope>"
    )
}
