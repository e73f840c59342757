use std::{collections::BTreeMap, path::PathBuf, sync::Mutex};

use cortensor_engine::scripted::{Script, ScriptedEngine};
use cortensor_protocol::ArtifactDigest;
use tokio::sync::watch;

use super::*;
use crate::Status;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn numbers(of: &[u32]) -> Vec<NonZeroU32> {
    of.iter().copied().map(number).collect()
}

#[test]
fn more_than_one_number_is_tried_where_the_processor_leaves_a_choice() {
    for ((physical_cores, logical_cores), tried) in [
        ((1, 1), &[1][..]),
        ((2, 2), &[2]),
        ((2, 4), &[4, 2]),
        ((4, 4), &[4, 3]),
        ((6, 12), &[12, 6, 5]),
        ((8, 16), &[16, 8, 7, 4]),
        ((16, 16), &[16, 15, 8]),
        // Not all that the processor has is allowed.
        ((8, 4), &[4, 3]),
    ] {
        let cpu = Cpu { physical_cores, logical_cores, ..Cpu::default() };
        assert_eq!(worth_trying(&cpu), numbers(tried), "{physical_cores} cores, {logical_cores} threads");
    }
}

#[test]
fn the_fewest_of_those_that_are_as_fast_are_the_best() {
    let tried = |rates: &[(u32, f64)]| {
        let one = |(threads, rate): &(u32, f64)| ThreadTrial {
            threads: number(*threads),
            prefill_tokens_per_second: 1.0,
            decode_tokens_per_second: 1.0,
            requests_per_hour: Some(*rate).filter(|rate| *rate > 0.0),
            taken_by_others: None,
        };
        best(&rates.iter().map(one).collect::<Vec<_>>()).map(NonZeroU32::get)
    };
    assert_eq!(tried(&[(16, 100.0), (8, 150.0), (4, 90.0)]), Some(8));
    assert_eq!(tried(&[(16, 100.0), (8, 96.0), (4, 94.0)]), Some(8));
    assert_eq!(tried(&[(2, 100.0), (1, 50.0)]), Some(2));
    assert_eq!(tried(&[(16, 100.0), (8, 0.0)]), Some(16));
    assert_eq!(tried(&[]), None);
}

#[test]
fn the_best_holds_within_what_the_user_allows_and_the_machine_has() {
    for (best, allowed, all, expected) in [
        (None, None, 16, None),
        (Some(8), None, 16, Some(8)),
        (None, Some(4), 16, Some(4)),
        (Some(8), Some(4), 16, Some(4)),
        (Some(3), Some(4), 16, Some(3)),
        (Some(16), None, 8, Some(8)),
    ] {
        let got = least(best.map(number), allowed.map(number), Some(number(all)));
        assert_eq!(got, expected.map(number), "{best:?} {allowed:?} {all}");
    }
}

/// Has every number take as long as it is told.
struct Scripted {
    rates: BTreeMap<u32, f64>,
    tried: Mutex<Vec<u32>>,
}

impl Threads for Scripted {
    fn in_use(&self) -> NonZeroU32 {
        number(16)
    }

    fn measure(&self, trial: Trial, threads: NonZeroU32) -> BoxFuture<'_, Result<Measurement, TrialError>> {
        self.tried.lock().unwrap().push(threads.get());
        let rate = self.rates.get(&threads.get()).copied();
        Box::pin(async move {
            let rate = rate.ok_or_else(|| TrialError::Ended("nothing".to_owned()))?;
            Ok(Measurement {
                artifact: trial.artifact.digest,
                backend: None,
                prefill_tokens_per_second: rate,
                decode_tokens_per_second: rate,
                first_token_ms: 1.0,
                load_seconds: 1.0,
                taken_by_others: None,
                memory_bytes: 1,
                estimated_memory_bytes: 1,
            })
        })
    }
}

fn artifact() -> Artifact {
    let geometry = cortensor_models::Geometry {
        parameters: 1000,
        layers: 1,
        hidden: 8,
        feed_forward: 8,
        heads: 1,
        kv_heads: 1,
        head_width: 8,
        context_tokens: 2048,
        vocabulary: 100,
        tied_embeddings: true,
    };
    Artifact {
        model: ModelId::new("model"),
        precision: Precision::Q8_0,
        path: PathBuf::from("model.gguf"),
        digest: ArtifactDigest::new([1; 32]),
        bytes: 1000,
        geometry,
        tokenizer: PathBuf::from("tokenizer"),
    }
}

async fn settled(machine: &Machine, hardware: &Hardware, what: Measure) -> ThreadsView {
    let artifacts = [artifact()];
    let variants = [cortensor_planner::Variant::from(&artifacts[0])];
    let plan = cortensor_planner::plan(hardware, &variants, &[], &survey::plan_settings(&machine.settings)).unwrap();
    let status = watch::Sender::new(Status::default());
    settle(machine, &status, (hardware, &artifacts, &plan), (what, None), &CancellationToken::new()).await;
    status.borrow().threads.clone().unwrap()
}

#[tokio::test]
async fn what_was_tried_is_kept_and_holds_from_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let rates = BTreeMap::from([(16, 10.0), (8, 20.0), (7, 15.0), (4, 12.0)]);
    let scripted = std::sync::Arc::new(Scripted { rates, tried: Mutex::default() });
    let machine = Machine {
        folders: Folders::at(folder.path()),
        starter_model: PathBuf::new(),
        settings: Settings::default(),
        engine: std::sync::Arc::new(ScriptedEngine::new(Script::saying(&[]))),
        threads: Some(scripted.clone()),
    };
    let mut hardware = Hardware::default();
    (hardware.cpu.physical_cores, hardware.cpu.logical_cores) = (8, 16);
    (hardware.memory.total_bytes, hardware.memory.free_bytes) = (16 << 30, 16 << 30);
    let view = settled(&machine, &hardware, Measure::Missing).await;
    let tried = || scripted.tried.lock().unwrap().clone();
    assert_eq!((view.in_use, view.trials.as_ref().unwrap().best), (number(16), number(8)));
    assert_eq!(tried(), [16, 8, 7, 4]);
    assert_eq!(Kept::read(&machine.folders).unwrap().trials.best, number(8));
    // Once is enough, until it is asked for, or the machine is another one.
    let again = settled(&machine, &hardware, Measure::Missing).await;
    assert_eq!(again.trials.unwrap().best, number(8));
    assert_eq!(tried().len(), 4);
    settled(&machine, &hardware, Measure::All).await;
    assert_eq!(tried().len(), 8);
    hardware.cpu.physical_cores = 6;
    // 6 and 5 threads fail: what was known of the other machine is not said of this one.
    assert_eq!(settled(&machine, &hardware, Measure::Missing).await.trials, None);
    assert_eq!(tried()[8..], [16, 6]);
}
