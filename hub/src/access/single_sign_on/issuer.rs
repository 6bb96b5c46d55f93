//! The issuer: what it says of itself, its keys, and what it gives for a code.
//!
//! HTTPS only, no redirects, no proxies; every answer has a size and a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::journeys::{Luggage, Ticket};
use super::token::{self, Claims, Expected};
use crate::authority::secret_file;
use crate::config::Config;
use crate::config::SingleSignOn as Rules;

const CONNECT_MAX: Duration = Duration::from_secs(3);
/// For one answer, from the first byte sent to the last one read.
const ANSWER_MAX: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 256 * 1024;
const KEYS_MAX: usize = 100;
/// What the issuer says of itself is asked again after this time.
const FRESH_MS: i64 = 60 * 60 * 1000;
/// Keys are fetched again for an unknown `kid` at most so often.
const KEYS_EVERY_MS: i64 = 60 * 1000;
/// After a failure the issuer is left alone for so long.
const REST_MS: i64 = 5 * 1000;
/// Where the page is that the issuer sends browsers back to.
const RETURN_PATH: &str = "/single-sign-on";

/// Why single sign-on cannot be set up; the text names key and file.
#[derive(Debug, thiserror::Error)]
pub enum SetUp {
    /// The secret is not there.
    #[error("single_sign_on.client_secret_file: there is no file {0}")]
    NoSecret(PathBuf),
    /// The secret is empty or no text.
    #[error("single_sign_on.client_secret_file: {0} must hold the secret and nothing else")]
    BadSecret(PathBuf),
    /// The secret cannot be read, or others could read it too.
    #[error("single_sign_on.client_secret_file: {0}")]
    SecretFile(#[source] secret_file::Error),
    /// The certificates of `ca_file` cannot be read.
    #[error("single_sign_on.ca_file: {0} must hold certificates in PEM")]
    Authorities(PathBuf),
    /// The library refuses.
    #[error("single_sign_on: an HTTPS client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// What went wrong with the issuer. No answer of it is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached or does not answer in time.
    #[error("the issuer does not answer: {0}")]
    Unreachable(String),
    /// It could not be reached just now, and is left alone for some seconds.
    #[error("the issuer did not answer a moment ago")]
    Resting,
    /// It answers something that makes no sense.
    #[error("the issuer's {0}")]
    Nonsense(&'static str),
    /// It does not take the code (or this client).
    #[error("the issuer refuses the code: {0}")]
    Refused(StatusCode),
    /// What it gave for the code is not believed.
    #[error(transparent)]
    Token(#[from] token::Error),
}

/// What the issuer says of itself.
#[derive(Debug, Clone, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Default)]
struct Known {
    description: Option<(Description, i64)>,
    failed_ms: Option<i64>,
}

/// Keys, and when they were fetched.
type Keys = Option<(Arc<Vec<Jwk>>, i64)>;

/// The school's issuer.
pub struct Issuer {
    rules: Rules,
    return_address: String,
    secret: Zeroizing<String>,
    client: Client,
    known: Mutex<Known>,
    keys: Mutex<Keys>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Issuer").field(&self.rules.issuer).finish()
    }
}

impl Issuer {
    /// Reads the secret and the authorities; asks nobody yet. `None` when there is no issuer.
    ///
    /// # Errors
    /// The key and the file at fault.
    pub fn open(config: &Config) -> Result<Option<Self>, SetUp> {
        let rules = config.single_sign_on.clone();
        if !rules.is_on() {
            return Ok(None);
        }
        Ok(Some(Self {
            return_address: format!("{}{RETURN_PATH}", config.origin()),
            secret: secret(&rules.client_secret_file)?,
            client: client(&rules.ca_file)?,
            known: Mutex::default(),
            keys: Mutex::default(),
            rules,
        }))
    }

    /// The school's rules about it.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Where the browser goes with its ticket.
    ///
    /// # Errors
    /// The issuer says nothing of use about itself.
    pub async fn address(&self, ticket: &Ticket, now_ms: i64) -> Result<Url, Error> {
        let address = self.description(now_ms).await?.authorization_endpoint;
        let mut address = https(&address)?;
        let challenge = Sha256::digest(ticket.luggage.verifier.as_bytes());
        let mut query = address.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.rules.client_id)
            .append_pair("redirect_uri", &self.return_address)
            .append_pair("scope", &self.rules.scopes.join(" "))
            .append_pair("state", &ticket.state)
            .append_pair("nonce", &ticket.luggage.nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256");
        if !self.rules.trusted_acr.is_empty() {
            query.append_pair("acr_values", &self.rules.trusted_acr.join(" "));
        }
        drop(query);
        Ok(address)
    }

    /// What the issuer vouches for in exchange for a code.
    ///
    /// # Errors
    /// It refuses, fails, or gives what is not believed.
    pub async fn redeem(
        &self,
        code: &str,
        luggage: &Luggage,
        now_ms: i64,
    ) -> Result<Claims, Error> {
        let description = self.description(now_ms).await?;
        let token = self.token(&description, code, luggage).await?;
        let expected = Expected {
            issuer: &self.rules.issuer,
            client_id: &self.rules.client_id,
            nonce: &luggage.nonce,
            staff_number_claim: &self.rules.staff_number_claim,
        };
        let keys = self.keys(&description, FRESH_MS, now_ms).await?;
        match token::verify(&token, &keys, expected, now_ms) {
            Err(token::Error::UnknownKey) => {
                let newer = self.keys(&description, KEYS_EVERY_MS, now_ms).await?;
                Ok(token::verify(&token, &newer, expected, now_ms)?)
            }
            answer => Ok(answer?),
        }
    }

    /// Asked once an hour; everybody else waits for that answer.
    async fn description(&self, now_ms: i64) -> Result<Description, Error> {
        let mut known = self.known.lock().await;
        if let Some((description, at_ms)) = &known.description
            && now_ms - at_ms < FRESH_MS
        {
            return Ok(description.clone());
        }
        if known
            .failed_ms
            .is_some_and(|at_ms| now_ms - at_ms < REST_MS)
        {
            return Err(Error::Resting);
        }
        let asked = self.ask_description().await;
        known.failed_ms = asked.is_err().then_some(now_ms);
        let description = asked?;
        known.description = Some((description.clone(), now_ms));
        Ok(description)
    }

    async fn ask_description(&self) -> Result<Description, Error> {
        let issuer = self.rules.issuer.trim_end_matches('/');
        let address = format!("{issuer}/.well-known/openid-configuration");
        let description: Description = answer(
            self.client.get(address),
            "description of itself cannot be read",
        )
        .await?;
        if description.issuer != self.rules.issuer {
            return Err(Error::Nonsense(
                "description of itself has another name than single_sign_on.issuer",
            ));
        }
        let addresses = [
            &description.authorization_endpoint,
            &description.token_endpoint,
            &description.jwks_uri,
        ];
        for address in addresses {
            https(address)?;
        }
        Ok(description)
    }

    /// Its keys, no older than `age_ms`.
    async fn keys(
        &self,
        description: &Description,
        age_ms: i64,
        now_ms: i64,
    ) -> Result<Arc<Vec<Jwk>>, Error> {
        let mut known = self.keys.lock().await;
        if let Some((keys, at_ms)) = known.as_ref()
            && now_ms - at_ms < age_ms
        {
            return Ok(keys.clone());
        }
        let set: KeySet = answer(
            self.client.get(&description.jwks_uri),
            "keys cannot be read",
        )
        .await?;
        // A kind of key that is unknown here is not ours to judge: the others count.
        let keys = set.keys.into_iter().take(KEYS_MAX);
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok());
        let keys = Arc::new(keys.collect::<Vec<Jwk>>());
        *known = Some((keys.clone(), now_ms));
        Ok(keys)
    }

    async fn token(
        &self,
        description: &Description,
        code: &str,
        luggage: &Luggage,
    ) -> Result<Zeroizing<String>, Error> {
        let methods = &description.token_endpoint_auth_methods_supported;
        let takes = |method: &str| methods.iter().any(|one| one == method);
        // RFC 8414: an issuer that names no way takes `client_secret_basic`.
        let posts = takes("client_secret_post") && !takes("client_secret_basic");
        let request = self.client.post(&description.token_endpoint);
        let request = if posts {
            request
        } else {
            request.header(AUTHORIZATION, self.basic())
        };
        let request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form(code, luggage, posts));
        let tokens: Tokens = answer(request, "answer to the code cannot be read").await?;
        Ok(Zeroizing::new(tokens.id_token))
    }

