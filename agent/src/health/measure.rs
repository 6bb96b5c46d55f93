//! Everything that is measured beside cameras and recorder, each at its own pace.

use super::equipment::{self, Switches};
use super::machine::{self, Machine};
use super::network;
use crate::config::Config;
use tokio::sync::watch;
use xunke_protocol::health::{EquipmentSignals, PathSignals};

/// The newest of everything.
pub struct Measures {
    pub(super) machine: watch::Receiver<Machine>,
    pub(super) network: watch::Receiver<Vec<PathSignals>>,
    pub(super) equipment: watch::Receiver<Vec<EquipmentSignals>>,
    pub(super) light: watch::Receiver<Option<EquipmentSignals>>,
    pub(super) certificate_end_ms: Box<dyn Fn() -> i64 + Send>,
}

impl Measures {
    /// Every piece of equipment, and the on-air light.
    pub(super) fn equipment(&self) -> Vec<EquipmentSignals> {
        let mut all = self.equipment.borrow().clone();
        all.extend(self.light.borrow().clone());
        all
    }
}

/// The measures, what switches projectors, and what renews the measures: it runs until it is
/// dropped. The end of the certificate is asked for each time, for it is renewed while the box
/// runs. `light` says how the on-air light is.
pub fn measure(
    config: &Config,
    light: watch::Receiver<Option<EquipmentSignals>>,
    certificate_end_ms: Box<dyn Fn() -> i64 + Send>,
) -> (Measures, Switches, impl Future<Output = ()> + Send + use<>) {
    let (tell_machine, machine) = watch::channel(Machine::default());
    let (tell_network, network) = watch::channel(Vec::new());
    let (tell_equipment, equipment) = watch::channel(equipment::unasked(&config.equipment));
    let (switches, wishes) = equipment::switches(&config.equipment);
    let measuring = (
        machine::watch_over(config.state_dir.clone(), tell_machine),
        network::measure(config.hub.address(), tell_network),
        equipment::watch_over(config.equipment.clone(), wishes, tell_equipment),
    );
    let measures = Measures {
        machine,
        network,
        equipment,
        light,
        certificate_end_ms,
    };
    let together = async move {
        let (machine, network, equipment) = measuring;
        tokio::join!(machine, network, equipment);
    };
    (measures, switches, together)
}
