//! `cortensor validator`: looks at nodes' answers for a router, in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use cortensor_app::Folders;
use cortensor_host::{Logs, Terminal, engine, interrupted};
use cortensor_meaning::{MeaningError, MeaningModel, median_similarities};
use cortensor_models::{Artifact, ladder::prepare_ladder, starter};
use cortensor_protocol::{AuditFinding, JudgementFinding};
use cortensor_validator::{Desk, Event, Meaning, Validator};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{Common, Outcome, ValidatorArguments};

/// Margins above this are no ties that rounding decides, in nats; only for the line that is printed.
const DIFFERENT: f32 = 0.05;

/// Runs until it is told to stop.
pub(crate) async fn validate(common: &Common, arguments: ValidatorArguments) -> Outcome {
    let folders = common.folders()?;
    let _logs = Logs::start(&folders.logs(), Terminal::Errors);
    let desk = Desk::new(&arguments.router, &arguments.key)?;
    let meaning = arguments.meaning_model.as_deref().map(open_meaning).transpose()?;
    let stop = CancellationToken::new();
    let artifacts = ladder(folders, arguments.model.model_file, stop.clone());
    let artifacts = tokio::select! {
        artifacts = artifacts => artifacts?,
        () = interrupted() => {
            stop.cancel();
            return Ok(ExitCode::SUCCESS);
        }
    };
    for artifact in &artifacts {
        say!("Reference  {} {}  sha256 {}", artifact.model, artifact.precision, artifact.digest);
    }
    say!("Router     {}", arguments.router);
    let mut validator = Validator::new(engine(), artifacts, desk, arguments.context);
    if let Some(meaning) = meaning {
        say!("Meaning    {}", meaning.name());
        validator = validator.comparing_with(meaning);
    } else {
        say!("Meaning    does not compare answers by meaning; --meaning-model FOLDER makes it");
    }
    let ended = async {
        interrupted().await;
        stop.cancel();
    };
    tokio::select! {
        biased;
        result = validator.run(|event| tell(&event), stop.clone()) => result?,
        () = async { ended.await; std::future::pending().await } => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The embedding model, as a validator uses it.
struct Embeddings(MeaningModel);

impl Meaning for Embeddings {
    fn name(&self) -> &'static str {
        "all-MiniLM-L6-v2"
    }

    fn median_similarities(&self, texts: &[&str]) -> Result<Vec<f32>, String> {
        let embeddings = self.0.embed(texts).map_err(|error| error.to_string())?;
        Ok(median_similarities(&embeddings))
    }
}

fn open_meaning(folder: &Path) -> Result<Arc<dyn Meaning>, MeaningError> {
    Ok(Arc::new(Embeddings(MeaningModel::open(folder)?)))
}

/// The model files that answers are compared with: the same that miners make of the same download.
async fn ladder(
    folders: Folders,
    source: PathBuf,
    stop: CancellationToken,
) -> Result<Vec<Artifact>, Box<dyn std::error::Error + Send + Sync>> {
    let model = starter();
    let folder = folders.ladder(model.model.as_str());
    eprintln!("checking the model files");
    let prepared =
        spawn_blocking(move || prepare_ladder(&source, &folder, &model, &mut |_| {}, &|| stop.is_cancelled()));
    Ok(prepared.await??)
}

fn tell(event: &Event) {
    match event {
        Event::Waiting => say!("Waiting for answers to look at"),
        Event::Loading(precision) => say!("Loading    {precision}"),
        Event::Looked { precision, finding } => say!("Looked at  {precision}: {}", words(finding)),
        Event::Judged(finding) => say!("Judged     {}", judged(finding)),
        Event::Unreachable { error, again_in } => {
            eprintln!("warning: {error}; trying again in {} s", again_in.as_secs());
        }
    }
}

fn judged(finding: &JudgementFinding) -> String {
    match finding {
        JudgementFinding::Meaning { similarities } => {
            let similarities: Vec<_> = similarities.iter().map(|similarity| format!("{similarity:.2}")).collect();
            format!("{} answers by meaning: {}", similarities.len(), similarities.join(", "))
        }
        JudgementFinding::Rubric { score } => {
            let (correctness, relevance, usefulness) = (score.correctness, score.relevance, score.usefulness);
            format!("an answer: correctness {correctness}, relevance {relevance}, usefulness {usefulness} of 5")
        }
        JudgementFinding::Unusable { message } => message.clone(),
    }
}

fn words(finding: &AuditFinding) -> String {
    match finding {
        AuditFinding::Margins { margins } => {
            let different = margins.iter().filter(|margin| **margin > DIFFERENT).count();
            format!("{different} of {} tokens differ", margins.len())
        }
        AuditFinding::NotHeld => "not held here".to_owned(),
        AuditFinding::Unusable { message } => message.clone(),
    }
}
