//! The badge of a model before its download.

use cortensor_models::manifest::{ListedFile, ListedModel, Manifest, Variant as ListedVariant};

use super::*;

const LIST: &[u8] = include_bytes!("../../../models/manifest/manifest.json");

fn listed(family: &str, geometry: Geometry, format: Precision, bytes: Option<u64>) -> (ListedModel, ListedVariant) {
    let file = ListedFile { name: "a.gguf".to_owned(), bytes, sha256: None };
    let variant = ListedVariant { format, made_from: None, files: vec![file], sources: Vec::new() };
    let model = ListedModel {
        id: ModelId::new("model"),
        name: "Model".to_owned(),
        family: family.to_owned(),
        parameters: geometry.parameters,
        layers: geometry.layers,
        heads: geometry.heads,
        kv_heads: geometry.kv_heads,
        context: geometry.context_tokens,
        licence: "none".to_owned(),
        variants: vec![variant.clone()],
    };
    (model, variant)
}

fn badge(free: u64, (model, variant): &(ListedModel, ListedVariant)) -> Badge {
    super::super::fit(&machine(free), Listed { model, variant }, &PlanSettings::default())
}

#[test]
fn a_badge_says_before_the_download_what_fits_and_with_how_much() {
    let large = listed("Llama 3.1", LLAMA_8B, Precision::Q4K, None);
    for (free, fit, context, told) in [
        (20 * GIBI, Fit::Fits, 4096, "Fits: it needs about "),
        (9 * GIBI, Fit::FitsWithLessContext, 2048, "Fits with a context of 2048 tokens: it needs about "),
        (4 * GIBI, Fit::DoesNotFit, 0, "Does not fit: it needs about "),
    ] {
        let badge = badge(free, &large);
        assert_eq!((badge.fit, badge.context_tokens), (fit, context), "{badge:?}");
        assert!(badge.reason.starts_with(told) && badge.reason.contains("may be used"), "{}", badge.reason);
    }
}

#[test]
fn what_is_inferred_from_the_list_is_near_what_the_file_will_say() {
    let others =
        |parameters: u64, layers, hidden, feed_forward, heads, kv_heads, head_width, vocabulary, tied| Geometry {
            parameters,
            layers,
            hidden,
            feed_forward,
            heads,
            kv_heads,
            head_width,
            context_tokens: 32_768,
            vocabulary,
            tied_embeddings: tied,
        };
    for (family, geometry) in [
        ("SmolLM2", SMOLLM2),
        ("Llama 3.1", LLAMA_8B),
        ("Llama 3.2", others(1_235_814_400, 16, 2048, 8192, 32, 8, 64, 128_256, true)),
        ("Qwen3", others(596_049_920, 28, 1024, 3072, 16, 8, 128, 151_936, true)),
        ("Qwen3", others(4_022_468_096, 36, 2560, 9728, 32, 8, 128, 151_936, true)),
        ("Mistral", others(7_248_023_552, 32, 4096, 14_336, 32, 8, 128, 32_768, false)),
        ("Phi-3", others(3_821_079_552, 32, 3072, 8192, 32, 32, 96, 32_064, false)),
    ] {
        for format in [Precision::F16, Precision::Q8_0, Precision::Q4K] {
            let model = listed(family, geometry, format, None);
            let bytes = geometry.parameters * if format == Precision::F16 { 2 } else { 1 };
            let bytes = if format == Precision::Q4K { bytes * 49 / 80 } else { bytes * 17 / 16 };
            let load = Load { context_tokens: 4096, slots: 1 };
            let exact = estimate_memory(&variant(format, bytes, geometry), load).total();
            let about = badge(200 * GIBI, &model).needed_bytes;
            assert!(about.abs_diff(exact) <= exact / 6, "{family} {format}: about {about}, exactly {exact}");
        }
    }
}

#[test]
fn every_model_of_the_built_in_list_has_a_badge() {
    for model in &Manifest::parse(LIST).unwrap().models {
        for variant in &model.variants {
            let room = super::super::fit(&machine(200 * GIBI), Listed { model, variant }, &PlanSettings::default());
            assert_eq!(room.fit, Fit::Fits, "{} {}", model.id, variant.format);
            assert!(room.needed_bytes > model.parameters / 4, "{room:?}");
        }
    }
}

#[test]
fn a_family_that_is_not_known_is_promised_nothing() {
    let [known, unknown] = ["Llama 3.1", "Novel"].map(|family| listed(family, LLAMA_8B, Precision::Q4K, None));
    assert!(badge(200 * GIBI, &unknown).needed_bytes >= badge(200 * GIBI, &known).needed_bytes);
}
