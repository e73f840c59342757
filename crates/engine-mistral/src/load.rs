//! From a file to a running engine.

use std::{any::Any, num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use cortensor_engine::{Device, GenerateError, GenerationEvent, LoadError, LoadOptions, Model as _};
use cortensor_models::{Artifact, Tokenizer};
use cortensor_protocol::{Sampling, TokenId};
use futures::StreamExt;
use mistralrs::{
    DefaultSchedulerMethod, DeviceMapSetting, MemoryGpuConfig, MistralRs, ModelDType, PagedAttentionConfig,
    PagedCacheType, SchedulerConfig, SearchCallback, TokenSource,
    core::{GGUFLoaderBuilder, GGUFSpecificConfig, MistralRsBuilder, Pipeline},
};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Activation, Batching, EngineSettings,
    decoding::EndTokens,
    device::open,
    memory::{GiveBack, Loading, Presence},
    model::MistralModel,
    progress::{ENGINE_STARTED, Progress},
    running::{Running, is_out_of_memory},
};

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(50);

type SharedPipeline = Arc<Mutex<dyn Pipeline + Send + Sync>>;

/// What the blocking part of a load makes.
struct Loaded {
    engine: Arc<MistralRs>,
    tokenizer: Tokenizer,
    engine_ends: Vec<TokenId>,
}

/// What it makes it from.
struct Plan {
    artifact: Artifact,
    options: LoadOptions,
    settings: EngineSettings,
    gone: CancellationToken,
}

/// Loads `artifact`, starts its engine and has it say one token.
pub(crate) async fn load(
    artifact: &Artifact,
    options: LoadOptions,
    settings: EngineSettings,
    progress: watch::Sender<f32>,
) -> Result<MistralModel, LoadError> {
    let options = within(artifact, options, settings);
    let progress = Progress::new(progress, &artifact.path, artifact.bytes);
    check_size(artifact).await?;
    let gone = CancellationToken::new();
    let plan = Plan { artifact: artifact.clone(), options, settings, gone: gone.clone() };
    let loaded = watched(plan, &progress).await?;
    progress.reach(ENGINE_STARTED);
    let model = assemble(artifact, options, loaded, gone)?;
    warm_up(&model).await.map_err(|error| unanswered(artifact, options, error))?;
    progress.reach(1.0);
    Ok(model)
}

/// No more context than the model was trained for, and no more slots than sequences are decoded together: whoever asks the
/// model what it takes is told the truth.
fn within(artifact: &Artifact, options: LoadOptions, settings: EngineSettings) -> LoadOptions {
    let slots = if together(options.device, settings) { options.slots.max(1) } else { 1 };
    LoadOptions { context_tokens: options.context_tokens.min(artifact.geometry.context_tokens), slots, ..options }
}

/// Whether sequences are decoded together: only with paged attention, which there is on NVIDIA's cards. Without it
/// `mistral.rs` 0.8.1 gives wrong answers, tokens 20 nats from the likeliest one.
fn together(device: Device, settings: EngineSettings) -> bool {
    settings.batching == Batching::Together && matches!(device, Device::Card(_)) && cfg!(feature = "cuda")
}

async fn check_size(artifact: &Artifact) -> Result<(), LoadError> {
    let about = tokio::fs::metadata(&artifact.path).await.map_err(|error| artifact_error(artifact, &error))?;
    if about.len() == artifact.bytes {
        return Ok(());
    }
    let sizes = format!("the file has {} bytes and should have {}", about.len(), artifact.bytes);
    Err(artifact_error(artifact, &sizes))
}

/// Does the blocking part on a thread for such things and looks at its progress meanwhile. A panic is a damaged file:
/// the engine's reader indexes and unwraps what it reads.
async fn watched(plan: Plan, progress: &Progress) -> Result<Loaded, LoadError> {
    let artifact = plan.artifact.clone();
    let mut work = tokio::task::spawn_blocking(move || load_blocking(&plan));
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            loaded = &mut work => {
                return loaded.unwrap_or_else(|error| Err(panicked(&artifact, error)));
            }
            _ = look.tick() => progress.look(),
        }
    }
}

