//! Orders: how the relay reaches the box of a room.

use futures_util::future::BoxFuture;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use xunke_protocol::envelope::{CommandState, Order};
use xunke_protocol::id::{ClassroomId, DeviceId, PushId};

use super::relay::{Boxes, Key, Offline, PUSH_WAIT_MAX, Reason, Relay};
use crate::clock::now_ms;
use crate::device::Devices;
use crate::device::registry::{self, State};
use crate::notice::Notice;
use crate::store::Db;

/// The boxes of this hub.
#[derive(Debug, Clone)]
pub struct Orders {
    db: Db,
    devices: Devices,
}

impl Orders {
    /// Orders go to `devices`; which box stands where is in `db`.
    #[must_use]
    pub fn new(db: Db, devices: Devices) -> Self {
        Self { db, devices }
    }
}

/// Hears of boxes that are back, so that their viewers need not wait for the next try.
pub async fn follow(relay: Relay, mut notices: Receiver<Notice>) {
    loop {
        match notices.recv().await {
            Ok(Notice::Device {
                id,
                state: "online",
            }) => {
                if let Ok(device) = id.parse() {
                    relay.box_is_back(&device);
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

impl Boxes for Orders {
    fn device_of(&self, classroom: ClassroomId) -> BoxFuture<'static, Option<DeviceId>> {
        let db = self.db.clone();
        Box::pin(async move {
            let found = registry::in_room(&db, classroom).await;
            let found = found.unwrap_or_else(|error| {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, classroom.id = %classroom, "cannot find the room's box");
                None
            });
            found
                .filter(|device| device.state == State::Enrolled)
                .map(|device| device.id)
        })
    }

    /// The box answers when its push has ended; only an answer that it failed is of interest.
    fn live_start(&self, key: Key, push: PushId) -> BoxFuture<'static, Result<(), Offline>> {
        let Key {
            device,
            source,
            stream,
        } = key;
        let order = Order::LiveStart {
            push,
            source,
            stream,
        };
        let sent = self.devices.commands.send(&device, order, now_ms());
        Box::pin(async move {
            let offline = |reason| Offline {
                since_ms: now_ms(),
                reason,
            };
            let sent = sent.map_err(|_| offline(Reason::Absent))?;
            match sent.answer(PUSH_WAIT_MAX).await {
                Ok(answer) if answer.state != CommandState::Done => {
                    tracing::warn!(device.id = %device, ?answer, "a box declined to push");
                    Err(offline(Reason::Declined))
                }
                _ => Ok(()),
            }
        })
    }
}
