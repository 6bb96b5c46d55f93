//! What a full disk leaves of a transaction.

use std::path::Path;

use sqlx::Executor;

use super::Db;
use crate::config;

/// The folder of one test's database; it goes away with the test.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

async fn database() -> (Folder, Db) {
    let folder = std::env::temp_dir().join(format!("xunke-full-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let db = open(&folder).await;
    db.write()
        .execute("CREATE TABLE note (words TEXT NOT NULL)")
        .await
        .unwrap();
    (Folder(folder), db)
}

async fn open(folder: &Path) -> Db {
    let settings = config::Store {
        url: String::new(),
        password_file: Path::new("").into(),
    };
    Db::open(folder, &settings).await.unwrap()
}

/// Makes the database as full as a disk can be, and fails to write.
async fn fail(db: &Db) {
    db.write()
        .execute("PRAGMA max_page_count = 1")
        .await
        .unwrap();
    let mut writing = db.begin().await.unwrap();
    let long = format!("INSERT INTO note VALUES ('{}')", "x".repeat(1_000_000));
    let why = writing
        .execute(sqlx::AssertSqlSafe(long))
        .await
        .unwrap_err();
    let code = why.as_database_error().and_then(|error| error.code());
    assert_eq!(code.as_deref(), Some("13"), "the disk is not full: {why}");
}

async fn notes(db: &Db) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM note")
        .fetch_one(db.read())
        .await
        .unwrap()
}

/// SQLite undoes a whole transaction by itself when the disk is full; whoever counts transactions
/// beside it then writes into one that nobody commits. A receipt or a line of the trail (X9) that
/// only the writing connection sees is none.
#[tokio::test]
async fn after_a_full_disk_what_is_committed_is_durable() {
    let (_folder, db) = database().await;
    fail(&db).await;
    drop(db.begin().await.unwrap());
    db.write()
        .execute("PRAGMA max_page_count = 1000000")
        .await
        .unwrap();
    let mut writing = db.begin().await.unwrap();
    writing
        .execute("INSERT INTO note VALUES ('written')")
        .await
        .unwrap();
    Db::commit(writing).await.unwrap();
    assert_eq!(notes(&db).await, 1, "another connection does not see it");
}
