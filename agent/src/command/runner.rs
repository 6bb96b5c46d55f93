//! The runner: takes orders from the link, each through the ledger, and answers them.

use super::diagnosis::{self, Known};
use super::ledger::Ledger;
use super::{reboot, selftest};
use crate::clock;
use crate::config::{self, Config};
use crate::health::Switches;
use crate::link::Job;
use serde_json::json;
use std::collections::HashMap;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use xunke_protocol::envelope::{CommandAnswer, CommandState, Order, Switch};
use xunke_protocol::health::HealthDocument;
use xunke_protocol::id::{EquipmentName, MessageId};

/// Carries out what the hub orders.
pub struct Runner {
    /// What the agent was started with.
    pub config: Config,
    /// Where that stands.
    pub config_file: PathBuf,
    /// What was begun and how it ended.
    pub ledger: Ledger,
    /// The newest signals.
    pub newest: watch::Receiver<Option<HealthDocument>>,
    /// Switches projectors.
    pub switches: Switches,
}

/// Where orders come from, and where they go.
pub struct Ways {
    /// From the link.
    pub jobs: mpsc::Receiver<Job>,
    /// To the link.
    pub answers: mpsc::Sender<(MessageId, CommandAnswer)>,
    /// To the room that renews the certificate.
    pub renewals: mpsc::Sender<MessageId>,
    /// From it.
    pub renewed: mpsc::Receiver<(MessageId, CommandAnswer)>,
    /// To whoever starts the agent anew, with its new configuration.
    pub anew: mpsc::Sender<()>,
}

/// What an order needs beside the runner.
enum Aid {
    None,
    Renewed(oneshot::Receiver<CommandAnswer>),
    Anew(mpsc::Sender<()>),
}

impl Runner {
    /// Carries out orders for as long as they come.
    pub async fn run(self, mut ways: Ways) {
        let runner = Arc::new(self);
        let alone = Arc::new(Semaphore::new(1));
        let mut running = JoinSet::new();
        let mut waiting: HashMap<MessageId, oneshot::Sender<CommandAnswer>> = HashMap::new();
        loop {
            tokio::select! {
                job = ways.jobs.recv() => {
                    let Some(job) = job else { return };
                    let (runner, answers) = (runner.clone(), ways.answers.clone());
                    let turn = alone.clone().try_acquire_owned().ok();
                    let aid = match turn {
                        Some(_) => aid(&job, &ways, &mut waiting),
                        None => Aid::None,
                    };
                    running.spawn(async move {
                        let (id, answer) = runner.carry_out(job, turn, aid).await;
                        // The link has gone only when the box is stopping.
                        drop(answers.send((id, answer)).await);
                    });
                }
                Some((id, answer)) = ways.renewed.recv() => {
                    if let Some(waiting) = waiting.remove(&id) {
                        drop(waiting.send(answer));
                    }
                }
                Some(_) = running.join_next() => {}
            }
        }
    }

    /// Intention, effect within the limit, result: each on disk before the next.
    async fn carry_out(
        self: Arc<Self>,
        job: Job,
        turn: Option<OwnedSemaphorePermit>,
        aid: Aid,
    ) -> (MessageId, CommandAnswer) {
        let Job {
            id,
            order,
            expires_ms,
        } = job;
        let failed = |code| CommandAnswer::new(CommandState::Failed, Some(code));
        let (runner, written) = (self.clone(), order.clone());
        let ordered_ms = self.ordered_ms(&order).await;
        let begun = spawn_blocking(move || runner.ledger.begin(id, &written, expires_ms)).await;
        if let Err(why) = flattened(begun) {
            tracing::error!(%why, order = order.kind(), "an order cannot be written down");
            return (id, failed("not_kept"));
        }
        tracing::info!(order = order.kind(), %id, "an order of the hub is carried out");
        let most = Duration::from_millis(order.limit_ms().unsigned_abs());
        let answer = match turn {
            None => failed("busy"),
            Some(_turn) => timeout(most, self.act(&order, ordered_ms, aid))
                .await
                .unwrap_or_else(|_| failed("timed_out")),
        };
        let (runner, kept) = (self, answer.clone());
        let ended = spawn_blocking(move || runner.ledger.end(id, &kept)).await;
        if let Err(why) = flattened(ended) {
            tracing::error!(%why, order = order.kind(), "its end cannot be written down");
        }
        (id, answer)
    }

