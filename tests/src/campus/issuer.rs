//! The school's issuer of OpenID Connect: a certified provider in a process of its own.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;

use super::process::Process;
use super::programs::free_port;

const UP_MAX: Duration = Duration::from_secs(60);
/// What the issuer calls the hub, with letters that a form has to encode.
const CLIENT_ID: &str = "xunke:hub";
const CLIENT_SECRET: &str = "s/e+c%r e:t-0123456789";

/// A running issuer with one account. Dropping it ends it.
pub struct Issuer {
    /// Its name and address.
    pub url: String,
    /// What browsers and the hub must trust, PEM.
    pub ca_file: PathBuf,
    secret_file: PathBuf,
    process: Process,
}

impl Issuer {
    /// Starts one that knows the hub at `hub_url` and vouches for `staff_number`.
    ///
    /// # Errors
    /// Node or the packages of `tests/oidc` are missing (`./dev setup`), or it does not start.
    pub fn start(folder: &Path, hub_url: &str, staff_number: &str) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc/issuer.js");
        let packages = script.with_file_name("node_modules");
        ensure!(
            packages.is_dir(),
            "{} is not there: run ./dev setup",
            packages.display()
        );
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let port = free_port()?;
        let settings = json!({
            "port": port,
            "certificate": made.cert.pem(),
            "key": made.signing_key.serialize_pem(),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": format!("{hub_url}/single-sign-on"),
            "staff_number": staff_number,
        });
        let file = folder.join("issuer.json");
        fs::write(&file, settings.to_string())?;
        let (ca_file, secret_file) = (folder.join("issuer-ca.pem"), folder.join("issuer-secret"));
        fs::write(&ca_file, made.cert.pem())?;
        write_secret(&secret_file, CLIENT_SECRET)?;
        let arguments = [script, file];
        let process = Process::start("issuer", Path::new("node"), arguments, folder)?;
        let said = process.line(UP_MAX)?;
        ensure!(said == "ready", "the issuer says {said:?}");
        Ok(Self {
            url: format!("https://localhost:{port}"),
            ca_file,
            secret_file,
            process,
        })
    }

    /// The section of the hub's configuration, with `more` lines in it.
    #[must_use]
    pub fn section(&self, more: &str) -> String {
        section(&self.url, CLIENT_ID, &self.secret_file, &self.ca_file) + more
    }

    /// Ends it, as a failure would.
    ///
    /// # Errors
    /// It does not end.
    pub fn end(&mut self) -> Result<()> {
        self.process.end().context("the issuer")
    }
}

/// `[single_sign_on]` of a hub.
#[must_use]
pub fn section(url: &str, client_id: &str, secret: &Path, ca: &Path) -> String {
    format!(
        "[single_sign_on]\nissuer = \"{url}\"\nclient_id = \"{client_id}\"\n\
         client_secret_file = \"{}\"\nca_file = \"{}\"\n",
        secret.display(),
        ca.display()
    )
}

/// Writes a secret that its owner alone can read.
///
/// # Errors
/// It cannot be written.
pub fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, PermissionsExt::from_mode(0o600))?)
}

/// A browser at the issuer: its cookies, and nobody's patience for more than a few redirects.
pub struct Visitor {
    client: Client,
    cookies: HashMap<String, String>,
}

impl Visitor {
    /// A browser that trusts the authority in `ca_file`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn new(ca_file: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca_file)?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20))
            .build()?;
        Ok(Self {
            client,
            cookies: HashMap::new(),
        })
    }

    /// Goes where the hub sends it, presses the button, and says where the issuer sends it then.
    ///
    /// # Errors
    /// The issuer does something else.
    pub async fn press(&mut self, address: &str, button: &str, home: &str) -> Result<String> {
        let mut address = address.to_owned();
        for _ in 0..6 {
            if address.starts_with(home) {
                return Ok(address);
            }
            let mut answer = self.ask(self.client.get(&address)).await?;
            if answer.status() == StatusCode::OK {
                let form = format!("answer={button}");
                let post = self.client.post(&address).body(form);
                let post = post.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                answer = self.ask(post).await?;
            }
            let Some(next) = answer.headers().get(LOCATION) else {
                bail!("{}: {}", answer.status(), answer.text().await?);
            };
            address = answer.url().join(next.to_str()?)?.into();
        }
        bail!("the issuer leads nowhere; the last address is {address}")
    }

    async fn ask(&mut self, request: RequestBuilder) -> Result<Response> {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        let answer = request.header(COOKIE, cookies).send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie without a value")?;
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(answer)
    }
}
