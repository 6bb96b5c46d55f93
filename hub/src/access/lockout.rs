//! Lock-out: whoever guesses has to wait, and no stranger can lock out the owner (X2, CES1-02).
//!
//! Counted are a login from one network, a login from networks its owner never came from, and a
//! network whatever the login. Pure: tries and times in, an answer out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::config;

/// Tries at one login from networks its owner never signed in from, before they wait.
const STRANGERS_MAX: u32 = 10;
/// Tries from one network, whatever the login; many people may share an address.
const NETWORK_MAX: u32 = 100;
const WINDOW_MS: i64 = 10 * 60 * 1000;
/// Counters kept; a flood of made-up logins pushes out the oldest.
const COUNTERS_MAX: usize = 20_000;

/// Who or what is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whom {
    /// A login from one network.
    Pair(String, IpAddr),
    /// A login from networks its owner never came from.
    Strangers(String),
    /// A network, whatever the login.
    Network(IpAddr),
}

impl Whom {
    /// The login as typed, if it is about one.
    #[must_use]
    pub fn login(&self) -> Option<&str> {
        match self {
            Self::Pair(login, _) | Self::Strangers(login) => Some(login),
            Self::Network(_) => None,
        }
    }

    /// The network, if it is about one.
    #[must_use]
    pub fn network(&self) -> Option<IpAddr> {
        match self {
            Self::Pair(_, network) | Self::Network(network) => Some(*network),
            Self::Strangers(_) => None,
        }
    }
}

/// What is counted about somebody, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// About whom.
    pub whom: Whom,
    /// Tries, those that were not let through too.
    pub tries: u32,
    /// When the first was.
    pub since_ms: i64,
    /// Since when they have to wait, if they do.
    pub locked_ms: Option<i64>,
    /// When it is forgotten.
    pub until_ms: i64,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    tries: u32,
    /// When the first was.
    since_ms: i64,
    /// When the door closed.
    locked_ms: Option<i64>,
    /// When the counter is forgotten.
    until_ms: i64,
}

/// One try to sign in.
#[derive(Debug, Clone, Copy)]
pub struct Try<'a> {
    /// The login as typed.
    pub login: &'a str,
    /// From where.
    pub address: IpAddr,
    /// Whether the owner of the login has been signed in from there before.
    pub known: bool,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Seconds from now.
    pub seconds: i64,
    /// Whether this is the try that closed the door: worth one line of the trail, not more.
    pub first: bool,
}

/// Who has tried how often.
#[derive(Debug)]
pub struct Lockout {
    counters: HashMap<Whom, Counter>,
    failures_max: u32,
    locked_ms: i64,
}

impl Lockout {
    /// Nobody has tried yet.
    #[must_use]
    pub fn new(rules: &config::Session) -> Self {
        Self {
            counters: HashMap::new(),
            failures_max: rules.failures_max,
            locked_ms: i64::from(rules.locked_minutes) * 60 * 1000,
        }
    }

    /// Counts a try before it is made, so that tries at the same time count too.
    ///
    /// # Errors
    /// How long to wait instead.
    pub fn begin(&mut self, attempt: Try<'_>, now_ms: i64) -> Result<(), Wait> {
        self.forget(now_ms);
        for (key, tries_max, lasts_ms) in self.keys(attempt) {
            let fresh = Counter {
                tries: 0,
                since_ms: now_ms,
                locked_ms: None,
                until_ms: now_ms + lasts_ms,
            };
            let counter = self.counters.entry(key).or_insert(fresh);
            counter.tries = counter.tries.saturating_add(1);
            if counter.tries > tries_max {
                counter.locked_ms.get_or_insert(now_ms);
                let seconds = (counter.until_ms - now_ms + 999) / 1000;
                let first = counter.tries == tries_max + 1;
                return Err(Wait { seconds, first });
            }
            // A lock lasts from the last try that was let through.
            counter.until_ms = now_ms + lasts_ms;
        }
        Ok(())
    }

    /// The try was right: the login starts afresh, the network gets its try back.
    pub fn succeeded(&mut self, attempt: Try<'_>) {
        let network = network(attempt.address);
        self.counters
            .remove(&Whom::Pair(attempt.login.into(), network));
        if !attempt.known {
            self.counters.remove(&Whom::Strangers(attempt.login.into()));
        }
        if let Some(counter) = self.counters.get_mut(&Whom::Network(network)) {
            counter.tries = counter.tries.saturating_sub(1);
        }
    }

    /// What is counted now, in no order.
    #[must_use]
    pub fn held(&self, now_ms: i64) -> Vec<Held> {
        let lasting = self.counters.iter();
        let lasting = lasting.filter(|(_, counter)| counter.until_ms > now_ms && counter.tries > 0);
        let held = lasting.map(|(whom, counter)| Held {
            whom: whom.clone(),
            tries: counter.tries,
            since_ms: counter.since_ms,
            locked_ms: counter.locked_ms,
            until_ms: counter.until_ms,
        });
        held.collect()
    }

