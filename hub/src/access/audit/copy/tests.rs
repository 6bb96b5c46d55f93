//! Tests of the copy: folders that are there, away, full and damaged.

use std::fs;
use std::io::BufReader;

use ed25519_dalek::SigningKey;

use super::super::{Trail, export};
use super::*;
use crate::notice::Notices;
use crate::store::Db;
use crate::store::trail::tamper;

/// 2026-11-22, 00:00 in Shanghai.
const MIDNIGHT_MS: i64 = 1_795_276_800_000;
const DAY_MS: i64 = calendar::DAY_MS;

/// A trail with two signed days, and a folder that may be mounted.
struct Stage {
    db: Db,
    days: Arc<Days>,
    folder: PathBuf,
    copies: Copies,
}

impl Stage {
    async fn new() -> Self {
        let db = Db::in_memory().await;
        let trail = Trail::new(db.clone(), Notices::default());
        for at_ms in [MIDNIGHT_MS - DAY_MS - 1, MIDNIGHT_MS - 2, MIDNIGHT_MS - 1] {
            let line = entry(Outcome::Done, "博学楼101".into(), String::new());
            trail.append(line, at_ms).await.unwrap();
        }
        let key = SigningKey::from_bytes(&[7; 32]);
        let days = Arc::new(Days::new(Arc::new(trail), key));
        days.sign_missing(MIDNIGHT_MS).await.unwrap();
        let folder = std::env::temp_dir().join(format!("xunke-copy-{}", uuid::Uuid::now_v7()));
        let copies = Copies::new(days.clone(), &folder);
        let stage = Self {
            db,
            days,
            folder,
            copies,
        };
        stage.mount();
        stage
    }

    fn mount(&self) {
        fs::create_dir_all(&self.folder).unwrap();
        fs::write(self.folder.join(MARKER), "").unwrap();
    }

    /// The files of days, the oldest first, each whole for itself and after the one before.
    fn whole(&self) -> Vec<(i64, i64)> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> = paths
            .filter(|path| path.ends_with(MARKER).eq(&false))
            .collect();
        paths.sort();
        let mut end = empty();
        let ends = paths.iter().map(|path| {
            let file = BufReader::new(fs::File::open(path).unwrap());
            let verified = export::verify(file, Some(&self.days.public())).unwrap();
            assert_eq!(verified.after, end, "{}", path.display());
            end = verified.head.clone();
            (verified.day.unwrap() - calendar::day(MIDNIGHT_MS), end.seq)
        });
        ends.collect()
    }

    /// The lines about copies since the days were signed.
    async fn lines(&self) -> Vec<String> {
        let lines = self.days.trail().before(i64::MAX, 100).await.unwrap();
        let about = lines.iter().rev();
        let about = about.filter(|line| line.action == ACTION && line.seq > 5);
        about
            .map(|line| format!("{} {}{}", line.outcome, line.object, line.detail))
            .collect()
    }

    async fn trouble(&self) -> Option<(Trouble, i64)> {
        self.copies.standing().await.unwrap().trouble
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// X8: each signed day is a file of its own, whole alone and in a row, written once, with its line.
#[tokio::test]
async fn each_signed_day_goes_to_the_other_machine_once() {
    let stage = Stage::new().await;
    for _ in 0..2 {
        stage.copies.catch_up(MIDNIGHT_MS).await.unwrap();
        assert_eq!(stage.whole(), [(-2, 1), (-1, 3)]);
        assert_eq!(stage.lines().await, ["done 2026-11-20", "done 2026-11-21"]);
    }
    let standing = stage.copies.standing().await.unwrap();
    let yesterday = Some(calendar::day(MIDNIGHT_MS) - 1);
    assert_eq!((standing.until, standing.trouble), (yesterday, None));
    stage.days.sign_missing(MIDNIGHT_MS + DAY_MS).await.unwrap();
    stage.copies.catch_up(MIDNIGHT_MS + DAY_MS).await.unwrap();
    assert_eq!(stage.whole(), [(-2, 1), (-1, 3), (0, 7)]);
}

/// X8: a folder that goes away is a line and told once, the trail goes on; what was missed follows
/// when it is back.
#[tokio::test]
async fn a_folder_that_was_away_is_caught_up() {
    let stage = Stage::new().await;
    fs::remove_file(stage.folder.join(MARKER)).unwrap();
    for now_ms in [MIDNIGHT_MS, MIDNIGHT_MS + 15_000] {
        stage.copies.catch_up(now_ms).await.unwrap();
        assert_eq!(
            stage.trouble().await,
            Some((Trouble::Unmarked, MIDNIGHT_MS))
        );
    }
    fs::remove_dir(&stage.folder).unwrap();
    stage.copies.catch_up(MIDNIGHT_MS + 30_000).await.unwrap();
    let since_ms = MIDNIGHT_MS + 30_000;
    assert_eq!(
        stage.trouble().await,
        Some((Trouble::Unreachable, since_ms))
    );
    assert_eq!(
        stage.lines().await,
        ["failed unmarked", "failed unreachable"]
    );
    stage.days.trail().verify().await.unwrap().unwrap();
    stage.mount();
    stage.copies.catch_up(MIDNIGHT_MS + 45_000).await.unwrap();
    assert_eq!(
        (stage.trouble().await, stage.whole()),
        (None, vec![(-2, 1), (-1, 3)])
    );
}

/// X8: a full folder keeps no half file, and is filled once there is room.
#[tokio::test]
async fn a_full_folder_is_told_and_caught_up() {
    let stage = Stage::new().await;
    let rows = stage.days.list(2).await.unwrap();
    let part = stage.folder.join(format!(".{}.part", name(&rows[0])));
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();
    stage.copies.catch_up(MIDNIGHT_MS).await.unwrap();
    assert_eq!(stage.trouble().await, Some((Trouble::Full, MIDNIGHT_MS)));
    assert_eq!(stage.whole(), [(-2, 1)], "the day before was written");
    assert_eq!(stage.lines().await, ["done 2026-11-20", "failed full"]);
    stage.copies.catch_up(MIDNIGHT_MS + 1).await.unwrap();
    assert_eq!(
        (stage.trouble().await, stage.whole()),
        (None, vec![(-2, 1), (-1, 3)])
    );
}

/// X8, K6: what does not verify is not put beside what does.
#[tokio::test]
async fn a_changed_trail_is_not_copied() {
    for (statement, trouble) in [
        (
            "UPDATE trail SET person = '李明' WHERE seq = 2",
            Trouble::Damaged,
        ),
        (
            "UPDATE trail_days SET signed_ms = 5 WHERE seq = 3",
            Trouble::Broken,
        ),
    ] {
        let stage = Stage::new().await;
        tamper(&stage.db, statement).await;
        stage.copies.catch_up(MIDNIGHT_MS).await.unwrap();
        let told = stage.trouble().await;
        assert_eq!(told, Some((trouble, MIDNIGHT_MS)), "{statement}");
        assert_eq!(stage.whole(), [(-2, 1)], "{statement}");
    }
}

/// X8: without a folder there is nothing to tell.
#[tokio::test]
async fn without_a_folder_nothing_is_copied() {
    let stage = Stage::new().await;
    let none = Copies::new(stage.days.clone(), Path::new(""));
    none.catch_up(MIDNIGHT_MS).await.unwrap();
    assert_eq!(none.standing().await, None);
    assert_eq!(stage.lines().await, Vec::<String>::new());
}
