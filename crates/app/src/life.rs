//! One life of the miner, from the start to the last task: the only owner of the status.

mod aside;
mod memory;
mod mirror;
mod pause;
mod prepare;
mod repair;
mod serve;
mod watchdog;

use std::sync::{Arc, atomic::AtomicBool};

use cortensor_hardware::Hardware;
use cortensor_manners::Reason;
use cortensor_models::Artifact;
use cortensor_node::{Identity, Ledger, Node, NodeConfig};
use cortensor_planner::Plan;
use cortensor_protocol::{HardwareSummary, LONGEST_NAME};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    AppConfig, Begun, Command, CommandError, Electricity, Phase, Problem, ProblemCode, Reply, Status, StepName,
    choice::Choice, electricity::Recorder, lab, measurements::Measure, pause::millis, status::problem, survey, threads,
};

use serve::LoadedModel;
use watchdog::Watchdog;

/// Everything that was found and decided before the first task.
struct Ready {
    hardware: Hardware,
    artifacts: Vec<Artifact>,
    plan: Plan,
    identity: Identity,
    ledger: Ledger,
}

/// What the user may change while it lives.
struct Heard {
    keep_prompts: Arc<AtomicBool>,
    aside: watch::Receiver<Vec<Reason>>,
    electricity: watch::Receiver<Electricity>,
}

/// A life that serves.
struct Life {
    config: AppConfig,
    status: watch::Sender<Status>,
    choice: Choice,
    hardware: Hardware,
    artifacts: Vec<Artifact>,
    plan: Plan,
    node: Node,
    ledger: Ledger,
    mirror: JoinHandle<()>,
    recorder: Recorder,
    loaded: Option<LoadedModel>,
    /// Something else on this machine has the memory.
    lent: bool,
    /// Why to step aside, by the rules of the user.
    aside: watch::Receiver<Vec<Reason>>,
    /// The user said to mine all the same, until no reason is left.
    mines_anyway: bool,
    watchdog: Watchdog,
    /// When the model is to be loaded again after a breakdown.
    load_at: Option<Instant>,
    /// The engine broke down too often; nothing is loaded until the user says so.
    given_up: bool,
}

/// Lives until told to quit, or until something must be done first.
pub(crate) async fn live(config: AppConfig, mut begun: Begun) {
    match start(config, &mut begun).await {
        Ok(Some(life)) => life.run(begun.commands).await,
        Ok(None) => begun.status.send_modify(|status| status.end(Phase::Stopped)),
        Err(problem) => {
            tracing::error!(code = ?problem.code, "{}", problem.message);
            begun.status.send_modify(|status| status.fail(problem));
        }
    }
}

/// Prepares, while choices are noted and quitting is possible at any time. `None`: told to quit.
async fn start(config: AppConfig, begun: &mut Begun) -> Result<Option<Life>, Problem> {
    let mut choice = Choice::read(&config.machine.folders).map_err(|error| problem(ProblemCode::Files, &error))?;
    choice = choice.at(millis(&(config.clock)()));
    begun.status.send_modify(|status| choice.show(status));
    let Begun { status, commands, passphrases, ledger, identity, keep_prompts, aside, electricity } = begun;
    let stop = CancellationToken::new();
    let ready = {
        let mut preparing = std::pin::pin!(prepare::prepare(&config, ledger, status, passphrases, &stop));
        loop {
            tokio::select! {
                ready = &mut preparing => break ready?,
                command = commands.recv() => match note(command, &mut choice, &config, status) {
                    Noted::Kept => {}
                    Noted::Quit(reply) => {
                        stop.cancel();
                        if status.borrow().is_running(StepName::Benchmark) {
                            let _ = preparing.await;
                        }
                        quitting_done(reply);
                        return Ok(None);
                    }
                },
            }
        }
    };
    identity.send_replace(Some(ready.identity.clone()));
    let heard =
        Heard { keep_prompts: Arc::clone(keep_prompts), aside: aside.clone(), electricity: electricity.clone() };
    Ok(Some(Life::begin(config, status.clone(), choice, ready, heard)))
}

