//! Updates: what the updater library does and the window is shown. What is taken and when is `cortensor_app::updates`'.

mod install;
mod source;
mod start;

use std::{path::PathBuf, sync::Arc, time::Duration};

use cortensor_app::{
    Failure, FailureCode,
    updates::{
        Journal, Judgement, OnTrial, Stamp, StampError, UpdateChannel, UpdatePolicy, UpdateRelease, UpdateState,
        UpdateView, is_quiet, version, watcher::Watcher,
    },
    wall_time,
};
use tauri::{AppHandle, Manager};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{desk::Desk, notify, window};
use source::{Found, Source};
pub(crate) use start::instead;

/// How often a channel is looked at.
const PERIOD: Duration = Duration::from_secs(6 * 3600);
/// When it is looked at again after it did not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(900);
/// How often it is seen whether an update may be installed.
const GLANCE: Duration = Duration::from_secs(5);

/// What a user wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Check,
    Download,
    Install,
    Forget,
}

/// What the window sees of updates, and says to them.
pub(crate) struct Updates {
    view: watch::Sender<UpdateView>,
    wishes: mpsc::UnboundedSender<Wish>,
    given: std::sync::Mutex<Option<mpsc::UnboundedReceiver<Wish>>>,
}

impl Updates {
    pub(crate) fn new() -> Self {
        let (wishes, given) = mpsc::unbounded_channel();
        let view =
            UpdateView { version: version(), checked_at: None, state: UpdateState::NotARelease, rolled_back: None };
        Self { view: watch::Sender::new(view), wishes, given: std::sync::Mutex::new(Some(given)) }
    }

    pub(crate) fn view(&self) -> watch::Receiver<UpdateView> {
        self.view.subscribe()
    }

    /// Looks for a newer version, whosever turn it is.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.wish(Wish::Check)
    }

    /// Gets the one that was found.
    pub(crate) fn download(&self) -> Result<(), Failure> {
        self.wish(Wish::Download)
    }

    /// Lets what runs finish and installs what is here.
    pub(crate) fn install(&self) -> Result<(), Failure> {
        self.wish(Wish::Install)
    }

    /// Shows what was undone no longer.
    pub(crate) fn dismiss_rollback(&self) -> Result<(), Failure> {
        self.wish(Wish::Forget)
    }

    fn wish(&self, wish: Wish) -> Result<(), Failure> {
        if let Some(refusal) = refusal(wish, &self.view.borrow().state) {
            return Err(Failure::new(FailureCode::Request, refusal.to_owned()));
        }
        let heard = self.wishes.send(wish);
        heard.map_err(|error| Failure::of(FailureCode::Stopped, &error))
    }
}

/// Why a wish cannot be met, if it cannot.
const fn refusal(wish: Wish, state: &UpdateState) -> Option<&'static str> {
    if matches!(state, UpdateState::NotARelease) && !matches!(wish, Wish::Forget) {
        return Some("this program does not update itself: it was not made by a release");
    }
    let is_possible = match wish {
        Wish::Forget | Wish::Check => true,
        Wish::Download => matches!(state, UpdateState::Available { .. } | UpdateState::Failed { release: Some(_), .. }),
        Wish::Install => matches!(state, UpdateState::Ready { .. }),
    };
    if is_possible { None } else { Some("there is no update that waits for this; look for one first") }
}

/// Sees to updates until the program ends.
pub(crate) async fn follow(app: AppHandle) {
    let desk = Arc::clone(app.state::<Arc<Desk>>().inner());
    let Some(wishes) = desk.updates.given.lock().ok().and_then(|mut given| given.take()) else { return };
    match Stamp::of_this_program() {
        Ok(stamp) => {
            let folders = &desk.miner.options().folders;
            let journal = Journal::of(folders);
            desk.updates.view.send_modify(|view| {
                view.checked_at = journal.checked_at;
                view.rolled_back.clone_from(&journal.rolled_back);
            });
            if let Some(undone) = &journal.rolled_back {
                notify::tell(&app, desk.spoken.words().undone(undone));
            }
            let Some(stamp) = stamp else { return forget_only(&desk, wishes).await };
            desk.updates.view.send_modify(|view| view.state = UpdateState::Idle);
            tauri::async_runtime::spawn(stand_trial(app.clone(), Arc::clone(&desk), stamp.clone()));
            let channel = desk.miner.settings().settings.update_channel;
            Round { app, desk, stamp, channel, found: None, told: None }.run(wishes).await;
        }
        Err(error) => damaged(&desk, &error),
    }
}

