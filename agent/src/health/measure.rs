//! Everything that is measured beside cameras and recorder, each at its own pace.

use super::machine::{self, Machine};
use super::network;
use crate::config::Config;
use tokio::sync::watch;
use xunke_protocol::health::PathSignals;

/// The newest of everything.
pub struct Measures {
    pub(super) machine: watch::Receiver<Machine>,
    pub(super) network: watch::Receiver<Vec<PathSignals>>,
    pub(super) certificate_end_ms: i64,
}

/// The measures, and what renews them: it runs until it is dropped.
pub fn measure(
    config: &Config,
    certificate_end_ms: i64,
) -> (Measures, impl Future<Output = ()> + Send + use<>) {
    let (tell_machine, machine) = watch::channel(Machine::default());
    let (tell_network, network) = watch::channel(Vec::new());
    let measuring = (
        machine::watch_over(config.state_dir.clone(), tell_machine),
        network::measure(config.hub.address(), tell_network),
    );
    let measures = Measures {
        machine,
        network,
        certificate_end_ms,
    };
    let together = async move {
        let (machine, network) = measuring;
        tokio::join!(machine, network);
    };
    (measures, together)
}
