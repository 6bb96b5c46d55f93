//! A stage for the tests of this room: two units, a room each, a lesson, people, a box that seals.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use futures_util::stream;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use uuid::Uuid;
use xunke_protocol::id::{ClassroomId, SegmentId};
use xunke_protocol::recording::Receipt;
use xunke_protocol::sealed::Sealer;
use xunke_protocol::sealed::epoch;
use xunke_protocol::sealed::header::Header;

use super::ingest::{self, Ingest, Sender};
use super::mark::Marks;
use super::media::Media;
use super::playback::Playback;
use super::retention::Retention;
use super::timetable::Roll;
use crate::access::audit::Trail;
use crate::access::gate::Gate;
use crate::access::gate::tests::stage::school;
use crate::access::keeping::Keepings;
use crate::access::session::{Session, Sessions};
use crate::config::{self, Config};
use crate::keys::Keys;
use crate::keys::custody::Custody;
use crate::notice::Notices;
use crate::store::campus::{self as campus_rows, LessonRow, TermRow};
use crate::store::people::{self as people_rows, GrantRow, NewPerson};
use crate::store::trail::Line;
use crate::store::{Db, Writing};

/// 2026-11-22 08:00 in Shanghai: the lesson begins.
pub const EIGHT: i64 = 1_795_305_600_000;
/// The lesson ends.
pub const NINE_FORTY: i64 = EIGHT + 100 * 60_000;
pub const SECOND_US: i64 = 1_000_000;
pub const DESK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 2, 3));
/// Room 101 of unit 1, room 102 of unit 2.
pub const ROOM: ClassroomId = ClassroomId(Uuid::from_u128(101));
pub const OTHER_ROOM: ClassroomId = ClassroomId(Uuid::from_u128(102));
pub const LESSON: Uuid = Uuid::from_u128(7);
pub const UNIT: Uuid = Uuid::from_u128(1);
pub const OTHER_UNIT: Uuid = Uuid::from_u128(2);

/// What a test segment holds: the init segment and two fragments.
pub const PLAIN: [&[u8]; 3] = [b"ftyp moov", b"moof mdat one", b"moof mdat two"];

pub struct Stage {
    pub db: Db,
    pub folder: PathBuf,
    pub keys: Arc<Keys>,
    pub sessions: Sessions,
    pub trail: Arc<Trail>,
    pub ingest: Ingest,
    pub playback: Playback,
    pub marks: Marks,
    pub gate: Gate,
    pub keepings: Keepings,
    pub retention: Retention,
    pub media: Media,
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

pub fn hub_key() -> SigningKey {
    SigningKey::from_bytes(&[4; 32])
}

pub fn box_key() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

pub fn sender() -> Sender {
    Sender {
        device: "box-1".parse().unwrap(),
        classrooms: vec![ROOM],
        signing_keys: vec![box_key().verifying_key()],
    }
}

pub async fn stage() -> Stage {
    let db = Db::in_memory().await;
    college(&db).await;
    let folder = std::env::temp_dir().join(format!("xunke-recording-{}", Uuid::now_v7()));
    let config = Config::default();
    let days = config::Keys {
        days_ahead: 2,
        ..config::Keys::default()
    };
    let custody = Custody::own(&folder);
    let keys = Keys::open(db.clone(), &custody, &days, hub_key(), EIGHT).await;
    let keys = Arc::new(keys.unwrap());
    let media = Media::open(&folder.join("media"), 0).unwrap();
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let sessions = Sessions::new(db.clone(), &config.session);
    let config = Arc::new(config);
    let gate = Gate::new(
        db.clone(),
        trail.clone(),
        sessions.clone(),
        config,
        school(),
    );
    let playback = Playback::new(db.clone(), gate.clone(), keys.clone(), media.clone());
    let keepings = Keepings::new(db.clone(), trail.clone(), Arc::new(school()));
    Stage {
        ingest: Ingest::new(
            db.clone(),
            media.clone(),
            keys.clone(),
            hub_key(),
            (8, Roll::of(&config::Recording::default())),
        ),
        playback,
        marks: Marks::new(db.clone(), trail.clone(), media.clone(), hub_key()),
        gate,
        retention: Retention::new(
            (db.clone(), trail.clone()),
            keepings.clone(),
            (keys.clone(), media.clone()),
            hub_key(),
        ),
        keepings,
        media,
        db,
        folder,
        keys,
        sessions,
        trail,
    }
}

/// What a box sends: segment `number` of `cam0`, from `start_us`, of `seconds`.
pub struct Film {
    pub header: Header,
    pub seconds: u32,
    pub finished: bool,
    /// The init segment and the fragments.
    pub plain: Vec<Vec<u8>>,
}

pub fn film(number: u128, start_us: i64, seconds: u32) -> Film {
    Film {
        header: Header {
            device: "box-1".parse().unwrap(),
            classroom: ROOM,
            segment: SegmentId(Uuid::from_u128(number)),
            source: "cam0".parse().unwrap(),
            epoch: 0,
            start_us,
            boot: Uuid::from_u128(3),
            mono_ms: 42,
            codecs: "avc1.640028,mp4a.40.2".into(),
            previous: [0; 32],
        },
        seconds,
        finished: true,
        plain: PLAIN.map(<[u8]>::to_vec).into(),
    }
}

impl Stage {
    /// Seals with the day's key, as a box does with its bundle.
    pub async fn sealed(&self, film: &Film, key: SigningKey) -> Vec<u8> {
        self.sealed_at(film, key, EIGHT).await
    }

