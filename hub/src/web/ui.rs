//! The user interface, embedded: hashed assets for ever, index.html for every page.

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::Error;

/// Vite puts a hash of the content into every name below this folder.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const NEVER: &str = "no-cache";
const NOT_BUILT: &str = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
    <title>巡课</title><h1>界面尚未构建</h1><p>中心端正在运行，但这次编译没有包含界面。\
    请先构建界面再编译中心端：<code>./dev demo</code> 会自动完成。</p>\
    <p lang=\"en\">The hub is running, but this build has no user interface; \
    <code>./dev demo</code> builds both.</p></html>";

#[derive(RustEmbed)]
#[folder = "ui/dist"]
struct Files;

/// A file of the interface, or its only page; paths below `/api` are never pages.
pub async fn page(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return Error::NotFound.into_response();
    }
    if let Some(file) = Files::get(path) {
        return answer(path, file);
    }
    if path.starts_with(HASHED) {
        return Error::NotFound.into_response();
    }
    match Files::get("index.html") {
        Some(file) => answer("index.html", file),
        None => (StatusCode::OK, Html(NOT_BUILT)).into_response(),
    }
}

fn answer(path: &str, file: EmbeddedFile) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind = HeaderValue::from_str(kind.as_ref()).expect("invariant: a media type");
    let keep = if path.starts_with(HASHED) {
        FOR_EVER
    } else {
        NEVER
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
    ];
    (headers, file.data).into_response()
}
