//! The machine, looked at every ten seconds. A disk that hangs holds up only what is known of the
//! machine: the look waits on a thread of its own, and there is one at a time.

use super::check::Processors;
use super::sensors::Sensors;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use xunke_protocol::health::{DiskSignals, MachineSignals};

const EVERY: Duration = Duration::from_secs(10);

/// What a look found.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    /// `None` before the first look.
    pub machine: Option<MachineSignals>,
    /// `None` before the first look, and while the disk tells nothing.
    pub disk: Option<DiskSignals>,
}

struct Looks {
    processors: Processors,
    sensors: Sensors,
    folder: PathBuf,
}

impl Looks {
    fn look(&mut self) -> Machine {
        let mut machine = self.sensors.machine();
        machine.cpu_ratio = self.processors.busy();
        Machine {
            machine: Some(machine),
            disk: self.sensors.disk(&self.folder),
        }
    }
}

/// Looks at the machine and at the disk of `folder` until it is dropped.
pub(super) async fn watch_over(folder: PathBuf, publish: watch::Sender<Machine>) {
    let mut looks = Looks {
        processors: Processors::default(),
        sensors: Sensors::below(Path::new("/")),
        folder,
    };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let looked = spawn_blocking(move || {
            let machine = looks.look();
            (looks, machine)
        });
        let Ok((again, machine)) = looked.await else {
            tracing::error!("the machine can no longer be looked at");
            return;
        };
        looks = again;
        publish.send_replace(machine);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_look_is_told_at_once() {
        let (publish, mut machine) = watch::channel(Machine::default());
        let looking = tokio::spawn(watch_over(std::env::temp_dir(), publish));
        machine.changed().await.unwrap();
        let seen = machine.borrow().clone();
        assert!(seen.machine.is_some() && seen.disk.is_some());
        looking.abort();
    }
}
