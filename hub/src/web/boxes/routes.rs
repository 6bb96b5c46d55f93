//! The route table of the boxes' door: method, path, what it needs, handler.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};

use super::Needs::{Box, Nobody};
use super::{Needs, enrol, guard, live, segments};
use crate::web::App;
use crate::web::error::Error;

/// One row of the table.
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
    let row = |method, path, needs, handler| Route {
        method,
        path,
        needs,
        handler,
    };
    let enrolment = post(enrol::enrol).layer(DefaultBodyLimit::max(enrol::BODY_BYTES_MAX));
    // No limit of axum's: the segment goes to the disk and is counted there.
    let upload = put(segments::upload);
    let bundle = get(segments::epoch_bundle);
    vec![
        row(Method::POST, "/box/1/enrol", Nobody, enrolment),
        row(Method::PUT, "/box/1/segments/{id}", Box, upload),
        row(Method::GET, "/box/1/epoch-bundle", Box, bundle),
        row(Method::GET, "/box/1/live/{push}", Box, get(live::live)),
    ]
}

/// The router of the boxes' door: the table behind the guard, and nothing else.
pub fn router(app: App) -> Router {
    let guarded = table().into_iter().fold(Router::new(), |router, route| {
        let guard = from_fn_with_state((app.clone(), route.needs), guard);
        router.route(route.path, route.handler.layer(guard))
    });
    guarded.fallback(async || Error::NotFound).with_state(app)
}
