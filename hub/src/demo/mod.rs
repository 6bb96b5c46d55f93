//! The demonstration: a small college with lessons at every hour and new secrets every time.
//!
//! college → timetable
//!
//! There is no default account: passwords, second factors and links are random in every run.

mod college;
mod timetable;

use uuid::Uuid;
use xunke_policy::level::Role;
use xunke_protocol::enrolment::Code;
use xunke_protocol::id::{ClassroomId, DeviceId};
use zeroize::Zeroizing;

use crate::access::password::Hasher;
use crate::access::second_factor;
use crate::access::secret::{self, SealingKey};
use crate::authority::Ca;
use crate::device::enrol;
use crate::device::registry;
use crate::store::campus::SourceRow;
use crate::store::people::{GrantRow, NewPerson};
use crate::store::{self, Db, Writing, campus, people, session};

/// Most classrooms a demonstration has.
pub const ROOMS_MAX: usize = 60;

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody is there already.
    #[error("the data folder already holds people; a demonstration needs an empty one")]
    NotEmpty,
    /// The wish is out of range.
    #[error("a demonstration has 1 to {ROOMS_MAX} rooms, not {0}")]
    Rooms(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A box could not be noted.
    #[error(transparent)]
    Device(#[from] registry::Error),
}

/// What the demonstration made; shown once and stored nowhere in the clear.
pub struct Seeded {
    /// Everybody.
    pub accounts: Vec<Account>,
    /// Every room.
    pub rooms: Vec<Room>,
}

/// Somebody, with all it takes to sign in.
pub struct Account {
    /// The role, or `school_supervisor_unsigned`.
    pub label: &'static str,
    /// The person.
    pub id: Uuid,
    /// The name.
    pub name: &'static str,
    /// The staff number.
    pub login: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// The second factor, base32.
    pub totp_secret: Zeroizing<String>,
    /// Good once, on this machine.
    pub link_token: Zeroizing<String>,
}

/// A classroom.
pub struct Room {
    /// Its id.
    pub id: ClassroomId,
    /// Its name.
    pub name: String,
    /// Its building.
    pub building: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The box that is to stand in it.
    pub device: DeviceId,
    /// With which the box becomes known, once.
    pub enrolment_code: Code,
}

/// What secrets are made with.
pub struct Tools<'a> {
    /// Seals second factors.
    pub sealing: &'a SealingKey,
    /// Hashes passwords.
    pub hasher: &'a Hasher,
    /// Stands in the enrolment codes.
    pub ca: &'a Ca,
}

/// Fills an empty store with a college of `rooms` classrooms.
///
/// # Errors
/// When somebody is there already, or the store fails; then nothing was written.
pub async fn seed(db: &Db, tools: &Tools<'_>, rooms: usize, now_ms: i64) -> Result<Seeded, Error> {
    if !(1..=ROOMS_MAX).contains(&rooms) {
        return Err(Error::Rooms(rooms));
    }
    if !people::nobody(db).await? {
        return Err(Error::NotEmpty);
    }
    let mut prepared = Vec::new();
    for role_player in college::people(rooms) {
        prepared.push(Prepared::new(role_player, tools).await);
    }
    let mut writing = db.begin().await?;
    let units = add_units(&mut writing).await?;
    add_people(&mut writing, &prepared, &units, now_ms).await?;
    let places = add_rooms(&mut writing, &units, rooms).await?;
    let teachers: Vec<&Prepared> = prepared.iter().filter(|one| one.is_teacher()).collect();
    timetable::add(&mut writing, &places, &teachers, &units, now_ms).await?;
    Db::commit(writing).await?;
    let mut rooms = Vec::new();
    for place in places {
        rooms.push(with_box(db, tools.ca, place, now_ms).await?);
    }
    Ok(Seeded {
        accounts: prepared.into_iter().map(|one| one.account).collect(),
        rooms,
    })
}

/// Somebody with hashes made, before the transaction begins.
struct Prepared {
    player: college::Player,
    account: Account,
    password_hash: String,
    totp_sealed: String,
}

impl Prepared {
    async fn new(player: college::Player, tools: &Tools<'_>) -> Self {
        let id = Uuid::now_v7();
        let password = new_password();
        let factor = second_factor::new_secret();
        Self {
            password_hash: tools.hasher.hash(password.clone()).await,
            totp_sealed: tools.sealing.seal(&factor, &id.to_string()),
            account: Account {
                label: player.label,
                id,
                name: player.name,
                login: player.login.clone(),
                password,
                totp_secret: Zeroizing::new(second_factor::base32(&factor)),
                link_token: secret::token(),
            },
            player,
        }
    }

