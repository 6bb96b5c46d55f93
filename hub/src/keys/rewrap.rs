//! Sealing segment keys again, under the key of their recording, so that the day's key can die.

use uuid::Uuid;
use xunke_protocol::sealed::{Outline, SegmentSecret};

use super::master::Master;
use super::record::RecordSecret;
use super::{Authority, Error, Keys};
use crate::store::keys::{self as rows, RecordKeyRow, SegmentKeyRow};

/// From where the key of a segment comes.
pub(super) enum Source {
    /// The day's key, sealed.
    Day(String),
    /// A record key, since the day's is gone.
    Record(SegmentKeyRow),
}

impl Source {
    /// Unwraps the segment's key. Slow: for a thread that may wait.
    pub fn unwrap(&self, master: &Master, outline: &Outline) -> Result<SegmentSecret, Error> {
        match self {
            Self::Day(sealed) => {
                let day = master.unseal(sealed, outline.header.epoch)?;
                Ok(outline.unwrap_secret(&day)?)
            }
            Self::Record(row) => {
                let wrong = || Error::Record(row.key_id.clone());
                let key = master.unseal_record(&row.key_sealed, &row.key_id);
                let key = key.ok_or_else(wrong)?;
                let secret = key.open(&row.sealed, outline.header.segment);
                secret.ok_or_else(wrong)
            }
        }
    }
}

impl Keys {
    /// Where the key of a segment is: the day's, as long as it lives, then that of its recording.
    pub(super) async fn source(&self, outline: &Outline) -> Result<Source, Error> {
        let header = &outline.header;
        let day = rows::find(&self.db, header.epoch.into()).await?;
        if let Some(row) = day.filter(|row| !row.sealed.is_empty()) {
            return Ok(Source::Day(row.sealed));
        }
        let kept = rows::segment_key(&self.db, &header.segment.to_string()).await?;
        kept.map(Source::Record).ok_or(Error::NoDay(header.epoch))
    }

    /// Seals the key of a segment again for the decision that keeps its recording; durable when
    /// this returns. False: it is of another recording, or done already.
    ///
    /// # Errors
    /// No key any more, a segment that was changed, or the store fails; then nothing was sealed.
    pub async fn rewrap(&self, authority: &Authority, outline: Outline) -> Result<bool, Error> {
        let of = (authority.recording().to_string(), authority.keeper());
        let segment = outline.header.segment.to_string();
        let wanted = rows::without_key(&self.db, &of.0, of.1).await?;
        if wanted.iter().all(|row| row.id != segment) {
            return Ok(false);
        }
        let source = self.source(&outline).await?;
        let (row, secret) = self.record_key(&of.0, of.1).await?;
        let master = self.master.clone();
        let sealing = tokio::task::spawn_blocking(move || {
            let key = source.unwrap(&master, &outline)?;
            Ok::<_, Error>(secret.seal(&key, outline.header.segment))
        });
        let sealed = sealing.await??;
        rows::keep(&self.db, (&of.0, of.1), &row, (&segment, &sealed)).await?;
        Ok(true)
    }

    async fn record_key(
        &self,
        recording: &str,
        keeper: &str,
    ) -> Result<(RecordKeyRow, RecordSecret), Error> {
        if let Some(row) = rows::record_key(&self.db, recording, keeper).await? {
            let secret = self.master.unseal_record(&row.sealed, &row.id);
            let secret = secret.ok_or_else(|| Error::Record(row.id.clone()))?;
            return Ok((row, secret));
        }
        let (secret, id) = (RecordSecret::generate(), Uuid::now_v7().to_string());
        let sealed = self.master.seal_record(&secret, &id);
        Ok((RecordKeyRow { id, sealed }, secret))
    }
}
