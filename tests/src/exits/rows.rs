//! One line for each route: what is asked, who may, and what the answer may show. Writes with a
//! whole form stand in `papers`, recordings in `recordings`.

use xunke_policy::Refusal;
use xunke_policy::access::Action;
use xunke_policy::patrol::Extent;

use super::canary::{LESSON, NOTHING, RECORD, RECORDING, ROOM, ROOMS, Shown, TEXT};
use super::subject::Subject;
use super::world::World;

/// With what a path is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Nothing to fill; where there is an id, nothing has it. With an empty object as body.
    Once,
    /// As [`Ask::Once`], without the CSRF token: the session is needed again.
    Spared,
    /// Only the head of the answer, for it never ends.
    Endless,
    /// For each room: the room.
    Room,
    /// The room, in the query.
    ForRoom,
    /// The form about it, without a grade.
    Form,
    /// Its recording.
    Recording,
    /// A segment of somebody's open playback.
    Segment,
    /// Its patrol record.
    Record,
    /// The paper with this id, with its whole form; without an id, the bystander.
    Paper(&'static str),
}

/// What the policy says comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Anything that is no refusal: done, or told what is wrong with the request.
    Passes,
    /// This.
    Is(u16),
    /// 403 with its code and article.
    Refused(Refusal),
}

/// What an answer shows.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    /// These and no others: the list is whole.
    Exactly(Shown),
    /// Some of these.
    AtMost(Shown),
}

/// Who asks, and about which room.
pub struct Case<'a> {
    /// The world they ask about.
    pub world: &'a World,
    /// Who.
    pub subject: &'a Subject,
    /// The number of the room.
    pub room: usize,
}

