//! One life of the miner, from the start to the last task: the only owner of the status.

mod mirror;
mod prepare;
mod serve;

use std::sync::Arc;

use cortensor_hardware::Hardware;
use cortensor_models::Artifact;
use cortensor_node::{Identity, Ledger, Node, NodeConfig};
use cortensor_planner::Plan;
use cortensor_protocol::{HardwareSummary, LONGEST_NAME};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    AppConfig, Command, CommandError, LedgerCell, Phase, Problem, ProblemCode, Status, StepName, choice::Choice,
    status::problem,
};

use serve::LoadedModel;

/// Everything that was found and decided before the first task.
struct Ready {
    hardware: Hardware,
    artifacts: Vec<Artifact>,
    plan: Plan,
    identity: Identity,
    ledger: Ledger,
}

/// A life that serves.
struct Life {
    config: AppConfig,
    status: watch::Sender<Status>,
    choice: Choice,
    artifacts: Vec<Artifact>,
    plan: Plan,
    node: Node,
    ledger: Ledger,
    mirror: JoinHandle<()>,
    loaded: Option<LoadedModel>,
}

/// Lives until told to quit, or until something must be done first.
pub(crate) async fn live(
    config: AppConfig,
    ledger: LedgerCell,
    status: watch::Sender<Status>,
    mut commands: mpsc::Receiver<Command>,
) {
    match start(config, &ledger, &status, &mut commands).await {
        Ok(Some(life)) => life.run(commands).await,
        Ok(None) => status.send_modify(|status| status.phase = Phase::Stopped),
        Err(problem) => {
            tracing::error!(code = ?problem.code, "{}", problem.message);
            status.send_modify(|status| status.fail(problem));
        }
    }
}

/// Prepares, while choices are noted and quitting is possible at any time. `None`: told to quit.
async fn start(
    config: AppConfig,
    ledger: &LedgerCell,
    status: &watch::Sender<Status>,
    commands: &mut mpsc::Receiver<Command>,
) -> Result<Option<Life>, Problem> {
    let mut choice = Choice::read(&config.machine.folders).map_err(|error| problem(ProblemCode::Files, &error))?;
    status.send_modify(|status| status.mode = Some(choice.mode));
    let ready = {
        let mut preparing = std::pin::pin!(prepare::prepare(&config, ledger, status));
        loop {
            tokio::select! {
                ready = &mut preparing => break ready?,
                command = commands.recv() => {
                    if note(command, &mut choice, &config, status) {
                        return Ok(None);
                    }
                }
            }
        }
    };
    Ok(Some(Life::begin(config, status.clone(), choice, ready)))
}

/// Notes a choice that comes before there is anything to change. Says whether it was to quit.
fn note(command: Option<Command>, choice: &mut Choice, config: &AppConfig, status: &watch::Sender<Status>) -> bool {
    let (reply, next) = match command {
        Some(Command::Mode(mode, reply)) => (reply, Choice { mode, ..*choice }),
        Some(Command::Pause(reply)) => (reply, Choice { paused: true, ..*choice }),
        Some(Command::Resume(reply)) => (reply, Choice { paused: false, ..*choice }),
        Some(Command::Quit(reply)) => {
            let _ = reply.send(Ok(()));
            return true;
        }
        None => return true,
    };
    let kept =
        next.write(&config.machine.folders).map_err(|error| CommandError::NotKept { message: error.to_string() });
    if kept.is_ok() {
        *choice = next;
        status.send_modify(|status| status.mode = Some(next.mode));
    }
    let _ = reply.send(kept);
    false
}

impl Life {
    fn begin(config: AppConfig, status: watch::Sender<Status>, choice: Choice, ready: Ready) -> Self {
        let node = Node::start(NodeConfig {
            router: config.router.clone(),
            identity: ready.identity,
            ledger: ready.ledger.clone(),
            software: concat!("cortensor-miner ", env!("CARGO_PKG_VERSION")).to_owned(),
            hardware: summary(&ready.hardware),
            load: Arc::new(cortensor_hardware::current_load),
        });
        let mirror = mirror::start(&node, ready.ledger.clone(), status.clone());
        let Ready { artifacts, plan, ledger, .. } = ready;
        Self { config, status, choice, artifacts, plan, node, ledger, mirror, loaded: None }
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        if let Err(problem) = self.first_load().await {
            tracing::error!(code = ?problem.code, "{}", problem.message);
            self.status.send_modify(|status| status.fail(problem));
            return self.end().await;
        }
        while let Some(command) = commands.recv().await {
            if let Some(quit) = self.obey(command).await {
                self.quit().await;
                let _ = quit.send(Ok(()));
                return;
            }
        }
        self.quit().await;
    }

    async fn first_load(&mut self) -> Result<(), Problem> {
        if self.choice.paused {
            self.hold(Some(Phase::Paused));
            return Ok(());
        }
        self.hold(Some(Phase::Starting));
        let loaded = self.load(self.choice.mode).await;
        let loaded = loaded.map_err(|error| problem(ProblemCode::Engine, &error))?;
        self.serve(loaded);
        self.status.send_modify(|status| status.step(StepName::Join, None, "looking for the router"));
        self.hold(None);
        Ok(())
    }

    /// Does as told; a reply that comes back is that of quitting.
    async fn obey(&mut self, command: Command) -> Option<crate::Reply> {
        let (reply, done) = match command {
            Command::Quit(reply) => return Some(reply),
            Command::Mode(mode, reply) => (reply, self.switch(mode).await),
            Command::Pause(reply) => (reply, self.pause().await),
            Command::Resume(reply) => (reply, self.resume().await),
        };
        let _ = reply.send(done);
        None
    }

    async fn quit(mut self) {
        self.hold(Some(Phase::Draining));
        self.unserve().await;
        let status = self.status.clone();
        self.end().await;
        status.send_modify(|status| status.phase = Phase::Stopped);
    }

    async fn end(self) {
        self.node.stop().await;
        if let Err(error) = self.mirror.await {
            tracing::error!(%error, "the status was not followed to the end");
        }
        self.ledger.close().await;
    }

    fn hold(&self, phase: Option<Phase>) {
        self.status.send_modify(|status| {
            status.held = phase;
            status.settle();
        });
    }
}

fn summary(hardware: &Hardware) -> HardwareSummary {
    HardwareSummary {
        cpu: hardware.cpu.model.chars().take(LONGEST_NAME).collect(),
        cores: hardware.cpu.physical_cores,
        memory_bytes: hardware.memory.total_bytes,
        accelerator: None,
    }
}
