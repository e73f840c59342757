//! Opening the tasks of one request together, and starting them.

use std::sync::Arc;

use cortensor_protocol::{Amount, TaskId};
use tokio::sync::{mpsc, oneshot};

use super::{Delivery, Drive, Job, Purse};
use crate::{
    clock::wall_time,
    context::Context,
    rules::{pool::Presence, problem::Problem},
    store::{Opened, Opening, Payer},
};

/// One request: a task for each node that is to answer it.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) payer: Payer,
    /// The client's own name for it.
    pub(crate) reference: Option<String>,
    pub(crate) jobs: Vec<Job>,
}

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Placed {
    /// In a session: which of its requests this is.
    pub(crate) number: Option<u32>,
    /// What becomes of each task.
    pub(crate) answers: Vec<mpsc::Receiver<Delivery>>,
}

/// Opens every task of a request or none, and starts them. They run to their ends whatever becomes of the receivers.
pub(crate) async fn place(context: &Arc<Context>, order: Order) -> Result<Placed, Problem> {
    let Order { payer, reference, jobs } = order;
    let (drives, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| Drive::new(context, job)).unzip();
    let (opened, number) = oneshot::channel();
    // Not in the caller, which may be given up at any moment: what was opened must be worked on.
    context.tasks.spawn(async move {
        let result = open(&drives, payer, reference.as_deref()).await;
        let is_open = result.is_ok();
        if !is_open {
            let label = |drive: &Drive| drive.job.purse.label();
            drives.iter().for_each(|drive| drive.context.metrics.task_ended(label(drive), "not_opened"));
        }
        // That nobody waits any more is seen by the tasks themselves.
        let _ = opened.send(result);
        if is_open {
            futures::future::join_all(drives.into_iter().map(Drive::work)).await;
        }
    });
    let number = number.await.map_err(|_| Problem::Internal)??;
    Ok(Placed { number, answers })
}

/// Opens tasks of one kind. Says which request in a session they are.
pub(super) async fn open(drives: &[Drive], payer: Payer, reference: Option<&str>) -> Result<Option<u32>, Problem> {
    let first = drives.first().ok_or(Problem::Internal)?;
    check(first, drives.len())?;
    let tasks: Vec<_> = drives.iter().map(|drive| (drive.job.id, drive.hold())).collect();
    let model = &first.job.want.model;
    let opening = Opening { payer, model, tasks: &tasks, reference, at: wall_time() };
    match first.context.store.open_tasks(&opening).await {
        Ok(opened) => taken(opened, payer, &tasks),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(task = %first.job.id, %error, source, "a task could not be opened");
            Err(if error.is_final() { Problem::Internal } else { first.not_written() })
        }
    }
}

fn taken(opened: Opened, payer: Payer, tasks: &[(TaskId, Amount)]) -> Result<Option<u32>, Problem> {
    match opened {
        Opened::Held(number) => Ok(number),
        Opened::TooLittle { available } => {
            Err(Problem::TooLittleCredit { needed: tasks.iter().map(|(_, hold)| *hold).sum(), available })
        }
        Opened::SessionOver => Err(Problem::SessionOver),
        Opened::SessionBusy => {
            Err(Problem::SessionBusy { most: if let Payer::Session(_, most) = payer { most } else { 0 } })
        }
    }
}

/// Before anything is written down: anybody can ask for models that do not exist.
fn check(first: &Drive, tasks: usize) -> Result<(), Problem> {
    let Drive { context, job, .. } = first;
    if context.pool.presence(&job.want) == Presence::Absent {
        return Err(first.absent());
    }
    if tasks > 1 {
        let there = context.pool.capable(&job.want);
        if there < tasks {
            return Err(Problem::TooFewNodes { wanted: tasks, there });
        }
    }
    if context.backlog.is_empty() { Ok(()) } else { Err(first.not_written()) }
}

impl Drive {
    const fn hold(&self) -> Amount {
        match self.job.purse {
            Purse::User { hold, .. } => hold,
            Purse::Incentives { .. } | Purse::Round(_) => Amount::ZERO,
        }
    }
}

impl Purse {
    /// The kind of task that it pays for, as it is counted.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Incentives { .. } => "network_test",
            Self::Round(_) => "round",
        }
    }
}
