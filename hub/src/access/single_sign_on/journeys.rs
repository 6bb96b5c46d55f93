//! Journeys: browsers on their way to the issuer and back. Single use, ten minutes, in memory.
//!
//! Pure: browsers, states and times in, an answer out.

use std::collections::HashMap;
use std::net::IpAddr;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::lockout::network;
use crate::access::secret;

/// How long somebody may take, there and back and with the second factor.
pub const LASTS_MS: i64 = 10 * 60 * 1000;
/// Journeys from one network in that time; many people may share an address.
const NETWORK_MAX: usize = 100;
/// Journeys together. Whoever comes then pushes out the oldest of the busiest network.
const JOURNEYS_MAX: usize = 4096;

/// What the browser takes along.
pub struct Ticket {
    /// For the cookie; the issuer never sees it.
    pub browser: Zeroizing<String>,
    /// For the issuer, who gives it back.
    pub state: Zeroizing<String>,
    /// What stays here.
    pub luggage: Luggage,
}

/// What the answer of the issuer must fit.
#[derive(Clone)]
pub struct Luggage {
    /// The ID token must carry it.
    pub nonce: Zeroizing<String>,
    /// Of PKCE: only who set out can redeem the code.
    pub verifier: Zeroizing<String>,
}

enum Stage {
    /// At the issuer.
    Away {
        state_hash: String,
        luggage: Luggage,
    },
    /// Back, as this person; the second factor is still to come.
    Back(Uuid),
    /// Done or failed. Still counts for its network.
    Over,
}

struct Journey {
    network: IpAddr,
    until_ms: i64,
    stage: Stage,
}

/// Every journey, by the hash of the browser's cookie.
#[derive(Default)]
pub struct Journeys {
    all: HashMap<String, Journey>,
}

impl Journeys {
    /// Sets out.
    ///
    /// # Errors
    /// After how many seconds this network may again.
    pub fn depart(&mut self, address: IpAddr, now_ms: i64) -> Result<Ticket, i64> {
        self.all.retain(|_, journey| journey.until_ms > now_ms);
        let network = network(address);
        let own = self.all.values().filter(|one| one.network == network);
        let ends: Vec<i64> = own.map(|one| one.until_ms).collect();
        if ends.len() >= NETWORK_MAX {
            let first = ends.into_iter().min().unwrap_or(now_ms);
            return Err((first - now_ms + 999) / 1000);
        }
        if self.all.len() >= JOURNEYS_MAX {
            self.push_out();
        }
        let (browser, state) = (secret::token(), secret::token());
        let luggage = Luggage {
            nonce: secret::token(),
            verifier: secret::token(),
        };
        let journey = Journey {
            network,
            until_ms: now_ms + LASTS_MS,
            stage: Stage::Away {
                state_hash: secret::hash(&state),
                luggage: luggage.clone(),
            },
        };
        self.all.insert(secret::hash(&browser), journey);
        Ok(Ticket {
            browser,
            state,
            luggage,
        })
    }

    /// Comes back: once, in the browser that set out. Whatever does not fit ends the journey of
    /// that browser, and no other's.
    pub fn arrive(&mut self, browser: &str, state: &str, now_ms: i64) -> Option<Luggage> {
        let journey = self.lasting(browser, now_ms)?;
        match std::mem::replace(&mut journey.stage, Stage::Over) {
            Stage::Away {
                state_hash,
                luggage,
            } if secret::equal(&state_hash, &secret::hash(state)) => Some(luggage),
            _ => None,
        }
    }

    /// Waits for the second factor of `person`.
    pub fn wait(&mut self, browser: &str, person: Uuid, now_ms: i64) {
        if let Some(journey) = self.lasting(browser, now_ms) {
            journey.stage = Stage::Back(person);
        }
    }

    /// Who came back in this browser and is asked for a second factor.
    pub fn waiting(&mut self, browser: &str, now_ms: i64) -> Option<Uuid> {
        match self.lasting(browser, now_ms)?.stage {
            Stage::Back(person) => Some(person),
            _ => None,
        }
    }

