//! The commands of the console that look at the trail or change what is in force; each leaves its
//! line. They work beside a hub that runs.

pub mod broker;
pub mod keys;
pub mod marks;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::access::audit::day::Days;
use crate::access::audit::export::{self, Verified};
use crate::access::audit::{Entry, Trail, Who, signed};
use crate::access::institution::{self, Preset};
use crate::authority::Ca;
use crate::campus::calendar::{date_and_time, date_text};
use crate::clock::now_ms;
use crate::config::Config;
use crate::notice::Notices;
use crate::store::Db;
use crate::store::trail::Head;

/// Puts a preset in force, from the next start of the hub on.
///
/// # Errors
/// What is wrong with it, with line and field; then nothing was changed.
pub async fn apply_preset(config: Config, name: &str) -> anyhow::Result<()> {
    let preset = Preset::read(name)?;
    let db = Db::open(&config.data_dir, &config.store).await?;
    let trail = Trail::new(db.clone(), Notices::default());
    institution::apply(&trail, &preset, operator(), now_ms()).await?;
    db.close().await;
    print(&format!(
        "{} is in force; name it in the configuration (college.preset = \"{name}\") and start the \
         hub anew",
        preset.institution().name
    ))
}

/// Reads the whole trail and says where it ends, or which line does not fit; the signed head of
/// every day is asked again (K6).
///
/// # Errors
/// When the trail is broken or cannot be read.
pub async fn verify_trail(config: Config) -> anyhow::Result<()> {
    let db = Db::open(&config.data_dir, &config.store).await?;
    let ca = Ca::open(&config.data_dir.join("authority"), now_ms())?;
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let answer = trail.verify().await?;
    let days = Days::new(trail, ca.signing_key().clone()).verify().await?;
    db.close().await;
    match answer {
        Ok(end) => match days {
            Ok(days) => print(&format!(
                "{} lines, whole; the end is {}; {days} signed days hold",
                end.seq, end.hash
            )),
            Err(day) => bail!(
                "the lines fit, but not the signed head of {}",
                date_text(day)
            ),
        },
        Err(broken) => bail!(
            "the trail is broken at line {}: {}",
            broken.seq,
            broken.what
        ),
    }
}

/// Writes the whole trail to a new file, with its head and the hub's signature (X8, K6). The
/// export is its own last line (R116).
///
/// # Errors
/// When the file exists or cannot be written, or the trail cannot be read.
pub async fn export_trail(config: Config, out: &Path) -> anyhow::Result<()> {
    let db = Db::open(&config.data_dir, &config.store).await?;
    let ca = Ca::open(&config.data_dir.join("authority"), now_ms())?;
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let entry = Entry::done(operator(), "export_trail");
    let head = trail.append(entry, now_ms()).await?;
    let days = Days::new(trail, ca.signing_key().clone());
    days.export(head.clone(), now_ms()).write(out).await?;
    db.close().await;
    let key = signed::public_text(&ca.signing_key().verifying_key());
    print(&format!(
        "{} lines; the end is {}; signed with {key}",
        head.seq, head.hash
    ))
}

/// Checks exports without the hub, and that each file of a day follows the one before; `key` is the
/// hub's public key as [`export_trail`] prints it.
///
/// # Errors
/// What is broken, in which file and at which line.
pub fn verify_exports(files: &[PathBuf], key: Option<&str>) -> anyhow::Result<()> {
    let key = key
        .map(|text| signed::parse_public(text).context("--key is no Ed25519 public key in base64"))
        .transpose()?;
    let mut before: Option<Head> = None;
    for file in files {
        let named = || file.display().to_string();
        let from = File::open(file).with_context(|| format!("cannot open {}", named()))?;
        let verified = export::verify(BufReader::new(from), key.as_ref()).with_context(named)?;
        if let Some(before) = before.filter(|before| *before != verified.after) {
            bail!(
                "{}: does not follow the file before it, which ends at line {} with {}",
                named(),
                before.seq,
                before.hash
            );
        }
        print(&told(&verified, key.is_some()))?;
        before = Some(verified.head);
    }
    Ok(())
}

fn told(verified: &Verified, with_key: bool) -> String {
    let signer = match with_key {
        true => "signed with the given key".to_owned(),
        false => format!("signed with {}: compare it with the hub's", verified.key),
    };
    let (after, head) = (&verified.after, &verified.head);
    let lines = match verified.day {
        None => format!("{} lines, whole", head.seq),
        Some(day) => format!(
            "{}: {} lines after line {} ({}), whole",
            date_text(day),
            head.seq - after.seq,
            after.seq,
            after.hash
        ),
    };
    let when = date_and_time(verified.signed_ms);
    format!("{lines}; the end is {}; {signer}, {when}", head.hash)
}

/// Whoever has a shell on the hub's machine: the system knows a number, not a person.
fn operator() -> Who {
    Who {
        address: format!("console, user {}", rustix::process::getuid().as_raw()),
        ..Who::default()
    }
}

/// One answer on standard output; a reader that has gone is an error, not a panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").context("cannot print the answer")
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::access::audit::copy::{Copies, MARKER};
    use crate::campus::calendar::{self, DAY_MS};

    /// X8: files of days are whole each for itself, and follow each other in their order alone.
    #[tokio::test]
    async fn files_of_days_follow_each_other() {
        let midnight_ms = calendar::moment(20_779, 0);
        let trail = Trail::new(Db::in_memory().await, Notices::default());
        for day in [3, 2, 1] {
            let entry = Entry::done(operator(), "export_trail");
            trail
                .append(entry, midnight_ms - day * DAY_MS)
                .await
                .unwrap();
        }
        let days = Arc::new(Days::new(Arc::new(trail), SigningKey::from_bytes(&[7; 32])));
        days.sign_missing(midnight_ms).await.unwrap();
        let folder = std::env::temp_dir().join(format!("xunke-days-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        File::create(folder.join(MARKER)).unwrap();
        let copies = Copies::new(days.clone(), &folder);
        copies.catch_up(midnight_ms).await.unwrap();
        let entries = std::fs::read_dir(&folder).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| !path.ends_with(MARKER)).collect();
        files.sort();
        assert_eq!(files.len(), 3);
        let key = signed::public_text(&days.public());
        verify_exports(&files, Some(&key)).unwrap();
        verify_exports(&files[1..2], None).unwrap();
        let said = verify_exports(&[files[0].clone(), files[2].clone()], None).unwrap_err();
        let said = said.to_string();
        assert!(
            said.contains("2026-11-21") && said.contains("does not follow"),
            "{said}"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
