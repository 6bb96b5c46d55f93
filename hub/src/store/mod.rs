//! The store: the only room that knows SQL; one file of queries per room.
//!
//! Portable on purpose: TEXT and BIGINT columns, `$1` placeholders, times as i64 milliseconds.
//! SQLite in the data folder by default, PostgreSQL where `store.url` says so; the same queries.

mod place;
pub mod campus;
pub mod people;
pub mod institution;
pub mod grant;
pub mod review;
pub mod paper;
pub mod departure;
pub mod roster;
pub mod sanction;
pub mod interference;
pub mod exam;
pub mod agreement;
pub mod original;
pub mod session;
pub mod account;
pub mod start;
pub mod stale;
pub mod passkey;
pub mod trail;
pub mod inspection;
pub mod risk;
pub mod incident;
pub mod view;
pub mod record;
pub mod keys;
pub mod keeping;
pub mod destruction;
pub mod device;
pub mod asking;
pub mod command;
pub mod schedule;
pub mod timetable;
pub mod recording;
pub mod library;
pub mod mark;
pub mod ledger;
pub mod health;
pub mod history;
pub mod together;
pub mod channel;
pub mod duty;
pub mod alert;
pub mod work_order;
pub mod checkup;
pub mod outbox;
pub mod attempt;

use std::path::Path;
use std::sync::Arc;

use sqlx::{Any, AnyPool, Transaction};

use crate::config;
use place::Place;
use together::Waiting;

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be opened.
    #[error("cannot open the database {place}")]
    Open {
        /// The file, or the server and the name; never the password.
        place: String,
        /// The cause.
        source: sqlx::Error,
    },
    /// The tables cannot be brought up to date.
    #[error("cannot bring the tables of {place} up to date")]
    Migrate {
        /// The same.
        place: String,
        /// The cause.
        source: sqlx::migrate::MigrateError,
    },
    /// The configuration of the store cannot be used.
    #[error("{key}: {why}")]
    Settings {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A query failed.
    #[error("the database failed while {doing}")]
    Query {
        /// Such as `reading a session`.
        doing: &'static str,
        /// The cause.
        source: sqlx::Error,
    },
}

impl Error {
    /// Whether a row with the same key is already there.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        let Self::Query { source, .. } = self else {
            return false;
        };
        source
            .as_database_error()
            .is_some_and(|error| error.is_unique_violation())
    }

    /// Whether the disk under the database is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let Self::Query { source, .. } = self else {
            return false;
        };
        // SQLITE_FULL, and PostgreSQL's disk_full.
        let code = source.as_database_error().and_then(|error| error.code());
        code.is_some_and(|code| code == "13" || code == "53100")
    }
}

/// Names the operation in an error.
pub(crate) fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| Error::Query { doing, source }
}

/// `$1, $2, …` for as many values; for none, `NULL`, which nothing is in.
fn placeholders(count: usize) -> String {
    let all: Vec<_> = (1..=count).map(|number| format!("${number}")).collect();
    if all.is_empty() {
        return "NULL".into();
    }
    all.join(", ")
}

/// A transaction on the one writing connection. Dropping it undoes everything.
pub type Writing = Transaction<'static, Any>;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    read: AnyPool,
    write: AnyPool,
    /// Whether it is SQLite, which keeps what was overwritten in its journal for a while.
    file: bool,
    /// What is noted together.
    waiting: Arc<Waiting>,
}

impl Db {
    /// Opens the database that `settings` names, or else opens or makes the one in `data_dir`, and
    /// brings its tables up to date.
    ///
    /// # Errors
    /// What cannot be opened or migrated.
    pub async fn open(data_dir: &Path, settings: &config::Store) -> Result<Self, Error> {
        Self::at(&Place::new(data_dir, settings)?).await
    }

    async fn at(place: &Place) -> Result<Self, Error> {
        let open_error = |source| Error::Open {
            place: place.to_string(),
            source,
        };
        let write = place.pool(1).await.map_err(open_error)?;
        let done = sqlx::migrate!("./migrations").run(&write).await;
        done.map_err(|source| Error::Migrate {
            place: place.to_string(),
            source,
        })?;
        let readers = place.readers_max();
        let read = match readers {
            // A database in memory is its one connection.
            0 => write.clone(),
            _ => place.pool(readers).await.map_err(open_error)?,
        };
        Ok(Self {
            read,
            write,
            file: place.is_file(),
            waiting: Arc::default(),
        })
    }

    /// A new database for a test: in memory, or in the PostgreSQL that [`place::TEST_STORE`] names.
    #[cfg(test)]
    pub(crate) async fn in_memory() -> Self {
        Self::at(&Place::for_a_test().await).await.unwrap()
    }

    /// Connections that read.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.read
    }

    /// The one connection that writes: a single statement commits by itself.
    pub(crate) fn write(&self) -> &AnyPool {
        &self.write
    }

    /// Begins a transaction. Writers queue for the one writing connection, so keep it short and do
    /// not call [`Db::write`] while it is held.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Writing, Error> {
        self.write
            .begin()
            .await
            .map_err(failed("beginning to write"))
    }

    /// Commits: durable when this returns.
    ///
    /// # Errors
    /// When the disk does not take it; then nothing was written.
    pub async fn commit(writing: Writing) -> Result<(), Error> {
        writing.commit().await.map_err(failed("committing"))
    }

    /// Empties SQLite's journal, so that what was overwritten is not to be found there (X17). A
    /// server's journal is its administrator's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn empty_journal(&self) -> Result<(), Error> {
        if !self.file {
            return Ok(());
        }
        sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.write)
            .await
            .map(drop)
            .map_err(failed("emptying the journal"))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

#[cfg(test)]
mod full_disk_tests;
