//! The commands of the console about keys: making a master key and holders, exporting for two
//! holders, restoring, and checking a certificate of destruction.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use xunke_policy::retention::Terms;

use super::{operator, print};
use crate::access::audit::{Entry, Trail, signed};
use crate::access::sanction::Export;
use crate::access::{institution, secret};
use crate::authority::{Ca, secret_file};
use crate::clock::now_ms;
use crate::config::Config;
use crate::keys::backup::{self, Restored};
use crate::keys::custody::Custody;
use crate::keys::escrow::{FILE_BYTES_MAX, Holder, Recipient};
use crate::keys::{Keys, credentials};
use crate::notice::Notices;
use crate::recording::retention;
use crate::store::Db;
use crate::store::keys as rows;

/// A certificate as the page saves it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    text: String,
    key: String,
    signature: String,
}

/// Makes a master key, to be delivered to the hub from outside its data folder.
///
/// # Errors
/// The file is there already, or cannot be written.
pub fn make_master(to: &Path) -> anyhow::Result<()> {
    ensure!(
        !to.exists(),
        "{} is there already; name a new file",
        to.display()
    );
    let key = secret::random::<32>();
    secret_file::write(to, &key)?;
    print(&format!(
        "{}: a master key; make it a credential of the service, then remove this file:\n\
         systemd-creds encrypt --name=master-key {} /etc/xunke/credentials/master-key.cred",
        to.display(),
        to.display()
    ))
}

/// Makes the key of a holder; prints the public half.
///
/// # Errors
/// The file is there already, or cannot be written.
pub fn make_holder(to: &Path) -> anyhow::Result<()> {
    let holder = Holder::generate();
    holder.write(to)?;
    let public = holder.recipient();
    print(&format!("{public}\n{}", public.fingerprint()))
}

/// Writes the keys to a new file that two holders open together.
///
/// # Errors
/// The holders are not two, the file is there, or the keys cannot be read.
pub async fn export(config: Config, to: &Path, recipients: &[String]) -> anyhow::Result<()> {
    let recipients = two(recipients, |text| Ok(text.parse::<Recipient>()?))
        .context("give --recipient twice, one for each holder")?;
    ensure!(
        !to.exists(),
        "{} is there already; name a new file",
        to.display()
    );
    let db = Db::open(&config.data_dir, &config.store).await?;
    let ca = Ca::open(&config.data_dir.join("authority"), now_ms())?;
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let terms = terms(&db, &trail, &config).await?;
    let custody = Custody::new(&config, credentials().as_deref())?;
    let signing = ca.signing_key().clone();
    let keys = Keys::open(db.clone(), &custody, &config.keys, signing, now_ms()).await?;
    let exported = keys.export(&recipients, terms, now_ms()).await?;
    let entry = Entry {
        object: exported.row.holders.clone(),
        detail: format!("{} days, {}", exported.days, exported.row.sha256),
        ..Entry::done(operator(), "export_keys")
    };
    let mut pending = trail.begin(entry, now_ms()).await?;
    rows::note_export(pending.writing(), &exported.row).await?;
    pending.commit().await?;
    secret_file::write(to, &exported.file)?;
    db.close().await;
    print(&format!(
        "{}: {} days and {} kept recordings, for the holders {}; destroy it within 8 days of the \
         next export",
        to.display(),
        exported.days,
        exported.records,
        exported.row.holders
    ))
}

/// Puts an export back, with both holders' keys; the hub must not run meanwhile.
///
/// # Errors
/// Other holders, a changed file, or no master key.
pub async fn restore(config: Config, from: &Path, holders: &[PathBuf]) -> anyhow::Result<()> {
    let holders = two(holders, |path| Ok(Holder::read(path)?))
        .context("give --holder twice, one for each holder's private file")?;
    let mut file = Vec::new();
    let opened = std::fs::File::open(from).with_context(|| from.display().to_string())?;
    opened.take(FILE_BYTES_MAX).read_to_end(&mut file)?;
    let db = Db::open(&config.data_dir, &config.store).await?;
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let terms = terms(&db, &trail, &config).await?;
    let custody = Custody::new(&config, credentials().as_deref())?;
    let came = backup::restore(&db, &custody, (&file, &holders), terms, now_ms()).await?;
    let entry = Entry {
        detail: told(came),
        ..Entry::done(operator(), "restore_keys")
    };
    trail.append(entry, now_ms()).await?;
    db.close().await;
    print(&told(came))
}

fn told(came: Restored) -> String {
    let Restored {
        days,
        records,
        expired,
        lost,
    } = came;
    format!("{days} days, {records} kept recordings; {expired} days expired, {lost} days lost")
}

/// Checks a certificate of destruction, without the hub.
///
/// # Errors
/// It is none, was changed, or signed with another key.
pub fn verify(file: &Path, key: Option<&str>) -> anyhow::Result<()> {
    let named = || file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(named)?;
    let read: Certificate = serde_json::from_str(&text).with_context(named)?;
    let export = Export {
        text: read.text,
        key: read.key,
        signature: read.signature,
    };
    ensure!(
        export.holds(retention::DOMAIN),
        "{}: this is no certificate of destruction, or it was changed",
        named()
    );
    match key {
        Some(key) if signed::parse_public(key) == signed::parse_public(&export.key) => {
            print(&format!("{}\nsigned with the given key", export.text))
        }
        Some(_) => bail!("{}: signed with another key, {}", named(), export.key),
        None => print(&format!(
            "{}\nsigned with {}: compare it with the hub's",
            export.text, export.key
        )),
    }
}

/// How long the institution in force keeps recordings.
async fn terms(db: &Db, trail: &Trail, config: &Config) -> anyhow::Result<Terms> {
    let named = &config.college.preset;
    let school = institution::in_force(db, trail, named, now_ms()).await?;
    Ok(school.rules.terms())
}

fn two<T, U>(given: &[T], read: impl Fn(&T) -> anyhow::Result<U>) -> anyhow::Result<[U; 2]> {
    let [one, other] = given else {
        bail!("{} given, 2 needed", given.len());
    };
    Ok([read(one)?, read(other)?])
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    /// K11: a certificate is checked without the hub, by anybody.
    #[test]
    fn a_certificate_is_checked_by_its_file_alone() {
        let folder = std::env::temp_dir().join(format!("xunke-cert-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let key = SigningKey::from_bytes(&[7; 32]);
        let export = Export::sign(&key, retention::DOMAIN, "销毁证明 XH-00001".into());
        let path = folder.join("XH-00001.json");
        let write = |text: &str| {
            let json = serde_json::json!({
                "text": text, "key": export.key, "signature": export.signature,
            });
            std::fs::write(&path, json.to_string()).unwrap();
        };
        write(&export.text);
        verify(&path, None).unwrap();
        verify(&path, Some(&export.key)).unwrap();
        let other = signed::public_text(&SigningKey::from_bytes(&[8; 32]).verifying_key());
        let said = verify(&path, Some(&other)).unwrap_err().to_string();
        assert!(said.contains("another key"), "{said}");
        write("销毁证明 XH-00002");
        let said = verify(&path, None).unwrap_err().to_string();
        assert!(said.contains("was changed"), "{said}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
