//! Rounds in which anything may happen.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index};

use super::*;

fn nodes(count: usize) -> Vec<NodeAddress> {
    (1_u8..).take(count).map(NodeAddress::repeat_byte).collect()
}

/// Right ones, wrong ones, copied ones; of participants and of a stranger (the last one).
fn any_event(count: usize) -> impl Strategy<Value = NetworkTaskEvent> {
    let kind = prop_oneof![30 => 3..6_usize, 10 => 0..3_usize, 10 => 7..8_usize, 1 => 6..7_usize];
    let whose = prop_oneof![6 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (kind, any::<Index>(), whose).prop_map(move |(kind, index, whose)| {
        let senders = nodes(count + 1);
        let node = *index.get(&senders);
        let hash = hash(whose.map_or(node, |whose| *whose.get(&senders)));
        match kind {
            0 => NetworkTaskEvent::Request(nodes(count)),
            1 => NetworkTaskEvent::Create,
            2 => NetworkTaskEvent::Start,
            3 => NetworkTaskEvent::Prepare(node),
            4 => NetworkTaskEvent::Precommit(node, hash),
            5 => NetworkTaskEvent::Commit(node, hash),
            6 => NetworkTaskEvent::Abandon,
            _ => NetworkTaskEvent::Tick,
        }
    })
}

fn any_events() -> impl Strategy<Value = (usize, Vec<(NetworkTaskEvent, i64)>)> {
    let wait = prop_oneof![8 => 0..500_i64, 1 => 0..70_000_i64];
    (1..5_usize)
        .prop_flat_map(move |count| (Just(count), prop::collection::vec((any_event(count), wait.clone()), 0..120)))
}

/// What a refusal leaves behind: one count, for its sender.
fn refusals(task: &NetworkTask) -> u32 {
    let of = |participant: &Participant| participant.refusals().values().sum::<u32>();
    task.participants().map(|(_, participant)| of(participant)).sum::<u32>() + task.refused_strangers()
}

fn final_ones(task: &NetworkTask) -> Vec<(NodeAddress, ParticipantProgress)> {
    everybody(task).into_iter().filter(|(_, is)| is.next().is_none()).collect()
}

/// What must hold between a round that only the time has touched and the same round after the event.
fn check(before: &NetworkTask, after: &NetworkTask, event: &NetworkTaskEvent, accepted: bool) {
    let counts = u32::from(!accepted && event.sender().is_some());
    assert_eq!(refusals(after), refusals(before) + counts);
    if !accepted {
        assert_eq!(
            (after.state(), after.wake_at(), everybody(after)),
            (before.state(), before.wake_at(), everybody(before))
        );
    }
    if let (true, NetworkTaskEvent::Commit(node, hash)) = (accepted, event) {
        assert_eq!(before.participant(*node).unwrap().precommit(), Some(hash));
        assert!(before.participants().all(|(_, is)| is.precommit().is_some() || is.progress().next().is_none()));
    }
    final_ones(before).into_iter().for_each(|(node, outcome)| assert_eq!(progress(after, node), outcome));
    assert!(before.wake_at().is_some() || after.state() == before.state());
}

proptest! {
    /// Whatever order messages come in: the round is over by its last deadline, an end and an outcome are final, a
    /// refusal changes nothing but its sender's count, and a commit needs its own precommit and everybody's.
    #[test]
    fn holds_under_any_interleaving((count, events) in any_events(), started in any::<bool>()) {
        let mut task = NetworkTask::new(NetworkTaskDeadlines::default(), NOW);
        if started {
            fed(&mut task, [NetworkTaskEvent::Request(nodes(count)), NetworkTaskEvent::Create]);
        }
        let mut now = NOW;
        for (event, wait) in events {
            now = Millis(now.0 + wait);
            let mut before = task.clone();
            before.apply(NetworkTaskEvent::Tick, now).unwrap();
            let accepted = task.apply(event.clone(), now).is_ok();
            check(&before, &task, &event, accepted);
            prop_assert!(now < task.ends_at() || task.wake_at().is_none());
        }
        let ends_at = task.ends_at();
        let ended = task.apply(NetworkTaskEvent::Tick, ends_at).unwrap();
        prop_assert!(matches!(ended, NetworkTaskState::End(_)));
        prop_assert!(ended != NetworkTaskState::End(Complete) || final_ones(&task).len() == count);
    }

    /// No two participants are ever bound by one hash.
    #[test]
    fn every_hash_binds_one_participant((count, events) in any_events()) {
        let mut task = NetworkTask::new(NetworkTaskDeadlines::default(), NOW);
        fed(&mut task, [NetworkTaskEvent::Request(nodes(count)), NetworkTaskEvent::Create]);
        fed(&mut task, nodes(count).into_iter().map(NetworkTaskEvent::Prepare));
        fed(&mut task, [NetworkTaskEvent::Start]);
        for (event, wait) in events {
            let _ = task.apply(event, NOW + Duration::from_millis(wait.unsigned_abs()));
            let hashes = task.participants().filter_map(|(_, is)| is.precommit()).collect::<Vec<_>>();
            prop_assert_eq!(hashes.len(), hashes.iter().collect::<BTreeSet<_>>().len());
        }
    }
}

/// How one participant behaves in one step.
#[derive(Clone, Copy, Debug)]
enum Behaviour {
    /// Its message comes after so many milliseconds, once or twice.
    Sends {
        after: i64,
        twice: bool,
    },
    /// Its message is lost, or it is silent from here on.
    Lost,
    Crashed,
}

fn any_behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        12 => (0..120_000_i64, any::<bool>()).prop_map(|(after, twice)| Behaviour::Sends { after, twice }),
        12 => (0..9_000_i64, any::<bool>()).prop_map(|(after, twice)| Behaviour::Sends { after, twice }),
        1 => Just(Behaviour::Lost),
        1 => Just(Behaviour::Crashed),
    ]
}

