//! The table of the boxes' door, and its router. What is not here cannot exist.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};

use super::{Needs, ask, enrol, est, guard, live, renewal, segments, timetable};
use crate::web::App;
use crate::web::error::Error;
use crate::web::failure;

const EST_CA: &str = "/.well-known/est/cacerts";
const EST_ENROL: &str = "/.well-known/est/simpleenroll";
const EST_RENEW: &str = "/.well-known/est/simplereenroll";

/// One row of the boxes' table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// What the box must show.
    pub needs: Needs,
    handler: MethodRouter<App>,
}

/// Every route of the boxes' door.
#[must_use]
pub fn table() -> Vec<Route> {
    use Needs::{Box, Nobody};
    let row = |method, path, needs, handler| Route {
        method,
        path,
        needs,
        handler,
    };
    let enrolment = post(enrol::enrol).layer(DefaultBodyLimit::max(enrol::BODY_BYTES_MAX));
    let asking = post(ask::ask).layer(DefaultBodyLimit::max(enrol::BODY_BYTES_MAX));
    let renewing = post(renewal::renew).layer(DefaultBodyLimit::max(enrol::BODY_BYTES_MAX));
    let est_enrol = post(est::enrol).layer(DefaultBodyLimit::max(enrol::BODY_BYTES_MAX));
    let est_renew = post(est::renew).layer(DefaultBodyLimit::max(enrol::BODY_BYTES_MAX));
    let est_ca = get(est::ca_certificates);
    // No limit of axum's: the segment goes to the disk and is counted there.
    let upload = put(segments::upload);
    let progress = get(segments::progress);
    let bundle = get(segments::epoch_bundle);
    let windows = get(timetable::timetable);
    vec![
        row(Method::POST, "/box/1/enrol", Nobody, enrolment),
        row(Method::POST, "/box/1/ask", Nobody, asking),
        row(Method::POST, "/box/1/renewal", Nobody, renewing),
        row(Method::GET, EST_CA, Nobody, est_ca),
        row(Method::POST, EST_ENROL, Nobody, est_enrol),
        row(Method::POST, EST_RENEW, Box, est_renew),
        row(Method::PUT, "/box/1/segments/{id}", Box, upload),
        row(Method::GET, "/box/1/segments/{id}", Box, progress),
        row(Method::GET, "/box/1/epoch-bundle", Box, bundle),
        row(Method::GET, "/box/1/timetable", Box, windows),
        row(Method::GET, "/box/1/live/{push}", Box, get(live::live)),
    ]
}

/// The router of the boxes' door: the table behind the guard, and nothing else.
pub fn router(app: App) -> Router {
    let rows = table().into_iter();
    let guarded = rows.fold(Router::new(), |router, route| {
        let guard = from_fn_with_state((app.clone(), route.needs), guard);
        let noted = from_fn_with_state((app.clone(), route.method, route.path), failure::note);
        router.route(route.path, route.handler.layer(guard).layer(noted))
    });
    guarded.fallback(async || Error::NotFound).with_state(app)
}
