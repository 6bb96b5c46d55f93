//! The desk: where the system administrator sets channels up. Each step and its line in the trail
//! are one transaction; secrets go in and never come back out.

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::fault::Severity;
use xunke_policy::patrol::FieldError;
use zeroize::Zeroizing;

use super::Error;
use super::kind::{Carrier, Settings, address_hint, secret_hint};
use super::letter::Secrets;
use super::message::About;
use super::outbox::put;
use super::sender::{about_channel, opened};
use super::text::Language;
use crate::access::audit::{Entry, Trail};
use crate::access::grant::By;
use crate::campus::calendar;
use crate::keys::Keys;
use crate::store::attempt::{self, AttemptRow};
use crate::store::channel::{self as rows, ChannelRow};
use crate::store::outbox::{self, DeliveryRow};
use crate::store::{self, Db};

/// Channels of one hub.
const CHANNELS_MAX: i64 = 32;
/// Characters of a name.
const NAME_MAX: usize = 40;
/// Deliveries of the log that are shown.
const SHOWN_MAX: i64 = 100;
/// Tries of the log that are shown.
const TRIES_SHOWN_MAX: i64 = 500;
/// Days after which a channel without a success may become a fault, in hours.
const PERIOD_HOURS_MAX: u32 = 31 * 24;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// A channel as an administrator wants it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it is called.
    pub name: String,
    /// Whether it takes messages.
    pub enabled: bool,
    /// It takes these and worse, as a word.
    pub severity_min: String,
    /// In which language, as a word.
    pub language: String,
    /// Hours after which it is a fault that nothing has gone through.
    pub period_hours: u32,
    /// What it is set up with.
    pub settings: Settings,
    /// The secret address; `None` keeps the one there is.
    pub address: Option<String>,
    /// The secret; `None` keeps the one there is.
    pub secret: Option<String>,
}

/// How a channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It takes nothing.
    Off,
    /// The last try succeeded, or there was none yet.
    Good,
    /// The last try failed.
    Failing,
    /// Nothing has gone through for longer than its period: a fault.
    Silent,
}

impl State {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Good => "good",
            Self::Failing => "failing",
            Self::Silent => "silent",
        }
    }
}

/// A channel, as it is shown.
#[derive(Debug, Clone)]
pub struct Channel {
    /// As stored; its secrets are sealed.
    pub row: ChannelRow,
    /// What it is set up with.
    pub settings: Settings,
    /// How it does.
    pub state: State,
}

/// Channels. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Channels {
    db: Db,
    trail: Arc<Trail>,
    keys: Arc<Keys>,
    carrier: Arc<Carrier>,
}

