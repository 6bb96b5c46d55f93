//! The purpose of a view as the page asks for it (R43).

use serde::Deserialize;
use utoipa::ToSchema;
use xunke_policy::purpose::Purpose;

/// Why somebody wants to watch.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = Purpose)]
pub struct PurposeForm {
    /// `plan`, `issue`, `reinspection` or `other`.
    #[serde(default)]
    #[schema(required)]
    pub kind: String,
    /// Needed, with two characters or more, for `other`.
    #[serde(default)]
    pub reason: Option<String>,
}

impl From<PurposeForm> for Purpose {
    /// What is not one of the four is missing; the policy refuses it with its article.
    fn from(form: PurposeForm) -> Self {
        match form.kind.as_str() {
            "plan" => Self::Plan,
            "issue" => Self::Issue,
            "reinspection" => Self::Reinspection,
            "other" => Self::Other(form.reason.unwrap_or_default()),
            _ => Self::Missing,
        }
    }
}
