//! Over real connections: how many there may be, how long they may say nothing, and how they end.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Extension, Router, routing::get};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{Beyond, Guest, Limits, Listener};

const WAITS: Beyond = Beyond::Waits { setting: "`connections` of a test" };
const ONE: Limits = Limits { connections: 1, beyond: WAITS, head: Duration::from_secs(30), farewell: None };
const MANY: Limits = Limits { connections: 64, ..ONE };
/// Long enough for what is to happen.
const SOON: Duration = Duration::from_secs(30);
/// Long enough for what is not to happen.
const A_MOMENT: Duration = Duration::from_millis(300);

struct Served {
    address: SocketAddr,
    closing: CancellationToken,
    server: JoinHandle<()>,
}

impl Served {
    async fn start(limits: Limits, app: Router) -> Self {
        Self::to_whom(limits, app, |_| Some(())).await
    }

    async fn to_whom<Admit>(limits: Limits, app: Router, admit: Admit) -> Self
    where
        Admit: Fn(IpAddr) -> Option<()> + Send + Sync + 'static,
    {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, closing) = (socket.local_addr().unwrap(), CancellationToken::new());
        let server = tokio::spawn(Listener::new(socket, limits, admit).serve(app, closing.clone()));
        Self { address, closing, server }
    }

    async fn say(&self, said: &str) -> TcpStream {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        // It may be closed while it is written to.
        let _ = connection.write_all(said.as_bytes()).await;
        connection
    }

    /// Asks once more and no more.
    async fn ask(&self, path: &str) -> TcpStream {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await
    }

    /// A connection that was answered and stays open.
    async fn stay(&self) -> TcpStream {
        let mut connection = self.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut answer = String::new();
        while !answer.ends_with("hello") {
            let byte = timeout(SOON, connection.read_u8()).await.expect("an answer").unwrap();
            answer.push(char::from(byte));
        }
        connection
    }

    async fn ended(self) {
        timeout(SOON, self.server).await.expect("the end").unwrap();
    }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// Everything that is said until the connection ends.
async fn rest(mut connection: TcpStream) -> String {
    let mut answer = Vec::new();
    // The end may be an abrupt one.
    let _ = timeout(SOON, connection.read_to_end(&mut answer)).await.expect("the end of the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn says_nothing_yet(connection: &mut TcpStream) {
    let early = timeout(A_MOMENT, connection.read_u8()).await;
    assert!(early.is_err(), "{early:?}");
}

#[tokio::test]
async fn a_request_whose_head_does_not_arrive_and_an_idle_connection_are_ended() {
    let served = Served::start(Limits { head: Duration::from_secs(1), ..MANY }, hello()).await;
    let slow = served.say("GET / HTTP/1.1\r\nhost: ").await;
    let idle = served.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let silent = served.say("").await;
    let (slow, idle, silent) = tokio::join!(rest(slow), rest(idle), rest(silent));
    assert!(!slow.contains(" 200 ") && silent.is_empty(), "{slow} {silent}");
    assert!(idle.starts_with("HTTP/1.1 200 "), "{idle}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let served = Served::start(MANY, hello()).await;
    let large = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(2 << 20));
    let answer = rest(served.say(&large).await).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    assert!(rest(served.ask("/").await).await.contains(" 200 "));
}

#[tokio::test]
async fn who_is_one_too_many_waits_until_another_one_ends() {
    let served = Served::start(ONE, hello()).await;
    let first = served.stay().await;
    let mut second = served.ask("/").await;
    says_nothing_yet(&mut second).await;
    drop(first);
    assert!(rest(second).await.contains(" 200 "));
}

#[tokio::test]
async fn who_is_one_too_many_is_closed_where_nobody_is_to_wait() {
    let served = Served::start(Limits { beyond: Beyond::IsClosed, ..ONE }, hello()).await;
    let first = served.stay().await;
    assert_eq!(rest(served.ask("/").await).await, "");
    drop(first);
    let let_in = async { while !rest(served.ask("/").await).await.contains(" 200 ") {} };
    timeout(SOON, let_in).await.expect("a free place");
}

#[tokio::test]
async fn who_keeps_a_guest_keeps_its_place_taken() {
    let guests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&guests);
    let keep = get(move |Extension(guest): Extension<Guest>| async move { kept.lock().unwrap().push(guest) });
    let served = Served::start(ONE, hello().route("/keep", keep)).await;
    assert!(rest(served.ask("/keep").await).await.contains(" 200 "));
    let mut second = served.ask("/").await;
    says_nothing_yet(&mut second).await;
    let guest = guests.lock().unwrap().pop().unwrap();
    assert_eq!(guest.address, served.address.ip());
    drop(guest);
    assert!(rest(second).await.contains(" 200 "));
}

#[tokio::test]
async fn who_gets_no_place_is_closed_at_once() {
    let served = Served::to_whom(MANY, hello(), |_| None).await;
    assert_eq!(rest(served.ask("/").await).await, "");
}

#[tokio::test]
async fn at_the_end_what_is_asked_is_answered_and_nothing_more_is_taken() {
    let (asked, go) = (Arc::new(Notify::new()), CancellationToken::new());
    let (told, wait) = (Arc::clone(&asked), go.clone());
    let slowly = get(move || async move {
        told.notify_one();
        wait.cancelled().await;
        "at last"
    });
    let served = Served::start(MANY, hello().route("/slow", slowly)).await;
    let (idle, slow) = (served.stay().await, served.say("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await);
    asked.notified().await;
    served.closing.cancel();
    assert_eq!(rest(idle).await, "");
    assert!(TcpStream::connect(served.address).await.is_err());
    go.cancel();
    assert!(rest(slow).await.ends_with("at last"));
    served.ended().await;
}

#[tokio::test]
async fn who_does_not_end_in_the_time_of_the_farewell_is_cut_off() {
    let asked = Arc::new(Notify::new());
    let told = Arc::clone(&asked);
    let never = get(move || async move {
        told.notify_one();
        std::future::pending::<&'static str>().await
    });
    let limits = Limits { farewell: Some(Duration::from_millis(50)), ..MANY };
    let served = Served::start(limits, hello().route("/never", never)).await;
    let waiting = served.ask("/never").await;
    asked.notified().await;
    served.closing.cancel();
    assert_eq!(rest(waiting).await, "");
    served.ended().await;
}
