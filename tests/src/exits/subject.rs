//! Who asks, and all that is known of them: the same facts that the hub reads from its store.

use anyhow::{Context, Result};
use uuid::Uuid;
use xunke_policy::access::{Action, Facts, Grant, Place, decide};
use xunke_policy::agreement::Agreement;
use xunke_policy::level::{Role, UnitId};
use xunke_policy::network::Network;
use xunke_policy::patrol::{About, Extent, Reader, readable};
use xunke_policy::purpose::Purpose;
use xunke_policy::retention::{Nominator, may_nominate};
use xunke_policy::sanction::Standing;
use xunke_policy::{Refusal, password, recusal};

use super::world::{OWN_LESSON, TAUGHT, World};
use crate::campus::Person;
use crate::clock::now_ms;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Somebody, as they are while they ask.
pub struct Subject {
    /// For messages.
    pub name: &'static str,
    /// Their browser.
    pub person: Person,
    /// Whose id; `None` for nobody.
    pub id: Option<Uuid>,
    /// The unit they belong to.
    pub unit: Option<UnitId>,
    roles: Vec<Role>,
    level: Option<u8>,
    signed: bool,
    standing: Standing,
    password_changed_ms: i64,
    network: Network,
    /// What makes them so in the store, and what undoes it.
    change: Option<(String, String)>,
}

impl Subject {
    async fn new(world: &World, name: &'static str, login: &str, role: Role) -> Result<Self> {
        let signed_in = world.supervisors.iter();
        let mut signed_in = signed_in.filter(|one| one.me["person"]["staff_number"] == login);
        let person = match signed_in.next() {
            Some(person) => person.clone(),
            None => {
                world
                    .campus
                    .nobody()?
                    .sign_in(world.account(login)?)
                    .await?
            }
        };
        let uuid = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse().ok());
        Ok(Self {
            name,
            id: uuid(&person.me["person"]["id"]),
            unit: uuid(&person.me["unit"]["id"]).map(UnitId),
            person,
            roles: vec![role],
            level: None,
            signed: true,
            standing: Standing::Active,
            password_changed_ms: now_ms(),
            network: Network::Campus,
            change: None,
        })
    }

    fn level(self, level: u8) -> Self {
        let level = Some(level);
        Self { level, ..self }
    }

    fn unsigned(self) -> Self {
        Self {
            signed: false,
            ..self
        }
    }

    /// Becomes so by a change of the store.
    fn changed(self, set: &str, back: &str) -> Result<Self> {
        let id = self.id.context("nobody cannot be changed")?;
        let [set, back] = [set, back].map(|text| text.replace("{id}", &id.to_string()));
        let change = Some((set, back));
        Ok(Self { change, ..self })
    }

    /// Makes it so in the store.
    pub async fn begin(&self, world: &mut World) -> Result<()> {
        world.open_plays().await?;
        if let Some(token) = self
            .person
            .cookie()
            .and_then(|cookie| cookie.split('=').nth(1))
        {
            world.secrets.push(token.to_owned());
        }
        if let Some((set, _)) = &self.change {
            world.campus.hub.sql(set)?;
        }
        if self.network == Network::Outside {
            world.proxy.says("X-Forwarded-For: 203.0.113.9\r\n");
        }
        Ok(())
    }

    /// Undoes it.
    pub fn end(&self, world: &World) -> Result<()> {
        if let Some((_, back)) = &self.change {
            world.campus.hub.sql(back)?;
        }
        Ok(())
    }

    /// The facts of the decision.
    pub fn facts<'a>(&self, world: &'a World) -> Facts<'a> {
        Facts {
            institution: &world.school,
            roles: self.roles.clone(),
            standing: self.standing,
            agreement: self.agreement(),
            grant: self.level.map(|level| Grant {
                level,
                unit: self.unit.filter(|_| level == 2),
                minors: false,
                from_ms: 0,
                until_ms: None,
            }),
            password_changed_ms: self.password_changed_ms,
            network: self.network,
            now_ms: now_ms(),
        }
    }

    fn agreement(&self) -> Agreement {
        match self.signed {
            true => Agreement::Signed { since_ms: 0 },
            false => Agreement::Unsigned,
        }
    }

    /// What comes before every decision about an action: somebody, on the campus.
    pub fn let_in(&self) -> Result<(), u16> {
        match (self.network, self.id) {
            (Network::Campus, Some(_)) => Ok(()),
            (Network::Campus, None) => Err(401),
            (Network::Outside | Network::Plain, _) => Err(403),
        }
    }

    /// Whether the password is fresh: nothing but changing it goes on without.
    pub fn password(&self, world: &World) -> Result<(), Refusal> {
        let rules = &world.school.rules.password;
        password::fresh(self.password_changed_ms, rules, now_ms())
    }

    /// Whether a line that stays open is opened at all.
    pub fn line(&self, world: &World) -> Result<(), u16> {
        self.let_in()?;
        self.password(world).map_err(|_| 403)
    }

    /// The room as a class for this person, with the lesson's teacher.
    pub fn place(&self, world: &World, room: usize) -> Place {
        let teacher = self.teaches(room).then_some(self.id).flatten();
        let tie = self.id.map(|id| recusal::tie(&id, teacher.as_ref(), None));
        let place = Place::of(world.rooms[room].unit);
        Place {
            tie: tie.unwrap_or(place.tie),
            ..place
        }
    }

    /// Whether it is their lesson that runs there.
    pub fn teaches(&self, room: usize) -> bool {
        let login = &self.person.me["person"]["staff_number"];
        (room == TAUGHT && login == TEACHER) || (room == OWN_LESSON && login == SUPERVISOR)
    }

    /// Proposing its recorded lesson for the premium courses.
    pub fn proposes(&self, world: &World, room: usize) -> Result<(), Refusal> {
        may_nominate(&Nominator {
            roles: self.roles.clone(),
            own_lesson: self.teaches(room),
            own_unit: self.unit == Some(world.rooms[room].unit),
        })
    }

    /// What the policy says.
    pub fn may(&self, world: &World, action: Action<'_>) -> Result<(), Refusal> {
        decide(&self.facts(world), action)
    }

    /// Watching a room; lists show those that open.
    pub fn may_watch(&self, world: &World, room: usize) -> Result<(), Refusal> {
        let place = self.place(world, room);
        let purpose = &Purpose::Plan;
        self.may(world, Action::ViewLive { place, purpose })
    }

    /// Watching what was recorded in a room today.
    pub fn may_play(&self, world: &World, room: usize) -> Result<(), Refusal> {
        let action = Action::Playback {
            place: self.place(world, room),
            kept_until_ms: now_ms() + DAY_MS,
            purpose: &Purpose::Plan,
        };
        self.may(world, action)
    }

    /// How much of the patrol record about a room.
    pub fn reads(&self, world: &World, room: usize) -> Option<Extent> {
        let teacher = match room {
            _ if self.teaches(room) => self.id,
            _ => None,
        };
        let author = world.sees(room).me["person"]["id"].as_str()?.parse().ok()?;
        let about = About {
            author,
            unit: world.rooms[room].unit,
            teacher,
        };
        let reader = Reader {
            person: self.id?,
            roles: self.roles.clone(),
            unit: self.unit,
            agreement: self.agreement(),
            now_ms: now_ms(),
        };
        readable(&reader, &about)
    }
}