fn load_blocking(plan: &Plan) -> Result<Loaded, LoadError> {
    let _loading = Loading::begin();
    let artifact = &plan.artifact;
    let tokenizer = Tokenizer::open(&artifact.tokenizer).map_err(|error| artifact_error(artifact, &error))?;
    let device = open(plan.options.device).map_err(|error| engine_error(artifact, &error))?;
    let pipeline = read_file(plan, &device).map_err(|error| unread(plan, error.to_string()))?;
    let engine_ends = pipeline.blocking_lock().get_metadata().eos_tok.clone();
    let engine = start(pipeline, plan).map_err(|error| engine_error(artifact, &error))?;
    Ok(Loaded { engine, tokenizer, engine_ends })
}

fn read_file(plan: &Plan, device: &candle_core::Device) -> Result<SharedPipeline, Box<dyn std::error::Error>> {
    let Plan { artifact, options, settings, .. } = plan;
    let folder = artifact.path.parent().unwrap_or(Path::new("."));
    let file = artifact.path.file_name().ok_or("its path names no file")?;
    let loader = GGUFLoaderBuilder::new(
        None,
        Some(artifact.tokenizer.display().to_string()),
        folder.display().to_string(),
        vec![file.to_string_lossy().into_owned()],
        GGUFSpecificConfig::default(),
        false,
        None,
    );
    let activation = match settings.activation {
        Activation::F32 => ModelDType::F32,
        Activation::F16 => ModelDType::F16,
        Activation::Bf16 => ModelDType::BF16,
    };
    let mapping = DeviceMapSetting::dummy();
    let paged = together(options.device, *settings).then(|| pages(*options)).transpose()?;
    let loader = loader.build();
    Ok(loader.load_model_from_hf(None, TokenSource::None, &activation, device, true, mapping, None, paged)?)
}

/// Pages for every slot at full context, no more: what the plan accounts for.
fn pages(options: LoadOptions) -> Result<PagedAttentionConfig, Box<dyn std::error::Error>> {
    let tokens = options.context_tokens as usize * options.slots as usize;
    Ok(PagedAttentionConfig::new(None, MemoryGpuConfig::ContextSize(tokens), PagedCacheType::Auto)?)
}

/// Starts the engine's thread. No prefix cache: it keeps the key-value caches of finished answers, memory that no plan
/// accounts for.
fn start(pipeline: SharedPipeline, plan: &Plan) -> std::io::Result<Arc<MistralRs>> {
    let pages = pipeline.blocking_lock().get_metadata().cache_config.clone();
    let one_by_one = SchedulerConfig::DefaultScheduler { method: DefaultSchedulerMethod::Fixed(NonZeroUsize::MIN) };
    let max_num_seqs = plan.options.slots as usize;
    let scheduler = pages.map_or(one_by_one, |config| SchedulerConfig::PagedAttentionMeta { max_num_seqs, config });
    let builder = MistralRsBuilder::new(pipeline, scheduler, false, None)
        .with_no_prefix_cache(true)
        .with_prefix_cache_n(0)
        .with_search_callback(presence(plan.gone.clone()));
    // A runtime of one thread keeps the builder from its own warm-up, which would block a worker of ours.
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(builder.build()))
}

/// Nobody searches. But the engine keeps this callback for as long as it keeps the model, and drops it after it.
fn presence(gone: CancellationToken) -> Arc<SearchCallback> {
    let presence = Presence::new(gone);
    Arc::new(move |_| {
        let _ = &presence;
        Ok(Vec::new())
    })
}

