//! The icon beside the clock: how the miner is, and what is done with it most.

mod face;
mod place;

use std::{sync::Arc, time::Duration};

use cortensor_app::{
    App, CommandError, Failure, Language, PauseLength, Phase, Status,
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

use crate::{
    desk::Desk,
    notify, window,
    words::{NAME, Words},
};
use face::Face;

/// How close together two changes of the icon come.
const PERIOD: Duration = Duration::from_secs(1);
/// What is always in the menu, with the message that says it.
const LINES: [(Chosen, &str); 7] = [
    (Chosen::Open, "desktop.tray.open"),
    (Chosen::Pause(PauseLength::QuarterHour), "desktop.tray.pause.quarter_hour"),
    (Chosen::Pause(PauseLength::Hour), "desktop.tray.pause.hour"),
    (Chosen::Pause(PauseLength::UntilTomorrow), "desktop.tray.pause.until_tomorrow"),
    (Chosen::Pause(PauseLength::UntilResumed), "desktop.tray.pause.until_resumed"),
    (Chosen::Resume, "home.resume"),
    (Chosen::Quit, "first_run.welcome.quit"),
];

/// What is chosen in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Open,
    Pause(PauseLength),
    Resume,
    Update,
    Quit,
}

/// The icon and its menu.
struct Shown {
    icon: TrayIcon,
    menu: Menu<Wry>,
    state: MenuItem<Wry>,
    /// As [`LINES`] has them.
    lines: Vec<MenuItem<Wry>>,
    /// In the menu only while there is one.
    update: MenuItem<Wry>,
    said: Option<Said>,
}

/// What is shown: how the miner is, whether there is a pause to end, the version of an update that is ready, and in which
/// language.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    face: Face,
    line: String,
    is_paused: bool,
    update: Option<String>,
    language: Language,
}

/// Shows the icon wherever there is a place for it, and on it how the miner is, until the program ends.
pub(crate) async fn show(app: AppHandle) {
    let desk = Arc::clone(app.state::<Arc<Desk>>().inner());
    let (mut place, status) = (place::watch(), desk.miner.status());
    while place.wait_for(|there| *there).await.is_ok() {
        match Shown::build(&app, &desk.spoken.words()) {
            Ok(shown) => return shown.follow(place, status, &desk).await,
            Err(error) => tracing::warn!(%error, "no icon in the tray"),
        }
        if place.changed().await.is_err() {
            return;
        }
    }
}

impl Shown {
    fn build(app: &AppHandle, words: &Words) -> tauri::Result<Self> {
        let state = MenuItem::with_id(app, "state", NAME, false, None::<&str>)?;
        let update = MenuItem::with_id(app, Chosen::Update.id(), NAME, true, None::<&str>)?;
        let menu = Menu::with_items(app, &[&state])?;
        let lines = append_lines(app, &menu, words)?;
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
        Ok(Self { icon: icon.build(app)?, menu, state, lines, update, said: None })
    }

    /// Says how the miner is, and whether there is a place to say it in.
    async fn follow(mut self, mut place: watch::Receiver<bool>, mut status: watch::Receiver<Status>, desk: &Desk) {
        let (mut updates, mut spoken) = (desk.updates.view(), desk.spoken.follow());
        let mut beat = interval(PERIOD);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            desk.in_tray.send_replace(*place.borrow_and_update());
            let words = spoken.borrow_and_update().clone();
            let mut now = said(&words, &status.borrow_and_update(), &updates.borrow_and_update());
            now.line = desk.which.says(&now.line);
            if let Err(error) = self.say(now, &words) {
                tracing::warn!(%error, "the icon in the tray does not say how the miner is");
            }
            tokio::select! {
                Ok(()) = place.changed() => {}
                Ok(()) = changed(&mut status, &mut beat) => {}
                Ok(()) = updates.changed() => {}
                Ok(()) = spoken.changed() => {}
                else => return,
            }
        }
    }

    fn say(&mut self, now: Said, words: &Words) -> tauri::Result<()> {
        if self.said.as_ref() == Some(&now) {
            return Ok(());
        }
        let Said { face, line, is_paused, update, language } = &now;
        if let Some(image) = self.icon.app_handle().default_window_icon() {
            self.icon.set_icon(Some(face.on(image)))?;
        }
        self.icon.set_tooltip(Some(line))?;
        self.state.set_text(line)?;
        let is_new = self.said.as_ref().is_none_or(|said| said.language != *language);
        for ((chosen, key), line) in LINES.into_iter().zip(&self.lines) {
            if is_new {
                line.set_text(words.say(key))?;
            }
            if chosen == Chosen::Resume {
                line.set_enabled(*is_paused)?;
            }
        }
        self.offer(update.as_deref(), words)?;
        self.said = Some(now);
        Ok(())
    }

    /// Has the line that installs an update where there is one, before the last.
    fn offer(&self, version: Option<&str>, words: &Words) -> tauri::Result<()> {
        let is_there = self.menu.get(Chosen::Update.id()).is_some();
        match version {
            Some(version) => {
                self.update.set_text(words.update(version))?;
                if is_there { Ok(()) } else { self.menu.insert(&self.update, self.menu.items()?.len() - 1) }
            }
            None if is_there => self.menu.remove(&self.update),
            None => Ok(()),
        }
    }
}

/// Appends what is always in the menu, in its groups.
fn append_lines(app: &AppHandle, menu: &Menu<Wry>, words: &Words) -> tauri::Result<Vec<MenuItem<Wry>>> {
    let mut lines = Vec::new();
    for (chosen, key) in LINES {
        if matches!(chosen, Chosen::Pause(PauseLength::QuarterHour) | Chosen::Quit) {
            menu.append(&PredefinedMenuItem::separator(app)?)?;
        }
        let line = MenuItem::with_id(app, chosen.id(), words.say(key), true, None::<&str>)?;
        menu.append(&line)?;
        lines.push(line);
    }
    Ok(lines)
}

fn said(words: &Words, status: &Status, updates: &UpdateView) -> Said {
    let update = match &updates.state {
        UpdateState::Ready { release, .. } => Some(release.version.clone()),
        _ => None,
    };
    let line = words.state(status, &jiff::Zoned::now());
    let face = Face::of(status);
    let face = if update.is_some() && face != Face::Problem { Face::Update } else { face };
    Said { face, line, is_paused: status.phase == Phase::Paused, update, language: words.language() }
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
    /// The name of its line.
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
        let mut all = LINES.into_iter().map(|(chosen, _)| chosen).chain([Self::Update]);
        all.find(|chosen| event.id().0 == chosen.id())
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
    let desk = app.state::<Arc<Desk>>();
    if let Err(failure) = desk.updates.install() {
        notify::say(app, desk.spoken.words().failure(&failure));
    }
}

/// Has the miner do something; why it did not is told where it was asked for, outside the window.
fn tell<Told>(app: &AppHandle, command: impl FnOnce(App) -> Told + Send + 'static)
where
    Told: Future<Output = Result<(), CommandError>> + Send + 'static,
{
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let desk = app.state::<Arc<Desk>>();
        let miner = desk.app();
        let told = match miner {
            Ok(miner) => command(miner).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = told {
            notify::say(&app, desk.spoken.words().failure(&failure));
        }
    });
}
