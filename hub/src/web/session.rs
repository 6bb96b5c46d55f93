//! Screen: who is signed in.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::agreement::Agreement;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::{COOKIE, Caller};
use crate::access::audit::{Entry, Outcome};
use crate::access::session::Session;

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The person.
    pub person: MePerson,
    /// What the person is, such as `school_supervisor`.
    pub roles: Vec<String>,
    /// The person's teaching unit.
    pub unit: Option<UnitView>,
    /// The confidentiality agreement.
    pub agreement: MeAgreement,
    /// To be sent as `X-CSRF-Token` with every unsafe request.
    pub csrf_token: String,
    /// Whether this is the demonstration.
    pub demo: bool,
    /// The school's name.
    pub college: String,
}

/// The person signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct MePerson {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// 工号.
    pub staff_number: String,
}

/// A teaching unit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnitView {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
}

/// The state of the confidentiality agreement.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeAgreement {
    /// `signed` or `unsigned`.
    pub state: &'static str,
    /// When it was signed.
    pub signed_at: Option<i64>,
}

impl Me {
    pub(super) fn new(app: &App, session: &Session) -> Self {
        let person = &session.person;
        let unit = person.unit.as_ref();
        let agreement = match person.agreement {
            Agreement::Signed { since_ms } => MeAgreement {
                state: "signed",
                signed_at: Some(since_ms),
            },
            Agreement::Unsigned | Agreement::Ended => MeAgreement {
                state: "unsigned",
                signed_at: None,
            },
        };
        Self {
            person: MePerson {
                id: person.id,
                name: person.name.clone(),
                staff_number: person.staff_number.clone(),
            },
            roles: person
                .roles
                .iter()
                .map(|role| role.name().to_owned())
                .collect(),
            unit: unit.map(|unit| UnitView {
                id: unit.id.0,
                name: unit.name.clone(),
            }),
            agreement,
            csrf_token: session.csrf_token.clone(),
            demo: app.config.demo.enabled,
            college: app.config.college.name.clone(),
        }
    }
}

/// Who is signed in.
///
/// # Errors
/// 401 when nobody is.
#[utoipa::path(get, path = "/api/me", tag = "session", responses(
    (status = 200, body = Me), (status = 401, body = ErrorBody)))]
pub async fn me(State(app): State<App>, caller: Caller) -> Json<Me> {
    Json(Me::new(&app, &caller.session))
}

/// Signs out.
///
/// # Errors
/// When the store fails; the session then lasts until it times out.
#[utoipa::path(delete, path = "/api/session", tag = "session", responses(
    (status = 204), (status = 401, body = ErrorBody)))]
pub async fn sign_out(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    app.sessions.end(&caller.session, caller.now_ms).await?;
    let entry = Entry {
        who: caller.session.person.who(caller.address),
        action: "sign_out",
        object: String::new(),
        purpose: String::new(),
        outcome: Outcome::Done,
        article: "",
        detail: String::new(),
    };
    app.trail.append(entry, caller.now_ms).await?;
    let gone = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    let gone = HeaderValue::from_str(&gone).expect("invariant: a plain header");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}
