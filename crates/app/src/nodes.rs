//! The nodes of one user on this machine, from their folders and the doors of those that run.

use std::{path::PathBuf, time::Duration};

use cortensor_node::{Identity, Ledger};
use cortensor_protocol::{Amount, Mode, ModelId, NodeAddress, Precision};
use futures::future::join_all;
use serde::{Serialize, Serializer};

use crate::{Failure, FailureCode, Folders, NodeName, Phase, Status, choice::Choice, control::Door};

/// Longer, and whatever listens where a node did is not one.
const PATIENCE: Duration = Duration::from_secs(3);

/// A node and how it is.
#[derive(Clone, Debug, Serialize)]
pub struct NodeView {
    /// Its name; nothing for the main node.
    pub name: Option<NodeName>,
    /// Where everything of it is kept.
    pub folder: PathBuf,
    /// Its address, once it has a key.
    #[serde(serialize_with = "in_words")]
    pub address: Option<NodeAddress>,
    /// How it is; nothing if it does not run.
    pub phase: Option<Phase>,
    /// Why it does not mine, if something says so.
    pub why: Option<String>,
    /// What its user chose.
    pub mode: Option<Mode>,
    /// What is in memory.
    pub model: Option<ModelId>,
    /// Its exact format.
    pub precision: Option<Precision>,
    /// What it earned since its first run; nothing if that cannot be told.
    pub earned: Option<Amount>,
}

#[expect(clippy::ref_option, reason = "serde's shape")]
fn in_words<S: Serializer>(address: &Option<NodeAddress>, serializer: S) -> Result<S::Ok, S::Error> {
    address.as_ref().map(ToString::to_string).serialize(serializer)
}

/// Every node that is kept beside this one, the main node first.
pub async fn nodes(folders: &Folders) -> Vec<NodeView> {
    join_all(folders.all().iter().map(look)).await
}

async fn look(folders: &Folders) -> NodeView {
    let view = NodeView {
        name: folders.name().cloned(),
        folder: folders.data().to_owned(),
        // What cannot be read is told by the node itself when it starts.
        address: Identity::address_in(folders.data()).ok().flatten(),
        phase: None,
        why: None,
        mode: None,
        model: None,
        precision: None,
        earned: None,
    };
    match ask(folders).await {
        Some(status) => view.of(&status),
        None => {
            NodeView { mode: Choice::read(folders).ok().map(|choice| choice.mode), ..view.with_ledger(folders).await }
        }
    }
}

/// How the node on these folders is; nothing if none answers, whatever a kill left behind.
async fn ask(folders: &Folders) -> Option<Status> {
    let door = Door::read(folders).ok().flatten()?;
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().ok()?;
    let asked = client.get(format!("http://{}/status", door.address)).bearer_auth(door.token);
    asked.send().await.ok()?.error_for_status().ok()?.json().await.ok()
}

/// Says no, and why, if a node that is kept beside this one needs a model's files just now.
pub async fn check_unneeded(folders: &Folders, id: &ModelId, format: Precision) -> Result<(), Failure> {
    let own =
        |node: &Folders| Door::read(node).is_ok_and(|door| door.is_some_and(|door| door.process == std::process::id()));
    let others: Vec<_> = folders.all().into_iter().filter(|node| !own(node)).collect();
    let asked = join_all(others.iter().map(async |node| (node, ask(node).await))).await;
    match asked.into_iter().find(|(_, status)| status.as_ref().is_some_and(|status| needs(status, id, format))) {
        None => Ok(()),
        Some((node, _)) => {
            let name = NodeName::in_list(node.name());
            let message = format!("{id} {format} is used by the node {name:?} on this machine; pause or quit it first");
            Err(Failure::new(FailureCode::Busy, message))
        }
    }
}

fn needs(status: &Status, id: &ModelId, format: Precision) -> bool {
    let loaded = status.loaded.as_ref().is_some_and(|loaded| loaded.model == *id && loaded.precision == format);
    loaded || status.measuring || matches!(status.phase, Phase::Starting | Phase::Switching)
}

