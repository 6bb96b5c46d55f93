//! Gaps on their way to the hub: signed, and in the outbox before whoever tells one goes on.

use super::spool::Tell;
use crate::identity::Identity;
use crate::outbox::{Class, Event, Outbox};
use ed25519_dalek::SigningKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::sleep;
use xunke_protocol::id::{ClassroomId, DeviceId};
use xunke_protocol::recording::{Gap, SignedGap};

/// How long whoever tells a gap waits for the disk. It is tried again after that all the same.
const WAIT: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Most gaps that wait for a disk that refuses.
const WAITING_MAX: usize = 1024;

/// Tells gaps through the outbox. Clones share it.
#[derive(Clone)]
pub struct Gaps {
    key: SigningKey,
    device: DeviceId,
    classroom: ClassroomId,
    outbox: Outbox,
    runtime: Handle,
    waiting: Arc<AtomicUsize>,
}

impl Gaps {
    /// As this box. Must be called within a runtime.
    pub fn of(identity: &Identity, outbox: Outbox) -> Self {
        Self {
            key: identity.device_signing_key.clone(),
            device: identity.device_id.clone(),
            classroom: identity.classroom_id,
            outbox,
            runtime: Handle::current(),
            waiting: Arc::default(),
        }
    }

    fn event(&self, gap: Gap) -> Event {
        let signed = SignedGap::sign(gap, self.device.clone(), self.classroom, &self.key);
        Event {
            class: Class::Record,
            kind: "gap",
            data: serde_json::to_value(signed).expect("invariant: plain fields become JSON"),
        }
    }
}

impl Tell for Gaps {
    fn tell(&self, gap: Gap) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            tracing::error!(
                ?gap,
                "the disk takes no more gaps; this one is not told to the hub"
            );
            return;
        }
        let (kept, done) = sync_channel(1);
        let (outbox, event, waiting) = (self.outbox.clone(), self.event(gap), self.waiting.clone());
        self.runtime.spawn(async move {
            keep(&outbox, &event).await;
            waiting.fetch_sub(1, Ordering::Relaxed);
            // Whoever no longer waits has its gap kept all the same.
            let _ = kept.try_send(());
        });
        if done.recv_timeout(WAIT).is_err() {
            tracing::warn!("the disk is slow: a gap is noted for the hub later");
        }
    }
}

/// Until the disk takes it.
async fn keep(outbox: &Outbox, event: &Event) {
    let mut pause = RETRY;
    while let Err(error) = outbox.append(event.clone()).await {
        let advice = "look at the free space and the health of this disk";
        tracing::error!(%error, advice, "a gap could not be noted for the hub; it is tried again");
        sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Backlog;
    use crate::outbox::{Limit, Limits};
    use crate::test_peer::{Hub, directory};
    use tokio::task::spawn_blocking;
    use xunke_protocol::envelope::Envelope;
    use xunke_protocol::recording::GapReason;

    const LIMIT: Limit = Limit {
        bytes_max: 1 << 20,
        age_ms_max: i64::MAX / 2,
    };
    const LIMITS: Limits = Limits {
        record: LIMIT,
        note: LIMIT,
    };

    fn told(outbox: &Outbox) -> Option<SignedGap> {
        let message = outbox.next()?;
        Envelope::parse(&message.payload).unwrap().data().ok()
    }

    /// K14: a gap is on the disk, signed, when whoever tells it goes on: before the footage that
    /// it speaks of is given up.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_gap_is_durable_and_signed_before_its_teller_goes_on() {
        let hub = Hub::start().await;
        let config = hub.config("gaps-durable");
        let identity = hub.enrolled(&config).await;
        let dir = directory("gaps-durable-outbox");
        let outbox = Outbox::open(&dir, LIMITS).unwrap();
        let gaps = Gaps::of(&identity, outbox.clone());
        let gap = Gap {
            source: "cam0".parse().unwrap(),
            from_us: 5,
            to_us: 9,
            reason: GapReason::Evicted,
        };
        let given = gap.clone();
        spawn_blocking(move || gaps.tell(given)).await.unwrap();
        // As after a power cut: another process reads what is on the disk.
        let again = Outbox::open(&dir, LIMITS).unwrap();
        let signed = told(&again).unwrap();
        assert_eq!(signed.gap, gap);
        assert_eq!(
            (&signed.device, signed.classroom),
            (&identity.device_id, identity.classroom_id)
        );
        assert!(signed.is_of(&[identity.device_signing_key.verifying_key()]));
        std::fs::remove_dir_all(&dir).unwrap();
        let _ = std::fs::remove_dir_all(&config.state_dir);
    }
}
