//! What can go wrong with the models that are here, and what to do then.

use std::{io, path::PathBuf};

use cortensor_protocol::{ModelId, Precision};

use crate::gguf::GgufError;

/// Why something with the models on this machine failed.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// A file cannot be read.
    #[error("{path} cannot be read; check that it exists and that you may read it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written or deleted.
    #[error("{path} cannot be written or deleted; check that you may, and that the disk is not full")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The record is damaged.
    #[error(
        "{path}, the record of the models here, is damaged; delete it and import the models again: their files are untouched"
    )]
    Record {
        /// The record.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A file is no model.
    #[error("this is not a model that can be used; choose a whole GGUF file")]
    Gguf(#[source] GgufError),
    /// A folder has no model in it.
    #[error("there is no GGUF file in {path}; choose the file or the folder that it is in")]
    NoModel {
        /// The folder.
        path: PathBuf,
    },
    /// Parts of a split file are missing.
    #[error(
        "{path} is one of {count} parts, and not all of them are beside it; put them into one folder, then import again"
    )]
    Parts {
        /// The part that is there.
        path: PathBuf,
        /// How many there must be.
        count: u32,
    },
    /// The model is not here.
    #[error("{id} {format} is not on this machine; `cortensor models` shows what is")]
    NotHeld {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
    /// The user wants it kept.
    #[error("{id} {format} is to be kept; say `cortensor models keep {id} {format} --off` first")]
    Kept {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
    /// Others are made from it.
    #[error("the precisions of {id} are made from its {format} file, which was here before; it stays where it is")]
    Needed {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
    /// Another process works on it.
    #[error("another program works in {path}; wait until it is done, then try again")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file is another than it was the first time.
    #[error(
        "{file} of {id} is another file than the one that was got first; if the new one is right, delete `inventory.json` in the models folder and import again"
    )]
    Pinned {
        /// The model.
        id: ModelId,
        /// The file.
        file: String,
    },
    /// It was stopped.
    #[error("importing was stopped; start it again when you like")]
    Cancelled,
}

impl InventoryError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "file_unreadable",
            Self::Write { .. } => "file_unwritable",
            Self::Record { .. } => "inventory_damaged",
            Self::Gguf(_) => "not_a_model",
            Self::NoModel { .. } => "no_model_in_folder",
            Self::Parts { .. } => "parts_missing",
            Self::NotHeld { .. } => "model_not_here",
            Self::Kept { .. } => "model_kept",
            Self::Needed { .. } => "model_needed",
            Self::InUse { .. } => "in_use",
            Self::Pinned { .. } => "pinned_otherwise",
            Self::Cancelled => "cancelled",
        }
    }
}
