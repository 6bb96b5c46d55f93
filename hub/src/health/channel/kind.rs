//! The kinds of channels: what each is set up with, and how a letter goes out by it.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use xunke_policy::fault::Severity;
use xunke_policy::patrol::FieldError;

use super::address::{self, Allowed};
use super::letter::{Answer, Letter, Request, Secrets, Verdict};
use super::pace::Pace;
use super::post::Post;
use super::{dingtalk, feishu, sms, smtp, webhook, wecom};
use crate::config::Config;

/// Bytes of a secret.
const SECRET_BYTES_MAX: usize = 500;
/// A secret with fewer letters shows none of them.
const HINTED_CHARACTERS_MIN: usize = 12;

/// What a channel is set up with, beside its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Settings {
    /// Mail.
    Smtp(smtp::Settings),
    /// Any receiver that understands Alertmanager.
    Webhook,
    /// WeCom.
    Wecom,
    /// DingTalk.
    Dingtalk,
    /// Feishu.
    Feishu,
    /// Short messages.
    Sms(sms::Settings),
}

impl Settings {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Smtp(_) => "smtp",
            Self::Webhook => "webhook",
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Sms(_) => "sms",
        }
    }

    /// As fast as it may be used.
    #[must_use]
    pub fn pace(&self) -> Pace {
        match self {
            Self::Smtp(_) => smtp::PACE,
            Self::Webhook => webhook::PACE,
            Self::Wecom => wecom::PACE,
            Self::Dingtalk => dingtalk::PACE,
            Self::Feishu => feishu::PACE,
            Self::Sms(settings) => settings.pace(),
        }
    }

    /// Whether the address is a secret of itself.
    fn posts(&self) -> bool {
        !matches!(self, Self::Smtp(_) | Self::Sms(_))
    }

    /// What does not fit.
    ///
    /// # Errors
    /// The field.
    pub fn check(&self, secrets: &Secrets, allowed: Allowed) -> Result<(), FieldError> {
        let secret = &secrets.secret;
        if secret.len() > SECRET_BYTES_MAX || secret.contains(char::is_control) {
            return Err(SECRET);
        }
        if self.posts() {
            address::https(&secrets.address, allowed).map_err(|_| ADDRESS)?;
        }
        match self {
            Self::Smtp(settings) => settings.check(secrets, allowed),
            Self::Sms(settings) => settings.check(allowed),
            Self::Webhook if secret.chars().count() < HINTED_CHARACTERS_MIN => Err(SHORT_SECRET),
            _ => Ok(()),
        }
    }

    /// Whether a secret that is kept would go to the same receiver as before. Where not, it has to
    /// be typed anew: nobody reads a secret by sending it to themselves.
    #[must_use]
    pub fn keeps_receiver(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Smtp(now), Self::Smtp(then)) => {
                let line = |one: &smtp::Settings| (one.host.clone(), one.port, one.security);
                line(now) == line(then)
            }
            (Self::Sms(now), Self::Sms(then)) => now.address == then.address,
            _ => self.kind() == before.kind(),
        }
    }
}

/// What may be shown of a secret address: the host, and the last four characters.
#[must_use]
pub fn address_hint(address: &str) -> String {
    let url = url::Url::parse(address).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    host.map_or_else(String::new, |host| {
        format!("{host} {}", secret_hint(address))
    })
}

/// What may be shown of a secret: the last four characters.
#[must_use]
pub fn secret_hint(secret: &str) -> String {
    let count = secret.chars().count();
    match count {
        0 => String::new(),
        _ if count < HINTED_CHARACTERS_MIN => "…".into(),
        _ => format!("…{}", secret.chars().skip(count - 4).collect::<String>()),
    }
}

/// From which severity on a new channel of a kind takes messages: a short message costs money and
/// wakes people.
#[must_use]
pub fn severity_min(kind: &str) -> Severity {
    match kind {
        "sms" => Severity::Critical,
        _ => Severity::Major,
    }
}

/// Why the way out cannot be set up; the text names key and file.
#[derive(Debug, thiserror::Error)]
pub enum SetUp {
    /// The certificates of `ca_file` cannot be read.
    #[error("channels.ca_file: {0} must hold certificates in PEM")]
    Authorities(PathBuf),
}

/// Carries letters out.
#[derive(Debug, Clone)]
pub struct Carrier {
    post: Post,
    authorities: Vec<Vec<u8>>,
    allowed: Allowed,
    origin: String,
}

