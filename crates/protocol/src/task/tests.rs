use proptest::prelude::*;

use super::*;

const A: NodeAddress = NodeAddress::repeat_byte(0xa);
const B: NodeAddress = NodeAddress::repeat_byte(0xb);
const NOW: Millis = Millis(1_000);

fn task() -> Task {
    Task::new(Deadlines::default(), NOW)
}

fn after(events: impl IntoIterator<Item = TaskEvent>) -> Task {
    let mut task = task();
    for event in events {
        task.apply(event, NOW).unwrap();
    }
    task
}

fn hash() -> String {
    "0xhash".to_owned()
}

#[test]
fn an_answered_task_goes_through_every_state() {
    let task = after([
        TaskEvent::Assign(A),
        TaskEvent::Ack(A),
        TaskEvent::Precommit(A, hash()),
        TaskEvent::Commit(A, hash()),
        TaskEvent::Settle,
    ]);
    assert_eq!(*task.state(), TaskState::Ended(Outcome::Served));
}

#[test]
fn an_answer_other_than_the_bound_one_is_refused_and_the_task_waits_for_the_right_one() {
    let mut task = after([TaskEvent::Assign(A), TaskEvent::Ack(A), TaskEvent::Precommit(A, hash())]);
    assert_eq!(task.apply(TaskEvent::Commit(A, "0xother".to_owned()), NOW), Err(Refused::HashMismatch));
    assert!(task.apply(TaskEvent::Commit(A, hash()), NOW).is_ok());
}

#[test]
fn a_lost_node_gives_the_task_back_and_its_late_messages_are_refused() {
    let mut task = after([TaskEvent::Assign(A), TaskEvent::Ack(A), TaskEvent::Lost(A), TaskEvent::Assign(B)]);
    assert_eq!(task.apply(TaskEvent::Precommit(A, hash()), NOW), Err(Refused::NotYours));
    assert_eq!(*task.state(), TaskState::Assigned { node: B });
}

#[test]
fn a_refusal_is_not_an_attempt() {
    assert_eq!(after([TaskEvent::Assign(A), TaskEvent::Refuse(A)]).attempts(), 0);
}

#[test]
fn a_task_without_a_client_ends_when_no_node_works_on_it() {
    assert_eq!(*after([TaskEvent::ClientGone]).state(), TaskState::Ended(Outcome::Cancelled));
    let task = after([TaskEvent::Assign(A), TaskEvent::Ack(A), TaskEvent::ClientGone, TaskEvent::Lost(A)]);
    assert_eq!(*task.state(), TaskState::Ended(Outcome::Cancelled));
}

#[test]
fn every_state_has_a_deadline() {
    for (events, until, then) in [
        (vec![], Duration::from_secs(300), TaskState::Ended(Outcome::TimedOut)),
        (vec![TaskEvent::Assign(A)], Duration::from_secs(5), TaskState::Queued),
        (vec![TaskEvent::Assign(A), TaskEvent::Ack(A)], Duration::from_secs(90), TaskState::Queued),
        (
            vec![TaskEvent::Assign(A), TaskEvent::Ack(A), TaskEvent::Precommit(A, hash())],
            Duration::from_secs(10),
            TaskState::Queued,
        ),
    ] {
        let mut task = after(events);
        assert_eq!(task.wake_at(), NOW + until);
        let before = task.state().clone();
        assert_eq!(*task.apply(TaskEvent::Tick, Millis(task.wake_at().0 - 1)).unwrap(), before);
        assert_eq!(*task.apply(TaskEvent::Tick, task.wake_at()).unwrap(), then);
    }
}

#[test]
fn an_answer_that_streams_when_its_time_is_up_is_asked_for_as_it_is() {
    let streaming = || after([TaskEvent::Assign(A), TaskEvent::Ack(A), TaskEvent::Stream(A)]);
    let mut task = streaming();
    let up = task.wake_at();
    assert_eq!(*task.apply(TaskEvent::Tick, up).unwrap(), TaskState::Finishing { node: A });
    assert_eq!(task.wake_at(), up + Duration::from_secs(10));
    // What is on its way still counts.
    task.apply(TaskEvent::Stream(A), up).unwrap();
    task.apply(TaskEvent::Precommit(A, hash()), up).unwrap();
    assert!(task.apply(TaskEvent::Commit(A, hash()), up).is_ok());

    let mut silent = streaming();
    silent.apply(TaskEvent::Tick, up).unwrap();
    let then = silent.wake_at();
    assert_eq!(*silent.apply(TaskEvent::Tick, then).unwrap(), TaskState::Queued);
}