/// What became of a command that came while there was nothing to change.
enum Noted {
    Kept,
    Quit(Option<Reply>),
}

fn quitting_done(reply: Option<Reply>) {
    if let Some(reply) = reply {
        let _ = reply.send(Ok(()));
    }
}

/// Notes a choice that comes before there is anything to change.
fn note(command: Option<Command>, choice: &mut Choice, config: &AppConfig, status: &watch::Sender<Status>) -> Noted {
    let (reply, next) = match command {
        Some(Command::Mode(mode, reply)) => (reply, Choice { mode, ..*choice }),
        Some(Command::Pause(length, reply)) => (reply, choice.paused(length.end(&(config.clock)()))),
        Some(Command::Resume(reply)) => (reply, choice.resumed()),
        // Nothing is loaded, what is lent is not chosen, and losses are shown with the plan.
        Some(Command::Lend(reply) | Command::TakeBack(reply) | Command::ShowLosses(reply) | Command::Seen(reply)) => {
            let _ = reply.send(Ok(()));
            return Noted::Kept;
        }
        Some(Command::Measure(reply) | Command::ForgetLimits(reply)) => {
            let message = "the miner is still starting or measuring; try again once it mines".to_owned();
            let _ = reply.send(Err(CommandError::NotLoaded { message }));
            return Noted::Kept;
        }
        Some(Command::Quit(reply)) => return Noted::Quit(Some(reply)),
        None => return Noted::Quit(None),
    };
    let kept =
        next.write(&config.machine.folders).map_err(|error| CommandError::NotKept { message: error.to_string() });
    if kept.is_ok() {
        *choice = next;
        status.send_modify(|status| next.show(status));
    }
    let _ = reply.send(kept);
    Noted::Kept
}

impl Life {
    fn begin(config: AppConfig, status: watch::Sender<Status>, choice: Choice, ready: Ready, heard: Heard) -> Self {
        let Heard { keep_prompts, aside, electricity } = heard;
        let node = Node::start(NodeConfig {
            router: config.router.clone(),
            if_absent: config.if_absent.clone(),
            identity: ready.identity,
            ledger: ready.ledger.clone(),
            software: concat!("cortensor-miner ", env!("CARGO_PKG_VERSION")).to_owned(),
            hardware: summary(&ready.hardware),
            keep_prompts,
            load: Arc::new(cortensor_hardware::current_load),
        });
        let mirror = mirror::start(&node, ready.ledger.clone(), status.clone());
        let recorder = Recorder::start(status.subscribe(), electricity, ready.ledger.clone());
        let Ready { hardware, artifacts, plan, ledger, .. } = ready;
        Self {
            config,
            status,
            choice,
            hardware,
            artifacts,
            plan,
            node,
            ledger,
            mirror,
            recorder,
            loaded: None,
            lent: false,
            aside,
            mines_anyway: false,
            watchdog: Watchdog::default(),
            load_at: None,
            given_up: false,
        }
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        if let Err(problem) = self.first_load().await {
            tracing::error!(code = ?problem.code, "{}", problem.message);
            self.status.send_modify(|status| status.fail(problem));
            return self.end().await;
        }
        let (mut aside, mut events) = (self.aside.clone(), self.node.events());
        loop {
            tokio::select! {
                command = commands.recv() => {
                    let Some(command) = command else { break };
                    if let Noted::Quit(reply) = self.obey(command, &mut commands).await {
                        self.quit().await;
                        return quitting_done(reply);
                    }
                }
                Ok(()) = aside.changed() => self.mind().await,
                event = events.recv() => self.hear(event).await,
                () = sleep_until(self.load_at.unwrap_or_else(Instant::now)), if self.load_at.is_some() => {
                    self.try_again().await;
                }
                () = pause::over(self.choice.paused_until, Arc::clone(&self.config.clock)) => self.wake().await,
            }
        }
        self.quit().await;
    }