impl Carrier {
    /// The way out as the configuration has it.
    ///
    /// # Errors
    /// The key and the file at fault.
    pub fn open(config: &Config) -> Result<Self, SetUp> {
        let rules = &config.channels;
        let authorities = authorities(&rules.ca_file)?;
        let loopback = rules.loopback;
        let allowed = Allowed { loopback };
        Ok(Self {
            post: Post::new(&rules.proxy, &authorities, allowed),
            authorities,
            allowed,
            // Nobody else's browser finds the hub as `localhost`.
            origin: match config.people.origin.is_empty() && config.people.names.is_empty() {
                true => String::new(),
                false => config.origin(),
            },
        })
    }

    /// What the configuration allows.
    #[must_use]
    pub fn allowed(&self) -> Allowed {
        self.allowed
    }

    /// What people type to come to the hub.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Carries a letter out; comes to an end within a minute or so, whatever the receiver does.
    pub async fn carry(
        &self,
        settings: &Settings,
        secrets: &Secrets,
        letter: &Letter<'_>,
    ) -> Verdict {
        let verdict = match self.try_to_carry(settings, secrets, letter).await {
            Ok(verdict) | Err(verdict) => verdict,
        };
        verdict.without(secrets)
    }

    async fn try_to_carry(
        &self,
        settings: &Settings,
        secrets: &Secrets,
        letter: &Letter<'_>,
    ) -> Result<Verdict, Verdict> {
        type Robot = (
            fn(&Secrets, Allowed, &Letter<'_>) -> Result<Request, Verdict>,
            fn(&Answer) -> Verdict,
        );
        let allowed = self.allowed;
        let (request, verdict): Robot = match settings {
            Settings::Smtp(settings) => {
                let trusted = (allowed, self.authorities.as_slice());
                return Ok(smtp::send(settings, secrets, trusted, letter).await);
            }
            Settings::Sms(settings) => {
                let request = sms::request(settings, secrets, allowed, letter)?;
                return Ok(sms::verdict(settings, &self.post.send(request).await?));
            }
            Settings::Webhook => (webhook::request, webhook::verdict),
            Settings::Wecom => (wecom::request, wecom::verdict),
            Settings::Dingtalk => (dingtalk::request, dingtalk::verdict),
            Settings::Feishu => (feishu::request, feishu::verdict),
        };
        let request = request(secrets, allowed, letter)?;
        Ok(verdict(&self.post.send(request).await?))
    }
}

fn authorities(ca_file: &Path) -> Result<Vec<Vec<u8>>, SetUp> {
    if ca_file.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let unreadable = || SetUp::Authorities(ca_file.into());
    let pem = std::fs::read(ca_file).map_err(|_| unreadable())?;
    let all = CertificateDer::pem_slice_iter(&pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|_| unreadable())?;
    match all.is_empty() {
        true => Err(unreadable()),
        false => Ok(all),
    }
}

const ADDRESS: FieldError = FieldError {
    field: "address",
    zh: "地址须以 https:// 开头，不含账号密码，不得指向本机、链路本地或云元数据地址（本机须先在 hub.toml 中允许）。",
    en: "An https:// address without user name and password, not of this machine (unless hub.toml \
         allows it), the link or a cloud's metadata.",
};
const SECRET: FieldError = FieldError {
    field: "secret",
    zh: "密钥最多 500 字节，不含控制字符。",
    en: "A secret has 500 bytes at most and no control characters.",
};
const SHORT_SECRET: FieldError = FieldError {
    field: "secret",
    zh: "签名密钥至少 12 个字符，双方各存一份。",
    en: "The key of the signature has 12 characters at least.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_secret_is_shown() {
        let address = "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef";
        assert_eq!(address_hint(address), "oapi.dingtalk.com …cdef");
        assert_eq!(secret_hint("SEC0123456789"), "…6789");
        assert_eq!(secret_hint("short"), "…");
        assert_eq!(
            (secret_hint(""), address_hint("")),
            (String::new(), String::new())
        );
    }

    #[test]
    fn settings_read_as_they_were_stored() {
        let settings = Settings::Wecom;
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(text, r#"{"kind":"wecom"}"#);
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn robots_need_an_address_and_webhooks_a_key() {
        let check = |settings: Settings, address: &str, secret: &str| {
            let secrets = Secrets {
                address: address.into(),
                secret: secret.into(),
            };
            let said = settings.check(&secrets, Allowed::default());
            said.map_err(|error| error.field)
        };
        let good = "https://robot.example/hook";
        assert_eq!(check(Settings::Feishu, good, ""), Ok(()));
        assert_eq!(check(Settings::Feishu, "", ""), Err("address"));
        assert_eq!(
            check(Settings::Wecom, "http://robot.example/", ""),
            Err("address")
        );
        assert_eq!(check(Settings::Wecom, good, "a\nb"), Err("secret"));
        assert_eq!(check(Settings::Webhook, good, "short"), Err("secret"));
        assert_eq!(check(Settings::Webhook, good, "long enough key"), Ok(()));
    }
}
