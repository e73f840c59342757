//! The first run on a folder, which waits for its user: how far they are in it, and how long it took to serve.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::Instant};
use ts_rs::TS;

use crate::{
    Failure, FailureCode, Folders, Phase, Status,
    files::{FileError, read_json, write_json},
};

/// How far the first run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct FirstRunView {
    /// What is shown.
    pub screen: FirstRunScreen,
    /// Whether the user has said that the miner may start.
    pub started: bool,
    /// Milliseconds from there until the miner took requests. Nothing if that was not seen, such as when the program was
    /// ended in between: nobody waited for it then.
    #[ts(type = "number | null")]
    pub ready_ms: Option<u64>,
    /// Milliseconds from there until the first request of a user was served and paid. Likewise.
    #[ts(type = "number | null")]
    pub served_ms: Option<u64>,
    /// Whether the user has seen these figures.
    pub told: bool,
}

/// The screens of the first run, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FirstRunScreen {
    /// What this is and what it will use.
    #[default]
    Welcome,
    /// The hardware and the plan, as they are found.
    Plan,
    /// A copy of the key, and where earnings are to go.
    Keep,
    /// It is over: the miner as on any other day.
    Over,
}

/// The first run on a folder. Cheap to clone.
#[derive(Clone)]
pub struct FirstRun(Arc<Place>);

struct Place {
    folders: Folders,
    view: watch::Sender<FirstRunView>,
    /// When it was started, if that was in this process.
    started: OnceLock<Instant>,
}

impl FirstRunView {
    const OVER: Self =
        Self { screen: FirstRunScreen::Over, started: true, ready_ms: None, served_ms: None, told: true };

    /// As it stands in the file. A folder that a miner has worked in before there was such a file is no first run.
    fn read(folders: &Folders) -> Result<Self, FileError> {
        let traces = [folders.identity(), folders.ledger(), folders.choice()];
        let unnoted = || if traces.iter().any(|trace| trace.exists()) { Self::OVER } else { Self::default() };
        Ok(read_json(&folders.first_run())?.unwrap_or_else(unnoted))
    }
}

impl FirstRun {
    /// The first run on these folders, where it was left. If that cannot be told it is over: it is to stop nobody.
    pub fn of(folders: &Folders) -> Self {
        let view = FirstRunView::read(folders).unwrap_or_else(|error| {
            tracing::warn!(%error, "whether this is a first run cannot be told");
            FirstRunView::OVER
        });
        Self(Arc::new(Place { folders: folders.clone(), view: watch::Sender::new(view), started: OnceLock::new() }))
    }

    /// How far it is, now and from now on.
    pub fn view(&self) -> watch::Receiver<FirstRunView> {
        self.0.view.subscribe()
    }

    /// Whether the miner must not start yet.
    pub fn waits(&self) -> bool {
        !self.0.view.borrow().started
    }

    /// The user says that the miner may start.
    pub fn begin(&self) -> Result<(), Failure> {
        if self.waits() {
            self.change(|view| (view.started, view.screen) = (true, FirstRunScreen::Plan))?;
            self.0.started.get_or_init(Instant::now);
        }
        Ok(())
    }

    /// The user goes on, or back, or ends it.
    pub fn show(&self, screen: FirstRunScreen) -> Result<(), Failure> {
        if self.waits() {
            let message = "the miner has not started yet; start it first".to_owned();
            return Err(Failure::new(FailureCode::Request, message));
        }
        self.change(|view| view.screen = screen)
    }

    /// Ends it without its screens: whoever mines in a terminal is not asked.
    pub fn skip(&self) -> Result<(), Failure> {
        if self.0.view.borrow().screen == FirstRunScreen::Over {
            return Ok(());
        }
        self.change(|view| (view.started, view.screen) = (true, FirstRunScreen::Over))
    }

    /// The user has seen how long it took.
    pub fn told(&self) -> Result<(), Failure> {
        self.change(|view| view.told = true)
    }

    /// Notes when the miner takes requests and when the first one is served, if this process saw it start.
    pub fn note(&self, status: &Status) {
        let (Some(started), before) = (self.0.started.get(), *self.0.view.borrow()) else { return };
        let now = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let served = status.earnings.requests > 0;
        let ready = served || status.phase == Phase::Mining;
        let noted = |known: Option<u64>, is_so: bool| known.or_else(|| is_so.then_some(now));
        let (ready_ms, served_ms) = (noted(before.ready_ms, ready), noted(before.served_ms, served));
        if (ready_ms, served_ms) == (before.ready_ms, before.served_ms) {
            return;
        }
        if let Err(error) = self.change(|view| (view.ready_ms, view.served_ms) = (ready_ms, served_ms)) {
            tracing::warn!(%error, "how long the first start took is not kept");
        }
    }

