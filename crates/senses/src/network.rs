//! Whether the connection is paid for by volume, as `NetworkManager` knows it.

use std::time::{Duration, Instant};

use zbus::blocking::{Connection, Proxy};

const SERVICE: &str = "org.freedesktop.NetworkManager";
const PATH: &str = "/org/freedesktop/NetworkManager";
/// How long a service that was not there is not asked for again.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Network {
    manager: Option<Proxy<'static>>,
    failed: Option<Instant>,
}

impl Network {
    pub(crate) fn is_metered(&mut self) -> Option<bool> {
        if self.failed.is_some_and(|failed| failed.elapsed() < PATIENCE) {
            return None;
        }
        let read = self.read();
        self.failed = read.is_err().then(Instant::now);
        match read.ok()? {
            // Yes, and: probably.
            1 | 3 => Some(true),
            2 | 4 => Some(false),
            _ => None,
        }
    }

    fn read(&mut self) -> zbus::Result<u32> {
        let manager = self.manager.take().map_or_else(connect, Ok)?;
        let metered = manager.get_property("Metered")?;
        self.manager = Some(manager);
        Ok(metered)
    }
}

fn connect() -> zbus::Result<Proxy<'static>> {
    let bus = Connection::system()?;
    zbus::blocking::proxy::Builder::new(&bus)
        .destination(SERVICE)?
        .path(PATH)?
        .interface(SERVICE)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
}
