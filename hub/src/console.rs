//! The commands of the console that look at the trail or change what is in force; each leaves its
//! line. They work beside a hub that runs.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::access::audit::day::Days;
use crate::access::audit::{Entry, Outcome, Trail, Who, export, signed};
use crate::access::institution::{self, Preset};
use crate::authority::Ca;
use crate::campus::calendar::{date_and_time, date_text};
use crate::clock::now_ms;
use crate::config::Config;
use crate::notice::Notices;
use crate::store::Db;

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
    let entry = Entry {
        who: operator(),
        action: "export_trail",
        object: String::new(),
        purpose: String::new(),
        outcome: Outcome::Done,
        article: "",
        detail: String::new(),
    };
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

/// Checks an export without the hub; `key` is the hub's public key as [`export_trail`] prints it.
///
/// # Errors
/// What is broken and at which line.
pub fn verify_export(file: &Path, key: Option<&str>) -> anyhow::Result<()> {
    let key = key
        .map(|text| signed::parse_public(text).context("--key is no Ed25519 public key in base64"))
        .transpose()?;
    let from = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let verified = export::verify(BufReader::new(from), key.as_ref())
        .with_context(|| file.display().to_string())?;
    let signer = match key {
        Some(_) => "signed with the given key".to_owned(),
        None => format!("signed with {}: compare it with the hub's", verified.key),
    };
    let (head, when) = (verified.head, date_and_time(verified.signed_ms));
    print(&format!(
        "{} lines, whole; the end is {}; {signer}, {when}",
        head.seq, head.hash
    ))
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