    /// Writes a change down, then shows it.
    fn change(&self, change: impl FnOnce(&mut FirstRunView)) -> Result<(), Failure> {
        let mut next = *self.0.view.borrow();
        change(&mut next);
        write_json(&self.0.folders.first_run(), &next).map_err(|error| Failure::of(FailureCode::File, &error))?;
        self.0.view.send_replace(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use tokio::time::advance;

    use super::*;

    fn folder() -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        (folder, folders)
    }

    fn screen_of(folders: &Folders) -> FirstRunScreen {
        FirstRun::of(folders).view().borrow().screen
    }

    #[test]
    fn a_folder_waits_for_its_user_unless_a_miner_has_worked_in_it() {
        for (file, content, waits) in [
            (None, "", true),
            (Some("settings.toml"), "slots = 2", true),
            (Some("lock"), "", true),
            (Some("identity.json"), "{}", false),
            (Some("ledger.sqlite"), "", false),
            (Some("choice.json"), "{}", false),
            (Some("first-run.json"), "{}", true),
            (Some("first-run.json"), r#"{"screen": "keep", "started": true}"#, false),
            (Some("first-run.json"), r#"{"screen": "over", "started": true}"#, false),
            (Some("first-run.json"), "{", false),
        ] {
            let (folder, folders) = folder();
            if let Some(file) = file {
                fs::write(folder.path().join(file), content).unwrap();
            }
            assert_eq!(FirstRun::of(&folders).waits(), waits, "{file:?} {content}");
        }
    }

    #[test]
    fn it_goes_on_where_it_was_left_and_nowhere_before_it_was_started() {
        let (_folder, folders) = folder();
        let first = FirstRun::of(&folders);
        assert_eq!(first.show(FirstRunScreen::Keep).unwrap_err().code, FailureCode::Request);
        assert_eq!(screen_of(&folders), FirstRunScreen::Welcome);
        first.begin().unwrap();
        assert_eq!(screen_of(&folders), FirstRunScreen::Plan);
        first.show(FirstRunScreen::Keep).unwrap();
        first.begin().unwrap();
        assert_eq!(screen_of(&folders), FirstRunScreen::Keep, "starting twice goes nowhere");
        first.show(FirstRunScreen::Welcome).unwrap();
        assert!(!FirstRun::of(&folders).waits(), "who goes back has started all the same");
        first.show(FirstRunScreen::Over).unwrap();
        assert_eq!(screen_of(&folders), FirstRunScreen::Over);
    }

    #[test]
    fn in_a_terminal_it_is_over_at_once_and_what_was_measured_stays() {
        let (_folder, folders) = folder();
        FirstRun::of(&folders).skip().unwrap();
        assert_eq!(screen_of(&folders), FirstRunScreen::Over);
        fs::write(folders.first_run(), r#"{"screen": "over", "started": true, "served_ms": 72000}"#).unwrap();
        FirstRun::of(&folders).skip().unwrap();
        assert_eq!(FirstRun::of(&folders).view().borrow().served_ms, Some(72_000));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_to_the_first_request_is_measured_once_from_the_start_and_kept() {
        let (_folder, folders) = folder();
        let first = FirstRun::of(&folders);
        let (starting, mut served) = (Status::default(), Status { phase: Phase::Mining, ..Status::default() });
        first.note(&served);
        assert_eq!(first.view().borrow().ready_ms, None, "nothing was started");
        first.begin().unwrap();
        advance(Duration::from_secs(40)).await;
        first.note(&starting);
        assert_eq!(first.view().borrow().ready_ms, None);
        first.note(&served);
        advance(Duration::from_secs(32)).await;
        served.earnings.requests = 1;
        first.note(&served);
        advance(Duration::from_secs(32)).await;
        first.note(&served);
        let kept = *FirstRun::of(&folders).view().borrow();
        assert_eq!((kept.ready_ms, kept.served_ms, kept.told), (Some(40_000), Some(72_000), false));
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_program_was_ended_in_between_no_time_is_told() {
        let (_folder, folders) = folder();
        FirstRun::of(&folders).begin().unwrap();
        let again = FirstRun::of(&folders);
        advance(Duration::from_secs(5)).await;
        let mut served = Status { phase: Phase::Mining, ..Status::default() };
        served.earnings.requests = 1;
        again.note(&served);
        assert_eq!((again.view().borrow().ready_ms, again.view().borrow().served_ms), (None, None));
    }
}
