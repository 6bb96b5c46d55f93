//! Screen: the people, and who makes them what they are (R16, R33, X4).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::agreement::Agreement;
use xunke_policy::level::{Role, UnitId};
use xunke_policy::patrol::FieldError;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body, Query};
use super::names::{PersonName, UnitName};
use crate::access::roster::{Member, Post, lasting};
use crate::campus::id;

/// Most people of a page.
const PAGE: usize = 100;

/// Whom to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PeopleQuery {
    /// Part of a name, staff number or unit.
    pub search: String,
    /// The name of a role.
    pub role: Option<String>,
    /// The id of a unit.
    pub unit: Option<Uuid>,
    /// `active`, `suspended`, `cancelled`, `left` or `inactive` (not activated yet).
    pub state: Option<String>,
    /// Counted from 0.
    pub page: usize,
}

/// People.
#[derive(Debug, Serialize, ToSchema)]
pub struct People {
    /// By staff number, 100 at most.
    pub people: Vec<PersonLine>,
    /// How many there are in all.
    pub total: usize,
    /// The teaching units.
    pub units: Vec<UnitName>,
}

/// Somebody with an account, or who is to get one.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonLine {
    /// Who.
    pub person: PersonName,
    /// Their teaching unit.
    pub unit: Option<UnitName>,
    /// What they are, such as `teacher`.
    pub roles: Vec<&'static str>,
    /// `active`, `suspended`, `cancelled` or `left`.
    pub standing: &'static str,
    /// `signed`, `superseded`, `ended` or `unsigned`.
    pub agreement: &'static str,
    /// The level they hold now or later.
    pub level: Option<u8>,
    /// Until when.
    pub level_until: Option<i64>,
    /// The last sign-in.
    pub last_sign_in: Option<i64>,
    /// Whether the account was activated.
    pub activated: bool,
}

/// What somebody is to be.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PostForm {
    /// The names of the roles, and no others.
    pub roles: Vec<String>,
    /// The teaching unit.
    pub unit: Option<Uuid>,
    /// The paper it rests on; 2 to 200 characters.
    pub basis: String,
}

/// The people. Never identity numbers, never secrets.
///
/// # Errors
/// 403 for whoever does not read them.
#[utoipa::path(get, path = "/api/people", tag = "people",
    params(("search" = Option<String>, Query), ("role" = Option<String>, Query),
        ("unit" = Option<Uuid>, Query), ("state" = Option<String>, Query),
        ("page" = Option<usize>, Query)),
    responses((status = 200, body = People), (status = 403, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<People>, Error> {
    let now_ms = caller.now_ms;
    let mut found = app.roster.everybody(now_ms).await?;
    found.retain(|member| fits(member, &query, now_ms));
    let total = found.len();
    let mut people = Vec::new();
    let first = query.page.saturating_mul(PAGE);
    for member in found.iter().skip(first).take(PAGE) {
        people.push(shown(&app, member, now_ms).await?);
    }
    let units = app.roster.units().await?.into_iter().map(|unit| {
        Ok(UnitName {
            id: id("a unit", &unit.id)?,
            name: unit.name,
        })
    });
    Ok(Json(People {
        people,
        total,
        units: units.collect::<Result<_, Error>>()?,
    }))
}

/// Gives somebody these roles and this unit; their sessions end at once.
///
/// # Errors
/// 403 with the article, 404 for nobody, 422 naming the field.
#[utoipa::path(post, path = "/api/people/{id}/post", tag = "people", params(("id" = Uuid, Path)),
    request_body = PostForm, responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn appoint(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<PostForm>,
) -> Result<StatusCode, Error> {
    let named = |name: &String| Role::named(name).ok_or(Error::Field(NO_ROLE));
    let post = Post {
        roles: form.roles.iter().map(named).collect::<Result<_, _>>()?,
        unit: form.unit.map(UnitId),
        basis: form.basis,
    };
    app.roster.appoint(caller.by(), id, post).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn fits(member: &Member, query: &PeopleQuery, now_ms: i64) -> bool {
    let row = &member.row;
    let wanted = query.search.trim();
    let texts = [&row.staff_number, &row.name];
    let unit = row.unit.iter();
    let named = texts
        .into_iter()
        .chain(unit)
        .any(|text| text.contains(wanted));
    let role = query.role.as_deref().is_none_or(|name| {
        let mut roles = member.roles.iter();
        roles.any(|role| role.name() == name)
    });
    let unit = query.unit.map(|unit| unit.to_string());
    let in_unit = unit.is_none_or(|unit| row.unit_id.as_ref() == Some(&unit));
    let state = query.state.as_deref().is_none_or(|state| match state {
        "inactive" => row.activated == 0 && member.standing_word(now_ms) == "active",
        state => member.standing_word(now_ms) == state,
    });
    named && role && in_unit && state
}

async fn shown(app: &App, member: &Member, now_ms: i64) -> Result<PersonLine, Error> {
    let row = &member.row;
    let person = app.roster.person(member.id()?, now_ms).await?;
    let person = person.ok_or(Error::NotFound)?;
    let lasting = lasting(&person, now_ms);
    Ok(PersonLine {
        person: PersonName {
            id: person.id,
            name: row.name.clone(),
            staff_number: row.staff_number.clone(),
        },
        unit: person.unit.as_ref().map(UnitName::from),
        roles: member.roles.iter().map(|role| role.name()).collect(),
        standing: member.standing_word(now_ms),
        agreement: match person.agreement {
            Agreement::Signed { .. } => "signed",
            Agreement::Superseded { .. } => "superseded",
            Agreement::Ended => "ended",
            Agreement::Unsigned => "unsigned",
        },
        level: lasting.map(|grant| grant.level),
        level_until: lasting.and_then(|grant| grant.until_ms),
        last_sign_in: row.last_sign_in_ms,
        activated: row.activated > 0,
    })
}

const NO_ROLE: FieldError = FieldError {
    field: "roles",
    zh: "没有这个角色。",
    en: "There is no such role.",
};