    fn form(&self, code: &str, luggage: &Luggage, with_secret: bool) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.return_address)
            .append_pair("code_verifier", &luggage.verifier);
        if with_secret {
            form.append_pair("client_id", &self.rules.client_id)
                .append_pair("client_secret", &self.secret);
        }
        form.finish()
    }

    /// RFC 6749 section 2.3.1: both halves are encoded as in a form before they are joined.
    fn basic(&self) -> HeaderValue {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let (id, secret) = (encoded(&self.rules.client_id), encoded(&self.secret));
        let text = Zeroizing::new(format!("{id}:{secret}"));
        let text = format!("Basic {}", STANDARD.encode(text.as_bytes()));
        let mut value = HeaderValue::try_from(text).expect("invariant: base64 is a header");
        value.set_sensitive(true);
        value
    }
}

fn https(address: &str) -> Result<Url, Error> {
    let address = Url::parse(address).ok();
    let address = address.filter(|address| address.scheme() == "https");
    address.ok_or(Error::Nonsense("addresses are not all https"))
}

/// The answer to a request, as JSON.
async fn answer<T: DeserializeOwned>(
    request: RequestBuilder,
    nonsense: &'static str,
) -> Result<T, Error> {
    let failed = |error: reqwest::Error| Error::Unreachable(innermost(&error.without_url()));
    let request = request.header(ACCEPT, "application/json");
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    if status.is_client_error() {
        return Err(Error::Refused(status));
    }
    if status != StatusCode::OK {
        return Err(Error::Unreachable(status.to_string()));
    }
    let mut body = Zeroizing::new(Vec::new());
    while let Some(more) = response.chunk().await.map_err(failed)? {
        if body.len() + more.len() > ANSWER_BYTES_MAX {
            return Err(Error::Nonsense("answer is too long"));
        }
        body.extend_from_slice(&more);
    }
    serde_json::from_slice(&body).map_err(|_| Error::Nonsense(nonsense))
}

