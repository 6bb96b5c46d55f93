//! The hub's own certificate: kept over restarts, made anew when half of its life is over.

use std::path::Path;

use rcgen::{ExtendedKeyUsagePurpose, SanType, SerialNumber};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Ca, DAY_MS, Error, LEAF_DAYS, key_of, new_key, params, secret_file, serial};

const CERTIFICATE_FILE: &str = "hub.pem";
const KEY_FILE: &str = "hub-key.pem";
/// Every hub answers to these, so that the demonstration and local checks work.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What the hub shows on its three doors: leaf, then CA, so that a box can compare the CA with
/// its enrolment code.
pub struct ServerIdentity {
    /// Leaf and CA.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKeyDer<'static>,
}

impl Ca {
    /// The hub's certificate for `localhost` and `names`.
    ///
    /// # Errors
    /// A file cannot be read or written, or a name is no host name.
    pub fn server(&self, names: &[String], now_ms: i64) -> Result<ServerIdentity, Error> {
        let (key_path, path) = (
            self.folder.join(KEY_FILE),
            self.folder.join(CERTIFICATE_FILE),
        );
        let wanted = subject_names(names)?;
        if let (Some(key), Some(pem)) = (secret_file::read(&key_path)?, secret_file::read(&path)?) {
            let leaf = CertificateDer::from_pem_slice(&pem);
            if let Ok(leaf) = leaf
                && still_good(&leaf, &wanted, now_ms)
            {
                return Ok(self.identity(leaf, &key_of(&key, &key_path)?));
            }
        }
        self.make_server(&key_path, &path, wanted, now_ms)
    }

    fn make_server(
        &self,
        key_path: &Path,
        path: &Path,
        names: Vec<SanType>,
        now_ms: i64,
    ) -> Result<ServerIdentity, Error> {
        let failed = |source| Error::Make {
            what: "hub's certificate",
            source,
        };
        let key = new_key().map_err(failed)?;
        let mut params = params("xunke hub", now_ms, LEAF_DAYS);
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(SerialNumber::from_slice(&serial()));
        let made = params.signed_by(&key, &self.issuer).map_err(failed)?;
        secret_file::write(key_path, key.serialize_pem().as_bytes())?;
        secret_file::write(path, made.pem().as_bytes())?;
        Ok(self.identity(made.der().clone(), &key))
    }

    fn identity(&self, leaf: CertificateDer<'static>, key: &rcgen::KeyPair) -> ServerIdentity {
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        ServerIdentity {
            chain: vec![leaf, self.certificate.clone()],
            key,
        }
    }
}

pub(super) fn subject_names(names: &[String]) -> Result<Vec<SanType>, Error> {
    let local = LOCAL_NAMES.iter().map(|name| (*name).to_owned());
    let all: Vec<String> = local.chain(names.iter().cloned()).collect();
    let made = rcgen::CertificateParams::new(all);
    let failed = |source| Error::Make {
        what: "hub's certificate (check people.names)",
        source,
    };
    Ok(made.map_err(failed)?.subject_alt_names)
}

/// Same names, and more than half of its life left.
fn still_good(leaf: &CertificateDer<'_>, wanted: &[SanType], now_ms: i64) -> bool {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
        return false;
    };
    let left_ms = leaf.validity().not_after.timestamp() * 1000 - now_ms;
    let Ok(Some(names)) = leaf.subject_alternative_name() else {
        return false;
    };
    let has = |name: &SanType| {
        names
            .value
            .general_names
            .iter()
            .any(|have| same(have, name))
    };
    left_ms > LEAF_DAYS / 2 * DAY_MS
        && names.value.general_names.len() == wanted.len()
        && wanted.iter().all(has)
}

fn same(have: &GeneralName<'_>, want: &SanType) -> bool {
    match (have, want) {
        (GeneralName::DNSName(have), SanType::DnsName(want)) => *have == want.as_str(),
        (GeneralName::IPAddress(have), SanType::IpAddress(std::net::IpAddr::V4(want))) => {
            *have == want.octets()
        }
        (GeneralName::IPAddress(have), SanType::IpAddress(std::net::IpAddr::V6(want))) => {
            *have == want.octets()
        }
        _ => false,
    }
}
