//! The sender: takes what waits in the outbox to its channels, each channel by itself, so that a
//! slow one delays no other. Killed at any point it begins again where it was: a try is noted
//! before it is made, and what was not seen to end is sent once more under the same key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{self, JoinSet};

use super::Error;
use super::kind::{Carrier, Settings};
use super::letter::{Letter, Secrets, Verdict};
use super::merge::merged;
use super::message::{About, Message};
use super::outbox::put;
use super::pace::{DAY_MS, Step, rest_ms};
use super::text::Language;
use crate::campus::calendar;
use crate::clock;
use crate::keys::Keys;
use crate::notice::{Notice, Notices};
use crate::store::attempt;
use crate::store::channel::{self as rows, ChannelRow};
use crate::store::outbox::{self, DeliveryRow};
use crate::store::{Db, health};

/// A message waits no longer than this before it goes out.
const EVERY: Duration = Duration::from_millis(500);
/// What is merged at once; the rest at the next step.
const MERGED_MAX: i64 = 500;
/// What has waited longer tells nobody anything any more.
const WAITS_MS_MAX: i64 = DAY_MS;
/// How long the log is kept.
const LOG_MS: i64 = 90 * DAY_MS;
/// Tries that count for the limits; no limit is higher.
const TRIES_MAX: i64 = 2_000;
/// The dead-man message goes out at 08:00 in Asia/Shanghai.
const DEAD_MAN_MINUTE: i64 = 8 * 60;
const FAULTS_MAX: i64 = 10_000;

/// Takes messages to their channels.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The store.
    pub db: Db,
    /// Opens the secrets.
    pub keys: Arc<Keys>,
    /// Carries letters out.
    pub carrier: Arc<Carrier>,
    /// Pages that are open.
    pub notices: Notices,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// Nothing: there is nothing to do now.
    Nothing,
    /// Something; there may be more.
    Something,
}

/// Sends until `stop` turns true; what is on its way then is sent again at the next start.
pub async fn follow(sender: Sender, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut busy: HashMap<task::Id, String> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut failing = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(done) = tasks.join_next_with_id() => {
                let id = done.map_or_else(|error| error.id(), |(id, ())| id);
                busy.remove(&id);
                continue;
            }
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let ready = sender.tick(clock::now_ms()).await;
        if let Err(error) = &ready
            && !failing
        {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "messages cannot be sent");
        }
        failing = ready.is_err();
        for id in ready.unwrap_or_default() {
            if busy.values().all(|other| *other != id) {
                let (sender, channel) = (sender.clone(), id.clone());
                let task = tasks.spawn(async move { sender.serve(&channel).await });
                busy.insert(task.id(), id);
            }
        }
    }
}

impl Sender {
    /// What is due for all channels together; gives the ids of those that have something to send.
    ///
    /// # Errors
    /// When the store fails; try again.
    pub(super) async fn tick(&self, now_ms: i64) -> Result<Vec<String>, Error> {
        self.dead_men(now_ms).await?;
        let expired = outbox::expire(&self.db, now_ms - WAITS_MS_MAX, now_ms).await?;
        if expired > 0 {
            tracing::error!(expired, "messages have waited for a day and are given up");
        }
        // Once a minute is often enough for what is kept for months.
        if now_ms % 60_000 < 1000 {
            let mut writing = self.db.begin().await?;
            outbox::forget(&mut writing, now_ms - LOG_MS).await?;
            Db::commit(writing).await?;
        }
        Ok(outbox::ready(&self.db, now_ms).await?)
    }

