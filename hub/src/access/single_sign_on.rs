//! Single sign-on: the school's issuer says who somebody is; everything else stays the hub's.
//!
//! journeys → token → issuer
//!
//! 第十一条第2项 “账号密码须专人专用”; X1, X2, X68; docs/decisions/0012. No account is ever made here.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;
use xunke_policy::sanction::Standing;
use zeroize::Zeroizing;

use super::audit::{Entry, Outcome, Trail, Unavailable, Who};
use super::sign_in::{self, Desk, Second};

mod journeys;
mod token;
pub mod issuer;

use issuer::Issuer;
use journeys::Journeys;
pub use journeys::LASTS_MS;
use token::Claims;

/// Why nobody is signed in this way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no issuer.
    #[error("there is no single sign-on")]
    Off,
    /// Too many set out from this network.
    #[error("too many tries; wait {0} seconds")]
    Wait(i64),
    /// Nobody set out in this browser, or too long ago, or it is over.
    #[error("nobody set out for the issuer in this browser, or it is over")]
    Lost,
    /// The issuer sent the browser back without a code.
    #[error("the issuer let nobody in")]
    Declined,
    /// The issuer failed, or is not believed.
    #[error(transparent)]
    Issuer(#[from] issuer::Error),
    /// Nobody here has that staff number and a local account.
    #[error("nobody has that staff number and an account")]
    Nobody,
    /// The trail cannot be written.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The hub's own part of signing in.
    #[error(transparent)]
    SignIn(#[from] sign_in::Error),
}

/// What a browser needs to set out.
pub struct Departure {
    /// For the cookie.
    pub browser: Zeroizing<String>,
    /// Where to go.
    pub address: Url,
}

/// What a browser brings back.
pub struct Arrival {
    /// As the issuer gave it back.
    pub state: String,
    /// What is exchanged for a token; missing when the issuer let nobody in.
    pub code: Option<Zeroizing<String>>,
    /// Who the issuer says it is (RFC 9207), if it does.
    pub issuer: Option<String>,
}

/// How far somebody came.
pub enum Arrived {
    /// The issuer has asked for two factors; the token of the session.
    SignedIn(Zeroizing<String>),
    /// The hub's own second factor is asked for.
    SecondFactor,
}

/// Where people come in whom the school's issuer vouches for.
#[derive(Clone)]
pub struct SingleSignOn {
    issuer: Option<Arc<Issuer>>,
    desk: Desk,
    trail: Arc<Trail>,
    journeys: Arc<Mutex<Journeys>>,
}

impl std::fmt::Debug for SingleSignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SingleSignOn").field(&self.issuer).finish()
    }
}

impl SingleSignOn {
    /// With an issuer, or without.
    #[must_use]
    pub fn new(issuer: Option<Issuer>, desk: Desk, trail: Arc<Trail>) -> Self {
        Self {
            issuer: issuer.map(Arc::new),
            desk,
            trail,
            journeys: Arc::default(),
        }
    }

    /// The words on the button, Chinese and English, if there is one.
    #[must_use]
    pub fn label(&self) -> Option<(&str, &str)> {
        let rules = self.issuer.as_ref()?.rules();
        Some((&rules.label_zh, &rules.label_en))
    }

    /// Sends a browser to the issuer.
    ///
    /// # Errors
    /// Why not; local sign-in goes on.
    pub async fn depart(&self, address: IpAddr, now_ms: i64) -> Result<Departure, Error> {
        let issuer = self.issuer()?;
        let ticket = self
            .journeys()
            .depart(address, now_ms)
            .map_err(Error::Wait)?;
        let to = issuer.address(&ticket, now_ms).await;
        Ok(Departure {
            address: to.inspect_err(log)?,
            browser: ticket.browser,
        })
    }

