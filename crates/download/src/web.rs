//! Asking a server, with the redirects followed by hand: who gets the token is decided at every hop.

use std::{ops::Range, time::Duration};

use reqwest::{
    Client, Method, Response, StatusCode, Url,
    header::{self, HeaderMap},
    redirect::Policy,
};
use tokio::time::timeout;

use crate::{DownloadError, Hub};

const MOST_HOPS: usize = 10;

/// Asks servers.
#[derive(Debug)]
pub(crate) struct Web {
    client: Client,
    pub(crate) hub: Hub,
    stall: Duration,
}

/// An answer with what the hub said about the file on the way to it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    linked: HeaderMap,
    pub(crate) host: String,
}

impl Web {
    pub(crate) fn new(hub: Hub, stall: Duration) -> Result<Self, DownloadError> {
        let client =
            Client::builder().redirect(Policy::none()).user_agent(concat!("cortensor/", env!("CARGO_PKG_VERSION")));
        Ok(Self { client: client.build().map_err(DownloadError::Client)?, hub, stall })
    }

    /// The answer behind all redirects, if it is a good one.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: &Url,
        range: Option<Range<u64>>,
    ) -> Result<Answer, DownloadError> {
        let (mut url, mut linked) = (url.clone(), HeaderMap::new());
        for _ in 0..MOST_HOPS {
            let response = self.send(method.clone(), &url, range.as_ref()).await?;
            if self.hub.is_own(&url) {
                note_linked(&mut linked, response.headers());
            }
            match next(&url, &response)? {
                // What is asked is told already, and the store behind may not answer to HEAD.
                Some(_) if method == Method::HEAD && linked.contains_key("x-linked-size") => {}
                Some(next) => {
                    url = next;
                    continue;
                }
                None => check(&url, &response)?,
            }
            return Ok(Answer { response, linked, host: host(&url) });
        }
        Err(DownloadError::Answer { host: host(&url), what: "too many redirects".to_owned() })
    }

    /// The next bytes of an answer, unless they do not come.
    pub(crate) async fn next_bytes(&self, answer: &mut Answer) -> Result<Option<Vec<u8>>, DownloadError> {
        let next = timeout(self.stall, answer.response.chunk()).await;
        match next.map_err(|_| DownloadError::Stalled { host: answer.host.clone() })? {
            Ok(bytes) => Ok(bytes.map(Into::into)),
            // The answer began: whatever ends it now is a cut.
            Err(_) => Err(DownloadError::Cut { host: answer.host.clone() }),
        }
    }

    /// A small document, never more than `most` bytes of it.
    pub(crate) async fn document(&self, url: &Url, most: usize) -> Result<Vec<u8>, DownloadError> {
        let mut answer = self.ask(Method::GET, url, None).await?;
        let mut document = Vec::new();
        while let Some(bytes) = self.next_bytes(&mut answer).await? {
            document.extend(bytes);
            if document.len() > most {
                return Err(DownloadError::Answer { host: answer.host, what: "too long".to_owned() });
            }
        }
        Ok(document)
    }

    async fn send(&self, method: Method, url: &Url, range: Option<&Range<u64>>) -> Result<Response, DownloadError> {
        // Lengths and digests are those of the file itself, so it must not come compressed.
        let mut request = self.client.request(method, url.clone()).header(header::ACCEPT_ENCODING, "identity");
        if let Some(token) = self.hub.token_for(url) {
            request = request.bearer_auth(token);
        }
        if let Some(range) = range {
            request = request.header(header::RANGE, format!("bytes={}-{}", range.start, range.end - 1));
        }
        let sent = timeout(self.stall, request.send()).await;
        let sent = sent.map_err(|_| DownloadError::Stalled { host: host(url) })?;
        sent.map_err(|source| DownloadError::Connection { host: host(url), source: source.without_url() })
    }
}

impl Answer {
    /// A header that the hub gave on the way, or the last server.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.linked.get(name).or_else(|| self.response.headers().get(name));
        found.and_then(|value| value.to_str().ok())
    }

    /// What changes when the file does: the hub's own digest, or the server's tag, or the time of change.
    pub(crate) fn validator(&self) -> Option<String> {
        let found = ["x-linked-etag", "etag", "last-modified"].into_iter().find_map(|name| self.header(name));
        found.map(|value| value.trim_start_matches("W/").trim_matches('"').to_owned())
    }
}

fn note_linked(linked: &mut HeaderMap, headers: &HeaderMap) {
    for name in ["x-linked-etag", "x-linked-size", "x-repo-commit"] {
        if let Some(value) = headers.get(name) {
            linked.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Where a redirect leads.
fn next(url: &Url, response: &Response) -> Result<Option<Url>, DownloadError> {
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(location) = location.filter(|_| response.status().is_redirection()) else { return Ok(None) };
    let wrong = |_| DownloadError::Answer { host: host(url), what: "a redirect to nowhere".to_owned() };
    let next = url.join(location).map_err(wrong)?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(DownloadError::Insecure { host: host(url) });
    }
    Ok(Some(next))
}

fn check(url: &Url, response: &Response) -> Result<(), DownloadError> {
    let (host, status) = (host(url), response.status());
    Err(match status {
        _ if status.is_success() => return Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => DownloadError::Refused { host, status: status.as_u16() },
        StatusCode::NOT_FOUND | StatusCode::GONE => DownloadError::Missing { host, file: name(url) },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => busy(host, response),
        _ if status.is_server_error() => busy(host, response),
        _ => DownloadError::Answer { host, what: status.to_string() },
    })
}

fn busy(host: String, response: &Response) -> DownloadError {
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    DownloadError::Busy { host, status: response.status().as_u16(), retry_after: asked.and_then(retry_after) }
}

/// Seconds, or a date.
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Duration::try_from(at.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

pub(crate) fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn name(url: &Url) -> String {
    url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_when_to_come_back_in_seconds_or_as_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(
            retry_after("Fri, 31 Dec 2100 23:59:59 GMT").is_some_and(|pause| pause > Duration::from_secs(1_000_000))
        );
        assert_eq!(retry_after("soon"), None);
    }
}
