use super::{NetworkTaskEnd::*, NetworkTaskRefused::*, *};
use crate::EventKind;

mod random;

const A: NodeAddress = NodeAddress::repeat_byte(0xa);
const B: NodeAddress = NodeAddress::repeat_byte(0xb);
const C: NodeAddress = NodeAddress::repeat_byte(0xc);
const STRANGER: NodeAddress = NodeAddress::repeat_byte(0xd);
const NOW: Millis = Millis(1_000);

fn hash(node: NodeAddress) -> String {
    format!("0x{node:x}")
}

fn precommit(node: NodeAddress) -> NetworkTaskEvent {
    NetworkTaskEvent::Precommit(node, hash(node))
}

fn commit(node: NodeAddress) -> NetworkTaskEvent {
    NetworkTaskEvent::Commit(node, hash(node))
}

fn fed(task: &mut NetworkTask, events: impl IntoIterator<Item = NetworkTaskEvent>) {
    for event in events {
        task.apply(event, NOW).unwrap();
    }
}

/// A round of A and B that has come to this state, with everybody in time.
fn at(state: NetworkTaskState) -> NetworkTask {
    let mut task = NetworkTask::new(NetworkTaskDeadlines::default(), NOW);
    for event in [
        NetworkTaskEvent::Request(vec![A, B]),
        NetworkTaskEvent::Create,
        NetworkTaskEvent::Prepare(A),
        NetworkTaskEvent::Prepare(B),
        NetworkTaskEvent::Start,
        precommit(A),
        precommit(B),
        commit(A),
        commit(B),
    ] {
        if task.state() == state {
            return task;
        }
        task.apply(event, NOW).unwrap();
    }
    assert_eq!(task.state(), state);
    task
}

fn progress(task: &NetworkTask, node: NodeAddress) -> ParticipantProgress {
    task.participant(node).unwrap().progress()
}

fn everybody(task: &NetworkTask) -> Vec<(NodeAddress, ParticipantProgress)> {
    task.participants().map(|(node, participant)| (node, participant.progress())).collect()
}

#[test]
fn a_round_goes_through_every_state_and_is_complete() {
    let task = at(NetworkTaskState::End(Complete));
    assert_eq!(everybody(&task), [(A, ParticipantProgress::Committed), (B, ParticipantProgress::Committed)]);
    assert_eq!(task.wake_at(), None);
}

#[test]
fn every_state_has_a_deadline() {
    let missed = ParticipantProgress::Missed;
    let drawn = ParticipantProgress::Drawn;
    for (state, lasting, then, both) in [
        (NetworkTaskState::Request, 30, Abandoned, None),
        (NetworkTaskState::Create, 30, Abandoned, Some(drawn)),
        (NetworkTaskState::Prepare, 60, Complete, Some(missed(ParticipantStep::Prepare))),
        (NetworkTaskState::Start, 10, Abandoned, Some(ParticipantProgress::Prepared)),
        (NetworkTaskState::Precommit, 90, Complete, Some(missed(ParticipantStep::Precommit))),
        (NetworkTaskState::Commit, 10, Complete, Some(missed(ParticipantStep::Commit))),
    ] {
        let mut task = at(state);
        let until = task.wake_at().unwrap();
        assert_eq!(until, NOW + Duration::from_secs(lasting));
        assert_eq!(task.apply(NetworkTaskEvent::Tick, Millis(until.0 - 1)), Ok(state));
        assert_eq!(task.apply(NetworkTaskEvent::Tick, until), Ok(NetworkTaskState::End(then)));
        assert!(everybody(&task).into_iter().all(|(_, is)| Some(is) == both), "{task:?}");
    }
}

#[test]
fn the_round_goes_on_without_those_who_missed_a_deadline() {
    let mut task = NetworkTask::new(NetworkTaskDeadlines::default(), NOW);
    fed(&mut task, [NetworkTaskEvent::Request(vec![A, B, C]), NetworkTaskEvent::Create]);
    fed(&mut task, [NetworkTaskEvent::Prepare(A), NetworkTaskEvent::Prepare(B)]);
    let mut wait = |event, expected| {
        let until = task.wake_at().unwrap();
        assert_eq!(task.apply(NetworkTaskEvent::Tick, until), Ok(expected));
        task.apply(event, until).unwrap()
    };
    assert_eq!(wait(NetworkTaskEvent::Start, NetworkTaskState::Start), NetworkTaskState::Precommit);
    let until = task.wake_at().unwrap();
    task.apply(precommit(B), Millis(until.0 - 1)).unwrap();
    assert_eq!(task.apply(commit(B), until), Ok(NetworkTaskState::End(Complete)));
    let missed = ParticipantProgress::Missed;
    let expected = [
        (A, missed(ParticipantStep::Precommit)),
        (B, ParticipantProgress::Committed),
        (C, missed(ParticipantStep::Prepare)),
    ];
    assert_eq!(everybody(&task), expected);
}

#[test]
fn no_commit_is_taken_while_somebody_may_still_precommit() {
    let mut task = at(NetworkTaskState::Precommit);
    task.apply(precommit(A), NOW).unwrap();
    assert_eq!(task.apply(commit(A), NOW), Err(Early));
    assert_eq!(task.apply(commit(B), NOW), Err(Unbound));
    task.apply(precommit(B), NOW).unwrap();
    assert!(task.apply(commit(A), NOW).is_ok());
}

