//! Comparisons that were kept: a file each, in two lines. The first is what a list shows, so that a list reads little; the
//! second is the comparison.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::task::spawn_blocking;

use super::{
    compare::short,
    comparison::{Comparison, ComparisonEntry, ComparisonHistory, ComparisonId},
    side::ComparisonSide,
};
use crate::{
    Failure, FailureCode, Folders,
    files::{FileError, write_bytes},
};

/// As many are kept; of more, the oldest goes.
const MOST: usize = 200;
const ENDING: &str = "jsonl";

/// Everything that was kept, newest first.
pub(super) async fn list(folders: &Folders) -> Result<ComparisonHistory, Failure> {
    let folder = folders.comparisons();
    blocking(move || {
        let mut history = ComparisonHistory { most: u32::try_from(MOST).unwrap_or(u32::MAX), ..Default::default() };
        for path in files(&folder)?.into_iter().rev() {
            match first_line::<ComparisonEntry>(&path) {
                Ok(entry) => history.entries.push(entry),
                Err(error) => {
                    tracing::warn!(%error, "a kept comparison is left out");
                    history.damaged.push(path);
                }
            }
        }
        Ok(history)
    })
    .await
}

/// One that was kept.
pub(super) async fn read(folders: &Folders, id: ComparisonId) -> Result<Comparison, Failure> {
    let path = path(folders, id);
    blocking(move || parse(&path)).await
}

/// Writes a comparison down, and lets the oldest go if there are too many.
pub(super) async fn keep(folders: &Folders, comparison: &Comparison) -> Result<(), Failure> {
    let (folder, comparison) = (folders.comparisons(), comparison.clone());
    blocking(move || {
        fs::create_dir_all(&folder).map_err(|source| FileError::Write { path: folder.clone(), source })?;
        write(&folder, &comparison)?;
        let kept = files(&folder)?;
        for oldest in kept.iter().take(kept.len().saturating_sub(MOST)) {
            fs::remove_file(oldest).map_err(|source| FileError::Write { path: oldest.clone(), source })?;
        }
        Ok(())
    })
    .await
}

/// Gives one another name; answers with it.
pub(super) async fn rename(folders: &Folders, id: ComparisonId, name: &str) -> Result<String, Failure> {
    let name = short(name);
    if name.is_empty() {
        return Err(Failure::new(
            FailureCode::Request,
            "the name is empty; write one, or leave it as it is".to_owned(),
        ));
    }
    let (folder, path, renamed) = (folders.comparisons(), path(folders, id), name.clone());
    blocking(move || write(&folder, &Comparison { name: renamed, ..parse(&path)? })).await?;
    Ok(name)
}

/// Forgets one.
pub(super) async fn delete(folders: &Folders, id: ComparisonId) -> Result<(), Failure> {
    let path = path(folders, id);
    blocking(move || fs::remove_file(&path).map_err(|source| FileError::Write { path, source })).await
}

fn path(folders: &Folders, id: ComparisonId) -> PathBuf {
    folders.comparisons().join(format!("{id}.{ENDING}"))
}

/// By age: ids are in the order of their making.
fn files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let error = |source| FileError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(error(source)),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>().map_err(error)?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
    paths.sort_unstable();
    Ok(paths)
}

fn parse(path: &Path) -> Result<Comparison, FileError> {
    let error = |source| FileError::Read { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(error)?;
    let line = text.lines().nth(1).ok_or_else(|| error(std::io::ErrorKind::UnexpectedEof.into()))?;
    serde_json::from_str(line).map_err(|source| error(source.into()))
}

fn first_line<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let error = |source| FileError::Read { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(error)?;
    let mut line = String::new();
    BufReader::new(file).read_line(&mut line).map_err(error)?;
    serde_json::from_str(&line).map_err(|source| error(source.into()))
}

fn write(folder: &Path, comparison: &Comparison) -> Result<(), FileError> {
    let Some(entry) = entry(comparison) else { return Ok(()) };
    let path = folder.join(format!("{}.{ENDING}", entry.id));
    let line = |bytes: Result<Vec<u8>, serde_json::Error>| {
        bytes.map_err(|source| FileError::Write { path: path.clone(), source: source.into() })
    };
    let lines = [line(json(&entry))?, line(json(comparison))?, Vec::new()];
    write_bytes(&path, &lines.join(&b'\n'))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(value)
}

/// What a list shows; nothing of a comparison that never began.
fn entry(comparison: &Comparison) -> Option<ComparisonEntry> {
    Some(ComparisonEntry {
        id: comparison.id?,
        name: comparison.name.clone(),
        prompt: short(&comparison.request.as_ref()?.prompt),
        started_at: comparison.started_at?,
        sides: comparison.sides.iter().map(ComparisonSide::title).collect(),
        phase: comparison.phase,
        first_divergence: comparison.first_divergence,
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, Failure> {
    let done = spawn_blocking(work).await.map_err(|error| Failure::of(FailureCode::File, &error))?;
    done.map_err(|error| Failure::of(FailureCode::File, &error))
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::Millis;

    use super::*;
    use crate::lab::comparison::{ComparisonRequest, SamplingChoice};

    fn comparison(name: &str) -> Comparison {
        let sampling = SamplingChoice { temperature: 0.0, top_p: None, max_tokens: 8 };
        let request = ComparisonRequest {
            prompt: "why?".to_owned(),
            system: None,
            sides: Vec::new(),
            sampling,
            in_turn: false,
            name: None,
        };
        Comparison {
            id: Some(ComparisonId::new()),
            name: name.to_owned(),
            started_at: Some(Millis(1)),
            request: Some(request),
            ..Comparison::default()
        }
    }

    async fn names(folders: &Folders) -> Vec<String> {
        list(folders).await.unwrap().entries.into_iter().map(|entry| entry.name).collect()
    }

    #[tokio::test]
    async fn what_is_kept_comes_back_newest_first_and_can_be_renamed_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        assert!(names(&folders).await.is_empty());
        let (first, second) = (comparison("first"), comparison("second"));
        for one in [&first, &second] {
            keep(&folders, one).await.unwrap();
        }
        assert_eq!(names(&folders).await, ["second", "first"]);
        assert_eq!(read(&folders, first.id.unwrap()).await.unwrap(), first);
        assert_eq!(rename(&folders, first.id.unwrap(), " the\nfirst ").await.unwrap(), "the first");
        assert_eq!(names(&folders).await, ["second", "the first"]);
        assert_eq!(rename(&folders, first.id.unwrap(), "  ").await.unwrap_err().code, FailureCode::Request);
        delete(&folders, second.id.unwrap()).await.unwrap();
        assert_eq!(names(&folders).await, ["the first"]);
        assert!(read(&folders, second.id.unwrap()).await.is_err());
    }

    #[tokio::test]
    async fn a_damaged_file_is_left_out_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        keep(&folders, &comparison("whole")).await.unwrap();
        let damaged = folders.comparisons().join(format!("{}.{ENDING}", ComparisonId::new()));
        fs::write(&damaged, "{\"id\": 3").unwrap();
        let history = list(&folders).await.unwrap();
        assert_eq!((history.entries.len(), history.damaged), (1, vec![damaged]));
    }

    #[tokio::test]
    async fn of_too_many_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        for number in 0..MOST + 2 {
            keep(&folders, &comparison(&number.to_string())).await.unwrap();
        }
        let names = names(&folders).await;
        assert_eq!((names.len(), names.last().unwrap().as_str()), (MOST, "2"));
    }
}
