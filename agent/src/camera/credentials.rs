//! What is read from files for a camera, anew at each start of its worker: name and password, and
//! who vouches for it. A file that changed needs no restart of the agent.

use super::pair::Trust;
use crate::config;
use std::path::{Path, PathBuf};
use url::Url;

const CREDENTIALS_BYTES_MAX: u64 = 4096;
/// An order with all else in it stays below its own limit.
const CA_BYTES_MAX: u64 = 32 * 1024;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Name and password.
    #[error("the camera's credentials file {} cannot be used: {why}", file.display())]
    Credentials {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Who vouches for the camera.
    #[error("the camera's tls_ca_file {} cannot be used: {why}", file.display())]
    Authority {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// User name (first line) and password (second line).
///
/// # Errors
/// What is wrong with the file.
pub fn credentials(file: &Path) -> Result<(String, String), Unusable> {
    let wrong = |why: String| Unusable::Credentials {
        file: file.to_owned(),
        why,
    };
    let bytes = std::fs::metadata(file)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if bytes > CREDENTIALS_BYTES_MAX {
        return Err(wrong("it is longer than 4 KiB".into()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let pair = two_lines(&text);
    pair.ok_or_else(|| wrong("it must hold the user name and then the password, one a line".into()))
}

fn two_lines(text: &str) -> Option<(String, String)> {
    let mut lines = text.lines();
    let (user, password) = (lines.next()?, lines.next()?);
    (!user.is_empty()).then(|| (user.to_owned(), password.to_owned()))
}

/// Whom to believe that it is the camera; `None` when it speaks no TLS.
///
/// # Errors
/// What is wrong with the file.
pub fn trust(camera: &config::Camera) -> Result<Option<Trust>, Unusable> {
    if let Some(config::Sha256Hex(pin)) = camera.tls_sha256 {
        return Ok(Some(Trust::Sha256(pin)));
    }
    let Some(file) = &camera.tls_ca_file else {
        return Ok(None);
    };
    let wrong = |why: String| Unusable::Authority {
        file: file.clone(),
        why,
    };
    let bytes = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() > CA_BYTES_MAX {
        return Err(wrong("it is longer than 32 KiB".into()));
    }
    let pem = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(Trust::Authority(pem, vouched_for(&camera.main_url))))
}

/// The name in an address, without the brackets of IPv6.
fn vouched_for(url: &str) -> String {
    let url = Url::parse(url).ok();
    let name = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    name.trim_matches(['[', ']']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credentials_file_is_two_lines_and_its_errors_say_so() {
        let dir = std::env::temp_dir().join(format!("xunke-credentials-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("camera");
        let check = |text: &str| {
            std::fs::write(&file, text).unwrap();
            credentials(&file).map_err(|error| error.to_string())
        };
        let expect = ("admin".to_owned(), "p@ss: word".to_owned());
        assert_eq!(check("admin\np@ss: word\n"), Ok(expect));
        assert_eq!(check("admin\n\n").map(|pair| pair.1), Ok(String::new()));
        for bad in ["", "admin", "\npassword\n"] {
            assert!(check(bad).unwrap_err().contains("one a line"), "{bad:?}");
        }
        assert!(check(&"x".repeat(5000)).unwrap_err().contains("4 KiB"));
        std::fs::remove_dir_all(&dir).unwrap();
        let gone = credentials(&file).unwrap_err().to_string();
        assert!(gone.contains("cannot be used"), "{gone}");
    }

    #[test]
    fn a_camera_is_vouched_for_by_its_pin_or_by_name() {
        let mut camera = config::Camera {
            shows: config::Shows::Room,
            device: None,
            name: "cam0".parse().unwrap(),
            main_url: "rtsps://[fd00::2]:322/main".into(),
            sub_url: None,
            onvif_url: None,
            credentials_file: None,
            tls_sha256: None,
            tls_ca_file: None,
        };
        assert_eq!(trust(&camera).unwrap(), None);
        let file = std::env::temp_dir().join(format!("xunke-ca-{}", std::process::id()));
        camera.tls_ca_file = Some(file.clone());
        let gone = trust(&camera).unwrap_err().to_string();
        assert!(
            gone.contains("tls_ca_file") && gone.contains("cannot be used"),
            "{gone}"
        );
        std::fs::write(&file, "PEM").unwrap();
        let vouched = Trust::Authority("PEM".into(), "fd00::2".into());
        assert_eq!(trust(&camera).unwrap(), Some(vouched));
        std::fs::write(&file, "x".repeat(33_000)).unwrap();
        assert!(trust(&camera).unwrap_err().to_string().contains("32 KiB"));
        std::fs::remove_file(&file).unwrap();
        camera.tls_sha256 = Some(config::Sha256Hex([7; 32]));
        assert_eq!(trust(&camera).unwrap(), Some(Trust::Sha256([7; 32])));
        assert_eq!(vouched_for("rtsps://camera.room/x"), "camera.room");
    }
}