    /// Forgets what was counted about somebody; of a network, every login it tried.
    pub fn release(&mut self, whom: &Whom) {
        let network = match whom {
            Whom::Network(network) => Some(*network),
            _ => None,
        };
        let stays = |counted: &Whom| {
            counted != whom && counted.network().is_none_or(|n| Some(n) != network)
        };
        self.counters.retain(|counted, _| stays(counted));
    }

    fn keys(&self, attempt: Try<'_>) -> Vec<(Whom, u32, i64)> {
        let network = network(attempt.address);
        let pair = Whom::Pair(attempt.login.into(), network);
        let mut keys = vec![
            (Whom::Network(network), NETWORK_MAX, WINDOW_MS),
            (pair, self.failures_max, self.locked_ms),
        ];
        if !attempt.known {
            keys.push((
                Whom::Strangers(attempt.login.into()),
                STRANGERS_MAX,
                WINDOW_MS,
            ));
        }
        keys
    }

    fn forget(&mut self, now_ms: i64) {
        if self.counters.len() < COUNTERS_MAX {
            self.counters.retain(|_, counter| counter.until_ms > now_ms);
            return;
        }
        let mut ends: Vec<i64> = self
            .counters
            .values()
            .map(|counter| counter.until_ms)
            .collect();
        let (_, middle, _) = ends.select_nth_unstable(COUNTERS_MAX / 2);
        let oldest_kept_ms = (*middle).max(now_ms);
        self.counters
            .retain(|_, counter| counter.until_ms > oldest_kept_ms);
    }
}

/// One IPv4 address, or the /64 that one household or host owns.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn lockout() -> Lockout {
        Lockout::new(&config::Session::default())
    }

    fn from(address: &str, known: bool) -> Try<'_> {
        let address = address.parse().unwrap();
        Try {
            login: "D1001",
            address,
            known,
        }
    }

    /// X2: five failures, then thirty minutes.
    #[test]
    fn the_sixth_try_waits_half_an_hour() {
        let mut lockout = lockout();
        for _ in 0..5 {
            assert_eq!(lockout.begin(from("10.0.0.5", true), 0), Ok(()));
        }
        let wait = |first| {
            Err(Wait {
                seconds: 1800,
                first,
            })
        };
        assert_eq!(lockout.begin(from("10.0.0.5", true), 0), wait(true));
        assert_eq!(lockout.begin(from("10.0.0.5", true), 0), wait(false));
        assert!(
            lockout
                .begin(from("10.0.0.5", true), 30 * MINUTE_MS - 1)
                .is_err()
        );
        assert_eq!(
            lockout.begin(from("10.0.0.5", true), 30 * MINUTE_MS),
            Ok(())
        );
    }

    #[test]
    fn a_success_starts_afresh() {
        let mut lockout = lockout();
        for _ in 0..50 {
            assert_eq!(lockout.begin(from("10.0.0.5", true), 0), Ok(()));
            lockout.succeeded(from("10.0.0.5", true));
        }
    }

    /// The owner is not locked out by strangers, and
    /// strangers from a hundred addresses get ten tries in ten minutes.
    #[test]
    fn strangers_lock_themselves_out_and_not_the_owner() {
        let mut lockout = lockout();
        let addresses: Vec<String> = (1..=100).map(|n| format!("10.9.0.{n}")).collect();
        let let_through = addresses
            .iter()
            .filter(|address| lockout.begin(from(address, false), 0).is_ok());
        assert_eq!(let_through.count(), 10);
        assert_eq!(lockout.begin(from("10.0.0.5", true), 0), Ok(()));
    }

    #[test]
    fn one_network_that_tries_every_login_waits() {
        let mut lockout = lockout();
        let let_through = (0..1000).filter(|n| {
            let login = format!("D{n}");
            let address = format!("2001:db8::{n:x}").parse().unwrap();
            let attempt = Try {
                login: &login,
                address,
                known: false,
            };
            lockout.begin(attempt, 0).is_ok()
        });
        assert_eq!(let_through.count(), 100);
    }

    #[test]
    fn a_flood_of_logins_does_not_fill_the_memory() {
        let mut lockout = lockout();
        for n in 0..60_000_u32 {
            let login = format!("D{n}");
            let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let attempt = Try {
                login: &login,
                address,
                known: false,
            };
            assert!(lockout.begin(attempt, i64::from(n)).is_ok());
        }
        assert!(lockout.counters.len() <= COUNTERS_MAX + 3);
    }
}
