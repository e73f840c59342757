//! What was scored, kept window by window: a file for each pair of files, text and engine, a line for each window. A run that
//! was stopped goes on behind the last line that is whole.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use cortensor_fidelity::{Statistics, Tally};
use cortensor_planner::{Plan, Variant};
use cortensor_protocol::{ArtifactDigest, Millis, Mode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    files::{FileError, write_bytes},
    lab::{
        bench::ThisMachine,
        report::{FidelityReport, FidelityRow, MeasuredLoss, ReportedFile, TextFacts},
    },
    wall_time,
};

const ENDING: &str = "jsonl";

/// What the lines of a file are about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    reference: Variant,
    other: Variant,
    text: TextFacts,
    engine: String,
}

/// A window's line.
#[derive(Serialize, Deserialize)]
struct Line {
    at: Millis,
    tally: Tally,
}

/// What is known of one precision against the reference.
pub(super) struct Kept {
    path: PathBuf,
    pub(super) head: Head,
    windows: Vec<Tally>,
    at: Millis,
}

impl Head {
    pub(super) fn new(reference: &Variant, other: &Variant, text: &TextFacts, engine: &str) -> Self {
        Self { reference: reference.clone(), other: other.clone(), text: text.clone(), engine: engine.to_owned() }
    }

    /// The same for the same files, text and engine, however much of the text is asked for.
    fn key(&self) -> String {
        let named = [
            self.reference.artifact.to_string(),
            self.other.artifact.to_string(),
            self.text.digest.clone(),
            self.engine.clone(),
        ];
        hex::encode(Sha256::digest(named.join("\n")))
    }
}

impl Kept {
    /// What is known already; nothing if there is no file, or none that can be read.
    pub(super) fn open(folder: &Path, head: Head) -> Result<Self, FileError> {
        let path = folder.join(format!("{}.{ENDING}", head.key()));
        let known = read(&path).inspect_err(|error| tracing::warn!(%error, "measuring again")).ok();
        let kept = match known {
            Some(known) => Self { head, ..known },
            None => Self { path, head, windows: Vec::new(), at: Millis::default() },
        };
        fs::create_dir_all(folder).map_err(|source| FileError::Write { path: folder.to_owned(), source })?;
        kept.write()?;
        Ok(kept)
    }

    /// Windows known.
    pub(super) fn done(&self) -> usize {
        self.windows.len()
    }

    /// Adds the next window.
    pub(super) fn add(&mut self, tally: Tally) -> Result<(), FileError> {
        self.at = wall_time();
        let line = self.line(&tally)?;
        let error = |source| FileError::Write { path: self.path.clone(), source };
        let append = || -> io::Result<()> {
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            file.write_all(&line)?;
            file.sync_data()
        };
        append().map_err(error)?;
        self.windows.push(tally);
        Ok(())
    }

    /// The figures of as many windows as were asked for.
    fn statistics(&self) -> Option<Statistics> {
        let mut all = Tally::default();
        self.windows.iter().take(self.head.text.windows as usize).for_each(|window| all.merge(window.clone()));
        all.statistics()
    }

    /// Writes it anew, without what was broken off.
    fn write(&self) -> Result<(), FileError> {
        let mut bytes = json(&self.path, &self.head)?;
        for tally in &self.windows {
            bytes.extend(self.line(tally)?);
        }
        write_bytes(&self.path, &bytes)
    }

    fn line(&self, tally: &Tally) -> Result<Vec<u8>, FileError> {
        json(&self.path, &Line { at: self.at, tally: tally.clone() })
    }
}

