//! What simulated boxes show: certificates that the hub's own authority has signed, and the rows by
//! which the hub knows them.
//!
//! Enrolling a thousand boxes by code takes minutes and measures nothing of the endpoint; so the
//! authority's key is read where the hub keeps it, which only its own user can.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::campus::{BoxIdentity, Hub};
use crate::clock::now_ms;

/// Rows of one statement, so that it fits an argument of a program.
const ROWS: usize = 100;
const DAY_MS: i64 = 86_400_000;

/// The papers of many boxes. The file they are kept in holds private keys.
#[derive(Clone, Serialize, Deserialize)]
pub struct Papers {
    /// One for each box.
    pub boxes: Vec<BoxIdentity>,
}

impl Papers {
    /// Makes rooms, boxes and certificates in the hub's store and with its key. The hub must have
    /// run before; it may run now.
    ///
    /// # Errors
    /// The store or the key cannot be had.
    pub fn make(hub: &Hub, count: usize) -> Result<Self> {
        let authority = hub.data_dir().join("authority");
        let ca_pem = hub.ca_pem()?;
        let key = fs::read_to_string(authority.join("ca-key.pem"))?;
        let issuer = Issuer::from_ca_cert_pem(&ca_pem, KeyPair::from_pem(&key)?)?;
        let hub_signing_key = signing_key(&authority)?;
        let house = hub.sql("SELECT building_id, unit_id FROM classrooms LIMIT 1")?;
        let house = house.trim().split_once('|').context("no room yet")?;
        let mut boxes = Vec::new();
        let (mut rooms, mut devices) = (Vec::new(), Vec::new());
        for number in 0..count {
            let (room, device_id) = (Uuid::now_v7(), format!("load-{number:04}"));
            let (certificate_pem, key_pem, serial) = certificate(&issuer, &device_id)?;
            let (building, unit) = house;
            rooms.push(format!("('{room}', '{device_id}', '{building}', '{unit}')"));
            let now = now_ms();
            let until = now + 400 * DAY_MS;
            devices.push(format!(
                "('{device_id}', '{room}', 'enrolled', '{serial}', {until}, {now}, {now})"
            ));
            boxes.push(BoxIdentity {
                device_id,
                certificate_pem,
                key_pem,
                ca_pem: ca_pem.clone(),
                mqtt_port: hub.ports.mqtt,
                hub_signing_key: hub_signing_key.clone(),
            });
        }
        let classrooms = "classrooms (id, name, building_id, unit_id)";
        let columns = "(id, classroom_id, state, serial, certificate_until_ms, created_ms, \
                       enrolled_ms)";
        insert(hub, classrooms, &rooms)?;
        insert(hub, &format!("devices {columns}"), &devices)?;
        Ok(Self { boxes })
    }

    /// Reads papers that were kept.
    ///
    /// # Errors
    /// The file cannot be read, or holds none.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let papers: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} holds no papers of boxes", file.display()))?;
        ensure!(
            !papers.boxes.is_empty(),
            "{} holds no papers of boxes",
            file.display()
        );
        Ok(papers)
    }
}

/// What checks the hub's signatures, in base64.
fn signing_key(authority: &Path) -> Result<String> {
    let seed = fs::read(authority.join("signing-key"))?;
    let key = SigningKey::try_from(seed.as_slice())?;
    Ok(BASE64.encode(key.verifying_key().to_bytes()))
}

fn insert(hub: &Hub, table: &str, rows: &[String]) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        hub.sql(&format!("INSERT INTO {table} VALUES {}", rows.join(", ")))?;
    }
    Ok(())
}

/// As the hub issues them: certificate, key, and the serial number in hexadecimal.
fn certificate(issuer: &Issuer<'_, KeyPair>, device_id: &str) -> Result<(String, String, String)> {
    let serial = Uuid::now_v7();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params
        .distinguished_name
        .push(DnType::CommonName, device_id);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.serial_number = Some(SerialNumber::from_slice(serial.as_bytes()));
    let made = params.signed_by(&key, issuer)?;
    Ok((made.pem(), key.serialize_pem(), serial.simple().to_string()))
}
