//! Sides of a comparison that are no precisions of the starter model: other models of this machine, and the network.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    compare::{F16, Place, Q8_0, asked, compared, parting},
    support::{MODEL, Miner, Network, echo, soon, starter},
};
use cortensor_app::{
    Comparison, ComparisonPhase, ComparisonRequest, ExportFormat, FailureCode, NetworkAccess, Phase, SideChoice,
    Unscored,
};
use cortensor_engine::scripted::Script;
use cortensor_models::inventory::{HeldFile, HeldModel, Inventory, Origin};
use cortensor_protocol::{Mode, ModelId, Precision};

const LOCAL: &str = "local-starter";

/// The starter's own download, as a model that a user has imported.
fn import(place: &Place, path: &Path) -> SideChoice {
    let (id, format) = (ModelId::new(LOCAL), Precision::Q4_1);
    let file = HeldFile::of(path, cortensor_models::starter().digest).unwrap();
    let held = HeldModel { id: id.clone(), format, files: vec![file], origin: Origin::Imported, keep: false };
    Inventory::at(place.home.folders().models()).add(held).unwrap();
    SideChoice::Model { model: id, precision: format }
}

fn of(sides: &[SideChoice]) -> ComparisonRequest {
    ComparisonRequest { sides: sides.to_vec(), ..asked() }
}

const fn remote() -> SideChoice {
    SideChoice::Remote { model: None }
}

fn access(network: &Network) -> NetworkAccess {
    NetworkAccess { api_url: format!("http://{}/v1", network.address()), api_key: network.key.clone() }
}

/// What comes of a comparison with the network.
async fn with_network(place: &Place, sides: &[SideChoice], access: NetworkAccess) -> Comparison {
    place.lab.compare(of(sides), None, Ok(access)).unwrap();
    let over = compared(place.lab.comparison()).await;
    assert_eq!(place.engine.loaded(), 0, "nothing stays loaded");
    over
}

/// Passes the network's tests, and answers about the sky in tokens as this model cuts them.
fn of_the_sky() -> Script {
    let others = echo().answer;
    let words = ["light", " is", " bent"].map(str::to_owned);
    let answer = move |prompt: &str| if prompt.contains("sky") { words.to_vec() } else { others(prompt) };
    Script { answer: Arc::new(answer), ..echo() }
}

/// A miner that serves full precision.
async fn exact_miner(network: &Network, script: Script) -> Miner {
    let miner = Miner::start(network, script).await;
    soon("the switch", miner.app.set_mode(Mode::Precision)).await.unwrap();
    miner.comes_to(Phase::Mining).await;
    miner
}

#[tokio::test]
async fn a_model_that_was_imported_is_compared_as_a_precision_is() {
    let place = Place::new(Script::saying(&["yes"]));
    let side = import(&place, &starter());
    assert_eq!(place.lab.model_files().await.unwrap()[0].problem, None);
    let over = place.compare(of(&[F16, side])).await;
    assert_eq!((over.phase, &over.failure), (ComparisonPhase::Done, &None));
    let titles: Vec<_> = over.sides.iter().map(cortensor_app::ComparisonSide::title).collect();
    assert_eq!(titles, [format!("{MODEL} F16"), format!("{LOCAL} Q4_1")]);
    assert_eq!((over.sides[1].mean_divergence, &over.sides[1].unscored), (Some(0.0), &None));
    assert_eq!(place.lab.comparisons().await.unwrap().entries[0].sides, titles);
}

#[tokio::test]
async fn two_models_of_other_tokens_are_compared_without_scores_and_it_is_said_why() {
    let script =
        Script {
            token_texts: Arc::new(|precision, token| {
                if precision == Precision::Q4_1 { format!("[{token}]") } else { format!("<{token}>") }
            }),
            ..parting()
        };
    let place = Place::new(script);
    let other = import(&place, &starter());
    let over = place.compare(of(&[F16, other.clone(), Q8_0])).await;
    assert_eq!((over.phase, &over.failure), (ComparisonPhase::Done, &None));
    let [_, other_side, quantized] = over.sides.as_slice() else { panic!("{over:?}") };
    assert!(
        matches!(&other_side.unscored, Some(Unscored::OtherVocabulary { reference, .. }) if reference.as_str() == MODEL)
    );
    assert_eq!((other_side.mean_divergence, other_side.same_top, other_side.by_text), (None, None, true));
    assert_eq!((other_side.equal_tokens, other_side.first_divergence), (2, Some(2)), "by letter");
    assert!(other_side.file_bytes.is_some() && other_side.first_token_ms.is_some());
    assert!(other_side.notes()[0].contains("vocabulary"), "{:?}", other_side.notes());
    assert!(quantized.mean_divergence.unwrap() > 1.0, "the others are scored all the same");
    assert!(quantized.tokens[0].top[1].is_empty() && quantized.tokens[0].top[2].len() == 5);
    let two = place.compare(of(&[F16, other])).await;
    assert_eq!((two.phase, two.sides[0].mean_divergence), (ComparisonPhase::Done, None));
}

