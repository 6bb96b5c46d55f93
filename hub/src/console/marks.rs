//! The command that checks the document of a time mark on the hub's machine (K4).

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use super::print;
use crate::access::audit::signed;
use crate::authority::Ca;
use crate::campus::calendar::{date_and_time, time_of_day};
use crate::clock::now_ms;
use crate::config::Config;
use crate::recording::mark::check::{Footage, footage, withdrawn};
use crate::recording::mark::document::{self, Said, Verdict};
use crate::recording::media::Media;
use crate::store::Db;

/// Longer than any document.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Says whether a document is this hub's word, what became of the footage it names, and whether it
/// was taken back. Opens no recording, and works beside a hub that runs.
///
/// # Errors
/// It is no mark, was changed, or signed with another key; or the footage is not what it was.
pub async fn verify(config: Config, file: &Path) -> anyhow::Result<()> {
    let named = || file.display().to_string();
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(named)?;
    opened
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(named)?;
    let ca = Ca::open(&config.data_dir.join("authority"), now_ms())?;
    let key = ca.signing_key().verifying_key();
    let said = match document::read(&text, &key) {
        (Verdict::Genuine, Some(said)) => said,
        (Verdict::Altered, _) => bail!("{}: this mark was changed", named()),
        (Verdict::UnknownKey, _) => bail!("{}: signed with another key than this hub's", named()),
        _ => bail!("{}: this is no time mark", named()),
    };
    let db = Db::open(&config.data_dir, &config.store).await?;
    let media = Media::beside(&config.recording.folder_in(&config.data_dir), 0)?;
    let found = footage(&db, &media, &said).await?;
    let taken_back = withdrawn(&db, &said).await?;
    db.close().await;
    print(&told(&said, &signed::public_text(&key), taken_back))?;
    match found {
        Footage::Unchanged => print("its footage is unchanged"),
        Footage::Destroyed => print("its footage was destroyed when its time was over"),
        Footage::Changed => bail!("{}: genuine, but its footage was changed", named()),
    }
}

fn told(said: &Said, key: &str, taken_back: Option<(i64, String)>) -> String {
    let (from, to) = (date_and_time(said.from_ms), time_of_day(said.to_ms));
    let mut lines = vec![
        format!("{} {} {from} – {to}", said.number, said.room),
        said.note.clone(),
        format!("{}, {}", said.made_by, date_and_time(said.made_ms)),
        format!("signed by this hub, {key}"),
    ];
    if let Some((at_ms, why)) = taken_back {
        lines.push(format!("withdrawn {}: {why}", date_and_time(at_ms)));
    }
    lines.join("\n")
}
