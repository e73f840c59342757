//! Numbers of threads, each tried by the real engine in a process of its own, and the best of them held by the next start.
//!
//! Needs `CORTENSOR_STARTER_MODEL`; `./dev test` sets it.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

/// What `cortensor bench` reports, and what it said meanwhile.
fn bench(data: &Path, arguments: &[&str]) -> (Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cortensor"));
    // What the machine that tests has there is not what a user has.
    command.arg("--data").arg(data).args(["--json", "bench"]).args(arguments).env_remove("RAYON_NUM_THREADS");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

#[test]
fn what_was_tried_and_what_the_user_allows_hold_from_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (first, said) = bench(folder.path(), &["--threads", "2,1"]);
    let threads = &first["threads"];
    let tried = threads["trials"]["trials"].as_array().unwrap_or_else(|| panic!("nothing was tried: {said}"));
    let numbers: Vec<&Value> = tried.iter().map(|one| &one["threads"]).collect();
    assert_eq!(numbers, [2, 1]);
    for one in tried {
        let speeds = [&one["prefill_tokens_per_second"], &one["decode_tokens_per_second"], &one["requests_per_hour"]];
        assert!(speeds.into_iter().all(|speed| speed.as_f64().unwrap() > 0.0), "{one}");
    }
    let best = &threads["trials"]["best"];
    assert!(numbers.contains(&best), "{threads}");
    let kept: Value = serde_json::from_slice(&fs::read(folder.path().join("threads.json")).unwrap()).unwrap();
    assert_eq!(&kept["trials"]["best"], best);
    let next = &threads["from_next_start"];
    assert!(if best == &threads["in_use"] { next.is_null() } else { next == best }, "{threads}");

    // A core that the user keeps is not computed with.
    fs::write(folder.path().join("settings.toml"), "[hardware]\ncpu_cores = 1\n").unwrap();
    let (second, said) = bench(folder.path(), &[]);
    assert_eq!(second["threads"]["in_use"], 1, "{said}");
    assert_eq!(second["threads"]["trials"], Value::Null);
}

#[test]
fn a_number_of_threads_that_is_none_is_refused_in_words() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cortensor"));
    let output = command.args(["bench", "--threads", "2,0"]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--threads") && said.contains('0'), "{said}");
}
