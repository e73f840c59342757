use cortensor_hardware::ProcessorCounter;
use cortensor_manners::Reason;
use cortensor_node::{MinedTime, Work};
use cortensor_protocol::{
    Capability, Counters, Mode, ModelId, Precision, PrecisionClass, Rejection, RejectionCode, Standing, TaskId,
    TaskKind, Tier, TierReport, UnpaidReason, Usage,
};

use super::*;
use crate::{
    Electricity, Loaded, Money, PassphraseRequest, Problem, ProblemCode,
    electricity::{self, report},
};

const NOW: Millis = Millis(100_000_000);
const UNIT: Amount = Amount::from_credits(1);

fn view(mode: Mode, promised: Option<Amount>) -> ModeView {
    let precision = if mode == Mode::Volume { Precision::Q8_0 } else { Precision::F16 };
    ModeView {
        mode,
        model: ModelId::new("m"),
        precision,
        precision_class: precision.class(),
        tier: None,
        predicted_earnings_per_hour: promised,
        benchmark: None,
        predicted_requests_per_hour: None,
        measured_requests_per_hour: None,
        work: Work::default(),
        loss: None,
    }
}

fn tested(tier: Option<Tier>) -> TierReport {
    TierReport { tier, evidence: Vec::new(), tested_at: Millis(0), next_step: "be faster".to_owned(), step: None }
}

fn trusted(level: u8) -> Standing {
    Standing {
        level: Level::new(level).unwrap(),
        progress: None,
        streak: 0,
        best_streak: 0,
        counters: Counters::default(),
        last_tests: Vec::new(),
        cool_down_until: None,
        next_step: "pass 3 tests in a row".to_owned(),
        step: None,
    }
}

/// A miner that nothing keeps from earning.
fn mining() -> Status {
    let (mode, precision) = (Mode::Volume, Precision::Q8_0);
    let loaded = Loaded {
        model: ModelId::new("m"),
        precision,
        mode,
        estimated_bytes: 0,
        measured_bytes: None,
        most_bytes: 0,
        seconds: 0.0,
        card: None,
    };
    Status {
        phase: Phase::Mining,
        mode: Some(mode),
        loaded: Some(loaded),
        modes: vec![view(Mode::Precision, Some(UNIT)), view(mode, Some(UNIT))],
        connection: Connection::Connected { router: "r".to_owned(), network: "practice".to_owned() },
        tier: Some(tested(Some(Tier { capability: Capability::LowEnd, precision: PrecisionClass::Quantized }))),
        standing: Some(trusted(3)),
        idle_since: Some(Millis(NOW.0 - MINUTE_MS)),
        ..Status::default()
    }
}

fn settled(status: SettlementStatus, minutes_ago: i64) -> Settlement {
    Settlement {
        sequence: 1,
        task: TaskId(uuid::Uuid::nil()),
        kind: TaskKind::User,
        model: ModelId::new("m"),
        precision: Precision::Q8_0,
        mode: Mode::Volume,
        usage: Usage::default(),
        first_token_ms: 0,
        total_ms: 0,
        status,
        settled_at: Millis(NOW.0 - minutes_ago * MINUTE_MS),
    }
}

fn paid(minutes_ago: i64) -> Settlement {
    settled(SettlementStatus::Paid { amount: UNIT }, minutes_ago)
}

fn void(minutes_ago: i64) -> Settlement {
    settled(
        SettlementStatus::Void { reason: "too late".to_owned(), why: Some(UnpaidReason::DeadlinePassed) },
        minutes_ago,
    )
}

/// With 2 kWh at 0.30, and as much earned.
fn bill(credits: u64, value: Option<u64>) -> ElectricityReport {
    let mined = MinedTime { lasted_ms: 1, figure_mj: 7_200_000_000, ..MinedTime::default() };
    let facts = electricity::Facts {
        mined,
        counter: ProcessorCounter::Missing,
        earned: Amount::from_credits(credits),
        practice: true,
    };
    let settings = Electricity {
        price_per_kwh: Some(Money::from_millionths(300_000)),
        value_per_credit: value.map(Money::from_millionths),
        ..Electricity::default()
    };
    report(&facts, &settings)
}

fn walk(status: &Status, latest: &[Settlement], electricity: &ElectricityReport) -> Why {
    why(&Facts { status, latest, earned_last_hour: Amount::ZERO, electricity, now: NOW })
}

fn found(why: &Why, link: Link) -> Finding {
    why.links.iter().find(|one| one.link == link).unwrap().finding.clone()
}