impl Channels {
    /// Channels in `db`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, keys: Arc<Keys>, carrier: Arc<Carrier>) -> Self {
        Self {
            db,
            trail,
            keys,
            carrier,
        }
    }

    /// What carries letters out.
    #[must_use]
    pub fn carrier(&self) -> &Arc<Carrier> {
        &self.carrier
    }

    /// Every channel, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self, now_ms: i64) -> Result<Vec<Channel>, Error> {
        let rows = rows::all(&self.db).await?.into_iter();
        rows.map(|row| shown(row, now_ms)).collect()
    }

    /// Adds a channel; gives its id.
    ///
    /// # Errors
    /// The field, or store and trail fail; then nothing was added.
    pub async fn add(&self, by: By<'_>, draft: Draft) -> Result<Uuid, Error> {
        let id = Uuid::now_v7();
        let given = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
        let secrets = Secrets {
            address: given(&draft.address),
            secret: given(&draft.secret),
        };
        let mut row = self.row(&id.to_string(), &draft, &secrets, by.now_ms)?;
        row.created_ms = by.now_ms;
        let mut still = self.trail.hold().await?;
        if rows::count(still.writing()).await? >= CHANNELS_MAX {
            return Err(Error::Field(TOO_MANY));
        }
        let mut pending = still.line(line(by, "add_channel", &row), by.now_ms).await?;
        rows::add(pending.writing(), &row).await.map_err(taken)?;
        pending.commit().await?;
        Ok(id)
    }

    /// Changes a channel.
    ///
    /// # Errors
    /// No such channel, the field, or store and trail fail; then nothing was changed.
    pub async fn change(&self, by: By<'_>, id: Uuid, draft: Draft) -> Result<(), Error> {
        let id = id.to_string();
        let before = rows::find(&self.db, &id).await?.ok_or(Error::NotFound)?;
        let then = settings(&before)?;
        if then.kind() != draft.settings.kind() {
            return Err(Error::Field(OTHER_KIND));
        }
        let keeps = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().is_empty();
        let sends_secret_elsewhere = !draft.settings.keeps_receiver(&then);
        if keeps(&draft.secret) && !before.secret_hint.is_empty() && sends_secret_elsewhere {
            return Err(Error::Field(SECRET_AGAIN));
        }
        let mut secrets = opened(&self.keys, &before).unwrap_or_default();
        if let Some(address) = draft.address.as_deref().filter(|_| !keeps(&draft.address)) {
            secrets.address = address.trim().to_owned();
        }
        if let Some(secret) = draft.secret.as_deref().filter(|_| !keeps(&draft.secret)) {
            secrets.secret = secret.trim().to_owned();
        }
        if let Settings::Smtp(relay) = &draft.settings
            && relay.user.is_empty()
        {
            secrets.secret = String::new();
        }
        let mut row = self.row(&id, &draft, &secrets, by.now_ms)?;
        row.dead_man_day = row.dead_man_day.max(before.dead_man_day);
        let entry = line(by, "change_channel", &row);
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let changed = rows::change(pending.writing(), &row).await.map_err(taken)?;
        if !changed {
            return Err(Error::NotFound);
        }
        if !draft.enabled {
            outbox::withdraw(pending.writing(), &id, by.now_ms).await?;
        }
        pending.commit().await?;
        Ok(())
    }

    /// Removes a channel with its secrets; what waits for it is withdrawn, the log stays.
    ///
    /// # Errors
    /// No such channel, or store and trail fail; then nothing was removed.
    pub async fn remove(&self, by: By<'_>, id: Uuid) -> Result<(), Error> {
        let row = self.found(id).await?;
        let entry = line(by, "remove_channel", &row);
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        if !rows::remove(pending.writing(), &row.id).await? {
            return Err(Error::NotFound);
        }
        outbox::withdraw(pending.writing(), &row.id, by.now_ms).await?;
        pending.commit().await?;
        Ok(())
    }

    /// Sends a test message by one channel; how that goes is in its log.
    ///
    /// # Errors
    /// No such channel, one that is off, or a test that waits already; or store and trail fail.
    pub async fn test(&self, by: By<'_>, id: Uuid) -> Result<Uuid, Error> {
        let row = self.found(id).await?;
        if row.enabled == 0 {
            return Err(Error::Conflict(IS_OFF.0, IS_OFF.1));
        }
        let mut still = self.trail.hold().await?;
        let test = About::Test.word();
        if outbox::count_waiting(still.writing(), &row.id, test).await? > 0 {
            return Err(Error::Conflict(UNDER_WAY.0, UNDER_WAY.1));
        }
        let mut pending = still
            .line(line(by, "test_channel", &row), by.now_ms)
            .await?;
        let message = about_channel(About::Test, 0, by.now_ms);
        let delivery = put(pending.writing(), &row.id, &message, by.now_ms).await?;
        pending.commit().await?;
        Ok(delivery)
    }

    /// The newest deliveries of a channel, each with its tries, newest first.
    ///
    /// # Errors
    /// No such channel, or the store fails.
    pub async fn log(&self, id: Uuid) -> Result<Vec<(DeliveryRow, Vec<AttemptRow>)>, Error> {
        let row = self.found(id).await?;
        let deliveries = outbox::newest(&self.db, &row.id, SHOWN_MAX).await?;
        let tries = attempt::newest(&self.db, &row.id, TRIES_SHOWN_MAX).await?;
        let of = |delivery: DeliveryRow| {
            let own = tries.iter().filter(|one| one.delivery_id == delivery.id);
            let own = own.cloned().collect();
            (delivery, own)
        };
        Ok(deliveries.into_iter().map(of).collect())
    }

    async fn found(&self, id: Uuid) -> Result<ChannelRow, Error> {
        let row = rows::find(&self.db, &id.to_string()).await?;
        row.ok_or(Error::NotFound)
    }

    /// A checked row with its secrets sealed.
    fn row(
        &self,
        id: &str,
        draft: &Draft,
        secrets: &Secrets,
        now_ms: i64,
    ) -> Result<ChannelRow, Error> {
        let name = draft.name.trim();
        let plain = !name.contains(char::is_control);
        if !plain || !(1..=NAME_MAX).contains(&name.chars().count()) {
            return Err(Error::Field(NAME));
        }
        let severity = Severity::named(&draft.severity_min).map(Severity::name);
        let language = Language::named(&draft.language).map(Language::word);
        if !(1..=PERIOD_HOURS_MAX).contains(&draft.period_hours) {
            return Err(Error::Field(PERIOD));
        }
        let checked = draft.settings.check(secrets, self.carrier.allowed());
        checked.map_err(Error::Field)?;
        let plain = Zeroizing::new(serde_json::to_vec(secrets)?);
        Ok(ChannelRow {
            id: id.into(),
            name: name.into(),
            kind: draft.settings.kind().into(),
            enabled: draft.enabled.into(),
            severity_min: severity.ok_or(Error::Field(SEVERITY))?.into(),
            language: language.ok_or(Error::Field(LANGUAGE))?.into(),
            period_hours: draft.period_hours.into(),
            settings: serde_json::to_string(&draft.settings)?,
            secrets: self.keys.seal_channel(&plain, id),
            address_hint: address_hint(&secrets.address),
            secret_hint: secret_hint(&secrets.secret),
            changed_ms: now_ms,
            // Its first dead-man message comes tomorrow.
            dead_man_day: calendar::day(now_ms),
            ..ChannelRow::default()
        })
    }
}

