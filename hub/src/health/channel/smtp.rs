//! Mail (邮件) through the school's relay: STARTTLS or TLS from the first byte, plain only where it
//! is asked for and without a password. The only room that knows lettre.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{Address, AsyncTransport, Message as Mail, Tokio1Executor};
use serde::{Deserialize, Serialize};
use xunke_policy::patrol::FieldError;

use super::address::{self, Allowed};
use super::letter::{Letter, Secrets, Verdict, said};
use super::pace::Pace;
use super::text::{lines, subject};

const TEXT_BYTES_MAX: usize = 16 * 1024;
/// For one answer of the relay.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// For the whole conversation.
const CONVERSATION_MAX: Duration = Duration::from_secs(60);
/// Receivers of one channel.
pub const RECEIVERS_MAX: usize = 20;

/// As fast as a relay should have to bear.
pub const PACE: Pace = Pace {
    minute: 20,
    second: 2,
    day: usize::MAX,
    avoids_strikes: false,
};

/// Where mail is handed over, and to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Name or address of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the line is kept secret.
    pub security: Security,
    /// The account; empty: none.
    pub user: String,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
}

/// How the line to a relay is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS after a word in the clear; without it nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None; without a password.
    None,
}

impl Security {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// The security of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::StartTls, Self::Tls, Self::None]
            .into_iter()
            .find(|security| security.word() == word)
    }
}

impl Settings {
    /// What does not fit.
    ///
    /// # Errors
    /// The field.
    pub fn check(&self, secrets: &Secrets, allowed: Allowed) -> Result<(), FieldError> {
        if address::relay(&self.host, allowed).is_err() {
            return Err(HOST);
        }
        if self.port == 0 {
            return Err(PORT);
        }
        let account = !self.user.is_empty();
        let plain = |text: &str| text.len() <= 200 && !text.contains(char::is_control);
        if !plain(&self.user) || (account && self.security == Security::None) {
            return Err(USER);
        }
        if account == secrets.secret.is_empty() {
            return Err(PASSWORD);
        }
        if self.from.parse::<Address>().is_err() {
            return Err(FROM);
        }
        let good = |to: &String| to.parse::<Address>().is_ok();
        match (1..=RECEIVERS_MAX).contains(&self.to.len()) && self.to.iter().all(good) {
            true => Ok(()),
            false => Err(TO),
        }
    }
}

/// The letter as a mail; the same message id for every try.
fn mail(settings: &Settings, letter: &Letter<'_>) -> Option<Mail> {
    let from: Address = settings.from.parse().ok()?;
    let id = format!("<{}@{}>", letter.id, from.domain());
    let written_ms = u64::try_from(letter.queued_ms).ok()?;
    let mut mail = Mail::builder()
        .from(Mailbox::new(Some("巡课".into()), from))
        .message_id(Some(id))
        .date(UNIX_EPOCH + Duration::from_millis(written_ms))
        .subject(subject(letter.message, letter.language))
        .header(ContentType::TEXT_PLAIN);
    for to in &settings.to {
        mail = mail.to(Mailbox::new(None, to.parse().ok()?));
    }
    let text = lines(
        letter.message,
        letter.language,
        letter.origin,
        TEXT_BYTES_MAX,
    );
    mail.body(text).ok()
}

/// Hands a letter over to the relay. `authorities` are trusted beside those of the system, PEM.
pub async fn send(
    settings: &Settings,
    secrets: &Secrets,
    (allowed, authorities): (Allowed, &[Vec<u8>]),
    letter: &Letter<'_>,
) -> Verdict {
    let sending = try_to_send(settings, secrets, (allowed, authorities), letter);
    match tokio::time::timeout(CONVERSATION_MAX, sending).await {
        Ok(Ok(())) => Verdict::Delivered,
        Ok(Err(verdict)) => verdict,
        Err(_) => Verdict::later("the relay does not come to an end"),
    }
}

