//! What is shown of the models on this machine.

use std::path::PathBuf;

use cortensor_download::{Download, DownloadState, Progress, Stage};
use cortensor_models::{
    inventory::{Condition, Origin},
    ladder::Fallback,
};
use cortensor_planner::Badge;
use cortensor_protocol::{ModelId, Precision, PrecisionClass};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ModelUse;
use crate::Failure;

/// The models on this machine and those that can be had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct ModelsView {
    /// The list's models in its order, then those that are here besides; nothing before it was looked at.
    pub models: Option<Vec<ModelView>>,
    /// What they take.
    pub disk: Option<DiskView>,
    /// The list.
    pub list: Option<ListView>,
    /// What is on its way, in order.
    pub downloads: Vec<DownloadView>,
    /// Most bytes a second that downloads take.
    pub limit_bytes_per_second: Option<u64>,
    /// The import, or the format being made, that was begun last.
    pub work: Option<WorkView>,
    /// Why what is here cannot be told.
    pub failure: Option<Failure>,
    /// Whether they are another node's of this user, which alone changes them.
    pub shared: bool,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ModelView {
    /// Its name on the network; of one that is not in the list, its name here.
    pub id: ModelId,
    /// Its name for people.
    pub name: String,
    /// What the list says of it; nothing if it is not in the list.
    pub listed: Option<ListedFacts>,
    /// Its formats, the most exact first.
    pub variants: Vec<VariantView>,
}

/// What the list says of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ListedFacts {
    /// What it is a kind of.
    pub family: String,
    /// Licence of the weights.
    pub licence: String,
    /// Weights.
    pub parameters: u64,
    /// Most tokens it was trained for.
    pub context_tokens: u32,
}

/// A model in one format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct VariantView {
    /// Its name, which is not the model's where it was made here and the list has another of this format.
    pub id: ModelId,
    /// Format of most weights.
    pub format: Precision,
    /// Full or quantized.
    pub precision_class: PrecisionClass,
    /// What it takes on the disk, where that is known.
    pub bytes: Option<u64>,
    /// Where it is.
    pub place: VariantPlace,
    /// What is here that it can be made from.
    pub make_from: Option<Precision>,
    /// Whether it would fit on this machine; nothing where that cannot be told: it is not in the list, or the machine was not
    /// looked at yet.
    pub fit: Option<Badge>,
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum VariantPlace {
    /// On this machine, and known.
    Here {
        /// How it came here.
        origin: Origin,
        /// How its files are.
        condition: Condition,
        /// Whether its files are deleted with it.
        ours: bool,
        /// Whether the user wants it kept.
        keep: bool,
        /// Its first file.
        path: PathBuf,
        /// What needs it now.
        uses: Vec<ModelUse>,
    },
    /// Very likely in another program's cache, by name and size; getting it checks the digest and copies nothing.
    Found {
        /// Whose cache.
        origin: Origin,
        /// The file.
        path: PathBuf,
    },
    /// Can be downloaded.
    Listed,
    /// Is made from another format, once that is here.
    MadeFrom {
        /// The format.
        from: Precision,
    },
    /// Nowhere: it can only be made or imported.
    Nowhere,
}

/// What models take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DiskView {
    /// Where ours are.
    pub folder: PathBuf,
    /// What ours take, which can be freed here.
    pub ours_bytes: u64,
    /// What files take that the user or other programs have somewhere.
    pub others_bytes: u64,
    /// What unfinished downloads take.
    pub unfinished_bytes: u64,
    /// What is free there.
    pub free_bytes: Option<u64>,
}

/// The list of what the network serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ListView {
    /// Its version.
    pub version: u64,
    /// Until when models may be got by it, as RFC 3339.
    pub expires: String,
    /// Whether that is over.
    pub expired: bool,
}

/// A model on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DownloadView {
    /// The model.
    pub id: ModelId,
    /// The format.
    pub format: Precision,
    /// How it is.
    pub phase: DownloadPhase,
    /// Bytes that are here, where that is known.
    pub done_bytes: Option<u64>,
    /// Bytes in all, where that is known.
    pub total_bytes: Option<u64>,
}

/// How a download is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DownloadPhase {
    /// Others are first.
    Queued,
    /// Sources are asked, and what is here is looked at.
    Asking,
    /// Bytes come.
    Coming {
        /// From where.
        host: String,
        /// Bytes a second of late.
        bytes_per_second: Option<u64>,
        /// Seconds that are left at this rate.
        seconds_left: Option<u64>,
    },
    /// A source failed and is asked again in a moment.
    Waiting {
        /// From where.
        host: String,
        /// What happened, for programs.
        code: String,
    },
    /// All came and is checked.
    Verifying,
    /// The user stopped it; what came is kept.
    Paused,
    /// It failed; what came is kept.
    Failed {
        /// For programs.
        code: String,
        /// What happened and what to do.
        message: String,
    },
}

/// An import, or a format being made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct WorkView {
    /// Which.
    pub kind: WorkKind,
    /// How it is.
    pub phase: WorkPhase,
    /// 0 to 1.
    pub progress: f32,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum WorkKind {
    /// Files are taken where they are.
    Import {
        /// File or folder.
        path: PathBuf,
    },
    /// A format is made from another.
    Make {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
}

/// How it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum WorkPhase {
    /// Under way.
    Running,
    /// The files are known now.
    Imported {
        /// The models, as name and format.
        models: Vec<String>,
    },
    /// The file is there.
    Made {
        /// What it was made from.
        from: Precision,
        /// Weights that could not have the format.
        fallbacks: Vec<Fallback>,
    },
    /// The user stopped it.
    Stopped,
    /// It failed.
    Failed {
        /// What happened and what to do.
        failure: Failure,
    },
}

impl DownloadView {
    /// What is on its way; what is known of progress stays when it is paused or fails.
    pub(super) fn of_all(downloads: &[Download], before: &[Self]) -> Vec<Self> {
        let of = |download: &Download| {
            let before = before.iter().find(|one| one.id == download.model && one.format == download.format);
            Self::of(download, before)
        };
        downloads.iter().filter_map(of).collect()
    }

    fn of(download: &Download, before: Option<&Self>) -> Option<Self> {
        let (mut done_bytes, mut total_bytes) = before.map_or((None, None), |one| (one.done_bytes, one.total_bytes));
        let phase = match &download.state {
            DownloadState::Finished | DownloadState::Cancelled => return None,
            DownloadState::Queued => DownloadPhase::Queued,
            DownloadState::Paused => DownloadPhase::Paused,
            DownloadState::Failed { code, message } => {
                DownloadPhase::Failed { code: (*code).to_owned(), message: message.clone() }
            }
            DownloadState::Running(progress) => {
                if progress.total > 0 {
                    (done_bytes, total_bytes) = (Some(progress.done), Some(progress.total));
                }
                DownloadPhase::of(progress)
            }
        };
        Some(Self { id: download.model.clone(), format: download.format, phase, done_bytes, total_bytes })
    }
}

impl DownloadPhase {
    fn of(progress: &Progress) -> Self {
        let host = progress.host.clone();
        match &progress.stage {
            Stage::Asking => Self::Asking,
            Stage::Waiting { code } => Self::Waiting { host, code: (*code).to_owned() },
            Stage::Verifying | Stage::Finished => Self::Verifying,
            Stage::Downloading => {
                let Progress { bytes_per_second, seconds_left, .. } = *progress;
                Self::Coming { host, bytes_per_second, seconds_left }
            }
        }
    }
}
