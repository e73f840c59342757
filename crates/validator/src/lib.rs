//! A validator: looks at answers that nodes gave, and says how far each token is from what the claimed artifact would have
//! chosen.
//!
//! Asks a router for answers and reports what it found; the router judges. The same engine as mining, in a process of its
//! own, one artifact loaded at a time.
//!
//! **Invariant:** is told of no node, judges nothing, and keeps no prompt and no answer.

mod desk;
mod look;

use std::{sync::Arc, time::Duration};

use cortensor_engine::{Engine, LoadError, LoadOptions, Model};
use cortensor_models::Artifact;
use cortensor_protocol::{ArtifactDigest, AuditFinding, AuditJob, AuditReport, Precision};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

pub use desk::{Desk, DeskError};
use look::look;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Looks at answers until it is told to stop.
pub struct Validator {
    engine: Arc<dyn Engine>,
    artifacts: Vec<Artifact>,
    desk: Desk,
    context_tokens: u32,
}

/// What a validator does, for people.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The router has taken the key; it waits for answers.
    Waiting,
    /// It loads what answers were claimed to come from.
    Loading(Precision),
    /// It looked at an answer that was claimed to come from this.
    Looked {
        /// The claimed format.
        precision: Precision,
        /// What it saw.
        finding: AuditFinding,
    },
    /// The router cannot be reached; it is tried again.
    Unreachable {
        /// What is wrong.
        error: String,
        /// When it is tried again.
        again_in: Duration,
    },
}

/// Why a validator ended.
#[derive(Debug, thiserror::Error)]
pub enum ValidatorError {
    /// The router refuses it.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The reference does not load.
    #[error("the reference does not load")]
    Load(#[from] LoadError),
}

/// What is loaded.
type Loaded = Option<Arc<dyn Model>>;

impl Validator {
    /// A validator that holds `artifacts` and reads prompt and answer together up to `context_tokens`.
    pub fn new(engine: Arc<dyn Engine>, artifacts: Vec<Artifact>, desk: Desk, context_tokens: u32) -> Self {
        Self { engine, artifacts, desk, context_tokens }
    }

    /// Looks at answers until `stop`; what it is at then is given up, and the router asks somebody else.
    pub async fn run(&self, tell: impl Fn(Event), stop: CancellationToken) -> Result<(), ValidatorError> {
        let mut loaded = None;
        let ended = tokio::select! {
            ended = self.look_on(&mut loaded, &tell) => ended,
            () = stop.cancelled() => Ok(()),
        };
        if let Some(model) = loaded {
            model.unload().await;
        }
        ended
    }

    async fn look_on(&self, loaded: &mut Loaded, tell: &impl Fn(Event)) -> Result<(), ValidatorError> {
        let held: Vec<ArtifactDigest> = self.artifacts.iter().map(|artifact| artifact.digest).collect();
        let mut wait = FIRST_WAIT;
        let mut told = false;
        loop {
            match self.turn(&held, loaded, tell).await {
                Ok(()) if !told => tell(Event::Waiting),
                Ok(()) => {}
                Err(ValidatorError::Desk(error)) if error.is_passing() => {
                    tell(Event::Unreachable { error: error.to_string(), again_in: wait });
                    sleep(wait).await;
                    (wait, told) = ((wait * 2).min(LONGEST_WAIT), false);
                    continue;
                }
                Err(error) => return Err(error),
            }
            (wait, told) = (FIRST_WAIT, true);
        }
    }

    async fn turn(
        &self,
        held: &[ArtifactDigest],
        loaded: &mut Loaded,
        tell: &impl Fn(Event),
    ) -> Result<(), ValidatorError> {
        for job in self.desk.claim(held).await?.jobs {
            let finding = match self.reference(&job, loaded, tell).await? {
                Some(model) => look(&*model, &job).await,
                None => AuditFinding::NotHeld,
            };
            let report = AuditReport { engine: self.engine.name().to_owned(), finding };
            self.desk.report(job.id, &report).await?;
            tell(Event::Looked { precision: job.precision, finding: report.finding });
        }
        Ok(())
    }

    /// The artifact that was claimed, loaded; the one before is unloaded first. `None`: it is not held.
    async fn reference(
        &self,
        job: &AuditJob,
        loaded: &mut Loaded,
        tell: &impl Fn(Event),
    ) -> Result<Loaded, ValidatorError> {
        if let Some(model) = loaded.as_ref().filter(|model| model.artifact().digest == job.artifact) {
            return Ok(Some(Arc::clone(model)));
        }
        let Some(artifact) = self.artifacts.iter().find(|artifact| artifact.digest == job.artifact) else {
            return Ok(None);
        };
        tell(Event::Loading(artifact.precision));
        if let Some(before) = loaded.take() {
            before.unload().await;
        }
        let options = LoadOptions { context_tokens: self.context_tokens, slots: 1 };
        *loaded = Some(self.engine.load(artifact, options, watch::Sender::new(0.0)).await?);
        Ok(loaded.clone())
    }
}
