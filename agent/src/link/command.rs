//! Orders from the hub: each is signed, and answered once and for all, whatever it was.

use ed25519_dalek::VerifyingKey;
use std::collections::{HashMap, VecDeque};
use xunke_protocol::command::{Refused, SignedCommand};
use xunke_protocol::envelope::{CommandAnswer, CommandState, Order};
use xunke_protocol::id::{DeviceId, MessageId};

/// Answers kept for orders that come twice.
const ANSWERS_MAX: usize = 1000;

/// An order that another room carries out; its answer comes back under the same id.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Of the command.
    pub id: MessageId,
    /// What to do.
    pub order: Order,
    /// Until when it may be begun, by the hub's clock, milliseconds since 1970-01-01 UTC.
    pub expires_ms: i64,
}

/// What to do about one arrived command.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Publish this answer.
    Answer(CommandAnswer),
    /// Hand the order on; the answer follows.
    Start(Job),
    /// Have the timetable asked for again, and publish this answer.
    Timetable(CommandAnswer),
    /// It is being carried out already.
    Wait,
}

/// The commands of this box: those that this run of the agent has seen, and those that ended
/// before and are known from the disk.
pub(super) struct Commands {
    device: DeviceId,
    hub: VerifyingKey,
    seen: HashMap<MessageId, CommandAnswer>,
    order: VecDeque<MessageId>,
}

