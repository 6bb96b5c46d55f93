//! The ledger: one small file for each command, written before its effect and again with its
//! answer. It outlives a kill, so that every command that was begun has an end.

use crate::clock;
use crate::identity::write_durable;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;
use xunke_protocol::envelope::{CommandAnswer, CommandState, Order, Switch};
use xunke_protocol::id::{EquipmentName, MessageId};

/// Commands kept, the newest; of those beyond, only what may still be begun.
const ENTRIES_MAX: usize = 200;
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// One command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    id: MessageId,
    order: Order,
    /// By the hub's clock.
    expires_ms: i64,
    /// By the box's clock.
    begun_ms: i64,
    /// The start of the operating system it was begun in.
    boot: Uuid,
    answer: Option<CommandAnswer>,
}

impl Entry {
    /// How a command ended that was begun and not ended before the agent was started, in this start
    /// of the operating system. A start is what a reload is; another start of the machine is what
    /// a reboot is.
    fn outlived(&self, boot: Uuid) -> CommandAnswer {
        match self.order {
            Order::Reload => CommandAnswer::new(CommandState::Done, None),
            Order::Reboot if self.boot != boot => CommandAnswer::new(CommandState::Done, None),
            _ => CommandAnswer::new(CommandState::Failed, Some("interrupted")),
        }
    }

    /// Whether its effect came about, or may have: what was refused before it was given did not.
    fn took_effect(&self) -> bool {
        let Some(answer) = &self.answer else {
            return true;
        };
        match (answer.state, answer.code.as_deref()) {
            (CommandState::Done, code) => code.is_none(),
            (CommandState::Failed, Some(code)) => {
                matches!(code, "unconfirmed" | "timed_out" | "interrupted")
            }
            _ => false,
        }
    }
}

/// The commands of this box.
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: PathBuf,
}

