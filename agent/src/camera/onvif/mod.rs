//! ONVIF: what a camera says about itself, asked by the worker process, and by a
//! technician.
//!
//! skew → fence → xml → soap → answer → security → http → device
//! → topic → choice → streams → watch
//! → advice → probe → discovery
//!
//! Invariants: nothing is asked that the fence does not allow, whatever an answer says; name and
//! password go to the camera's own address alone, and never in plain; every answer has limits of
//! bytes, depth and seconds; what a camera says is second evidence and never stops the picture.

pub mod skew;
mod fence;
mod xml;
mod soap;
mod answer;
mod security;
mod http;
mod device;
mod topic;
mod choice;
pub mod streams;
pub mod watch;
pub mod advice;
pub mod probe;
pub mod discovery;

/// Why the camera cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An answer points to where it must not.
    #[error(transparent)]
    Outside(#[from] fence::Outside),
    /// An address that cannot be used.
    #[error("{0:?} is no address that can be asked by ONVIF")]
    Address(String),
    /// Nobody there.
    #[error("nobody answers at {0}: check the camera's power, cable and onvif_url")]
    Unreachable(String, #[source] std::io::Error),
    /// The connection ended before the answer did.
    #[error("{0} ended the connection before its answer")]
    Broken(String),
    /// Too slow.
    #[error("{0} did not finish its answer within {1} s")]
    Slow(String, u64),
    /// Longer than any answer needs to be.
    #[error("{0} answers with more than {max} KiB", max = http::BODY_BYTES_MAX / 1024)]
    Long(String),
    /// 401, 403, or a fault that says so.
    #[error(
        "the camera refuses name and password by ONVIF: check credentials_file, and that \
         this account may use ONVIF"
    )]
    Unauthorized,
    /// HTTP, but no ONVIF.
    #[error("{0} answers with HTTP status {1}: check the path of onvif_url")]
    Status(String, u16),
    /// Not ONVIF, or with a part missing.
    #[error("the camera's answer is not ONVIF: {0}")]
    Garbage(String),
    /// It understood and refused.
    #[error("the camera refuses {action}: {code} {reason}")]
    Fault {
        /// What was asked.
        action: &'static str,
        /// The fault's innermost code.
        code: String,
        /// In its words, shortened.
        reason: String,
    },
}

/// Longer than any address that people write.
const ADDRESS_CHARS_MAX: usize = 200;

impl Error {
    /// An address that cannot be used, without the password that somebody may have put into it.
    fn address(text: &str) -> Self {
        let text = text.rsplit('@').next().unwrap_or_default();
        Self::Address(text.chars().take(ADDRESS_CHARS_MAX).collect())
    }
}

impl From<xml::BadXml> for Error {
    fn from(bad: xml::BadXml) -> Self {
        Self::Garbage(bad.to_string())
    }
}

#[cfg(test)]
mod test_parsers;
