//! Whether there is a tray to be seen in.

use tokio::sync::watch;

/// Windows and macOS have one; it is there as long as they are.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch() -> watch::Receiver<bool> {
    watch::channel(true).1
}

/// Many Linux desktops have one, and one that starts with the session may be late.
#[cfg(target_os = "linux")]
pub(crate) fn watch() -> watch::Receiver<bool> {
    let (told, heard) = watch::channel(false);
    tauri::async_runtime::spawn(async move {
        if let Err(error) = linux::follow(&told).await {
            tracing::info!(%error, "the session's bus says nothing of a tray; closing the window ends the miner");
        }
        told.send_replace(false);
    });
    heard
}

#[cfg(target_os = "linux")]
mod linux {
    use futures::StreamExt;
    use tokio::sync::watch;
    use zbus::{
        Connection, Proxy,
        proxy::{Builder, CacheProperties},
    };

    /// Whoever shows icons asks this for them.
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";

    /// Says whenever a tray comes or goes, until the bus is gone.
    pub(super) async fn follow(told: &watch::Sender<bool>) -> zbus::Result<()> {
        let bus = Connection::session().await?;
        let watcher = Builder::<Proxy<'_>>::new(&bus).destination(WATCHER)?.path("/StatusNotifierWatcher")?;
        let watcher = watcher.interface(WATCHER)?.cache_properties(CacheProperties::No).build().await?;
        let mut owners = watcher.receive_owner_changed().await?;
        let mut hosts = watcher.receive_signal("StatusNotifierHostRegistered").await?;
        loop {
            let shows = watcher.get_property("IsStatusNotifierHostRegistered").await.unwrap_or(false);
            told.send_replace(shows);
            tokio::select! {
                Some(_) = owners.next() => {}
                Some(_) = hosts.next() => {}
                else => return Ok(()),
            }
        }
    }
}
