//! Keys out of the hub and back: the folder with the master key is gone, two holders come, and
//! recordings play (K1, X16).

use super::*;
use crate::config;
use crate::keys::backup::{Restored, restore};
use crate::keys::custody::Custody;
use crate::keys::escrow::{Holder, Recipient};

async fn restarted(f: &mut Stage, now_ms: i64) -> Result<(), keys::Error> {
    let days = config::Keys {
        days_ahead: 2,
        ..config::Keys::default()
    };
    let custody = Custody::own(&f.folder);
    let keys = Keys::open(f.db.clone(), &custody, &days, hub_key(), now_ms).await?;
    f.keys = Arc::new(keys);
    let (db, gate, media) = (f.db.clone(), f.gate.clone(), f.media.clone());
    f.playback = playback::Playback::new(db, gate, f.keys.clone(), media);
    Ok(())
}

/// K1, X16: the master key is lost with its folder; the database and the media come back from
/// their backup, and the keys from the two holders.
#[tokio::test]
async fn a_wiped_hub_plays_again_after_two_holders_came() {
    let mut f = stage().await;
    let at_ms = EIGHT + 200 * MINUTE_MS;
    let ordinary = record(&f, 1, at_ms, true).await;
    let premium = record(&f, 2, at_ms + 60 * MINUTE_MS, true).await;
    promote(&f, &premium, at_ms + 200 * MINUTE_MS).await;
    let holders = [Holder::generate(), Holder::generate()];
    let recipients: [Recipient; 2] = holders.each_ref().map(Holder::recipient);
    let now_ms = at_ms + 300 * MINUTE_MS;
    let exported = f.keys.export(&recipients, TERMS, now_ms).await.unwrap();
    assert_eq!((exported.days, exported.records), (4, 1));
    std::fs::remove_dir_all(f.folder.join("keys")).unwrap();
    let lost = restarted(&mut f, now_ms).await.unwrap_err();
    assert!(!matches!(lost, keys::Error::Store(_)), "{lost}");
    let custody = Custody::own(&f.folder);
    let back = |holders| {
        let (db, custody, file) = (&f.db, &custody, &exported.file);
        async move { restore(db, custody, (file, holders), TERMS, now_ms).await }
    };
    let strangers = [Holder::generate(), Holder::generate()];
    assert!(back(&strangers).await.is_err());
    let came = back(&holders).await.unwrap();
    let expected = Restored {
        days: 4,
        records: 1,
        ..Restored::default()
    };
    assert_eq!(came, expected);
    restarted(&mut f, now_ms).await.unwrap();
    assert_eq!(plays(&f, ordinary.id, Purpose::Plan, now_ms).await, Ok(()));
    let until = ends(&ordinary);
    night(&f, until).await;
    restarted(&mut f, until).await.unwrap();
    assert_eq!(plays(&f, premium.id, Purpose::Plan, until).await, Ok(()));
}

/// K11: what has expired is in no new export, and an old export does not bring it back.
#[tokio::test]
async fn what_expired_is_not_exported_and_does_not_come_back() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    let holders = [Holder::generate(), Holder::generate()];
    let recipients = holders.each_ref().map(Holder::recipient);
    let old = f.keys.export(&recipients, TERMS, EIGHT).await.unwrap();
    assert_eq!((old.row.first_epoch, old.row.last_epoch), (20_778, 20_781));
    let until = ends(&recording);
    night(&f, until).await;
    let new = f.keys.export(&recipients, TERMS, until).await.unwrap();
    assert_eq!((new.days, new.row.first_epoch), (2, 20_780));
    let custody = Custody::own(&f.folder);
    let back = restore(&f.db, &custody, (&old.file, &holders), TERMS, until);
    let came = back.await.unwrap();
    assert_eq!((came.days, came.expired, came.lost), (2, 2, 0));
    assert!(!f.keys.holds(20_779).await.unwrap());
}
