//! 销毁证明 (K11): what was destroyed, when, by which rule and which copies of the key there were,
//! a fact a line; signed by the hub, its hash in the trail.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use xunke_policy::retention::{Class, Period, Terms};

use super::plan::Batch;
use crate::access::sanction::Export;
use crate::access::secret;
use crate::campus::calendar::{date_and_time, date_text};
use crate::store::destruction::{CandidateRow, DestructionRow};
use crate::store::{self, Db, keys};

/// Says what is signed, so that the signature can mean nothing else.
pub const DOMAIN: &str = "xunke destruction 1\n";
/// Exports are destroyed within so many days (docs/guides/key-holders.md).
const EXPORT_DAYS: u32 = 8;

/// What is destroyed, before it is.
pub(super) async fn facts(db: &Db, batch: &Batch, terms: Terms) -> Result<String, store::Error> {
    let rooms: BTreeSet<_> = batch.recordings.iter().map(|one| &*one.room).collect();
    let rooms: Vec<_> = rooms.into_iter().collect();
    let sum = |of: fn(&CandidateRow) -> i64| batch.recordings.iter().map(of).sum::<i64>();
    let minutes = sum(|one| one.duration_us) / 60_000_000;
    let mut lines = vec![
        format!("录像日期：{}", date_text(batch.day)),
        format!("依据：学习网第十六条；{}", rules(terms)),
        format!("教室：{}", rooms.join("、")),
        format!(
            "录像：{} 个；分段：{} 个；时长：{} 小时 {} 分；字节：{}",
            batch.recordings.len(),
            sum(|one| one.segments),
            minutes / 60,
            minutes % 60,
            sum(|one| one.bytes)
        ),
    ];
    match &batch.key {
        Some(_) => {
            lines.push(format!("日密钥（公钥 SHA-256）：{}", batch.public_sha256()));
            lines.push(exports(db, batch.day).await?);
        }
        None => lines.push("日密钥：不在本次销毁之内".into()),
    }
    Ok(lines.join("\n"))
}

/// The table of classes, as far as the calendar ends them.
fn rules(terms: Terms) -> String {
    let rule = |class: Class| {
        let rule = class.rule(terms);
        match rule.period {
            Period::Months(months) => format!("{}保存 {months} 个月", rule.name),
            Period::Days(days) => format!("{}保存 {days} 天", rule.name),
            Period::Library => format!("{}在库期间保存", rule.name),
            Period::Case => format!("{}至事项了结", rule.name),
        }
    };
    Class::ALL.map(rule).join("，")
}

/// The copies of the key that were ever made.
async fn exports(db: &Db, day: i64) -> Result<String, store::Error> {
    let found = keys::exports_of(db, day).await?;
    let line = |row: &keys::ExportRow| {
        let made = date_and_time(row.made_ms);
        format!("{made}（SHA-256 {}）", row.sha256)
    };
    let all: Vec<_> = found.iter().map(line).collect();
    if all.is_empty() {
        return Ok("含该日密钥的备份：没有".into());
    }
    Ok(format!(
        "含该日密钥的备份，须由持有人在 {EXPORT_DAYS} 日内销毁：{}",
        all.join("；")
    ))
}

/// The certificate of what is done, signed.
pub(super) fn done(row: DestructionRow, key: &SigningKey, now_ms: i64) -> DestructionRow {
    let text = [
        format!("销毁证明 {}", row.number),
        row.facts.clone(),
        "方法：日密钥或录像密钥先行抹除，随后删除加封文件".into(),
        format!("开始：{}", date_and_time(row.begun_ms)),
        format!("完成：{}", date_and_time(now_ms)),
    ]
    .join("\n");
    let export = Export::sign(key, DOMAIN, text);
    DestructionRow {
        done_ms: Some(now_ms),
        text: Some(export.text),
        signature: Some(export.signature),
        ..row
    }
}

/// The certificate as a file that the hub has signed; `None` while it is not done.
#[must_use]
pub fn signed(row: &DestructionRow, key: &str) -> Option<Export> {
    Some(Export {
        text: row.text.clone()?,
        key: key.to_owned(),
        signature: row.signature.clone()?,
    })
}

/// SHA-256 of what is signed, hex.
pub(super) fn hash(row: &DestructionRow) -> String {
    secret::hash(row.text.as_deref().unwrap_or_default())
}
