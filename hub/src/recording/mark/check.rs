//! Checking a document: whose word it is, and what has become of the footage it names. Opens
//! nothing; sealed files are hashed as they lie.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::document::{self, Named, Said, Verdict};
use super::{Error, Marks};
use crate::access::audit::Entry;
use crate::access::secret;
use crate::access::session::Session;
use crate::recording::ingest::place_of;
use crate::recording::media::Media;
use crate::store::Db;
use crate::store::mark::{self as rows, MarkRow};
use crate::store::recording as segments;

/// What has become of the sealed files that a mark names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Footage {
    /// Every one is as it was.
    Unchanged,
    /// Its time was over: it was destroyed, with a certificate (K11).
    Destroyed,
    /// One is another, or is gone and was never destroyed.
    Changed,
}

impl Footage {
    /// The word on the wire and in the trail.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Destroyed => "destroyed",
            Self::Changed => "changed",
        }
    }
}

/// What is to be said of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whose word it is.
    pub verdict: Verdict,
    /// Of a genuine one: what became of the footage.
    pub footage: Option<Footage>,
    /// What the document itself says, where it can be read.
    pub said: Option<Said>,
    /// When and why its author took it back.
    pub withdrawn: Option<(i64, String)>,
}

impl Marks {
    /// Checks a document for whoever asks; the question is a line of the trail, and the answer
    /// with it.
    ///
    /// # Errors
    /// When a file cannot be read just now, or store and trail fail: then nothing is said.
    pub async fn check(
        &self,
        document: &str,
        (session, origin): (&Session, IpAddr),
        now_ms: i64,
    ) -> Result<Checked, Error> {
        let (verdict, said) = document::read(document, &self.signing.verifying_key());
        let genuine = said.as_ref().filter(|_| verdict == Verdict::Genuine);
        let (mut footage, mut withdrawn) = (None, None);
        if let Some(said) = genuine {
            let _place = self.reading.acquire().await;
            footage = Some(self::footage(&self.db, &self.media, said).await?);
            withdrawn = self::withdrawn(&self.db, said).await?;
        }
        let number = genuine.map_or("–", |said| &*said.number);
        let word = footage.map_or("–", Footage::word);
        let entry = Entry {
            object: number.to_owned(),
            detail: format!("{}; {word}", verdict.word()),
            ..Entry::done(session.person.who(origin), "check_mark")
        };
        self.trail.append(entry, now_ms).await?;
        Ok(Checked {
            verdict,
            footage,
            said,
            withdrawn,
        })
    }
}

/// What became of the files that a mark names: the worst of them.
///
/// # Errors
/// When the store fails, or a file cannot be read just now.
pub async fn footage(db: &Db, media: &Media, said: &Said) -> Result<Footage, Error> {
    let mut worst = Footage::Unchanged;
    for named in &said.segments {
        worst = worst.max(of_one(db, media, said, named).await?);
    }
    Ok(worst)
}

async fn of_one(db: &Db, media: &Media, said: &Said, named: &Named) -> Result<Footage, Error> {
    let recording = said.recording.to_string();
    let Some(row) = segments::segment(db, &named.id.to_string()).await? else {
        let destroyed = segments::one_destroyed(db, &recording).await?;
        let of_source = destroyed.iter().any(|share| share.source == named.source);
        return Ok(if of_source {
            Footage::Destroyed
        } else {
            Footage::Changed
        });
    };
    if row.sha256 != named.sha256 {
        return Ok(Footage::Changed);
    }
    let Some(classroom) = segments::classroom(db, &recording).await? else {
        return Ok(Footage::Changed);
    };
    let sealed = match media
        .read(&place_of(&classroom, row.start_us, &row.id))
        .await
    {
        Ok(sealed) => sealed,
        Err(error) if error.is_absent() => return Ok(Footage::Changed),
        Err(error) => return Err(error.into()),
    };
    let hashing = tokio::task::spawn_blocking(move || secret::hex(&Sha256::digest(&sealed)));
    let same = hashing.await? == named.sha256;
    Ok(if same {
        Footage::Unchanged
    } else {
        Footage::Changed
    })
}

/// Whether its author took it back, and why.
///
/// # Errors
/// When the store fails.
pub async fn withdrawn(db: &Db, said: &Said) -> Result<Option<(i64, String)>, Error> {
    let row = rows::find(db, &said.id.to_string()).await?;
    Ok(row.as_ref().and_then(taken_back))
}

/// When and why a mark was taken back.
#[must_use]
pub fn taken_back(row: &MarkRow) -> Option<(i64, String)> {
    let why = row.withdrawn_why.clone().unwrap_or_default();
    row.withdrawn_ms.map(|at_ms| (at_ms, why))
}
