//! Orders from the hub: each is answered once and for all, whatever it was.

use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use xunke_protocol::envelope::{Command, CommandAnswer, CommandState, Order, parse};
use xunke_protocol::id::MessageId;

/// Answers kept for orders that come twice.
const ANSWERS_MAX: usize = 1000;

/// An order that another room carries out; its answer comes back under the same id.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Of the command.
    pub id: MessageId,
    /// What to do.
    pub order: Order,
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

/// The commands this run of the agent has seen.
#[derive(Default)]
pub(super) struct Commands {
    seen: HashMap<MessageId, CommandAnswer>,
    order: VecDeque<MessageId>,
}

impl Commands {
    /// Takes a command as it came; `hub_now_ms` is the hub's clock as far as this box knows it.
    pub fn arrived(&mut self, id: MessageId, payload: &[u8], hub_now_ms: i64) -> Step {
        if let Some(known) = self.seen.get(&id) {
            return match known.state {
                CommandState::Running => Step::Wait,
                _ => Step::Answer(known.clone()),
            };
        }
        match judge(id, payload, hub_now_ms) {
            Ok(Order::Ping) => self.answer(id, answer(CommandState::Done, None)),
            Ok(Order::Timetable) => {
                let done = answer(CommandState::Done, None);
                self.store(id, done.clone());
                Step::Timetable(done)
            }
            Ok(order) => {
                self.store(id, answer(CommandState::Running, None));
                Step::Start(Job { id, order })
            }
            Err(refusal) => self.answer(id, refusal),
        }
    }

    /// The answer of the room that carried an order out.
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

/// An answer with a stable word for what went wrong.
pub(super) fn answer(state: CommandState, code: Option<&str>) -> CommandAnswer {
    CommandAnswer {
        state,
        code: code.map(str::to_owned),
    }
}

fn judge(id: MessageId, payload: &[u8], hub_now_ms: i64) -> Result<Order, CommandAnswer> {
    let rejected = |code| answer(CommandState::Rejected, Some(code));
    let Ok(command) = parse::<Command>(payload) else {
        return Err(rejected(reason(payload)));
    };
    if !command.v.readable() {
        return Err(rejected("foreign_version"));
    }
    if command.id != id {
        return Err(rejected("wrong_id"));
    }
    if command.expires < hub_now_ms {
        return Err(answer(CommandState::Expired, None));
    }
    Ok(command.order)
}

/// Tells an order that a newer hub knows from noise.
fn reason(payload: &[u8]) -> &'static str {
    match parse::<Value>(payload) {
        Ok(value) if value["kind"].is_string() => "unknown_order",
        _ => "not_understood",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    const NOW: i64 = 1_763_000_000_000;

    fn command(kind: &str, args: Value) -> (MessageId, Vec<u8>) {
        let id = MessageId(Uuid::now_v7());
        let mut command = json!({
            "v": "1.0", "id": id, "issued": NOW, "expires": NOW + 1000, "kind": kind,
        });
        if !args.is_null() {
            command["args"] = args;
        }
        (id, command.to_string().into_bytes())
    }

    fn live() -> (MessageId, Vec<u8>) {
        let args = json!({"push": Uuid::nil(), "source": "cam0", "stream": "sub"});
        command("live_start", args)
    }

    fn refused(state: CommandState, code: &str) -> Step {
        Step::Answer(answer(state, Some(code)))
    }

    #[test]
    fn every_command_ends_in_an_answer() {
        let mut commands = Commands::default();
        let (id, ping) = command("ping", Value::Null);
        let done = Step::Answer(answer(CommandState::Done, None));
        assert_eq!(commands.arrived(id, &ping, NOW), done);

        let rejected = |code| refused(CommandState::Rejected, code);
        let (id, shell) = command("shell", json!({"run": "reboot"}));
        assert_eq!(commands.arrived(id, &shell, NOW), rejected("unknown_order"));
        let (id, _) = live();
        assert_eq!(
            commands.arrived(id, b"\xff{", NOW),
            rejected("not_understood")
        );
        let (id, _) = live();
        let huge = vec![b'{'; 9000];
        assert_eq!(commands.arrived(id, &huge, NOW), rejected("not_understood"));
        let (id, _) = live();
        let (_, other) = live();
        assert_eq!(commands.arrived(id, &other, NOW), rejected("wrong_id"));
        let (id, foreign) = command("ping", Value::Null);
        let foreign = String::from_utf8(foreign).unwrap().replace("1.0", "2.0");
        let step = commands.arrived(id, foreign.as_bytes(), NOW);
        assert_eq!(step, rejected("foreign_version"));
    }

    /// X49: the order carries nothing; the document is asked for.
    #[test]
    fn word_of_a_new_timetable_counts_once() {
        let mut commands = Commands::default();
        let (id, told) = command("timetable", Value::Null);
        let done = answer(CommandState::Done, None);
        let first = commands.arrived(id, &told, NOW);
        assert_eq!(first, Step::Timetable(done.clone()));
        assert_eq!(commands.arrived(id, &told, NOW), Step::Answer(done));
    }

    #[test]
    fn a_command_that_came_too_late_is_not_carried_out() {
        let (id, start) = live();
        let step = Commands::default().arrived(id, &start, NOW + 1001);
        assert_eq!(step, Step::Answer(answer(CommandState::Expired, None)));
    }

    #[test]
    fn a_command_that_comes_twice_is_carried_out_once() {
        let mut commands = Commands::default();
        let (id, start) = live();
        assert!(matches!(commands.arrived(id, &start, NOW), Step::Start(job) if job.id == id));
        assert_eq!(commands.arrived(id, &start, NOW), Step::Wait);
        let failed = answer(CommandState::Failed, Some("too_many"));
        commands.finished(id, failed.clone());
        let late = NOW + 1_000_000;
        assert_eq!(commands.arrived(id, &start, late), Step::Answer(failed));
    }

    #[test]
    fn old_answers_are_forgotten_so_that_memory_has_an_end() {
        let mut commands = Commands::default();
        for _ in 0..ANSWERS_MAX + 50 {
            let (id, ping) = command("ping", Value::Null);
            commands.arrived(id, &ping, NOW);
        }
        assert_eq!(commands.seen.len(), ANSWERS_MAX);
        assert_eq!(commands.order.len(), ANSWERS_MAX);
    }
}
