//! A person at a browser, without the browser: cookie, CSRF token, requests, live socket.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::{COOKIE, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};
use reqwest::{Body, Client, Method, Response, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};
use totp_rs::{Builder, Secret};

use super::hub::Account;
use crate::clock::now_ms;

/// The hub answers a request, and goes on answering, within this time.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// A live socket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Somebody's browser. Without [`Person::sign_in`] it is nobody's.
#[derive(Clone)]
pub struct Person {
    base: String,
    tls: Arc<ClientConfig>,
    client: Client,
    headers: HeaderMap,
    /// Who the hub says this is; `null` for nobody.
    pub me: Value,
}

impl Person {
    /// Nobody yet: a browser that trusts the hub's authority.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn nobody(base: &str, ca_pem: &str) -> Result<Self> {
        Self::nobody_at(base, ca_pem, None)
    }

    /// The same at an address of this machine, from which requests come, but not sockets.
    ///
    /// # Errors
    /// The same.
    pub fn nobody_at(base: &str, ca_pem: &str, address: Option<IpAddr>) -> Result<Self> {
        let tls = Arc::new(tls(ca_pem)?);
        let client = Client::builder()
            .local_address(address)
            .tls_backend_preconfigured((*tls).clone())
            .connect_timeout(ANSWER_MAX)
            .read_timeout(ANSWER_MAX)
            .build()?;
        let origin = HeaderValue::from_str(base)?;
        let headers = HeaderMap::from_iter([(ORIGIN, origin)]);
        Ok(Self {
            base: base.to_owned(),
            tls,
            client,
            headers,
            me: Value::Null,
        })
    }

    /// Signs in with password and one-time code. The code before the current one is tried first, so
    /// that the one on the person's own device stays unused.
    ///
    /// # Errors
    /// The hub refuses; the error carries its answer.
    pub async fn sign_in(mut self, account: &Account) -> Result<Self> {
        let mut refused = String::new();
        for at_ms in [-30_000, 0, 30_000].map(|ms| now_ms() + ms) {
            let body = json!({
                "login": account.login,
                "password": account.password,
                "totp": one_time_code(&account.totp_secret, at_ms)?,
            });
            let answer = self
                .request(Method::POST, "/api/session", Some(&body))
                .await?;
            if answer.status().is_success() {
                self.welcome(answer).await?;
                return Ok(self);
            }
            refused = format!("{} {}", answer.status(), answer.text().await?);
        }
        bail!("{} cannot sign in: {refused}", account.login)
    }

    /// Signs in with these very words, such as a recovery code in place of the one-time code.
    ///
    /// # Errors
    /// The hub refuses; the error carries its answer.
    pub async fn sign_in_with(mut self, words: &Value) -> Result<Self> {
        let answer = self
            .request(Method::POST, "/api/session", Some(words))
            .await?;
        let status = answer.status();
        ensure!(status.is_success(), "{status} {}", answer.text().await?);
        self.welcome(answer).await?;
        Ok(self)
    }

    /// Signs in with a single-use link.
    ///
    /// # Errors
    /// The hub refuses; the error carries its answer.
    pub async fn sign_in_by_link(mut self, token: &str) -> Result<Self> {
        let body = json!({ "token": token });
        let answer = self
            .request(Method::POST, "/api/session/link", Some(&body))
            .await?;
        ensure!(
            answer.status().is_success(),
            "{} {}",
            answer.status(),
            answer.text().await?
        );
        self.welcome(answer).await?;
        Ok(self)
    }

    async fn welcome(&mut self, answer: Response) -> Result<()> {
        let cookie = answer.headers().get(SET_COOKIE).cloned();
        let me: Value = answer.json().await?;
        let cookie = cookie.context("the hub sets no cookie")?;
        let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
        self.headers.insert(COOKIE, HeaderValue::from_str(cookie)?);
        let csrf = me["csrf_token"].as_str().context("no CSRF token")?;
        self.headers
            .insert("x-csrf-token", HeaderValue::from_str(csrf)?);
        self.me = me;
        Ok(())
    }

    /// The same person with one header changed or, with `None`, left out.
    ///
    /// # Errors
    /// The value is not a header value.
    pub fn with_header(mut self, name: &'static str, value: Option<&str>) -> Result<Self> {
        match value {
            Some(value) => drop(self.headers.insert(name, HeaderValue::from_str(value)?)),
            None => drop(self.headers.remove(name)),
        }
        Ok(self)
    }

    /// The same person, with the same cookie, at another address of the hub, such as a proxy's.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn moved_to(&self, base: &str, ca_pem: &str) -> Result<Self> {
        let there = Self::nobody(base, ca_pem)?;
        let mut headers = self.headers.clone();
        headers.extend(there.headers.clone());
        let me = self.me.clone();
        Ok(Self {
            headers,
            me,
            ..there
        })
    }

    /// What proves to the hub who this is; nobody else may ever see it.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.headers.get(COOKIE)?.to_str().ok()
    }

    /// Sends a request as this person.
    ///
    /// # Errors
    /// The hub cannot be reached. Refusals are answers.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response> {
        let url = format!("{}{path}", self.base);
        let request = self
            .client
            .request(method, url)
            .headers(self.headers.clone());
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        Ok(request.send().await?)
    }

    /// GET, as status and JSON (`null` when the answer is not JSON).
    ///
    /// # Errors
    /// The hub cannot be reached.
    pub async fn get(&self, path: &str) -> Result<(StatusCode, Value)> {
        answer(self.request(Method::GET, path, None).await?).await
    }

    /// POST, as status and JSON.
    ///
    /// # Errors
    /// The hub cannot be reached.
    pub async fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        answer(self.request(Method::POST, path, Some(body)).await?).await
    }

    /// POST of a file as it is, as status and JSON.
    ///
    /// # Errors
    /// The hub cannot be reached, or the file ends before it should.
    pub async fn upload(&self, path: &str, file: impl Into<Body>) -> Result<(StatusCode, Value)> {
        let url = format!("{}{path}", self.base);
        let request = self.client.post(url).headers(self.headers.clone());
        answer(request.body(file).send().await?).await
    }

    /// DELETE, as status and JSON.
    ///
    /// # Errors
    /// The hub cannot be reached.
    pub async fn delete(&self, path: &str) -> Result<(StatusCode, Value)> {
        answer(self.request(Method::DELETE, path, None).await?).await
    }

    /// Opens a WebSocket such as `/api/live`.
    ///
    /// # Errors
    /// The hub refuses the upgrade; the error says with which status.
    pub async fn socket(&self, path: &str) -> Result<Socket> {
        match self.try_socket(path).await? {
            Ok(socket) => Ok(socket),
            Err(status) => bail!("{path} cannot be opened: {status}"),
        }
    }

    /// Opens a WebSocket; `Err` carries the status of the hub's refusal.
    ///
    /// # Errors
    /// The hub cannot be reached.
    pub async fn try_socket(&self, path: &str) -> Result<Result<Socket, StatusCode>> {
        let url = format!("{}{path}", self.base.replacen("https", "wss", 1));
        let mut request = url.into_client_request()?;
        request.headers_mut().extend(self.headers.clone());
        let connector = Connector::Rustls(self.tls.clone());
        let opened =
            tokio_tungstenite::connect_async_tls_with_config(request, None, true, Some(connector));
        match opened.await {
            Ok((socket, _)) => Ok(Ok(socket)),
            Err(WsError::Http(answer)) => Ok(Err(answer.status())),
            Err(error) => Err(error.into()),
        }
    }
}

async fn answer(response: Response) -> Result<(StatusCode, Value)> {
    let status = response.status();
    let body = response.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

fn tls(ca_pem: &str) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// The code that is good at that moment (RFC 6238).
///
/// # Errors
/// The secret is not base32.
pub fn one_time_code(secret: &str, at_ms: i64) -> Result<String> {
    let secret = Secret::try_from_base32(secret)?;
    let totp = Builder::new().with_secret(secret).build()?;
    Ok(totp.generate(u64::try_from(at_ms / 1000)?).to_string())
}
