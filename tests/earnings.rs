//! Where earnings stand and came from, and why there are none, over a real router.

use cortensor_app::{Cause, Finding, Forecast, Link, NoNet, Since, Why};
use cortensor_protocol::Amount;

use crate::support::{Miner, Network, echo};

fn finding(why: &Why, link: Link) -> &Finding {
    &why.links.iter().find(|one| one.link == link).unwrap().finding
}

#[tokio::test]
async fn what_a_request_paid_is_told_by_what_served_it_and_a_pause_is_the_first_thing_to_fix() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    network.answer().await;
    let earned = miner.has_earned(1).await;

    let report = miner.app.earnings_report(Since::Ever).await.unwrap();
    assert_eq!(report.sources.iter().map(|source| source.earned).sum::<Amount>(), earned.summary.total);
    let served: Vec<_> = report.sources.iter().map(|source| source.served.mode).collect();
    assert_eq!(served, [earned.latest[0].mode]);
    let states = report.states;
    assert_eq!((states.confirmed, states.paid, states.taken_back), (earned.summary.total, Amount::ZERO, Amount::ZERO));
    assert_eq!(report.electricity.no_net, Some(NoNet::Practice));
    assert_eq!(report.forecast, Forecast::NotEnough { hours: 0, needed: 3 });

    let why = miner.app.why().await.unwrap();
    assert_eq!(why.earned_last_hour, earned.summary.total);
    for link in [Link::Miner, Link::Rules, Link::Pause, Link::Connection, Link::Test, Link::Demand, Link::Pay] {
        assert_eq!(*finding(&why, link), Finding::Fine, "{link:?}");
    }
    miner.app.pause().await.unwrap();
    let why = miner.app.why().await.unwrap();
    assert_eq!(*finding(&why, Link::Pause), Finding::Cause { cause: Cause::Paused });
    assert_eq!((why.first, finding(&why, Link::Demand)), (Some(Link::Pause), &Finding::Unknown));
    miner.quit().await;
}
