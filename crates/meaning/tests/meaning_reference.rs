//! The model against numbers of another implementation.
//!
//! The numbers were made with scripts/meaning-fixture.py: word pieces, BERT, mean and unit length written in numpy in 64-bit
//! arithmetic after the papers, which shares no code with candle or the tokenizers crate.

#![expect(clippy::unreadable_literal, reason = "as the fixture prints them")]

use std::path::PathBuf;

use cortensor_fidelity::{Nearness, nearness};
use cortensor_meaning::{MeaningError, MeaningModel, median_similarities};

fn folder() -> PathBuf {
    let path = std::env::var_os("CORTENSOR_MEANING_MODEL");
    PathBuf::from(path.expect("set CORTENSOR_MEANING_MODEL to the folder of all-MiniLM-L6-v2 (`./dev test` does)"))
}

#[test]
fn embeddings_are_those_of_another_implementation() {
    let long = ["word"; 400].join(" ");
    let cases: [(&str, [f32; 4]); 6] = [
        ("The cat sits on the mat.", [0.134177, -0.0329, -0.024804, 0.041439]),
        ("A cat is sitting on a rug.", [0.10013, -0.019275, 0.017466, 0.055746]),
        ("Stock markets fell sharply on Tuesday.", [0.031866, -0.049272, 0.073079, 0.070805]),
        ("Café déjà vu: 3.14 unbelievableness!", [-0.079966, 0.019075, 0.073352, 0.016005]),
        ("", [-0.118838, 0.048299, -0.002548, -0.011011]),
        (&long, [-0.008124, -0.095586, -0.038673, 0.049662]),
    ];
    let similarities_to_the_first = [1.0, 0.76888, 0.03678, -0.00237, -0.00476, 0.07676];
    let texts = cases.map(|(text, _)| text);
    let embeddings = MeaningModel::open(&folder()).unwrap().embed(&texts).unwrap();
    for (((text, expected), embedding), similarity) in cases.iter().zip(&embeddings).zip(similarities_to_the_first) {
        assert_eq!(embedding.as_slice().len(), 384);
        for (number, expected) in embedding.as_slice().iter().zip(expected) {
            assert!((number - expected).abs() < 2e-5, "{text}: {number} and {expected}");
        }
        let seen = embeddings[0].similarity(embedding);
        assert!((seen - similarity).abs() < 2e-5, "{text}: {seen} and {similarity}");
        assert!(embedding.distance(embedding).abs() < 1e-5);
    }
}

#[test]
fn an_answer_about_something_else_lies_apart_and_the_same_in_other_words_does_not() {
    let model = MeaningModel::open(&folder()).unwrap();
    let same = [
        "The capital of France is Paris.",
        "Paris is the capital of France.",
        "The capital city of France is Paris.",
        "France's capital is Paris.",
    ];
    // The one figure that the network names, as an example.
    let seen = |texts: &[&str]| nearness(&median_similarities(&model.embed(texts).unwrap()), 0.85);
    assert_eq!(seen(&same), [Nearness::Near; 4]);
    let other = [&same[..], &["Bananas are rich in potassium."]].concat();
    assert_eq!(seen(&other), [&[Nearness::Near; 4][..], &[Nearness::Apart]].concat());
}

#[test]
fn a_folder_without_the_model_says_what_to_do() {
    let folder = std::env::temp_dir().join("no-embedding-model-here");
    let error = MeaningModel::open(&folder).err().unwrap();
    assert!(matches!(error, MeaningError::Read { .. }));
    assert!(error.to_string().contains("./dev"), "{error}");
}