    /// Ends; false when another request ended it before.
    pub fn end(&mut self, browser: &str, now_ms: i64) -> bool {
        let journey = self.lasting(browser, now_ms);
        journey.is_some_and(|journey| {
            let stage = std::mem::replace(&mut journey.stage, Stage::Over);
            matches!(stage, Stage::Back(_))
        })
    }

    fn lasting(&mut self, browser: &str, now_ms: i64) -> Option<&mut Journey> {
        let journey = self.all.get_mut(&secret::hash(browser))?;
        (journey.until_ms > now_ms).then_some(journey)
    }

    fn push_out(&mut self) {
        let mut networks: HashMap<IpAddr, usize> = HashMap::new();
        for journey in self.all.values() {
            *networks.entry(journey.network).or_default() += 1;
        }
        let busiest = networks.into_iter().max_by_key(|(_, count)| *count);
        let own = self
            .all
            .iter()
            .filter(|(_, journey)| busiest.is_some_and(|(network, _)| journey.network == network));
        let oldest = own.min_by_key(|(_, journey)| journey.until_ms);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.all.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);

    fn from(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    /// X68: the state is good once, in the browser that set out, for ten minutes.
    #[test]
    fn a_journey_ends_where_it_began_and_once() {
        let mut journeys = Journeys::default();
        let own = journeys.depart(from(1), 0).unwrap();
        let other = journeys.depart(from(1), 0).unwrap();
        assert_ne!(*own.state, *other.state);
        assert_ne!(*own.luggage.nonce, *own.luggage.verifier);
        assert_eq!(own.luggage.verifier.len(), 43);
        assert!(journeys.arrive("stranger", &own.state, 1).is_none());
        let luggage = journeys.arrive(&own.browser, &own.state, 1).unwrap();
        assert_eq!(*luggage.nonce, *own.luggage.nonce);
        assert!(journeys.arrive(&own.browser, &own.state, 2).is_none());
        // The state of another browser ends this one's journey, and not the other's.
        let third = journeys.depart(from(1), 2).unwrap();
        assert!(journeys.arrive(&third.browser, &other.state, 3).is_none());
        assert!(journeys.arrive(&third.browser, &third.state, 3).is_none());
        assert!(
            journeys
                .arrive(&other.browser, &other.state, LASTS_MS)
                .is_none()
        );
        let last = journeys.depart(from(1), 0).unwrap();
        assert!(
            journeys
                .arrive(&last.browser, &last.state, LASTS_MS - 1)
                .is_some()
        );
    }

    #[test]
    fn only_who_came_back_is_asked_for_the_second_factor() {
        let mut journeys = Journeys::default();
        let own = journeys.depart(from(1), 0).unwrap();
        assert_eq!(journeys.waiting(&own.browser, 1), None);
        assert!(!journeys.end("stranger", 1));
        journeys.arrive(&own.browser, &own.state, 1).unwrap();
        assert_eq!(journeys.waiting(&own.browser, 2), None);
        journeys.wait(&own.browser, ONE, 2);
        assert_eq!(journeys.waiting(&own.browser, 3), Some(ONE));
        assert_eq!(journeys.waiting("stranger", 3), None);
        assert_eq!(journeys.waiting(&own.browser, LASTS_MS), None);
        assert!(journeys.end(&own.browser, 4));
        assert!(!journeys.end(&own.browser, 4));
        assert_eq!(journeys.waiting(&own.browser, 5), None);
    }

    /// X2: a network that only sets out has to wait, others do not.
    #[test]
    fn a_flood_waits_and_does_not_fill_the_memory() {
        let mut journeys = Journeys::default();
        for _ in 0..100 {
            assert!(journeys.depart(from(1), 0).is_ok());
        }
        assert_eq!(journeys.depart(from(1), 1000).err(), Some(599));
        let quiet = journeys.depart(from(2), 1000).unwrap();
        for n in 0..u32::try_from(JOURNEYS_MAX).unwrap() + 500 {
            let address = IpAddr::from((0x0b00_0000 + n / 90).to_be_bytes());
            assert!(journeys.depart(address, 2000).is_ok());
        }
        assert_eq!(journeys.all.len(), JOURNEYS_MAX);
        assert!(
            journeys
                .arrive(&quiet.browser, &quiet.state, 3000)
                .is_some()
        );
        assert!(journeys.depart(from(1), LASTS_MS).is_ok());
    }
}
