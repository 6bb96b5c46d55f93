//! The institution in force: read once from a preset at first start, then from the store.
//!
//! Rights never change because a file did: docs/decisions/0010. Departments, duties, levels, units
//! and rules are data (R1, R2, R6–R8, R16, R20).

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::institution::Institution;
use xunke_policy::preset;

use super::audit::{Entry, Trail, Unavailable, Who};
use super::secret::hex;
use crate::campus::calendar::date_and_time;
use crate::store::institution::{self as rows, InstitutionRow};
use crate::store::{self, Db};

/// The presets that come with the program.
const EMBEDDED: [(&str, &str); 2] = [
    ("polytechnic", preset::POLYTECHNIC),
    ("institute", preset::INSTITUTE_OF_EDUCATION),
];

/// Why there is no institution.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error(
        "college.preset: cannot read {path}; name a file, or one of the presets \"polytechnic\" \
         and \"institute\""
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The preset is no institution: file, line, field, what to do.
    #[error("{source_name}:{wrong}")]
    Wrong {
        /// The file or the name of the preset.
        source_name: String,
        /// Line, field, what to do.
        wrong: preset::Error,
    },
    /// The preset is not what is in force.
    #[error(
        "college.preset = \"{named}\" is not what is in force since {since} (\"{source_name}\"); \
         rights change on purpose only: run `xunke-hub preset apply {named} --config …`, or put \
         back what it was"
    )]
    Changed {
        /// What the configuration names.
        named: String,
        /// When the one in force was applied.
        since: String,
        /// Where the one in force came from.
        source_name: String,
    },
    /// The trail cannot be written, so nothing was applied.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A preset: where it comes from, its text, and what it says.
#[derive(Debug, Clone)]
pub struct Preset {
    source: String,
    text: String,
    institution: Institution,
}

impl Preset {
    /// Reads a preset that comes with the program, or a school's own file.
    ///
    /// # Errors
    /// The file, or what is wrong in it with line and field.
    pub fn read(name: &str) -> Result<Self, Error> {
        let embedded = EMBEDDED.iter().find(|(known, _)| *known == name);
        let text = match embedded {
            Some((_, text)) => (*text).to_owned(),
            None => read_file(Path::new(name))?,
        };
        Self::parse(name.to_owned(), text)
    }

    fn parse(source: String, text: String) -> Result<Self, Error> {
        match preset::parse(&text) {
            Ok(institution) => Ok(Self {
                source,
                text,
                institution,
            }),
            Err(wrong) => Err(Error::Wrong {
                source_name: source,
                wrong,
            }),
        }
    }

    /// What it says.
    #[must_use]
    pub fn institution(&self) -> &Institution {
        &self.institution
    }
}

fn read_file(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
        path: path.into(),
        source,
    })
}

/// The institution in force. At first start that is what the configuration names; later it is what
/// the store holds, and a configuration that names something else is refused.
///
/// # Errors
/// What is wrong with the preset, or that it is not what is in force.
pub async fn in_force(
    db: &Db,
    trail: &Trail,
    named: &str,
    now_ms: i64,
) -> Result<Institution, Error> {
    let Some(row) = rows::in_force(db).await? else {
        let preset = Preset::read(named)?;
        apply(trail, &preset, Who::default(), now_ms).await?;
        return Ok(preset.institution);
    };
    let source = row.source.clone();
    let stored = Preset::parse(format!("the institution in force ({source})"), row.text)?;
    let named_now = Preset::read(named);
    let same = matches!(&named_now, Ok(now) if now.institution == stored.institution);
    if !same {
        // A new version of the program may bring a new text of the same preset; the school decides.
        let embedded = EMBEDDED.iter().any(|(known, _)| *known == named);
        if !(embedded && named == source) {
            return Err(Error::Changed {
                named: named.into(),
                since: date_and_time(row.applied_ms),
                source_name: source,
            });
        }
        tracing::warn!(
            preset = named,
            "this version brings a changed preset; the one applied earlier stays in force until \
             `xunke-hub preset apply {named}` is run"
        );
    }
    Ok(stored.institution)
}