#[test]
fn nothing_is_in_the_way_of_a_miner_that_is_well() {
    let why = walk(&mining(), &[paid(5), void(9)], &bill(1_000, Some(10_000)));
    assert_eq!(why.first, None);
    assert!(why.links.iter().all(|one| one.finding == Finding::Fine), "{why:?}");
    let order: Vec<Link> = why.links.iter().map(|one| one.link).collect();
    let expected = [
        Link::Miner,
        Link::Rules,
        Link::Pause,
        Link::Connection,
        Link::Test,
        Link::Standing,
        Link::Demand,
        Link::Pay,
        Link::Plan,
        Link::Electricity,
    ];
    assert_eq!(order, expected);
}

/// What is changed of a miner that is well, the link that says so first, and what it says.
type Case = (Status, Link, Cause);

#[test]
fn each_thing_that_is_in_the_way_is_found_by_its_own_link() {
    let cases =
        [of_the_miner(), of_a_pause(), of_the_connection(), of_the_test(), of_trust_and_demand(), of_the_plan()];
    for (status, link, expected) in cases.into_iter().flatten() {
        let why = walk(&status, &[paid(5)], &bill(1_000, Some(10_000)));
        assert_eq!((why.first, found(&why, link)), (Some(link), cause(expected)), "{why:?}");
    }
}

fn of_the_miner() -> Vec<Case> {
    let problem = Problem { code: ProblemCode::Files, message: "make room".to_owned() };
    let expected = Cause::Problem { problem: ProblemCode::Files, message: "make room".to_owned() };
    let passphrase = Some(PassphraseRequest { new: false, refused: None });
    let gone = |phase| Status { phase, loaded: None, connection: Connection::Connecting, ..mining() };
    vec![
        (gone(Phase::Stopped), Link::Miner, Cause::Stopped),
        (gone(Phase::Failed), Link::Miner, Cause::Stopped),
        (Status { phase: Phase::Hindered, problem: Some(problem), ..mining() }, Link::Miner, expected),
        (Status { passphrase, ..gone(Phase::Starting) }, Link::Miner, Cause::Passphrase),
        (gone(Phase::Starting), Link::Miner, Cause::Starting { step: None }),
        (Status { phase: Phase::Draining, measuring: true, ..mining() }, Link::Miner, Cause::Measuring),
    ]
}

fn of_a_pause() -> Vec<Case> {
    let aside = vec![Reason::Battery];
    let paused = Status { phase: Phase::Paused, loaded: None, ..mining() };
    vec![
        (Status { aside: aside.clone(), ..paused.clone() }, Link::Rules, Cause::SteppingAside { reasons: aside }),
        (paused, Link::Pause, Cause::Paused),
        (Status { phase: Phase::Draining, ..mining() }, Link::Pause, Cause::Paused),
    ]
}

fn of_the_connection() -> Vec<Case> {
    let (reason, retry_at) = ("no route".to_owned(), Millis(NOW.0 + 5));
    let message = "stop the other one".to_owned();
    let rejection = Rejection { code: RejectionCode::AlreadyConnected, message: message.clone() };
    let offline = |connection| Status { phase: Phase::Offline, connection, ..mining() };
    let away = offline(Connection::Offline { reason: reason.clone(), retry_at });
    let rejected = offline(Connection::Rejected { rejection, retry_at });
    vec![
        (offline(Connection::Connecting), Link::Connection, Cause::Connecting),
        (away, Link::Connection, Cause::Offline { reason, retry_at }),
        (rejected, Link::Connection, Cause::Rejected { message, retry_at }),
    ]
}

fn of_the_test() -> Vec<Case> {
    let next_step = "be faster".to_owned();
    let (begun, tests) = (Status { phase: Phase::Testing, ..mining() }, Some((2, 10)));
    let failed = Status { phase: Phase::Untrusted, tier: Some(tested(None)), ..mining() };
    vec![
        (Status { testing: tests, ..begun.clone() }, Link::Test, Cause::Testing { tests }),
        (Status { tier: None, ..begun }, Link::Test, Cause::Testing { tests: None }),
        (failed, Link::Test, Cause::NotPassed { next_step, step: None }),
    ]
}

fn of_trust_and_demand() -> Vec<Case> {
    let (next_step, until) = ("pass 3 tests in a row".to_owned(), Millis(NOW.0 + 5));
    let standing = Some(Standing { cool_down_until: Some(until), ..trusted(3) });
    let cooling = Cause::CoolDown { until, next_step: next_step.clone(), step: None };
    let waited = Status { idle_since: Some(Millis(NOW.0 - 25 * MINUTE_MS)), ..mining() };
    let lowest = Status { standing: Some(trusted(0)), ..waited.clone() };
    vec![
        (Status { standing, ..mining() }, Link::Standing, cooling),
        (lowest, Link::Standing, Cause::LowestLevel { next_step, step: None }),
        (waited, Link::Demand, Cause::NoTasks { minutes: 25 }),
    ]
}