    async fn act(&self, order: &Order, ordered_ms: Option<u64>, aid: Aid) -> CommandAnswer {
        match (order, aid) {
            (Order::Selftest, _) => self.selftest().await,
            (Order::CollectDiag, _) => self.diagnosis(),
            (Order::Reboot, _) => {
                reboot::reboot(&self.config.commands.reboot_file, reboot::STILL_THERE).await
            }
            (Order::Projector { name, power }, _) => {
                self.switches.switch(name, *power, ordered_ms).await
            }
            (Order::Reload, Aid::Anew(anew)) => self.reload(anew).await,
            (Order::Renew, Aid::Renewed(renewed)) => {
                let gone = CommandAnswer::new(CommandState::Failed, Some("busy"));
                renewed.await.unwrap_or(gone)
            }
            _ => CommandAnswer::new(CommandState::Rejected, Some("unknown_order")),
        }
    }

    async fn selftest(&self) -> CommandAnswer {
        let tried = selftest::tried(&self.config.state_dir, &self.config.hub.address()).await;
        let newest = self.newest.borrow().clone();
        let Some(newest) = newest else {
            return CommandAnswer::new(CommandState::Failed, Some("too_early"));
        };
        CommandAnswer::with(json!(selftest::result(&newest, tried)))
    }

    fn diagnosis(&self) -> CommandAnswer {
        let known = Known {
            newest: self.newest.borrow().clone(),
            ended: self.ledger.ended().unwrap_or_default(),
            configured: (self.config.cameras.len(), self.config.equipment.len()),
        };
        CommandAnswer::with(diagnosis::bundle(&known))
    }

    /// Begins anew with another configuration. What the box is and where its hub is stays until
    /// somebody is there: a wrong address could not be ordered back.
    async fn reload(&self, anew: mpsc::Sender<()>) -> CommandAnswer {
        let file = self.config_file.clone();
        let loaded = spawn_blocking(move || config::load(&file)).await;
        let failed = |code| CommandAnswer::new(CommandState::Failed, Some(code));
        let fresh = match loaded {
            Ok(Ok(fresh)) => fresh,
            Ok(Err(config::Error::Line { line, key, .. })) => {
                return CommandAnswer {
                    result: Some(json!({"line": line, "key": key})),
                    ..failed("config_invalid")
                };
            }
            _ => return failed("config_unreadable"),
        };
        if fresh == self.config {
            return CommandAnswer::new(CommandState::Done, Some("unchanged"));
        }
        if fresh.state_dir != self.config.state_dir || fresh.hub != self.config.hub {
            return CommandAnswer::new(CommandState::Rejected, Some("restart_needed"));
        }
        if anew.send(()).await.is_err() {
            return failed("stopping");
        }
        // The start that follows says that it is done.
        pending().await
    }

    /// How long ago this box last switched that projector.
    async fn ordered_ms(self: &Arc<Self>, order: &Order) -> Option<u64> {
        let Order::Projector { name, .. } = order else {
            return None;
        };
        let (runner, name) = (self.clone(), name.clone());
        let last = spawn_blocking(move || runner.last_switched(&name)).await;
        let (at_ms, _) = last.ok()??;
        u64::try_from(clock::now_ms().saturating_sub(at_ms)).ok()
    }

    fn last_switched(&self, name: &EquipmentName) -> Option<(i64, Switch)> {
        self.ledger.switched(name).ok().flatten()
    }
}

fn aid(
    job: &Job,
    ways: &Ways,
    waiting: &mut HashMap<MessageId, oneshot::Sender<CommandAnswer>>,
) -> Aid {
    match job.order {
        Order::Reload => Aid::Anew(ways.anew.clone()),
        Order::Renew => {
            let (answer, answered) = oneshot::channel();
            // Dropped where the room is busy with another: that answers too.
            if ways.renewals.try_send(job.id).is_ok() {
                waiting.insert(job.id, answer);
            }
            Aid::Renewed(answered)
        }
        _ => Aid::None,
    }
}

fn flattened(done: Result<std::io::Result<()>, tokio::task::JoinError>) -> std::io::Result<()> {
    done.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

#[cfg(test)]
mod tests;