#[test]
fn what_is_refused_says_why_and_changes_nothing_but_the_count() {
    let other = |node| NetworkTaskEvent::Commit(node, "0xother".to_owned());
    let rebound = NetworkTaskEvent::Precommit(A, "0xother".to_owned());
    for (state, event, reason) in [
        (NetworkTaskState::Create, NetworkTaskEvent::Prepare(A), Early),
        (NetworkTaskState::Prepare, precommit(A), OutOfOrder),
        (NetworkTaskState::Prepare, commit(A), Unbound),
        (NetworkTaskState::Start, NetworkTaskEvent::Prepare(A), Replayed),
        (NetworkTaskState::Start, precommit(A), Early),
        (NetworkTaskState::Commit, precommit(A), Replayed),
        (NetworkTaskState::Commit, rebound, Replayed),
        (NetworkTaskState::Commit, other(A), HashMismatch),
        (NetworkTaskState::Commit, commit(STRANGER), NotDrawn),
        (NetworkTaskState::Request, NetworkTaskEvent::Prepare(A), NotDrawn),
        (NetworkTaskState::End(Complete), commit(A), Replayed),
    ] {
        let mut task = at(state);
        let before = everybody(&task);
        let node = event.sender().unwrap();
        assert_eq!(task.apply(event, NOW), Err(reason));
        assert_eq!((task.state(), everybody(&task)), (state, before));
        let counted = task.participant(node).map_or(task.refused_strangers(), |is| is.refusals()[&reason]);
        assert_eq!(counted, 1, "{reason}");
    }
}

#[test]
fn the_owner_is_refused_what_does_not_come_next() {
    for (state, event, reason) in [
        (NetworkTaskState::Request, NetworkTaskEvent::Request(vec![]), NoParticipants),
        (NetworkTaskState::Request, NetworkTaskEvent::Request(vec![A, B, A]), DrawnTwice),
        (NetworkTaskState::Request, NetworkTaskEvent::Start, OutOfOrder),
        (NetworkTaskState::Create, NetworkTaskEvent::Request(vec![C]), OutOfOrder),
        (NetworkTaskState::Prepare, NetworkTaskEvent::Start, OutOfOrder),
        (NetworkTaskState::Commit, NetworkTaskEvent::Create, OutOfOrder),
        (NetworkTaskState::End(Complete), NetworkTaskEvent::Abandon, Ended),
        (NetworkTaskState::End(Complete), NetworkTaskEvent::Request(vec![C]), Ended),
    ] {
        let mut task = at(state);
        assert_eq!(task.apply(event, NOW), Err(reason));
        assert_eq!(task.state(), state);
    }
}

#[test]
fn a_hash_that_another_bound_itself_with_is_refused_and_ones_own_is_still_taken() {
    let mut task = at(NetworkTaskState::Precommit);
    task.apply(precommit(A), NOW).unwrap();
    assert_eq!(task.apply(NetworkTaskEvent::Precommit(B, hash(A)), NOW), Err(Copied));
    assert_eq!(task.apply(precommit(B), NOW), Ok(NetworkTaskState::Commit));
    assert_eq!(task.participant(B).unwrap().refusals()[&Copied], 1);
}

#[test]
fn a_wrong_answer_may_be_put_right_until_the_deadline() {
    let mut task = at(NetworkTaskState::Commit);
    assert_eq!(task.apply(NetworkTaskEvent::Commit(A, hash(B)), NOW), Err(HashMismatch));
    assert!(task.apply(commit(A), NOW).is_ok());
}

#[test]
fn what_comes_too_late_is_refused_and_counted() {
    for (state, event) in [
        (NetworkTaskState::Prepare, NetworkTaskEvent::Prepare(A)),
        (NetworkTaskState::Precommit, precommit(A)),
        (NetworkTaskState::Precommit, commit(A)),
        (NetworkTaskState::Commit, commit(A)),
    ] {
        let mut task = at(state);
        let until = task.wake_at().unwrap();
        assert_eq!(task.apply(event, until), Err(Late));
        assert_eq!(task.participant(A).unwrap().refusals()[&Late], 1);
        assert_eq!(progress(&task, A), ParticipantProgress::Missed(state.step().unwrap()));
    }
}

#[test]
fn a_round_that_the_owner_gives_up_says_nothing_about_its_participants() {
    let mut task = at(NetworkTaskState::Precommit);
    assert_eq!(task.apply(NetworkTaskEvent::Abandon, NOW), Ok(NetworkTaskState::End(Abandoned)));
    assert_eq!(task.apply(precommit(A), NOW), Err(Ended));
    assert_eq!(progress(&task, A), ParticipantProgress::Prepared);
}

#[test]
fn an_owner_that_looks_late_does_not_make_the_round_longer() {
    let mut task = at(NetworkTaskState::Precommit);
    fed(&mut task, [precommit(A)]);
    let commits_until = task.wake_at().unwrap() + NetworkTaskDeadlines::default().commit;
    assert_eq!(task.apply(NetworkTaskEvent::Tick, commits_until), Ok(NetworkTaskState::End(Complete)));
    assert_eq!(progress(&task, A), ParticipantProgress::Missed(ParticipantStep::Commit));
}

#[test]
fn what_a_participant_did_and_missed_is_counted_and_what_it_was_not_asked_for_is_not() {
    let (prepare, precommit, commit) = (EventKind::Prepare, EventKind::Precommit, EventKind::Commit);
    for (progress, expected) in [
        (ParticipantProgress::Drawn, vec![]),
        (ParticipantProgress::Prepared, vec![(prepare, true)]),
        (ParticipantProgress::Committed, vec![(prepare, true), (precommit, true), (commit, true)]),
        (ParticipantProgress::Missed(ParticipantStep::Prepare), vec![(prepare, false)]),
        (
            ParticipantProgress::Missed(ParticipantStep::Commit),
            vec![(prepare, true), (precommit, true), (commit, false)],
        ),
    ] {
        assert_eq!(progress.counted().collect::<Vec<_>>(), expected, "{progress:?}");
    }
}
