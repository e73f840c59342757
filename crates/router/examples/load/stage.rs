//! So many nodes, and more tasks a second until it is too much.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Outcome,
    arrivals::{Answered, Clients},
    node::{self, Board},
    process::{RouterProcess, Work, listed, watch},
};

/// Tasks a second that the first stage begins with.
pub(crate) const FIRST_RATE: f64 = 20.0;
/// How far below the last one's best the next stage begins.
pub(crate) const STEP_BACK: f64 = 2.0;
const STEP: f64 = 1.3;
const STEP_TIME: Duration = Duration::from_secs(12);
/// Between two steps, so that what one left behind is not the next one's.
const REST: Duration = Duration::from_secs(1);
const HELD_MILLISECONDS: f64 = 50.0;

pub(crate) struct Stage<'a> {
    pub(crate) router: &'a RouterProcess,
    pub(crate) clients: &'a Clients,
}

/// A number of tasks a second, and what came of it.
pub(crate) struct Step {
    pub(crate) rate: f64,
    answered: Answered,
    work: Work,
}

/// How the nodes of a stage joined.
pub(crate) struct Joined {
    nodes_a_second: f64,
    megabytes: u64,
}

impl Stage<'_> {
    /// Lets nodes join until there are so many.
    pub(crate) async fn join(&self, nodes: &mut JoinSet<()>, wanted: usize, board: &Arc<Board>) -> Outcome<Joined> {
        let more = wanted.saturating_sub(nodes.len());
        let started = Instant::now();
        let (joined, work) = watch(self.router, node::join(nodes, &self.router.nodes, more, board)).await?;
        joined?;
        let nodes_a_second = count(more) / started.elapsed().as_secs_f64();
        let each = work.router.as_secs_f64() * 1e3 / count(more.max(1));
        let (router, busy) = (work.cores(work.router), work.writer_busy * 100.0);
        println!(
            "{wanted:>6} nodes {nodes_a_second:>6.0} joined a second  router {router:.2} cores, {each:.1} ms a node; writer at \
             work {busy:.0} %"
        );
        Ok(Joined { nodes_a_second, megabytes: self.router.memory_megabytes()? })
    }

    /// More and more tasks a second; the last that was held. A few hundred requests have a 99th percentile that one
    /// disturbance of the machine decides, so that a step which is not held is tried once more.
    pub(crate) async fn climb(&self, nodes: usize, from: f64) -> Outcome<Option<Step>> {
        let (mut rate, mut best, mut tried) = (from, None, false);
        loop {
            let (answered, work) = watch(self.router, self.clients.ask(rate, STEP_TIME)).await?;
            let step = Step { rate, answered, work };
            println!("{nodes:>6} nodes {}", step.line());
            sleep(REST).await;
            match (step.is_held(), tried) {
                (true, _) => {
                    rate *= STEP;
                    best = Some(step);
                    tried = false;
                }
                (false, false) => tried = true,
                (false, true) => return Ok(best),
            }
        }
    }
}

impl Step {
    /// Every request was answered, and its task was with its node in time.
    fn is_held(&self) -> bool {
        self.answered.served == self.answered.asked && self.dispatch(99.0) < HELD_MILLISECONDS
    }

    /// A percentile in milliseconds.
    fn dispatch(&self, percentile: f64) -> f64 {
        milliseconds(self.answered.dispatch.value_at_percentile(percentile))
    }

    fn router_milliseconds(&self) -> f64 {
        self.work.router.as_secs_f64() * 1e3 / count(self.answered.served.max(1))
    }

    fn cells(&self) -> String {
        let work = self.work;
        format!(
            "{:.0} | {:.1}, {:.1} | {:.1} | {:.2}, {:.2} | {:.0} % |",
            self.rate,
            self.dispatch(50.0),
            self.dispatch(99.0),
            self.router_milliseconds(),
            work.cores(work.router),
            work.cores(work.clients),
            work.writer_busy * 100.0,
        )
    }

    fn line(&self) -> String {
        let Self { rate, answered, work } = self;
        let per_task = self.router_milliseconds();
        format!(
            "{rate:>6.0} tasks/s  dispatch p50 {:>6.1} p99 {:>7.1} ms  router {:.2} cores (database {:.2}), {per_task:.1} ms a \
             task; writer at work {:.0} %; clients and nodes {:.2} cores{}{}",
            self.dispatch(50.0),
            self.dispatch(99.0),
            work.cores(work.router),
            work.cores(work.database),
            work.writer_busy * 100.0,
            work.cores(work.clients),
            if self.is_held() { "" } else { "  NOT HELD" },
            listed(&answered.errors),
        )
    }
}

/// What every stage came to, as a table.
pub(crate) fn summary(stages: &[(usize, Joined, Option<Step>)]) {
    println!(
        "\n| nodes | joined a second | router, MB | tasks/s held | dispatch p50, p99, ms | router, ms a task | cores: \
         router, clients and nodes | writer at work |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (nodes, joined, best) in stages {
        let Joined { nodes_a_second, megabytes, .. } = joined;
        print!("| {nodes} | {nodes_a_second:.0} | {megabytes} | ");
        match best {
            Some(step) => println!("{}", step.cells()),
            None => println!("none | | | | |"),
        }
    }
}

fn milliseconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts of things that were counted one by one")]
fn count(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(u64::MAX) as f64
}
