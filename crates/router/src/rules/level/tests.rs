use std::num::{NonZeroU8, NonZeroU64};

use proptest::prelude::*;

use super::*;
use crate::policy::LevelRequirement;

const HOUR: i64 = 3_600_000;

fn event(kind: EventKind, failure: Option<Failure>, at: i64) -> LevelEvent {
    LevelEvent { kind, failure, at: Millis(at), seen: "what was seen".to_owned(), sighting: None }
}

fn passed(at: i64) -> LevelEvent {
    event(EventKind::Correctness, None, at)
}

fn failed(failure: Failure, at: i64) -> LevelEvent {
    event(EventKind::Correctness, Some(failure), at)
}

fn after(policy: &LevelPolicy, record: &LevelRecord, events: &[LevelEvent]) -> LevelRecord {
    events.iter().fold(record.clone(), |record, event| record.after(policy, event))
}

/// `p`assed, `m`issed a commit's deadline, `w`rong, failed `a`udit, one second apart; `.` is an hour, `|` a month.
fn story(policy: &LevelPolicy, story: &str) -> (LevelRecord, Millis) {
    let mut record = LevelRecord::default();
    let mut at = 0;
    for letter in story.chars() {
        at += match letter {
            '.' => HOUR,
            '|' => 31 * 24 * HOUR,
            _ => 1_000,
        };
        let event = match letter {
            'p' => passed(at),
            'm' => event(EventKind::Commit, Some(Failure::MissedDeadline), at),
            'w' => failed(Failure::WrongAnswer, at),
            'a' => failed(Failure::FailedAudit, at),
            _ => continue,
        };
        record = record.after(policy, &event);
    }
    (record, Millis(at))
}

#[test]
fn the_level_follows_from_what_was_seen() {
    for (told, level, streak, best) in [
        ("", 0, 0, 0),
        ("pp", 0, 2, 2),
        ("ppp", 1, 3, 3),
        ("pppppp", 1, 6, 6),
        ("ppppppp", 2, 7, 7),
        // One level down, two levels down, all the way down.
        ("pppppppm", 1, 0, 7),
        ("pppppppppppp", 3, 12, 12),
        ("ppppppppppppw", 1, 0, 12),
        ("ppppppppppppa", 0, 0, 12),
        ("m", 0, 0, 0),
        // Tests in a cool-down do not count.
        ("mppp", 0, 0, 0),
        ("m.ppp", 1, 3, 3),
        // What a failure cost is earned back by the row of one level.
        ("pppppppm.pppp", 2, 4, 7),
        // The row is there and the percentage is not: 3 of 6 passed, then 4 of 7, then 5 of 8.
        ("m.m.m.ppp", 0, 3, 3),
        ("m.m.m.pppp", 0, 4, 4),
        ("m.m.m.ppppp", 1, 5, 5),
        ("a.ppp", 0, 0, 0),
        ("a|ppp", 1, 3, 3),
    ] {
        let (record, _) = story(&LevelPolicy::default(), told);
        assert_eq!((record.level().number(), record.streak, record.best_streak), (level, streak, best), "{told}");
    }
}

#[test]
fn what_is_no_test_is_counted_and_moves_nothing() {
    let policy = LevelPolicy::default();
    let (before, _) = story(&policy, "ppppp");
    for event in [
        event(EventKind::Ping, Some(Failure::MissedDeadline), 0),
        event(EventKind::Request, Some(Failure::MissedDeadline), 0),
        event(EventKind::Precommit, None, 0),
    ] {
        let record = before.after(&policy, &event);
        assert_eq!(record.counters.of(event.kind).counter, 1);
        assert_eq!(LevelRecord { counters: before.counters, ..record }, before, "{event:?}");
    }
}

#[test]
fn each_failed_audit_doubles_the_cool_down_up_to_the_longest_until_it_is_forgiven() {
    let policy = LevelPolicy::default();
    let days = |told: &str| {
        let (record, at) = story(&policy, told);
        record.cool_down_until.unwrap().since(at).as_secs() / (24 * 3600)
    };
    let forgiven = format!("a|a|{}a", "p".repeat(40));
    for (told, expected) in [("a", 1), ("a|a", 2), ("a|a|a", 4), ("a|a|a|a|a|a|a", 30), (&forgiven, 1)] {
        assert_eq!(days(told), expected, "{told}");
    }
}

#[test]
fn a_later_and_shorter_cool_down_does_not_end_a_longer_one() {
    let (record, at) = story(&LevelPolicy::default(), "a.m");
    assert!(record.cools_down(at + Duration::from_secs(20 * 3600)));
}

