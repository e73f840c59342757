//! Whether an update works: what has to be seen of it, and when enough is seen that it does not.

use std::time::Duration;

use crate::{Phase, ProblemCode, Status};

use super::journal::Trial;

/// How long a miner that mined before may go without passing a test of the network's.
const PATIENCE: Duration = Duration::from_secs(1200);

/// What is known by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Too little.
    Open,
    /// It works.
    Works,
    /// It does not, and this is what it did.
    Fails(String),
}

/// Follows a miner on trial.
#[derive(Debug)]
pub struct OnTrial {
    was_mining: bool,
    had_failed: bool,
    tested: Duration,
}

impl OnTrial {
    /// A trial that begins now.
    pub const fn new(trial: &Trial) -> Self {
        Self { was_mining: trial.was_mining, had_failed: trial.had_failed, tested: Duration::ZERO }
    }

    /// What is known when this has held for `time`. Waiting for the user or for a router proves nothing either way.
    pub fn look(&mut self, status: &Status, time: Duration) -> Judgement {
        match status.phase {
            Phase::Mining => return Judgement::Works,
            Phase::Failed if is_elsewhere(status) => return Judgement::Open,
            Phase::Failed if !self.had_failed => return Judgement::Fails(failed(status)),
            Phase::Starting | Phase::Switching | Phase::Draining | Phase::Stopped => return Judgement::Open,
            Phase::Testing | Phase::Untrusted if self.was_mining => self.tested += time,
            _ if !self.was_mining => return Judgement::Works,
            _ => return Judgement::Open,
        }
        if self.tested < PATIENCE {
            return Judgement::Open;
        }
        let minutes = PATIENCE.as_secs() / 60;
        Judgement::Fails(format!("it did not pass a test of the network's in {minutes} minutes"))
    }
}

/// Another miner has the folder: no version could start.
fn is_elsewhere(status: &Status) -> bool {
    status.problem.as_ref().is_some_and(|problem| problem.code == ProblemCode::InUse)
}

fn failed(status: &Status) -> String {
    let problem = status.problem.as_ref().map_or("no reason was given", |problem| problem.message.as_str());
    format!("it could not start: {problem}")
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;
    use crate::{Problem, ProblemCode};

    const MINUTE: Duration = Duration::from_secs(60);

    fn on_trial(was_mining: bool) -> OnTrial {
        let (from, to) = (Version::new(0, 1, 0), Version::new(0, 2, 0));
        OnTrial::new(&Trial { from, to, was_mining, had_failed: false })
    }

    fn phase(phase: Phase) -> Status {
        Status { phase, ..Status::default() }
    }

    #[test]
    fn a_miner_that_mined_has_to_mine_again() {
        let mut trial = on_trial(true);
        for waiting in [Phase::Starting, Phase::Paused, Phase::Offline, Phase::Hindered] {
            assert_eq!(trial.look(&phase(waiting), 1000 * MINUTE), Judgement::Open, "{waiting:?}");
        }
        assert_eq!(trial.look(&phase(Phase::Testing), MINUTE), Judgement::Open);
        assert_eq!(trial.look(&phase(Phase::Mining), MINUTE), Judgement::Works);
    }

    #[test]
    fn one_that_did_not_has_only_to_start() {
        for started in [Phase::Paused, Phase::Offline, Phase::Untrusted, Phase::Mining] {
            assert_eq!(on_trial(false).look(&phase(started), MINUTE), Judgement::Works, "{started:?}");
        }
        for open in [Phase::Starting, Phase::Stopped] {
            assert_eq!(on_trial(false).look(&phase(open), MINUTE), Judgement::Open, "{open:?}");
        }
    }

    #[test]
    fn tests_that_are_not_passed_for_long_enough_are_told() {
        let mut trial = on_trial(true);
        let looks: Vec<_> = [Phase::Testing, Phase::Untrusted, Phase::Offline, Phase::Testing]
            .map(|at| trial.look(&phase(at), 7 * MINUTE))
            .into();
        assert_eq!(looks[..3], [Judgement::Open, Judgement::Open, Judgement::Open]);
        assert!(matches!(&looks[3], Judgement::Fails(why) if why.contains("20 minutes")), "{looks:?}");
    }

    #[test]
    fn what_cannot_start_is_told_with_its_reason() {
        let problem = Problem { code: ProblemCode::Files, message: "the disk is gone".to_owned() };
        let status = Status { problem: Some(problem), ..phase(Phase::Failed) };
        let Judgement::Fails(why) = on_trial(false).look(&status, MINUTE) else { panic!("it failed") };
        assert!(why.contains("the disk is gone"), "{why}");

        let had_failed = &mut OnTrial { had_failed: true, ..on_trial(false) };
        assert_eq!(had_failed.look(&status, MINUTE), Judgement::Works, "it was so before");
        let elsewhere = Problem { code: ProblemCode::InUse, message: String::new() };
        let status = Status { problem: Some(elsewhere), ..phase(Phase::Failed) };
        assert_eq!(on_trial(false).look(&status, MINUTE), Judgement::Open);
    }
}
