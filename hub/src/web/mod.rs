//! The web: the doors for people and for boxes. The only room that knows HTTP.
//!
//! error → listen → input → failure → guard → one file per screen → ui → headers → boxes → routes →
//! metrics → entrances

pub mod error;
pub mod listen;
pub mod input;
pub mod failure;
pub mod guard;
pub mod names;
pub mod enrolment;
pub mod purpose;
pub mod lesson;
pub mod agreement;
pub mod session;
pub mod single_sign_on;
pub mod rooms;
pub mod audit;
pub mod inspections;
pub mod risks;
pub mod reviews;
pub mod home;
pub mod events;
pub mod viewer;
pub mod recordings;
pub mod room_lessons;
pub mod plays;
pub mod marks;
pub mod completeness;
pub mod capture;
pub mod devices;
pub mod faults;
pub mod fleet;
pub mod history;
pub mod alerts;
pub mod duty;
pub mod work_orders;
pub mod channels;
pub mod records;
pub mod applications;
pub mod grants;
pub mod minors;
pub mod exam_locks;
pub mod papers;
pub mod people;
pub mod stale;
pub mod lockouts;
pub mod staff_import;
pub mod timetable_import;
pub mod agreements;
pub mod departures;
pub mod desk;
pub mod commands;
pub mod checkup;
pub mod sanctions;
pub mod interferences;
pub mod incidents;
pub mod premium;
pub mod holds;
pub mod destructions;
pub mod watchers;
pub mod start;
pub mod account;
pub mod passkeys;
pub mod ui;
pub mod headers;
pub mod boxes;
pub mod routes;
pub mod metrics;
pub mod entrances;

use std::sync::Arc;

use crate::access::account::Accounts;
use crate::access::agreement::{self as signing, Agreements};
use crate::access::audit::Trail;
use crate::access::audit::copy::Copies;
use crate::access::audit::day::Days;
use crate::access::audit::failures::Failures;
use crate::access::departure::Departures;
use crate::access::gate::Gate;
use crate::access::grant::Grants;
use crate::access::incident::Incidents;
use crate::access::inspection::Inspections;
use crate::access::interference::Interferences;
use crate::access::keeping::Keepings;
use crate::access::paper::Papers;
use crate::access::release::Releases;
use crate::access::risk::Risks;
use crate::access::roster::Roster;
use crate::access::sanction::Sanctions;
use crate::access::secret::SealingKey;
use crate::access::session::Sessions;
use crate::access::sign_in::Desk;
use crate::access::single_sign_on::SingleSignOn;
use crate::access::single_sign_on::issuer::Issuer;
use crate::access::stale::StaleAccounts;
use crate::access::start::Starts;
use crate::access::start_code::StartCodes;
use crate::authority::Ca;
use crate::config::{self, Config};
use crate::device::Devices;
use crate::device::enrol::{MqttPlace, Place};
use crate::health::alert::Alerts;
use crate::health::channel::desk::Channels;
use crate::health::channel::kind::Carrier;
use crate::health::checkup::Checkups;
use crate::keys::Keys;
use crate::live::order::Orders;
use crate::live::relay::Relay;
use crate::live::viewer::Views;
use crate::notice::Notices;
use crate::recording::ingest::Ingest;
use crate::recording::mark::Marks;
use crate::recording::media::Media;
use crate::recording::playback::Playback;
use crate::recording::retention::Retention;
use crate::recording::timetable::{Roll, Timetables};
use crate::schedule::import::Schedule;
use crate::store::Db;
use xunke_policy::institution::Institution;

