use candle_core::quantized::GgmlDType;

use super::*;
use crate::synthetic;

struct Place {
    root: tempfile::TempDir,
    inventory: Inventory,
}

/// A model `tiny` in `F16` that is imported, with rows that fit K-quants, that fit blocks of 32, and that fit neither.
fn place() -> Place {
    let root = tempfile::tempdir().unwrap();
    let place = Place { inventory: Inventory::at(root.path().join("models")), root };
    let metadata = synthetic::metadata("smollm");
    synthetic::write_tensors(&place.root.path().join("tiny.gguf"), &metadata, &TENSORS);
    place.import("tiny.gguf");
    place
}

const TENSORS: [synthetic::Shaped<'static>; 5] = [
    ("token_embd.weight", &[32, 256], GgmlDType::F16),
    ("blk.0.attn_norm.weight", &[256], GgmlDType::F32),
    ("blk.0.attn_q.weight", &[300, 1024], GgmlDType::F16),
    ("blk.0.ffn_down.weight", &[256, 96], GgmlDType::F16),
    ("blk.0.ffn_up.weight", &[6, 20], GgmlDType::F16),
];

impl Place {
    fn import(&self, name: &str) {
        self.inventory.import(&self.root.path().join(name), &list(&serde_json::json!([])), &mut |_| true).unwrap();
    }

    fn make(&self, id: &str, format: Precision) -> Result<Made, LadderError> {
        self.make_listed(&list(&serde_json::json!([])), id, format)
    }

    fn make_listed(&self, list: &Manifest, id: &str, format: Precision) -> Result<Made, LadderError> {
        make(&self.inventory, list, &ModelId::new(id), format, &mut |_| (), &|| false)
    }
}

/// A list whose one model has these variants.
fn list(variants: &serde_json::Value) -> Manifest {
    let list = serde_json::json!({ "layout": 1, "version": 1, "expires": "2100-01-01T00:00:00Z", "models": [{
        "id": "tiny", "name": "Tiny", "family": "T", "parameters": 1, "layers": 1, "heads": 1, "kv_heads": 1,
        "context": 1, "licence": "MIT", "variants": variants }] });
    Manifest::parse(&serde_json::to_vec(&list).unwrap()).unwrap()
}

#[test]
fn fewer_bits_are_made_of_any_model_noted_and_not_made_twice() {
    let place = place();
    let made = place.make("local-tiny", Precision::Q8_0).unwrap();
    assert_eq!((made.from, made.model.origin, made.model.format), (Precision::F16, Origin::Made, Precision::Q8_0));
    assert_eq!(place.inventory.find(&made.model.id, Precision::Q8_0).unwrap(), Some(made.model.clone()));
    assert_eq!(Gguf::open(&made.model.files[0].path).unwrap().precision().unwrap(), Precision::Q8_0);
    assert_eq!(place.make("local-tiny", Precision::Q8_0).unwrap().model, made.model);
    let again = self::place().make("local-tiny", Precision::Q8_0).unwrap();
    assert_eq!(again.model.files[0].sha256, made.model.files[0].sha256);
    assert_eq!(place.inventory.remove(&made.model.id, Precision::Q8_0).unwrap(), made.model.bytes());
    assert!(!made.model.files[0].path.exists());
}

#[test]
fn weights_whose_rows_do_not_fit_fall_back_to_the_next_finer_format_and_this_is_told() {
    let place = place();
    let cases = [
        (Precision::Q6K, Precision::Q8_0),
        (Precision::Q5K, Precision::Q5_1),
        (Precision::Q4K, Precision::Q5_0),
        (Precision::Q3K, Precision::Q4_0),
        (Precision::Q2K, Precision::Q4_0),
    ];
    for (wanted, used) in cases {
        let made = place.make("local-tiny", wanted).unwrap();
        let fallback = |tensor: &str, row, used| Fallback { tensor: tensor.to_owned(), row, wanted, used };
        let expected =
            [fallback("blk.0.ffn_down.weight", 96, used), fallback("blk.0.ffn_up.weight", 20, Precision::F16)];
        assert_eq!(made.fallbacks, expected, "{wanted}");
        let gguf = Gguf::open(&made.model.files[0].path).unwrap();
        assert_eq!((gguf.precision().unwrap(), made.model.format), (wanted, wanted));
    }
    assert_eq!(place.make("local-tiny", Precision::Q4_0).unwrap().fallbacks.len(), 1);
}

