//! For a broker before the hub: the list of certificates that are good no more, the broker's own
//! certificate, and what the hub shows there.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use rcgen::{
    CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, KeyIdMethod,
    RevokedCertParams, SerialNumber,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};

use super::{Ca, DAY_MS, Error, LEAF_DAYS, moment, new_key, params, serial, server};

/// A hub that is away for so long does not shut the broker: an old list is no list there.
const LIST_DAYS: i64 = 400;
/// What the hub shows is made anew for every connection.
const SHOWN_DAYS: i64 = 1;

/// A certificate and its private key, PEM.
pub struct Papers {
    /// The certificate.
    pub certificate_pem: String,
    /// The key. It is a secret.
    pub key_pem: zeroize::Zeroizing<String>,
}

impl Ca {
    /// The list of certificates that are good no more, PEM; each by its serial number in
    /// hexadecimal. `number` grows with every list.
    ///
    /// # Errors
    /// A serial number is none, or the list cannot be signed.
    pub fn revocations(&self, serials: &[String], now_ms: i64) -> Result<String, Error> {
        let what = "list of revoked certificates";
        let bad = || Error::Unusable {
            path: self.folder.clone(),
            what: "serial number",
        };
        let revoked = |serial: &String| {
            let serial = HEXLOWER.decode(serial.as_bytes()).map_err(|_| bad())?;
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&serial),
                revocation_time: moment(now_ms),
                reason_code: None,
                invalidity_date: None,
            })
        };
        let list = CertificateRevocationListParams {
            // A broker whose clock is behind takes it too.
            this_update: moment(now_ms - DAY_MS),
            next_update: moment(now_ms + LIST_DAYS * DAY_MS),
            crl_number: SerialNumber::from(now_ms.unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect::<Result<_, Error>>()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let made = list.signed_by(&self.issuer).and_then(|list| list.pem());
        made.map_err(|source| Error::Make { what, source })
    }

    /// A certificate for the broker that boxes reach under these names.
    ///
    /// # Errors
    /// A name is no host name.
    pub fn broker(&self, names: &[String], now_ms: i64) -> Result<Papers, Error> {
        let mut params = params("xunke broker", now_ms, LEAF_DAYS);
        params.subject_alt_names = server::subject_names(names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.papers(params)
    }

    /// TLS 1.3 as somebody of that name, whose certificate is made for this and good for a day.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn client(&self, name: &str, now_ms: i64) -> Result<Arc<ClientConfig>, Error> {
        let mut params = params(name, now_ms, SHOWN_DAYS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (made, key) = self.signed(params)?;
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(Error::Tls)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let chain = vec![CertificateDer::from(made.der().to_vec())];
        let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(&[&TLS13])
            .map_err(Error::Tls)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(Error::Tls)?;
        Ok(Arc::new(config))
    }

    fn papers(&self, params: CertificateParams) -> Result<Papers, Error> {
        let (made, key) = self.signed(params)?;
        Ok(Papers {
            certificate_pem: made.pem(),
            key_pem: key.serialize_pem().into(),
        })
    }

    fn signed(
        &self,
        mut params: CertificateParams,
    ) -> Result<(rcgen::Certificate, rcgen::KeyPair), Error> {
        let failed = |source| Error::Make {
            what: "certificate",
            source,
        };
        let key = new_key().map_err(failed)?;
        params.serial_number = Some(SerialNumber::from_slice(&serial()));
        let made = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((made, key))
    }
}