/// What handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The configuration.
    pub config: Arc<Config>,
    /// The store.
    pub db: Db,
    /// The audit trail.
    pub trail: Arc<Trail>,
    /// Signs its head, each day and for exports.
    pub days: Arc<Days>,
    /// Copies signed days to another machine.
    pub copies: Arc<Copies>,
    /// Tells the trail what failed.
    pub failures: Arc<Failures>,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Where people sign in.
    pub desk: Desk,
    /// Where people come in whom the school's issuer vouches for.
    pub single_sign_on: SingleSignOn,
    /// Decides and hands out permits.
    pub gate: Gate,
    /// Where start codes are issued.
    pub start_codes: StartCodes,
    /// Where accounts start.
    pub starts: Starts,
    /// Accounts, each for its owner.
    pub accounts: Accounts,
    /// Applications, and the ledger of what came of them.
    pub grants: Grants,
    /// What speaks for applications.
    pub papers: Papers,
    /// Everybody there is.
    pub roster: Roster,
    /// What is taught where and when.
    pub schedule: Schedule,
    /// Accounts that nobody uses.
    pub stale: Arc<StaleAccounts>,
    /// Who has to wait after wrong sign-ins.
    pub releases: Releases,
    /// Confidentiality agreements.
    pub agreements: Agreements,
    /// Inspections of the trail.
    pub inspections: Inspections,
    /// What in the trail somebody should look at.
    pub risks: Risks,
    /// Departures and their hand-over lists.
    pub departures: Departures,
    /// Decisions about breaches.
    pub sanctions: Sanctions,
    /// Interference with patrols.
    pub interferences: Interferences,
    /// Where leaks are traced.
    pub incidents: Incidents,
    /// What is wrong with rooms, who is told of it, and what 信息中心 is to repair.
    pub alerts: Alerts,
    /// What has just changed.
    pub notices: Notices,
    /// The boxes.
    pub devices: Devices,
    /// The check-up before the first lesson.
    pub checkups: Checkups,
    /// By which messages leave the hub.
    pub channels: Channels,
    /// Opens recordings for a permit.
    pub keys: Arc<Keys>,
    /// Live streams of the boxes.
    pub relay: Relay,
    /// Who watches them.
    pub views: Views,
    /// Tells boxes when to record.
    pub timetables: Timetables,
    /// Takes segments from boxes.
    pub ingest: Ingest,
    /// Plays recordings to people.
    pub playback: Playback,
    /// Time marks in recordings.
    pub marks: Marks,
    /// Decisions to keep recordings longer.
    pub keepings: Keepings,
    /// Ends recordings.
    pub retention: Retention,
}

/// What is opened at start, before any door.
pub struct Opened {
    /// Every change of it and of what follows goes through here.
    pub trail: Arc<Trail>,
    /// The school's levels, departments and rules.
    pub institution: Institution,
    /// Opens the second factors of people.
    pub sealing: SealingKey,
    /// The school's issuer, if it has one.
    pub issuer: Option<Issuer>,
    /// The certificate authority.
    pub ca: Arc<Ca>,
    /// The keys.
    pub keys: Arc<Keys>,
    /// Where sealed segments are kept.
    pub media: Media,
    /// The way out for messages.
    pub carrier: Carrier,
    /// Where boxes speak MQTT.
    pub mqtt: MqttPlace,
}

impl App {
    /// The school's name, as on official forms (R73): the configuration's, or the institution's.
    #[must_use]
    pub fn college(&self) -> &str {
        match self.config.college.name.as_str() {
            "" => &self.gate.institution().name,
            name => name,
        }
    }

    /// Puts the rooms together.
    #[must_use]
    pub fn new(config: Arc<Config>, db: Db, notices: Notices, opened: Opened) -> Self {
        let Opened {
            trail,
            institution,
            sealing,
            issuer,
            ca,
            keys,
            media,
            carrier,
            mqtt,
        } = opened;
        let (sessions, desk, gate) = door_of((&db, &trail), &config, &sealing, institution);
        let (grants, roster, departures) = posts(&db, &trail, &gate);
        let schedule = Schedule::new(db.clone(), trail.clone());
        let papers = Papers::new(db.clone(), trail.clone(), sealing.clone());
        let (sanctions, interferences, incidents) = breaches(&db, &trail, &ca);
        let (start_codes, starts, accounts) =
            starting((&db, &trail, &gate), &config, (&desk, &sessions), &sealing);
        let (stale, releases) = guarding((&db, &trail), &config, &desk);
        let agreements = signing_of((&db, &trail, &gate), &config, (&desk, sealing));
        let watch = watch_over((&db, &trail, &gate), &config, (&notices, &ca));
        let ingest = ingest(&db, (&media, &keys), &ca, &config.recording);
        let (marks, channels) = handed_on((&db, &trail), (&media, &ca), (&keys, carrier));
        let (keepings, retention, playback) = library((&db, &trail, &gate), (&keys, media), &ca);
        let (devices, timetables) = boxes_of((&db, &trail), (ca, &keys), mqtt, &config);
        let (relay, views) = live_of((&db, &gate), &sessions, &devices);
        Self {
            alerts: Alerts::new(&db, &trail),
            single_sign_on: SingleSignOn::new(issuer, desk.clone(), trail.clone()),
            checkups: checkups((&db, &trail), &devices, &config),
            config,
            db,
            trail,
            days: watch.days,
            copies: watch.copies,
            failures: watch.failures,
            sessions,
            desk,
            gate,
            start_codes,
            starts,
            accounts,
            grants,
            inspections: watch.inspections,
            risks: watch.risks,
            roster,
            schedule,
            stale,
            releases,
            agreements,
            departures,
            sanctions,
            interferences,
            incidents,
            papers,
            notices,
            devices,
            channels,
            keys,
            relay,
            views,
            timetables,
            ingest,
            playback,
            marks,
            keepings,
            retention,
        }
    }
}

