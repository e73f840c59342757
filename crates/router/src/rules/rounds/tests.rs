use cortensor_protocol::{Mode, ModelId, Precision};
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

fn idle(node: u8, artifact: u8, model: &str) -> Idle {
    let offer = Offer {
        model: ModelId::new(model),
        precision: Precision::F16,
        artifact: ArtifactDigest::new([artifact; 32]),
        context_tokens: 2048,
        parameters: 1,
        slots: 1,
        mode: Mode::Precision,
        device: DeviceKind::Processor,
    };
    Idle { node: NodeAddress::repeat_byte(node), offer, connected_at: Millis(0) }
}

#[test]
fn a_round_has_two_to_five_nodes_with_the_same_file_and_every_one_of_them_comes_by() {
    let mut random = StdRng::seed_from_u64(7);
    let ready = |count: u8| (0..count).map(|node| idle(node, 1, "m")).collect::<Vec<_>>();
    for (count, expected) in [(0, None), (1, None), (2, Some(2)), (5, Some(5)), (8, Some(5))] {
        let drawn = draw(&ready(count), 5, &mut random);
        assert_eq!(drawn.map(|draw| draw.nodes.len()), expected, "{count}");
    }
    let seen: BTreeSet<_> =
        (0..100).filter_map(|_| draw(&ready(8), 5, &mut random)).flat_map(|draw| draw.nodes).collect();
    assert_eq!(seen.len(), 8);
}

#[test]
fn nodes_with_other_files_or_other_names_for_the_same_are_not_compared() {
    let mut random = StdRng::seed_from_u64(7);
    assert_eq!(draw(&[idle(1, 1, "m"), idle(2, 2, "m")], 5, &mut random), None);
    for _ in 0..50 {
        let ready = vec![idle(1, 1, "m"), idle(2, 1, "m"), idle(3, 1, "n"), idle(4, 2, "m"), idle(1, 2, "m")];
        let Some(Draw { offer, nodes }) = draw(&ready, 5, &mut random) else { continue };
        let nodes: BTreeSet<_> = nodes.iter().map(|node| node[0]).collect();
        let expected = if offer.artifact.as_bytes()[0] == 1 { BTreeSet::from([1, 2]) } else { BTreeSet::from([1, 4]) };
        assert_eq!(nodes, expected);
    }
}

#[test]
fn a_card_is_not_compared_with_a_processor() {
    let mut random = StdRng::seed_from_u64(7);
    let on = |device, node| {
        let idle = idle(node, 1, "m");
        Idle { offer: Offer { device, ..idle.offer }, ..idle }
    };
    let ready = [on(DeviceKind::Processor, 1), on(DeviceKind::Cuda, 2), on(DeviceKind::Cuda, 3)];
    assert_eq!(draw(&ready[..2], 5, &mut random), None);
    let nodes = draw(&ready, 5, &mut random).unwrap().nodes;
    assert_eq!(nodes.iter().map(|node| node[0]).collect::<BTreeSet<_>>(), BTreeSet::from([2, 3]));
}

#[test]
fn each_node_takes_part_about_as_often_as_the_policy_says_however_many_there_are() {
    let policy = RoundsPolicy { mean_seconds: 600, participants: 5, ..RoundsPolicy::default() };
    let mut random = StdRng::seed_from_u64(7);
    for (nodes, expected) in [(0, 600.0), (5, 600.0), (50, 60.0)] {
        let waits: Vec<_> = (0..4_000).map(|_| wait(&policy, nodes, &mut random).as_secs_f64()).collect();
        let mean = waits.iter().sum::<f64>() / 4_000.0;
        assert!((mean / expected - 1.0).abs() < 0.1, "{nodes} nodes: {mean}");
        // Exponential: the middle one is shorter than the mean by the logarithm of 2.
        let below = waits.iter().filter(|wait| **wait < expected * std::f64::consts::LN_2).count();
        assert!((1_800..2_200).contains(&below), "{below}");
    }
}
