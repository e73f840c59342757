//! The icon beside the clock: how the miner is, and what is done with it most.

mod face;
mod place;

use std::{sync::Arc, time::Duration};

use cortensor_app::{
    App, CommandError, Failure, PauseLength, Phase, Status,
    updates::{UpdateState, UpdateView},
};
use tauri::{
    AppHandle, Manager, Wry,
    menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::{desk::Desk, notify, window, words};
use face::Face;

/// How close together two changes of the icon come.
const PERIOD: Duration = Duration::from_secs(1);
const LENGTHS: [PauseLength; 4] =
    [PauseLength::QuarterHour, PauseLength::Hour, PauseLength::UntilTomorrow, PauseLength::UntilResumed];

/// What is chosen in the menu, by the name that its line has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Open,
    Pause(PauseLength),
    Resume,
    Update,
    Quit,
}

/// The icon and the lines of its menu that change.
struct Shown {
    icon: TrayIcon,
    state: MenuItem<Wry>,
    resume: MenuItem<Wry>,
    update: MenuItem<Wry>,
    said: Option<Said>,
}

/// What is shown: how the miner is, whether there is a pause to end, and the version of an update that is ready.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    face: Face,
    line: String,
    is_paused: bool,
    update: Option<String>,
}

/// Shows the icon wherever there is a place for it, and on it how the miner is, until the program ends.
pub(crate) async fn show(app: AppHandle) {
    let desk = Arc::clone(app.state::<Arc<Desk>>().inner());
    let (mut place, status) = (place::watch(), desk.miner.status());
    while place.wait_for(|there| *there).await.is_ok() {
        match Shown::build(&app) {
            Ok(shown) => return shown.follow(place, status, &desk).await,
            Err(error) => tracing::warn!(%error, "no icon in the tray"),
        }
        if place.changed().await.is_err() {
            return;
        }
    }
}

impl Shown {
    fn build(app: &AppHandle) -> tauri::Result<Self> {
        let line = |chosen: Chosen| MenuItem::with_id(app, chosen.id(), chosen.words(), true, None::<&str>);
        let between = || PredefinedMenuItem::separator(app);
        let state = MenuItem::with_id(app, "state", words::NAME, false, None::<&str>)?;
        let (resume, update) = (line(Chosen::Resume)?, line(Chosen::Update)?);
        let menu = Menu::with_items(app, &[&state, &line(Chosen::Open)?, &between()?])?;
        LENGTHS.into_iter().try_for_each(|length| menu.append(&line(Chosen::Pause(length))?))?;
        menu.append_items(&[&resume, &between()?, &update, &line(Chosen::Quit)?])?;
        let which = &app.state::<Arc<Desk>>().inner().which;
        let icon =
            TrayIconBuilder::with_id(which.marked("cortensor-miner", "-")).menu(&menu).show_menu_on_left_click(false);
        let icon = icon.on_menu_event(|app, event| Chosen::of(&event).into_iter().for_each(|chosen| chosen.obey(app)));
        let icon = icon.on_tray_icon_event(|icon, event| clicked(icon.app_handle(), &event)).tooltip(which.title());
        // What the desktop calls it. On macOS it would stand beside the icon.
        #[cfg(target_os = "linux")]
        let icon = icon.title(which.title());
        let icon = match app.default_window_icon() {
            Some(image) => icon.icon(Face::Waiting.on(image)),
            None => icon,
        };
        Ok(Self { icon: icon.build(app)?, state, resume, update, said: None })
    }