/// Puts a preset in force, with its line in the trail. Units that are not there yet are added;
/// none is taken away.
///
/// # Errors
/// When the trail or the store cannot be written; then nothing was applied.
pub async fn apply(trail: &Trail, preset: &Preset, who: Who, now_ms: i64) -> Result<(), Error> {
    let institution = &preset.institution;
    let sha256 = hex(&Sha256::digest(preset.text.as_bytes()));
    let entry = Entry {
        object: format!("{} {}", institution.name, institution.code),
        detail: format!("{} SHA-256 {sha256}", preset.source),
        ..Entry::done(who, "apply_preset")
    };
    let mut pending = trail.begin(entry, now_ms).await?;
    let row = InstitutionRow {
        version: rows::next_version(pending.writing()).await?,
        source: preset.source.clone(),
        text: preset.text.clone(),
        sha256,
        applied_ms: now_ms,
    };
    let writing = pending.writing();
    rows::apply(writing, &row).await?;
    for unit in &institution.units {
        let id = Uuid::now_v7().to_string();
        rows::add_missing_unit(writing, &id, &unit.code, &unit.name).await?;
    }
    pending.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notices;

    const NOW: i64 = 1_795_300_000_000;

    async fn store() -> (Db, Trail) {
        let db = Db::in_memory().await;
        let trail = Trail::new(db.clone(), Notices::default());
        (db, trail)
    }

    /// A school's own file, with one thing put in place of another.
    fn file(from: &str, to: &str) -> PathBuf {
        assert!(preset::POLYTECHNIC.contains(from));
        let folder = std::env::temp_dir().join(format!("xunke-preset-{}", Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("school.toml");
        std::fs::write(&file, preset::POLYTECHNIC.replacen(from, to, 1)).unwrap();
        file
    }

    const UNIT: &str = "[[unit]]\ncode = \"XX\"\nname = \"信息工程学院\"\n\n[[level]]";

    /// R1, R16: read once, with its units and its line; the second start asks the store.
    #[tokio::test]
    async fn the_first_start_reads_the_preset_once() {
        let (db, trail) = store().await;
        let school = file("[[level]]", UNIT);
        let named = school.to_str().unwrap();
        let first = in_force(&db, &trail, named, NOW).await.unwrap();
        assert_eq!(first.units.len(), 1);
        let mut writing = db.begin().await.unwrap();
        let again = store::campus::add_unit(&mut writing, "u", "XX", "信息工程学院").await;
        assert!(again.unwrap_err().is_duplicate(), "the unit is there");
        drop(writing);
        let line = trail.line(1).await.unwrap().unwrap();
        assert_eq!(
            (line.action.as_str(), line.object.as_str()),
            ("apply_preset", "北京工业职业技术学院 bgy")
        );
        let second = in_force(&db, &trail, named, NOW + 1).await.unwrap();
        assert_eq!(second, first);
        assert_eq!(trail.head().await.unwrap().seq, 1, "nothing new happened");
    }

    /// R18, R20: neither another name nor a changed file changes a right; applying it does.
    #[tokio::test]
    async fn a_changed_preset_is_refused_until_it_is_applied() {
        let (db, trail) = store().await;
        in_force(&db, &trail, "polytechnic", NOW).await.unwrap();
        let wider = file("course_scope = false", "course_scope = true");
        let wider = wider.to_str().unwrap();
        for other in ["institute", wider, "/nowhere/school.toml"] {
            let error = in_force(&db, &trail, other, NOW + 1).await.unwrap_err();
            let said = error.to_string();
            assert!(said.contains("preset apply"), "{said}");
            assert!(said.contains("\"polytechnic\""), "{said}");
        }
        let preset = Preset::read(wider).unwrap();
        apply(&trail, &preset, Who::default(), NOW + 2)
            .await
            .unwrap();
        let now = in_force(&db, &trail, wider, NOW + 3).await.unwrap();
        assert!(now.rules.course_scope);
        assert!(in_force(&db, &trail, "polytechnic", NOW + 3).await.is_err());
        assert_eq!(trail.head().await.unwrap().seq, 2);
        let same = file("course_scope = false", "course_scope = true # 教务处");
        let same = in_force(&db, &trail, same.to_str().unwrap(), NOW + 4).await;
        assert!(same.is_ok(), "a comment changes nothing");
    }

    /// A new version of the program with a new text of its preset starts, with the old rights.
    #[tokio::test]
    async fn an_upgrade_changes_no_right() {
        let (db, trail) = store().await;
        let text = preset::POLYTECHNIC.replacen("course_scope = false", "course_scope = true", 1);
        let older = Preset::parse("polytechnic".into(), text).unwrap();
        apply(&trail, &older, Who::default(), NOW).await.unwrap();
        let now = in_force(&db, &trail, "polytechnic", NOW + 1).await.unwrap();
        assert!(now.rules.course_scope);
    }

    /// R20: an unknown role or level stops the start with line and field.
    #[tokio::test]
    async fn a_wrong_preset_is_named_with_line_and_field() {
        let (db, trail) = store().await;
        let school = file("[\"audit_administrator\"]", "[\"auditor\"]");
        let error = in_force(&db, &trail, school.to_str().unwrap(), NOW).await;
        let said = error.unwrap_err().to_string();
        let line = preset::POLYTECHNIC.lines();
        let line = line
            .take_while(|line| !line.contains("\"audit_administrator\""))
            .count()
            + 1;
        let begin = format!("{}:{line}: by: 没有这个角色。", school.display());
        assert!(said.starts_with(&begin), "{said}");
        assert!(rows::in_force(&db).await.unwrap().is_none());
        let missing = Preset::read("/nowhere/school.toml").unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("cannot read /nowhere/school.toml")
        );
    }

    /// X9: without its line nothing is applied.
    #[tokio::test]
    async fn without_the_trail_nothing_is_applied() {
        let (db, trail) = store().await;
        store::trail::tamper(&db, "DROP TABLE trail").await;
        assert!(in_force(&db, &trail, "polytechnic", NOW).await.is_err());
        assert!(rows::in_force(&db).await.unwrap().is_none());
    }
}
