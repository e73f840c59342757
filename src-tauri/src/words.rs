//! What is said outside the window: in the tray, in notifications and over dialogs, in the window's language and words.

mod messages;
mod spoken;

use std::sync::Arc;

use cortensor_app::{
    Failure, Language, Notice, Phase, Problem, Reason, Status, capitalised, time_of_day, updates::RolledBack,
};
use cortensor_protocol::{Amount, Millis};
use jiff::Zoned;
use serde::Serialize;

use messages::{Messages, Values};
pub(crate) use spoken::Spoken;

pub(crate) const NAME: &str = "Cortensor Miner";

/// What a notification says: its title, and the rest.
pub(crate) type Told = (String, String);

/// The words of one language.
#[derive(Clone)]
pub(crate) struct Words {
    language: Language,
    messages: Arc<Messages>,
}

impl Words {
    pub(crate) fn of(language: Language) -> Self {
        Self { language, messages: Arc::new(Messages::of(language)) }
    }

    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    /// A message in which nothing is filled in, by its key.
    pub(crate) fn say(&self, key: &str) -> String {
        self.fill(key, &[])
    }

    fn fill(&self, key: &str, values: Values<'_>) -> String {
        self.messages.fill(key, values)
    }

    /// How the miner is, in one line: state, tier, what was earned today.
    pub(crate) fn state(&self, status: &Status, now: &Zoned) -> String {
        let mut parts = self.phase(status, now);
        let tier = status.tier.as_ref().and_then(|report| report.tier);
        parts.extend(tier.map(|tier| self.say(&format!("tier.{}.{}", code(&tier.capability), code(&tier.precision)))));
        let (amount, credits) = (self.amount(status.earnings.today), self.say("credits.practice"));
        parts.push(self.fill("desktop.tray.earned", &[("amount", &amount), ("credits", &credits)]));
        parts.join(" · ")
    }

    fn phase(&self, status: &Status, now: &Zoned) -> Vec<String> {
        let word = self.say(&format!("phase.{}.word", code(&status.phase)));
        match (status.phase, status.paused_until, status.aside.first()) {
            _ if status.passphrase.is_some() => vec![self.say("desktop.tray.passphrase")],
            (Phase::Paused, Some(until), _) => {
                vec![self.fill("phase.paused.until", &[("time", &self.time(until, now))])]
            }
            (Phase::Paused, None, Some(reason)) => vec![word, self.reason(reason)],
            _ => vec![word],
        }
    }

    fn reason(&self, reason: &Reason) -> String {
        match reason {
            Reason::InUse => self.say("aside.in_use"),
            Reason::Battery => self.say("aside.battery"),
            Reason::FullScreen => self.say("aside.full_screen"),
            Reason::Metered => self.say("aside.metered"),
            Reason::Program { name } => self.fill("aside.program", &[("name", name)]),
            Reason::Hot { celsius, limit } => self.fill("aside.hot", &[("celsius", celsius), ("limit", limit)]),
            Reason::Processor { percent, limit } => {
                self.fill("aside.processor", &[("percent", percent), ("limit", limit)])
            }
            Reason::Graphics { percent, limit } => {
                self.fill("aside.graphics", &[("percent", percent), ("limit", limit)])
            }
            Reason::Hours { until } => {
                let weekday = self.say(&format!("desktop.weekday.{}", code(&until.weekday)));
                let time = format!("{:02}:{:02}", until.minute / 60, until.minute % 60);
                self.fill("aside.hours", &[("weekday", &weekday), ("time", &time)])
            }
        }
    }

    /// The time of day of `at`, which is today or tomorrow.
    fn time(&self, at: Millis, now: &Zoned) -> String {
        let (time, is_today) = time_of_day(at, now);
        if is_today { time } else { self.fill("desktop.tray.tomorrow", &[("time", &time)]) }
    }

    fn amount(&self, amount: Amount) -> String {
        let written = amount.to_string();
        match self.language {
            Language::En => written,
            Language::De | Language::Es => written.replace('.', ","),
        }
    }

    /// What installs the update that is ready.
    pub(crate) fn update(&self, version: &str) -> String {
        self.fill("desktop.tray.update", &[("version", &version)])
    }

    /// What became of an update that was undone.
    pub(crate) fn undone(&self, undone: &RolledBack) -> Told {
        let RolledBack { version, to, reason, .. } = undone;
        // It stands in the middle of a sentence here.
        let reason = reason.trim().trim_end_matches('.');
        let what = self.fill("updates.rollback.title", &[("version", version), ("reason", &reason)]);
        let now = self.fill("updates.rollback.body", &[("version", version), ("to", to)]);
        (self.say("updates.rollback.label"), format!("{what} {now}"))
    }

    pub(crate) fn notice(&self, notice: &Notice) -> Told {
        match notice {
            Notice::Problem(problem) => (self.say("desktop.notice.problem"), self.problem(problem)),
            Notice::Passphrase => self.told("desktop.notice.passphrase"),
            Notice::Untrusted => self.told("desktop.notice.untrusted"),
            Notice::Unreachable => self.told("desktop.notice.unreachable"),
        }
    }

    /// What a group of two messages says.
    pub(crate) fn told(&self, key: &str) -> Told {
        (self.say(&format!("{key}.title")), self.say(&format!("{key}.body")))
    }

    /// What became of something that was chosen outside the window and not done.
    pub(crate) fn failure(&self, failure: &Failure) -> Told {
        let general = self.say(&format!("failure.code.{}", code(&failure.code)));
        (self.say("desktop.notice.not_done"), self.led(&general, &failure.message))
    }

    fn problem(&self, Problem { code: kind, message }: &Problem) -> String {
        let kind = code(kind);
        let (title, help) = (self.say(&format!("failed.title.{kind}")), self.say(&format!("failed.do.{kind}")));
        self.led(&format!("{} {help}", sentence(&title)), message)
    }

    /// What there is in English only, led by what is so in general; in English it says enough by itself.
    fn led(&self, general: &str, message: &str) -> String {
        match self.language {
            Language::En => sentence(message),
            Language::De | Language::Es => format!("{general} {}", sentence(message)),
        }
    }
}

/// What the window is told of a value, which is how its messages name it.
fn code(value: &impl Serialize) -> String {
    let told = serde_json::to_value(value).unwrap_or_default();
    told.as_str().unwrap_or_default().to_owned()
}

/// A message of the miner's as a sentence of its own, as the window has it.
fn sentence(message: &str) -> String {
    let begun = capitalised(message.trim());
    let end = begun.strip_suffix(')').unwrap_or(&begun);
    if end.is_empty() || end.ends_with(['.', '!', '?']) { begun } else { format!("{begun}.") }
}

#[cfg(test)]
pub(crate) const LANGUAGES: [Language; 3] = [Language::En, Language::De, Language::Es];

#[cfg(test)]
mod tests;
