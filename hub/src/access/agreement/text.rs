//! Versions of the text: the official one first, newer ones by Academic Affairs (R40).

use sha2::{Digest, Sha256};
use xunke_policy::agreement::{self, Rules};
use xunke_policy::patrol::FieldError;

use super::{Agreements, Entry, Error, NAME_CHARACTERS_MAX};
use crate::access::audit::Who;
use crate::access::grant::By;
use crate::access::person::OFFICIAL;
use crate::access::secret::hex;
use crate::campus::calendar::{date_and_time, day};
use crate::config;
use crate::store::agreement::{self as rows, TextRow};

/// Characters of a text.
const TEXT_CHARACTERS: std::ops::RangeInclusive<usize> = 100..=20_000;
/// Most days of grace.
const GRACE_DAYS_MAX: i64 = 90;
/// Longest 用章说明.
const SEAL_NOTE_CHARACTERS_MAX: usize = 100;

/// A text that Academic Affairs publishes.
#[derive(Debug, Clone)]
pub struct Wording {
    /// The whole text.
    pub text: String,
    /// From when; the past counts as now.
    pub in_force_ms: i64,
    /// For how long an agreement on the text before still counts.
    pub grace_days: i64,
    /// 负责人 of 甲方.
    pub representative: String,
    /// 用章说明.
    pub seal_note: String,
}

/// 附件2 as the college issued it, in force from the hub's first start.
pub(super) fn official(rules: &config::Agreement, now_ms: i64) -> TextRow {
    TextRow {
        version: OFFICIAL.version.into(),
        text: agreement::TEXT.into(),
        sha256: sha256(agreement::TEXT),
        in_force_ms: now_ms,
        grace_days: Rules::default().grace_days.into(),
        representative: rules.representative.clone(),
        seal_note: String::new(),
        published_ms: now_ms,
        published_by: None,
    }
}

impl Agreements {
    /// Puts the official text in force, once.
    ///
    /// # Errors
    /// When nothing can be written.
    pub async fn begin_with_the_official_text(&self, now_ms: i64) -> Result<(), Error> {
        if !self.texts().await?.is_empty() {
            return Ok(());
        }
        let row = official(&self.rules, now_ms);
        let entry = Entry {
            object: format!("text {}", row.version),
            detail: row.sha256.clone(),
            ..Entry::done(Who::default(), "publish_agreement")
        };
        let mut pending = self.trail.begin(entry, now_ms).await?;
        rows::add_text(pending.writing(), &row).await?;
        pending.commit().await?;
        Ok(())
    }

    /// Every version, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn texts(&self) -> Result<Vec<TextRow>, Error> {
        Ok(rows::texts(&self.db).await?)
    }

    /// Publishes a new text. Gives its version.
    ///
    /// # Errors
    /// The field; then nothing was published.
    pub async fn publish(&self, by: By<'_>, wording: Wording) -> Result<String, Error> {
        let mut row = checked(wording, by)?;
        let texts = self.texts().await?;
        let newest = texts.first();
        if newest.is_some_and(|newest| row.in_force_ms < newest.in_force_ms) {
            return Err(Error::Field(BEFORE_ANOTHER));
        }
        if newest.is_some_and(|newest| newest.sha256 == row.sha256) {
            return Err(Error::Field(SAME));
        }
        if let Some(char) = self.font().await?.lacks(&row.text)? {
            tracing::warn!(%char, "the font of agreements has no such character");
            return Err(Error::Field(NO_GLYPH));
        }
        row.version = (texts.len() + 1).to_string();
        let entry = Entry {
            object: format!("text {}", row.version),
            detail: format!(
                "{}, {}, grace {} days",
                row.sha256,
                date_and_time(row.in_force_ms),
                row.grace_days
            ),
            ..by.done("publish_agreement")
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let writing = pending.writing();
        row.version = (rows::count_texts(writing).await? + 1).to_string();
        rows::add_text(writing, &row).await?;
        pending.commit().await?;
        Ok(row.version)
    }
}

/// The text as it will be kept and hashed: lines end alike, nothing stands at its ends.
fn checked(wording: Wording, by: By<'_>) -> Result<TextRow, Error> {
    let text = wording.text.replace("\r\n", "\n");
    let text = text.trim().to_owned();
    let plain = !text.chars().any(|char| char.is_control() && char != '\n');
    if !plain || !TEXT_CHARACTERS.contains(&text.chars().count()) {
        return Err(Error::Field(NO_TEXT));
    }
    if day(wording.in_force_ms) < day(by.now_ms) {
        return Err(Error::Field(IN_THE_PAST));
    }
    if !(0..=GRACE_DAYS_MAX).contains(&wording.grace_days) {
        return Err(Error::Field(NO_GRACE));
    }
    let (representative, seal_note) = school(&wording.representative, &wording.seal_note)?;
    Ok(TextRow {
        version: String::new(),
        sha256: sha256(&text),
        text,
        in_force_ms: wording.in_force_ms.max(by.now_ms),
        grace_days: wording.grace_days,
        representative,
        seal_note,
        published_ms: by.now_ms,
        published_by: Some(by.session.person.id.to_string()),
    })
}

/// What 甲方 puts on an agreement: “负责人签字” must be there, a note about the seal may be.
pub(super) fn school(representative: &str, seal_note: &str) -> Result<(String, String), Error> {
    let (representative, seal_note) = (representative.trim(), seal_note.trim());
    let length = representative.chars().count();
    if !(2..=NAME_CHARACTERS_MAX).contains(&length) {
        return Err(Error::Field(NO_REPRESENTATIVE));
    }
    if seal_note.chars().count() > SEAL_NOTE_CHARACTERS_MAX {
        return Err(Error::Field(LONG_NOTE));
    }
    Ok((representative.into(), seal_note.into()))
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

const NO_TEXT: FieldError = FieldError {
    field: "text",
    zh: "请填写协议全文（100 至 20000 字，纯文本）。",
    en: "Give the whole text: 100 to 20,000 characters, plain.",
};
const SAME: FieldError = FieldError {
    field: "text",
    zh: "文本与最近一版完全相同，不用发布。",
    en: "The text is the same as the newest version.",
};
const NO_GLYPH: FieldError = FieldError {
    field: "text",
    zh: "文本中有字体不支持的字符，不能生成 PDF 原件；请改写，或由信息中心更换 agreement.font_file。",
    en: "The text has a character that the font of agreement.font_file lacks; replace either.",
};
const IN_THE_PAST: FieldError = FieldError {
    field: "in_force",
    zh: "生效日期不能早于今天。",
    en: "It cannot come into force before today.",
};
const BEFORE_ANOTHER: FieldError = FieldError {
    field: "in_force",
    zh: "生效日期不能早于已发布的最近一版。",
    en: "It cannot come into force before the newest version that is published.",
};
const NO_GRACE: FieldError = FieldError {
    field: "grace_days",
    zh: "重签宽限期须为 0 至 90 天。",
    en: "The days of grace are 0 to 90.",
};
const NO_REPRESENTATIVE: FieldError = FieldError {
    field: "representative",
    zh: "请填写甲方负责人姓名。",
    en: "Name the representative of the school.",
};
const LONG_NOTE: FieldError = FieldError {
    field: "seal_note",
    zh: "用章说明不超过 100 字。",
    en: "The note about the seal has 100 characters at most.",
};
