//! The engine on the starter model: what callers of the trait rely on.

mod common;

use std::time::Duration;

use common::{Answer, artifact, collect, load, question, starter};
use cortensor_engine::{
    Device, Engine, GenerateError, Generation, GenerationEvent, LoadError, LoadOptions, Model, PromptError,
};
use cortensor_engine_mistral::MistralEngine;
use cortensor_models::{Artifact, Tokenizer};
use cortensor_protocol::{FinishReason, Precision, Prompt, Sampling, TokenId};
use futures::StreamExt;
use tokio::{sync::watch, time::timeout};

const QUESTION: &str = "Name three colours of the rainbow and say one sentence about each.";
/// Natural logarithms of probabilities that are this close count as equal. Quantized products round their input to eight
/// bits, so a last bit that differs can become a few hundredths: 0.03 were seen.
const NEAR: f64 = 0.1;
const SOON: Duration = Duration::from_mins(1);

async fn greedy(model: &dyn Model, prompt: &[TokenId], tokens: u32) -> Answer {
    collect(model.generate(prompt.to_vec(), Sampling::greedy(tokens))).await.unwrap()
}

async fn first_tokens(generation: &mut Generation, count: usize) {
    for _ in 0..count {
        let event = timeout(SOON, generation.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(event, GenerationEvent::Token(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_reports_progress_that_only_grows_and_ends_at_one() {
    let (sender, mut receiver) = watch::channel(0.0);
    let watching = tokio::spawn(async move {
        let mut seen = vec![*receiver.borrow()];
        while receiver.changed().await.is_ok() {
            seen.push(*receiver.borrow_and_update());
        }
        seen
    });
    let options = LoadOptions { context_tokens: 100_000, slots: 1, device: Device::Processor };
    let model = MistralEngine::default().load(&artifact(Precision::F16), options, sender).await.unwrap();
    let seen = watching.await.unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&1.0), "{seen:?}");
    if cfg!(target_os = "linux") {
        assert!(seen.iter().any(|fraction| (0.01..0.9).contains(fraction)), "{seen:?}");
    }
    assert_eq!(
        model.options(),
        LoadOptions { context_tokens: 8192, slots: 1, device: Device::Processor },
        "no more context than it was trained for"
    );
    assert_eq!(model.artifact().precision, Precision::F16);
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_ids_are_exactly_the_streamed_text() {
    let model = load(Precision::Q8_0, 1024, 1).await;
    let tokenizer = Tokenizer::open(&model.artifact().tokenizer).unwrap();
    for text in [QUESTION, "Say \"good morning\" in Japanese and add three emoji. こんにちは 👋🏽"] {
        let prompt = question(&*model, text);
        let sampled = Sampling { temperature: 1.2, top_p: Some(0.95), ..Sampling::greedy(64) };
        for sampling in [Sampling::greedy(64), sampled] {
            let answer = collect(model.generate(prompt.clone(), sampling)).await.unwrap();
            let mut decoder = tokenizer.decoder();
            let expected: String = answer.ids().into_iter().map(|id| decoder.push(id)).collect();
            assert_eq!(answer.text(), expected + &decoder.finish());
            assert_eq!(answer.usage.completion_tokens as usize, answer.tokens.len());
            assert_eq!(answer.usage.prompt_tokens as usize, prompt.len());
            assert!(!answer.ids().iter().any(|id| tokenizer.end_tokens().contains(id)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn greedy_answers_are_reproducible_and_are_what_scoring_finds_likeliest() {
    let model = load(Precision::F16, 1024, 2).await;
    let prompt = question(&*model, "Tell me a long story about a fox.");
    let sampling = Sampling { top_logprobs: Some(3), ..Sampling::greedy(64) };
    let answer = collect(model.generate(prompt.clone(), sampling.clone())).await.unwrap();
    assert!(answer.tokens.len() > 20, "{}", answer.text());
    let again = collect(model.generate(prompt.clone(), sampling)).await.unwrap();
    assert_eq!((again.ids(), again.reason, again.usage), (answer.ids(), answer.reason, answer.usage));
    // The ids are the promise. The last bits of the log-probabilities are not: about four pairs in ten differed, by up to
    // 4.3e-6, on a quiet machine with one model; why is not known.
    for (first, second) in answer.tokens.iter().zip(&again.tokens) {
        let [first, second] = [first, second].map(|token| token.logprob.as_ref().unwrap().logprob);
        assert!((first - second).abs() < 1e-4, "{first} and {second}");
    }

    let sequence = [prompt.clone(), answer.ids()].concat();
    let logits = model.score(sequence.clone()).await.unwrap();
    assert_eq!((logits.rows(), logits.vocabulary()), (sequence.len(), 49152));
    for (row, token) in (prompt.len() - 1..).zip(&answer.tokens) {
        assert_eq!(logits.likeliest(row), Some(token.id), "at row {row}");
        let scored = logits.log_probability(row, token.id).unwrap();
        let told = token.logprob.as_ref().unwrap();
        assert!((scored - f64::from(told.logprob)).abs() < 0.02, "{scored} and {}", told.logprob);
        assert_eq!((told.top.len(), told.top[0].0, told.top[0].2), (3, token.id, told.logprob));
        assert!(told.top.is_sorted_by(|left, right| left.2 >= right.2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_by_itself_without_its_end_token() {
    let model = load(Precision::F16, 1024, 1).await;
    let answer = greedy(&*model, &question(&*model, QUESTION), 300).await;
    assert_eq!(answer.reason, FinishReason::Stop);
    assert!(!answer.text().is_empty() && !answer.text().contains("<|im_end|>"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_text_ends_the_answer_and_is_not_part_of_it() {
    let model = load(Precision::F16, 1024, 1).await;
    let prompt = question(&*model, QUESTION);
    let whole = greedy(&*model, &prompt, 48).await.text();
    let (middle, _) = whole.char_indices().nth(whole.chars().count() / 2).unwrap();
    let stop: String = whole[middle..].chars().take(5).collect();
    let expected = &whole[..whole.find(&stop).unwrap()];
    let sampling = Sampling { stop: vec!["never said".to_owned(), stop], ..Sampling::greedy(48) };
    let answer = collect(model.generate(prompt, sampling)).await.unwrap();
    assert_eq!((answer.text().as_str(), answer.reason), (expected, FinishReason::Stop));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold() {
    let model = load(Precision::Q8_0, 64, 1).await;
    let prompt = question(&*model, "Count from one to one thousand.");
    for tokens in [0, 1, 7] {
        let answer = greedy(&*model, &prompt, tokens).await;
        assert_eq!((answer.tokens.len(), answer.reason), (tokens as usize, FinishReason::Length));
    }
    let text = model.encode(&Prompt::Text { text: "one two three four".to_owned() }).unwrap();
    let cut = greedy(&*model, &text, 1000).await;
    assert_eq!(cut.reason, FinishReason::Length);
    assert_eq!(cut.usage.prompt_tokens + cut.usage.completion_tokens, 64, "the context is full");

    let too_long = vec![5; 64];
    let refused = PromptError::ContextExceeded { prompt_tokens: 64, context_tokens: 64 };
    for (prompt, error) in
        [(too_long, refused), (vec![], PromptError::Empty), (vec![49152], PromptError::UnknownToken(49152))]
    {
        let answer = collect(model.generate(prompt, Sampling::greedy(1))).await;
        assert_eq!(answer, Err(GenerateError::Prompt(error)));
    }
    assert_eq!(model.score(vec![5; 64]).await.unwrap().rows(), 64);
    assert!(matches!(model.score(vec![5; 65]).await, Err(GenerateError::Prompt(_))));
    assert_eq!(model.encode(&Prompt::Tokens { ids: vec![49152] }), Err(PromptError::UnknownToken(49152)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_candidate_is_greedy_at_any_temperature() {
    let model = load(Precision::Q8_0, 1024, 1).await;
    let prompt = question(&*model, QUESTION);
    let one = Sampling { temperature: 2.0, top_k: Some(1), ..Sampling::greedy(24) };
    let one = collect(model.generate(prompt.clone(), one)).await.unwrap();
    assert_near_likeliest(&*model, &prompt, &one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_an_answer_frees_its_slot_for_the_next_request() {
    let model = load(Precision::Q8_0, 8192, 1).await;
    let endless = model.encode(&Prompt::Text { text: "one, two, three, four,".to_owned() }).unwrap();
    let mut first = model.generate(endless.clone(), Sampling::greedy(8000));
    first_tokens(&mut first, 3).await;
    let waiting = model.generate(endless.clone(), Sampling::greedy(8000));
    let mut next = model.generate(endless, Sampling::greedy(4));
    assert!(futures::poll!(next.next()).is_pending(), "one slot, one answer");
    drop(waiting);
    drop(first);
    let answer = timeout(Duration::from_secs(10), collect(next)).await.expect("the slot is free at once").unwrap();
    assert_eq!(answer.tokens.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_take_turns_and_the_model_says_so_whatever_the_slots() {
    let model = load(Precision::Q8_0, 1024, 3).await;
    assert_eq!(model.options().slots, 1);
    let texts = ["one, two,", "Once upon a time", "The capital of France", "def main():", "A, B, C,"];
    let running = texts.map(|text| {
        let prompt = model.encode(&Prompt::Text { text: text.to_owned() }).unwrap();
        model.generate(prompt, Sampling::greedy(40)).collect::<Vec<_>>()
    });
    let ends = timeout(SOON, futures::future::join_all(running)).await.unwrap();
    let mut changes = Vec::new();
    for end in ends {
        let Some(Ok(GenerationEvent::Finished { first_token, total, .. })) = end.last() else { panic!("{end:?}") };
        changes.extend([(*first_token, 1), (*total, -1)]);
    }
    changes.sort_unstable();
    let running = changes.into_iter().scan(0, |running, (_, change)| {
        *running += change;
        Some(*running)
    });
    let most = running.max().unwrap();
    assert_eq!(most, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn scoring_waits_for_running_answers_and_disturbs_none() {
    let model = load(Precision::Q8_0, 1024, 2).await;
    let prompt = question(&*model, QUESTION);
    let alone = greedy(&*model, &prompt, 24).await;
    let answers = (0..3).map(|_| greedy(&*model, &prompt, 24));
    let (answers, scored, given_up) = tokio::join!(
        futures::future::join_all(answers),
        model.score(prompt.clone()),
        timeout(Duration::from_millis(1), model.score(prompt.clone())),
    );
    assert_eq!(scored.unwrap().rows(), prompt.len());
    assert!(given_up.is_err(), "a score that nobody waits for disturbs nobody either");
    for answer in answers.into_iter().chain([alone, greedy(&*model, &prompt, 24).await]) {
        assert!(answer.tokens.len() >= 12, "{answer:?}");
        assert_near_likeliest(&*model, &prompt, &answer).await;
    }
}

/// Every token is the likeliest, or as good as: of two that are equally likely the last bits of the engine's sums decide, and
/// those are not the same in every run.
async fn assert_near_likeliest(model: &dyn Model, prompt: &[TokenId], answer: &Answer) {
    assert_likely(model, prompt, answer, NEAR).await;
}

/// No token is further than this from the likeliest one, in nats.
async fn assert_likely(model: &dyn Model, prompt: &[TokenId], answer: &Answer, most: f64) {
    let logits = model.score([prompt, &answer.ids()].concat()).await.unwrap();
    for (row, token) in (prompt.len() - 1..).zip(&answer.tokens) {
        let best = logits.log_probability(row, logits.likeliest(row).unwrap()).unwrap();
        let gap = best - logits.log_probability(row, token.id).unwrap();
        assert!(gap < most, "{gap} at row {row}: {}", answer.text());
    }
}

/// The engine's batches are wrong: what was decoded beside another answer was up to 20 nats from the likeliest token. With
/// quantized weights decoding and scoring differ by up to 0.4 nats by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn answers_given_at_the_same_time_are_as_good_as_alone() {
    let model = load(Precision::Q8_0, 1024, 4).await;
    let asked = [
        "Explain tea to a child of ten.",
        "What are three facts about the moon?",
        "I want to learn about old maps. Where do I begin?",
        "Write a poem about bees.",
    ];
    let prompts = asked.map(|text| question(&*model, text));
    let answers = prompts.clone().map(|prompt| collect(model.generate(prompt, Sampling::greedy(24))));
    for (prompt, answer) in prompts.iter().zip(futures::future::join_all(answers).await) {
        assert_likely(&*model, prompt, &answer.unwrap(), 1.0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unloading_ends_running_answers_and_refuses_new_ones() {
    let model = load(Precision::Q8_0, 8192, 1).await;
    let endless = model.encode(&Prompt::Text { text: "one, two, three, four,".to_owned() }).unwrap();
    let mut running = model.generate(endless.clone(), Sampling::greedy(8000));
    first_tokens(&mut running, 2).await;
    let waiting = model.generate(endless.clone(), Sampling::greedy(8000));
    timeout(SOON, model.unload()).await.unwrap();
    for generation in [running, waiting, model.generate(endless.clone(), Sampling::greedy(1))] {
        assert_eq!(generation.collect::<Vec<_>>().await.pop(), Some(Err(GenerateError::Unloaded)));
    }
    assert_eq!(model.score(endless).await, Err(GenerateError::Unloaded));
    timeout(SOON, model.unload()).await.expect("a second unload finds nothing to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(starter()).unwrap();
    let mut scrambled = whole[..2_000_000].to_vec();
    scrambled[64..4096].fill(0xff);
    let cases: [(&str, &[u8], u64); 5] = [
        ("shorter than it should be", &whole[..whole.len() - 1], whole.len() as u64),
        ("cut in its weights", &whole[..whole.len() / 2], whole.len() as u64 / 2),
        ("cut in its head", &whole[..1000], 1000),
        ("scrambled", &scrambled, 2_000_000),
        ("empty", &[], 0),
    ];
    for (what, content, bytes) in cases {
        let path = folder.path().join("damaged.gguf");
        std::fs::write(&path, content).unwrap();
        refused(what, Artifact { path, bytes, ..artifact(Precision::Q8_0) }).await;
    }
    let path = folder.path().join("missing.gguf");
    refused("missing", Artifact { path, ..artifact(Precision::Q8_0) }).await;
}

async fn refused(what: &str, artifact: Artifact) {
    let (progress, _) = watch::channel(0.0);
    let options = LoadOptions { context_tokens: 512, slots: 1, device: Device::Processor };
    match MistralEngine::default().load(&artifact, options, progress).await {
        Err(LoadError::Artifact { message, .. }) => assert!(!message.is_empty()),
        Err(other) => panic!("{what}: {other}"),
        Ok(_) => panic!("{what}: loaded"),
    }
}
