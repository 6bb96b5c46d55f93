//! Posting over HTTP: no redirects, one proxy at most, every name judged again where it leads to,
//! every answer with a size and a time. The only file of this room that knows reqwest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, NoProxy, Proxy};
use url::Url;

use super::address::{Allowed, may_connect};
use super::letter::{Answer, Method, Request, Verdict};

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// For one answer, from the first byte sent to the last one read.
const ANSWER_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Connections kept open to one host.
const IDLE_MAX: usize = 2;
/// What is not asked through a proxy.
const OWN: &str = "localhost,127.0.0.0/8,::1";

/// The way out over HTTP.
#[derive(Debug, Clone)]
pub struct Post {
    /// Or why there is none: then nothing is sent, and the hub goes on.
    client: Result<Client, String>,
}

impl Post {
    /// A way out through `proxy`, or straight when it is empty. `authorities` are trusted beside
    /// those of the system, DER.
    #[must_use]
    pub fn new(proxy: &str, authorities: &[Vec<u8>], allowed: Allowed) -> Self {
        let client = client(proxy, authorities, allowed);
        let client = client.map_err(|error| innermost(&error));
        if let Err(why) = &client {
            tracing::error!(why, "no message can be posted: there is no HTTPS client");
        }
        Self { client }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// Nobody answered; nothing of the address is in the words.
    pub async fn send(&self, request: Request) -> Result<Answer, Verdict> {
        let client = self.client.as_ref();
        let client = client.map_err(|why| Verdict::broken(why.clone()))?;
        let mut sent = match request.method {
            Method::Post => client.post(request.url).body(request.body),
            Method::Get => client.get(request.url),
        };
        for (name, value) in request.headers {
            sent = sent.header(name, value);
        }
        let failed = |error: reqwest::Error| Verdict::later(innermost(&error.without_url()));
        let mut response = sent.send().await.map_err(failed)?;
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after_s: retry_after(response.headers().get("retry-after")),
            body: Vec::new(),
        };
        while let Some(more) = response.chunk().await.map_err(failed)? {
            let room = ANSWER_BYTES_MAX - answer.body.len();
            answer.body.extend_from_slice(&more[..more.len().min(room)]);
            if answer.body.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(answer)
    }
}

fn client(
    proxy: &str,
    authorities: &[Vec<u8>],
    allowed: Allowed,
) -> Result<Client, reqwest::Error> {
    // The system's own authorities are looked up by the library, with the provider of the process.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let certificates = authorities.iter().map(|der| Certificate::from_der(der));
    let mut builder = Client::builder()
        .https_only(!allowed.loopback)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_MAX)
        .timeout(ANSWER_MAX)
        .pool_max_idle_per_host(IDLE_MAX)
        .tls_certs_merge(certificates.collect::<Result<Vec<_>, _>>()?)
        .dns_resolver(Arc::new(Judging {
            allowed,
            proxy: host(proxy),
        }));
    builder = match proxy {
        "" => builder.no_proxy(),
        proxy => builder.proxy(Proxy::all(proxy)?.no_proxy(NoProxy::from_string(OWN))),
    };
    builder.build()
}

fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    url.host_str().map(str::to_owned)
}

/// Looks names up and leaves out what may not be connected to: a name that was good when it was
/// typed may lead elsewhere now.
struct Judging {
    allowed: Allowed,
    /// Named by whoever runs the hub, so it may be anywhere.
    proxy: Option<String>,
}

impl Resolve for Judging {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let (allowed, own) = (self.allowed, self.proxy.as_deref() == Some(name.as_str()));
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may = found.filter(|at| own || may_connect(at.ip(), allowed));
            let may: Vec<SocketAddr> = may.collect();
            match may.is_empty() {
                true => Err("the name stands for no address that may be connected to".into()),
                false => Ok(Box::new(may.into_iter()) as Addrs),
            }
        })
    }
}

fn retry_after(header: Option<&reqwest::header::HeaderValue>) -> Option<i64> {
    header?.to_str().ok()?.trim().parse().ok()
}

/// The innermost cause: the one that names the trouble.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
