use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::rules::choice::{Fallback, Sla};

const HIGH: Capability = Capability::HighEnd;
const LOW: Capability = Capability::LowEnd;

fn contender(number: u8, precision: Precision, capability: Capability) -> Contender {
    Contender {
        node: NodeAddress::repeat_byte(number),
        precision,
        tier: Some(Tier { capability, precision: precision.class() }),
        level: Level::default(),
        decode: Some(10.0),
        running: 0,
        slots: 1,
        last_task: None,
        availability: Availability::Free,
        lost_it: false,
        keeper: Keeper::Nobody,
    }
}

/// Full high-end, full low-end, quantized high-end, quantized low-end.
fn all() -> [Contender; 4] {
    [
        contender(0, Precision::F16, HIGH),
        contender(1, Precision::F16, LOW),
        contender(2, Precision::Q4_0, HIGH),
        contender(3, Precision::Q4_0, LOW),
    ]
}

fn choice(preference: Preference) -> Choice {
    Choice { preference, ..Choice::default() }
}

/// Everyone that chance may choose.
fn possible(choice: Choice, contenders: &[Contender]) -> Vec<usize> {
    let draws = (0..64).filter_map(|seed| rank(choice, contenders, &mut StdRng::seed_from_u64(seed)).chosen);
    let mut chosen: Vec<_> = draws.collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

#[test]
fn each_kind_of_work_goes_to_the_nodes_that_the_network_wants_for_it() {
    use Preference::{Any, CostEffective, HighAccuracy};
    let basic = |preference| Choice { task_class: TaskClass::Basic, ..choice(preference) };
    let exact = Choice { exact: Some(Precision::F16), ..Choice::default() };
    for (choice, chosen) in [
        (choice(HighAccuracy), vec![0]),
        (choice(CostEffective), vec![2, 3]),
        (choice(Any), vec![0, 1, 2, 3]),
        (basic(Any), vec![1, 3]),
        (basic(CostEffective), vec![3]),
        (basic(HighAccuracy), vec![0]),
        (exact, vec![0, 1]),
    ] {
        assert_eq!(possible(choice, &all()), chosen, "{choice:?}");
    }
}

#[test]
fn cost_effective_work_goes_to_the_fastest_and_to_slower_ones_when_that_is_busy() {
    let mut nodes = all();
    for (busy, chosen) in [(false, vec![2]), (true, vec![3])] {
        nodes[2].decode = Some(20.1);
        nodes[2].availability = if busy { Availability::Busy } else { Availability::Free };
        assert_eq!(possible(choice(Preference::CostEffective), &nodes), chosen);
    }
    nodes[2] = Contender { decode: Some(19.9), ..contender(2, Precision::Q4_0, HIGH) };
    assert_eq!(possible(choice(Preference::CostEffective), &nodes), [2, 3]);
}

#[test]
fn a_fallback_is_taken_only_if_it_was_named_and_nothing_as_asked_for_is_there() {
    let accurate = |fallback| Choice { fallback, ..choice(Preference::HighAccuracy) };
    let with = |availability| {
        let mut nodes = all();
        nodes[0].availability = availability;
        nodes
    };
    let without = [vec![], all()[1..].to_vec()].concat();
    for (fallback, nodes, chosen) in [
        (Some(Fallback::LowEnd), with(Availability::Free).to_vec(), vec![0]),
        // Waited for, not replaced.
        (Some(Fallback::LowEnd), with(Availability::Busy).to_vec(), vec![]),
        (Some(Fallback::LowEnd), with(Availability::Parked).to_vec(), vec![]),
        (Some(Fallback::LowEnd), with(Availability::Refusing).to_vec(), vec![]),
        // Never to be had for this task.
        (Some(Fallback::LowEnd), with(Availability::Untested).to_vec(), vec![1]),
        (Some(Fallback::LowEnd), with(Availability::Elsewhere).to_vec(), vec![1]),
        (Some(Fallback::LowEnd), without.clone(), vec![0]),
        (Some(Fallback::Quantized), without.clone(), vec![1]),
        (None, without, vec![]),
    ] {
        assert_eq!(possible(accurate(fallback), &nodes), chosen, "{fallback:?} {nodes:?}");
    }
}

#[test]
fn the_service_level_chooses_among_equals_and_refuses_nobody() {
    let level =
        |number, level| Contender { level: Level::new(level).unwrap(), ..contender(number, Precision::F16, HIGH) };
    let nodes = [level(0, 0), level(1, 5), level(2, 10)];
    for (sla, chosen) in [(Some(Sla::Low), vec![0]), (Some(Sla::Medium), vec![1]), (Some(Sla::High), vec![2])] {
        let choice = Choice { sla, ..choice(Preference::HighAccuracy) };
        assert_eq!(possible(choice, &nodes), chosen);
        assert_eq!(possible(choice, &nodes[..1]), [0]);
    }
    assert_eq!(possible(choice(Preference::HighAccuracy), &nodes), [0, 1, 2]);
}

#[test]
fn of_two_equals_the_less_loaded_one_is_chosen_and_then_the_one_that_waited_longer() {
    let node = |running, slots, last_task: Option<i64>| Contender {
        running,
        slots,
        last_task: last_task.map(Millis),
        ..contender(1, Precision::F16, HIGH)
    };
    for (one, other, verdict) in [
        (node(1, 4, Some(9)), node(1, 2, None), Verdict::MoreLoaded),
        (node(0, 4, Some(9)), node(1, 2, None), Verdict::MoreLoaded),
        (node(1, 4, Some(3)), node(2, 8, Some(4)), Verdict::Later),
        (node(0, 1, None), node(0, 1, Some(4)), Verdict::Later),
    ] {
        let nodes = [one, other];
        for seed in 0..8 {
            let ranking = rank(Choice::default(), &nodes, &mut StdRng::seed_from_u64(seed));
            assert_eq!((ranking.chosen, ranking.verdicts), (Some(0), vec![Verdict::Chosen, verdict]));
        }
    }
}

#[test]
fn a_node_that_is_set_aside_is_first_for_its_session_and_last_for_others() {
    use Keeper::{Another, Asker, Nobody};
    for (keepers, busy, chosen) in [
        ([Asker, Nobody], false, vec![0]),
        ([Asker, Another], false, vec![0]),
        ([Nobody, Another], false, vec![0]),
        ([Another, Another], false, vec![0, 1]),
        // Its own are taken: others do it.
        ([Asker, Nobody], true, vec![1]),
        // What is nobody's is busy and waited for.
        ([Nobody, Another], true, vec![]),
    ] {
        let mut nodes = [contender(0, Precision::F16, HIGH), contender(1, Precision::F16, HIGH)];
        nodes.iter_mut().zip(keepers).for_each(|(node, keeper)| node.keeper = keeper);
        if busy {
            nodes[0].availability = Availability::Busy;
        }
        assert_eq!(possible(Choice::default(), &nodes), chosen, "{keepers:?} {busy}");
    }
    let mut gone = [contender(0, Precision::F16, HIGH), contender(1, Precision::F16, HIGH)];
    (gone[0].availability, gone[1].keeper) = (Availability::Parked, Another);
    assert_eq!(possible(Choice::default(), &gone), [1], "nobody is refused because of it");
}

#[test]
fn a_node_that_lost_the_task_gets_it_again_only_if_there_is_no_other_at_work() {
    let mut nodes = [contender(0, Precision::F16, HIGH), contender(1, Precision::F16, HIGH)];
    nodes[0].lost_it = true;
    for (availability, chosen) in [
        (Availability::Free, vec![1]),
        (Availability::Busy, vec![]),
        (Availability::Parked, vec![0]),
        (Availability::Untested, vec![0]),
    ] {
        nodes[1].availability = availability;
        assert_eq!(possible(Choice::default(), &nodes), chosen, "{availability:?}");
    }
}

#[test]
fn everyone_who_was_not_chosen_is_told_why() {
    let mut nodes = all().to_vec();
    nodes.push(Contender { tier: None, availability: Availability::Untested, ..contender(4, Precision::F16, HIGH) });
    nodes.push(Contender { availability: Availability::Busy, ..contender(5, Precision::F16, HIGH) });
    let choice = Choice { fallback: Some(Fallback::LowEnd), ..choice(Preference::HighAccuracy) };
    let ranking = rank(choice, &nodes, &mut StdRng::seed_from_u64(1));
    assert_eq!((ranking.chosen, ranking.fit), (Some(0), Some(Fit::AsAsked)));
    let codes: Vec<_> = ranking.verdicts.iter().map(|verdict| verdict.code()).collect();
    assert_eq!(codes, ["chosen", "fallback_not_needed", "unfit", "unfit", "untested", "busy"]);
}
