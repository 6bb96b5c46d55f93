//! Backup of the keys: out of the store into the hands of two holders, and back under another
//! master key. What has expired is in no new export and is never restored.

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::retention::{Terms, day_kept_until_ms};
use xunke_protocol::sealed::epoch::DaySecret;
use zeroize::Zeroizing;

use super::custody::Custody;
use super::escrow::{self, Holder, Recipient, Secrets};
use super::master::Master;
use super::record::RecordSecret;
use super::{Error, Keys, day};
use crate::access::secret;
use crate::campus::calendar;
use crate::store::Db;
use crate::store::keys::{self as rows, DayKeyRow, ExportRow};

/// What a restore came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Days whose key is there again.
    pub days: usize,
    /// Keys of recordings that outlive their day.
    pub records: usize,
    /// Days that have expired or were destroyed, and stay so.
    pub expired: usize,
    /// Days that were recorded after the export: lost.
    pub lost: usize,
}

/// An export, sealed for two holders.
#[derive(Debug)]
pub struct Exported {
    /// The file.
    pub file: Vec<u8>,
    /// What is noted of it, for certificates.
    pub row: ExportRow,
    /// How many days are in it.
    pub days: usize,
    /// How many keys of recordings that outlive their day.
    pub records: usize,
}

impl Keys {
    /// The keys of days that the calendar still keeps, and those of the recordings that decisions
    /// keep, sealed for two holders together.
    ///
    /// # Errors
    /// When the holders are one, the store fails or a key is another master's.
    pub async fn export(
        &self,
        recipients: &[Recipient; 2],
        terms: Terms,
        now_ms: i64,
    ) -> Result<Exported, Error> {
        let secrets = self.secrets(terms, now_ms).await?;
        let file = escrow::seal(recipients, &secrets, now_ms)?;
        let epoch = |of: Option<&(u32, String, Zeroizing<Vec<u8>>)>| {
            of.map_or(0, |(epoch, ..)| i64::from(*epoch))
        };
        let row = ExportRow {
            id: Uuid::now_v7().to_string(),
            made_ms: now_ms,
            sha256: secret::hex(&Sha256::digest(&file)),
            holders: recipients.each_ref().map(Recipient::fingerprint).join(" "),
            first_epoch: epoch(secrets.days.first()),
            last_epoch: epoch(secrets.days.last()),
        };
        Ok(Exported {
            file,
            row,
            days: secrets.days.len(),
            records: secrets.records.len(),
        })
    }

    async fn secrets(&self, terms: Terms, now_ms: i64) -> Result<Secrets, Error> {
        let mut secrets = Secrets::default();
        for row in rows::between(&self.db, 0, i64::MAX).await? {
            if row.sealed.is_empty() || expired(row.epoch, terms, now_ms) {
                continue;
            }
            let epoch = day(row.epoch)?;
            let secret = self.master.unseal(&row.sealed, epoch)?;
            let bytes = secret.to_bytes().to_vec().into();
            secrets.days.push((epoch, row.public, bytes));
        }
        for row in rows::record_keys(&self.db).await? {
            let wrong = || Error::Record(row.id.clone());
            let secret = self.master.unseal_record(&row.sealed, &row.id);
            let id: Uuid = row.id.parse().map_err(|_| wrong())?;
            secrets.records.push((id, secret.ok_or_else(wrong)?.0));
        }
        Ok(secrets)
    }
}

/// Puts an export back under the master key in `custody`. Keys that neither the export nor this
/// master key opens are given up, so that the hub starts and boxes are given new ones.
///
/// # Errors
/// Other holders, a changed file, or the store or the master key fails; then nothing was changed.
pub async fn restore(
    db: &Db,
    custody: &Custody,
    (file, holders): (&[u8], &[Holder; 2]),
    terms: Terms,
    now_ms: i64,
) -> Result<Restored, Error> {
    let (_, secrets) = escrow::open(file, holders)?;
    let master = Master::open(&custody.file, custody.make)?;
    let known = rows::between(db, 0, i64::MAX).await?;
    let mut came = Restored::default();
    let mut days = Vec::new();
    for (epoch, public, secret) in &secrets.days {
        let known = known.iter().find(|row| row.epoch == i64::from(*epoch));
        let destroyed = known.is_some_and(|row| row.sealed.is_empty());
        if destroyed || expired((*epoch).into(), terms, now_ms) {
            came.expired += 1;
            continue;
        }
        let secret = DaySecret::from_bytes(secret).ok_or(Error::NoDay(*epoch))?;
        days.push(DayKeyRow {
            epoch: (*epoch).into(),
            public: public.clone(),
            sealed: master.seal(&secret, *epoch),
        });
    }
    let restored = |epoch| days.iter().any(|row: &DayKeyRow| row.epoch == epoch);
    let mut given_up = Vec::new();
    for row in &known {
        let opens = day(row.epoch).is_ok_and(|epoch| master.unseal(&row.sealed, epoch).is_ok());
        if !row.sealed.is_empty() && !restored(row.epoch) && !opens {
            came.lost += usize::from(row.epoch < calendar::day(now_ms));
            given_up.push(row.epoch);
        }
    }
    let records = secrets.records.iter().map(|(id, secret)| {
        let id = id.to_string();
        let sealed = master.seal_record(&RecordSecret(secret.clone()), &id);
        (id, sealed)
    });
    let records: Vec<_> = records.collect();
    came.days = days.len();
    came.records = rows::restore(db, (&days, &given_up), &records).await?;
    Ok(came)
}

fn expired(epoch: i64, terms: Terms, now_ms: i64) -> bool {
    day_kept_until_ms(calendar::moment(epoch, 0), terms) <= now_ms
}
