//! A hub on loopback that misbehaves when it is told to.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};

/// What goes wrong with one answer to a request for bytes.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// None.
    Nothing,
    /// The connection ends after so many bytes.
    Cut(usize),
    /// Nothing comes after so many bytes.
    Stall(usize),
    /// A status instead of bytes, with `Retry-After`.
    Status(u16, Option<&'static str>),
    /// The last byte is another.
    WrongBytes,
    /// A byte too few, and it says so.
    WrongLength,
    /// From here on the file is another one.
    Change(Vec<u8>),
}

#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) faults: VecDeque<Fault>,
    /// Requests as `METHOD PATH RANGE`.
    pub(crate) seen: Vec<String>,
    pub(crate) tokens: Vec<Option<String>>,
    pub(crate) bytes_sent: usize,
    pub(crate) no_ranges: bool,
    /// Says nothing of size and digest in its headers, only in its listing.
    pub(crate) listing_only: bool,
    /// Another server that has the bytes.
    pub(crate) store: Option<String>,
    pub(crate) status: Option<u16>,
}

#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) address: String,
    inside: Arc<Mutex<Inside>>,
}

impl Double {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let double = Self { address, inside: Arc::default() };
        let routes = Router::new().fallback(answer).with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        double
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub(crate) fn serve(&self, path: &str, content: &[u8]) {
        self.inside().files.insert(path.to_owned(), content.to_vec());
    }

    /// How many requests for bytes there were.
    pub(crate) fn gets(&self) -> usize {
        self.inside().seen.iter().filter(|seen| seen.starts_with("GET ") && seen.contains("resolve")).count()
    }
}

async fn answer(State(double): State<Double>, request: Request) -> Response {
    let mut inside = double.inside();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let range = text(header::RANGE);
    inside.seen.push(format!("{method} {path} {}", range.clone().unwrap_or_default()));
    inside.tokens.push(text(header::AUTHORIZATION));
    if let Some(status) = inside.status {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    if path.starts_with("/api/models/") {
        return listed(&inside);
    }
    // At the hub files are under `resolve/REVISION`; the store has them by their bare names.
    let name = path.rsplit('/').next().unwrap().to_owned();
    let Some(content) = inside.files.get(&name).cloned() else { return StatusCode::NOT_FOUND.into_response() };
    let headers = said(&inside, &content);
    if let Some(store) = &inside.store {
        let location = format!("{store}/{name}");
        return (StatusCode::FOUND, headers, [(header::LOCATION, location)]).into_response();
    }
    if method == Method::HEAD {
        return (headers, [(header::CONTENT_LENGTH, content.len().to_string())]).into_response();
    }
    let fault = inside.faults.pop_front().unwrap_or(Fault::Nothing);
    if let Fault::Change(other) = &fault {
        inside.files.insert(name, other.clone());
    }
    let range = range.filter(|_| !inside.no_ranges).map(|range| parse(&range));
    bytes(&mut inside, headers, &content, range, &fault)
}

fn said(inside: &Inside, content: &[u8]) -> HeaderMap {
    let digest = hex::encode(Sha256::digest(content));
    let mut headers = HeaderMap::new();
    headers.insert("etag", format!("\"{}\"", &digest[..16]).parse().unwrap());
    if !inside.listing_only {
        headers.insert("x-linked-etag", format!("\"{digest}\"").parse().unwrap());
        headers.insert("x-linked-size", content.len().into());
        headers.insert("x-repo-commit", "a".repeat(40).parse().unwrap());
    }
    headers
}

fn listed(inside: &Inside) -> Response {
    let entry = |(name, content): (&String, &Vec<u8>)| {
        let lfs = serde_json::json!({ "oid": hex::encode(Sha256::digest(content)), "size": content.len() });
        serde_json::json!({ "type": "file", "path": name, "size": content.len(), "lfs": lfs })
    };
    let entries: Vec<_> = inside.files.iter().map(entry).collect();
    serde_json::to_string(&entries).unwrap().into_response()
}

fn bytes(
    inside: &mut Inside,
    mut headers: HeaderMap,
    content: &[u8],
    range: Option<Range<usize>>,
    fault: &Fault,
) -> Response {
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let range = range.unwrap_or(0..content.len());
    let told = format!("bytes {}-{}/{}", range.start, range.end - 1, content.len());
    headers.insert(header::CONTENT_RANGE, told.parse().unwrap());
    let mut sent = content[range].to_vec();
    match fault {
        Fault::Status(status, after) => {
            let status = StatusCode::from_u16(*status).unwrap();
            let after = after.map(|after| (header::RETRY_AFTER, after.parse().unwrap()));
            return (status, HeaderMap::from_iter(after)).into_response();
        }
        Fault::WrongBytes => *sent.last_mut().unwrap() ^= 1,
        Fault::WrongLength => sent.truncate(sent.len() - 1),
        _ => {}
    }
    headers.insert(header::CONTENT_LENGTH, sent.len().into());
    inside.bytes_sent += sent.len();
    (status, headers, body(sent, fault)).into_response()
}

fn body(sent: Vec<u8>, fault: &Fault) -> Body {
    let first = |count: usize| Ok::<_, std::io::Error>(Bytes::from(sent[..count.min(sent.len())].to_vec()));
    match fault {
        Fault::Cut(count) => {
            // The bytes go out before the connection ends, so that they are really received.
            let end = stream::once(async {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                Err(std::io::Error::other("cut"))
            });
            Body::from_stream(stream::iter([first(*count)]).chain(end))
        }
        Fault::Stall(count) => Body::from_stream(stream::iter([first(*count)]).chain(stream::pending())),
        _ => Body::from(sent),
    }
}

fn parse(range: &str) -> Range<usize> {
    let (start, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    start.parse().unwrap()..last.parse::<usize>().unwrap() + 1
}
