//! What is worth telling the user while they look elsewhere, and how often.

use std::{collections::VecDeque, time::Duration};

use crate::{Phase, Problem, Status};

/// How long a router may be away before anybody is told: it is found again by itself.
const UNREACHABLE: Duration = Duration::from_secs(600);
/// The time that the limits are for.
const HOUR: Duration = Duration::from_secs(3600);
/// Most that are given in an hour, of whatever kind. Of one kind it is one.
const MOST_IN_AN_HOUR: usize = 4;

/// Something that the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nothing goes on until the user has seen to this.
    Problem(Problem),
    /// Nothing goes on until the user has entered a passphrase.
    Passphrase,
    /// The node did not pass the network's tests, or not again.
    Untrusted,
    /// The router has not answered for a while.
    Unreachable,
}

/// Decides what is told, from one status after the other and the time of each.
#[derive(Debug, Default)]
pub struct Notices {
    watched: [Watched; 4],
    /// When something was told in the last hour.
    told: VecDeque<Duration>,
}

/// One kind of notice.
#[derive(Debug, Default)]
struct Watched {
    /// What holds, and since when.
    now: Option<(Notice, Duration)>,
    /// It was told of what holds.
    is_told: bool,
    /// When one of its kind was told.
    last: Option<Duration>,
}

impl Notices {
    /// What to tell at `now`, if anything. What may not be told yet is told later, if it still holds.
    pub fn look(&mut self, now: Duration, status: &Status) -> Option<Notice> {
        self.told.retain(|told| now.saturating_sub(*told) < HOUR);
        for (watched, holds) in self.watched.iter_mut().zip(all(status)) {
            watched.follow(now, holds);
        }
        if self.told.len() >= MOST_IN_AN_HOUR {
            return None;
        }
        let notice = self.watched.iter_mut().find_map(|watched| watched.give(now))?;
        self.told.push_back(now);
        Some(notice)
    }
}

/// What holds of each kind, the gravest first.
fn all(status: &Status) -> [Option<Notice>; 4] {
    let stops = matches!(status.phase, Phase::Failed | Phase::Hindered);
    let problem = status.problem.as_ref().filter(|_| stops).map(|problem| Notice::Problem(problem.clone()));
    [
        problem,
        status.passphrase.as_ref().map(|_| Notice::Passphrase),
        (status.phase == Phase::Untrusted).then_some(Notice::Untrusted),
        (status.phase == Phase::Offline).then_some(Notice::Unreachable),
    ]
}

impl Watched {
    fn follow(&mut self, now: Duration, holds: Option<Notice>) {
        if self.now.as_ref().map(|(notice, _)| notice) != holds.as_ref() {
            self.now = holds.map(|notice| (notice, now));
            self.is_told = false;
        }
    }

    fn give(&mut self, now: Duration) -> Option<Notice> {
        let (notice, since) = self.now.as_ref().filter(|_| !self.is_told)?;
        let patience = if *notice == Notice::Unreachable { UNREACHABLE } else { Duration::ZERO };
        let lately = self.last.is_some_and(|last| now.saturating_sub(last) < HOUR);
        if lately || now.saturating_sub(*since) < patience {
            return None;
        }
        (self.is_told, self.last) = (true, Some(now));
        Some(notice.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PassphraseRequest, ProblemCode};

    fn is(phase: Phase) -> Status {
        Status { phase, ..Status::default() }
    }

    fn problem(message: &str) -> Problem {
        Problem { code: ProblemCode::Model, message: message.to_owned() }
    }

    fn fails(message: &str) -> Status {
        Status::failed(problem(message))
    }

    fn asks() -> Status {
        Status { passphrase: Some(PassphraseRequest { new: false, refused: None }), ..Status::default() }
    }

    /// What is told of statuses, each at a minute.
    fn told(statuses: &[(u64, Status)]) -> Vec<(u64, Notice)> {
        let mut notices = Notices::default();
        let look =
            |(minute, status): &(u64, Status)| Some((*minute, notices.look(Duration::from_secs(minute * 60), status)?));
        statuses.iter().filter_map(look).collect()
    }

    #[test]
    fn what_needs_the_user_is_told_at_once_and_once() {
        let told_of = || Notice::Problem(problem("a file is gone"));
        for (what, status, notice) in [
            ("a problem", fails("a file is gone"), told_of()),
            ("a problem that is waited for", Status { phase: Phase::Hindered, ..fails("a file is gone") }, told_of()),
            ("a passphrase", asks(), Notice::Passphrase),
            ("failed tests", is(Phase::Untrusted), Notice::Untrusted),
        ] {
            let seen = told(&[(0, is(Phase::Mining)), (1, status.clone()), (2, status.clone()), (200, status)]);
            assert_eq!(seen, [(1, notice)], "{what}");
        }
    }

    #[test]
    fn what_goes_by_itself_is_not_told() {
        for phase in [
            Phase::Starting,
            Phase::Mining,
            Phase::Paused,
            Phase::Draining,
            Phase::Switching,
            Phase::Testing,
            Phase::Stopped,
        ] {
            assert!(told(&[(0, is(phase)), (60, is(phase))]).is_empty(), "{phase:?}");
        }
    }

    #[test]
    fn a_router_that_is_away_is_told_after_ten_minutes_without_it() {
        let (gone, back) = (|| is(Phase::Offline), || is(Phase::Mining));
        let away = [(0, gone()), (9, gone()), (10, gone()), (11, gone()), (90, gone())];
        assert_eq!(told(&away), [(10, Notice::Unreachable)]);
        let on_and_off = [(0, gone()), (9, gone()), (10, back()), (11, gone()), (20, gone()), (21, gone())];
        assert_eq!(told(&on_and_off), [(21, Notice::Unreachable)]);
    }

    #[test]
    fn one_of_a_kind_is_told_in_an_hour_and_what_still_holds_then_is_told_then() {
        let (failed, mining) = (|| is(Phase::Untrusted), || is(Phase::Mining));
        let again = [(0, failed()), (1, mining()), (2, failed()), (59, failed()), (60, failed()), (61, failed())];
        assert_eq!(told(&again), [(0, Notice::Untrusted), (60, Notice::Untrusted)]);
        let over = [(0, failed()), (1, mining()), (2, failed()), (59, mining()), (60, mining())];
        assert_eq!(told(&over), [(0, Notice::Untrusted)]);
    }

    #[test]
    fn another_problem_is_another_occasion() {
        let told_of = |message: &str| Notice::Problem(problem(message));
        let seen = told(&[(0, fails("one")), (1, fails("two")), (59, fails("two")), (60, fails("two"))]);
        assert_eq!(seen, [(0, told_of("one")), (60, told_of("two"))]);
    }

    #[test]
    fn four_are_told_in_an_hour_and_the_gravest_first() {
        let both = Status { passphrase: asks().passphrase, ..fails("one") };
        assert_eq!(told(&[(0, both.clone())]), [(0, Notice::Problem(problem("one")))]);
        // All four kinds within an hour, then a second problem as soon as there is room for it.
        let all = vec![
            (0, both.clone()),
            (1, both),
            (2, is(Phase::Untrusted)),
            (3, is(Phase::Offline)),
            (13, is(Phase::Offline)),
            (59, fails("two")),
            (60, fails("two")),
            (61, is(Phase::Untrusted)),
            (62, is(Phase::Untrusted)),
        ];
        let minutes: Vec<u64> = told(&all).into_iter().map(|(minute, _)| minute).collect();
        assert_eq!(minutes, [0, 1, 2, 13, 60, 62]);
    }
}
