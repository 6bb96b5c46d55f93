//! The store: the only room that knows SQL; one file of queries per room.
//!
//! Portable on purpose: TEXT, BIGINT and BLOB columns, `$1` placeholders, times as i64
//! milliseconds, so that PostgreSQL is one feature away.

pub mod campus;
pub mod people;
pub mod institution;
pub mod grant;
pub mod departure;
pub mod roster;
pub mod sanction;
pub mod agreement;
pub mod original;
pub mod session;
pub mod account;
pub mod start;
pub mod passkey;
pub mod trail;
pub mod inspection;
pub mod risk;
pub mod view;
pub mod record;
pub mod keys;
pub mod device;
pub mod recording;
pub mod health;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, Executor, Transaction};

const READERS_MAX: u32 = 4;
const WAIT_MAX: Duration = Duration::from_secs(10);
const FILE_NAME: &str = "hub.sqlite";

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database file cannot be opened.
    #[error("cannot open the database {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: sqlx::Error,
    },
    /// The tables cannot be brought up to date.
    #[error("cannot bring the tables of {path} up to date")]
    Migrate {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: sqlx::migrate::MigrateError,
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

/// A transaction on the one writing connection. Dropping it undoes everything.
pub type Writing = Transaction<'static, Any>;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    read: AnyPool,
    write: AnyPool,
}

impl Db {
    /// Opens (or makes) the database in `data_dir` and brings its tables up to date.
    ///
    /// # Errors
    /// The file that cannot be opened or migrated.
    pub async fn open(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join(FILE_NAME);
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let open_error = |source| Error::Open {
            path: path.clone(),
            source,
        };
        let write = pool(1, &url).await.map_err(open_error)?;
        migrate(&write, &path).await?;
        let read = pool(READERS_MAX, &url).await.map_err(open_error)?;
        Ok(Self { read, write })
    }

    /// A new database in memory, for tests.
    #[cfg(test)]
    pub(crate) async fn in_memory() -> Self {
        let write = pool(1, "sqlite::memory:").await.unwrap();
        migrate(&write, Path::new("memory")).await.unwrap();
        Self {
            read: write.clone(),
            write,
        }
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

    /// Closes every connection.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

async fn pool(connections_max: u32, url: &str) -> Result<AnyPool, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let options = AnyPoolOptions::new()
        .min_connections(1)
        .max_connections(connections_max)
        .acquire_timeout(WAIT_MAX)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // A receipt and a line of the trail must survive a power cut: FULL.
                let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                                PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;";
                connection.execute(settings).await.map(drop)
            })
        });
    options.connect(url).await
}

async fn migrate(write: &AnyPool, path: &Path) -> Result<(), Error> {
    let done = sqlx::migrate!("./migrations").run(write).await;
    done.map_err(|source| Error::Migrate {
        path: path.into(),
        source,
    })
}