fn damaged(desk: &Desk, error: &StampError) {
    tracing::error!(%error, "no updates");
    let state = UpdateState::Failed { message: error.to_string(), release: None };
    desk.updates.view.send_modify(|view| view.state = state);
}

async fn forget_only(desk: &Desk, mut wishes: mpsc::UnboundedReceiver<Wish>) {
    while let Some(wish) = wishes.recv().await {
        if wish == Wish::Forget {
            forget(desk);
        }
    }
}

fn forget(desk: &Desk) {
    let folders = &desk.miner.options().folders;
    if let Err(error) = Journal::change(folders, |journal| journal.rolled_back = None) {
        tracing::warn!(%error, "that an update was undone is told again");
    }
    desk.updates.view.send_modify(|view| view.rolled_back = None);
}

/// Says to the watcher whether this version works, if it is on trial.
async fn stand_trial(app: AppHandle, desk: Arc<Desk>, stamp: Stamp) {
    let folders = &desk.miner.options().folders;
    let Some(trial) = Journal::of(folders).trial.filter(|trial| trial.to == stamp.version) else { return };
    let watcher = Watcher::of_this_program().await;
    let judgement = judgement(&desk, OnTrial::new(&trial)).await;
    if let Judgement::Fails(reason) = judgement {
        tracing::error!(%reason, "this version does not work here");
        if watcher.fails(&reason).await {
            desk.miner.stop().await;
            app.exit(1);
        }
        // With nobody to put another one in its place it stays.
        return;
    }
    tracing::info!(version = %stamp.version, "the update works");
    match Journal::change(folders, |journal| journal.trial = None) {
        Ok(Journal { kept: Some(kept), .. }) => {
            if let Err(error) = kept.forget_others(folders) {
                tracing::warn!(%error, "programs that are not needed any more were not deleted");
            }
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "that the update works was not written down"),
    }
    watcher.works().await;
}

async fn judgement(desk: &Desk, mut trial: OnTrial) -> Judgement {
    let (mut status, mut beat, mut since) = (desk.miner.status(), interval(GLANCE), Instant::now());
    loop {
        let judgement = trial.look(&status.borrow_and_update(), since.elapsed());
        since = Instant::now();
        if judgement != Judgement::Open {
            return judgement;
        }
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return Judgement::Open },
            _ = beat.tick() => {}
        }
    }
}

/// What was found and how far it is.
struct Round {
    app: AppHandle,
    desk: Arc<Desk>,
    stamp: Stamp,
    /// The one that was looked at last.
    channel: UpdateChannel,
    found: Option<Found>,
    /// The version that the user was told of last.
    told: Option<String>,
}

