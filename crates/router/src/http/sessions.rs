//! Sessions: opening, showing and ending them, their deposits and their keys.

mod view;

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) use self::view::credits;
use self::view::{DepositView, EndedView, KeyView, KeysView, NewKeyView, NewSessionView, SessionView, SessionsView};
use super::{
    body,
    error::ApiError,
    schema::{CreateBody, DepositBody, ErrorBody, KeyBody},
};
use crate::{
    clock::wall_time,
    context::Context,
    rules::{
        key,
        pool::Want,
        problem::Problem,
        request::{object, refuse},
        session::{Caller, NewSession, Session, SessionKeyId, deposit as read_deposit, label, new_session},
    },
    store::{Deposited, KeyId, StoreError},
};

/// Entries on a page.
pub(super) const PAGE: u32 = 100;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Only what has a smaller number than this: the last one of the page before.
    pub(super) before: Option<i64>,
}

type Page = Result<Query<Paging>, QueryRejection>;

/// The number that a page goes down from.
pub(super) fn before(page: Page) -> Result<Option<i64>, ApiError> {
    let wrong = || refuse(Some("before"), "invalid_value", "`before` must be a whole number".to_owned());
    page.map(|Query(paging)| paging.before).map_err(|_| wrong().into())
}

/// Opens a session and moves its deposit from the account's own. The session's key is shown this once.
#[utoipa::path(
    post, path = "/api/v1/create", tag = "sessions", request_body = CreateBody,
    responses(
        (status = 201, description = "The session, its key and its prices", body = NewSessionView),
        (status = "default", description = "Why there is none", body = ErrorBody),
    )
)]
pub(super) async fn create(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<(StatusCode, Json<NewSessionView>), ApiError> {
    let owner = account(caller)?;
    let object = object(&body::read(request.into_body(), &context.policy).await?)?;
    let NewSession { terms, deposit } = new_session(&object, &context.policy)?;
    let (key, label) = (key::random(), label(&object)?);
    let created = context.store.create_session(owner, &terms, (&key, &label), deposit, wall_time()).await;
    let too_little = |available| Problem::TooLittleCredit { needed: deposit, available };
    let id = stored(&context, created)?.map_err(too_little)?;
    let session = find(&context, caller, id.0).await?;
    Ok((StatusCode::CREATED, Json(NewSessionView { session: shown(&context, &session), key })))
}

/// The account's sessions, newest first.
#[utoipa::path(
    get, path = "/api/v1/sessions", tag = "sessions", params(Paging),
    responses(
        (status = 200, description = "Up to 100 of them, and how many there are", body = SessionsView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    page: Page,
) -> Result<Json<SessionsView>, ApiError> {
    let before = before(page)?;
    if let Some(own) = caller.session {
        let session = find(&context, caller, own.0).await?;
        return Ok(Json(SessionsView { count: 1, sessions: vec![shown(&context, &session)] }));
    }
    let (count, sessions) = stored(&context, context.store.sessions(caller.account, before, PAGE).await)?;
    let sessions = sessions.iter().map(|session| shown(&context, session)).collect();
    Ok(Json(SessionsView { count, sessions }))
}

/// One session.
#[utoipa::path(
    get, path = "/api/v1/sessions/{sid}", tag = "sessions",
    params(("sid" = i64, Path, description = "The session's number")),
    responses(
        (status = 200, description = "The session", body = SessionView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn show(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
) -> Result<Json<SessionView>, ApiError> {
    let session = find(&context, caller, number(&session)?).await?;
    Ok(Json(shown(&context, &session)))
}

/// Ends a session. What is left of its deposit goes back to the account; what running tasks hold follows.
#[utoipa::path(
    post, path = "/api/v1/sessions/{sid}/deactivate", tag = "sessions",
    params(("sid" = i64, Path, description = "The session's number")),
    responses(
        (status = 200, description = "It is over; a second time nothing comes back", body = EndedView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn deactivate(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
) -> Result<Json<EndedView>, ApiError> {
    let session = own(&context, caller, &session).await?;
    let returned = stored(&context, context.store.deactivate_session(session.id, wall_time()).await)?;
    context.pool.release(session.id);
    Ok(Json(EndedView::new(session.id, returned)))
}

/// Moves practice credits from the account's own deposit into a session, once for each `key`.
#[utoipa::path(
    post, path = "/api/v1/sessions/{sid}/deposit", tag = "sessions", request_body = DepositBody,
    params(("sid" = i64, Path, description = "The session's number")),
    responses(
        (status = 200, description = "It is in the session", body = DepositView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn deposit(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
    request: Request,
) -> Result<Json<DepositView>, ApiError> {
    let Session { id, owner, .. } = own(&context, caller, &session).await?;
    let (key, amount) = read_deposit(&object(&body::read(request.into_body(), &context.policy).await?)?)?;
    let repeated = match stored(&context, context.store.deposit(owner, id, &key, amount, wall_time()).await)? {
        Deposited::Done => false,
        Deposited::Before => true,
        Deposited::Otherwise(before) => return Err(Problem::OtherDeposit(before).into()),
        Deposited::TooLittle { available } => return Err(Problem::TooLittleCredit { needed: amount, available }.into()),
        Deposited::Over => return Err(Problem::SessionOver.into()),
    };
    let session = find(&context, caller, id.0).await?;
    Ok(Json(DepositView::new(&session, amount, repeated)))
}

/// The keys that open a session, but for the keys themselves, which are not kept.
#[utoipa::path(
    get, path = "/api/v1/sessions/{sid}/keys", tag = "sessions",
    params(("sid" = i64, Path, description = "The session's number")),
    responses(
        (status = 200, description = "Its keys", body = KeysView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn keys(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
) -> Result<Json<KeysView>, ApiError> {
    let session = own(&context, caller, &session).await?;
    let keys = stored(&context, context.store.session_keys(session.id).await)?;
    Ok(Json(KeysView { keys: keys.into_iter().map(KeyView::from).collect() }))
}

/// Makes another key for a session. It is shown this once.
#[utoipa::path(
    post, path = "/api/v1/sessions/{sid}/keys", tag = "sessions", request_body = KeyBody,
    params(("sid" = i64, Path, description = "The session's number")),
    responses(
        (status = 201, description = "The key", body = NewKeyView),
        (status = "default", description = "Why there is none", body = ErrorBody),
    )
)]
pub(super) async fn add_key(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<NewKeyView>), ApiError> {
    let session = own(&context, caller, &session).await?;
    let label = label(&object(&body::read(request.into_body(), &context.policy).await?)?)?;
    if !session.active {
        return Err(Problem::SessionOver.into());
    }
    let (key, most) = (key::random(), context.policy.session_keys);
    let added = context.store.add_session_key(session.id, (&key, &label), most, wall_time()).await;
    let SessionKeyId(id) = stored(&context, added)?.ok_or(Problem::TooManyKeys { most })?;
    Ok((StatusCode::CREATED, Json(NewKeyView { id, label, key })))
}

/// Makes a key of a session open nothing any more.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{sid}/keys/{kid}", tag = "sessions",
    params(
        ("sid" = i64, Path, description = "The session's number"),
        ("kid" = i64, Path, description = "The key's number"),
    ),
    responses(
        (status = 204, description = "It opens nothing any more"),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn delete_key(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path((session, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let session = own(&context, caller, &session).await?;
    let key = number(&key)?;
    let revoked = context.store.revoke_session_key(session.id, SessionKeyId(key), wall_time()).await;
    let unknown = Problem::Unknown { what: "session key", number: key };
    if stored(&context, revoked)? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown.into()) }
}

/// A number in an address. What is none is the address of nothing.
pub(super) fn number(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}

/// The caller's session of this number. Another's is as unknown as one that does not exist.
pub(super) async fn find(context: &Context, caller: Caller, number: i64) -> Result<Session, ApiError> {
    let unknown = || ApiError::from(Problem::Unknown { what: "session", number });
    if caller.session.is_some_and(|own| own.0 != number) {
        return Err(unknown());
    }
    let id = crate::rules::session::SessionId(number);
    stored(context, context.store.session(caller.account, id).await)?.ok_or_else(unknown)
}

/// The same, for what only the account itself may do.
async fn own(context: &Context, caller: Caller, session: &str) -> Result<Session, ApiError> {
    let session = find(context, caller, number(session)?).await?;
    account(caller)?;
    Ok(session)
}

fn account(caller: Caller) -> Result<KeyId, ApiError> {
    if caller.session.is_some() { Err(Problem::AccountOnly.into()) } else { Ok(caller.account) }
}

pub(super) fn stored<T>(context: &Context, result: Result<T, StoreError>) -> Result<T, ApiError> {
    result.map_err(|error| ApiError::store(&error, &context.policy))
}

fn shown(context: &Context, session: &Session) -> SessionView {
    let miners = context.pool.capable(&Want::new(session.terms.model.clone(), session.terms.choice()));
    SessionView::new(session, miners)
}
