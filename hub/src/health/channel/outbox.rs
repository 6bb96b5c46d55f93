//! The outbox: a message becomes one row for each channel that takes it, in the transaction of what
//! it tells about. Whatever was committed is sent, whenever the hub is killed.

use uuid::Uuid;
use xunke_policy::fault::Severity;

use super::Error;
use super::message::Message;
use crate::store::Writing;
use crate::store::outbox::{self as rows, NewDelivery};

/// Writes `message` into the outbox, once for each channel in use that takes its severity; gives
/// how many there are. Call it in the transaction that makes the message true; nothing is sent
/// before that is committed.
///
/// # Errors
/// When the store fails; then the transaction must not be committed.
pub async fn enqueue(tx: &mut Writing, message: &Message, now_ms: i64) -> Result<u64, Error> {
    let mut deliveries = 0;
    for channel in rows::takers(tx).await? {
        let least = Severity::named(&channel.severity_min);
        let least = least.ok_or_else(|| Error::Stored(channel.id.clone()))?;
        if message.severity >= least {
            put(tx, &channel.id, message, now_ms).await?;
            deliveries += 1;
        }
    }
    Ok(deliveries)
}

/// Writes `message` into the outbox for one channel, whatever severity it takes; gives the id of
/// the delivery.
///
/// # Errors
/// The same.
pub(super) async fn put(
    tx: &mut Writing,
    channel_id: &str,
    message: &Message,
    now_ms: i64,
) -> Result<Uuid, Error> {
    let (id, message) = (Uuid::now_v7(), message.trimmed());
    let row = NewDelivery {
        id: &id.to_string(),
        channel_id,
        about: message.about.word(),
        number: &message.number,
        message: &serde_json::to_string(&message)?,
        queued_ms: now_ms,
    };
    rows::add(tx, &row).await?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::super::message::{About, example};
    use super::*;
    use crate::store::Db;
    use crate::store::channel::{self, ChannelRow};

    const NOW: i64 = 1_795_000_000_000;

    async fn add(db: &Db, id: &str, severity_min: &str, enabled: i64) {
        let row = ChannelRow {
            id: id.into(),
            name: id.into(),
            severity_min: severity_min.into(),
            enabled,
            ..ChannelRow::default()
        };
        let mut writing = db.begin().await.unwrap();
        channel::add(&mut writing, &row).await.unwrap();
        Db::commit(writing).await.unwrap();
    }

    async fn waiting(db: &Db, id: &str) -> Vec<Message> {
        let rows = rows::waiting(db, id, 9).await.unwrap();
        let message = |row: rows::DeliveryRow| serde_json::from_str(&row.message).unwrap();
        rows.into_iter().map(message).collect()
    }

    #[tokio::test]
    async fn each_channel_that_takes_the_severity_gets_its_row() {
        let db = Db::in_memory().await;
        add(&db, "all", "warning", 1).await;
        add(&db, "worst", "critical", 1).await;
        add(&db, "off", "warning", 0).await;
        let mut minor = example(About::Raised);
        minor.severity = Severity::Minor;
        let mut writing = db.begin().await.unwrap();
        assert_eq!(enqueue(&mut writing, &minor, NOW).await.unwrap(), 1);
        let critical = example(About::Resolved);
        assert_eq!(enqueue(&mut writing, &critical, NOW + 1).await.unwrap(), 2);
        Db::commit(writing).await.unwrap();
        assert_eq!(waiting(&db, "all").await, [minor, critical.clone()]);
        assert_eq!(waiting(&db, "worst").await, [critical]);
        assert!(waiting(&db, "off").await.is_empty());
    }

    /// What did not happen is not told.
    #[tokio::test]
    async fn nothing_leaves_a_transaction_that_is_undone() {
        let db = Db::in_memory().await;
        add(&db, "all", "warning", 1).await;
        let mut writing = db.begin().await.unwrap();
        enqueue(&mut writing, &example(About::Raised), NOW)
            .await
            .unwrap();
        drop(writing);
        assert!(waiting(&db, "all").await.is_empty());
    }
}