/// What the policy says in a case.
pub type Answer = Box<dyn Fn(&Case<'_>) -> (Want, Seen)>;

/// A row.
pub struct Row {
    /// As `xunke-hub doors` prints it.
    pub entrance: &'static str,
    /// With what its path is filled.
    pub ask: Ask,
    /// What the policy says comes back.
    pub answer: Answer,
}

/// The table.
pub fn all() -> Vec<Row> {
    let mut all = accounts();
    all.extend(classes());
    all.extend(offices());
    all.extend(agreements());
    all.extend(others());
    all.extend(cases());
    all.extend(retention());
    all
}

/// One row.
pub fn row(entrance: &'static str, ask: Ask, answer: Answer) -> Row {
    Row {
        entrance,
        ask,
        answer,
    }
}

/// Signing in, and the own account.
fn accounts() -> Vec<Row> {
    use Ask::{Once, Spared};
    vec![
        row("POST /api/session", Once, anybody()),
        row("POST /api/session/link", Once, anybody()),
        row("GET /api/session/single-sign-on", Once, anybody()),
        row("POST /api/session/single-sign-on", Once, anybody()),
        row("POST /api/session/single-sign-on/return", Once, anybody()),
        row("POST /api/session/single-sign-on/code", Once, anybody()),
        row("DELETE /api/session", Spared, spared()),
        row("GET /api/me", Once, oneself()),
        row("POST /api/start", Once, anybody()),
        row("POST /api/start/account", Once, anybody()),
        row("GET /api/account", Once, oneself()),
        row("POST /api/account/password", Once, oneself()),
        row("POST /api/account/authenticator", Once, oneself()),
        row("PUT /api/account/authenticator", Once, oneself()),
        row("POST /api/account/recovery-codes", Once, oneself()),
    ]
}

/// What is there to see, and what it runs on.
fn classes() -> Vec<Row> {
    use Action::{SeeCompleteness, SeeDevices};
    use Ask::{Endless, ForRoom, Form, Once, Record, Room};
    vec![
        row("GET /api/home", Once, Box::new(home)),
        row("GET /api/events", Endless, oneself()),
        row("GET /api/rooms", Once, Box::new(rooms)),
        row("GET /api/rooms/{id}", Room, Box::new(room)),
        row("GET /api/rooms/{id}/lessons", Room, Box::new(lessons)),
        row("GET /api/live", Once, oneself()),
        row("GET /api/records", Once, Box::new(records)),
        row("GET /api/records/new", ForRoom, Box::new(header)),
        row("POST /api/records", Form, Box::new(form)),
        row("GET /api/records/{id}", Record, Box::new(record)),
        row("GET /api/devices", Once, may_see(SeeDevices, [ROOM; ROOMS])),
        row("GET /api/faults", Once, may_see(SeeDevices, [ROOM; ROOMS])),
        row("GET /api/fleet", Once, may_see(SeeDevices, [ROOM; ROOMS])),
        row("GET /api/rooms/{id}/health/history", Once, may(SeeDevices)),
        row(
            "GET /api/completeness",
            Once,
            may_see(SeeCompleteness, [ROOM; ROOMS]),
        ),
        row("GET /api/completeness/{id}", Once, may(SeeCompleteness)),
        row("GET /api/desk", Once, may_see(SeeDevices, [ROOM; ROOMS])),
        row("POST /api/desk/codes", Once, may(SeeDevices)),
        row("POST /api/desk/admissions", Once, may(SeeDevices)),
        row("POST /api/desk/steps", Once, may(SeeDevices)),
        row("POST /api/rooms/{id}/capture", Once, may(SeeDevices)),
        row("POST /api/rooms/{id}/record-until", Once, may(SeeDevices)),
    ]
}

/// Permissions and people.
fn offices() -> Vec<Row> {
    use Action::{
        FileApplications, KeepTimetable, ManageAccounts, OpenPermissions, ReadLedger, ReadPapers,
        SeePeople,
    };
    use Ask::Once;
    vec![
        row("GET /api/applications", Once, may(ReadLedger)),
        row("GET /api/applications/new", Once, may(FileApplications)),
        row("GET /api/grants", Once, may(ReadLedger)),
        row("GET /api/review", Once, may(ReadLedger)),
        row("POST /api/review", Once, may(OpenPermissions)),
        row("POST /api/grants/{id}/review", Once, may(ReadLedger)),
        row(
            "GET /api/minors",
            Once,
            may_see(FileApplications, [ROOM; ROOMS]),
        ),
        row("POST /api/minors/{id}", Once, may(FileApplications)),
        row("GET /api/exam-locks", Once, may(FileApplications)),
        row("POST /api/exam-locks", Once, may(FileApplications)),
        row(
            "POST /api/exam-locks/{id}/lifting",
            Once,
            may(FileApplications),
        ),
        row(
            "POST /api/applications/{id}/papers",
            Once,
            may(FileApplications),
        ),
        row("GET /api/papers", Once, may(ReadPapers)),
        row("GET /api/papers/{id}", Once, may(ReadPapers)),
        row("GET /api/people", Once, may(SeePeople)),
        row("GET /api/people/import/template", Once, may(ManageAccounts)),
        row("POST /api/people/import/preview", Once, may(ManageAccounts)),
        row("POST /api/people/import", Once, may(ManageAccounts)),
        row("GET /api/timetable", Once, may(KeepTimetable)),
        row("GET /api/timetable/template", Once, may(KeepTimetable)),
        row("POST /api/timetable/preview", Once, may(KeepTimetable)),
        row("POST /api/timetable/import", Once, may(KeepTimetable)),
        row("GET /api/people/stale", Once, may(ManageAccounts)),
        row("GET /api/people/stale.xlsx", Once, may(ManageAccounts)),
        row("POST /api/people/{id}/disabling", Once, may(ManageAccounts)),
        row("GET /api/lockouts", Once, may(ManageAccounts)),
        row("POST /api/lockouts/release", Once, may(ManageAccounts)),
    ]
}

/// The own agreement, and everybody's.
fn agreements() -> Vec<Row> {
    use Action::{FileApplications, SignAgreement};
    use Ask::Once;
    vec![
        row("GET /api/agreement", Once, oneself()),
        row("POST /api/agreement/reading", Once, may(SignAgreement)),
        row("POST /api/agreement/signature", Once, may(SignAgreement)),
        row("GET /api/agreements", Once, may(FileApplications)),
        row("POST /api/agreements/scans", Once, may(FileApplications)),
        row("POST /api/agreements/paper", Once, may(FileApplications)),
        row("GET /api/agreements/texts", Once, may(FileApplications)),
        row("POST /api/agreements/texts", Once, may(FileApplications)),
        row("GET /api/agreements/{id}", Once, may(FileApplications)),
        row("POST /api/agreements/{id}/end", Once, may(FileApplications)),
        row(
            "POST /api/agreements/{id}/identity",
            Once,
            may(FileApplications),
        ),
        row(
            "GET /api/agreements/{id}/originals/{party}",
            Once,
            oneself(),
        ),
    ]
}

/// The trail, posts and sanctions, and what is left.
fn others() -> Vec<Row> {
    use Action::{FileSanctions, InspectTrail, ReadLedger, ReadTrail};
    use Ask::Once;
    vec![
        row("GET /api/audit", Once, may_see(ReadTrail, IN_THE_TRAIL)),
        row("GET /api/audit/days", Once, may(ReadTrail)),
        row(
            "GET /api/audit/export",
            Once,
            may_see(InspectTrail, IN_THE_TRAIL),
        ),
        row(
            "GET /api/audit/excerpt.xlsx",
            Once,
            may_see(InspectTrail, IN_THE_TRAIL),
        ),
        row(
            "GET /api/audit/excerpt.json",
            Once,
            may_see(InspectTrail, IN_THE_TRAIL),
        ),
        row("POST /api/session/passkey/question", Once, anybody()),
        row("POST /api/session/passkey", Once, anybody()),
        row("GET /api/account/passkeys", Once, oneself()),
        row("POST /api/account/passkeys/question", Once, oneself()),
        row("POST /api/account/passkeys", Once, oneself()),
        row("DELETE /api/account/passkeys/{id}", Once, oneself()),
        row("GET /api/departures", Once, may(ReadLedger)),
        row("GET /api/departures/own", Once, oneself()),
        row("POST /api/departures/own", Once, oneself()),
        row("GET /api/sanctions", Once, may(ReadLedger)),
        row("GET /api/sanctions/own", Once, oneself()),
        row("GET /api/sanctions/{id}/export", Once, may(FileSanctions)),
        row("GET /api/inspections", Once, may(InspectTrail)),
        row("GET /api/inspections/period", Once, may(InspectTrail)),
        row("POST /api/inspections", Once, may(InspectTrail)),
        row("GET /api/risks", Once, may_see(InspectTrail, IN_THE_TRAIL)),
        row("POST /api/risks/{id}/judgement", Once, may(InspectTrail)),
        row("GET /api/watchers", Once, Box::new(watchers)),
        row("GET /api/openapi.json", Once, anybody()),
    ]
}

/// Interference with patrols, and leaks.
fn cases() -> Vec<Row> {
    use Action::{FileSanctions, InspectTrail, ReadLedger};
    use Ask::Once;
    vec![
        row("GET /api/interferences", Once, may(ReadLedger)),
        row("POST /api/interferences", Once, may(FileSanctions)),
        row("GET /api/interferences/export", Once, may(FileSanctions)),
        row(
            "POST /api/interferences/{id}/confirmation",
            Once,
            may(ReadLedger),
        ),
        row(
            "POST /api/interferences/{id}/withdrawal",
            Once,
            may(FileSanctions),
        ),
        row("POST /api/incidents/trace", Once, may(InspectTrail)),
        row("POST /api/incidents/file", Once, may(InspectTrail)),
    ]
}

/// What is kept longer than others, and what was destroyed.
fn retention() -> Vec<Row> {
    use Action::{KeepRecordings, ProposePremium, ReadPapers};
    use Ask::Once;
    vec![
        row("GET /api/premium", Once, may(KeepRecordings)),
        row("POST /api/premium", Once, may(ProposePremium)),
        row("GET /api/premium/own", Once, may(ProposePremium)),
        row("GET /api/premium/candidates", Once, Box::new(candidates)),
        row("POST /api/premium/{id}/approval", Once, may(KeepRecordings)),
        row("POST /api/premium/{id}/removal", Once, may(KeepRecordings)),
        row("POST /api/premium/{id}/consent", Once, may(ProposePremium)),
        row(
            "POST /api/premium/{id}/withdrawal",
            Once,
            may(ProposePremium),
        ),
        row("GET /api/holds", Once, may(KeepRecordings)),
        row("POST /api/holds", Once, may(KeepRecordings)),
        row("POST /api/holds/{id}/end", Once, may(KeepRecordings)),
        row("GET /api/destructions", Once, may(ReadPapers)),
        row("GET /api/destructions/{id}", Once, may(ReadPapers)),
    ]
}

/// The trail names what was seen, never what was taught or written.
const IN_THE_TRAIL: Shown = [ROOM | RECORDING | RECORD; ROOMS];

/// Whoever is on the campus; shows nothing.
fn anybody() -> Answer {
    Box::new(|_| (Want::Passes, Seen::Exactly(NOTHING)))
}

/// Whoever is signed in, about nobody but themselves; shows nothing.
pub fn oneself() -> Answer {
    anybody()
}

/// Nobody: the request is spoiled on purpose.
fn spared() -> Answer {
    Box::new(|_| (Want::Is(403), Seen::Exactly(NOTHING)))
}

/// Whoever may do that; shows nothing.
pub fn may(action: Action<'static>) -> Answer {
    may_see(action, NOTHING)
}

/// Whoever may do that; may show these.
pub fn may_see(action: Action<'static>, shown: Shown) -> Answer {
    Box::new(move |case| match case.subject.may(case.world, action) {
        Ok(()) => (Want::Passes, Seen::AtMost(shown)),
        Err(refusal) => (Want::Refused(refusal), Seen::Exactly(NOTHING)),
    })
}

/// Of the lessons, the own.
fn taught(case: &Case<'_>) -> Shown {
    let own = |room| match case.subject.teaches(room) {
        true => ROOM | LESSON,
        false => 0,
    };
    std::array::from_fn(own)
}

/// Numbers, and the own next lesson.
fn home(case: &Case<'_>) -> (Want, Seen) {
    (Want::Passes, Seen::AtMost(taught(case)))
}

/// Teachers, about their own lessons.
fn watchers(case: &Case<'_>) -> (Want, Seen) {
    may_see(Action::SeeWatchers, taught(case))(case)
}

/// Recorded lessons that they may propose, whether they may watch them or not.
fn candidates(case: &Case<'_>) -> (Want, Seen) {
    let (world, subject) = (case.world, case.subject);
    let shown = |room| match subject.proposes(world, room) {
        Ok(()) => ROOM | LESSON | RECORDING,
        Err(_) => 0,
    };
    let answer = subject.may(world, Action::ProposePremium);
    exactly(answer, std::array::from_fn(shown))
}

/// These kinds of the room that is asked about, and nothing of others.
pub fn one_room(case: &Case<'_>, kinds: u8) -> Shown {
    let mut shown = NOTHING;
    shown[case.room] = kinds;
    shown
}

/// A refusal shows nothing; a yes shows exactly this.
pub fn exactly(answer: Result<(), Refusal>, shown: Shown) -> (Want, Seen) {
    match answer {
        Ok(()) => (Want::Is(200), Seen::Exactly(shown)),
        Err(refusal) => (Want::Refused(refusal), Seen::Exactly(NOTHING)),
    }
}

fn rooms(case: &Case<'_>) -> (Want, Seen) {
    let (world, subject) = (case.world, case.subject);
    let shown = |room| match subject.may_watch(world, room) {
        Ok(()) => ROOM | LESSON,
        Err(_) => 0,
    };
    exactly(
        subject.may(world, Action::SeeRooms),
        std::array::from_fn(shown),
    )
}

fn room(case: &Case<'_>) -> (Want, Seen) {
    let answer = case.subject.may_watch(case.world, case.room);
    exactly(answer, one_room(case, ROOM | LESSON))
}

/// What is taught there today; the room is known by its address.
fn lessons(case: &Case<'_>) -> (Want, Seen) {
    let answer = case.subject.may_watch(case.world, case.room);
    exactly(answer, one_room(case, LESSON))
}

fn shown_of(extent: Option<Extent>) -> u8 {
    match extent {
        Some(Extent::Whole | Extent::Feedback) => ROOM | LESSON | RECORD | TEXT,
        None => 0,
    }
}

fn records(case: &Case<'_>) -> (Want, Seen) {
    let (world, subject) = (case.world, case.subject);
    let shown = |room| shown_of(subject.reads(world, room));
    let answer = subject.may(world, Action::ReadRecords);
    exactly(answer, std::array::from_fn(shown))
}

/// A record that may not be read does not exist.
fn record(case: &Case<'_>) -> (Want, Seen) {
    let (world, subject) = (case.world, case.subject);
    let may = subject.may(world, Action::ReadRecords).is_ok();
    match subject.reads(world, case.room).filter(|_| may) {
        None => (Want::Is(404), Seen::Exactly(NOTHING)),
        extent => (
            Want::Is(200),
            Seen::Exactly(one_room(case, shown_of(extent))),
        ),
    }
}

fn may_file(case: &Case<'_>) -> Result<(), Refusal> {
    let place = case.subject.place(case.world, case.room);
    case.subject.may(case.world, Action::FileRecord { place })
}

fn header(case: &Case<'_>) -> (Want, Seen) {
    exactly(may_file(case), one_room(case, ROOM | LESSON))
}

fn form(case: &Case<'_>) -> (Want, Seen) {
    match may_file(case) {
        Ok(()) => (Want::Passes, Seen::Exactly(NOTHING)),
        Err(refusal) => (Want::Refused(refusal), Seen::Exactly(NOTHING)),
    }
}