#[tokio::test]
async fn the_same_tokens_in_another_order_are_refused_whatever_the_models_are_called() {
    let script = Script {
        token_texts: Arc::new(|precision, token| {
            let swapped = if precision == Precision::Q4_1 && token < 2 { 1 - token } else { token };
            format!("<{swapped}>")
        }),
        ..Script::saying(&["yes"])
    };
    let place = Place::new(script);
    let side = import(&place, &starter());
    let failure = place.compare(of(&[F16, side])).await.failure.unwrap();
    assert_eq!(failure.code, FailureCode::NotComparable);
    assert!(failure.message.contains("another order"), "{}", failure.message);
}

#[tokio::test]
async fn a_model_that_cannot_be_used_says_why_in_the_list_and_when_it_is_compared() {
    let place = Place::new(Script::saying(&["yes"]));
    let copy = place.home.folders().data().join("copy.gguf");
    fs::copy(starter(), &copy).unwrap();
    let side = import(&place, &copy);
    fs::remove_file(&copy).unwrap();
    let listed = place.lab.model_files().await.unwrap();
    assert!(listed[0].problem.as_ref().unwrap().contains("is gone"), "{listed:?}");
    let failure = place.compare(of(&[F16, side])).await.failure.unwrap();
    assert!(failure.code == FailureCode::Model && failure.message.contains("is gone"), "{failure:?}");
    let unknown = SideChoice::Model { model: ModelId::new("nobody"), precision: Precision::F16 };
    let failure = place.compare(of(&[F16, unknown])).await.failure.unwrap();
    assert!(failure.message.contains(LOCAL), "what there is: {}", failure.message);
}

#[tokio::test]
async fn the_network_answers_as_a_side_that_is_marked_and_has_text_only_where_it_tells_no_more() {
    let network = Network::start().await;
    let miner = exact_miner(&network, of_the_sky()).await;
    let place = Place::new(parting());
    let over = with_network(&place, &[remote(), Q8_0], access(&network)).await;
    assert_eq!((over.phase, &over.failure), (ComparisonPhase::Done, &None));
    let [there, here] = over.sides.as_slice() else { panic!("{over:?}") };
    let told = there.remote.as_ref().unwrap();
    assert_eq!((told.asked.as_str(), told.tells_top), (&*format!("{MODEL}:high-accuracy"), false));
    assert_eq!(told.node, miner.app.status().borrow().address.map(|address| address.to_string()));
    assert_eq!((there.text().as_str(), there.precision), ("light is bent", Some(Precision::F16)));
    assert!(there.tokens.len() >= 3 && there.prompt_tokens.is_some() && there.first_token_ms.is_some());
    assert_eq!((there.file_bytes, there.memory_bytes, there.mean_divergence), (None, None, None));
    assert_eq!((&there.unscored, &here.unscored), (&Some(Unscored::TextOnly), &Some(Unscored::RemoteReference)));
    assert_eq!((here.text().as_str(), here.mean_divergence, here.same_top), ("light is bent by air", None, None));
    // "light is bent" and then one of them ends: what is said alike counts, in tokens of each.
    assert_eq!((here.equal_tokens, here.first_divergence), (2, Some(2)));

    let kept = place.lab.kept_comparison(over.id.unwrap()).await.unwrap();
    assert_eq!(kept.sides[0].remote, there.remote);
    let path = place.home.folders().data().join("comparison.md");
    place.lab.export_comparison(over.id.unwrap(), ExportFormat::Markdown, &path).await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("remote F16") && text.contains("no log-probabilities"), "{text}");
    assert!(!fs::read_to_string(&path).unwrap().contains(&network.key), "no key is written down");
    miner.quit().await;
}