    fn is_teacher(&self) -> bool {
        self.player.role == Role::Teacher
    }
}

async fn add_units(writing: &mut Writing) -> Result<[String; 2], store::Error> {
    let ids = [(); 2].map(|()| Uuid::now_v7().to_string());
    for (id, (code, name)) in ids.iter().zip(college::UNITS) {
        campus::add_unit(writing, id, code, name).await?;
    }
    Ok(ids)
}

async fn add_people(
    writing: &mut Writing,
    prepared: &[Prepared],
    units: &[String; 2],
    now_ms: i64,
) -> Result<(), store::Error> {
    for one in prepared {
        let id = one.account.id.to_string();
        let person = NewPerson {
            id: &id,
            staff_number: &one.account.login,
            name: one.account.name,
            unit_id: one.player.unit.map(|unit| units[unit].as_str()),
            roles: &[one.player.role.name()],
            password_hash: &one.password_hash,
            totp_sealed: &one.totp_sealed,
            now_ms,
        };
        people::add_person(writing, &person).await?;
        session::add_link(writing, &secret::hash(&one.account.link_token), &id).await?;
        if one.player.signed {
            let number = format!("BM-{}", one.account.login);
            people::add_agreement(writing, &id, &number, now_ms).await?;
        }
    }
    let opener = prepared
        .iter()
        .find(|one| one.player.role == Role::SecurityAdministrator);
    let opener = opener.expect("invariant: the college has a security administrator");
    for one in prepared {
        let Some(level) = one.player.level else {
            continue;
        };
        let grant = GrantRow {
            level,
            unit_id: one
                .player
                .unit
                .filter(|_| level == 2)
                .map(|unit| units[unit].clone()),
            from_ms: now_ms,
            until_ms: None,
            minors: 0,
        };
        let application = format!("SQ-{}", one.account.login);
        let (id, opener) = (one.account.id.to_string(), opener.account.id.to_string());
        people::add_grant(writing, &id, &grant, &application, &opener).await?;
    }
    Ok(())
}

/// A classroom before it has a box.
struct Place {
    id: ClassroomId,
    name: String,
    building: &'static str,
    unit: &'static str,
}

async fn add_rooms(
    writing: &mut Writing,
    units: &[String; 2],
    count: usize,
) -> Result<Vec<Place>, store::Error> {
    let buildings = [(); 2].map(|()| Uuid::now_v7().to_string());
    for (id, name) in buildings.iter().zip(college::BUILDINGS) {
        campus::add_building(writing, id, name).await?;
    }
    let mut places = Vec::new();
    for n in 0..count {
        let (building, unit) = (college::building_of(n), college::unit_of(n));
        let place = Place {
            id: ClassroomId(Uuid::now_v7()),
            name: college::room_name(n),
            building: college::BUILDINGS[building],
            unit: college::UNITS[unit].1,
        };
        let id = place.id.to_string();
        campus::add_classroom(
            writing,
            &id,
            &place.name,
            &buildings[building],
            &units[unit],
        )
        .await?;
        let source = SourceRow {
            classroom_id: id,
            name: "cam0".into(),
            title: "教室全景".into(),
        };
        campus::add_source(writing, &source).await?;
        places.push(place);
    }
    Ok(places)
}

/// Notes the box that is to come; its id says nothing about the room.
async fn with_box(db: &Db, ca: &Ca, place: Place, now_ms: i64) -> Result<Room, Error> {
    let device = format!("box-{}", secret::hex(&secret::random::<4>()));
    let device: DeviceId = device.parse().expect("invariant: a device id");
    let enrolment_code = enrol::new_code(db, ca, &device, place.id, now_ms).await?;
    Ok(Room {
        id: place.id,
        name: place.name,
        building: place.building,
        unit: place.unit,
        device,
        enrolment_code,
    })
}

/// Random, and of all the kinds that R29 asks for.
fn new_password() -> Zeroizing<String> {
    const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
    const DIGIT: &[u8] = b"23456789";
    let form = [UPPER, LOWER, LOWER, LOWER, b"-", DIGIT, DIGIT, DIGIT, b"-"];
    let form = form
        .into_iter()
        .chain([UPPER, LOWER, LOWER, LOWER, b"#", DIGIT, LOWER]);
    let chosen = form.map(|kind| {
        let random = usize::from(u16::from_be_bytes(secret::random::<2>()));
        char::from(kind[random % kind.len()])
    });
    Zeroizing::new(chosen.collect())
}

#[cfg(test)]
pub(crate) mod tests;
