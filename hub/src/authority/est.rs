//! The two shapes of RFC 7030: a request as base64 of DER, certificates as a PKCS#7 that signs
//! nothing. Pure.

use data_encoding::{BASE64, BASE64_MIME, HEXLOWER};
use rustls::pki_types::CertificateDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use xunke_protocol::enrolment::{CSR_BYTES_MAX, SIGNING_KEY_URN};

use super::Error;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// The first of a sequence's own kinds, and what is within it.
const OWN: u8 = 0xa0;
/// The number 1: the version of data that is signed with certificates alone.
const ONE: &[u8] = &[0x02, 0x01, 0x01];
/// 1.2.840.113549.1.7.1, data.
const DATA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
];
/// 1.2.840.113549.1.7.2, signed data.
const SIGNED_DATA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02,
];

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstRequest {
    /// PKCS#10 in PEM.
    pub csr_pem: String,
    /// The Ed25519 recording key that it names ([`SIGNING_KEY_URN`]).
    pub signing_key: Option<[u8; 32]>,
}

/// Reads the body of `simpleenroll` and `simplereenroll`.
///
/// # Errors
/// It is too long, no base64, or no PKCS#10. Whether its own key has signed it is checked when a
/// certificate is made.
pub fn read(body: &[u8]) -> Result<EstRequest, Error> {
    if body.len() > CSR_BYTES_MAX {
        return Err(Error::Request("it is too long"));
    }
    let text: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let der = BASE64.decode(&text);
    let der = der.map_err(|_| Error::Request("it is no base64"))?;
    let (rest, request) =
        X509CertificationRequest::from_der(&der).map_err(|_| Error::Request("it is no PKCS#10"))?;
    if !rest.is_empty() {
        return Err(Error::Request("something follows the PKCS#10"));
    }
    Ok(EstRequest {
        csr_pem: format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{}-----END CERTIFICATE REQUEST-----\n",
            BASE64_MIME.encode(&der)
        ),
        signing_key: signing_key(&request),
    })
}

fn signing_key(request: &X509CertificationRequest<'_>) -> Option<[u8; 32]> {
    let mut names = request
        .requested_extensions()?
        .filter_map(|extension| match extension {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        })
        .flatten();
    names.find_map(|name| {
        let GeneralName::URI(uri) = name else {
            return None;
        };
        let hex = uri.strip_prefix(SIGNING_KEY_URN)?;
        HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()
    })
}

/// Certificates as base64 of a PKCS#7 `SignedData` without content and signers (RFC 5652 §5.1).
#[must_use]
pub fn certificates_only(certificates: &[CertificateDer<'_>]) -> String {
    let certificates: Vec<&[u8]> = certificates.iter().map(AsRef::as_ref).collect();
    let certificates = certificates.concat();
    let signed = [
        ONE,
        &within(SET, &[]),
        &within(SEQUENCE, DATA),
        &within(OWN, &certificates),
        &within(SET, &[]),
    ];
    let signed = within(OWN, &within(SEQUENCE, &signed.concat()));
    BASE64_MIME.encode(&within(SEQUENCE, &[SIGNED_DATA, &signed].concat()))
}

/// A value in DER: kind, length, what is within.
fn within(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut value = vec![kind];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => value.push(short),
        _ => {
            let length = content.len().to_be_bytes();
            let used = length.iter().skip_while(|byte| **byte == 0);
            let used: Vec<u8> = used.copied().collect();
            // Eight bytes at most.
            value.push(0x80 | used.len() as u8);
            value.extend(used);
        }
    }
    value.extend_from_slice(content);
    value
}

#[cfg(test)]
mod tests {
    use super::super::new_key;
    use super::*;
    use rcgen::{CertificateParams, SanType};

    fn request(urn: &str) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(urn.try_into().unwrap())];
        let request = params.serialize_request(&new_key().unwrap()).unwrap();
        BASE64_MIME.encode(request.der()).into_bytes()
    }

    #[test]
    fn a_request_names_its_recording_key() {
        let key = [0xab; 32];
        let urn = format!("{SIGNING_KEY_URN}{}", HEXLOWER.encode(&key));
        let read_back = read(&request(&urn)).unwrap();
        assert_eq!(read_back.signing_key, Some(key));
        assert!(rcgen::CertificateSigningRequestParams::from_pem(&read_back.csr_pem).is_ok());
        for other in ["urn:xunke:device:box-1", &urn[..urn.len() - 2]] {
            assert_eq!(read(&request(other)).unwrap().signing_key, None, "{other}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let long = vec![b'A'; CSR_BYTES_MAX + 1];
        let mut more = request("urn:a");
        more.extend_from_slice(b"AAAA");
        for bad in [&b"{}"[..], b"", b"AAAA", &long, &more] {
            assert!(matches!(read(bad), Err(Error::Request(_))));
        }
    }

    #[test]
    fn lengths_are_those_of_der() {
        assert_eq!(within(SET, &[]), [0x31, 0]);
        assert_eq!(within(SET, &[7; 127])[..2], [0x31, 127]);
        assert_eq!(within(SET, &[7; 128])[..3], [0x31, 0x81, 128]);
        assert_eq!(within(SET, &[7; 600])[..4], [0x31, 0x82, 2, 88]);
    }
}
