//! The table of every entrance: what it needs, and its handler. What is not here cannot exist.
//!
//! Routes for people, what they may say on the live line, routes for boxes. The topics of MQTT
//! are a closed list of the protocol, a box's own and nobody else's.

use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;
use xunke_policy::access::Action;

use super::App;
use super::completeness;
use super::failure;
use super::guard::{Needs, client, guard};
use super::headers::secure;
use super::watchers;
use super::{account, agreement, agreements, applications, audit, capture};
use super::{
    departures, desk, destructions, devices, events, exam_locks, faults, grants, holds, home,
    incidents,
};
use super::{
    inspections, interferences, lockouts, marks, minors, papers, passkeys, people, plays, premium,
    recordings, records,
};
use super::{reviews, risks, room_lessons, rooms, sanctions, session};
use super::{single_sign_on, staff_import, stale, start, timetable_import, ui, viewer};
use crate::access::document;

/// Longest body of a request from people.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Routes that take a file, and how long their body may be.
const LONG_BODIES: [(&str, usize); 8] = [
    ("/api/agreements/scans", document::BYTES_MAX),
    ("/api/applications/{id}/papers", document::BYTES_MAX),
    // 20,000 characters of three bytes, or of six where they are escaped.
    ("/api/agreements/texts", 2 * BODY_BYTES_MAX),
    ("/api/people/import/preview", staff_import::BODY_BYTES_MAX),
    ("/api/people/import", staff_import::BODY_BYTES_MAX),
    ("/api/timetable/preview", staff_import::BODY_BYTES_MAX),
    ("/api/timetable/import", staff_import::BODY_BYTES_MAX),
    ("/api/marks/check", marks::BODY_BYTES_MAX),
];

/// One row of the table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// What the caller needs.
    pub needs: Needs,
    handler: UtoipaMethodRouter<App>,
}

/// One row a line, which rustfmt leaves alone.
macro_rules! rows {
    ($($method:ident $path:literal $needs:expr => $($handler:ident)::+;)+) => {
        vec![$(route(Method::$method, $path, $needs, routes!($($handler)::+)),)+]
    };
}

mod told;

/// Signing in, starting an account, and what everybody does with their own.
fn accounts() -> Vec<Route> {
    use Needs::{Nobody, Session, SignedIn};
    // The room asks who may issue one for whom, and writes the trail.
    const START: Needs = Needs::Object("issue_start_code");
    rows! {
        POST   "/api/session"                            Nobody     => session::sign_in;
        POST   "/api/session/link"                       Nobody     => session::sign_in_by_link;
        GET    "/api/session/single-sign-on"             Nobody     => single_sign_on::offer;
        POST   "/api/session/single-sign-on"             Nobody     => single_sign_on::depart;
        POST   "/api/session/single-sign-on/return"      Nobody     => single_sign_on::arrive;
        POST   "/api/session/single-sign-on/code"        Nobody     => single_sign_on::give_code;
        DELETE "/api/session"                            Session    => session::sign_out;
        GET    "/api/me"                                 Session    => session::me;
        POST   "/api/start"                              Nobody     => start::begin;
        POST   "/api/start/account"                      Nobody     => start::finish;
        POST   "/api/people/{id}/start-code"             START      => start::issue;
        GET    "/api/account"                            SignedIn   => account::account;
        // All that is left with an expired password (R30).
        POST   "/api/account/password"                   Session    => account::change_password;
        POST   "/api/account/authenticator"              SignedIn   => account::begin_change;
        PUT    "/api/account/authenticator"              SignedIn   => account::end_change;
        POST   "/api/account/recovery-codes"             SignedIn   => account::renew_codes;
        POST   "/api/session/passkey/question"           Nobody     => passkeys::ask;
        POST   "/api/session/passkey"                    Nobody     => passkeys::sign_in;
        GET    "/api/account/passkeys"                   SignedIn   => passkeys::list;
        POST   "/api/account/passkeys/question"          SignedIn   => passkeys::begin;
        POST   "/api/account/passkeys"                   SignedIn   => passkeys::add;
        DELETE "/api/account/passkeys/{id}"              SignedIn   => passkeys::remove;
    }
}