#[test]
fn nothing_is_made_that_would_pose_as_more_exact_than_it_is() {
    let place = place();
    for format in [Precision::F32, Precision::Bf16] {
        assert!(matches!(
            place.make("local-tiny", format),
            Err(LadderError::NotMoreExact { best: Precision::F16, .. })
        ));
    }
    let none = place.make("local-other", Precision::Q8_0);
    assert!(matches!(none, Err(LadderError::NothingToMakeFrom { .. })), "{none:?}");
    // Made from what was made, where nothing better is left.
    place.make("local-tiny", Precision::Q8_0).unwrap();
    place.inventory.remove(&ModelId::new("local-tiny"), Precision::F16).unwrap();
    assert_eq!(place.make("local-tiny", Precision::Q4_0).unwrap().from, Precision::Q8_0);
    assert!(matches!(place.make("local-tiny", Precision::F16), Err(LadderError::NotMoreExact { .. })));
}

#[test]
fn a_listed_name_is_only_for_what_the_list_says_comes_of_the_listed_file() {
    let place = place();
    let source = place.inventory.held().unwrap()[0].files[0].sha256;
    let digest = place.make("local-tiny", Precision::Q8_0).unwrap().model.files[0].sha256;
    let variant = |made_from: Option<&str>, digest: ArtifactDigest| {
        serde_json::json!([
            { "format": "F16", "files": [{ "name": "tiny.gguf", "sha256": source }] },
            { "format": "Q8_0", "made_from": made_from, "files": [{ "name": "tiny.Q8_0.gguf", "sha256": digest }] },
        ])
    };
    let good = list(&variant(Some("F16"), digest));
    place.inventory.import(&place.root.path().join("tiny.gguf"), &good, &mut |_| true).unwrap();
    let wrong = list(&variant(Some("F16"), source));
    let refused = place.make_listed(&wrong, "tiny", Precision::Q8_0);
    assert!(matches!(refused, Err(LadderError::MadeOtherwise { .. })), "{refused:?}");
    assert!(!place.inventory.place(&ModelId::new("tiny"), Precision::Q8_0).join("tiny.Q8_0.gguf").exists());
    let ids = [(&good, Precision::Q8_0), (&good, Precision::Q4_0), (&list(&variant(None, digest)), Precision::Q4_1)]
        .map(|(list, format)| place.make_listed(list, "tiny", format).unwrap().model.id);
    assert_eq!(ids, ["tiny", "local-tiny", "local-tiny"].map(ModelId::new));
}

#[test]
fn a_split_model_gives_the_same_weights_as_a_whole_one() {
    let place = place();
    let metadata = synthetic::metadata("smollm");
    for (name, tensors) in [("two-00001-of-00002.gguf", &TENSORS[..2]), ("two-00002-of-00002.gguf", &TENSORS[2..])] {
        let number = candle_core::quantized::gguf_file::Value::U16(2);
        let metadata: Vec<_> = metadata.iter().cloned().chain([("split.count", number)]).collect();
        synthetic::write_tensors(&place.root.path().join(name), &metadata, tensors);
    }
    place.import("two-00001-of-00002.gguf");
    let [two, one] = ["local-two", "local-tiny"].map(|id| place.make(id, Precision::Q4K).unwrap().model.files);
    assert_eq!(two[0].sha256, one[0].sha256);
}

#[test]
fn a_full_disk_is_told_before_and_a_stop_leaves_no_part() {
    let place = place();
    let (id, format) = (ModelId::new("local-tiny"), Precision::Q8_0);
    let source = place.inventory.held().unwrap().remove(0);
    let making = Making { inventory: &place.inventory, id: id.clone(), format, source, expected: None };
    let mut watch = Watch { progress: &mut |_| (), cancelled: &|| false, done: 0.0 };
    assert!(matches!(making.run(&|_| Ok(1000), &mut watch), Err(LadderError::Space { free: 1000, .. })));
    let steps = std::cell::Cell::new(0);
    let stop = || {
        steps.set(steps.get() + 1);
        steps.get() > 3
    };
    let stopped = make(&place.inventory, &list(&serde_json::json!([])), &id, format, &mut |_| (), &stop);
    assert!(matches!(stopped, Err(LadderError::Cancelled)), "{stopped:?}");
    assert_eq!(fs::read_dir(place.inventory.place(&id, format)).unwrap().count(), 0);
    assert_eq!(place.inventory.find(&id, format).unwrap(), None);
}
