//! Orders through the runner, with a disk and without a hub.

use super::*;
use crate::test_peer::directory;
use std::fs;
use std::path::Path;
use uuid::Uuid;

struct Stage {
    jobs: mpsc::Sender<Job>,
    answers: mpsc::Receiver<(MessageId, CommandAnswer)>,
    renewals: mpsc::Receiver<MessageId>,
    renewed: mpsc::Sender<(MessageId, CommandAnswer)>,
    anew: mpsc::Receiver<()>,
    folder: PathBuf,
}

impl Stage {
    fn start(name: &str) -> Self {
        let folder = directory(name);
        let config_file = folder.join("agent.toml");
        fs::write(&config_file, settings(&folder, "")).unwrap();
        let (jobs, ordered) = mpsc::channel(4);
        let (answers, answered) = mpsc::channel(4);
        let (renewals, to_renew) = mpsc::channel(1);
        let (renewed, was_renewed) = mpsc::channel(1);
        let (anew, asked) = mpsc::channel(1);
        let (_, newest) = watch::channel(None);
        let runner = Runner {
            config: config::load(&config_file).unwrap(),
            config_file,
            ledger: Ledger::open(&folder.join("commands"), clock::boot_id()).unwrap(),
            newest,
            switches: Switches::default(),
        };
        tokio::spawn(runner.run(Ways {
            jobs: ordered,
            answers,
            renewals,
            renewed: was_renewed,
            anew,
        }));
        Self {
            jobs,
            answers: answered,
            renewals: to_renew,
            renewed,
            anew: asked,
            folder,
        }
    }

    async fn order(&self, order: Order) -> MessageId {
        let id = MessageId(Uuid::now_v7());
        let expires_ms = clock::now_ms() + 60_000;
        let job = Job {
            id,
            order,
            expires_ms,
        };
        self.jobs.send(job).await.unwrap();
        id
    }

    async fn answer(&mut self, order: Order) -> CommandAnswer {
        let id = self.order(order).await;
        let (answered, answer) = self.answers.recv().await.unwrap();
        assert_eq!(answered, id);
        answer
    }

    /// What the disk knows after a kill.
    fn ended(&self) -> Vec<(MessageId, CommandAnswer)> {
        let ledger = Ledger::open(&self.folder.join("commands"), clock::boot_id());
        ledger.unwrap().ended().unwrap()
    }
}

fn settings(folder: &Path, more: &str) -> String {
    format!(
        "state_dir = {:?}\n{more}\n[hub]\nurl = \"https://127.0.0.1:1\"\n\
         [commands]\nreboot_file = {:?}\n",
        folder,
        folder.join("gone/reboot")
    )
}

fn code(answer: &CommandAnswer) -> Option<&str> {
    answer.code.as_deref()
}

#[tokio::test]
async fn each_order_is_written_down_with_its_end() {
    let mut stage = Stage::start("runner");
    let diag = stage.answer(Order::CollectDiag).await;
    assert_eq!(diag.state, CommandState::Done);
    assert_eq!(diag.result.as_ref().unwrap()["cameras"], 0);
    let early = stage.answer(Order::Selftest).await;
    assert_eq!(code(&early), Some("too_early"), "nothing was measured yet");
    let reboot = stage.answer(Order::Reboot).await;
    assert_eq!(code(&reboot), Some("reboot_not_set_up"));
    let projector = stage.answer(Order::Projector {
        name: "projector".parse().unwrap(),
        power: Switch::On,
    });
    assert_eq!(code(&projector.await), Some("unknown_equipment"));
    let ended: Vec<_> = stage
        .ended()
        .into_iter()
        .map(|(_, answer)| answer)
        .collect();
    assert_eq!(ended.len(), 4);
    assert_eq!(ended[0], diag);
    assert_eq!(ended[2], reboot);
}

/// Issue 6, item 4: never side by side; what the disk cannot keep is not carried out.
#[tokio::test]
async fn one_order_at_a_time_and_none_without_the_disk() {
    let mut stage = Stage::start("runner-alone");
    let renew = stage.order(Order::Renew).await;
    assert_eq!(stage.renewals.recv().await, Some(renew));
    let busy = stage.answer(Order::Selftest).await;
    assert_eq!(code(&busy), Some("busy"));
    let done = CommandAnswer::new(CommandState::Done, None);
    stage.renewed.send((renew, done.clone())).await.unwrap();
    assert_eq!(stage.answers.recv().await, Some((renew, done)));
    let after = stage.answer(Order::CollectDiag).await;
    assert_eq!(after.state, CommandState::Done);
    fs::remove_dir_all(stage.folder.join("commands")).unwrap();
    fs::write(stage.folder.join("commands"), "in the way").unwrap();
    let unkept = stage.answer(Order::CollectDiag).await;
    assert_eq!(code(&unkept), Some("not_kept"));
    assert!(unkept.result.is_none(), "nothing was collected");
}

#[tokio::test]
async fn a_configuration_is_looked_at_before_anything_ends() {
    let mut stage = Stage::start("runner-reload");
    let file = stage.folder.join("agent.toml");
    let same = stage.answer(Order::Reload).await;
    assert_eq!(code(&same), Some("unchanged"));
    fs::write(&file, "[health]\nperiod_seconds = 1\n").unwrap();
    let wrong = stage.answer(Order::Reload).await;
    assert_eq!(code(&wrong), Some("config_invalid"));
    let at = json!({"line": 2, "key": "health.period_seconds"});
    assert_eq!(wrong.result, Some(at), "never what stands there");
    let elsewhere = settings(&stage.folder, "").replace("127.0.0.1:1", "127.0.0.2:1");
    fs::write(&file, elsewhere).unwrap();
    let cut = stage.answer(Order::Reload).await;
    assert_eq!(code(&cut), Some("restart_needed"));
    assert!(stage.anew.try_recv().is_err());
    let other = settings(&stage.folder, "") + "[health]\nperiod_seconds = 30\n";
    fs::write(&file, other).unwrap();
    let reload = stage.order(Order::Reload).await;
    assert_eq!(stage.anew.recv().await, Some(()));
    let last = stage.ended().pop().unwrap();
    assert_eq!((last.0, last.1.state), (reload, CommandState::Done));
}
