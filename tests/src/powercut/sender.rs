//! A box at the hub's door: it seals segments as a real one does, hands them over, and believes
//! nothing but a receipt that proves them. And what the hub's library then holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode};
use sha2::{Digest, Sha256};
use xunke_agent::identity::Identity;
use xunke_agent::recording::seal::{Label, Seal};
use xunke_mutate::Dice;
use xunke_protocol::id::SegmentId;
use xunke_protocol::recording::Receipt;

use super::lesson::{FRAGMENT_US, piece};
use crate::campus::{Hub, enrol, stored};
use crate::clock::now_ms;

const FRAGMENTS_MAX: usize = 5;
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// From one segment's beginning to the next.
const APART_US: i64 = 20_000_000;

/// The box.
pub struct Sender {
    identity: Identity,
    client: Client,
    base: String,
    sealed: BTreeMap<SegmentId, Vec<u8>>,
    clock_us: i64,
}

impl Sender {
    /// Enrols it in the hub's first room, with its state in `folder`.
    ///
    /// # Errors
    /// The hub refuses.
    pub fn new(folder: &Path, hub: &Hub) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let state = folder.join("state");
        let base = format!("https://127.0.0.1:{}", hub.ports.boxes);
        let text = format!(
            "state_dir = \"{}\"\n[hub]\nurl = \"{base}\"\n",
            state.display()
        );
        fs::write(folder.join("agent.toml"), text)?;
        let room = hub.rooms.first().context("no room")?;
        enrol(folder, &room.enrolment_code)?;
        let identity = Identity::load(&state)?;
        Ok(Self {
            client: identity.http_client(ANSWER_MAX)?,
            identity,
            base,
            sealed: BTreeMap::new(),
            clock_us: now_ms() * 1000,
        })
    }

    /// Seals so many segments; gives their names.
    ///
    /// # Errors
    /// There is no day key.
    pub fn seal(&mut self, count: usize, dice: &mut Dice) -> Result<Vec<SegmentId>> {
        let seal = Seal::of(&self.identity);
        let mut names = Vec::new();
        for _ in 0..count {
            self.clock_us -= APART_US;
            let (segment, bytes) = sealed(&seal, self.clock_us, 1 + dice.below(FRAGMENTS_MAX))?;
            self.sealed.insert(segment, bytes);
            names.push(segment);
        }
        Ok(names)
    }

    /// Hands one over; done only with a receipt that proves it.
    ///
    /// # Errors
    /// The hub is not there, or gives no receipt.
    pub async fn hand(&self, segment: SegmentId) -> Result<()> {
        let bytes = &self.sealed[&segment];
        let url = format!("{}/box/1/segments/{segment}", self.base);
        let request = self.client.put(url).body(bytes.clone());
        let answer = request.timeout(ANSWER_MAX).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        let words = String::from_utf8_lossy(&body);
        ensure!(status == StatusCode::OK, "{status}: {words}");
        let receipt: Receipt = serde_json::from_slice(&body)?;
        let hub = &self.identity.hub_signing_key;
        let proves = receipt.proves(segment, &Sha256::digest(bytes).into(), hub);
        ensure!(proves, "this proves nothing: {words}");
        Ok(())
    }

    /// Forgets what has its receipt, as a box does.
    pub fn forget(&mut self, segment: SegmentId) {
        self.sealed.remove(&segment);
    }
}

fn sealed(seal: &Seal, start_us: i64, fragments: usize) -> Result<(SegmentId, Vec<u8>)> {
    let label = Label {
        source: "cam0".parse()?,
        start_us,
        codecs: "avc1.640028".into(),
        previous: [0; 32],
    };
    let (segment, mut sealer, mut bytes) = seal.begin(&label)?;
    for index in 0..=fragments as u64 {
        let until_us = u32::try_from(index)? * FRAGMENT_US;
        bytes.extend(sealer.chunk(&piece(segment, index), until_us)?);
        bytes.extend(sealer.checkpoint());
    }
    let (records, _) = sealer.finish();
    bytes.extend(records);
    Ok((segment, bytes))
}

/// All segments of the library whose file is there once and whole.
///
/// # Errors
/// The store or a folder cannot be read.
pub fn library(hub: &Hub, wrong: &mut Vec<String>) -> Result<BTreeSet<SegmentId>> {
    Ok(stored(hub, wrong)?.into_keys().collect())
}