/// 附件2: everybody's own agreement, and the register of Academic Affairs.
fn agreement_routes() -> Vec<Route> {
    use Needs::SignedIn;
    const SIGNING: Needs = Needs::Action("sign_agreement", Action::SignAgreement);
    const ORIGINAL: Needs = Needs::Object("download_agreement");
    const KEEPING: Needs = Needs::Action("keep_agreements", Action::FileApplications);
    rows! {
        GET    "/api/agreement"                          SignedIn   => agreement::own;
        POST   "/api/agreement/reading"                  SIGNING    => agreement::read;
        POST   "/api/agreement/signature"                SIGNING    => agreement::sign;
        GET    "/api/agreements"                         KEEPING    => agreements::list;
        POST   "/api/agreements/scans"                   KEEPING    => agreements::keep_scan;
        POST   "/api/agreements/paper"                   KEEPING    => agreements::enter_paper;
        GET    "/api/agreements/texts"                   KEEPING    => agreements::texts;
        POST   "/api/agreements/texts"                   KEEPING    => agreements::publish;
        GET    "/api/agreements/{id}"                    KEEPING    => agreements::one;
        POST   "/api/agreements/{id}/end"                KEEPING    => agreements::end;
        POST   "/api/agreements/{id}/identity"           KEEPING    => agreements::identity;
        // 乙方 reads the own original, Academic Affairs both: the room tells them apart.
        GET    "/api/agreements/{id}/originals/{party}"  ORIGINAL   => agreement::original;
    }
}

/// What is taught where and when.
fn schedule() -> Vec<Route> {
    const TIMETABLE: Needs = Needs::Action("see_timetable", Action::KeepTimetable);
    const TEACHING: Needs = Needs::Action("import_timetable", Action::KeepTimetable);
    rows! {
        GET    "/api/timetable"                          TIMETABLE  => timetable_import::terms;
        GET    "/api/timetable/template"                 TIMETABLE  => timetable_import::template;
        POST   "/api/timetable/preview"                  TEACHING   => timetable_import::preview;
        POST   "/api/timetable/import"                   TEACHING   => timetable_import::import;
    }
}

