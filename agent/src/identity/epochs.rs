//! The day keys this box seals with, and their daily renewal.

use super::{Error, Identity, innermost, write_durable};
use ed25519_dalek::VerifyingKey;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use xunke_protocol::sealed::epoch::SignedBundle;

const BUNDLE_BYTES_MAX: usize = 256 * 1024;
const PERIOD: Duration = Duration::from_secs(24 * 3600);
const RETRY: Duration = Duration::from_secs(300);
const ANSWER: Duration = Duration::from_secs(30);

/// The newest bundle the hub has signed for us. Clones share it.
#[derive(Clone)]
pub struct Epochs {
    shared: Arc<Shared>,
}

struct Shared {
    file: PathBuf,
    hub: VerifyingKey,
    current: RwLock<Arc<SignedBundle>>,
}

impl Epochs {
    /// Takes the bundle of the enrolment, or the newer one that was kept since. A kept file that
    /// is damaged or not the hub's is as good as none: sealing goes on with the other.
    pub(super) fn load(state_dir: &Path, hub: VerifyingKey, enrolled: SignedBundle) -> Self {
        let file = state_dir.join("epoch-bundle.json");
        let kept = std::fs::read(&file).ok();
        let kept = kept.and_then(|text| serde_json::from_slice::<SignedBundle>(&text).ok());
        let newest = kept.filter(|bundle| bundle.acceptable(&hub, enrolled.version));
        Self {
            shared: Arc::new(Shared {
                file,
                hub,
                current: RwLock::new(Arc::new(newest.unwrap_or(enrolled))),
            }),
        }
    }

    /// The bundle to seal with now.
    pub fn current(&self) -> Arc<SignedBundle> {
        let current = self.shared.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a bundle that the hub has sent, on disk first.
    ///
    /// # Errors
    /// Not the hub's signature, an older version, no day in it, or the disk refuses.
    pub fn accept(&self, bundle: SignedBundle) -> Result<(), Error> {
        let Shared { file, hub, current } = &*self.shared;
        check(&bundle, hub, self.current().version)?;
        let text = serde_json::to_vec(&bundle).expect("invariant: plain fields become JSON");
        write_durable(file, &text).map_err(|source| Error::File {
            file: file.clone(),
            source,
        })?;
        *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(bundle);
        Ok(())
    }
}

/// Is a bundle the hub's, not older than `version_min`, and good for sealing?
pub(super) fn check(
    bundle: &SignedBundle,
    hub: &VerifyingKey,
    version_min: u64,
) -> Result<(), Error> {
    let answer = |why: String| Err(Error::Answer(why));
    if bundle.version < version_min {
        let given = bundle.version;
        return answer(format!(
            "day keys of version {given} are older than {version_min}"
        ));
    }
    if !bundle.acceptable(hub, version_min) {
        return answer("the day keys are not signed by the hub".into());
    }
    if bundle.days.is_empty() {
        return answer("there is no day key in the bundle".into());
    }
    Ok(())
}

/// Asks the hub for new day keys at once and then daily, sooner after a failure. Never returns.
pub async fn keep_fresh(identity: &Identity, client: reqwest::Client, base: &str) {
    let url = format!("{base}/box/1/epoch-bundle");
    let mut failed = false;
    loop {
        let pause = match refresh(&identity.epochs, &client, &url).await {
            Ok(()) => {
                failed = false;
                PERIOD
            }
            Err(error) => {
                match error {
                    // The link says it already, with what to do.
                    Error::Unreachable { .. } => tracing::debug!(%error, "no new day keys yet"),
                    _ if failed => {}
                    _ => tracing::warn!(%error, "day keys were not renewed; sealing goes on"),
                }
                failed = !matches!(error, Error::Unreachable { .. });
                RETRY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn refresh(epochs: &Epochs, client: &reqwest::Client, url: &str) -> Result<(), Error> {
    let unreachable = |error: reqwest::Error| Error::Unreachable {
        url: url.to_owned(),
        why: innermost(&error),
    };
    let answer = client
        .get(url)
        .timeout(ANSWER)
        .send()
        .await
        .map_err(unreachable)?;
    let status = answer.status();
    let body = read_limited(answer, BUNDLE_BYTES_MAX)
        .await
        .map_err(unreachable)?;
    if !status.is_success() {
        return Err(Error::Refused {
            status: status.as_u16(),
            why: words(&body),
        });
    }
    let bundle = serde_json::from_slice(&body)
        .map_err(|error| Error::Answer(format!("the day keys cannot be read: {error}")))?;
    epochs.accept(bundle)
}

/// A body cut at `bytes_max`: whoever sends more is not our hub and will not parse.
pub(super) async fn read_limited(
    mut answer: reqwest::Response,
    bytes_max: usize,
) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        let room = bytes_max - body.len();
        body.extend_from_slice(&part[..part.len().min(room)]);
        if body.len() == bytes_max {
            break;
        }
    }
    Ok(body)
}

/// What the hub says about a refusal: its English sentence, or the start of whatever it sent.
pub(super) fn words(body: &[u8]) -> String {
    let json = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    let text = match json["error"]["en"].as_str() {
        Some(text) => text.to_owned(),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    one_line.take(200).collect()
}
