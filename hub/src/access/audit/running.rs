//! The lines of a start and a stop, of what was changed in the configuration between (R116), and of
//! the hub's own certificate.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::super::secret::hex;
use super::{Entry, Trail, Unavailable, Who};
use crate::config::Config;
use crate::store::institution as rows;
use crate::store::trail;

const STARTED: &str = "hub_started";
const STOPPED: &str = "hub_stopped";
const CERTIFICATE: &str = "hub_certificate";

/// Writes that the hub starts, and before it which keys of the configuration are not what they
/// were at the last start: their names, never their values.
///
/// # Errors
/// When the trail cannot be written; the hub must not start.
pub async fn started(trail: &Trail, config: &Config, now_ms: i64) -> Result<(), Unavailable> {
    let keys = hashed(config);
    let before: BTreeMap<_, _> = rows::configuration(&trail.db).await?.into_iter().collect();
    let changed = changed(&before, &keys);
    if before.is_empty() || !changed.is_empty() {
        let action = match before.is_empty() {
            true => "configuration_noted",
            false => "configuration_changed",
        };
        let mut pending = trail
            .begin(entry(action, changed.join(", ")), now_ms)
            .await?;
        let keys: Vec<_> = keys.into_iter().collect();
        rows::keep_configuration(pending.writing(), &keys).await?;
        pending.commit().await?;
    }
    let started = trail::last_of(&trail.db, STARTED).await?;
    let stopped = trail::last_of(&trail.db, STOPPED).await?;
    let version = env!("CARGO_PKG_VERSION");
    let detail = match started > stopped {
        true => format!("unexpected_end, {version}"),
        false => version.to_owned(),
    };
    trail.append(entry(STARTED, detail), now_ms).await?;
    Ok(())
}

/// Writes that the hub stops.
///
/// # Errors
/// When the trail cannot be written.
pub async fn stopped(trail: &Trail, now_ms: i64) -> Result<(), Unavailable> {
    trail.append(entry(STOPPED, String::new()), now_ms).await?;
    Ok(())
}

/// Writes that the hub shows another certificate of its own, and until when it is good.
///
/// # Errors
/// When the trail cannot be written.
pub async fn certificate(trail: &Trail, until: &str, now_ms: i64) -> Result<(), Unavailable> {
    let detail = format!("until {until}");
    trail.append(entry(CERTIFICATE, detail), now_ms).await?;
    Ok(())
}

fn entry(action: &'static str, detail: String) -> Entry {
    Entry {
        detail,
        ..Entry::done(Who::default(), action)
    }
}

/// Every key with the hash of its value.
fn hashed(config: &Config) -> BTreeMap<String, String> {
    let table = toml::Table::try_from(config).expect("invariant: a configuration can be written");
    let mut keys = BTreeMap::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(section) => {
                for (key, value) in section {
                    keys.insert(format!("{name}.{key}"), hash(&value));
                }
            }
            value => drop(keys.insert(name, hash(&value))),
        }
    }
    keys
}

fn hash(value: &toml::Value) -> String {
    hex(&Sha256::digest(value.to_string().as_bytes()))
}

fn changed(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    if before.is_empty() {
        return Vec::new();
    }
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let differs = |name: &&&String| before.get(**name) != now.get(**name);
    names
        .iter()
        .filter(differs)
        .map(|name| (*name).clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notices;
    use crate::store::Db;

    async fn lines(trail: &Trail) -> Vec<(String, String)> {
        let lines = trail.before(i64::MAX, 10).await.unwrap();
        let pair = |line: trail::Line| (line.action, line.detail);
        lines.into_iter().rev().map(pair).collect()
    }

    fn pair(action: &str, detail: &str) -> (String, String) {
        (action.into(), detail.into())
    }

    /// R116: a changed configuration is named by its keys, once; a stop that was none is said.
    #[tokio::test]
    async fn a_start_says_what_was_changed() {
        let trail = Trail::new(Db::in_memory().await, Notices::default());
        let version = env!("CARGO_PKG_VERSION");
        let mut config = Config::default();
        started(&trail, &config, 1).await.unwrap();
        stopped(&trail, 2).await.unwrap();
        config.session.idle_minutes = 10;
        config.keys.master_key_file = "/run/secret-place".into();
        started(&trail, &config, 3).await.unwrap();
        started(&trail, &config, 4).await.unwrap();
        let expected = [
            pair("configuration_noted", ""),
            pair("hub_started", version),
            pair("hub_stopped", ""),
            pair(
                "configuration_changed",
                "keys.master_key_file, session.idle_minutes",
            ),
            pair("hub_started", version),
            pair("hub_started", &format!("unexpected_end, {version}")),
        ];
        assert_eq!(lines(&trail).await, expected);
        let all = format!("{:?}", trail.before(i64::MAX, 10).await.unwrap());
        assert!(!all.contains("secret-place"), "a value is in the trail");
    }

    /// A key that a newer version brings, or takes away, is a change as well.
    #[test]
    fn a_key_that_comes_or_goes_is_a_change() {
        let one = |name: &str| BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        assert_eq!(changed(&one("a"), &one("b")), ["a", "b"]);
        assert!(changed(&one("a"), &one("a")).is_empty());
        assert!(changed(&BTreeMap::new(), &one("a")).is_empty());
    }
}