fn json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, FileError> {
    let error = |source: serde_json::Error| FileError::Write { path: path.to_owned(), source: source.into() };
    let mut bytes = serde_json::to_vec(value).map_err(error)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A file as far as it is whole.
fn read(path: &Path) -> Result<Kept, FileError> {
    let error = |source: io::Error| FileError::Read { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(error)?;
    let mut lines = text.lines();
    let head = lines.next().ok_or_else(|| error(io::ErrorKind::UnexpectedEof.into()))?;
    let head = serde_json::from_str(head).map_err(|source| error(source.into()))?;
    let whole: Vec<Line> = lines.map_while(|line| serde_json::from_str(line).ok()).collect();
    let at = whole.last().map(|line| line.at).unwrap_or_default();
    Ok(Kept { path: path.to_owned(), head, windows: whole.into_iter().map(|line| line.tally).collect(), at })
}

/// Every file of the folder, and those that cannot be read.
pub(super) fn read_all(folder: &Path) -> Result<(Vec<Kept>, Vec<PathBuf>), FileError> {
    let error = |source| FileError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
        Err(source) => return Err(error(source)),
    };
    let (mut kept, mut damaged) = (Vec::new(), Vec::new());
    for entry in entries {
        let path = entry.map_err(error)?.path();
        if path.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        match read(&path) {
            Ok(one) => kept.push(one),
            Err(error) => {
                tracing::warn!(%error, "a kept measurement is left out");
                damaged.push(path);
            }
        }
    }
    Ok((kept, damaged))
}

/// What was kept, by reference, text and engine; the newest first.
pub(super) fn reports<'a>(
    kept: impl IntoIterator<Item = &'a Kept>,
    machine: &ThisMachine,
    engine: &str,
) -> Vec<FidelityReport> {
    let mut groups: Vec<Vec<&Kept>> = Vec::new();
    for one in kept.into_iter().filter(|one| one.done() > 0) {
        let same = |group: &&mut Vec<&Kept>| group.first().is_some_and(|first| first.belongs_to(one));
        match groups.iter_mut().find(same) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let mut reports: Vec<_> = groups.iter().filter_map(|group| report(group, machine, engine)).collect();
    reports.sort_by_key(|report| std::cmp::Reverse(report.at));
    reports
}

/// What each file loses, by the newest of its measurements with this engine.
pub(super) fn losses(mut kept: Vec<Kept>, engine: &str) -> Vec<(ArtifactDigest, MeasuredLoss)> {
    kept.sort_by_key(|one| std::cmp::Reverse(one.at));
    let measured = kept.iter().filter(|one| one.head.engine == engine);
    measured.filter_map(|one| Some((one.head.other.artifact, one.loss()?))).collect()
}

impl Kept {
    fn loss(&self) -> Option<MeasuredLoss> {
        let statistics = self.statistics()?;
        Some(MeasuredLoss {
            reference: self.head.reference.precision,
            same_top: statistics.same_top.value,
            divergence: statistics.divergence.value,
            tokens: statistics.tokens,
            words: in_words(&statistics, &self.head.reference),
        })
    }

    fn belongs_to(&self, other: &Self) -> bool {
        let same = |one: &Head| (one.reference.artifact, one.text.digest.clone(), one.engine.clone());
        same(&self.head) == same(&other.head)
    }
}

fn report(group: &[&Kept], machine: &ThisMachine, engine: &str) -> Option<FidelityReport> {
    let newest = group.iter().max_by_key(|one| one.at)?;
    let reference = &newest.head.reference;
    let variants: Vec<Variant> =
        [reference.clone()].into_iter().chain(group.iter().map(|one| one.head.other.clone())).collect();
    let plan = machine.plan(&variants, engine);
    let file = |variant: &Variant| reported(variant, plan.as_ref(), machine.measured(engine, variant.artifact));
    let mut precisions: Vec<FidelityRow> = group
        .iter()
        .filter_map(|one| {
            let statistics = one.statistics()?;
            let windows = u32::try_from(one.done()).unwrap_or(u32::MAX).min(one.head.text.windows);
            Some(FidelityRow {
                file: file(&one.head.other),
                windows,
                whole: windows == one.head.text.windows,
                words: in_words(&statistics, reference),
                statistics,
            })
        })
        .collect();
    precisions.sort_by_key(|row| row.file.precision);
    Some(FidelityReport {
        at: newest.at,
        text: newest.head.text.clone(),
        engine: newest.head.engine.clone(),
        model: reference.model.clone(),
        reference: file(reference),
        precisions,
    })
}

fn reported(variant: &Variant, plan: Option<&Plan>, speed: Option<f64>) -> ReportedFile {
    let chosen = |mode: &Mode| {
        plan.is_some_and(|plan| {
            let choice = match mode {
                Mode::Precision => &plan.precision,
                Mode::Volume => &plan.volume,
            };
            choice.variant.artifact == variant.artifact
        })
    };
    ReportedFile {
        precision: variant.precision,
        artifact: variant.artifact,
        file_bytes: variant.bytes,
        decode_tokens_per_second: speed,
        chosen_for: Mode::ALL.into_iter().filter(chosen).collect(),
    }
}

/// The loss, as a person counts.
fn in_words(statistics: &Statistics, reference: &Variant) -> String {
    let share = statistics.same_top.value;
    let (count, of) = if share > 0.995 && share < 1.0 { (share * 1000.0, 1000) } else { (share * 100.0, 100) };
    format!("picks the same word as {} {count:.0} of {of} times", reference.precision)
}