    /// Says how the miner is, and whether there is a place to say it in.
    async fn follow(mut self, mut place: watch::Receiver<bool>, mut status: watch::Receiver<Status>, desk: &Desk) {
        let mut updates = desk.updates.view();
        let mut beat = interval(PERIOD);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            desk.in_tray.send_replace(*place.borrow_and_update());
            let mut now = said(&status.borrow_and_update(), &updates.borrow_and_update());
            now.line = desk.which.says(&now.line);
            if let Err(error) = self.say(now) {
                tracing::warn!(%error, "the icon in the tray does not say how the miner is");
            }
            tokio::select! {
                Ok(()) = place.changed() => {}
                Ok(()) = changed(&mut status, &mut beat) => {}
                Ok(()) = updates.changed() => {}
                else => return,
            }
        }
    }

    fn say(&mut self, now: Said) -> tauri::Result<()> {
        if self.said.as_ref() == Some(&now) {
            return Ok(());
        }
        let Said { face, line, is_paused, update } = &now;
        if let Some(image) = self.icon.app_handle().default_window_icon() {
            self.icon.set_icon(Some(face.on(image)))?;
        }
        self.icon.set_tooltip(Some(line))?;
        self.state.set_text(line)?;
        self.resume.set_enabled(*is_paused)?;
        self.update.set_text(words::update(update.as_deref()))?;
        self.update.set_enabled(update.is_some())?;
        self.said = Some(now);
        Ok(())
    }
}

fn said(status: &Status, updates: &UpdateView) -> Said {
    let update = match &updates.state {
        UpdateState::Ready { release, .. } => Some(release.version.clone()),
        _ => None,
    };
    let line = words::state(status, &jiff::Zoned::now());
    let face = Face::of(status);
    let face = if update.is_some() && face != Face::Problem { Face::Update } else { face };
    Said { face, line, is_paused: status.phase == Phase::Paused, update }
}

/// The next status, once there is time for it.
async fn changed(
    status: &mut watch::Receiver<Status>,
    beat: &mut tokio::time::Interval,
) -> Result<(), watch::error::RecvError> {
    status.changed().await?;
    beat.tick().await;
    Ok(())
}

impl Chosen {
    const ALL: [Self; 8] = [
        Self::Open,
        Self::Pause(LENGTHS[0]),
        Self::Pause(LENGTHS[1]),
        Self::Pause(LENGTHS[2]),
        Self::Pause(LENGTHS[3]),
        Self::Resume,
        Self::Update,
        Self::Quit,
    ];

    fn words(self) -> String {
        match self {
            Self::Open => words::OPEN.to_owned(),
            Self::Pause(length) => words::pause(length).to_owned(),
            Self::Resume => words::RESUME.to_owned(),
            Self::Update => words::update(None),
            Self::Quit => words::QUIT.to_owned(),
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pause(PauseLength::QuarterHour) => "pause-quarter-hour",
            Self::Pause(PauseLength::Hour) => "pause-hour",
            Self::Pause(PauseLength::UntilTomorrow) => "pause-until-tomorrow",
            Self::Pause(PauseLength::UntilResumed) => "pause",
            Self::Resume => "resume",
            Self::Update => "update",
            Self::Quit => "quit",
        }
    }

    fn of(event: &MenuEvent) -> Option<Self> {
        Self::ALL.into_iter().find(|chosen| event.id().0 == chosen.id())
    }

    fn obey(self, app: &AppHandle) {
        match self {
            Self::Open => window::open(app),
            Self::Pause(length) => tell(app, move |miner| async move { miner.pause_for(length).await }),
            Self::Resume => tell(app, |miner| async move { miner.resume().await }),
            Self::Update => install(app),
            Self::Quit => window::close(app),
        }
    }
}

fn clicked(app: &AppHandle, event: &TrayIconEvent) {
    if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
        window::open(app);
    }
}

/// Installs the update that is ready; why it was not is told where it was asked for.
fn install(app: &AppHandle) {
    if let Err(failure) = app.state::<Arc<Desk>>().updates.install() {
        notify::say(app, words::NOT_DONE, &failure.message);
    }
}

/// Has the miner do something; why it did not is told where it was asked for, outside the window.
fn tell<Told>(app: &AppHandle, command: impl FnOnce(App) -> Told + Send + 'static)
where
    Told: Future<Output = Result<(), CommandError>> + Send + 'static,
{
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let miner = app.state::<Arc<Desk>>().app();
        let told = match miner {
            Ok(miner) => command(miner).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = told {
            notify::say(&app, words::NOT_DONE, &failure.message);
        }
    });
}