impl Ledger {
    /// Opens the ledger in its folder, in this start of the operating system. Whatever was begun
    /// and not ended gets its end now.
    ///
    /// # Errors
    /// The folder cannot be made, read or written.
    pub fn open(folder: &Path, boot: Uuid) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let ledger = Self {
            folder: folder.to_owned(),
        };
        for mut entry in ledger.entries()? {
            if entry.answer.is_none() {
                entry.answer = Some(entry.outlived(boot));
                ledger.write(&entry)?;
            }
        }
        Ok(ledger)
    }

    /// How every command of it ended, the oldest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn ended(&self) -> io::Result<Vec<(MessageId, CommandAnswer)>> {
        let entries = self.entries()?.into_iter();
        Ok(entries
            .filter_map(|entry| Some((entry.id, entry.answer?)))
            .collect())
    }

    /// Writes down that a command is about to be carried out.
    ///
    /// # Errors
    /// The disk refuses; then it may not be carried out.
    pub fn begin(&self, id: MessageId, order: &Order, expires_ms: i64) -> io::Result<()> {
        self.write(&Entry {
            id,
            order: order.clone(),
            expires_ms,
            begun_ms: clock::now_ms(),
            boot: clock::boot_id(),
            answer: None,
        })?;
        self.prune()
    }

    /// Writes down how it ended.
    ///
    /// # Errors
    /// The disk refuses; the next start then calls it interrupted.
    pub fn end(&self, id: MessageId, answer: &CommandAnswer) -> io::Result<()> {
        let Some(mut entry) = self.read(&self.file(id)) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        entry.answer = Some(answer.clone());
        self.write(&entry)
    }

    /// When this projector was last switched by order, and which way, by the box's clock.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn switched(&self, name: &EquipmentName) -> io::Result<Option<(i64, Switch)>> {
        let entries = self.entries()?.into_iter();
        let mut times = entries.filter_map(|entry| {
            let given = entry.took_effect();
            match entry.order {
                Order::Projector { name: of, power } if of == *name && given => {
                    Some((entry.begun_ms, power))
                }
                _ => None,
            }
        });
        Ok(times.next_back())
    }

    fn file(&self, id: MessageId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let text = serde_json::to_vec(entry).expect("invariant: plain fields become JSON");
        write_durable(&self.file(entry.id), &text)
    }

    /// A file that is not ours or not whole is none: it was never begun by us.
    fn read(&self, file: &Path) -> Option<Entry> {
        let bytes = fs::metadata(file).ok()?.len();
        let text = (bytes <= FILE_BYTES_MAX).then(|| fs::read(file).ok())??;
        serde_json::from_slice(&text).ok()
    }

    /// By their ids, which grow with time.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|end| end == "json") {
                entries.extend(self.read(&path));
            }
        }
        entries.sort_by_key(|entry| entry.id.0);
        Ok(entries)
    }

    /// What could still be ordered again stays, however many there are.
    fn prune(&self) -> io::Result<()> {
        let entries = self.entries()?;
        let now_ms = clock::now_ms();
        let over = entries.len().saturating_sub(ENTRIES_MAX);
        let gone = |entry: &&Entry| entry.answer.is_some() && entry.expires_ms < now_ms;
        for entry in entries.iter().take(over).filter(gone) {
            fs::remove_file(self.file(entry.id))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_peer::directory;
    use serde_json::json;

    fn id() -> MessageId {
        MessageId(Uuid::now_v7())
    }

    fn open(folder: &Path) -> Ledger {
        Ledger::open(folder, clock::boot_id()).unwrap()
    }

    fn done() -> CommandAnswer {
        CommandAnswer::with(json!({"n": 1}))
    }

    /// Issue 6, item 4: an end is kept, and a kill in the middle is one.
    #[test]
    fn what_was_begun_has_an_end_after_a_kill() {
        let folder = directory("ledger");
        let ledger = open(&folder);
        let (ended, killed) = (id(), id());
        ledger.begin(ended, &Order::Selftest, 9).unwrap();
        ledger.end(ended, &done()).unwrap();
        ledger.begin(killed, &Order::CollectDiag, 9).unwrap();
        // A power cut while a file was being written.
        fs::write(folder.join("torn.json"), b"{\"id\":").unwrap();
        fs::write(folder.join(format!("{}.new", id())), b"{").unwrap();
        let interrupted = CommandAnswer::new(CommandState::Failed, Some("interrupted"));
        let expected = vec![(ended, done()), (killed, interrupted)];
        assert_eq!(open(&folder).ended().unwrap(), expected);
        assert_eq!(open(&folder).ended().unwrap(), expected, "once and for all");
    }

    /// A reboot that came about is no interruption, and one that did not is.
    #[test]
    fn a_reboot_is_done_by_another_start_of_the_machine() {
        let folder = directory("ledger-reboot");
        let (reboot, other) = (id(), id());
        let ledger = open(&folder);
        ledger.begin(reboot, &Order::Reboot, 9).unwrap();
        ledger.begin(other, &Order::Selftest, 9).unwrap();
        let later = Ledger::open(&folder, Uuid::from_u128(3)).unwrap();
        let ended = later.ended().unwrap();
        assert_eq!(ended[0].1.state, CommandState::Done);
        assert_eq!(ended[1].1.code.as_deref(), Some("interrupted"));
        let third = id();
        open(&folder).begin(third, &Order::Reboot, 9).unwrap();
        let ended = open(&folder).ended().unwrap();
        assert_eq!(ended[2].1.code.as_deref(), Some("interrupted"));
    }

    /// Whoever starts reads the configuration.
    #[test]
    fn a_reload_is_done_by_any_start() {
        let folder = directory("ledger-reload");
        let reload = id();
        open(&folder).begin(reload, &Order::Reload, 9).unwrap();
        let ended = open(&folder).ended().unwrap();
        assert_eq!(ended[0].1.state, CommandState::Done);
    }

    #[test]
    fn the_ledger_has_an_end_but_forgets_nothing_that_may_come_again() {
        let folder = directory("ledger-full");
        let ledger = open(&folder);
        let far_ms = clock::now_ms() + 3_600_000;
        let first = id();
        ledger.begin(first, &Order::Selftest, far_ms).unwrap();
        ledger.end(first, &done()).unwrap();
        for _ in 0..ENTRIES_MAX + 9 {
            let id = id();
            ledger.begin(id, &Order::Selftest, 9).unwrap();
            ledger.end(id, &done()).unwrap();
        }
        let ended = ledger.ended().unwrap();
        assert_eq!(ended[0].0, first, "it could be ordered again");
        assert!(ended.len() <= ENTRIES_MAX + 1, "{}", ended.len());
    }

    #[test]
    fn a_projector_was_last_switched_by_an_order_that_was_taken() {
        let folder = directory("ledger-switch");
        let ledger = open(&folder);
        let name = || -> EquipmentName { "projector".parse().unwrap() };
        assert_eq!(ledger.switched(&name()).unwrap(), None);
        let last = || ledger.switched(&name()).unwrap().map(|(_, power)| power);
        for (power, state, code, expect) in [
            (Switch::On, CommandState::Done, None, Switch::On),
            (Switch::Off, CommandState::Rejected, None, Switch::On),
            // Whoever asks too soon does not have to wait longer for it.
            (
                Switch::Off,
                CommandState::Failed,
                Some("too_soon"),
                Switch::On,
            ),
            (
                Switch::Off,
                CommandState::Done,
                Some("already_so"),
                Switch::On,
            ),
            (
                Switch::Off,
                CommandState::Failed,
                Some("unconfirmed"),
                Switch::Off,
            ),
        ] {
            let (id, name) = (id(), name());
            let order = Order::Projector { name, power };
            ledger.begin(id, &order, 9).unwrap();
            ledger.end(id, &CommandAnswer::new(state, code)).unwrap();
            assert_eq!(last(), Some(expect), "{state:?} {code:?}");
        }
        let other = "beamer".parse().unwrap();
        assert_eq!(ledger.switched(&other).unwrap(), None);
    }
}
