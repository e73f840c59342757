use cortensor_protocol::{DeviceKind, HardwareSummary, Mode, PrecisionClass};
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::rules::choice::Preference;

const A: NodeAddress = NodeAddress::repeat_byte(0xa);
const B: NodeAddress = NodeAddress::repeat_byte(0xb);

fn pool() -> Arc<Pool> {
    Pool::new(2, Duration::from_mins(1), BreakerPolicy::default())
}

fn offer(precision: Precision, slots: u32) -> Offer {
    Offer {
        model: ModelId::new("m"),
        precision,
        artifact: ArtifactDigest::new([precision as u8; 32]),
        context_tokens: 2048,
        parameters: 1,
        slots,
        mode: Mode::Precision,
        device: DeviceKind::Processor,
    }
}

fn want() -> Want {
    Want::new(ModelId::new("m"), Choice::default())
}

fn exactly(precision: Precision) -> Want {
    Want { choice: Choice { exact: Some(precision), ..Choice::default() }, ..want() }
}

fn passed() -> Test {
    let tier = cortensor_protocol::Tier {
        capability: cortensor_protocol::Capability::LowEnd,
        precision: PrecisionClass::Full,
    };
    let report = TierReport {
        tier: Some(tier),
        evidence: Vec::new(),
        tested_at: Millis(0),
        next_step: String::new(),
        step: None,
    };
    Test::Passed(report)
}

/// A connected node, not tested.
fn join(pool: &Arc<Pool>, address: NodeAddress) -> (Membership, Receiver<RouterMessage>) {
    let (outgoing, queue) = mpsc::channel(8);
    let (ping, _) = mpsc::channel(1);
    let link = Link {
        outgoing,
        settled: Arc::default(),
        judged: Arc::default(),
        record: Arc::default(),
        ping,
        dismiss: CancellationToken::new(),
    };
    let registration = Registration { software: String::new(), hardware: HardwareSummary::default() };
    (pool.register(address, registration, link).ok().unwrap(), queue)
}

fn ready(pool: &Arc<Pool>, address: NodeAddress, offer: Offer) -> (Membership, Receiver<RouterMessage>) {
    let (member, queue) = join(pool, address);
    let artifact = offer.artifact;
    member.offer(vec![offer]);
    member.tested(artifact, &passed());
    (member, queue)
}

fn task(number: u128) -> TaskId {
    TaskId(uuid::Uuid::from_u128(number))
}

async fn acquire(pool: &Arc<Pool>, number: u128, want: Want) -> Result<Lease, NoLease> {
    Arc::clone(pool).acquire(task(number), want).await
}

/// Whether there is a slot right away.
fn at_once(pool: &Arc<Pool>, want: Want) -> Option<Lease> {
    use futures::FutureExt as _;
    acquire(pool, 99, want).now_or_never()?.ok()
}

#[tokio::test]
async fn a_lease_takes_a_slot_until_it_is_dropped() {
    let pool = pool();
    let _member = ready(&pool, A, offer(Precision::F16, 2));
    let first = acquire(&pool, 1, want()).await.ok().unwrap();
    let _second = acquire(&pool, 2, want()).await.ok().unwrap();
    assert!(at_once(&pool, want()).is_none());
    drop(first);
    assert!(at_once(&pool, want()).is_some());
}

#[tokio::test]
async fn only_what_is_asked_for_and_tested_is_given() {
    let pool = pool();
    let (untested, _queue) = join(&pool, A);
    untested.offer(vec![offer(Precision::F16, 1)]);
    assert!(at_once(&pool, want()).is_none());
    assert_eq!(pool.presence(&want()), Presence::Now);
    assert!(at_once(&pool, Want { node: Some(A), ..want() }).is_some());
    let _tested = ready(&pool, B, offer(Precision::Q8_0, 1));
    for (want, node) in [
        (want(), Some(B)),
        (exactly(Precision::Q8_0), Some(B)),
        (exactly(Precision::F16), None),
        (Want { model: ModelId::new("other"), ..want() }, None),
        (Want { context_over: 2047, ..want() }, Some(B)),
        (Want { context_over: 2048, ..want() }, None),
        (Want { artifact: Some(ArtifactDigest::new([255; 32])), ..want() }, None),
    ] {
        assert_eq!(at_once(&pool, want.clone()).map(|lease| lease.node), node, "{want:?}");
    }
}