    async fn first_load(&mut self) -> Result<(), Problem> {
        self.show_aside();
        if !self.may_load() {
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

    /// Does as told.
    async fn obey(&mut self, command: Command, commands: &mut mpsc::Receiver<Command>) -> Noted {
        tracing::info!("told to {command}");
        let (reply, done) = match command {
            Command::Quit(reply) => return Noted::Quit(Some(reply)),
            Command::Measure(reply) => return self.measure(reply, commands).await,
            Command::Mode(mode, reply) => (reply, self.switch(mode).await),
            Command::Pause(length, reply) => (reply, self.pause(length).await),
            Command::Resume(reply) => (reply, self.resume().await),
            Command::ForgetLimits(reply) => (reply, self.forget_limits().await),
            Command::Lend(reply) => {
                self.lend().await;
                (reply, Ok(()))
            }
            Command::ShowLosses(reply) => {
                let losses = lab::losses(&self.config.machine.folders, self.config.machine.engine.name()).await;
                self.status.send_modify(|status| status.show_losses(&losses));
                (reply, Ok(()))
            }
            Command::TakeBack(reply) => (reply, self.take_back().await),
            Command::Seen(reply) => {
                self.status.send_modify(|status| status.incident = None);
                (reply, Ok(()))
            }
        };
        let _ = reply.send(done);
        Noted::Kept
    }

    /// Measures everything anew, with the machine to itself, and serves what is best now. Takes a minute or so: choices
    /// are noted meanwhile, and quitting is possible.
    async fn measure(&mut self, reply: Reply, commands: &mut mpsc::Receiver<Command>) -> Noted {
        self.status.send_modify(|status| status.measuring = true);
        self.take_heart();
        self.hold(Some(Phase::Draining));
        self.unserve().await;
        self.hold(Some(Phase::Starting));
        let (machine, status) = (self.config.machine.clone(), self.status.clone());
        let (hardware, stop) = (self.hardware.clone(), CancellationToken::new());
        let deciding = async {
            // What came since the start is measured too.
            let artifacts = survey::artifacts(&machine, &status).await?;
            let plan = survey::decide(&machine, &status, &hardware, &artifacts, Measure::All, &stop).await?;
            let found = (&hardware, artifacts.as_slice(), &plan);
            threads::settle(&machine, &status, found, (Measure::All, None), &stop).await;
            Ok((artifacts, plan))
        };
        let mut deciding = std::pin::pin!(deciding);
        let decided = loop {
            tokio::select! {
                decided = &mut deciding => break decided,
                command = commands.recv() => {
                    if let Noted::Quit(quit) = note(command, &mut self.choice, &self.config, &self.status) {
                        stop.cancel();
                        let _ = deciding.await;
                        return Noted::Quit(quit);
                    }
                }
            }
        };
        self.status.send_modify(|status| status.measuring = false);
        let _ = reply.send(self.serve_anew(decided).await);
        Noted::Kept
    }

    async fn serve_anew(&mut self, decided: Result<(Vec<Artifact>, Plan), Problem>) -> Result<(), CommandError> {
        let measured = decided.map(|(artifacts, plan)| (self.artifacts, self.plan) = (artifacts, plan));
        let served = self.go_on().await;
        measured.map_err(|problem| CommandError::NotLoaded { message: problem.message })?;
        served
    }

    async fn quit(mut self) {
        self.hold(Some(Phase::Draining));
        self.unserve().await;
        let status = self.status.clone();
        self.end().await;
        status.send_modify(|status| status.end(Phase::Stopped));
    }

    async fn end(self) {
        self.node.stop().await;
        if let Err(error) = self.mirror.await {
            tracing::error!(%error, "the status was not followed to the end");
        }
        self.recorder.stop().await;
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