/// People, their posts, and what ends them. Who may change whom is the room's to ask, with its own
/// line in the trail.
fn posts() -> Vec<Route> {
    use Needs::SignedIn;
    const PEOPLE: Needs = Needs::Action("see_people", Action::SeePeople);
    const APPOINTING: Needs = Needs::Action("appoint", Action::SeePeople);
    const DEPARTURES: Needs = Needs::Action("open_departure", Action::ReadLedger);
    const HANDOVER: Needs = Needs::Object("add_handover");
    const SANCTIONS: Needs = Needs::Action("see_sanctions", Action::ReadLedger);
    const ACCUSING: Needs = Needs::Action("file_sanction", Action::FileSanctions);
    const DECIDING: Needs = Needs::Action("decide_sanction", Action::OpenPermissions);
    const NOTING: Needs = Needs::Action("file_interference", Action::FileSanctions);
    const CONFIRMING: Needs = Needs::Action("confirm_interference", Action::ReadLedger);
    const OBJECTING: Needs = Needs::Object("object_sanction");
    const STALE: Needs = Needs::Action("see_stale_accounts", Action::ManageAccounts);
    const EXPORT: Needs = Needs::Action("export_stale_accounts", Action::ManageAccounts);
    const DISABLING: Needs = Needs::Action("disable_account", Action::ManageAccounts);
    const LOCKOUTS: Needs = Needs::Action("see_lockouts", Action::ManageAccounts);
    const RELEASING: Needs = Needs::Action("release_lockout", Action::ManageAccounts);
    const IMPORTING: Needs = Needs::Action("import_people", Action::ManageAccounts);
    rows! {
        GET    "/api/people"                             PEOPLE     => people::list;
        GET    "/api/departures"                         DEPARTURES => departures::list;
        POST   "/api/departures"                         DEPARTURES => departures::open;
        GET    "/api/departures/own"                     SignedIn   => departures::own;
        POST   "/api/departures/own"                     SignedIn   => departures::close_own;
        POST   "/api/departures/{id}/items"              HANDOVER   => departures::add_item;
        POST   "/api/handovers/{id}/settlement"          DEPARTURES => departures::settle;
        POST   "/api/departures/{id}/closing"            DEPARTURES => departures::close;
        GET    "/api/sanctions"                          SANCTIONS  => sanctions::list;
        POST   "/api/sanctions"                          ACCUSING   => sanctions::file;
        GET    "/api/sanctions/own"                      SignedIn   => sanctions::own;
        POST   "/api/sanctions/{id}/objection"           OBJECTING  => sanctions::object;
        POST   "/api/sanctions/{id}/answer"              ACCUSING   => sanctions::answer;
        POST   "/api/sanctions/{id}/withdrawal"          ACCUSING   => sanctions::withdraw;
        POST   "/api/sanctions/{id}/decision"            DECIDING   => sanctions::decide;
        POST   "/api/sanctions/{id}/lifting"             DECIDING   => sanctions::lift;
        GET    "/api/sanctions/{id}/export"              ACCUSING   => sanctions::export;
        GET    "/api/interferences"                      SANCTIONS  => interferences::list;
        POST   "/api/interferences"                      NOTING     => interferences::file;
        GET    "/api/interferences/export"               NOTING     => interferences::export;
        POST   "/api/interferences/{id}/confirmation"    CONFIRMING => interferences::confirm;
        POST   "/api/interferences/{id}/withdrawal"      NOTING     => interferences::withdraw;
        GET    "/api/people/import/template"             IMPORTING  => staff_import::template;
        POST   "/api/people/import/preview"              IMPORTING  => staff_import::preview;
        POST   "/api/people/import"                      IMPORTING  => staff_import::import;
        POST   "/api/people/{id}/post"                   APPOINTING => people::appoint;
        GET    "/api/people/stale"                       STALE      => stale::report;
        GET    "/api/people/stale.xlsx"                  EXPORT     => stale::workbook;
        POST   "/api/people/{id}/disabling"              DISABLING  => stale::disable;
        GET    "/api/lockouts"                           LOCKOUTS   => lockouts::list;
        POST   "/api/lockouts/release"                   RELEASING  => lockouts::release;
    }
}

/// Every route of the people's door.
#[must_use]
pub fn table() -> Vec<Route> {
    let mut all = accounts();
    all.extend(agreement_routes());
    all.extend(posts());
    all.extend(schedule());
    all.extend(grant_routes());
    all.extend(retention_routes());
    all.extend(recording_routes());
    all.extend(told::alert_routes());
    all.extend(told::channel_routes());
    all.extend(told::fleet_routes());
    all.extend(told::command_routes());
    all.extend(everything_else());
    all
}

/// Permissions: applied for, opened, reviewed and taken back; what speaks for them.
fn grant_routes() -> Vec<Route> {
    const FILING: Needs = Needs::Action("file_application", Action::FileApplications);
    const OPENING: Needs = Needs::Action("open_grant", Action::OpenPermissions);
    const LEDGER: Needs = Needs::Action("read_ledger", Action::ReadLedger);
    const SIGNING: Needs = Needs::Action("sign_review", Action::OpenPermissions);
    const PAPERS: Needs = Needs::Action("list_papers", Action::ReadPapers);
    const PAPER: Needs = Needs::Action("read_paper", Action::ReadPapers);
    const MARKING: Needs = Needs::Action("mark_minors", Action::FileApplications);
    const EXAMS: Needs = Needs::Action("see_exam_locks", Action::FileApplications);
    const LOCKING: Needs = Needs::Action("lock_exam", Action::FileApplications);
    const LIFTING: Needs = Needs::Action("unlock_exam", Action::FileApplications);
    rows! {
        GET    "/api/applications"                       LEDGER     => applications::list;
        GET    "/api/applications/new"                   FILING     => applications::new;
        POST   "/api/applications"                       FILING     => applications::file;
        POST   "/api/applications/{id}/opening"          OPENING    => applications::open;
        POST   "/api/applications/{id}/refusal"          OPENING    => applications::refuse;
        // Two offices may take a grant back; the room asks which, and writes the trail.
        GET    "/api/grants"                             LEDGER     => grants::ledger;
        POST   "/api/grants/{id}/revocation"             LEDGER     => grants::revoke;
        GET    "/api/review"                             LEDGER     => reviews::review;
        POST   "/api/review"                             SIGNING    => reviews::sign;
        POST   "/api/grants/{id}/review"                 LEDGER     => reviews::keep;
        POST   "/api/applications/{id}/papers"           FILING     => papers::add;
        GET    "/api/papers"                             PAPERS     => papers::list;
        GET    "/api/papers/{id}"                        PAPER      => papers::read;
        GET    "/api/minors"                             MARKING    => minors::list;
        POST   "/api/minors/{id}"                        MARKING    => minors::mark;
        GET    "/api/exam-locks"                         EXAMS      => exam_locks::list;
        POST   "/api/exam-locks"                         LOCKING    => exam_locks::set;
        POST   "/api/exam-locks/{id}/lifting"            LIFTING    => exam_locks::lift;
    }
}

