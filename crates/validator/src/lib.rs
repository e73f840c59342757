//! A validator: looks at answers that nodes gave, and says how far each token is from what the claimed artifact would have
//! chosen, how near several answers lie to each other, and how good one is.
//!
//! Asks a router for answers and reports what it found; the router judges. The same engine as mining, in a process of its
//! own, one artifact loaded at a time.
//!
//! **Invariant:** is told of no node, decides nothing, and keeps no prompt and no answer.

mod ask;
mod desk;
mod judge;
mod look;

use std::{sync::Arc, time::Duration};

use cortensor_engine::{Device, Engine, LoadError, LoadOptions, Model};
use cortensor_models::Artifact;
use cortensor_protocol::{
    ArtifactDigest, AuditFinding, AuditJob, AuditReport, JudgementAsked, JudgementFinding, JudgementJob,
    JudgementReport, Precision,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::{
    ask::Work,
    judge::{compare, marks},
    look::look,
};
pub use desk::{Desk, DeskError};

/// An embedding model, which the host brings.
pub trait Meaning: Send + Sync + 'static {
    /// The model's name.
    fn name(&self) -> &str;

    /// For each of these texts the median of its cosine similarities to the others, or what went wrong.
    fn median_similarities(&self, texts: &[&str]) -> Result<Vec<f32>, String>;
}

/// Looks at answers until it is told to stop.
pub struct Validator {
    engine: Arc<dyn Engine>,
    artifacts: Vec<Artifact>,
    desk: Desk,
    context_tokens: u32,
    meaning: Option<Arc<dyn Meaning>>,
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
    /// It compared answers, or judged one.
    Judged(JudgementFinding),
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
        Self { engine, artifacts, desk, context_tokens, meaning: None }
    }

    /// The same, comparing answers by meaning too.
    #[must_use]
    pub fn comparing_with(mut self, meaning: Arc<dyn Meaning>) -> Self {
        self.meaning = Some(meaning);
        self
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

    /// Asks for both kinds of work at the same time, and does one after the other.
    async fn look_on(&self, loaded: &mut Loaded, tell: &impl Fn(Event)) -> Result<(), ValidatorError> {
        let (found, mut work) = mpsc::channel(1);
        let working = async {
            while let Some(work) = work.recv().await {
                match self.work(work, loaded, tell).await {
                    // What asks sees it too, and waits until it is over.
                    Err(ValidatorError::Desk(error)) if error.is_passing() => {
                        tracing::warn!(%error, "a finding is lost");
                    }
                    ended => ended?,
                }
            }
            Ok::<_, ValidatorError>(())
        };
        tokio::select! {
            ended = working => ended,
            ended = self.ask_for_audits(&found, tell) => Ok(ended?),
            ended = self.ask_for_judgements(&found) => Ok(ended?),
        }
    }

    async fn work(&self, work: Work, loaded: &mut Loaded, tell: &impl Fn(Event)) -> Result<(), ValidatorError> {
        match work {
            Work::Look(job) => self.look(job, loaded, tell).await,
            Work::Judge(job) => self.judge(job, loaded, tell).await,
        }
    }

    async fn look(&self, job: AuditJob, loaded: &mut Loaded, tell: &impl Fn(Event)) -> Result<(), ValidatorError> {
        let finding = match self.reference(job.artifact, loaded, tell).await? {
            Some(model) => look(&*model, &job).await,
            None => AuditFinding::NotHeld,
        };
        let report = AuditReport { engine: self.engine.name().to_owned(), finding };
        self.desk.report(job.id, &report).await?;
        tell(Event::Looked { precision: job.precision, finding: report.finding });
        Ok(())
    }

    async fn judge(&self, job: JudgementJob, loaded: &mut Loaded, tell: &impl Fn(Event)) -> Result<(), ValidatorError> {
        let report = match (job.asked, &self.meaning) {
            (JudgementAsked::Rubric { question, answer }, _) => self.mark(&question, &answer, loaded, tell).await?,
            (JudgementAsked::Meaning { answers }, Some(meaning)) => JudgementReport {
                model: meaning.name().to_owned(),
                finding: compare(Arc::clone(meaning), answers).await,
            },
            (JudgementAsked::Meaning { .. }, None) => unusable("no embedding model is here"),
        };
        self.desk.report_judgement(job.id, &report).await?;
        tell(Event::Judged(report.finding));
        Ok(())
    }

    /// By the model that is loaded anyway, whichever that is; by the first one that is held if none is.
    async fn mark(
        &self,
        question: &str,
        answer: &str,
        loaded: &mut Loaded,
        tell: &impl Fn(Event),
    ) -> Result<JudgementReport, ValidatorError> {
        let there = loaded.as_ref().map(|model| model.artifact().digest);
        let first = self.artifacts.first().map(|artifact| artifact.digest);
        let Some(digest) = there.or(first) else { return Ok(unusable("no model is here")) };
        let Some(model) = self.reference(digest, loaded, tell).await? else { return Ok(unusable("no model is here")) };
        let artifact = model.artifact();
        let model_name = format!("{} {}", artifact.model, artifact.precision);
        Ok(JudgementReport { model: model_name, finding: marks(&*model, question, answer).await })
    }

    /// The artifact with this digest, loaded; the one before is unloaded first. `None`: it is not held.
    async fn reference(
        &self,
        digest: ArtifactDigest,
        loaded: &mut Loaded,
        tell: &impl Fn(Event),
    ) -> Result<Loaded, ValidatorError> {
        if let Some(model) = loaded.as_ref().filter(|model| model.artifact().digest == digest) {
            return Ok(Some(Arc::clone(model)));
        }
        let Some(artifact) = self.artifacts.iter().find(|artifact| artifact.digest == digest) else {
            return Ok(None);
        };
        tell(Event::Loading(artifact.precision));
        if let Some(before) = loaded.take() {
            before.unload().await;
        }
        let options = LoadOptions { context_tokens: self.context_tokens, slots: 1, device: Device::Processor };
        *loaded = Some(self.engine.load(artifact, options, watch::Sender::new(0.0)).await?);
        Ok(loaded.clone())
    }
}

fn unusable(message: &str) -> JudgementReport {
    JudgementReport { model: String::new(), finding: JudgementFinding::Unusable { message: message.to_owned() } }
}