/// Who is signed in, with what they prove who they are, and what decides.
fn door_of(
    (db, trail): (&Db, &Arc<Trail>),
    config: &Arc<Config>,
    sealing: &SealingKey,
    institution: Institution,
) -> (Sessions, Desk, Gate) {
    let sessions = Sessions::new(db.clone(), &config.session);
    let (c, t, s) = (config.clone(), trail.clone(), sessions.clone());
    let desk = Desk::new(db.clone(), t.clone(), s.clone(), c.clone(), sealing.clone());
    let gate = Gate::new(db.clone(), t, s, c, institution);
    (sessions, desk, gate)
}

/// Where people sign 附件2.
fn signing_of(
    (db, trail, gate): (&Db, &Arc<Trail>, &Gate),
    config: &Config,
    (desk, sealing): (&Desk, SealingKey),
) -> Agreements {
    let tools = signing::Tools {
        desk: desk.clone(),
        sealing,
        institution: gate.institution().clone(),
    };
    Agreements::new(db.clone(), trail.clone(), tools, &config.agreement)
}

/// What leaves the hub: marks with their documents, and messages about faults.
fn handed_on(
    (db, trail): (&Db, &Arc<Trail>),
    (media, ca): (&Media, &Ca),
    (keys, carrier): (&Arc<Keys>, Carrier),
) -> (Marks, Channels) {
    let shared = || (db.clone(), trail.clone());
    let (d, t) = shared();
    let marks = Marks::new(d, t, media.clone(), ca.signing_key().clone());
    let (d, t) = shared();
    (marks, Channels::new(d, t, keys.clone(), Arc::new(carrier)))
}

/// Live streams, and who watches them.
fn live_of((db, gate): (&Db, &Gate), sessions: &Sessions, devices: &Devices) -> (Relay, Views) {
    let relay = Relay::new(Arc::new(Orders::new(db.clone(), devices.clone())));
    let views = Views::new(db.clone(), gate.clone(), sessions.clone(), relay.clone());
    (relay, views)
}

/// What keeps recordings, what ends them, and what plays them.
fn library(
    (db, trail, gate): (&Db, &Arc<Trail>, &Gate),
    (keys, media): (&Arc<Keys>, Media),
    ca: &Ca,
) -> (Keepings, Retention, Playback) {
    let shared = || (db.clone(), trail.clone());
    let (d, t) = shared();
    let keepings = Keepings::new(d, t, gate.institution().clone());
    let tools = (keys.clone(), media.clone());
    let signing = ca.signing_key().clone();
    let retention = Retention::new(shared(), keepings.clone(), tools, signing);
    let playback = Playback::new(db.clone(), gate.clone(), keys.clone(), media);
    (keepings, retention, playback)
}

/// What takes segments from boxes.
fn ingest(
    db: &Db,
    (media, keys): (&Media, &Arc<Keys>),
    ca: &Ca,
    config: &config::Recording,
) -> Ingest {
    let signing = ca.signing_key().clone();
    Ingest::new(
        db.clone(),
        media.clone(),
        keys.clone(),
        signing,
        (config.uploads_max, Roll::of(config)),
    )
}