/// 王建国, school supervisor, who also teaches in one room.
const SUPERVISOR: &str = "D1001";
/// Teaches in another.
const TEACHER: &str = "T6001";

/// Everybody of the matrix.
pub async fn all(world: &World) -> Result<Vec<Subject>> {
    let mut all = supervisors(world).await?;
    all.extend(others(world).await?);
    Ok(all)
}

/// The school supervisor, and the same on other days, with the same session; the units' own.
async fn supervisors(world: &World) -> Result<Vec<Subject>> {
    use Role::{SchoolSupervisor, UnitSupervisor};
    let one = async |name, login, role| Subject::new(world, name, login, role).await;
    let first = async |name| anyhow::Ok(one(name, SUPERVISOR, SchoolSupervisor).await?.level(1));
    let nobody = Subject {
        id: None,
        unit: None,
        roles: vec![],
        level: None,
        signed: false,
        person: world.campus.nobody()?,
        ..first("nobody").await?
    };
    let suspended = Subject {
        standing: Standing::Suspended { until_ms: None },
        ..first("suspended").await?.changed(
            "UPDATE persons SET standing = 'suspended' WHERE id = '{id}'",
            "UPDATE persons SET standing = 'active' WHERE id = '{id}'",
        )?
    };
    let changed = "UPDATE credentials SET password_changed_ms = {ms} WHERE person_id = '{id}'";
    let changed = |ms: i64| changed.replace("{ms}", &ms.to_string());
    let expired = first("expired password").await?;
    let expired = Subject {
        password_changed_ms: 1,
        ..expired.changed(&changed(1), &changed(now_ms()))?
    };
    let outside = first("off campus").await?;
    let proxy = &world.proxy;
    let outside = Subject {
        person: outside.person.moved_to(&proxy.url, &proxy.ca_pem)?,
        network: Network::Outside,
        ..outside
    };
    let [one_unit, other_unit] = ["level 2 of unit 0", "level 2 of unit 1"];
    Ok(vec![
        nobody,
        first("level 1").await?,
        one(one_unit, "D2001", UnitSupervisor).await?.level(2),
        one(other_unit, "D2002", UnitSupervisor).await?.level(2),
        suspended,
        expired,
        outside,
        one("unsigned", "D1002", SchoolSupervisor)
            .await?
            .level(1)
            .unsigned(),
    ])
}

/// Whoever keeps the system, leads, teaches or learns.
async fn others(world: &World) -> Result<Vec<Subject>> {
    use Role::{
        AcademicAffairs, AuditAdministrator, SecurityAdministrator, Teacher, Technician, UnitLeader,
    };
    let one = async |name, login, role| Subject::new(world, name, login, role).await;
    let learner = one("learner", "T6004", Teacher).await?.unsigned();
    let learner = learner.changed(
        "DELETE FROM person_roles WHERE person_id = '{id}'",
        "INSERT INTO person_roles (person_id, role) VALUES ('{id}', 'teacher')",
    )?;
    let [security, audit] = ["security administrator", "audit administrator"];
    Ok(vec![
        one("technician", "J3001", Technician).await?.level(3),
        one(security, "J3002", SecurityAdministrator).await?,
        one(audit, "J3003", AuditAdministrator).await?,
        one("academic affairs", "A4001", AcademicAffairs).await?,
        one("unit leader", "U5001", UnitLeader).await?,
        one("teacher", TEACHER, Teacher).await?.unsigned(),
        Subject {
            roles: vec![],
            ..learner
        },
    ])
}
