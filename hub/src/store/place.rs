//! Where the store is: a file in the data folder, or a PostgreSQL.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use url::Url;

use super::Error;
use crate::config;

const WAIT_MAX: Duration = Duration::from_secs(10);
const FILE_NAME: &str = "hub.sqlite";
const FILE_READERS_MAX: u32 = 4;
const SERVER_READERS_MAX: u32 = 16;

/// A receipt and a line of the trail must survive a power cut: FULL. What is deleted is overwritten
/// (X17): the private half of a day key is gone from the file, not only from the index.
const FILE_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;";
/// The same, whatever the server's own file says; and a hub that is gone holds nothing for long.
const SERVER_SETTINGS: &str = "SET synchronous_commit = on; SET lock_timeout = '10s'; \
    SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '30s';";

/// Environment variable with the URL of a PostgreSQL for the tests; without it they use SQLite.
#[cfg(test)]
pub(super) const TEST_STORE: &str = "XUNKE_TEST_STORE";

/// Where the store is.
pub(super) enum Place {
    /// SQLite.
    File(PathBuf),
    /// PostgreSQL, with the password.
    Server(Url),
    /// SQLite in memory.
    #[cfg(test)]
    Memory,
}

impl fmt::Display for Place {
    /// Without user, password and parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(url) => {
                let host = url.host_str().unwrap_or("localhost");
                write!(
                    f,
                    "PostgreSQL at {host}, {}",
                    url.path().trim_start_matches('/')
                )
            }
            #[cfg(test)]
            Self::Memory => write!(f, "memory"),
        }
    }
}

impl Place {
    /// As configured.
    pub fn new(data_dir: &Path, settings: &config::Store) -> Result<Self, Error> {
        if settings.url.is_empty() {
            return Ok(Self::File(data_dir.join(FILE_NAME)));
        }
        let wrong = |key, why| Error::Settings { key, why };
        let parsed = Url::parse(&settings.url);
        let mut url = parsed.map_err(|why| wrong("store.url", why.to_string()))?;
        if !settings.password_file.as_os_str().is_empty() {
            let file = &settings.password_file;
            let password = std::fs::read_to_string(file).map_err(|why| {
                wrong("store.password_file", format!("{}: {why}", file.display()))
            })?;
            let set = url.set_password(Some(password.trim_end_matches(['\r', '\n'])));
            set.map_err(|()| wrong("store.url", "it names no server for the password".into()))?;
        }
        Ok(Self::Server(url))
    }

    /// Connections beside the writing one; 0 when there can be no other.
    pub fn readers_max(&self) -> u32 {
        match self {
            Self::File(_) => FILE_READERS_MAX,
            Self::Server(_) => SERVER_READERS_MAX,
            #[cfg(test)]
            Self::Memory => 0,
        }
    }

    /// Whether it is SQLite.
    pub fn is_file(&self) -> bool {
        !matches!(self, Self::Server(_))
    }

    fn settings(&self) -> &'static str {
        match self {
            Self::Server(_) => SERVER_SETTINGS,
            _ => FILE_SETTINGS,
        }
    }

    /// Connections to it.
    pub async fn pool(&self, connections_max: u32) -> Result<AnyPool, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let (settings, url) = (self.settings(), self.url());
        let options = AnyPoolOptions::new()
            .min_connections(1)
            .max_connections(connections_max)
            .acquire_timeout(WAIT_MAX)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(settings).await.map(drop) })
            })
            .after_release(|connection, _| Box::pin(is_reusable(connection)));
        options.connect(&url).await
    }

    fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite://{}?mode=rwc", path.display()),
            Self::Server(url) => url.to_string(),
            #[cfg(test)]
            Self::Memory => "sqlite::memory:".into(),
        }
    }

    /// A place of one test's own.
    #[cfg(test)]
    pub async fn for_a_test() -> Self {
        let Ok(url) = std::env::var(TEST_STORE) else {
            return Self::Memory;
        };
        let server = Self::Server(Url::parse(&url).unwrap());
        let own = format!("t_{}", uuid::Uuid::now_v7().simple());
        let pool = server.pool(1).await.unwrap();
        let make = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {own}"));
        sqlx::raw_sql(make).execute(&pool).await.unwrap();
        pool.close().await;
        let mut url = Url::parse(&url).unwrap();
        url.query_pairs_mut()
            .append_pair("options[search_path]", &own);
        Self::Server(url)
    }
}

/// Whether a connection that comes back to the pool may go out again.
///
/// SQLite may undo a whole transaction by itself when the disk is full (its documentation of
/// ROLLBACK names FULL, IOERR, NOMEM, BUSY and INTERRUPT). The driver then cannot roll back, goes
/// on counting one transaction, and makes the next a savepoint inside one that nobody commits:
/// acknowledged, seen by this connection alone, and gone with the process.
async fn is_reusable(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    // A rollback that was only asked for is done before this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, password_file: &Path) -> Result<Place, Error> {
        let settings = config::Store {
            url: url.into(),
            password_file: password_file.into(),
        };
        Place::new(Path::new("/data"), &settings)
    }

    #[test]
    fn the_default_is_a_file_in_the_data_folder() {
        let file = place("", Path::new("")).unwrap();
        assert_eq!(file.to_string(), "/data/hub.sqlite");
    }

    /// No secret in a message: neither user nor password stands in it.
    #[test]
    fn a_password_comes_from_its_file_and_shows_nowhere() {
        let file = std::env::temp_dir().join(format!("xunke-{}", uuid::Uuid::now_v7()));
        std::fs::write(&file, "s3cret/@:\n").unwrap();
        let server = place("postgres://hub@db.example:5433/xunke", &file).unwrap();
        assert_eq!(server.to_string(), "PostgreSQL at db.example, xunke");
        assert_eq!(
            server.url(),
            "postgres://hub:s3cret%2F%40%3A@db.example:5433/xunke"
        );
        std::fs::remove_file(&file).unwrap();
        let missing = place("postgres://hub@db.example/xunke", &file)
            .err()
            .unwrap();
        assert!(
            missing.to_string().starts_with("store.password_file: "),
            "{missing}"
        );
    }
}