#[tokio::test]
async fn what_the_network_expected_stands_beside_what_is_expected_here() {
    let network = Network::start().await;
    let miner = Miner::start(&network, Script { tells_top: true, ..of_the_sky() }).await;
    let place = Place::new(parting());
    let anything = SideChoice::Remote { model: Some(MODEL.to_owned()) };
    let over = with_network(&place, &[F16, anything], access(&network)).await;
    assert_eq!((over.phase, &over.failure), (ComparisonPhase::Done, &None));
    let [_, there] = over.sides.as_slice() else { panic!("{over:?}") };
    assert_eq!((there.remote.as_ref().unwrap().tells_top, &there.unscored), (true, &Some(Unscored::TopOnly)));
    let is = there.tokens.iter().find(|token| token.text == " is").expect("a token of its own");
    assert_eq!((is.top[1][0].text.as_str(), is.top[1][0].id, is.top[0].len()), (" is", Some(is.id), 5));
    assert!((is.top[1][0].probability - 0.9).abs() < 1e-6 && is.divergence.is_none());
    // Here `<104>` and the like are expected, which nobody says.
    assert_eq!(there.same_top, Some(0.0));
    miner.quit().await;
}

#[tokio::test]
async fn a_network_without_an_answer_says_why() {
    let network = Network::start().await;
    let place = Place::new(Script::saying(&["yes"]));
    let failed = |over: Comparison| {
        let failure = over.failure.unwrap();
        assert_eq!((over.phase, failure.code), (ComparisonPhase::Failed, FailureCode::Network));
        failure.message
    };
    let sides = [Q8_0, remote()];
    let nobody = failed(with_network(&place, &sides, access(&network)).await);
    assert!(nobody.contains("no node offers a model"), "{nobody}");
    // So that what is served for volume is quantized.
    let miner = Miner::start(&network, echo().with_slower_full_precision(Duration::from_millis(5))).await;
    let not_exact = failed(with_network(&place, &sides, access(&network)).await);
    assert!(not_exact.contains(MODEL) && not_exact.contains("quantized"), "{not_exact}");
    let wrong = NetworkAccess { api_key: "sk-wrong".to_owned(), ..access(&network) };
    let wrong = failed(with_network(&place, &sides, wrong).await);
    assert!(wrong.contains("API key is not known"), "{wrong}");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = NetworkAccess { api_url: format!("http://{port}/v1"), ..access(&network) };
    let gone = failed(with_network(&place, &sides, gone).await);
    assert!(gone.contains("does not answer") && gone.contains(&port.to_string()), "{gone}");
    assert!(place.lab.comparisons().await.unwrap().entries.is_empty());

    let no_key = cortensor_app::Failure::new(FailureCode::Network, "no API key is known".to_owned());
    let told = place.lab.compare(of(&sides), None, Err(no_key.clone())).unwrap_err();
    assert_eq!(told, no_key);
    miner.quit().await;
}

#[tokio::test]
async fn a_comparison_with_the_network_that_is_stopped_takes_its_request_back() {
    let network = Network::start().await;
    let slow = Arc::new(AtomicBool::default());
    let told = Arc::clone(&slow);
    let script = Script {
        pace: Arc::new(move |_| if told.load(Ordering::SeqCst) { Duration::from_millis(200) } else { Duration::ZERO }),
        ..of_the_sky()
    };
    let miner = exact_miner(&network, script).await;
    slow.store(true, Ordering::SeqCst);
    let place = Place::new(parting());
    let mut comparison = place.lab.comparison();
    let request = ComparisonRequest { in_turn: true, ..of(&[remote(), Q8_0]) };
    place.lab.compare(request, None, Ok(access(&network))).unwrap();
    let said = |comparison: &Comparison| comparison.sides.first().is_some_and(|side| !side.tokens.is_empty());
    drop(soon("the network's first word", comparison.wait_for(said)).await.unwrap());
    soon("the stop", place.lab.stop_comparison()).await;
    assert_eq!((comparison.borrow().phase, place.engine.loaded()), (ComparisonPhase::Stopped, 0));
    assert_eq!(place.lab.comparisons().await.unwrap().entries.len(), 1, "what there was is kept");
    miner.becomes("free", |status| status.running == 0).await;
    miner.quit().await;
}
