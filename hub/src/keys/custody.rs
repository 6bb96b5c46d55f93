//! Custody of the master key: apart from what it opens (K1).

use std::path::{Path, PathBuf};

use super::Error;
use crate::config::Config;

/// The name of the systemd credential.
const CREDENTIAL: &str = "master-key";

/// Where the master key is, and whether it may be made there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    /// The file.
    pub(super) file: PathBuf,
    /// Only in a demonstration.
    pub(super) make: bool,
}

impl Custody {
    /// The file that the configuration names, or else the service's credential; never below the
    /// data or the media it opens. A demonstration makes its own in the data folder.
    ///
    /// # Errors
    /// There is none, or it lies beside what it opens.
    pub fn new(config: &Config, credentials: Option<&Path>) -> Result<Self, Error> {
        let named = &config.keys.master_key_file;
        let delivered = credentials.map(|folder| folder.join(CREDENTIAL));
        let file = match delivered.filter(|file| file.exists()) {
            _ if !named.as_os_str().is_empty() => named.clone(),
            Some(file) => file,
            None if config.demo.enabled => return Ok(Self::own(&config.data_dir)),
            None => return Err(Error::NoCustody),
        };
        let media = &config.recording.folder;
        let beside = [&config.data_dir, media]
            .into_iter()
            .filter(|folder| !folder.as_os_str().is_empty())
            .find(|folder| lies_in(&file, folder));
        match beside {
            Some(folder) if !config.demo.enabled => Err(Error::Beside {
                file,
                folder: folder.clone(),
            }),
            _ => Ok(Self { file, make: false }),
        }
    }

    /// In the data folder itself: for demonstrations.
    #[must_use]
    pub fn own(data_dir: &Path) -> Self {
        Self {
            file: data_dir.join("keys").join("master.key"),
            make: true,
        }
    }
}

/// Whatever the links between; what cannot be resolved is taken as it is written.
fn lies_in(file: &Path, folder: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(file).starts_with(real(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn config(named: &str, demo: bool) -> Config {
        Config {
            data_dir: "/var/lib/xunke-hub".into(),
            keys: config::Keys {
                master_key_file: named.into(),
                ..config::Keys::default()
            },
            recording: config::Recording {
                folder: "/srv/media".into(),
                ..config::Recording::default()
            },
            demo: config::Demo { enabled: demo },
            ..Config::default()
        }
    }

    /// K1: whoever takes the data or the media along does not take the key.
    #[test]
    fn the_master_key_lies_apart_from_what_it_opens() {
        let place = |named, demo| Custody::new(&config(named, demo), None);
        let apart = place("/etc/xunke/credentials/master-key", false).unwrap();
        assert!(!apart.make, "a configured key is never made");
        for beside in ["/var/lib/xunke-hub/keys/master.key", "/srv/media/key"] {
            let said = place(beside, false).unwrap_err().to_string();
            assert!(said.contains("keys.master_key_file"), "{said}");
            assert!(place(beside, true).is_ok(), "a demonstration may");
        }
        assert!(matches!(place("", false), Err(Error::NoCustody)));
        let own = Custody::own(Path::new("/var/lib/xunke-hub"));
        assert_eq!(place("", true).unwrap(), own);
    }

    /// K1: what systemd delivers is taken when nothing else is named.
    #[test]
    fn the_credential_of_the_service_is_taken() {
        let folder = std::env::temp_dir().join(format!("xunke-cred-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let place = |named| Custody::new(&config(named, false), Some(&folder));
        assert!(matches!(place(""), Err(Error::NoCustody)));
        std::fs::write(folder.join(CREDENTIAL), [7; 32]).unwrap();
        assert_eq!(place("").unwrap().file, folder.join(CREDENTIAL));
        assert_eq!(place("/etc/key").unwrap().file, Path::new("/etc/key"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