/// What signs the trail and looks through it.
struct Watch {
    days: Arc<Days>,
    failures: Arc<Failures>,
    copies: Arc<Copies>,
    inspections: Inspections,
    risks: Risks,
}

fn watch_over(
    (db, trail, gate): (&Db, &Arc<Trail>, &Gate),
    config: &Config,
    (notices, ca): (&Notices, &Ca),
) -> Watch {
    let (trail, school) = (trail.clone(), gate.institution().clone());
    let days = Arc::new(Days::new(trail.clone(), ca.signing_key().clone()));
    Watch {
        failures: Arc::new(Failures::new(trail.clone())),
        copies: Arc::new(Copies::new(days.clone(), &config.audit.copy_dir)),
        days,
        inspections: Inspections::new(db.clone(), trail.clone(), school.clone()),
        risks: Risks::new(db.clone(), trail, notices.clone(), school),
    }
}

/// What keeps accounts from whoever should not use them.
fn guarding(
    (db, trail): (&Db, &Arc<Trail>),
    config: &Config,
    desk: &Desk,
) -> (Arc<StaleAccounts>, Releases) {
    let stale = StaleAccounts::new(db.clone(), trail.clone(), &config.session);
    let releases = Releases::new(db.clone(), trail.clone(), desk.clone());
    (Arc::new(stale), releases)
}

/// What accounts start with, and what their owners do with them.
fn starting(
    (db, trail, gate): (&Db, &Arc<Trail>, &Gate),
    config: &Config,
    (desk, sessions): (&Desk, &Sessions),
    sealing: &SealingKey,
) -> (StartCodes, Starts, Accounts) {
    let shared = || (db.clone(), trail.clone());
    let (school, sealing) = (gate.institution().clone(), sealing.clone());
    let (d, t) = shared();
    let start_codes = StartCodes::new(d, t, config.session.start_code_hours);
    let (d, t) = shared();
    let starts = Starts::new(d, t, desk.clone(), sealing.clone(), school.clone());
    let people = (desk.clone(), sessions.clone());
    let accounts = Accounts::new(shared(), people, sealing, school);
    (start_codes, starts, accounts)
}

/// The check-up before the first lesson.
fn checkups((db, trail): (&Db, &Arc<Trail>), devices: &Devices, config: &Config) -> Checkups {
    let minute = config.checkup.minute();
    Checkups::new(db.clone(), trail.clone(), devices.clone(), minute)
}

/// What gives permissions and posts, and what ends them.
fn posts(db: &Db, trail: &Arc<Trail>, gate: &Gate) -> (Grants, Roster, Departures) {
    let shared = || (db.clone(), trail.clone(), gate.institution().clone());
    let (d, t, school) = shared();
    let grants = Grants::new(d, t, school);
    let (d, t, school) = shared();
    let roster = Roster::new(d, t, school);
    let (d, t, school) = shared();
    (grants, roster, Departures::new(d, t, school))
}

/// What answers a breach, each with files that the hub signs.
fn breaches(db: &Db, trail: &Arc<Trail>, ca: &Ca) -> (Sanctions, Interferences, Incidents) {
    let shared = || (db.clone(), trail.clone(), ca.signing_key().clone());
    let (d, t, key) = shared();
    let sanctions = Sanctions::new(d, t, key);
    let (d, t, key) = shared();
    let interferences = Interferences::new(d, t, key);
    let (d, t, key) = shared();
    (sanctions, interferences, Incidents::new(d, t, key))
}

/// The boxes, what a new one is told, and when they are to record.
fn boxes_of(
    (db, trail): (&Db, &Arc<Trail>),
    (ca, keys): (Arc<Ca>, &Arc<Keys>),
    mqtt: MqttPlace,
    config: &Config,
) -> (Devices, Timetables) {
    let signing = ca.signing_key().clone();
    let enrolment = Place {
        ca,
        keys: keys.clone(),
        mqtt,
    };
    let devices = Devices::new(db.clone(), trail.clone(), enrolment);
    let (house, commands) = ((db.clone(), trail.clone()), devices.commands.clone());
    let timetables = Timetables::new(house, signing, commands, &config.recording);
    (devices, timetables)
}