/// What is kept longer than others, and what was destroyed.
fn retention_routes() -> Vec<Route> {
    const PREMIUM: Needs = Needs::Action("see_premium", Action::KeepRecordings);
    const APPROVING: Needs = Needs::Action("approve_premium", Action::KeepRecordings);
    const REMOVING: Needs = Needs::Action("remove_premium", Action::KeepRecordings);
    const OWN: Needs = Needs::Action("see_own_premium", Action::ProposePremium);
    const NOMINATING: Needs = Needs::Action("nominate_premium", Action::ProposePremium);
    const CONSENTING: Needs = Needs::Action("consent_premium", Action::ProposePremium);
    const HOLDS: Needs = Needs::Action("see_holds", Action::KeepRecordings);
    const HOLDING: Needs = Needs::Action("begin_hold", Action::KeepRecordings);
    const ENDING: Needs = Needs::Action("end_hold", Action::KeepRecordings);
    const BURNT: Needs = Needs::Action("see_destructions", Action::ReadPapers);
    rows! {
        GET    "/api/premium"                            PREMIUM    => premium::list;
        POST   "/api/premium"                            NOMINATING => premium::nominate;
        GET    "/api/premium/own"                        OWN        => premium::own;
        GET    "/api/premium/candidates"                 NOMINATING => premium::candidates;
        POST   "/api/premium/{id}/approval"              APPROVING  => premium::approve;
        POST   "/api/premium/{id}/removal"               REMOVING   => premium::remove;
        POST   "/api/premium/{id}/consent"               CONSENTING => premium::consent;
        POST   "/api/premium/{id}/withdrawal"            CONSENTING => premium::withdraw;
        GET    "/api/holds"                              HOLDS      => holds::list;
        POST   "/api/holds"                              HOLDING    => holds::begin;
        POST   "/api/holds/{id}/end"                     ENDING     => holds::end;
        GET    "/api/destructions"                       BURNT      => destructions::list;
        GET    "/api/destructions/{id}"                  BURNT      => destructions::one;
    }
}

/// Recordings: found, played, marked.
fn recording_routes() -> Vec<Route> {
    use Needs::SignedIn;
    // The gate decides about the one recording, and writes the trail.
    const RECORDING: Needs = Needs::Object("see_recording");
    const PLAYBACK: Needs = Needs::Object("playback");
    const MARKING: Needs = Needs::Object("make_mark");
    const RETRACTING: Needs = Needs::Object("withdraw_mark");
    // Whoever was given a document may check it; nothing of a class is in the answer but what it
    // says itself (K4).
    const CHECKING: Needs = Needs::Object("check_mark");
    const RECORDINGS: Needs = Needs::Action("see_recordings", Action::SeeRecordings);
    rows! {
        GET    "/api/recordings"                         RECORDINGS => recordings::list;
        GET    "/api/recordings/choices"                 RECORDINGS => recordings::choices;
        GET    "/api/recordings/{id}"                    RECORDING   => recordings::one;
        GET    "/api/recordings/{id}/ledger"             RECORDING   => completeness::of_recording;
        POST   "/api/recordings/{id}/plays"              PLAYBACK   => plays::play;
        GET    "/api/plays/{play}/segments/{segment}"    PLAYBACK   => plays::segment;
        POST   "/api/plays/{play}/jumps"                 PLAYBACK   => plays::jump;
        POST   "/api/plays/{play}/marks"                 MARKING    => marks::make;
        GET    "/api/recordings/{id}/marks"              RECORDING  => marks::of_recording;
        GET    "/api/marks"                              SignedIn   => marks::own;
        POST   "/api/marks/{id}/withdraw"                RETRACTING => marks::withdraw;
        POST   "/api/marks/check"                        CHECKING   => marks::check;
    }
}