#[test]
fn the_miner_is_told_the_smallest_change_that_raises_the_level() {
    for (told, expected) in [
        ("", "Pass 3 tests in a row to reach level 1."),
        ("pp", "Pass one test to reach level 1."),
        ("m.m.ppp", "Pass 4 tests in a row to reach level 2."),
        (
            "m.m.m.ppp",
            "Pass 2 tests in a row to reach level 1: it asks for 60 % of the latest tests, and 50 % were passed. \
             The last failure was a missed deadline: close other programs, or choose a smaller model.",
        ),
        (
            "pppw",
            "When the cool-down is over, pass 3 tests in a row to reach level 1. The last failure was a wrong answer: \
             a more exact precision or another model may answer better.",
        ),
        (
            "pppa",
            "When the cool-down is over, pass 3 tests in a row to reach level 1. An audit saw answers that the claimed \
             model file does not give: download it again, and offer only what runs.",
        ),
        (&"p".repeat(200), "This is the highest level; passed tests keep it."),
    ] {
        let (record, at) = story(&LevelPolicy::default(), told);
        assert_eq!(record.explain(&LevelPolicy::default(), at).next_step, expected, "{told}");
    }
}

#[test]
fn the_standing_has_what_there_is_and_what_is_asked_for() {
    let policy = LevelPolicy { shown_tests: 2, ..LevelPolicy::default() };
    let (record, at) = story(&policy, "pppppm");
    let standing = record.explain(&policy, at);
    let progress = standing.progress.unwrap();
    assert_eq!((standing.level, progress.level.number()), (Level::LOWEST, 1));
    assert_eq!((progress.consecutive_had, progress.consecutive_needed), (0, 3));
    assert_eq!((progress.percentage_had.map(Percentage::number), progress.percentage_needed.number()), (Some(83), 60));
    assert_eq!((standing.streak, standing.best_streak), (0, 5));
    let shown = standing.last_tests.iter().map(|test| (test.kind, test.passed)).collect::<Vec<_>>();
    assert_eq!(shown, [(EventKind::Commit, false), (EventKind::Correctness, true)]);
    assert_eq!(standing.cool_down_until, Some(at + Duration::from_secs(300)));
    let later = at + Duration::from_secs(300);
    assert_eq!(record.explain(&policy, later).cool_down_until, None);
}

#[test]
fn the_incentive_is_for_passed_tests_outside_of_cool_downs_and_for_those_who_precommit_in_time() {
    let policy = LevelPolicy::default();
    let late = event(EventKind::Precommit, Some(Failure::MissedDeadline), 0);
    let bound = event(EventKind::Precommit, None, 0);
    for (events, now, expected) in [
        (vec![], passed(HOUR), true),
        (vec![], failed(Failure::WrongAnswer, HOUR), false),
        (vec![], event(EventKind::Prepare, None, HOUR), false),
        (vec![failed(Failure::WrongAnswer, HOUR)], passed(HOUR), false),
        (vec![bound.clone(), bound.clone(), bound, late.clone(), late.clone()], passed(HOUR), true),
        (vec![late], passed(HOUR), false),
    ] {
        let record = after(&policy, &LevelRecord::default(), &events);
        assert_eq!(record.earns_incentive(&policy, &now), expected, "{events:?}");
    }
}

fn any_policy() -> impl Strategy<Value = LevelPolicy> {
    let requirement = (0..5_u32, 0..=100_u8).prop_map(|(consecutive, percentage)| LevelRequirement {
        consecutive,
        percentage: percentage.try_into().unwrap(),
    });
    let demotion =
        || (0..4_u8, 0..9_000_u64).prop_map(|(steps, cool_down_seconds)| Demotion { steps, cool_down_seconds });
    (prop::collection::vec(requirement, 10), 1..20_u8, demotion(), demotion(), 1..20_000_u64, 0..=10_u8).prop_map(
        |(requirements, tests, missed_deadline, wrong_answer, failed_audit_cool_down_seconds, forgiven_at)| {
            LevelPolicy {
                requirements: requirements.try_into().unwrap(),
                percentage_tests: NonZeroU8::new(tests).unwrap(),
                missed_deadline,
                wrong_answer,
                failed_audit_cool_down_seconds: NonZeroU64::new(failed_audit_cool_down_seconds).unwrap(),
                forgiven_at: forgiven_at.try_into().unwrap(),
                ..LevelPolicy::default()
            }
        },
    )
}