/// The innermost cause: the one that names the trouble.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn secret(path: &Path) -> Result<Zeroizing<String>, SetUp> {
    let bytes = secret_file::read(path).map_err(SetUp::SecretFile)?;
    let bytes = bytes.ok_or_else(|| SetUp::NoSecret(path.into()))?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err(SetUp::BadSecret(path.into()));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// TLS 1.2 and 1.3: the issuer is the school's, and may be older than we are.
fn client(ca_file: &Path) -> Result<Client, SetUp> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    // The system's own authorities are looked up by the library, with the provider of the process.
    drop(provider.clone().install_default());
    let mut builder = Client::builder()
        .https_only(true)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_MAX)
        .timeout(ANSWER_MAX);
    if !ca_file.as_os_str().is_empty() {
        let tls = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("invariant: the provider speaks TLS 1.2 and 1.3")
            .with_root_certificates(authorities(ca_file)?)
            .with_no_client_auth();
        builder = builder.tls_backend_preconfigured(tls);
    }
    builder.build().map_err(SetUp::Client)
}

fn authorities(ca_file: &Path) -> Result<RootCertStore, SetUp> {
    let unreadable = || SetUp::Authorities(ca_file.into());
    let pem = std::fs::read(ca_file).map_err(|_| unreadable())?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
    }
    if roots.is_empty() {
        return Err(unreadable());
    }
    Ok(roots)
}
