//! Sending a box away from a broker. The broker has no word for it; but it lets a name be there
//! only once, and the hub's own authority makes certificates of that name. So the hub connects as
//! the box, the broker ends the box's session, and the hub leaves with a goodbye.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Outgoing, Packet, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::time::timeout;
use xunke_protocol::id::DeviceId;

use crate::authority::{self, Ca};
use crate::clock;

/// The broker is near; a box that is not away by then is tried again.
const MOST: Duration = Duration::from_secs(3);

/// Where the broker is, and who vouches for the hub there.
#[derive(Clone)]
pub struct Broker {
    /// Name or address; its certificate must be for it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Makes what the hub shows, and vouches for the broker.
    pub ca: Arc<Ca>,
}

impl Broker {
    /// A connection as `name`, clean and without a will.
    pub(super) fn options(&self, name: &str) -> Result<MqttOptions, authority::Error> {
        let mut options = MqttOptions::new(name, self.host.clone(), self.port);
        options
            .set_transport(tls(self.ca.client(name, clock::now_ms())?))
            .set_clean_session(true);
        Ok(options)
    }

    /// Ends the session of a box; says whether the broker took it.
    pub(super) async fn send_away(&self, device: &DeviceId) -> bool {
        let Ok(options) = self.options(device.as_str()) else {
            return false;
        };
        let (client, mut events) = AsyncClient::new(options, 2);
        let replaced = async {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => drop(client.try_disconnect()),
                    Ok(Event::Outgoing(Outgoing::Disconnect)) => return true,
                    Ok(_) => {}
                    Err(_) => return false,
                }
            }
        };
        timeout(MOST, replaced).await.unwrap_or(false)
    }
}

fn tls(config: Arc<ClientConfig>) -> Transport {
    Transport::tls_with_config(TlsConfiguration::Rustls(config))
}
