//! The `OpenAPI` document: made of the routes themselves.

use std::sync::Arc;

use axum::{Extension, Json};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::schema::ErrorBody;
use crate::context::Context;

/// What holds for every route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cortensor router",
        description = "Sessions, answers and the state of a Cortensor network. Credits are practice credits.",
    ),
    modifiers(&Bearer),
    security(("key" = [])),
)]
struct Described;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("key", scheme);
    }
}

/// A router without routes that knows how to describe them.
pub(super) fn described() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::with_openapi(Described::openapi())
}

/// This document.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "router",
    responses(
        (status = 200, description = "OpenAPI 3.1", body = serde_json::Value),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn document(Extension(document): Extension<Arc<Document>>) -> Json<Document> {
    Json(Document::clone(&document))
}
