//! The page over a real socket: who is let in, what they see, and when they are out.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use cortensor_app::{Clock, Connection, Folders, Phase, Problem, ProblemCode, Reason, Status, StatusPageSettings};
use cortensor_protocol::Millis;
use jiff::{Timestamp, tz::TimeZone};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{COOKIE, HOST, ORIGIN, SET_COOKIE, USER_AGENT},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};

use crate::{Glance, StatusPage};

const PHONE: &str = "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0";
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// What must not leave the machine, wherever in the status it stands.
const SECRETS: [&str; 4] = ["/home/sam", "steam", "wss://", "0x"];

struct Home {
    page: StatusPage,
    status: watch::Sender<Status>,
    minutes: Arc<AtomicI64>,
    folder: TempDir,
}

impl Home {
    /// A page that is served.
    async fn open() -> Self {
        let home = Self::at(tempfile::tempdir().unwrap());
        home.serve(true, LOOPBACK).await;
        home
    }

    fn at(folder: TempDir) -> Self {
        let minutes = Arc::new(AtomicI64::new(0));
        let ahead = Arc::clone(&minutes);
        let clock: Clock = Arc::new(move || {
            let seconds = 1_800_000_000 + 60 * ahead.load(Ordering::SeqCst);
            Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC)
        });
        let page = StatusPage::with_clock(&Folders::at(folder.path()), clock);
        Self { page, status: watch::Sender::new(mining()), minutes, folder }
    }

    async fn serve(&self, on: bool, listen: SocketAddr) {
        self.page.open(&StatusPageSettings { on, listen }, self.status.subscribe()).await;
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.page.view().borrow().addresses[0])
    }

    fn get(&self, path: &str) -> RequestBuilder {
        Client::new().get(self.url(path))
    }

    async fn with(&self, cookie: &str, path: &str) -> Response {
        self.get(path).header(COOKIE, cookie).send().await.unwrap()
    }

    async fn type_code(&self, digits: &str) -> Response {
        let (url, origin) = (self.url("/api/pair"), self.url(""));
        let request = Client::new().post(url).header(ORIGIN, origin).header(USER_AGENT, PHONE);
        request.json(&json!({ "code": digits })).send().await.unwrap()
    }

    /// Pairs a browser; answers with its cookie.
    async fn pair(&self) -> String {
        let code = self.page.show_pairing_code().unwrap();
        let paired = self.type_code(&code.digits).await;
        assert_eq!(paired.status(), StatusCode::OK);
        let cookie = paired.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    fn devices(&self) -> usize {
        self.page.view().borrow().devices.len()
    }
}

/// A status with everything in it that is nobody else's business.
fn mining() -> Status {
    let message = "/home/sam/ledger cannot be read".to_owned();
    let mut status = Status::failed(Problem { code: ProblemCode::Files, message });
    status.phase = Phase::Mining;
    status.aside = vec![Reason::Program { name: "steam".to_owned() }];
    status.connection = Connection::Offline { reason: "wss://router.example is away".to_owned(), retry_at: Millis(1) };
    status.address = Some("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".parse().unwrap());
    status
}

/// The next glance of a stream of events.
async fn next(events: &mut Response) -> Option<Glance> {
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        let chunk = tokio::time::timeout(Duration::from_secs(30), events.chunk()).await.expect("an event or the end");
        text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
    }
    serde_json::from_str(text.trim().strip_prefix("data: ").unwrap()).unwrap()
}

#[tokio::test]
async fn nothing_listens_unless_it_is_on_and_no_longer_when_it_is_off_again() {
    let home = Home::at(tempfile::tempdir().unwrap());
    home.page.open(&StatusPageSettings::default(), home.status.subscribe()).await;
    assert!(!home.page.view().borrow().open && home.page.show_pairing_code().is_err());
    home.serve(true, LOOPBACK).await;
    let url = home.url("/");
    assert_eq!(Client::new().get(&url).send().await.unwrap().status(), StatusCode::OK);
    home.serve(false, LOOPBACK).await;
    assert!(Client::new().get(&url).send().await.is_err());
}

