//! What broke and how it was mended, kept on this machine: the evidence for whoever looks into it.

use std::time::SystemTime;

use cortensor_node::BreakdownKind;
use cortensor_protocol::{Millis, ModelId, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Folders,
    files::{FileError, read_json, write_json},
};

/// Most that are kept: the newest.
const MOST: usize = 100;

/// A breakdown of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Incident {
    /// When.
    pub at: Millis,
    /// What broke.
    pub kind: BreakdownKind,
    /// What the engine said.
    pub message: String,
    /// What was loaded.
    pub model: Option<ModelId>,
    /// Exact format.
    pub precision: Option<Precision>,
    /// Most tokens of prompt and answer together.
    pub context_tokens: Option<u32>,
    /// What was done about it.
    pub repair: Repair,
}

/// What was done about a breakdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The model was loaded again.
    LoadedAgain,
    /// The model was loaded again with half the context.
    LoadedSmaller,
    /// Nothing, until the user resumes: it was too often.
    GivenUp,
}

impl Incident {
    /// For people.
    pub fn words(&self) -> String {
        let what = match self.kind {
            BreakdownKind::Failed => "the engine failed",
            BreakdownKind::OutOfMemory => "the engine ran out of memory",
            BreakdownKind::Hung => "the engine hung",
        };
        let done = match self.repair {
            Repair::LoadedAgain => "the model was loaded again",
            Repair::LoadedSmaller => "the model was loaded again with half the context",
            Repair::GivenUp => "the miner paused, since that did not help",
        };
        format!("{what}, and {done}: {}", self.message)
    }
}

/// What was kept, the oldest first.
pub fn incidents(folders: &Folders) -> Result<Vec<Incident>, FileError> {
    Ok(read_json(&folders.incidents())?.unwrap_or_default())
}

/// Keeps one more. What cannot be read is begun anew: it is no reason to lose this one.
pub(crate) fn keep(folders: &Folders, incident: &Incident) -> Result<(), FileError> {
    let mut kept = incidents(folders).unwrap_or_default();
    kept.push(incident.clone());
    let newest = kept.len().saturating_sub(MOST);
    write_json(&folders.incidents(), &kept.split_off(newest))
}

pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_incidents_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().to_owned());
        let incident = |number| Incident {
            at: Millis(number),
            kind: BreakdownKind::Hung,
            message: "x".to_owned(),
            model: None,
            precision: Some(Precision::Q8_0),
            context_tokens: Some(512),
            repair: Repair::LoadedAgain,
        };
        assert_eq!(incidents(&folders).unwrap(), []);
        (0..103).for_each(|number| keep(&folders, &incident(number)).unwrap());
        let kept = incidents(&folders).unwrap();
        assert_eq!((kept.len(), kept[0].at, kept[99].clone()), (100, Millis(3), incident(102)));
        std::fs::write(folders.incidents(), "{").unwrap();
        assert!(incidents(&folders).is_err());
        keep(&folders, &incident(7)).unwrap();
        assert_eq!(incidents(&folders).unwrap(), [incident(7)]);
    }
}