fn everything_else() -> Vec<Route> {
    use Needs::{Nobody, SignedIn};
    // The gate decides about the one room or record, and writes the trail.
    const ROOM: Needs = Needs::Object("see_room");
    const VIEW: Needs = Needs::Object("view_live");
    const RECORD: Needs = Needs::Object("read_record");
    const FILE: Needs = Needs::Object("file_record");
    const ROOMS: Needs = Needs::Action("see_rooms", Action::SeeRooms);
    const RECORDS: Needs = Needs::Action("read_records", Action::ReadRecords);
    const DEVICES: Needs = Needs::Action("see_devices", Action::SeeDevices);
    const CODES: Needs = Needs::Action("make_enrolment_code", Action::SeeDevices);
    const ADMIT: Needs = Needs::Action("admit_box", Action::SeeDevices);
    const STEPS: Needs = Needs::Action("change_box", Action::SeeDevices);
    const CAPTURE: Needs = Needs::Action("set_capture", Action::SeeDevices);
    const UNTIL: Needs = Needs::Action("record_until", Action::SeeDevices);
    const COMPLETE: Needs = Needs::Action("see_completeness", Action::SeeCompleteness);
    const FAULTS: Needs = Needs::Action("see_faults", Action::SeeDevices);
    const TRACING: Needs = Needs::Action("trace_leak", Action::InspectTrail);
    const TRAIL: Needs = Needs::Action("read_trail", Action::ReadTrail);
    const EXPORT: Needs = Needs::Action("export_trail", Action::InspectTrail);
    const INSPECTING: Needs = Needs::Action("inspect_trail", Action::InspectTrail);
    const WATCHERS: Needs = Needs::Action("see_watchers", Action::SeeWatchers);
    rows! {
        GET    "/api/home"                               SignedIn   => home::home;
        GET    "/api/events"                             SignedIn   => events::events;
        GET    "/api/rooms"                              ROOMS      => rooms::list;
        GET    "/api/rooms/{id}"                         ROOM       => rooms::one;
        GET    "/api/rooms/{id}/lessons"                 ROOM       => room_lessons::today;
        GET    "/api/live"                               VIEW       => viewer::live;
        GET    "/api/records"                            RECORDS    => records::list;
        GET    "/api/records/new"                        FILE       => records::new;
        POST   "/api/records"                            FILE       => records::file;
        GET    "/api/records/{id}"                       RECORD     => records::one;
        GET    "/api/devices"                            DEVICES    => devices::list;
        GET    "/api/desk"                               DEVICES    => desk::desk;
        POST   "/api/desk/codes"                         CODES      => desk::make_code;
        POST   "/api/desk/admissions"                    ADMIT      => desk::admit;
        POST   "/api/desk/steps"                         STEPS      => desk::step;
        POST   "/api/rooms/{id}/capture"                 CAPTURE    => capture::set;
        POST   "/api/rooms/{id}/record-until"            UNTIL      => capture::record_until;
        GET    "/api/faults"                             FAULTS     => faults::list;
        GET    "/api/completeness"                       COMPLETE   => completeness::list;
        GET    "/api/completeness/{id}"                  COMPLETE   => completeness::room;
        GET    "/api/audit"                              TRAIL      => audit::list;
        GET    "/api/audit/days"                         TRAIL      => audit::days;
        GET    "/api/audit/export"                       EXPORT     => audit::export;
        GET    "/api/audit/excerpt.xlsx"                 EXPORT     => audit::workbook;
        GET    "/api/audit/excerpt.json"                 EXPORT     => audit::json;
        GET    "/api/inspections"                        INSPECTING => inspections::list;
        GET    "/api/inspections/period"                 INSPECTING => inspections::period;
        POST   "/api/inspections"                        INSPECTING => inspections::sign;
        GET    "/api/risks"                              INSPECTING => risks::list;
        POST   "/api/risks/{id}/judgement"               INSPECTING => risks::judge;
        POST   "/api/incidents/trace"                    TRACING    => incidents::trace;
        POST   "/api/incidents/file"                     TRACING    => incidents::file;
        GET    "/api/watchers"                           WATCHERS   => watchers::list;
        GET    "/api/openapi.json"                       Nobody     => openapi_json;
    }
}

