//! Asking a router for work, again and again, whatever becomes of the way to it.

use std::time::Duration;

use cortensor_protocol::{ArtifactDigest, AuditJob, JudgementJob, JudgementKind};
use tokio::{sync::mpsc, time::sleep};

use crate::{DeskError, Event, Validator};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One thing to do.
pub(crate) enum Work {
    /// Score an answer on the artifact that it is claimed to come of.
    Look(AuditJob),
    /// Compare answers, or judge one.
    Judge(JudgementJob),
}

/// How long to wait until the router is tried again.
struct Patience(Duration);

impl Patience {
    const fn new() -> Self {
        Self(FIRST_WAIT)
    }

    /// Longer each time.
    fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST_WAIT);
        wait
    }
}

impl Validator {
    /// Asks for answers to look at, and says how it goes. Ends with an error that does not pass.
    pub(crate) async fn ask_for_audits(
        &self,
        found: &mpsc::Sender<Work>,
        tell: &impl Fn(Event),
    ) -> Result<(), DeskError> {
        let held: Vec<ArtifactDigest> = self.artifacts.iter().map(|artifact| artifact.digest).collect();
        let (mut patience, mut told) = (Patience::new(), false);
        loop {
            match self.desk.claim(&held).await {
                Ok(claimed) => {
                    if !told {
                        tell(Event::Waiting);
                    }
                    (patience, told) = (Patience::new(), true);
                    pass_on(found, claimed.jobs.into_iter().map(Work::Look)).await;
                }
                Err(error) if error.is_passing() => {
                    let again_in = patience.next();
                    tell(Event::Unreachable { error: error.to_string(), again_in });
                    sleep(again_in).await;
                    told = false;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks for things to judge. That the router is gone is said by the other one, which asks the same router.
    pub(crate) async fn ask_for_judgements(&self, found: &mpsc::Sender<Work>) -> Result<(), DeskError> {
        let kinds: Vec<JudgementKind> =
            [JudgementKind::Rubric].into_iter().chain(self.meaning.as_ref().map(|_| JudgementKind::Meaning)).collect();
        let mut patience = Patience::new();
        loop {
            match self.desk.claim_judgements(&kinds).await {
                Ok(claimed) => {
                    patience = Patience::new();
                    pass_on(found, claimed.jobs.into_iter().map(Work::Judge)).await;
                }
                Err(error) if error.is_passing() => sleep(patience.next()).await,
                Err(error) => return Err(error),
            }
        }
    }
}

/// One by one, as they are done, so that no more is claimed than is worked on.
async fn pass_on(found: &mpsc::Sender<Work>, jobs: impl Iterator<Item = Work>) {
    for job in jobs {
        // Whoever does the work ends together with this.
        let _ = found.send(job).await;
    }
}
