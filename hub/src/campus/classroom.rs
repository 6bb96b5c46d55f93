//! Classrooms and the teaching unit that owns each (R21: “own unit” is the owner of the room).

use uuid::Uuid;
use xunke_policy::level::UnitId;
use xunke_protocol::id::ClassroomId;

use super::{Error, id};
use crate::store::{Db, campus, exam};

/// A teaching unit by id and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// Such as `信息工程学院`.
    pub name: String,
}

/// A room where lessons are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classroom {
    /// Its id.
    pub id: ClassroomId,
    /// Such as `博学楼101`.
    pub name: String,
    /// The building's name.
    pub building: String,
    /// The unit that owns it.
    pub unit: Unit,
    /// Whether there are minors in its classes (X29).
    pub minors: bool,
}

/// A picture source of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Which room.
    pub classroom: ClassroomId,
    /// Such as `cam0`.
    pub name: String,
    /// Such as `教师全景`.
    pub title: String,
}

/// Every room, by building and name.
///
/// # Errors
/// When the store fails.
pub async fn all(db: &Db) -> Result<Vec<Classroom>, Error> {
    campus::classrooms(db)
        .await?
        .into_iter()
        .map(Classroom::try_from)
        .collect()
}

/// One room.
///
/// # Errors
/// When the store fails.
pub async fn find(db: &Db, classroom: ClassroomId) -> Result<Option<Classroom>, Error> {
    let row = campus::classroom(db, &classroom.0.to_string()).await?;
    row.map(Classroom::try_from).transpose()
}

/// The rooms that are locked for an examination at a moment (R59).
///
/// # Errors
/// When the store fails.
pub async fn in_exam(db: &Db, at_ms: i64) -> Result<Vec<ClassroomId>, Error> {
    let rooms = exam::locked(db, at_ms).await?.into_iter();
    let rooms = rooms.map(|room| Ok(ClassroomId(id("a classroom", &room)?)));
    rooms.collect()
}

/// The picture sources of every room.
///
/// # Errors
/// When the store fails.
pub async fn sources(db: &Db) -> Result<Vec<Source>, Error> {
    let source = |row: campus::SourceRow| {
        let classroom = ClassroomId(id("a classroom", &row.classroom_id)?);
        Ok(Source {
            classroom,
            name: row.name,
            title: row.title,
        })
    };
    campus::sources(db).await?.into_iter().map(source).collect()
}

impl TryFrom<campus::ClassroomRow> for Classroom {
    type Error = Error;

    fn try_from(row: campus::ClassroomRow) -> Result<Self, Error> {
        let unit: Uuid = id("a unit", &row.unit_id)?;
        Ok(Self {
            id: ClassroomId(id("a classroom", &row.id)?),
            name: row.name,
            building: row.building,
            unit: Unit {
                id: UnitId(unit),
                name: row.unit,
            },
            minors: row.minors > 0,
        })
    }
}
