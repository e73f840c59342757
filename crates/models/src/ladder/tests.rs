use std::cell::{Cell, RefCell};

use candle_core::quantized::{GgmlDType, gguf_file::Value};

use super::*;
use crate::{gguf::Gguf, synthetic};

/// A tiny download and the folder of its ladder.
struct Place {
    _root: tempfile::TempDir,
    source: PathBuf,
    folder: PathBuf,
    model: StarterModel,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let source = root.path().join("tiny.Q4_1.gguf");
        synthetic::write(&source, &synthetic::metadata("smollm"));
        let model = synthetic::model(&source);
        Self { source, folder: root.path().join("ladder"), model, _root: root }
    }

    /// Prepares and tells the steps that were taken, each once.
    fn prepare_until(
        &self,
        stop: impl Fn(LadderStep) -> bool,
    ) -> (Result<Vec<Artifact>, LadderError>, Vec<LadderStep>) {
        let stopped = Cell::new(false);
        let seen = RefCell::new(Vec::<LadderProgress>::new());
        let mut progress = |progress: LadderProgress| {
            stopped.set(stopped.get() || stop(progress.step));
            seen.borrow_mut().push(progress);
        };
        let result = prepare_ladder(&self.source, &self.folder, &self.model, &mut progress, &|| stopped.get());
        let seen = seen.into_inner();
        assert!(seen.is_sorted_by(|left, right| left.done <= right.done), "progress never goes back: {seen:?}");
        let mut steps: Vec<_> = seen.into_iter().map(|progress| progress.step).collect();
        steps.dedup();
        (result, steps)
    }

    fn prepare(&self) -> (Vec<Artifact>, Vec<LadderStep>) {
        let (result, steps) = self.prepare_until(|_| false);
        (result.unwrap(), steps)
    }

    fn file(&self, precision: Precision) -> PathBuf {
        self.folder.join(format!("tiny.{precision}.gguf"))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn derived(steps: &[LadderStep]) -> Vec<Precision> {
    let derived = |step: &LadderStep| match step {
        LadderStep::Deriving(precision) => Some(*precision),
        _ => None,
    };
    steps.iter().filter_map(derived).collect()
}

const WHOLE: [&str; 6] =
    ["ladder.json", "ladder.lock", "tiny.F16.gguf", "tiny.Q4_0.gguf", "tiny.Q8_0.gguf", "tokenizer"];

#[test]
fn a_ladder_has_every_precision_with_its_digest_and_the_models_metadata() {
    let place = Place::new();
    let (artifacts, steps) = place.prepare();
    assert_eq!(derived(&steps), place.model.ladder);
    assert_eq!(place.names(), WHOLE);
    for (artifact, file_type) in artifacts.iter().zip([1, 7, 2]) {
        let gguf = Gguf::open(&artifact.path).unwrap();
        assert_eq!(gguf.precision().unwrap(), artifact.precision);
        assert_eq!(gguf.geometry().unwrap(), artifact.geometry);
        assert_eq!(gguf.tokenizer().unwrap().tokens.len(), 32);
        assert!(matches!(gguf.content().metadata["general.file_type"], Value::U32(found) if found == file_type));
        let is_quantized = gguf.content().metadata.contains_key("general.quantization_version");
        assert_eq!(is_quantized, artifact.precision != Precision::F16);
        assert_eq!(crate::sha256_file(&artifact.path, &mut |_| ()).unwrap(), artifact.digest);
        assert_eq!(artifact.path.metadata().unwrap().len(), artifact.bytes);
        crate::Tokenizer::open(&artifact.tokenizer).unwrap();
    }
}

#[test]
fn norms_stay_full_and_embeddings_keep_eight_bits_in_the_smallest_file() {
    let place = Place::new();
    let (artifacts, _) = place.prepare();
    let format =
        |index: usize, name: &str| Gguf::open(&artifacts[index].path).unwrap().content().tensor_infos[name].ggml_dtype;
    let expected = [
        (0, [GgmlDType::F16, GgmlDType::F32, GgmlDType::F16]),
        (1, [GgmlDType::Q8_0, GgmlDType::F32, GgmlDType::Q8_0]),
        (2, [GgmlDType::Q8_0, GgmlDType::F32, GgmlDType::Q4_0]),
    ];
    for (index, formats) in expected {
        let names = ["token_embd.weight", "blk.0.attn_norm.weight", "blk.0.ffn_down.weight"];
        assert_eq!(names.map(|name| format(index, name)), formats);
    }
}

#[test]
fn the_same_download_gives_the_same_digests() {
    let digests = |place: &Place| place.prepare().0.into_iter().map(|artifact| artifact.digest).collect::<Vec<_>>();
    assert_eq!(digests(&Place::new()), digests(&Place::new()));
}

#[test]
fn a_second_start_makes_nothing() {
    let place = Place::new();
    let (first, _) = place.prepare();
    let (second, steps) = place.prepare();
    assert_eq!(first, second);
    assert_eq!(steps, [LadderStep::Checking]);
}

#[test]
fn a_stop_in_the_middle_keeps_what_is_finished_and_leaves_no_part() {
    let place = Place::new();
    let (result, _) = place.prepare_until(|step| step == LadderStep::Deriving(Precision::Q8_0));
    assert!(matches!(result, Err(LadderError::Cancelled)), "{result:?}");
    assert_eq!(place.names(), ["ladder.json", "ladder.lock", "tiny.F16.gguf", "tokenizer"]);
    let (_, steps) = place.prepare();
    assert_eq!(derived(&steps), [Precision::Q8_0, Precision::Q4_0]);
}

#[test]
fn what_a_killed_process_left_is_removed() {
    let place = Place::new();
    place.prepare_until(|step| step == LadderStep::Deriving(Precision::Q8_0)).0.unwrap_err();
    fs::write(place.folder.join("tiny.Q8_0.gguf.partial"), "half").unwrap();
    fs::write(place.folder.join("ladder.json.partial"), "{").unwrap();
    // Renamed into place, but killed before it was recorded.
    fs::write(place.file(Precision::Q4_0), "unknown").unwrap();
    let (_, steps) = place.prepare();
    assert_eq!(derived(&steps), [Precision::Q8_0, Precision::Q4_0]);
    assert_eq!(place.names(), WHOLE);
}

#[test]
fn a_swapped_or_truncated_file_is_made_anew_and_this_is_told() {
    let place = Place::new();
    let (first, _) = place.prepare();
    let mut swapped = fs::read(place.file(Precision::Q8_0)).unwrap();
    *swapped.last_mut().unwrap() ^= 1;
    fs::write(place.file(Precision::Q8_0), swapped).unwrap();
    fs::write(place.file(Precision::Q4_0), "short").unwrap();
    let (second, steps) = place.prepare();
    assert_eq!(first, second);
    assert_eq!(derived(&steps), [Precision::Q8_0, Precision::Q4_0]);
    for precision in derived(&steps) {
        assert!(steps.contains(&LadderStep::Repairing(precision)), "{steps:?}");
    }
}

#[test]
fn of_a_ladder_that_was_deleted_whole_the_smallest_comes_back() {
    let place = Place::new();
    let (first, _) = place.prepare();
    for precision in place.model.ladder.clone() {
        remove(&place.folder, &file_name(&place.model.model, precision)).unwrap().unwrap();
    }
    let smallest = &first[first.len() - 1..];
    assert_eq!(place.prepare().0, smallest);
    assert_eq!(place.prepare(), (smallest.to_vec(), vec![LadderStep::Checking]));
    // A kill between the record and the file leaves one that nobody wants.
    fs::write(place.file(Precision::F16), "left").unwrap();
    place.prepare();
    assert!(!place.file(Precision::F16).exists());
}

#[test]
fn a_file_that_was_only_copied_is_read_again_and_kept() {
    let place = Place::new();
    place.prepare();
    let content = fs::read(place.file(Precision::F16)).unwrap();
    fs::remove_file(place.file(Precision::F16)).unwrap();
    fs::write(place.file(Precision::F16), content).unwrap();
    assert_eq!(derived(&place.prepare().1), []);
}

#[test]
fn a_lost_tokenizer_is_written_again() {
    let place = Place::new();
    let (artifacts, _) = place.prepare();
    fs::remove_file(place.folder.join(TOKENIZER_FILES[0])).unwrap();
    assert_eq!(place.prepare().1, [LadderStep::Checking, LadderStep::Tokenizer, LadderStep::Checking]);
    crate::Tokenizer::open(&artifacts[0].tokenizer).unwrap();
}

#[test]
fn a_damaged_record_means_that_nothing_is_known() {
    let place = Place::new();
    let (first, _) = place.prepare();
    fs::write(record_path(&place.folder), "{").unwrap();
    let (second, steps) = place.prepare();
    assert_eq!((derived(&steps), second), (place.model.ladder.clone(), first));
}

#[test]
fn a_damaged_download_is_an_error_that_says_what_to_do() {
    let place = Place::new();
    let whole = fs::read(&place.source).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let cases = [(&whole[..whole.len() / 2], "bytes where"), (&changed[..], "SHA-256 is")];
    for (content, expected) in cases {
        fs::write(&place.source, content).unwrap();
        let message = place.prepare_until(|_| false).0.unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("delete it and run `./dev run` again"), "{message}");
    }
    fs::remove_file(&place.source).unwrap();
    assert!(matches!(place.prepare_until(|_| false).0, Err(LadderError::Source { .. })));
}