fn of_the_plan() -> Vec<Case> {
    let amount = Amount::from_credits(2);
    let modes = vec![view(Mode::Precision, Some(amount)), view(Mode::Volume, Some(UNIT))];
    let better = Cause::EarnsMore { mode: Mode::Precision, precision: Precision::F16, amount, against: UNIT };
    vec![(Status { modes, ..mining() }, Link::Plan, better)]
}

#[test]
fn what_lies_behind_something_in_the_way_is_not_known() {
    let paused = Status { phase: Phase::Paused, loaded: None, ..mining() };
    let connecting = Status { connection: Connection::Connecting, ..paused.clone() };
    let mute = Status { standing: None, modes: Vec::new(), ..mining() };
    for (status, links) in [
        (&paused, vec![Link::Test, Link::Standing, Link::Demand]),
        (&connecting, vec![Link::Connection, Link::Test, Link::Standing, Link::Demand]),
        (&mute, vec![Link::Standing, Link::Plan]),
    ] {
        let why = walk(status, &[paid(5)], &bill(1_000, Some(10_000)));
        let unknown = why.links.iter().filter(|one| one.finding == Finding::Unknown).map(|one| one.link);
        assert_eq!(unknown.collect::<Vec<_>>(), links, "{why:?}");
    }
}

#[test]
fn a_level_or_a_wait_is_no_cause_while_tasks_come() {
    for (idle_since, level) in [(None, 0), (Some(Millis(NOW.0 - 9 * MINUTE_MS)), 0), (Some(NOW), 3)] {
        let status = Status { idle_since, standing: Some(trusted(level)), ..mining() };
        assert_eq!(walk(&status, &[paid(5)], &bill(1_000, Some(10_000))).first, None);
    }
}

#[test]
fn pay_is_judged_by_the_last_hour() {
    let back =
        || settled(SettlementStatus::Reversed { amount: UNIT, reverses: 1, reason: "audit".to_owned(), why: None }, 30);
    let why = Some(UnpaidReason::DeadlinePassed);
    let unpaid = |unpaid, of| {
        let (reason, why) = ("too late".to_owned(), why.clone());
        cause(Cause::Unpaid { unpaid, of, reason, why })
    };
    for (latest, expected) in [
        (vec![], Finding::Unknown),
        (vec![void(61), void(90)], Finding::Unknown),
        (vec![paid(1), void(2)], Finding::Fine),
        (vec![void(1), paid(2), void(3)], unpaid(2, 3)),
        (vec![void(1), paid(80), paid(90)], unpaid(1, 1)),
        (vec![paid(1), back()], cause(Cause::TakenBack { amount: UNIT, reason: "audit".to_owned(), why: None })),
    ] {
        assert_eq!(found(&walk(&mining(), &latest, &bill(1, None)), Link::Pay), expected, "{latest:?}");
    }
}

#[test]
fn the_other_mode_is_only_named_for_a_tenth_more() {
    let tenths = |number: u64| Some(Amount::from_base_units(u128::from(number) * 100_000_000_000_000_000));
    for (present, other, named) in [
        (tenths(10), tenths(10), Some(false)),
        (tenths(100), tenths(109), Some(false)),
        (tenths(100), tenths(110), Some(true)),
        (tenths(0), tenths(0), Some(false)),
        (tenths(10), None, None),
        (None, tenths(10), None),
    ] {
        let status = Status { modes: vec![view(Mode::Volume, present), view(Mode::Precision, other)], ..mining() };
        let finding = found(&walk(&status, &[], &bill(1, None)), Link::Plan);
        let told = match finding {
            Finding::Unknown => None,
            Finding::Fine => Some(false),
            Finding::Cause { .. } => Some(true),
        };
        assert_eq!(told, named, "{present:?} {other:?}");
    }
}

#[test]
fn electricity_is_a_cause_only_by_a_value_that_the_user_gave() {
    let (cost, worth) = (Money::from_millionths(600_000), Money::from_millionths(100_000));
    let loss = cause(Cause::CostsMore { cost, worth, currency: "EUR".to_owned() });
    for (credits, value, expected) in
        [(1, None, Finding::Unknown), (1, Some(100_000), loss), (10, Some(100_000), Finding::Fine)]
    {
        assert_eq!(found(&walk(&mining(), &[], &bill(credits, value)), Link::Electricity), expected);
    }
}
