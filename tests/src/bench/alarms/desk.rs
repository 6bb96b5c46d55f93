//! The technician who looks at faults, and where messages about them arrive.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::Value;

use crate::asking::{get, list, until};
use crate::campus::{Hub, Person};
use crate::receiver::{Heard, Receiver};

/// Who is told.
pub struct Desk {
    technician: Person,
    receiver: Receiver,
}

impl Desk {
    /// Lets the hub speak to its own machine, and sets up a channel to the receiver.
    ///
    /// # Errors
    /// The hub does not start again, or refuses the channel.
    pub async fn open(hub: &mut Hub) -> Result<Self> {
        let receiver = Receiver::start().await?;
        hub.end()?;
        hub.configure(|text| text + "[channels]\nloopback = true\n")?;
        hub.run()?;
        let account = hub.accounts.iter().find(|one| one.role == "technician");
        let base = format!("https://localhost:{}", hub.ports.people);
        let nobody = Person::nobody(&base, &hub.ca_pem()?)?;
        let technician = nobody.sign_in(account.context("no technician")?).await?;
        let channel = receiver.channel();
        let (status, said) = technician.post("/api/channels", &channel).await?;
        ensure!(status == StatusCode::CREATED, "{status} {said}");
        Ok(Self {
            technician,
            receiver,
        })
    }

    /// Waits until the only box is as it should be.
    ///
    /// # Errors
    /// It is not in time.
    pub async fn until_device(
        &self,
        what: &str,
        is: impl Fn(&Value) -> bool,
        longest: Duration,
    ) -> Result<()> {
        until(what, longest, async || {
            let body = get(&self.technician, "/api/devices").await?;
            let found = list(&body, "devices")?.first().is_some_and(&is);
            Ok(found.then_some(()).ok_or(body))
        })
        .await
    }

    /// Waits until a fault with this code is open.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn until_fault(&self, code: &str, longest: Duration) -> Result<()> {
        until(code, longest, async || {
            let body = get(&self.technician, "/api/faults?open=true").await?;
            let mut faults = list(&body, "faults")?.iter();
            let found = faults.any(|fault| fault["code"] == code);
            Ok(found.then_some(()).ok_or(body))
        })
        .await
    }

    /// Waits for the first message, and says when it came.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn until_told(&self, longest: Duration) -> Result<Instant> {
        self.hears(1, longest).await?;
        let heard = self.receiver.heard();
        Ok(heard.first().context("nothing was heard")?.at)
    }

    /// Waits until so many messages have come.
    ///
    /// # Errors
    /// They have not in time.
    pub async fn hears(&self, count: usize, longest: Duration) -> Result<()> {
        self.receiver.hears(count, longest).await
    }

    /// All messages.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.receiver.heard()
    }
}