async fn try_to_send(
    settings: &Settings,
    secrets: &Secrets,
    (allowed, authorities): (Allowed, &[Vec<u8>]),
    letter: &Letter<'_>,
) -> Result<(), Verdict> {
    let host = address::relay(&settings.host, allowed)
        .map_err(|why| Verdict::broken(format!("the relay may not be used: {}", said(why))))?;
    let at = found(&host, settings.port, allowed).await?;
    let mail = mail(settings, letter);
    let mail = mail.ok_or_else(|| Verdict::broken("sender or receiver is no mail address"))?;
    // Connected to the address that was judged, under the name that is on its certificate.
    let mut relay = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(at.to_string())
        .port(settings.port)
        .tls(tls(settings.security, &host, authorities)?)
        .timeout(Some(ANSWER_MAX));
    if !settings.user.is_empty() {
        let password = secrets.secret.clone();
        relay = relay.credentials(Credentials::new(settings.user.clone(), password));
    }
    relay.build().send(mail).await.map(drop).map_err(verdict)
}

/// What the name stands for, as far as it may be connected to.
async fn found(host: &str, port: u16, allowed: Allowed) -> Result<IpAddr, Verdict> {
    let literal = host.trim_matches(['[', ']']);
    let found = tokio::net::lookup_host((literal, port)).await;
    let mut found = found.map_err(|error| Verdict::later(format!("{host}: {error}")))?;
    let may = found.find(|at| address::may_connect(at.ip(), allowed));
    let at = may.ok_or_else(|| Verdict::broken("the relay's name stands for a forbidden address"));
    Ok(at?.ip())
}

fn tls(security: Security, host: &str, authorities: &[Vec<u8>]) -> Result<Tls, Verdict> {
    if security == Security::None {
        return Ok(Tls::None);
    }
    let wrong = |error: Error| Verdict::broken(format!("TLS cannot be set up: {error}"));
    let name = host.trim_matches(['[', ']']).to_owned();
    let mut parameters = TlsParameters::builder(name);
    for authority in authorities {
        let authority = Certificate::from_der(authority.clone()).map_err(wrong)?;
        parameters = parameters.add_root_certificate(authority);
    }
    let parameters = parameters.build().map_err(wrong)?;
    Ok(match security {
        Security::Tls => Tls::Wrapper(parameters),
        _ => Tls::Required(parameters),
    })
}

/// What the relay's refusal means: 4xx and a broken line are for later, 530 to 538 are about the
/// account, other 5xx about this mail.
fn verdict(error: Error) -> Verdict {
    let why = chain(&error);
    let code = error.status().map(u16::from);
    match code {
        Some(530..=538) => Verdict::broken(why),
        Some(500..=599) => Verdict::Refused { why },
        _ if error.is_tls() => Verdict::broken(why),
        _ => Verdict::later(why),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

const HOST: FieldError = FieldError {
    field: "host",
    zh: "请填写邮件服务器的名称或地址；本机须先在 hub.toml 中允许（channels.loopback）。",
    en: "Name or address of the relay; this machine needs channels.loopback in hub.toml.",
};
const PORT: FieldError = FieldError {
    field: "port",
    zh: "端口须为 1 至 65535。",
    en: "The port is 1 to 65535.",
};
const USER: FieldError = FieldError {
    field: "user",
    zh: "账号最多 200 个字符；不加密的连接不得使用账号和密码。",
    en: "200 characters at most; no account over a line that is not encrypted.",
};
const PASSWORD: FieldError = FieldError {
    field: "secret",
    zh: "填了账号就要填密码，没有账号就不要填密码。",
    en: "An account needs its password; without one there is none.",
};
const FROM: FieldError = FieldError {
    field: "from",
    zh: "发件人须是一个邮箱地址。",
    en: "The sender is one mail address.",
};
const TO: FieldError = FieldError {
    field: "to",
    zh: "请填写 1 至 20 个收件邮箱。",
    en: "1 to 20 mail addresses.",
};

#[cfg(test)]
mod tests;