const STEPS: [ParticipantStep; 3] = [ParticipantStep::Prepare, ParticipantStep::Precommit, ParticipantStep::Commit];

fn lasting(step: ParticipantStep) -> i64 {
    let deadlines = NetworkTaskDeadlines::default();
    let lasting = [deadlines.prepare, deadlines.precommit, deadlines.commit][step as usize];
    i64::try_from(lasting.as_millis()).unwrap()
}

/// The first step that a participant does not do in time.
fn due_outcome(behaviours: [Behaviour; 3]) -> ParticipantProgress {
    let in_time = |step: ParticipantStep| match behaviours[step as usize] {
        Behaviour::Sends { after, .. } => after < lasting(step),
        Behaviour::Lost | Behaviour::Crashed => false,
    };
    let missed = STEPS.into_iter().find(|step| !in_time(*step));
    missed.map_or(ParticipantProgress::Committed, ParticipantProgress::Missed)
}

/// What arrives because of `step`, which began at `begin`, in the order of arrival. Those who crashed are silent.
fn arriving(behaviours: &[[Behaviour; 3]], step: ParticipantStep, begin: Millis) -> Vec<(Millis, NetworkTaskEvent)> {
    let mut messages = Vec::new();
    for (node, of) in nodes(behaviours.len()).into_iter().zip(behaviours) {
        let crashed = of[..step as usize].iter().any(|behaviour| matches!(behaviour, Behaviour::Crashed));
        let Behaviour::Sends { after, twice } = of[step as usize] else { continue };
        let event = match step {
            ParticipantStep::Prepare => NetworkTaskEvent::Prepare(node),
            ParticipantStep::Precommit => precommit(node),
            ParticipantStep::Commit => commit(node),
        };
        let copies = if crashed { 0 } else { 1 + usize::from(twice) };
        messages.extend(std::iter::repeat_n((Millis(begin.0 + after), event), copies));
    }
    messages.sort_by_key(|(at, _)| *at);
    messages
}

/// Feeds the messages of one step, and the time, until the round is past the step. Returns when that was.
fn play(
    task: &mut NetworkTask,
    step: ParticipantStep,
    messages: Vec<(Millis, NetworkTaskEvent)>,
    begin: Millis,
) -> Millis {
    let until = begin + Duration::from_millis(lasting(step).unsigned_abs());
    let tick = (until, NetworkTaskEvent::Tick);
    let in_time = messages.into_iter().take_while(|(at, _)| *at < until);
    let mut now = begin;
    for (at, event) in in_time.chain([tick]) {
        if task.state().step() == Some(step) {
            now = at;
            let _ = task.apply(event, at);
        }
    }
    now
}

proptest! {
    /// What a participant gets out of a round depends on its own messages only: those in time commit, whoever else is
    /// slow, lost, crashed or repeats itself.
    #[test]
    fn nobody_pays_for_another(
        behaviours in prop::collection::vec([any_behaviour(), any_behaviour(), any_behaviour()], 1..6)
    ) {
        let nodes = nodes(behaviours.len());
        let mut task = NetworkTask::new(NetworkTaskDeadlines::default(), NOW);
        fed(&mut task, [NetworkTaskEvent::Request(nodes.clone()), NetworkTaskEvent::Create]);
        let mut now = NOW;
        for step in STEPS {
            now = play(&mut task, step, arriving(&behaviours, step, now), now);
            if task.state() == NetworkTaskState::Start {
                task.apply(NetworkTaskEvent::Start, now).unwrap();
            }
        }
        prop_assert_eq!(task.state(), NetworkTaskState::End(Complete));
        let expected = behaviours.into_iter().map(due_outcome);
        prop_assert_eq!(everybody(&task), nodes.into_iter().zip(expected).collect::<Vec<_>>());
    }
}