    /// The same with the bundle of a later day.
    pub async fn sealed_at(&self, film: &Film, key: SigningKey, at_ms: i64) -> Vec<u8> {
        let bundle = self.keys.bundle(at_ms).await.unwrap();
        let day = bundle
            .nearest(epoch::of(film.header.start_us / 1000))
            .unwrap();
        let mut rng = UnwrapErr(SysRng);
        let (mut sealer, mut bytes) = Sealer::begin(&film.header, day, key, &mut rng).unwrap();
        let fragments = u32::try_from(film.plain.len() - 1).unwrap();
        for (index, plain) in (0u32..).zip(&film.plain) {
            let until_us = film.seconds * 1_000_000 / fragments * index;
            bytes.extend(sealer.chunk(plain, until_us).unwrap());
        }
        bytes.extend(sealer.checkpoint());
        if film.finished {
            bytes.extend(sealer.finish().0);
        }
        bytes
    }

    /// Uploads bytes under an id, in two pieces.
    pub async fn upload(
        &self,
        segment: SegmentId,
        sender: Sender,
        bytes: &[u8],
        now_ms: i64,
    ) -> Result<Receipt, ingest::Error> {
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let pieces = [first, rest].map(|piece| Ok::<_, ()>(Bytes::copy_from_slice(piece)));
        let received = self
            .ingest
            .receive(segment, &sender.device, 0, stream::iter(pieces))
            .await?;
        self.ingest.accept(segment, sender, received, now_ms).await
    }

    /// Seals and uploads from the box of room 101.
    pub async fn store(&self, film: &Film) -> Receipt {
        let bytes = self.sealed(film, box_key()).await;
        let receipt = self.upload(film.header.segment, sender(), &bytes, EIGHT);
        receipt.await.unwrap()
    }

    pub async fn sign_in(&self, person: u128, now_ms: i64) -> Session {
        let token = self
            .sessions
            .begin(Uuid::from_u128(person), DESK, now_ms)
            .await;
        let found = self.sessions.find(&token.unwrap(), now_ms).await.unwrap();
        found.unwrap()
    }

    /// The newest line of the trail.
    pub async fn last_line(&self) -> Line {
        self.trail.before(i64::MAX, 1).await.unwrap().remove(0)
    }

