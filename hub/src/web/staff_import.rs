//! Screen: a list of staff, previewed and then taken over as a whole (R27, R33).

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::level::Role;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Json as Body;
use super::names::PersonName;
use crate::access::roster::import::Upload;
use crate::access::roster::plan::{Plan, Step, Taken};
use crate::access::roster::staff_list::TEMPLATE;
use crate::campus::id;
use crate::sheet::{FILE_BYTES_MAX, Problem};

/// A file in base64, and what else is said with it: a list of those who have left.
pub const BODY_BYTES_MAX: usize = FILE_BYTES_MAX / 3 * 4 + 1024 * 1024;
/// Most steps and problems that are shown; all are counted.
pub(super) const SHOWN_MAX: usize = 500;

/// A list of staff.
#[derive(Deserialize, ToSchema)]
pub struct StaffFile {
    /// An xlsx or csv file of 4 MB at most, base64.
    pub file: String,
    /// Whether it names the whole staff, so that whoever is not in it may have left.
    pub whole: bool,
}

/// A list of staff that was previewed.
#[derive(Deserialize, ToSchema)]
pub struct StaffImport {
    /// The same file, base64.
    pub file: String,
    /// As previewed.
    pub whole: bool,
    /// What the preview is named.
    pub hash: String,
    /// Who of the missing has left.
    pub departing: Vec<Uuid>,
}

/// What a list would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffPreview {
    /// Names exactly this file and the people there are.
    pub hash: String,
    /// How many of each kind.
    pub counts: StaffCounts,
    /// Who stays as they are.
    pub unchanged: usize,
    /// In the order of the list, 500 at most.
    pub steps: Vec<StaffStep>,
    /// In office and not in a list of the whole staff.
    pub missing: Vec<StaffMissing>,
    /// By line, 500 at most; while there is one, nothing can be imported.
    pub problems: Vec<LineProblem>,
    /// How many there are in all.
    pub problem_count: usize,
}

/// Steps by kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffCounts {
    /// New people.
    pub added: usize,
    /// Other names or roles.
    pub changed: usize,
    /// Other units.
    pub transferred: usize,
    /// Gone.
    pub left: usize,
    /// Back.
    pub returned: usize,
}

/// What becomes of somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffStep {
    /// `add`, `change`, `transfer`, `leave` or `return`.
    pub kind: &'static str,
    /// The line.
    pub line: usize,
    /// 工号.
    pub staff_number: String,
    /// The name to be.
    pub name: String,
    /// The name before, if it changes.
    pub name_before: Option<String>,
    /// The unit before.
    pub unit_before: Option<String>,
    /// The unit to be.
    pub unit: Option<String>,
    /// The roles before.
    pub roles_before: Vec<&'static str>,
    /// The roles to be.
    pub roles: Vec<&'static str>,
    /// Whether a permission is handed back at once (R23).
    pub hands_back: bool,
}

/// Somebody in office who is not in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffMissing {
    /// Who.
    pub person: PersonName,
    /// Whether a permission would be handed back.
    pub hands_back: bool,
}

/// What is wrong with a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineProblem {
    /// As the program that made the file counts it.
    pub line: usize,
    /// The title of the column.
    pub column: &'static str,
    /// What stands there.
    pub found: String,
    /// For people, in Chinese.
    pub zh: &'static str,
    /// For people, in English.
    pub en: &'static str,
}

/// A list to fill in.
///
/// # Errors
/// 403 for whoever does not import.
#[utoipa::path(get, path = "/api/people/import/template", tag = "people", responses(
    (status = 200, content_type = "text/csv", body = String), (status = 403, body = ErrorBody)))]
pub async fn template() -> Response {
    let named = "attachment; filename=\"staff.csv\"; filename*=UTF-8''%E4%BA%BA%E5%91%98.csv";
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, named),
    ];
    (headers, TEMPLATE).into_response()
}

/// What a list would change; nothing is written.
///
/// # Errors
/// 403 for whoever does not import, 422 when the file is no list.
#[utoipa::path(post, path = "/api/people/import/preview", tag = "people",
    request_body = StaffFile, responses((status = 200, body = StaffPreview),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<StaffFile>,
) -> Result<Json<StaffPreview>, Error> {
    let upload = upload(&form.file, form.whole)?;
    let plan = app.roster.preview(caller.by(), upload).await?;
    Ok(Json(shown(plan)?))
}

/// Takes over exactly what was previewed: all of it, or nothing.
///
/// # Errors
/// 403 for whoever does not import, 409 when file or people changed, 422 while there are problems.
#[utoipa::path(post, path = "/api/people/import", tag = "people", request_body = StaffImport,
    responses((status = 200, body = StaffCounts), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn import(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<StaffImport>,
) -> Result<Json<StaffCounts>, Error> {
    let upload = upload(&form.file, form.whole)?;
    let roster = &app.roster;
    let taken = roster.import(caller.by(), upload, &form.hash, &form.departing);
    Ok(Json(taken.await?.into()))
}

fn upload(file: &str, whole: bool) -> Result<Upload, Error> {
    let file = bytes(file)?;
    Ok(Upload { file, whole })
}

/// A file that came as base64.
pub(super) fn bytes(file: &str) -> Result<Vec<u8>, Error> {
    let wrong = |_| Error::Unreadable("the file is not base64".into());
    STANDARD.decode(file).map_err(wrong)
}

fn shown(plan: Plan) -> Result<StaffPreview, Error> {
    let counts = plan.counts().into();
    let missing = plan.missing.into_iter().map(|known| {
        Ok(StaffMissing {
            person: PersonName {
                id: id("a person", &known.row.id)?,
                name: known.row.name,
                staff_number: known.row.staff_number,
            },
            hands_back: known.row.grants > 0,
        })
    });
    Ok(StaffPreview {
        hash: plan.hash,
        counts,
        unchanged: plan.unchanged,
        missing: missing.collect::<Result<_, Error>>()?,
        steps: plan.steps.into_iter().take(SHOWN_MAX).map(step).collect(),
        problem_count: plan.problems.len(),
        problems: plan
            .problems
            .into_iter()
            .take(SHOWN_MAX)
            .map(LineProblem::from)
            .collect(),
    })
}

fn step(step: Step) -> StaffStep {
    let names = |roles: &[Role]| roles.iter().map(|role| role.name()).collect();
    StaffStep {
        kind: step.kind.word(),
        line: step.line,
        staff_number: step.staff_number,
        name: step.name,
        name_before: step.name_before,
        unit_before: step.unit.0.map(|unit| unit.name),
        unit: step.unit.1.map(|unit| unit.name),
        roles_before: names(&step.roles.0),
        roles: names(&step.roles.1),
        hands_back: step.hands_back,
    }
}

impl From<Problem> for LineProblem {
    fn from(problem: Problem) -> Self {
        Self {
            line: problem.line,
            column: problem.column,
            found: problem.found,
            zh: problem.zh,
            en: problem.en,
        }
    }
}

impl From<Taken> for StaffCounts {
    fn from(taken: Taken) -> Self {
        Self {
            added: taken.added,
            changed: taken.changed,
            transferred: taken.transferred,
            left: taken.left,
            returned: taken.returned,
        }
    }
}