#[test]
fn a_full_disk_is_told_before_anything_is_written() {
    let place = Place::new();
    let mut watch = Watch { progress: &mut |_| (), cancelled: &|| false, done: 0.0 };
    let result = prepare(&place.source, &place.folder, &place.model, &|_| Ok(1000), &mut watch);
    let message = result.unwrap_err().to_string();
    assert!(message.contains("has 1000;") && message.contains("choose another data folder"), "{message}");
    assert_eq!(place.names(), ["ladder.json", "ladder.lock", "tokenizer"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_on_the_way_leaves_no_part() {
    let place = Place::new();
    fs::create_dir_all(&place.folder).unwrap();
    let full = place.folder.join("tiny.F16.gguf.partial");
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    let gguf = Gguf::open(&place.source).unwrap();
    let target = place.file(Precision::F16);
    let result = derive::derive(from_ref(&gguf), Precision::F16, &target, &mut |_, _| Ok(()));
    let Err(LadderError::Write { source, .. }) = result else { panic!("{result:?}") };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert_eq!(place.names(), [] as [&str; 0]);
}

#[test]
fn one_process_at_a_time_works_in_a_folder() {
    let place = Place::new();
    fs::create_dir_all(&place.folder).unwrap();
    let held = File::create(place.folder.join(LOCK_FILE)).unwrap();
    held.lock().unwrap();
    let held = Cell::new(Some(held));
    let (result, steps) = place.prepare_until(|step| {
        if step == LadderStep::Waiting {
            drop(held.take());
        }
        false
    });
    assert!(result.is_ok() && steps[0] == LadderStep::Waiting, "{steps:?}");
}

#[test]
fn a_file_made_in_pieces_is_byte_by_byte_what_candle_writes_of_whole_tensors() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let mut metadata = synthetic::metadata("smollm");
    metadata.push(("z.numbers", Value::Array(vec![Value::F32(1.5), Value::F32(-2.0)])));
    metadata.push(("z.nothing", Value::Array(Vec::new())));
    metadata.push(("z.other", Value::I64(-7)));
    // More values than one piece has, in rows that do not divide it.
    let shape = [1100, 768];
    synthetic::write_tensors(&path("source"), &metadata, &[("blk.0.ffn_up.weight", &shape, GgmlDType::F16)]);
    let source = Gguf::open(&path("source")).unwrap();
    for (precision, kind) in
        [(Precision::Q4K, GgmlDType::Q4K), (Precision::Q8_0, GgmlDType::Q8_0), (Precision::F32, GgmlDType::F32)]
    {
        derive::derive(from_ref(&source), precision, &path("made"), &mut |_, _| Ok(())).unwrap();
        let info = &source.content().tensor_infos["blk.0.ffn_up.weight"];
        let mut file = File::open(path("source")).unwrap();
        let device = candle_core::Device::Cpu;
        let whole = info.read(&mut file, source.content().tensor_data_offset, &device).unwrap();
        let whole = derive::quantized(&whole.dequantize(&device).unwrap(), shape[1], kind).unwrap();
        let metadata = recipe::metadata(&source, precision);
        let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
        let mut expected = File::create(path("expected")).unwrap();
        candle_core::quantized::gguf_file::write(&mut expected, &metadata, &[("blk.0.ffn_up.weight", &whole)]).unwrap();
        assert!(fs::read(path("made")).unwrap() == fs::read(path("expected")).unwrap(), "{precision}");
    }
}