fn assemble(
    artifact: &Artifact,
    options: LoadOptions,
    loaded: Loaded,
    gone: CancellationToken,
) -> Result<MistralModel, LoadError> {
    let Some(engine_end) = loaded.engine_ends.first().copied() else {
        return Err(artifact_error(artifact, &"its tokenizer names no token that ends an answer"));
    };
    let mut ends = loaded.engine_ends;
    ends.extend_from_slice(loaded.tokenizer.end_tokens());
    Ok(MistralModel {
        artifact: artifact.clone(),
        options,
        tokenizer: Arc::new(loaded.tokenizer),
        end_tokens: EndTokens { engine: engine_end, all: ends.into() },
        running: Arc::new(Running::new(loaded.engine, options.slots, gone)),
        _give_back: GiveBack,
    })
}

/// One token: allocates what the first request would, and shows that the model answers.
async fn warm_up(model: &MistralModel) -> Result<(), GenerateError> {
    let mut answer = model.generate(vec![model.end_tokens.engine], Sampling::greedy(1));
    while let Some(event) = answer.next().await {
        if let GenerationEvent::Finished { .. } = event? {
            return Ok(());
        }
    }
    Err(GenerateError::Engine("the first answer had no end".to_owned()))
}

/// What is wrong with a file, unless it is only too much for the device.
fn unread(plan: &Plan, message: String) -> LoadError {
    if is_out_of_memory(&message) {
        out_of_memory(&plan.artifact, plan.options, message)
    } else {
        artifact_error(&plan.artifact, &message)
    }
}

fn unanswered(artifact: &Artifact, options: LoadOptions, error: GenerateError) -> LoadError {
    match error {
        GenerateError::OutOfMemory(message) => out_of_memory(artifact, options, message),
        error => engine_error(artifact, &error),
    }
}

fn out_of_memory(artifact: &Artifact, options: LoadOptions, message: String) -> LoadError {
    LoadError::OutOfMemory { artifact: name(artifact), options, message }
}

fn panicked(artifact: &Artifact, error: tokio::task::JoinError) -> LoadError {
    match error.try_into_panic() {
        Ok(panic) => artifact_error(artifact, &message_of(&*panic)),
        Err(error) => engine_error(artifact, &error),
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the engine panicked over it").to_owned()
}

fn artifact_error(artifact: &Artifact, message: &dyn std::fmt::Display) -> LoadError {
    LoadError::Artifact { artifact: name(artifact), message: message.to_string() }
}

fn engine_error(artifact: &Artifact, message: &dyn std::fmt::Display) -> LoadError {
    LoadError::Engine { artifact: name(artifact), message: message.to_string() }
}

fn name(artifact: &Artifact) -> String {
    format!("{} {}", artifact.model, artifact.precision)
}

#[cfg(test)]
mod tests {
    use candle_core::Tensor;
    use cortensor_models::prepare_ladder;

    use super::*;
    use crate::running::Work;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_of_the_engine_is_an_error_and_the_next_request_is_served() {
        let source = std::env::var_os("CORTENSOR_STARTER_MODEL");
        let source = std::path::PathBuf::from(source.expect("set CORTENSOR_STARTER_MODEL to the starter model's file"));
        let folder = source.with_file_name("ladder");
        let ladder = prepare_ladder(&source, &folder, &cortensor_models::starter(), &mut |_| {}, &|| false).unwrap();
        let options = LoadOptions { context_tokens: 512, slots: 1, device: Device::Processor };
        let (progress, _) = watch::channel(0.0);
        let model = load(&ladder[1], options, EngineSettings::default(), progress).await.unwrap();
        let panicking = |_: &Tensor, _: &[u32]| -> candle_core::Result<Tensor> { panic!("on purpose") };
        for _ in 0..2 {
            let outcome = model.running.work(vec![1, 2, 3], Work::Continue(Arc::new(panicking))).await;
            assert!(matches!(outcome, Err(GenerateError::Engine(_))), "{outcome:?}");
            warm_up(&model).await.unwrap();
        }
        model.unload().await;
    }
}
