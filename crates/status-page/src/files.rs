//! The page's own files, as the interface's build made them.

use axum::{
    extract::Path,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};

/// Path and content.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// `GET /`
pub(crate) async fn page() -> Response {
    file("glance.html", "no-cache")
}

/// `GET /icon.svg`
pub(crate) async fn icon() -> Response {
    file("icon.svg", "no-cache")
}

/// `GET /assets/NAME`: what the page is made of. Another content has another name.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    file(&format!("assets/{name}"), "public, max-age=31536000, immutable")
}

fn file(path: &str, kept: &'static str) -> Response {
    match FILES.iter().find(|(name, _)| *name == path) {
        Some((_, content)) => ([(CONTENT_TYPE, kind(path)), (CACHE_CONTROL, kept)], *content).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