    /// Every file under the media folder.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.join("media")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let path = path.strip_prefix(self.folder.join("media")).unwrap();
                    files.push(path.to_str().unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }
}

pub const SCHOOL_SUPERVISOR: u128 = 11;
pub const UNIT_SUPERVISOR: u128 = 12;
pub const OTHER_UNIT_SUPERVISOR: u128 = 13;
pub const TECHNICIAN: u128 = 14;
pub const UNSIGNED: u128 = 15;
pub const TEACHER: u128 = 16;
pub const ACADEMIC_AFFAIRS: u128 = 17;

async fn college(db: &Db) {
    let mut writing = db.begin().await.unwrap();
    rooms(&mut writing).await;
    let unit = |id: Uuid| Some(id.to_string());
    person(&mut writing, TECHNICIAN, "technician", 3, None, true).await;
    person(
        &mut writing,
        SCHOOL_SUPERVISOR,
        "school_supervisor",
        1,
        None,
        true,
    )
    .await;
    person(&mut writing, UNSIGNED, "school_supervisor", 1, None, false).await;
    person(&mut writing, TEACHER, "teacher", 9, None, false).await;
    person(
        &mut writing,
        ACADEMIC_AFFAIRS,
        "academic_affairs",
        9,
        None,
        false,
    )
    .await;
    let own = unit(UNIT);
    person(
        &mut writing,
        UNIT_SUPERVISOR,
        "unit_supervisor",
        2,
        own,
        true,
    )
    .await;
    let other = unit(OTHER_UNIT);
    person(
        &mut writing,
        OTHER_UNIT_SUPERVISOR,
        "unit_supervisor",
        2,
        other,
        true,
    )
    .await;
    Db::commit(writing).await.unwrap();
}

async fn rooms(writing: &mut Writing) {
    let building = Uuid::from_u128(9).to_string();
    campus_rows::add_building(writing, &building, "博学楼")
        .await
        .unwrap();
    let all = [
        (UNIT, "XX", "信息工程学院", ROOM, "博学楼101"),
        (OTHER_UNIT, "JD", "机电工程学院", OTHER_ROOM, "博学楼102"),
    ];
    for (unit, code, name, room, room_name) in all {
        let (unit, room) = (unit.to_string(), room.to_string());
        campus_rows::add_unit(writing, &unit, code, name)
            .await
            .unwrap();
        let added = campus_rows::add_classroom(writing, &room, room_name, &building, &unit);
        added.await.unwrap();
    }
    let term = TermRow {
        id: Uuid::from_u128(5).to_string(),
        school_year: "2026-2027".into(),
        number: 1,
        week_one: 20_696,
        weeks: 20,
    };
    campus_rows::add_term(writing, &term).await.unwrap();
    let lesson = LessonRow {
        id: LESSON.to_string(),
        term_id: term.id,
        classroom_id: ROOM.to_string(),
        unit_id: UNIT.to_string(),
        teacher_id: None,
        teacher: "赵敏".into(),
        course: "计算机网络".into(),
        class_groups: "网络2301\n网络2302".into(),
        day: 20_779,
        period_from: 1,
        period_to: 2,
        start_ms: EIGHT,
        end_ms: NINE_FORTY,
        due_count: 60,
        minors: 0,
        course_code: String::new(),
        teaching_class: String::new(),
    };
    campus_rows::add_lesson(writing, &lesson).await.unwrap();
}

async fn person(
    writing: &mut Writing,
    number: u128,
    role: &str,
    level: i64,
    unit_id: Option<String>,
    signed: bool,
) {
    let id = Uuid::from_u128(number).to_string();
    let staff_number = format!("T{number}");
    let new = NewPerson {
        id: &id,
        staff_number: &staff_number,
        name: "王建国",
        unit_id: unit_id.as_deref(),
        roles: &[role],
        password_hash: "",
        totp_sealed: "",
        now_ms: EIGHT,
    };
    people_rows::add_person(writing, &new).await.unwrap();
    let grant = GrantRow {
        level,
        unit_id,
        from_ms: 0,
        until_ms: None,
        minors: 0,
    };
    let opener = Uuid::from_u128(TECHNICIAN).to_string();
    people_rows::add_grant(writing, &id, &grant, "2026-1", &opener)
        .await
        .unwrap();
    if signed {
        people_rows::add_agreement(writing, &id, &staff_number, 1)
            .await
            .unwrap();
    }
}
