//! What every request is asked before it is answered.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::routes::Site;

/// How long an answer may take to begin, its request's body included.
const PATIENCE: Duration = Duration::from_secs(10);
/// Everything is the page's own, and nothing runs that is written into it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SAID: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
];

/// Who asked for this machine by a name that is not its own, or from another page, is turned away. A name of a stranger's that
/// points here would otherwise let the stranger's page read this one.
pub(crate) async fn at_the_door(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api");
    let mut response = match host(request.headers()) {
        Some(host) if site.is_this_machine(host) && comes_from(&request, host) => answer(request, next).await,
        _ => StatusCode::FORBIDDEN.into_response(),
    };
    let headers = response.headers_mut();
    SAID.into_iter().for_each(|(name, value)| drop(headers.insert(name, HeaderValue::from_static(value))));
    if api {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Lets in who shows the token of a paired browser.
pub(crate) async fn if_paired(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let shown = cookie(request.headers(), &site.cookie);
    let Some(pass) = shown.and_then(|token| site.desk.devices.recognise(token)) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    request.extensions_mut().insert(pass);
    next.run(request).await
}

async fn answer(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(PATIENCE, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

/// The one host that was asked for.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?;
    host.to_str().ok().filter(|_| hosts.next().is_none())
}

/// Whether what changes something was sent by the page itself.
fn comes_from(request: &Request, host: &str) -> bool {
    let origin = request.headers().get(ORIGIN).map(axum::http::HeaderValue::as_bytes);
    let own = origin == Some(format!("http://{host}").as_bytes());
    own || (origin.is_none() && matches!(*request.method(), Method::GET | Method::HEAD))
}

/// Whether a host is an address, or one of these names.
pub(crate) fn is_own(host: &str, names: &[String]) -> bool {
    if let Some(literal) = host.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
        return literal.parse::<Ipv6Addr>().is_ok();
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.parse::<IpAddr>().is_ok() || names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(named, _)| *named == name).map(|(_, value)| value)
}

#[test]
fn only_addresses_and_own_names_are_this_machine() {
    let names = ["localhost".to_owned(), "rig".to_owned()];
    for (host, own) in [
        ("192.168.1.7:5020", true),
        ("192.168.1.7", true),
        ("[fd00::7]:5020", true),
        ("localhost:5020", true),
        ("RIG:5020", true),
        ("rig.example:5020", false),
        ("example.com", false),
        ("[example.com]:5020", false),
        ("", false),
    ] {
        assert_eq!(is_own(host, &names), own, "{host}");
    }
}