impl NodeView {
    fn of(self, status: &Status) -> Self {
        let loaded = status.loaded.as_ref();
        Self {
            address: status.address.or(self.address),
            phase: Some(status.phase),
            why: why(status),
            mode: status.mode,
            model: loaded.map(|loaded| loaded.model.clone()),
            precision: loaded.map(|loaded| loaded.precision),
            earned: Some(status.earnings.total),
            ..self
        }
    }

    /// With what the ledger of a node says that does not run.
    async fn with_ledger(self, folders: &Folders) -> Self {
        if !folders.ledger().exists() {
            return self;
        }
        let Ok(ledger) = Ledger::open(&folders.ledger()).await else { return self };
        let earned = crate::earnings(&ledger, 0).await.ok().map(|earnings| earnings.summary.total);
        ledger.close().await;
        Self { earned, ..self }
    }
}

/// Why it does not mine, as far as the status says it.
fn why(status: &Status) -> Option<String> {
    if status.phase == Phase::Mining {
        return None;
    }
    let problem = status.problem.as_ref().map(|problem| problem.message.clone());
    let passphrase = status.passphrase.as_ref().map(|_| "its key waits for a passphrase".to_owned());
    let aside = status.aside.first().filter(|_| status.phase == Phase::Paused).map(ToString::to_string);
    let offline = status.connection.trouble().filter(|_| status.phase == Phase::Offline).map(str::to_owned);
    problem.or(passphrase).or(aside).or(offline)
}

#[cfg(test)]
mod tests {
    use std::{fs, net::TcpListener};

    use super::*;

    /// A main node and one with a name, neither of which runs.
    fn folders() -> (tempfile::TempDir, Folders, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let main = Folders::at(folder.path());
        let node = main.node("rig-2".parse().unwrap());
        drop((main.lock().unwrap(), node.lock().unwrap()));
        (folder, main, node)
    }

    fn leave_a_door(folders: &Folders, address: &str) {
        let door = format!(r#"{{"address": "{address}", "token": "t", "process": 1}}"#);
        fs::write(folders.control(), door).unwrap();
    }

    #[tokio::test]
    async fn what_a_kill_left_behind_is_a_node_that_does_not_run() {
        let (_folder, main, node) = folders();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        leave_a_door(&main, &free.to_string());
        fs::write(node.control(), "{").unwrap();
        fs::write(node.identity(), "{").unwrap();
        let found = nodes(&node).await;
        let names: Vec<_> = found.iter().map(|node| NodeName::in_list(node.name.as_ref())).collect();
        assert_eq!(names, ["main", "rig-2"]);
        assert!(found.iter().all(|node| node.phase.is_none() && node.earned.is_none()), "{found:?}");
    }

    #[tokio::test]
    async fn another_program_on_a_door_left_behind_is_no_node() {
        let (_folder, main, _) = folders();
        let other = axum::Router::new().fallback(|| async { "hello" });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        leave_a_door(&main, &listener.local_addr().unwrap().to_string());
        let served = tokio::spawn(axum::serve(listener, other).into_future());
        assert_eq!(nodes(&main).await[0].phase, None);
        served.abort();
    }

    #[tokio::test]
    async fn a_model_that_another_node_has_loaded_is_not_to_be_deleted() {
        let (_folder, main, node) = folders();
        let (id, format) = (ModelId::new("tiny"), Precision::Q8_0);
        let mut status = Status { phase: Phase::Mining, mode: Some(Mode::Volume), ..Status::default() };
        status.loaded = Some(crate::Loaded {
            model: id.clone(),
            precision: format,
            mode: Mode::Volume,
            estimated_bytes: 0,
            measured_bytes: None,
            most_bytes: 0,
            seconds: 0.0,
            card: None,
        });
        let served = axum::Router::new().fallback(move || std::future::ready(axum::Json(status.clone())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        leave_a_door(&node, &listener.local_addr().unwrap().to_string());
        let served = tokio::spawn(axum::serve(listener, served).into_future());
        let refused = check_unneeded(&main, &id, format).await.unwrap_err();
        assert!(refused.message.contains("\"rig-2\""), "{refused:?}");
        assert_eq!(check_unneeded(&main, &id, Precision::F16).await, Ok(()));
        let seen = &nodes(&main).await[1];
        assert_eq!((seen.phase, seen.precision, &seen.why), (Some(Phase::Mining), Some(format), &None));
        served.abort();
    }
}