impl Round {
    async fn run(mut self, mut wishes: mpsc::UnboundedReceiver<Wish>) {
        let (mut look, mut glance) = (interval(PERIOD), interval(GLANCE));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                wish = wishes.recv() => match wish {
                    Some(wish) => self.obey(wish).await,
                    None => return,
                },
                _ = look.tick() => if self.policy() != UpdatePolicy::Off && !self.check(false).await {
                    look.reset_after(AFTER_FAILURE);
                },
                _ = glance.tick() => self.glance().await,
            }
        }
    }

    fn policy(&self) -> UpdatePolicy {
        self.desk.miner.settings().settings.updates
    }

    async fn obey(&mut self, wish: Wish) {
        match wish {
            Wish::Check => drop(self.check(true).await),
            Wish::Download => self.download().await,
            Wish::Install => self.install().await,
            Wish::Forget => forget(&self.desk),
        }
    }

    fn show(&self, state: UpdateState) {
        self.desk.updates.view.send_modify(|view| view.state = state);
    }

    /// Tells, once for each version, that one waits for the user.
    fn tell(&mut self) {
        let version = self.found.as_ref().map(|found| found.release.version.clone());
        if self.told != version {
            self.told = version;
            notify::tell(&self.app, self.desk.spoken.words().told("desktop.notice.update"));
        }
    }

    fn fail(&self, message: String, release: Option<UpdateRelease>) {
        tracing::warn!(%message, "no update");
        self.show(UpdateState::Failed { message, release });
    }

    /// Looks anew where the user chose another channel; installs what is ready, once it may be.
    async fn glance(&mut self) {
        let is_off = self.policy() == UpdatePolicy::Off;
        if self.channel() != self.channel && is_off {
            (self.found, self.channel) = (None, self.channel());
            self.show(UpdateState::Idle);
        } else if self.channel() != self.channel {
            self.check(false).await;
        } else if self.may_install() {
            self.install().await;
        }
    }

    fn channel(&self) -> UpdateChannel {
        self.desk.miner.settings().settings.update_channel
    }

    /// Says whether the channel answered. What is ready stays so, unless there is something else.
    async fn check(&mut self, asked: bool) -> bool {
        let ready = (self.channel() == self.channel).then(|| self.ready()).flatten();
        self.show(UpdateState::Checking);
        self.channel = self.channel();
        let source = Source { app: &self.app, desk: &self.desk, stamp: &self.stamp };
        let looked = source.look(self.channel, asked).await;
        let (at, folders) = (wall_time(), &self.desk.miner.options().folders);
        if let Err(error) = Journal::change(folders, |journal| journal.checked_at = Some(at)) {
            tracing::warn!(%error, "when updates were looked for was not written down");
        }
        self.desk.updates.view.send_modify(|view| view.checked_at = Some(at));
        let has_answered = looked.is_ok();
        match (looked, ready) {
            (Err(_) | Ok(None), Some(state)) => self.show(state),
            (Ok(Some(found)), Some(state)) if self.is_here(&found) => self.show(state),
            (Ok(Some(found)), _) => self.take(found, asked).await,
            (Ok(None), None) => {
                self.found = None;
                self.show(UpdateState::Idle);
            }
            (Err(message), None) => {
                self.found = None;
                self.fail(message, None);
            }
        }
        has_answered
    }

    fn ready(&self) -> Option<UpdateState> {
        let state = self.desk.updates.view.borrow().state.clone();
        Some(state).filter(|state| matches!(state, UpdateState::Ready { .. }))
    }

    fn is_here(&self, found: &Found) -> bool {
        self.found.as_ref().is_some_and(|here| here.release.version == found.release.version)
    }

    async fn take(&mut self, found: Found, asked: bool) {
        let release = found.release.clone();
        tracing::info!(version = %release.version, channel = %self.channel, "there is a newer version");
        self.found = Some(found);
        self.show(UpdateState::Available { release });
        match self.policy() {
            UpdatePolicy::Automatic => self.download().await,
            UpdatePolicy::Ask if !asked => self.tell(),
            UpdatePolicy::Ask | UpdatePolicy::Off => {}
        }
    }

    async fn download(&mut self) {
        let Some(found) = &mut self.found else { return };
        let (release, view) = (found.release.clone(), &self.desk.updates.view);
        let downloading = |done| UpdateState::Downloading { release: release.clone(), done };
        let show = |done| view.send_modify(|view| view.state = downloading(done));
        show(None);
        let folder = self.desk.miner.options().folders.updates();
        match found.download(&folder, show).await {
            Ok(asks_password) => {
                if asks_password {
                    self.tell();
                }
                tracing::info!(version = %release.version, asks_password, "an update is ready");
                self.show(UpdateState::Ready { release, asks_password });
            }
            Err(message) => self.fail(message, Some(release)),
        }
    }

    /// By itself only where nobody is asked for anything, nothing is worked on, and nobody looks at the window.
    fn may_install(&self) -> bool {
        let view = self.desk.updates.view.borrow();
        let UpdateState::Ready { asks_password: false, .. } = view.state else { return false };
        let may_go = !self.desk.is_closing() && !window::is_looked_at(&self.app);
        self.policy() == UpdatePolicy::Automatic
            && may_go
            && !self.is_on_trial()
            && is_quiet(&self.desk.miner.status().borrow(), wall_time())
            && !self.desk.miner.lab().is_busy()
    }

    fn is_on_trial(&self) -> bool {
        Journal::of(&self.desk.miner.options().folders).is_on_trial(&self.stamp.version)
    }

    async fn install(&mut self) {
        let Some(found) = &self.found else { return };
        let release = found.release.clone();
        if self.is_on_trial() {
            let version = &self.stamp.version;
            let message = format!("{version} has yet to show that it works here: let it mine first, then install");
            return self.fail(message, Some(release));
        }
        self.show(UpdateState::Installing { release: release.clone() });
        tracing::info!(version = %release.version, "installing an update");
        let before = self.desk.miner.status().borrow().phase;
        self.desk.miner.stop().await;
        match install::install(&self.app, &self.desk, &self.stamp, found, before).await {
            Ok(()) => self.app.exit(0),
            Err(message) => {
                self.fail(message, Some(release));
                if !self.desk.is_closing() {
                    self.desk.miner.start_again().await;
                }
            }
        }
    }
}

/// Where what is downloaded waits.
fn waiting(folder: &std::path::Path, version: &str) -> PathBuf {
    folder.join(format!("{version}.download"))
}
