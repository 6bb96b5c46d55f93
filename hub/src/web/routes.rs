//! The route table: method, path, what it needs, handler. A route that is not here cannot exist.

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::App;
use super::guard::{Needs, guard};
use super::{devices, faults, recordings, session, ui, viewer};

/// Longest body of a request from people.
const BODY_BYTES_MAX: usize = 64 * 1024;

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

/// Every route of the people's door.
#[must_use]
pub fn table() -> Vec<Route> {
    use Needs::{Action, Nobody, SignedIn};
    use xunke_policy::access::Action::{SeeDevices, SeeRecordings};
    vec![
        route(
            Method::POST,
            "/api/session",
            Nobody,
            routes!(session::sign_in),
        ),
        route(
            Method::POST,
            "/api/session/link",
            Nobody,
            routes!(session::sign_in_by_link),
        ),
        route(
            Method::DELETE,
            "/api/session",
            SignedIn,
            routes!(session::sign_out),
        ),
        route(Method::GET, "/api/me", SignedIn, routes!(session::me)),
        route(Method::GET, "/api/live", SignedIn, routes!(viewer::live)),
        route(
            Method::GET,
            "/api/recordings",
            Action("see_recordings", SeeRecordings),
            routes!(recordings::list),
        ),
        route(
            Method::GET,
            "/api/recordings/{id}",
            SignedIn,
            routes!(recordings::one),
        ),
        route(
            Method::POST,
            "/api/recordings/{id}/plays",
            SignedIn,
            routes!(recordings::play),
        ),
        route(
            Method::GET,
            "/api/plays/{play}/segments/{segment}",
            SignedIn,
            routes!(recordings::segment),
        ),
        route(
            Method::GET,
            "/api/devices",
            Action("see_devices", SeeDevices),
            routes!(devices::list),
        ),
        route(
            Method::GET,
            "/api/faults",
            Action("see_faults", SeeDevices),
            routes!(faults::list),
        ),
        route(
            Method::GET,
            "/api/openapi.json",
            Nobody,
            routes!(openapi_json),
        ),
    ]
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
            router.routes((schemas, paths, handler.layer(guard)))
        });
    let (router, _) = guarded.split_for_parts();
    router
        .fallback(ui::page)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
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

/// What every answer carries; nothing under `/api` is kept by browsers or proxies.
async fn secure(request: Request, next: Next) -> Response {
    const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
        img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; \
        media-src 'self' blob:; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; \
        form-action 'self'; frame-ancestors 'none'";
    let api = request.uri().path().starts_with("/api");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CSP);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), display-capture=()",
    );
    if api {
        set(header::CACHE_CONTROL, "no-store");
    }
    response
}
