//! What is said outside the window: in the tray and in notifications. The window's own words are in its message files.

use cortensor_app::{Notice, PauseLength, Phase, Status, clock_in_words, updates::RolledBack};
use jiff::Zoned;

pub(crate) const NAME: &str = "Cortensor Miner";
pub(crate) const OPEN: &str = "Open Cortensor Miner";
pub(crate) const RESUME: &str = "Resume";
pub(crate) const QUIT: &str = "Quit";
/// An update that waits for the user: its title and what to do.
pub(crate) const UPDATE_WAITS: (&str, &str) =
    ("There is a new version", "Open the window: Home and About say what is new and install it.");
/// An update that was undone.
pub(crate) const UPDATE_UNDONE: &str = "The update did not work here";
/// Said once, when the window is closed for the first time.
pub(crate) const GOES_ON_IN_TRAY: (&str, &str) = (
    "Still mining in the tray",
    "Closing the window does not end the miner. Its icon opens the window again and ends it; Settings changes what closing does.",
);
/// What became of something that was chosen in the tray.
pub(crate) const NOT_DONE: &str = "That did not work";

/// What installs an update, with its version; without one there is nothing to install.
pub(crate) fn update(version: Option<&str>) -> String {
    version.map_or_else(|| "No update".to_owned(), |version| format!("Install {version} and restart"))
}

/// What became of an update that was undone.
pub(crate) fn undone(undone: &RolledBack) -> String {
    let RolledBack { version, to, reason, .. } = undone;
    format!("{version}: {reason}. {to} is at work again, and {version} is not offered again.")
}

/// What pauses the miner.
pub(crate) const fn pause(length: PauseLength) -> &'static str {
    match length {
        PauseLength::QuarterHour => "Pause for 15 minutes",
        PauseLength::Hour => "Pause for 1 hour",
        PauseLength::UntilTomorrow => "Pause until tomorrow",
        PauseLength::UntilResumed => "Pause until I resume",
    }
}

/// How the miner is, in one line: state, tier, what was earned today.
pub(crate) fn state(status: &Status, now: &Zoned) -> String {
    let tier = status.tier.as_ref().and_then(|report| report.tier).map(|tier| tier.to_string());
    let earned = format!("{} practice credits today", status.earnings.today);
    let parts = [Some(phase(status, now)), tier, Some(earned)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn phase(status: &Status, now: &Zoned) -> String {
    match (status.phase, status.paused_until, status.aside.first()) {
        _ if status.passphrase.is_some() => "Waiting for your passphrase".to_owned(),
        (Phase::Paused, Some(until), _) => format!("Paused until {}", clock_in_words(until, now)),
        (Phase::Paused, None, Some(reason)) => format!("Paused: {reason}"),
        (phase, ..) => capitalised(phase.words()),
    }
}

/// A notice's title and what it says.
pub(crate) fn notice(notice: &Notice) -> (&'static str, String) {
    match notice {
        Notice::Problem(message) => ("The miner needs you", capitalised(message)),
        Notice::Passphrase => ("The miner waits for your passphrase", "Open the window and enter it to mine.".to_owned()),
        Notice::Untrusted => (
            "The network's test was not passed",
            "No requests come until a test is passed. The network tests again by itself; Home says what was missed.".to_owned(),
        ),
        Notice::Unreachable => (
            "No router for 10 minutes",
            "The miner tries again by itself. Home says what the router answers; check the connection of this computer.".to_owned(),
        ),
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use cortensor_app::{PassphraseRequest, Reason};
    use cortensor_protocol::Millis;

    use super::*;

    #[test]
    fn the_line_says_how_the_miner_is_and_until_when() {
        let now: Zoned = "2026-03-02T14:15:00[UTC]".parse().unwrap();
        let until = Some(Millis(now.timestamp().as_millisecond() + 900_000));
        let is = |phase, change: fn(&mut Status)| {
            let mut status = Status::default();
            status.phase = phase;
            change(&mut status);
            status
        };
        let mut paused = is(Phase::Paused, |_| ());
        paused.paused_until = until;
        let mut finishing = is(Phase::Draining, |_| ());
        finishing.paused_until = until;
        for (status, said) in [
            (is(Phase::Mining, |_| ()), "Mining · 0.00 practice credits today"),
            (paused, "Paused until 14:30 · "),
            (is(Phase::Paused, |status| status.aside = vec![Reason::Battery]), "Paused: on battery · "),
            (is(Phase::Mining, |status| status.aside = vec![Reason::Battery]), "Mining · "),
            (finishing, "Finishing what runs · "),
            (
                is(Phase::Starting, |status| {
                    status.passphrase = Some(PassphraseRequest { new: false, refused: None });
                }),
                "Waiting for your passphrase · ",
            ),
        ] {
            let line = state(&status, &now);
            assert!(line.starts_with(said), "{line}");
        }
    }
}