/// What a page says on its line `/api/live`, each kind with what it needs.
#[must_use]
pub fn said(kind: viewer::Kind) -> Needs {
    match kind {
        viewer::Kind::Open => Needs::Object("view_live"),
        viewer::Kind::Switch | viewer::Kind::Shown | viewer::Kind::Close => Needs::SignedIn,
    }
}

/// The table says what the handler's own description says, or the hub does not start.
fn route(
    method: Method,
    path: &'static str,
    needs: Needs,
    handler: UtoipaMethodRouter<App>,
) -> Route {
    let described = handler.1.paths.get(path).is_some_and(|item| {
        let operations = [
            (Method::GET, &item.get),
            (Method::POST, &item.post),
            (Method::PUT, &item.put),
            (Method::DELETE, &item.delete),
        ];
        let found = operations
            .iter()
            .filter(|(_, operation)| operation.is_some());
        found.map(|(method, _)| method).eq([&method])
    });
    assert!(
        described,
        "invariant: {method} {path} is what its handler describes"
    );
    Route {
        method,
        path,
        needs,
        handler,
    }
}

/// The router of the people's door: the table behind the guard, and the user interface.
pub fn router(app: App) -> Router {
    let guarded = table()
        .into_iter()
        .fold(OpenApiRouter::new(), |router, route| {
            let (schemas, paths, handler) = route.handler;
            let guard = from_fn_with_state((app.clone(), route.needs), guard);
            let noted = (app.clone(), route.method, route.path);
            let noted = from_fn_with_state(noted, failure::note);
            // The limit of one route goes before that of all, and after the guard.
            let long = LONG_BODIES.iter().find(|(path, _)| *path == route.path);
            let bytes_max = long.map_or(BODY_BYTES_MAX, |(_, bytes_max)| *bytes_max);
            let limit = DefaultBodyLimit::max(bytes_max);
            let handler = handler.layer(limit).layer(guard).layer(noted);
            router.routes((schemas, paths, handler))
        });
    let (router, _) = guarded.split_for_parts();
    router
        .fallback(ui::page)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), client))
        .layer(from_fn(secure))
        .with_state(app)
}

/// The description of every route.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(info(
        title = "xunke hub",
        description = "巡课中心端接口。Times are milliseconds since the epoch."
    ))]
    struct Document;
    let router = OpenApiRouter::<App>::with_openapi(Document::openapi());
    table()
        .into_iter()
        .fold(router, |router, route| router.routes(route.handler))
        .into_openapi()
}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "session", responses((status = 200)))]
async fn openapi_json() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/openapi.json");

    /// The pages' types are generated from this file: `./dev types` after a change.
    #[test]
    fn the_committed_description_is_what_the_hub_serves() {
        let served = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(COMMITTED, &served).unwrap();
        }
        let committed = std::fs::read_to_string(COMMITTED).unwrap();
        let differs = served
            .lines()
            .zip(committed.lines())
            .position(|(is, was)| is != was);
        assert_eq!(
            differs, None,
            "line of {COMMITTED}, from 0; run ./dev types"
        );
        assert_eq!(served.len(), committed.len());
    }

    #[test]
    fn every_row_is_described_and_nothing_else() {
        let paths = openapi().paths.paths;
        let table = table();
        let operations = paths.values().map(|item| {
            let all = [&item.get, &item.post, &item.put, &item.delete];
            all.iter().filter(|operation| operation.is_some()).count()
        });
        assert_eq!(operations.sum::<usize>(), table.len());
        assert!(table.iter().all(|route| paths.contains_key(route.path)));
    }
}
