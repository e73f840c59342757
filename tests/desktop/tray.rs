//! A tray, and a place for notifications, on the session's bus: what a desktop has and a bare screen has not.

#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    clippy::needless_pass_by_value,
    reason = "the shapes that the bus asks for"
)]

use std::collections::HashMap;

use tokio::sync::watch;
use zbus::{
    Connection, Proxy,
    connection::Builder,
    interface,
    message::Header,
    zvariant::{OwnedObjectPath, OwnedValue, Value},
};

use crate::{PATIENCE, Session};

/// A line of a menu, as it comes over the bus.
type Line = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// Shows icons and notifications to a test, for as long as it lives.
pub struct Tray {
    bus: Connection,
    items: watch::Receiver<Vec<String>>,
    notifications: watch::Receiver<Vec<(String, String)>>,
}

struct Watcher {
    items: watch::Sender<Vec<String>>,
}

struct Notifications {
    shown: watch::Sender<Vec<(String, String)>>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String, #[zbus(header)] header: Header<'_>) {
        // Some send the path of their object: then it is the sender's.
        let item = if service.starts_with('/') { header.sender().map(ToString::to_string) } else { Some(service) };
        self.items.send_modify(|items| items.extend(item));
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        self.items.borrow().clone()
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the shape of the call")]
    fn notify(
        &self,
        _application: String,
        _replaces: u32,
        _icon: String,
        title: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        self.shown.send_modify(|shown| shown.push((title, body)));
        u32::try_from(self.shown.borrow().len()).unwrap()
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".to_owned(), "test".to_owned(), "1".to_owned(), "1.2".to_owned())
    }
}

impl Tray {
    /// Begins to show what comes in this session.
    pub async fn start(session: &Session) -> Self {
        let (items, shown) = (watch::Sender::new(Vec::new()), watch::Sender::new(Vec::new()));
        let (seen, notifications) = (items.subscribe(), shown.subscribe());
        let bus = Builder::address(session.bus_address()).unwrap();
        let bus = bus.serve_at("/StatusNotifierWatcher", Watcher { items }).unwrap();
        let bus = bus.serve_at("/org/freedesktop/Notifications", Notifications { shown }).unwrap();
        let bus = bus.name("org.freedesktop.Notifications").unwrap().name("org.kde.StatusNotifierWatcher").unwrap();
        Self { bus: bus.build().await.expect("the session has a bus"), items: seen, notifications }
    }

    /// Waits for the icon and gives what its menu says, line by line.
    pub async fn menu(&self) -> Vec<String> {
        self.lines().await.iter().map(|(_, words, _)| words.clone()).filter(|words| !words.is_empty()).collect()
    }

    /// Waits until a line of the menu begins so.
    pub async fn says(&self, words: &str) {
        let said = async {
            while !self.menu().await.iter().any(|line| line.starts_with(words)) {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        let said = tokio::time::timeout(PATIENCE, said).await;
        assert!(said.is_ok(), "the menu does not say {words:?}: {:?}", self.menu().await);
    }

    /// Chooses the line of the menu that says this.
    pub async fn choose(&self, words: &str) {
        let lines = self.lines().await;
        let (id, ..) = lines.iter().find(|(_, line, enabled)| line == words && *enabled).unwrap_or_else(|| {
            panic!("{words:?} cannot be chosen in {lines:?}");
        });
        let event = (*id, "clicked", Value::from(0_i32), 0_u32);
        self.dbusmenu().await.call_method("Event", &event).await.unwrap();
    }

    /// Waits until so many notifications were shown in all, and gives them.
    pub async fn shows(&self, count: usize) -> Vec<(String, String)> {
        let mut notifications = self.notifications.clone();
        let shown = notifications.wait_for(|shown| shown.len() >= count);
        let shown = tokio::time::timeout(PATIENCE, shown).await;
        shown.expect("no notification came").unwrap().clone()
    }

    /// What was shown so far.
    pub fn shown(&self) -> usize {
        self.notifications.borrow().len()
    }

    /// The icon's lines: number, words, and whether they can be chosen.
    async fn lines(&self) -> Vec<(i32, String, bool)> {
        let layout: (u32, Line) = {
            let call = (0_i32, -1_i32, Vec::<String>::new());
            self.dbusmenu().await.call("GetLayout", &call).await.unwrap()
        };
        layout.1.2.into_iter().map(line).collect()
    }

    async fn dbusmenu(&self) -> Proxy<'_> {
        let mut items = self.items.clone();
        let item = tokio::time::timeout(PATIENCE, items.wait_for(|items| !items.is_empty())).await;
        let item = item.expect("no icon came into the tray").unwrap().last().unwrap().clone();
        let icon =
            Proxy::new(&self.bus, item.clone(), "/StatusNotifierItem", "org.kde.StatusNotifierItem").await.unwrap();
        let path: OwnedObjectPath = icon.get_property("Menu").await.unwrap();
        Proxy::new(&self.bus, item, path, "com.canonical.dbusmenu").await.unwrap()
    }
}

fn line(value: OwnedValue) -> (i32, String, bool) {
    let (id, properties, _) = Line::try_from(value).unwrap();
    let words = properties.get("label").map_or("", |label| label.downcast_ref::<&str>().unwrap());
    let enabled = properties.get("enabled").is_none_or(|enabled| enabled.downcast_ref::<bool>().unwrap());
    (id, words.to_owned(), enabled)
}
