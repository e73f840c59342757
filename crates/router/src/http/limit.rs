//! Where a request comes from, and whether that is too much.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName},
    middleware::Next,
    response::Response,
};
use cortensor_listener::Guest;

use super::error::ApiError;
use crate::{
    context::Context,
    rules::limit::{Source, TooMany},
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Turns requests away that come too fast from one address; tells the others' routes where they come from.
pub(super) async fn by_address(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let guest = request.extensions().get::<Guest>().ok_or(ApiError::INTERNAL)?;
    let source = Source::from(origin(guest.address, request.headers(), &context.policy.limits.proxies));
    context.limits.address_request(source).map_err(|too_many| turned_away(&context, too_many))?;
    request.extensions_mut().insert(source);
    Ok(next.run(request).await)
}

/// Counts what is turned away.
pub(super) fn turned_away(context: &Context, too_many: TooMany) -> ApiError {
    context.metrics.turned_away(too_many.code());
    ApiError::TooMany(too_many)
}

/// Who sent it. A proxy is believed about the one who asked it, the last in its list: all before that is what somebody
/// says.
fn origin(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    if !proxies.contains(&peer.to_canonical()) {
        return peer;
    }
    let last = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|value| value.to_str().ok());
    let address = last.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    address.unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_known_proxy_is_believed_and_only_about_who_asked_it() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxies = [address("127.0.0.1")];
        for (peer, forwarded, expected) in [
            ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "nonsense", "127.0.0.1"),
            ("198.51.100.1", "192.0.2.1", "198.51.100.1"),
        ] {
            let headers = HeaderMap::from_iter([(FORWARDED_FOR, HeaderValue::from_static(forwarded))]);
            let found = origin(address(peer), &headers, &proxies).to_canonical();
            assert_eq!(found, address(expected), "{peer} {forwarded}");
        }
    }
}
