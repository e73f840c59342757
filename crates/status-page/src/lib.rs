//! A page in the local network that says how the miner is: off by default, read only, and for browsers that were paired.
//!
//! [`StatusPage`] outlives the miner's lives and follows one status, so that a miner that is paused or has failed is seen
//! too. The page is plain HTTP: whoever listens in the same network can read it, and can change nothing.
//!
//! **Invariant:** serves what it is given ([`Glance`]) and takes nothing but a pairing code. It knows no engine, no node and
//! no router, and nothing that it serves has keys, addresses, prompts, paths or settings in it.

mod addresses;
mod browser;
mod codes;
mod control;
mod devices;
mod files;
mod glance;
mod guard;
mod places;
mod routes;
mod server;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use cortensor_app::{Clock, Failure, FailureCode, Folders, Status, StatusPageSettings, system_clock};
use cortensor_protocol::Millis;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, watch},
};
use ts_rs::TS;

pub use codes::PairingCode;
pub use control::{ForgetRequest, PairingOffer};
pub use devices::{DeviceId, PairedDevice};
pub use glance::{AsideKind, Glance, Warning};
pub use routes::PairRefusal;

use codes::Codes;
use devices::Devices;
use server::Served;

/// The page: whether it is served is said by [`StatusPage::open`].
#[derive(Clone)]
pub struct StatusPage {
    desk: Arc<Desk>,
    served: Arc<AsyncMutex<Option<Served>>>,
}

/// What there is to know of the page in the app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StatusPageView {
    /// Whether it is served.
    pub open: bool,
    /// Where browsers of the network find it.
    pub addresses: Vec<String>,
    /// Why it is not served though it is on.
    pub problem: Option<String>,
    /// The code that pairs a browser, until it is used or its time is up.
    pub code: Option<PairingCode>,
    /// Browsers that may look.
    pub devices: Vec<PairedDevice>,
}

/// Who may look, whether the page is served or not.
pub(crate) struct Desk {
    pub(crate) devices: Devices,
    pub(crate) codes: Codes,
    clock: Clock,
    listen: Mutex<Option<SocketAddr>>,
    view: watch::Sender<StatusPageView>,
}

/// Why the page is not served.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    /// The port is taken, or the address is not this machine's.
    #[error(
        "the status page cannot listen on {listen}; choose another address for it in Settings, or end what uses this one"
    )]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
}

impl StatusPage {
    /// The page of the miner on these folders; it is not served yet.
    pub fn new(folders: &Folders) -> Self {
        Self::with_clock(folders, system_clock())
    }

    /// The same with another clock.
    pub fn with_clock(folders: &Folders, clock: Clock) -> Self {
        let devices = Devices::read(folders.paired_devices());
        let view = StatusPageView { devices: devices.list(), ..StatusPageView::default() };
        let (listen, view) = (Mutex::default(), watch::Sender::new(view));
        let desk = Arc::new(Desk { devices, codes: Codes::default(), clock, listen, view });
        Self { desk, served: Arc::default() }
    }

    /// Serves the page as the settings say, or no longer. What goes wrong is in the view: it never ends a miner.
    pub async fn open(&self, settings: &StatusPageSettings, status: watch::Receiver<Status>) {
        let mut served = self.served.lock().await;
        if settings.on && served.as_ref().is_some_and(|served| served.asked == settings.listen) {
            return;
        }
        self.end(served.take()).await;
        if !settings.on {
            return;
        }
        match self.serve(settings.listen, status).await {
            Ok(started) => *served = Some(started),
            Err(error) => {
                let problem = Failure::of(FailureCode::Network, &error).message;
                tracing::warn!("{problem}");
                self.desk.view.send_modify(|view| view.problem = Some(problem));
            }
        }
    }

    /// Serves it no longer, and says goodbye to who looks just now.
    pub async fn close(&self) {
        let mut served = self.served.lock().await;
        self.end(served.take()).await;
    }

    /// What there is to know of it, now and from now on.
    pub fn view(&self) -> watch::Receiver<StatusPageView> {
        self.desk.tell();
        self.desk.view.subscribe()
    }

    /// Shows a new code for pairing one browser; the one before is void.
    pub fn show_pairing_code(&self) -> Result<PairingCode, Failure> {
        if self.desk.listen().is_none() {
            let message = "the status page is off; turn it on in Settings, or with `on = true` under [status_page] in settings.toml";
            return Err(Failure::new(FailureCode::Request, message.to_owned()));
        }
        let code = self.desk.codes.show(self.desk.now());
        self.desk.tell();
        Ok(code)
    }

    /// Lets a browser look no longer, at once.
    pub fn forget(&self, id: DeviceId) -> Result<(), Failure> {
        let forgotten = self.desk.devices.forget(|device| device.id == id);
        self.desk.tell();
        match forgotten {
            Ok(0) => Err(Failure::new(
                FailureCode::Request,
                format!("no browser {id} is paired; see `cortensor pair --list`"),
            )),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::of(FailureCode::File, &error)),
        }
    }

    /// Lets no browser look any longer, at once.
    pub fn forget_all(&self) -> Result<(), Failure> {
        let forgotten = self.desk.devices.forget(|_| true);
        self.desk.tell();
        forgotten.map(|_| ()).map_err(|error| Failure::of(FailureCode::File, &error))
    }

    async fn serve(&self, listen: SocketAddr, status: watch::Receiver<Status>) -> Result<Served, OpenError> {
        let error = |source| OpenError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(error)?;
        let bound = listener.local_addr().map_err(error)?;
        self.desk.listens(Some(bound));
        tracing::info!(address = %bound, "the status page is served");
        Ok(Served::start(listen, listener, Arc::clone(&self.desk), status))
    }

    async fn end(&self, served: Option<Served>) {
        if let Some(served) = served {
            served.stop().await;
            self.desk.devices.keep();
        }
        self.desk.codes.void();
        self.desk.listens(None);
    }
}

impl Desk {
    pub(crate) fn now(&self) -> Millis {
        Millis((self.clock)().timestamp().as_millisecond())
    }

    pub(crate) fn listen(&self) -> Option<SocketAddr> {
        *self.listen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the app how it is now.
    pub(crate) fn tell(&self) {
        let listen = self.listen();
        let addresses = listen.map(addresses::of).unwrap_or_default();
        let (code, devices) = (self.codes.shown(self.now()), self.devices.list());
        self.view.send_modify(|view| {
            *view = StatusPageView { open: listen.is_some(), addresses, problem: view.problem.take(), code, devices };
        });
    }

    fn listens(&self, listen: Option<SocketAddr>) {
        *self.listen.lock().unwrap_or_else(PoisonError::into_inner) = listen;
        self.view.send_modify(|view| view.problem = None);
        self.tell();
    }
}