impl Commands {
    /// Nothing was seen yet; `hub` has signed whatever is carried out.
    pub fn new(device: DeviceId, hub: VerifyingKey) -> Self {
        Self {
            device,
            hub,
            seen: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Takes a command as it came; `hub_now_ms` is the hub's clock as far as this box knows it.
    ///
    /// What the hub has not signed is refused and not remembered: nobody else may use up an id.
    pub fn arrived(&mut self, id: MessageId, payload: &[u8], hub_now_ms: i64) -> Step {
        let opened = SignedCommand::open(payload, id, &self.device, &self.hub);
        if let Err(refused @ (Refused::Forged | Refused::NotUnderstood)) = opened {
            return Step::Answer(rejected(id, refused));
        }
        if let Some(known) = self.seen.get(&id) {
            return match known.state {
                CommandState::Running => Step::Wait,
                _ => Step::Answer(CommandAnswer {
                    dup: true,
                    ..known.clone()
                }),
            };
        }
        let command = match opened {
            Err(refused) => return self.answer(id, rejected(id, refused)),
            Ok(command) if command.expires < hub_now_ms => {
                return self.answer(id, CommandAnswer::new(CommandState::Expired, None));
            }
            Ok(command) => command,
        };
        let done = CommandAnswer::new(CommandState::Done, None);
        match command.order {
            Order::Ping => self.answer(id, done),
            Order::Timetable => {
                self.store(id, done.clone());
                Step::Timetable(done)
            }
            order => {
                self.store(id, CommandAnswer::new(CommandState::Running, None));
                Step::Start(Job {
                    id,
                    order,
                    expires_ms: command.expires,
                })
            }
        }
    }

    /// The answer of the room that carried an order out, now or before this agent was started.
    pub fn finished(&mut self, id: MessageId, answer: CommandAnswer) {
        self.store(id, answer);
    }

    fn answer(&mut self, id: MessageId, answer: CommandAnswer) -> Step {
        self.store(id, answer.clone());
        Step::Answer(answer)
    }

    fn store(&mut self, id: MessageId, answer: CommandAnswer) {
        if self.seen.insert(id, answer).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > ANSWERS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}

fn rejected(id: MessageId, refused: Refused) -> CommandAnswer {
    tracing::warn!(%id, code = refused.code(), "an order is refused");
    CommandAnswer::new(CommandState::Rejected, Some(refused.code()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use uuid::Uuid;
    use xunke_protocol::envelope::Command;
    use xunke_protocol::id::StreamKind;
    use xunke_protocol::version;

    const NOW: i64 = 1_763_000_000_000;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn device() -> DeviceId {
        "box-1".parse().unwrap()
    }

    fn commands() -> Commands {
        Commands::new(device(), key(1).verifying_key())
    }

    fn command(order: Order) -> Command {
        Command {
            v: version::CURRENT,
            id: MessageId(Uuid::now_v7()),
            issued: NOW,
            expires: NOW + 1000,
            order,
        }
    }

    fn signed(command: &Command, seed: u8) -> (MessageId, Vec<u8>) {
        let signed = SignedCommand::sign(command, &device(), &key(seed));
        (command.id, serde_json::to_vec(&signed).unwrap())
    }

    fn sent(order: Order) -> (MessageId, Vec<u8>) {
        signed(&command(order), 1)
    }

    fn live() -> (MessageId, Vec<u8>) {
        sent(Order::LiveStart {
            push: xunke_protocol::id::PushId(Uuid::nil()),
            source: "cam0".parse().unwrap(),
            stream: StreamKind::Sub,
        })
    }

    fn answer(state: CommandState, code: Option<&str>) -> CommandAnswer {
        CommandAnswer::new(state, code)
    }

    fn again(answer: CommandAnswer) -> Step {
        Step::Answer(CommandAnswer {
            dup: true,
            ..answer
        })
    }

    #[test]
    fn every_command_ends_in_an_answer() {
        let mut commands = commands();
        let (id, ping) = sent(Order::Ping);
        let done = Step::Answer(answer(CommandState::Done, None));
        assert_eq!(commands.arrived(id, &ping, NOW), done);

        let rejected = |code| Step::Answer(answer(CommandState::Rejected, Some(code)));
        let (id, _) = live();
        for noise in [&b"\xff{"[..], &vec![b'{'; 20_000]] {
            let step = commands.arrived(id, noise, NOW);
            assert_eq!(step, rejected("not_understood"));
        }
        let (id, _) = live();
        let (_, other) = live();
        assert_eq!(commands.arrived(id, &other, NOW), rejected("wrong_id"));
    }

    /// Issue 6, item 4: whoever guesses or copies an id can neither order anything under it nor
    /// keep the hub from doing so.
    #[test]
    fn what_the_hub_did_not_sign_is_refused_and_forgotten() {
        let mut commands = commands();
        let reboot = command(Order::Reboot);
        let (id, forged) = signed(&reboot, 2);
        let refused = Step::Answer(answer(CommandState::Rejected, Some("forged")));
        assert_eq!(commands.arrived(id, &forged, NOW), refused);
        let (_, genuine) = signed(&reboot, 1);
        let step = commands.arrived(id, &genuine, NOW);
        assert!(matches!(step, Step::Start(job) if job.order == Order::Reboot));
        assert_eq!(commands.arrived(id, &forged, NOW), refused);
    }

    /// X49: the order carries nothing; the document is asked for.
    #[test]
    fn word_of_a_new_timetable_counts_once() {
        let mut commands = commands();
        let (id, told) = sent(Order::Timetable);
        let done = answer(CommandState::Done, None);
        let first = commands.arrived(id, &told, NOW);
        assert_eq!(first, Step::Timetable(done.clone()));
        assert_eq!(commands.arrived(id, &told, NOW), again(done));
    }

    #[test]
    fn a_command_that_came_too_late_is_not_carried_out() {
        let (id, start) = live();
        let step = commands().arrived(id, &start, NOW + 1001);
        assert_eq!(step, Step::Answer(answer(CommandState::Expired, None)));
    }

    #[test]
    fn a_command_that_comes_twice_is_carried_out_once() {
        let mut commands = commands();
        let (id, start) = live();
        assert!(matches!(commands.arrived(id, &start, NOW), Step::Start(job) if job.id == id));
        assert_eq!(commands.arrived(id, &start, NOW), Step::Wait);
        let failed = answer(CommandState::Failed, Some("too_many"));
        commands.finished(id, failed.clone());
        let late = NOW + 1_000_000;
        assert_eq!(commands.arrived(id, &start, late), again(failed));
    }

    /// Issue 6, item 4: what ended before the agent was started is not begun again.
    #[test]
    fn what_the_disk_knows_is_answered_however_late() {
        let mut commands = commands();
        let (id, reboot) = sent(Order::Reboot);
        let done = answer(CommandState::Done, None);
        commands.finished(id, done.clone());
        assert_eq!(commands.arrived(id, &reboot, NOW + 86_400_000), again(done));
    }

    #[test]
    fn old_answers_are_forgotten_so_that_memory_has_an_end() {
        let mut commands = commands();
        for _ in 0..ANSWERS_MAX + 50 {
            let (id, ping) = sent(Order::Ping);
            commands.arrived(id, &ping, NOW);
        }
        assert_eq!(commands.seen.len(), ANSWERS_MAX);
        assert_eq!(commands.order.len(), ANSWERS_MAX);
    }
}
