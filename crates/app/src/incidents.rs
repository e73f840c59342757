//! What broke and how it was mended, kept on this machine: the evidence for whoever looks into it.

use cortensor_node::BreakdownKind;
use cortensor_planner::{Choice, Load};
use cortensor_protocol::{Millis, ModelId, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Folders,
    files::{FileError, read_json, write_json},
    status::StatusSender,
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
    /// Requests worked on at a time.
    #[serde(default)]
    pub slots: Option<u32>,
    /// What was done about it.
    pub repair: Repair,
    /// With what it goes on, where that is less than before.
    #[serde(default)]
    pub goes_on: Option<GoesOn>,
}

/// What is loaded after memory ran out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct GoesOn {
    /// The model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// With what.
    pub load: Load,
}

/// What was done about a breakdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The model was loaded again.
    LoadedAgain,
    /// The model was loaded again with less: fewer requests at a time, less context, or another one in its place.
    LoadedSmaller,
    /// Nothing, until the user resumes: it was too often.
    GivenUp,
}

impl GoesOn {
    pub(crate) fn with(planned: &Choice) -> Self {
        let Choice { variant, load, .. } = planned;
        Self { model: variant.model.clone(), precision: variant.precision, load: *load }
    }
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
            Repair::LoadedSmaller => &self.goes_on_with(),
            Repair::GivenUp => "the miner paused, since that did not help",
        };
        format!("{what}, and {done}: {}", self.message)
    }

    fn goes_on_with(&self) -> String {
        let Some(GoesOn { model, precision, load }) = &self.goes_on else {
            return "the model was loaded again with less".to_owned();
        };
        let Load { context_tokens, slots } = load;
        let before = format!("{} tokens of context", self.context_tokens.unwrap_or_default());
        match self.slots {
            _ if self.precision != Some(*precision) || self.model.as_ref() != Some(model) => {
                format!("after {before} it goes on with {model} {precision} and {context_tokens}")
            }
            Some(at_a_time) if at_a_time > *slots => {
                format!("after {at_a_time} requests at a time it goes on with {slots}")
            }
            _ => format!("after {before} it goes on with {context_tokens}"),
        }
    }
}

/// What was kept, the oldest first.
pub fn incidents(folders: &Folders) -> Result<Vec<Incident>, FileError> {
    Ok(read_json(&folders.incidents())?.unwrap_or_default())
}

/// Keeps what broke, and shows it until the user has seen it.
pub(crate) fn tell(folders: &Folders, status: &StatusSender, incident: Incident) {
    tracing::error!(kind = ?incident.kind, "the engine broke down: {}", incident.message);
    if let Err(error) = keep(folders, &incident) {
        tracing::warn!(%error, "the breakdown is not kept");
    }
    status.send_modify(|status| status.incident = Some(incident));
}

/// Keeps one more. What cannot be read is begun anew: it is no reason to lose this one.
fn keep(folders: &Folders, incident: &Incident) -> Result<(), FileError> {
    let mut kept = incidents(folders).unwrap_or_default();
    kept.push(incident.clone());
    let newest = kept.len().saturating_sub(MOST);
    write_json(&folders.incidents(), &kept.split_off(newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_out_of_memory_is_told_with_what_it_goes_on_with() {
        let goes_on = |precision, context_tokens, slots| {
            let load = Load { context_tokens, slots };
            Some(GoesOn { model: ModelId::new("model"), precision, load })
        };
        let incident = |goes_on| Incident {
            at: Millis(0),
            kind: BreakdownKind::OutOfMemory,
            message: "no memory".to_owned(),
            model: Some(ModelId::new("model")),
            precision: Some(Precision::Q8_0),
            context_tokens: Some(4096),
            slots: Some(2),
            repair: Repair::LoadedSmaller,
            goes_on,
        };
        for (goes_on, told) in [
            (goes_on(Precision::Q8_0, 2048, 2), "after 4096 tokens of context it goes on with 2048"),
            (goes_on(Precision::Q8_0, 4096, 1), "after 2 requests at a time it goes on with 1"),
            (goes_on(Precision::Q4_1, 4096, 2), "after 4096 tokens of context it goes on with model Q4_1 and 4096"),
            (None, "the model was loaded again with less"),
        ] {
            assert_eq!(incident(goes_on).words(), format!("the engine ran out of memory, and {told}: no memory"));
        }
        let of_before = r#"{"at": 0, "kind": "hung", "message": "", "model": null, "precision": null, "context_tokens": 1,
            "repair": "loaded_again"}"#;
        assert_eq!(serde_json::from_str::<Incident>(of_before).unwrap().goes_on, None);
    }

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
            slots: Some(1),
            goes_on: None,
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
