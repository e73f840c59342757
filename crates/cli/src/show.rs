//! The status, in words: a line for each step, then one line that stays true.

use std::{collections::BTreeMap, io::IsTerminal, time::Duration};

use cortensor_app::{ModeView, Phase, Status, StepName, StepState, capitalised, clock_in_words};
use cortensor_protocol::{Level, Standing};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

/// Where lines go that are not drawn over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// The status is what the command is for.
    Stdout,
    /// Something else is.
    Stderr,
}

/// Shows a status until it has come to an end.
pub(crate) async fn follow(mut status: watch::Receiver<Status>, to: To) {
    let mut screen = Screen::new(to);
    loop {
        let now = status.borrow_and_update().clone();
        screen.show(&now);
        if matches!(now.phase, Phase::Stopped | Phase::Failed) || status.changed().await.is_err() {
            return screen.end();
        }
    }
}

struct Screen {
    bar: ProgressBar,
    told: BTreeMap<StepName, String>,
    line: String,
    problem: Option<String>,
    terminal: bool,
    to: To,
}

impl Screen {
    fn new(to: To) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(1000) } else { ProgressBar::hidden() };
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, told: BTreeMap::new(), line: String::new(), problem: None, terminal, to }
    }

    fn show(&mut self, status: &Status) {
        for step in &status.steps {
            match step.state {
                StepState::Running { progress } => self.running(step.name, progress, &step.detail),
                StepState::Done => self.tell(step.name, "done", &step.detail),
                StepState::Failed => self.tell(step.name, "failed", &step.detail),
            }
        }
        let problem = status.problem.as_ref().map(|problem| format!("error: {}", problem.message));
        if let Some(text) = problem.as_ref().filter(|_| problem != self.problem) {
            self.print(text);
        }
        self.problem = problem;
        // A log has a line for what was done, not one for what is about to be.
        let line = if self.terminal { headline(status) } else { summary(status, false) };
        if status.phase != Phase::Starting && line != self.line {
            self.line.clone_from(&line);
            if self.terminal {
                self.bar
                    .set_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or(ProgressStyle::default_bar()));
                self.bar.set_message(line);
            } else {
                self.print(&line);
            }
        }
    }

    fn running(&self, name: StepName, progress: Option<f32>, detail: &str) {
        let template = if progress.is_some() { "{spinner} {msg} [{bar:24}] {percent}%" } else { "{spinner} {msg}" };
        self.bar.set_style(ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000")]
        self.bar.set_position((progress.unwrap_or_default().clamp(0.0, 1.0) * 1000.0) as u64);
        self.bar.set_message(format!("{}: {detail}", name.words()));
    }

    /// Each step's end is told once; again only if it says something new.
    fn tell(&mut self, name: StepName, how: &str, detail: &str) {
        let text = format!("{:<13} {how:<7}{detail}", name.words());
        if self.told.get(&name) != Some(&text) {
            self.print(&text);
            self.told.insert(name, text);
        }
    }

    fn print(&self, text: &str) {
        match self.to {
            _ if self.terminal => self.bar.println(text),
            To::Stdout => say!("{text}"),
            To::Stderr => eprintln!("{text}"),
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
        if self.terminal && !self.line.is_empty() {
            say!("{}", self.line);
        }
    }
}

/// The one line: am I mining, in which tier, what did I earn.
pub(crate) fn headline(status: &Status) -> String {
    summary(status, true)
}

fn summary(status: &Status, with_running: bool) -> String {
    let mut parts = vec![capitalised(status.phase.words())];
    if status.phase == Phase::Paused {
        let until = status.paused_until.map(|until| clock_in_words(until, &jiff::Zoned::now()));
        parts[0].extend(until.map(|until| format!(" until {until}")));
        parts.extend(status.aside.iter().map(ToString::to_string));
    }
    if let (Phase::Testing, Some((done, total))) = (status.phase, status.testing) {
        parts.push(format!("{done} of {total}"));
    }
    parts.extend(why_offline(status).map(str::to_owned));
    if let Some(tier) = status.tier.as_ref().and_then(|report| report.tier) {
        parts.push(format!("tier: {tier}"));
    }
    if let Some(loaded) = &status.loaded {
        parts.push(format!("{} {}", loaded.model, loaded.precision));
    }
    if with_running && status.running > 0 {
        parts.push(format!("{} running", status.running));
    }
    parts.push(format!("today {} practice credits", status.earnings.today));
    parts.push(format!("in all {}", status.earnings.total));
    parts.join(" · ")
}

/// What the connection says, when there is none.
fn why_offline(status: &Status) -> Option<&str> {
    status.connection.trouble().filter(|_| status.phase == Phase::Offline)
}

/// The level, what there is of the next one, and what would raise it.
pub(crate) fn standing_lines(standing: &Standing) -> Vec<String> {
    let (level, streak, best) = (standing.level, standing.streak, standing.best_streak);
    let progress = standing.progress.map(|progress| {
        let share = progress.percentage_had.map_or_else(|| "none yet".to_owned(), |share| share.to_string());
        format!(
            "level {}: {} of {} tests in a row, {share} of the latest passed (asked: {})",
            progress.level, progress.consecutive_had, progress.consecutive_needed, progress.percentage_needed
        )
    });
    let head = format!("level {level} of {}, {streak} tests passed in a row (best: {best})", Level::HIGHEST);
    [head].into_iter().chain(progress).chain([standing.next_step.clone()]).collect()
}

/// Both sides of the switch.
pub(crate) fn mode_line(view: &ModeView, chosen: bool) -> String {
    let rate = |rate: Option<f64>, how: &str| rate.map(|rate| format!("{how} {rate:.0} requests/h"));
    let rates = [
        rate(view.predicted_requests_per_hour, "predicted"),
        rate(view.measured_requests_per_hour, "measured").map(|text| {
            let (prompt, answer) = view.work.average_tokens().unwrap_or_default();
            format!("{text} (from {} served, {prompt} + {answer} tokens each)", view.work.served)
        }),
    ];
    let rates: Vec<String> = rates.into_iter().flatten().collect();
    let mark = if chosen { '>' } else { ' ' };
    format!("{mark} {:<9} {:<5} {} {}", view.mode, view.precision, view.model, rates.join(", "))
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{Counters, LevelProgress, Percentage};

    use super::*;

    #[test]
    fn the_level_is_said_with_the_next_one_and_the_way_there() {
        let progress = LevelProgress {
            level: Level::new(5).unwrap(),
            consecutive_needed: 10,
            consecutive_had: 7,
            percentage_needed: Percentage::new(80).unwrap(),
            percentage_had: Percentage::new(91).ok(),
        };
        let standing = Standing {
            level: Level::new(4).unwrap(),
            progress: Some(progress),
            streak: 12,
            best_streak: 20,
            counters: Counters::default(),
            last_tests: Vec::new(),
            cool_down_until: None,
            next_step: "Pass 3 tests in a row to reach level 5.".to_owned(),
            step: None,
        };
        let told = [
            "level 4 of 10, 12 tests passed in a row (best: 20)",
            "level 5: 7 of 10 tests in a row, 91 % of the latest passed (asked: 80 %)",
            "Pass 3 tests in a row to reach level 5.",
        ];
        assert_eq!(standing_lines(&standing), told);
        let highest = Standing { level: Level::HIGHEST, progress: None, ..standing };
        assert_eq!(standing_lines(&highest).len(), 2);
    }
}
