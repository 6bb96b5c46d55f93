//! Input: JSON bodies and ids, refused with our own error body when they cannot be read.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use xunke_protocol::id::DeviceId;

use super::error::Error;

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let body = axum::Json::<T>::from_request(request, state).await;
        let unreadable = |rejection: JsonRejection| Error::Unreadable(rejection.body_text());
        body.map(|axum::Json(body)| Self(body)).map_err(unreadable)
    }
}

/// The one id of a path; what is not an id names nothing.
#[derive(Debug)]
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let id = Path::<Uuid>::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id)).map_err(|_| Error::NotFound)
    }
}

/// The one box of a path; what is not a box's id names nothing.
#[derive(Debug)]
pub struct BoxId(pub DeviceId);

impl<S: Send + Sync> FromRequestParts<S> for BoxId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        let id = id.ok().and_then(|Path(id)| id.parse().ok());
        id.map(Self).ok_or(Error::NotFound)
    }
}

/// The query of an address.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Error::Unreadable(rejection.body_text()))
    }
}