/// What the trail says of a channel: nothing secret, and none of those who are told.
fn line(by: By<'_>, action: &'static str, row: &ChannelRow) -> Entry {
    let (kind, least, hours) = (&row.kind, &row.severity_min, row.period_hours);
    let state = match row.enabled {
        0 => "off",
        _ => "on",
    };
    Entry {
        object: format!("channel {}", row.name),
        detail: format!("{kind}, {state}, {least}, {hours} h {}", row.address_hint),
        ..Entry::done(by.session.person.who(by.origin), action)
    }
}

fn settings(row: &ChannelRow) -> Result<Settings, Error> {
    serde_json::from_str(&row.settings).map_err(|_| Error::Stored(row.id.clone()))
}

fn shown(row: ChannelRow, now_ms: i64) -> Result<Channel, Error> {
    Ok(Channel {
        settings: settings(&row)?,
        state: state(&row, now_ms),
        row,
    })
}

/// A channel is silent when nothing has gone through for its period, counted from its last change
/// when it never worked since.
fn state(row: &ChannelRow, now_ms: i64) -> State {
    let since_ms = row.succeeded_ms.unwrap_or_default().max(row.changed_ms);
    match row.enabled {
        0 => State::Off,
        _ if now_ms - since_ms > row.period_hours * HOUR_MS => State::Silent,
        _ if row.failing_since_ms.is_some() => State::Failing,
        _ => State::Good,
    }
}

fn taken(error: store::Error) -> Error {
    match error.is_duplicate() {
        true => Error::Field(NAME_TAKEN),
        false => Error::Store(error),
    }
}

const IS_OFF: (&str, &str) = (
    "通道已停用，请先启用。",
    "The channel is off; turn it on first.",
);
const UNDER_WAY: (&str, &str) = (
    "上一条测试消息还在发送，请看发送记录。",
    "The last test message is still on its way; see the log.",
);
const TOO_MANY: FieldError = FieldError {
    field: "name",
    zh: "最多 32 个通道，请先删除不用的。",
    en: "32 channels at most; remove one first.",
};
const NAME: FieldError = FieldError {
    field: "name",
    zh: "请用 1 至 40 个字给通道起名。",
    en: "A name has 1 to 40 characters.",
};
const NAME_TAKEN: FieldError = FieldError {
    field: "name",
    zh: "已有同名的通道。",
    en: "There is a channel of this name.",
};
const SEVERITY: FieldError = FieldError {
    field: "severity_min",
    zh: "级别须为 warning、minor、major 或 critical。",
    en: "One of warning, minor, major and critical.",
};
const LANGUAGE: FieldError = FieldError {
    field: "language",
    zh: "语言须为 zh 或 en。",
    en: "zh or en.",
};
const PERIOD: FieldError = FieldError {
    field: "period_hours",
    zh: "须为 1 至 744 小时；每天 08:00 有一条自检消息，一般填 25。",
    en: "1 to 744 hours; there is a message every day at 08:00, so 25 is usual.",
};
const OTHER_KIND: FieldError = FieldError {
    field: "kind",
    zh: "通道的种类不能更改，请另建一个。",
    en: "The kind of a channel cannot be changed; add another one.",
};
const SECRET_AGAIN: FieldError = FieldError {
    field: "secret",
    zh: "接收方已更改，请重新填写密码或密钥：已保存的不会发往新的地址。",
    en: "The receiver has changed: type the secret again, the stored one is not sent elsewhere.",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::calendar::DAY_MS;

    /// Nothing through for a period is a fault, whether tries fail or there are none.
    #[test]
    fn silence_for_a_period_is_a_fault() {
        let now_ms = 1_795_000_000_000;
        let row = |enabled, succeeded_ms: Option<i64>, failing: bool| ChannelRow {
            enabled,
            succeeded_ms,
            failing_since_ms: failing.then_some(now_ms - 1),
            changed_ms: now_ms - 3 * DAY_MS,
            period_hours: 25,
            ..ChannelRow::default()
        };
        let hours = |hours: i64| Some(now_ms - hours * HOUR_MS);
        assert_eq!(state(&row(1, hours(25), false), now_ms), State::Good);
        assert_eq!(state(&row(1, hours(25), true), now_ms), State::Failing);
        assert_eq!(state(&row(1, hours(26), true), now_ms), State::Silent);
        assert_eq!(state(&row(1, hours(26), false), now_ms), State::Silent);
        assert_eq!(state(&row(1, None, false), now_ms), State::Silent);
        assert_eq!(state(&row(0, None, true), now_ms), State::Off);
        let mut new = row(1, None, true);
        new.changed_ms = now_ms;
        assert_eq!(
            state(&new, now_ms),
            State::Failing,
            "it has a period to begin"
        );
    }
}