#[tokio::test]
async fn a_browser_that_is_not_paired_gets_the_page_and_nothing_else() {
    let home = Home::open().await;
    for (path, status) in [
        ("/", StatusCode::OK),
        ("/api/glance", StatusCode::UNAUTHORIZED),
        ("/api/events", StatusCode::UNAUTHORIZED),
        ("/api/anything", StatusCode::UNAUTHORIZED),
        ("/api/pair", StatusCode::METHOD_NOT_ALLOWED),
        ("/assets/none.js", StatusCode::NOT_FOUND),
        ("/assets/..%2f..%2fCargo.toml", StatusCode::NOT_FOUND),
    ] {
        let answer = home.get(path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"), "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{path}");
    }
    let wrong = home.with("cortensor_glance_1=00; other", "/api/glance").await;
    assert_eq!(
        (wrong.status(), &wrong.headers()["cache-control"]),
        (StatusCode::UNAUTHORIZED, &"no-store".parse().unwrap())
    );
}

#[tokio::test]
async fn a_code_lets_one_browser_in_and_a_wrong_one_five_times_voids_it() {
    let home = Home::open().await;
    let cookie = home.pair().await;
    assert_eq!(home.with(&cookie, "/api/glance").await.status(), StatusCode::OK);
    let view = home.page.view().borrow().clone();
    assert_eq!((view.devices[0].name.as_str(), view.code), ("Firefox on Android", None));

    let code = home.page.show_pairing_code().unwrap();
    for left in [4, 3, 2, 1, 0] {
        let refused = home.type_code("none").await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert_eq!(refused.json::<Value>().await.unwrap(), json!({ "is": "wrong", "left": left }));
    }
    let refused = home.type_code(&code.digits).await;
    assert_eq!(refused.json::<Value>().await.unwrap(), json!({ "is": "no_code" }));
    assert_eq!(home.devices(), 1);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_and_one_address_tries_ten_times_a_minute() {
    let home = Home::open().await;
    let code = home.page.show_pairing_code().unwrap();
    home.minutes.store(10, Ordering::SeqCst);
    assert_eq!(home.type_code(&code.digits).await.json::<Value>().await.unwrap(), json!({ "is": "no_code" }));
    for _ in 1..10 {
        home.type_code("1").await;
    }
    let code = home.page.show_pairing_code().unwrap();
    assert_eq!(home.type_code(&code.digits).await.status(), StatusCode::TOO_MANY_REQUESTS);
    home.minutes.store(11, Ordering::SeqCst);
    assert_eq!(home.type_code(&code.digits).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_served_follows_the_status_and_has_nothing_in_it_that_is_nobody_elses_business() {
    let home = Home::open().await;
    let cookie = home.pair().await;
    let text = home.with(&cookie, "/api/glance").await.text().await.unwrap();
    assert!(text.contains("\"program\"") && text.contains("\"files\""), "{text}");
    assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");

    let mut events = home.with(&cookie, "/api/events").await;
    assert_eq!(next(&mut events).await.unwrap().phase, Phase::Mining);
    home.minutes.store(3, Ordering::SeqCst);
    home.status.send_modify(|status| status.phase = Phase::Paused);
    let paused = next(&mut events).await.unwrap();
    assert_eq!((paused.phase, paused.since), (Phase::Paused, Millis(1_800_000_180_000)));
    home.status.send_replace(Status::failed(Problem { code: ProblemCode::Network, message: String::new() }));
    assert_eq!(next(&mut events).await.unwrap().problem, Some(ProblemCode::Network), "a miner that failed is seen");
}

#[tokio::test]
async fn a_browser_that_is_forgotten_is_out_at_once_and_the_others_stay() {
    let home = Home::open().await;
    let (first, second) = (home.pair().await, home.pair().await);
    let (mut ended, mut going) = (home.with(&first, "/api/events").await, home.with(&second, "/api/events").await);
    next(&mut ended).await.unwrap();
    next(&mut going).await.unwrap();
    let id = home.page.view().borrow().devices[0].id;
    home.page.forget(id).unwrap();
    assert!(next(&mut ended).await.is_none(), "its stream ends");
    assert_eq!(home.with(&first, "/api/glance").await.status(), StatusCode::UNAUTHORIZED);
    home.status.send_modify(|status| status.running = 1);
    assert_eq!(next(&mut going).await.unwrap().running, 1);
    assert!(home.page.forget(id).unwrap_err().message.contains("--list"));
    home.page.forget_all().unwrap();
    assert!(next(&mut going).await.is_none() && home.devices() == 0);
}

#[tokio::test]
async fn paired_browsers_outlive_the_program_and_their_tokens_are_nowhere() {
    let home = Home::open().await;
    let cookie = home.pair().await;
    let address = home.url("").strip_prefix("http://").unwrap().parse().unwrap();
    home.page.close().await;
    let again = Home::at(home.folder);
    let token = cookie.split_once('=').unwrap().1;
    let file = std::fs::read_to_string(again.folder.path().join("paired-devices.json")).unwrap();
    assert!(token.len() == 64 && !file.contains(token), "{file}");
    again.serve(true, address).await;
    assert_eq!(again.with(&cookie, "/api/glance").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn sixteen_browsers_are_paired_and_no_more() {
    let home = Home::open().await;
    for minute in 0..16 {
        home.minutes.store(minute, Ordering::SeqCst);
        home.pair().await;
    }
    home.minutes.store(20, Ordering::SeqCst);
    let code = home.page.show_pairing_code().unwrap();
    assert_eq!(home.type_code(&code.digits).await.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn who_asks_by_a_strangers_name_or_from_a_strangers_page_is_turned_away() {
    let home = Home::open().await;
    let cookie = home.pair().await;
    let own = home.url("").strip_prefix("http://").unwrap().to_owned();
    let port = own.split_once(':').unwrap().1;
    for (host, status) in [
        (own.clone(), StatusCode::OK),
        (format!("localhost:{port}"), StatusCode::OK),
        (format!("rebound.example:{port}"), StatusCode::FORBIDDEN),
    ] {
        let answer = home.get("/api/glance").header(COOKIE, &cookie).header(HOST, &host).send().await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
    let code = home.page.show_pairing_code().unwrap();
    for origin in [None, Some("http://stranger.example"), Some("null")] {
        let mut request =
            Client::new().request(Method::POST, home.url("/api/pair")).json(&json!({ "code": code.digits }));
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{origin:?}");
    }
    let large = json!({ "code": "1".repeat(5_000) });
    let request = Client::new().post(home.url("/api/pair")).header(ORIGIN, home.url("")).json(&large);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(home.devices(), 1);
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_and_served_from_when_it_is_free() {
    let home = Home::at(tempfile::tempdir().unwrap());
    let other = TcpListener::bind(LOOPBACK).await.unwrap();
    let taken = other.local_addr().unwrap();
    home.serve(true, taken).await;
    let problem = home.page.view().borrow().problem.clone().unwrap();
    assert!(problem.contains("choose another address") && problem.contains(&taken.to_string()), "{problem}");
    drop(other);
    home.serve(true, taken).await;
    assert_eq!(home.get("/").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(home.page.view().borrow().problem, None);
}

#[tokio::test]
async fn where_the_page_moves_the_old_place_is_closed_and_who_looks_is_told() {
    let home = Home::open().await;
    let cookie = home.pair().await;
    let mut events = home.with(&cookie, "/api/events").await;
    next(&mut events).await.unwrap();
    let old = home.url("/");
    let free = TcpListener::bind(LOOPBACK).await.unwrap().local_addr().unwrap();
    home.serve(true, free).await;
    assert!(next(&mut events).await.is_none());
    assert!(home.url("/") != old && Client::new().get(&old).send().await.is_err());
}