#[tokio::test]
async fn the_less_loaded_of_two_nodes_is_chosen() {
    let pool = pool();
    let _a = ready(&pool, A, offer(Precision::F16, 4));
    let _b = ready(&pool, B, offer(Precision::F16, 2));
    let mut leases = Vec::new();
    for number in 0..6 {
        leases.push(acquire(&pool, number, want()).await.ok().unwrap());
    }
    // Equal shares after every three: whoever is freer goes first.
    let on_b = leases.iter().take(3).filter(|lease| lease.node == B).count();
    assert_eq!(on_b, 1);
}

#[tokio::test]
async fn those_who_wait_are_served_in_their_order_and_not_beyond_the_bound() {
    let pool = pool();
    let _member = ready(&pool, A, offer(Precision::F16, 1));
    let lease = acquire(&pool, 1, want()).await.ok().unwrap();
    let mut second = wait_for(&pool, 2);
    let mut third = wait_for(&pool, 3);
    while pool.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(acquire(&pool, 4, want()).await.err(), Some(NoLease::QueueFull(2)));
    drop(lease);
    let lease = (&mut second).await.unwrap().ok().unwrap();
    assert!(!third.is_finished());
    drop(lease);
    assert!((&mut third).await.unwrap().is_ok());
}

fn wait_for(pool: &Arc<Pool>, number: u128) -> tokio::task::JoinHandle<Result<Lease, NoLease>> {
    tokio::spawn(Arc::clone(pool).acquire(task(number), want()))
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_its_place_and_its_slot() {
    let pool = pool();
    let (member, _queue) = join(&pool, A);
    member.offer(vec![offer(Precision::F16, 1)]);
    let waiting = wait_for(&pool, 1);
    while pool.waiting() < 1 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    let _ = waiting.await;
    assert_eq!(pool.waiting(), 0);
    member.tested(offer(Precision::F16, 1).artifact, &passed());
    assert!(at_once(&pool, want()).is_some());
}

#[tokio::test]
async fn a_node_that_refused_is_left_alone_until_it_gives_a_sign() {
    let pool = pool();
    let (member, _queue) = ready(&pool, A, offer(Precision::F16, 1));
    acquire(&pool, 1, want()).await.ok().unwrap().judge(Outcome::Refused);
    assert!(at_once(&pool, want()).is_none());
    member.heartbeat(Heartbeat::default());
    assert!(at_once(&pool, want()).is_some());
}

#[tokio::test]
async fn a_node_to_be_avoided_is_taken_only_if_there_is_no_other() {
    let pool = pool();
    let _a = ready(&pool, A, offer(Precision::F16, 1));
    let avoiding = || Want { avoid: vec![A], ..want() };
    assert_eq!(at_once(&pool, avoiding()).unwrap().node, A);
    let _b = ready(&pool, B, offer(Precision::F16, 1));
    let lease = at_once(&pool, avoiding()).unwrap();
    assert_eq!(lease.node, B);
    // The other one is busy, not gone: worth waiting for.
    assert!(at_once(&pool, avoiding()).is_none());
}

#[tokio::test]
async fn a_node_that_leaves_closes_its_tasks_and_is_remembered_for_a_moment() {
    let pool = pool();
    assert_eq!(pool.presence(&want()), Presence::Absent);
    let (member, _queue) = ready(&pool, A, offer(Precision::F16, 1));
    let mut lease = acquire(&pool, 1, want()).await.ok().unwrap();
    drop(member);
    assert!(lease.next().await.is_none());
    assert!(matches!(pool.presence(&want()), Presence::Until(_)));
    assert_eq!(pool.presence(&exactly(Precision::Q4_0)), Presence::Absent);
    drop(lease);
    assert_eq!(acquire(&pool, 2, Want { node: Some(A), ..want() }).await.err(), Some(NoLease::Gone));
}

#[tokio::test]
async fn a_node_that_offers_nothing_while_it_finishes_is_waited_for_until_it_has_finished_and_a_moment_longer() {
    let pool = pool();
    let (member, _queue) = ready(&pool, A, offer(Precision::F16, 2));
    let lease = acquire(&pool, 1, want()).await.ok().unwrap();
    let test = acquire(&pool, 2, Want { node: Some(A), ..want() }).await.ok().unwrap();
    member.offer(Vec::new());
    assert_eq!(pool.presence(&want()), Presence::Now);
    assert_eq!(pool.presence(&exactly(Precision::Q8_0)), Presence::Absent);

    let mut changed = pool.offers_changed();
    pool.lock().withdrawn.clear();
    drop(lease);
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    assert!(matches!(pool.presence(&want()), Presence::Until(_)));
    pool.lock().withdrawn.clear();
    drop(test);
    assert_eq!(pool.presence(&want()), Presence::Absent);
}

#[tokio::test]
async fn a_newer_connection_is_not_touched_by_the_end_of_the_older() {
    let pool = pool();
    let (older, _queue) = ready(&pool, A, offer(Precision::F16, 1));
    let old_lease = acquire(&pool, 1, want()).await.ok().unwrap();
    let link = pool.lock().nodes[&A].link.clone();
    pool.evict(A, &link);
    let _newer = ready(&pool, A, offer(Precision::F16, 1));
    drop(older);
    drop(old_lease);
    assert_eq!(pool.nodes().len(), 1);
    assert!(at_once(&pool, want()).is_some());
}

#[tokio::test]
async fn a_node_that_fails_three_tasks_is_left_alone_and_one_task_shows_whether_it_is_well_again() {
    for (park_seconds, free) in [(15, false), (0, true)] {
        let policy = BreakerPolicy { park_seconds, ..BreakerPolicy::default() };
        let pool = Pool::new(2, Duration::from_mins(1), policy);
        let _member = ready(&pool, A, offer(Precision::F16, 2));
        for _ in 0..3 {
            at_once(&pool, want()).unwrap().judge(Outcome::Failed);
        }
        let probe = at_once(&pool, want());
        assert_eq!((probe.is_some(), pool.next_probe().is_some()), (free, !free));
        let Some(mut probe) = probe else { continue };
        assert!(at_once(&pool, want()).is_none(), "a second one while the first decides");
        probe.judge(Outcome::Done);
        drop(probe);
        let both = [acquire(&pool, 1, want()).await, acquire(&pool, 2, want()).await];
        assert!(both.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn the_parts_of_one_request_are_on_different_nodes_even_when_one_has_ended() {
    let pool = pool();
    let _a = ready(&pool, A, offer(Precision::F16, 4));
    let _b = ready(&pool, B, offer(Precision::F16, 4));
    let apart = Arc::<Apart>::default();
    let part = || Want { apart: Some(Arc::clone(&apart)), ..want() };
    let first = acquire(&pool, 1, part()).await.ok().unwrap();
    let second = acquire(&pool, 2, part()).await.ok().unwrap();
    assert_ne!(first.node, second.node);
    drop(first);
    assert!(at_once(&pool, part()).is_none());
}

#[tokio::test]
async fn a_session_s_next_task_goes_to_the_node_that_is_set_aside_for_it() {
    let pool = pool();
    let _members = [A, B].map(|address| ready(&pool, address, offer(Precision::F16, 1)));
    let period = Duration::from_mins(5);
    let of = |session| Want { reserve: Some(Reserve { session: SessionId(session), most: 1, period }), ..want() };
    let own = at_once(&pool, of(1)).unwrap().node;
    for _ in 0..4 {
        assert_eq!(at_once(&pool, of(1)).unwrap().node, own);
        assert_ne!(at_once(&pool, of(2)).unwrap().node, own);
        assert_ne!(at_once(&pool, want()).unwrap().node, own);
    }
    let other = at_once(&pool, want()).unwrap();
    assert!(at_once(&pool, want()).is_none(), "the other one is busy, not gone");
    assert_eq!(at_once(&pool, of(1)).unwrap().node, own);
    pool.release(SessionId(1));
    assert_eq!(at_once(&pool, want()).map(|lease| lease.node), Some(own));
    drop(other);
}

#[tokio::test]
async fn a_request_waits_for_untested_weights_that_may_fit_and_not_for_hardware_that_does_not() {
    let pool = pool();
    let choice = Choice { preference: Preference::HighAccuracy, ..Choice::default() };
    let accurate = Want::new(ModelId::new("m"), choice);
    let (member, _queue) = join(&pool, A);
    for (precision, presence) in [(Precision::Q4_0, Presence::Absent), (Precision::F16, Presence::Now)] {
        member.offer(vec![offer(precision, 1)]);
        assert_eq!(pool.presence(&accurate), presence);
    }
    member.tested(offer(Precision::F16, 1).artifact, &passed());
    assert_eq!((pool.presence(&accurate), pool.capable(&accurate)), (Presence::Absent, 0));
    let fallback = Some(crate::rules::choice::Fallback::LowEnd);
    let lenient = Want { choice: Choice { fallback, ..choice }, ..accurate };
    assert_eq!((pool.presence(&lenient), pool.capable(&lenient)), (Presence::Now, 1));
}