    /// Sends what one channel may send now.
    async fn serve(&self, channel_id: &str) {
        loop {
            match self.step(channel_id, clock::now_ms()).await {
                Ok(Did::Something) => {}
                Ok(Did::Nothing) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(channel.id = channel_id, error, "a channel cannot be served");
                    return;
                }
            }
        }
    }

    /// One step of a channel: one message sent, or many made one.
    ///
    /// # Errors
    /// When the store fails; what was not noted is done again.
    pub(super) async fn step(&self, channel_id: &str, now_ms: i64) -> Result<Did, Error> {
        let channel = rows::find(&self.db, channel_id).await?;
        let usable = |row: &ChannelRow| row.enabled == 1 && row.rest_until_ms <= now_ms;
        let Some(channel) = channel.filter(usable) else {
            return Ok(Did::Nothing);
        };
        let unreadable = || Error::Stored(channel.id.clone());
        let settings: Settings =
            serde_json::from_str(&channel.settings).map_err(|_| unreadable())?;
        let waiting = outbox::waiting(&self.db, channel_id, MERGED_MAX).await?;
        let span = (now_ms - DAY_MS, now_ms);
        let tried = attempt::times(&self.db, channel_id, span, TRIES_MAX).await?;
        let count = match settings.pace().step(waiting.len(), &tried, now_ms) {
            Step::Wait => return Ok(Did::Nothing),
            Step::Send(count) => count,
            Step::Merge if self.merge(channel_id, &waiting, now_ms).await? => {
                return Ok(Did::Something);
            }
            Step::Merge => 1,
        };
        match waiting.first().filter(|_| count > 0) {
            Some(delivery) => self.send(&channel, &settings, delivery, now_ms).await,
            None => Ok(Did::Nothing),
        }
    }

    /// Makes one message of what waits; false when it tells of nothing.
    async fn merge(
        &self,
        channel_id: &str,
        waiting: &[DeliveryRow],
        now_ms: i64,
    ) -> Result<bool, Error> {
        let messages: Vec<Message> = waiting
            .iter()
            .map(|row| serde_json::from_str(&row.message))
            .collect::<Result<_, _>>()?;
        let Some(one) = merged(&messages) else {
            return Ok(false);
        };
        let mut writing = self.db.begin().await?;
        let id = put(&mut writing, channel_id, &one, now_ms)
            .await?
            .to_string();
        for row in waiting {
            outbox::end(&mut writing, &row.id, ("merged", &id), now_ms).await?;
        }
        Db::commit(writing).await?;
        tracing::warn!(
            channel.id = channel_id,
            count = waiting.len(),
            "messages became one"
        );
        Ok(true)
    }

    async fn send(
        &self,
        channel: &ChannelRow,
        settings: &Settings,
        delivery: &DeliveryRow,
        now_ms: i64,
    ) -> Result<Did, Error> {
        attempt::begin(&self.db, &delivery.id, &channel.id, now_ms).await?;
        let message: Message = serde_json::from_str(&delivery.message)?;
        let letter = Letter {
            id: &delivery.id,
            message: &message,
            language: Language::named(&channel.language).unwrap_or(Language::Zh),
            origin: self.carrier.origin(),
            queued_ms: delivery.queued_ms,
            now_ms,
        };
        let verdict = match opened(&self.keys, channel) {
            Some(secrets) => self.carrier.carry(settings, &secrets, &letter).await,
            // Fail closed: nothing goes out half signed.
            None => {
                Verdict::broken("the secrets do not open with this master key: type them again")
            }
        };
        self.note(channel, delivery, (now_ms, &verdict)).await
    }

    /// Notes how a try ended; `began_ms` is when it began, and the rest is counted from there.
    async fn note(
        &self,
        channel: &ChannelRow,
        delivery: &DeliveryRow,
        (began_ms, verdict): (i64, &Verdict),
    ) -> Result<Did, Error> {
        let failures = u32::try_from(channel.failures).unwrap_or(u32::MAX);
        let (outcome, why, did) = match verdict {
            Verdict::Delivered => ("delivered", "", Did::Something),
            Verdict::Later { why, .. } => ("later", why.as_str(), Did::Nothing),
            Verdict::Refused { why } => ("refused", why.as_str(), Did::Something),
        };
        let mut writing = self.db.begin().await?;
        let tried = (delivery.id.as_str(), began_ms);
        attempt::end(&mut writing, tried, (outcome, why)).await?;
        if did == Did::Something {
            outbox::end(&mut writing, &delivery.id, (outcome, why), began_ms).await?;
        }
        match verdict {
            Verdict::Delivered => rows::succeeded(&mut writing, &channel.id, began_ms).await?,
            Verdict::Later { rest_ms: asked, .. } => {
                let rest_ms = asked.unwrap_or_else(|| rest_ms(failures.saturating_add(1)));
                let rest = (why, began_ms + rest_ms);
                rows::failed_at(&mut writing, &channel.id, rest, began_ms).await?;
            }
            Verdict::Refused { .. } => {
                rows::failed_at(&mut writing, &channel.id, (why, 0), began_ms).await?;
            }
        }
        Db::commit(writing).await?;
        if !why.is_empty() && failures == 0 {
            tracing::warn!(
                channel.id = channel.id,
                kind = channel.kind,
                why,
                "a channel fails"
            );
        }
        self.notices.publish(Notice::Changed { topic: "channels" });
        Ok(did)
    }

    /// Once a day each channel says that it works, also when nothing is wrong: silence is then the
    /// sign that it does not. A hub that was away at that hour makes up for it.
    async fn dead_men(&self, now_ms: i64) -> Result<(), Error> {
        let today = calendar::day(now_ms);
        if now_ms < calendar::moment(today, DEAD_MAN_MINUTE) {
            return Ok(());
        }
        for channel in rows::all(&self.db).await? {
            if channel.enabled == 0 || channel.dead_man_day >= today {
                continue;
            }
            let open = health::faults(&self.db, true, FAULTS_MAX).await?.len();
            let message = about_channel(About::DeadMan, open, now_ms);
            let mut writing = self.db.begin().await?;
            if rows::note_dead_man(&mut writing, &channel.id, today).await? {
                put(&mut writing, &channel.id, &message, now_ms).await?;
                Db::commit(writing).await?;
            }
        }
        Ok(())
    }
}

/// A message about the channel itself.
#[must_use]
pub(super) fn about_channel(about: About, faults: usize, now_ms: i64) -> Message {
    Message {
        about,
        number: String::new(),
        severity: xunke_policy::fault::Severity::Warning,
        code: about.word().to_uppercase(),
        title_zh: "告警通道".into(),
        title_en: "Channel".into(),
        rooms: Vec::new(),
        component: String::new(),
        since_ms: now_ms,
        count: u32::try_from(faults).unwrap_or(u32::MAX),
        link: "/#/channels".into(),
    }
}

/// The secrets of a channel; `None` when they were sealed under another master key, or changed.
#[must_use]
pub(super) fn opened(keys: &Keys, channel: &ChannelRow) -> Option<Secrets> {
    let plain = keys.unseal_channel(&channel.secrets, &channel.id)?;
    serde_json::from_slice(&plain).ok()
}