/// Mostly passed tests, at growing times.
fn any_events() -> impl Strategy<Value = Vec<LevelEvent>> {
    let kind = prop_oneof![12 => Just(EventKind::Correctness), 1 => prop::sample::select(EventKind::ALL.to_vec())];
    let failures = vec![Failure::MissedDeadline, Failure::WrongAnswer, Failure::FailedAudit];
    let failure = prop_oneof![8 => Just(None), 1 => prop::sample::select(failures).prop_map(Some)];
    prop::collection::vec((kind, failure, 0..2 * HOUR), 0..100).prop_map(|events| {
        let timed = events.into_iter().scan(0, |at, (kind, failure, wait)| {
            *at += wait;
            Some(event(kind, failure, *at))
        });
        timed.collect()
    })
}

fn end(events: &[LevelEvent]) -> i64 {
    events.last().map_or(0, |event| event.at.0)
}

proptest! {
    /// Event by event: at most one level up, passes never lower it, and what is kept stays small and in range.
    #[test]
    fn a_record_moves_by_the_rules(policy in any_policy(), events in any_events()) {
        let mut record = LevelRecord::default();
        for event in events {
            let next = record.after(&policy, &event);
            prop_assert!(next.level.number() <= record.level.number() + 1);
            prop_assert!(event.failure.is_some() || next.level >= record.level);
            prop_assert!(event.failure.is_none() || next.level <= record.level);
            prop_assert!(next.streak <= next.best_streak && next.best_streak >= record.best_streak);
            prop_assert!(next.recent.len() <= policy.percentage_tests.get().into());
            prop_assert!(next.last_tests.len() <= policy.shown_tests.into());
            let percentage = next.percentage(&policy, 0);
            prop_assert!(percentage.is_none_or(|percentage| percentage.number() <= 100));
            record = next;
        }
    }

    /// The same events give the same record, also when it goes through a database after each.
    #[test]
    fn a_record_follows_from_the_events_alone(policy in any_policy(), events in any_events()) {
        let stored = events.iter().fold(String::from("{}"), |text, event| {
            let record = serde_json::from_str::<LevelRecord>(&text).unwrap();
            serde_json::to_string(&record.after(&policy, event)).unwrap()
        });
        let record = after(&policy, &LevelRecord::default(), &events);
        prop_assert_eq!(serde_json::from_str::<LevelRecord>(&stored).unwrap(), record);
    }

    /// One more passed test, at any time, never leads to a lower level.
    #[test]
    fn more_successes_never_lower_a_level(
        policy in any_policy(), events in any_events(), place in any::<prop::sample::Index>()
    ) {
        let mut more = events.clone();
        let place = place.index(events.len() + 1);
        more.insert(place, passed(end(&events[..place])));
        let (without, with) = (after(&policy, &LevelRecord::default(), &events), after(&policy, &LevelRecord::default(), &more));
        prop_assert!(with.level >= without.level);
        prop_assert!(with.cool_down_until <= without.cool_down_until);
    }

    /// Whatever came before, a failed audit means level 0 and a cool-down in which nothing counts, and afterwards every
    /// level can be reached again.
    #[test]
    fn a_failed_audit_cools_a_node_down_and_it_can_come_back(policy in any_policy(), events in any_events()) {
        let at = end(&events);
        let fallen = after(&policy, &LevelRecord::default(), &events).after(&policy, &failed(Failure::FailedAudit, at));
        let until = fallen.cool_down_until.unwrap();
        prop_assert!(fallen.cools_down(Millis(at)) && fallen.level == Level::LOWEST);
        let within = after(&policy, &fallen, &vec![passed(until.0 - 1); 50]);
        prop_assert_eq!((within.level, within.streak), (Level::LOWEST, 0));
        let back = after(&policy, &within, &vec![passed(until.0); 10 * 5 + 20]);
        prop_assert_eq!(back.level, Level::HIGHEST);
    }

    /// What the miner is told is true: so many tests raise the level, and one fewer does not.
    #[test]
    fn the_next_step_is_enough_and_the_smallest(policy in any_policy(), events in any_events()) {
        let record = after(&policy, &LevelRecord::default(), &events);
        let at = record.cool_down_until.map_or(0, |until| until.0).max(end(&events));
        let level = |tests: u32| after(&policy, &record, &vec![passed(at); tests as usize]).level;
        if let Some(tests) = record.tests_to_rise(&policy) {
            prop_assert_eq!(Some(level(tests)), record.level.next());
            prop_assert_eq!(level(tests - 1), record.level);
        } else {
            prop_assert_eq!(record.level, Level::HIGHEST);
        }
    }
}
