//! The authority: kept over restarts, hands out what it should and nothing the request wishes.

use super::*;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

const NOW: i64 = 1_790_000_000_000;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("xunke-ca-{}", uuid::Uuid::now_v7())))
    }

    fn open(&self, now_ms: i64) -> Ca {
        Ca::open(&self.0, now_ms).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn device() -> DeviceId {
    "box-1".parse().unwrap()
}

/// A request that asks for everything it must not get.
fn greedy_request(key: &KeyPair) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "box-2");
    params.subject_alt_names = vec![SanType::DnsName("hub.campus".try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.serialize_request(key).unwrap().pem().unwrap()
}

#[test]
fn the_authority_and_the_hubs_certificate_survive_a_restart() {
    let folder = Folder::new();
    let (first, names) = (folder.open(NOW), ["hub.campus".to_owned()]);
    let leaf = first.server(&names, NOW).unwrap().chain;
    let again = folder.open(NOW + 1000);
    assert_eq!(first.sha256(), again.sha256());
    assert_eq!(first.signing_key(), again.signing_key());
    assert_eq!(again.server(&names, NOW + 1000).unwrap().chain, leaf);
    assert_eq!(
        leaf[1], first.certificate,
        "the chain ends with what the code pins"
    );
}

#[test]
fn the_hubs_certificate_is_made_anew_for_other_names_and_at_half_life() {
    let folder = Folder::new();
    let ca = folder.open(NOW);
    let leaf = |names: &[String], now_ms| ca.server(names, now_ms).unwrap().chain[0].clone();
    let first = leaf(&[], NOW);
    let named = leaf(&["hub.campus".to_owned()], NOW);
    assert_ne!(first, named);
    assert_eq!(leaf(&["hub.campus".to_owned()], NOW + 199 * DAY_MS), named);
    assert_ne!(leaf(&["hub.campus".to_owned()], NOW + 201 * DAY_MS), named);
}

/// A changed file counts at the next look; one that cannot be used changes nothing.
#[test]
fn what_the_hub_shows_changes_while_it_runs() {
    let folder = Folder::new();
    let ca = folder.open(NOW);
    let shown = Shown::open(&ca, &[], NOW).unwrap();
    let until_ms = shown.until_ms();
    assert_eq!(until_ms, NOW + 400 * DAY_MS);
    assert!(!shown.look_again(&ca, &[], NOW + 199 * DAY_MS).unwrap());
    assert!(shown.look_again(&ca, &[], NOW + 201 * DAY_MS).unwrap());
    assert_eq!(shown.until_ms(), NOW + 601 * DAY_MS);
    let key = new_key().unwrap().serialize_pem();
    secret_file::write(&folder.0.join("hub-key.pem"), key.as_bytes()).unwrap();
    let other = shown.look_again(&ca, &[], NOW + 202 * DAY_MS);
    assert!(other.is_err(), "a key of another certificate");
    assert_eq!(shown.until_ms(), NOW + 601 * DAY_MS);
}

/// What a broker is given: a list that names each certificate once, and papers for its own names.
#[test]
fn a_broker_is_told_which_certificates_are_good_no_more() {
    let folder = Folder::new();
    let ca = folder.open(NOW);
    let issued = ca.issue(&greedy_request(&new_key().unwrap()), &device(), NOW);
    let serials = vec![issued.unwrap().serial];
    let read = |serials: &[String]| {
        let pem = ca.revocations(serials, NOW).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let (_, list) = CertificateRevocationList::from_der(&pem.contents).unwrap();
        let (_, own) = X509Certificate::from_der(&ca.certificate).unwrap();
        list.verify_signature(own.public_key()).unwrap();
        let named = list.iter_revoked_certificates();
        let named = named.map(|one| data_encoding::HEXLOWER.encode(one.raw_serial()));
        named.collect::<Vec<_>>()
    };
    assert_eq!(read(&[]), Vec::<String>::new());
    assert_eq!(read(&serials), serials);
    assert!(ca.revocations(&["no number".to_owned()], NOW).is_err());
    let papers = ca.broker(&["mqtt.campus".to_owned()], NOW).unwrap();
    let der = CertificateDer::from_pem_slice(papers.certificate_pem.as_bytes()).unwrap();
    let (_, own) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(own.subject().to_string(), "CN=xunke broker");
    let names = own.subject_alternative_name().unwrap().unwrap().value;
    let names: Vec<_> = names
        .general_names
        .iter()
        .map(|name| name.to_string())
        .collect();
    assert!(
        names.iter().any(|name| name.contains("mqtt.campus")),
        "{names:?}"
    );
    assert!(own.extended_key_usage().unwrap().unwrap().value.server_auth);
}

#[test]
fn a_box_gets_its_own_name_whatever_it_asks_for() {
    let folder = Folder::new();
    let ca = folder.open(NOW);
    let key = new_key().unwrap();
    let issued = ca.issue(&greedy_request(&key), &device(), NOW).unwrap();
    let der = CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap();
    let (_, read) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(read.subject().to_string(), "CN=box-1");
    let names = read.subject_alternative_name().unwrap().unwrap().value;
    assert_eq!(names.general_names.len(), 1);
    let name = names.general_names[0].to_string();
    assert!(name.contains("urn:xunke:device:box-1"), "{name}");
    let usage = read.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert!(!read.is_ca());
    assert_eq!(read.raw_serial_as_string().replace(':', ""), issued.serial);
    assert_eq!(
        read.validity().not_after.timestamp() * 1000,
        NOW + 400 * DAY_MS
    );
}

#[test]
fn requests_that_prove_nothing_are_refused() {
    let folder = Folder::new();
    let ca = folder.open(NOW);
    let refused = |csr: &str| ca.issue(csr, &device(), NOW).unwrap_err().to_string();
    let good = greedy_request(&new_key().unwrap());
    assert!(refused("").contains("PKCS#10"));
    assert!(refused(&"x".repeat(CSR_BYTES_MAX + 1)).contains("too long"));
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    assert!(refused(&greedy_request(&p384)).contains("P-256"));
    // Another key's signature: the last bytes of the DER are the signature's.
    let mut der = pem_body(&good);
    let last = der.len() - 1;
    der[last] ^= 1;
    let text = data_encoding::BASE64.encode(&der);
    let forged =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n");
    assert!(refused(&forged).contains("PKCS#10"));
}

fn pem_body(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    data_encoding::BASE64
        .decode(lines.collect::<String>().as_bytes())
        .unwrap()
}