    /// Takes a browser back from the issuer. A failure is a line in the trail.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn arrive(
        &self,
        browser: &str,
        arrival: Arrival,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Arrived, Error> {
        let (claims, trusted) = match self.vouched(browser, arrival, now_ms).await {
            Ok(vouched) => vouched,
            Err(error) => return Err(self.failed(error, String::new(), address, now_ms).await),
        };
        let account = self.desk.account(&claims.staff_number, now_ms).await?;
        let Some(person) = account else {
            let number = claims.staff_number;
            return Err(self.failed(Error::Nobody, number, address, now_ms).await);
        };
        // Whoever has left is refused at once, and not asked for a code first.
        let gone = matches!(person.standing, Standing::Left | Standing::Cancelled);
        if trusted || gone {
            let token = self.desk.begin(&person, BY_ISSUER, address, now_ms).await?;
            return Ok(Arrived::SignedIn(token));
        }
        self.journeys().wait(browser, person.id, now_ms);
        Ok(Arrived::SecondFactor)
    }

    /// Takes the hub's own second factor, and begins the session.
    ///
    /// # Errors
    /// Why nobody is signed in; after a wrong code there may be another try.
    pub async fn second_factor(
        &self,
        browser: &str,
        code: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        self.issuer()?;
        let waiting = self.journeys().waiting(browser, now_ms);
        let person = waiting.ok_or(Error::Lost)?;
        let step = self.desk.second_step(person, code, address, now_ms);
        let (person, second) = step.await?;
        // Of two requests with a good code each, the first has the session.
        if !self.journeys().end(browser, now_ms) {
            return Err(Error::Lost);
        }
        let how = match second {
            Second::Code => BY_ISSUER,
            Second::RecoveryCode => "single_sign_on_recovery_code",
        };
        Ok(self.desk.begin(&person, how, address, now_ms).await?)
    }

    /// What the issuer says of whoever came back, and whether it asked for two factors.
    async fn vouched(
        &self,
        browser: &str,
        arrival: Arrival,
        now_ms: i64,
    ) -> Result<(Claims, bool), Error> {
        let issuer = self.issuer()?;
        let luggage = self.journeys().arrive(browser, &arrival.state, now_ms);
        let luggage = luggage.ok_or(Error::Lost)?;
        let rules = issuer.rules();
        let named = arrival.issuer.is_none_or(|name| name == rules.issuer);
        let code = arrival.code.filter(|_| named).ok_or(Error::Declined)?;
        let redeemed = issuer.redeem(&code, &luggage, now_ms).await;
        let claims = redeemed.inspect_err(log)?;
        let trusted = claims.stands_for_two_factors(&rules.trusted_acr, &rules.trusted_amr);
        Ok((claims, trusted))
    }

    /// The line of a failure. Strangers who never set out are counted like those who do, so that
    /// nobody fills the trail.
    async fn failed(
        &self,
        error: Error,
        staff_number: String,
        address: IpAddr,
        now_ms: i64,
    ) -> Error {
        let lost = matches!(error, Error::Lost);
        if lost && self.journeys().depart(address, now_ms).is_err() {
            return error;
        }
        let entry = Entry {
            who: Who {
                staff_number,
                address: address.to_string(),
                ..Who::default()
            },
            action: "sign_in",
            object: String::new(),
            purpose: String::new(),
            outcome: Outcome::Failed,
            article: "",
            detail: reason(&error).into(),
        };
        match self.trail.append(entry, now_ms).await {
            Ok(_) => error,
            Err(unavailable) => unavailable.into(),
        }
    }

    fn issuer(&self) -> Result<&Issuer, Error> {
        self.issuer.as_deref().ok_or(Error::Off)
    }

    fn journeys(&self) -> MutexGuard<'_, Journeys> {
        self.journeys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the trail names this way of signing in.
const BY_ISSUER: &str = "single_sign_on";

/// For the trail: a word, and nothing of what the issuer or a browser sent.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::Lost => "single_sign_on_state",
        Error::Declined => "single_sign_on_declined",
        Error::Nobody => "single_sign_on_unknown_person",
        Error::Issuer(issuer::Error::Token(_) | issuer::Error::Refused(_)) => {
            "single_sign_on_token"
        }
        Error::Issuer(_) => "single_sign_on_issuer",
        _ => BY_ISSUER,
    }
}

/// For the IT centre, which has to talk to whoever runs the issuer.
fn log(error: &issuer::Error) {
    tracing::warn!(%error, "single sign-on failed");
}
