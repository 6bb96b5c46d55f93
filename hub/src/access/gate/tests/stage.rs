//! A college of two rooms and its gate, for the tests of whoever hands out permits.

use std::net::Ipv4Addr;

use xunke_policy::institution::Rules;

use super::super::*;
use crate::access::secret::SealingKey;
use crate::demo::Seeded;
use crate::demo::tests::college_at;
use crate::notice::Notices;
use crate::store::trail::Line;

/// Where everybody sits.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What the calendar alone keeps of a lesson.
pub(crate) const LESSON: Kept = Kept {
    in_lesson: true,
    premium: false,
    held: false,
};

/// The gate and all that it looks at.
pub(crate) struct Stage {
    pub db: Db,
    pub gate: Gate,
    pub trail: Arc<Trail>,
    pub sessions: Sessions,
    /// Room 0 belongs to the unit of the first `unit_supervisor`, room 1 to another.
    pub rooms: Vec<Classroom>,
    /// Seals what is kept.
    pub sealing: SealingKey,
    seeded: Seeded,
}

pub(crate) async fn stage(now_ms: i64) -> Stage {
    let (db, sealing, seeded) = college_at(2, now_ms).await;
    let (gate, trail, sessions) = gate(&db);
    let mut rooms = classroom::all(&db).await.unwrap();
    rooms.sort_by_key(|room| room.unit.name != "信息工程学院");
    Stage {
        db,
        gate,
        trail,
        sessions,
        rooms,
        sealing,
        seeded,
    }
}

/// The institution of every test.
pub(crate) fn school() -> Institution {
    xunke_policy::preset::parse(xunke_policy::preset::POLYTECHNIC).unwrap()
}

fn gate(db: &Db) -> (Gate, Arc<Trail>, Sessions) {
    gate_of(db, school())
}

fn gate_of(db: &Db, school: Institution) -> (Gate, Arc<Trail>, Sessions) {
    let config = Arc::new(Config::default());
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let sessions = Sessions::new(db.clone(), &config.session);
    let gate = Gate::new(db.clone(), trail.clone(), sessions.clone(), config, school);
    (gate, trail, sessions)
}

impl Stage {
    /// The same college under other rules.
    pub fn with_rules(self, change: impl FnOnce(&mut Rules)) -> Self {
        let mut school = school();
        change(&mut school.rules);
        let (gate, trail, sessions) = gate_of(&self.db, school);
        Self {
            gate,
            trail,
            sessions,
            ..self
        }
    }

    /// A hub that remembers nothing but what is stored.
    pub fn restarted(self) -> Self {
        let (gate, trail, sessions) = gate(&self.db);
        Self {
            gate,
            trail,
            sessions,
            ..self
        }
    }

    /// Signs in the first person with this label, which ends a session they had.
    pub async fn session(&self, label: &str, now_ms: i64) -> Session {
        let mut accounts = self.seeded.accounts.iter();
        let account = accounts.find(|account| account.label == label).unwrap();
        let token = self.sessions.begin(account.id, HERE, now_ms).await.unwrap();
        self.sessions.find(&token, now_ms).await.unwrap().unwrap()
    }

    /// Lines of the trail, newest first.
    pub async fn lines(&self) -> Vec<Line> {
        self.trail.before(i64::MAX, 50).await.unwrap()
    }
}
