//! Miners that are not what they seem: the real miner and the real engine, with something put between them.

use std::{path::PathBuf, sync::Arc, time::Duration};

use cortensor_app::{AskPassphrase, Folders, Passphrases, Phase, StepName};
use cortensor_engine::{
    Engine, GenerateError, Generation, GenerationEvent, LoadError, LoadOptions, Logits, Model, PromptError,
};
use cortensor_host::{Options, Running, engine, interrupted};
use cortensor_models::{Artifact, prepare_ladder, starter};
use cortensor_protocol::{Precision, PrecisionClass, Prompt, Sampling, TokenId};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use tokio::{sync::watch, time::sleep};

use crate::Failure;

/// What is put between miner and engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Disguise {
    /// An old computer.
    Slow,
    /// Claims full precision and serves `Q4_0`.
    Cheat,
}

/// For each token that the slow one reads, and for each that it writes.
const SLOW: Duration = Duration::from_millis(100);

/// Mines until it is told to stop, in the same words as `cortensor mine`.
pub(crate) async fn mine(
    disguise: Disguise,
    data: PathBuf,
    starter_model: PathBuf,
    router: String,
) -> Result<(), Failure> {
    let folders = Folders::at(data);
    let _lock = folders.lock()?;
    let ask: AskPassphrase = Arc::new(|_| std::env::var("CORTENSOR_PASSPHRASE").ok());
    let served = served_instead(&folders, &starter_model)?;
    let options = Options {
        router: Some(router),
        engine: Arc::new(Disguised { disguise, engine: engine(), served }),
        ..Options::new(folders, starter_model, Passphrases::Ask(ask))
    };
    let mut running = Running::start(&options).await?;
    let told = follow(running.app().status());
    tokio::select! {
        () = told => {}
        () = running.ended() => {}
        () = interrupted() => {}
    }
    running.stop().await;
    Ok(())
}

/// The file that the cheat serves whatever it claims.
fn served_instead(folders: &Folders, starter_model: &std::path::Path) -> Result<Artifact, Failure> {
    let model = starter();
    let ladder = prepare_ladder(starter_model, &folders.ladder(model.model.as_str()), &model, &mut |_| {}, &|| false)?;
    let cheapest = ladder.into_iter().find(|artifact| artifact.precision == Precision::Q4_0);
    cheapest.ok_or_else(|| "there is no Q4_0 file".into())
}

async fn follow(mut status: watch::Receiver<cortensor_app::Status>) {
    let (mut named, mut mining) = (false, false);
    loop {
        let now = status.borrow_and_update().clone();
        let identity = now.steps.iter().find(|step| step.name == StepName::Identity);
        if let Some(identity) = identity.filter(|identity| !named && identity.detail.starts_with("0x")) {
            named = true;
            println!("Identity      done   {}", identity.detail);
        }
        if now.phase == Phase::Mining && !mining {
            mining = true;
            println!("Mining ·");
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

struct Disguised {
    disguise: Disguise,
    engine: Arc<dyn Engine>,
    served: Artifact,
}

impl Engine for Disguised {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn load<'a>(
        &'a self,
        artifact: &'a Artifact,
        options: LoadOptions,
        progress: watch::Sender<f32>,
    ) -> BoxFuture<'a, Result<Arc<dyn Model>, LoadError>> {
        let cheats = self.disguise == Disguise::Cheat && artifact.precision.class() == PrecisionClass::Full;
        let served = if cheats { &self.served } else { artifact };
        async move {
            let model = self.engine.load(served, options, progress).await?;
            Ok(Arc::new(Mask { disguise: self.disguise, claimed: artifact.clone(), model }) as Arc<dyn Model>)
        }
        .boxed()
    }
}

struct Mask {
    disguise: Disguise,
    claimed: Artifact,
    model: Arc<dyn Model>,
}

impl Model for Mask {
    fn artifact(&self) -> &Artifact {
        &self.claimed
    }

    fn options(&self) -> LoadOptions {
        self.model.options()
    }

    fn encode(&self, prompt: &Prompt) -> Result<Vec<TokenId>, PromptError> {
        self.model.encode(prompt)
    }

    fn token_text(&self, token: TokenId) -> String {
        self.model.token_text(token)
    }

    fn generate(&self, prompt: Vec<TokenId>, sampling: Sampling) -> Generation {
        if self.disguise == Disguise::Cheat {
            return self.model.generate(prompt, sampling);
        }
        let reading = SLOW * u32::try_from(prompt.len()).unwrap_or(u32::MAX);
        let answer = self.model.generate(prompt, sampling).then(|event| async {
            if matches!(event, Ok(GenerationEvent::Token(_))) {
                sleep(SLOW).await;
            }
            event
        });
        stream::once(sleep(reading)).map(|()| None).chain(answer.map(Some)).filter_map(std::future::ready).boxed()
    }

    fn score(&self, tokens: Vec<TokenId>) -> BoxFuture<'_, Result<Logits, GenerateError>> {
        self.model.score(tokens)
    }

    fn unload(&self) -> BoxFuture<'_, ()> {
        self.model.unload()
    }
}