#[test]
fn an_answer_that_was_begun_in_time_may_be_finished_behind_it() {
    let deadlines = Deadlines { precommit: Duration::from_secs(300), ..Deadlines::default() };
    let end = NOW + deadlines.total;
    for commits in [true, false] {
        let mut task = Task::new(deadlines, NOW);
        for event in [TaskEvent::Assign(A), TaskEvent::Ack(A), TaskEvent::Stream(A)] {
            task.apply(event, NOW).unwrap();
        }
        task.apply(TaskEvent::Tick, end).unwrap();
        if commits {
            task.apply(TaskEvent::Precommit(A, hash()), end).unwrap();
            task.apply(TaskEvent::Commit(A, hash()), task.wake_at()).unwrap_err();
        }
        assert_eq!(*task.apply(TaskEvent::Tick, task.wake_at()).unwrap(), TaskState::Ended(Outcome::TimedOut));
    }
}

#[test]
fn a_committed_answer_is_not_taken_away_by_time() {
    let mut task =
        after([TaskEvent::Assign(A), TaskEvent::Ack(A), TaskEvent::Precommit(A, hash()), TaskEvent::Commit(A, hash())]);
    assert!(task.apply(TaskEvent::Settle, NOW + Duration::from_secs(3_600)).is_ok());
}

fn any_event() -> impl Strategy<Value = TaskEvent> {
    let node = prop_oneof![Just(A), Just(B)];
    let hash = prop_oneof![Just("0x1".to_owned()), Just("0x2".to_owned())];
    (node, hash, 0..10).prop_map(|(node, hash, which)| match which {
        0 => TaskEvent::Assign(node),
        1 => TaskEvent::Ack(node),
        2 => TaskEvent::Refuse(node),
        3 => TaskEvent::Precommit(node, hash),
        4 => TaskEvent::Commit(node, hash),
        5 => TaskEvent::Settle,
        6 => TaskEvent::Lost(node),
        7 => TaskEvent::ClientGone,
        8 => TaskEvent::Stream(node),
        _ => TaskEvent::Tick,
    })
}

proptest! {
    /// Whatever order messages come in: an end is final, a refusal changes nothing but what time did, only the owner
    /// moves a task, attempts are bounded, and time alone ends every task that is not committed.
    #[test]
    fn holds_under_any_interleaving(events in prop::collection::vec((any_event(), 0..20_000_i64), 0..60)) {
        let mut task = task();
        let mut now = NOW;
        for (event, wait) in events {
            now = Millis(now.0 + wait);
            let mut expired = task.clone();
            let _ = expired.apply(TaskEvent::Tick, now);
            let served = matches!(event, TaskEvent::Settle);
            let accepted = task.apply(event, now).is_ok();
            if !accepted {
                prop_assert_eq!(task.state(), expired.state());
            }
            if let TaskState::Ended(before) = expired.state() {
                prop_assert_eq!(task.state(), &TaskState::Ended(*before));
            } else if matches!(task.state(), TaskState::Ended(Outcome::Served)) {
                let was_committed = matches!(expired.state(), TaskState::Committed { .. });
                prop_assert!(served && was_committed);
            }
            prop_assert!(task.attempts() <= Deadlines::default().attempts);
        }
        let committed = matches!(task.state(), TaskState::Committed { .. });
        let _ = task.apply(TaskEvent::Tick, NOW + Duration::from_secs(10_000_000));
        let _ = task.apply(TaskEvent::Tick, NOW + Duration::from_secs(20_000_000));
        prop_assert_eq!(committed, !matches!(task.state(), TaskState::Ended(_)));
    }
}
