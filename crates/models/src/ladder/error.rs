//! What can go wrong with a ladder, and what to do then.

use std::{io, path::PathBuf};

use cortensor_protocol::{ArtifactDigest, ModelId, Precision};

use crate::{TokenizerError, gguf::GgufError, inventory::InventoryError};

/// Why there is no ladder.
#[derive(Debug, thiserror::Error)]
pub enum LadderError {
    /// The download cannot be read.
    #[error("the model file {path} cannot be read; get it again, the starter model with `./dev run`")]
    Source {
        /// The download.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The download is cut short or another file.
    #[error(
        "the model file {path} is damaged: it has {found} bytes where {expected} were expected; delete it and run `./dev run` again"
    )]
    SourceSize {
        /// The download.
        path: PathBuf,
        /// Bytes there must be.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The download is damaged or another file.
    #[error(
        "the model file {path} is damaged or another file: its SHA-256 is {found} where {expected} was expected; delete it and run `./dev run` again"
    )]
    SourceDigest {
        /// The download.
        path: PathBuf,
        /// What it must be.
        expected: ArtifactDigest,
        /// What it is.
        found: ArtifactDigest,
    },
    /// The model file says of itself what cannot be used.
    #[error("the model file cannot be used; delete it and get it again, the starter model with `./dev run`")]
    Gguf(#[source] GgufError),
    /// There is no tokenizer.
    #[error("the model's tokenizer cannot be made; see the cause, then start again")]
    Tokenizer(#[source] TokenizerError),
    /// The folder cannot be used.
    #[error("{path} cannot be used; check that you may write there, or choose another data folder")]
    Folder {
        /// Folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk is too full to begin.
    #[error(
        "{path} needs {needed} bytes of free disk space and has {free}; free {missing} bytes or choose another data folder, then start again",
        missing = needed.saturating_sub(*free)
    )]
    Space {
        /// The folder.
        path: PathBuf,
        /// Bytes that must be free.
        needed: u64,
        /// Bytes that are.
        free: u64,
    },
    /// A file cannot be written, for example because the disk is full. Nothing half-written is left.
    #[error("{path} cannot be written; free disk space, then start again: finished files are kept")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A tensor cannot be brought into a precision.
    #[error("`{tensor}` cannot be made {precision}; choose another precision for this model")]
    Derive {
        /// The tensor.
        tensor: String,
        /// The precision.
        precision: Precision,
        /// What the quantizer said.
        #[source]
        source: candle_core::Error,
    },
    /// There is nothing to make it from.
    #[error("no file of {id} is here that {format} could be made from; get or import one that is more exact")]
    NothingToMakeFrom {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
    /// What is here is not more exact.
    #[error(
        "{format} of {id} would be no more exact than the {best} that it would be made from, and would pose as if it were; choose a format below {best}, or get a more exact file"
    )]
    NotMoreExact {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
        /// The most exact file that is here.
        best: Precision,
    },
    /// The list says that something else comes of it.
    #[error(
        "{id} {format} came out with SHA-256 {found}, and the list of models says {expected}; it was thrown away: check this machine's memory, then update this program"
    )]
    MadeOtherwise {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
        /// What it must be.
        expected: ArtifactDigest,
        /// What it is.
        found: ArtifactDigest,
    },
    /// The models that are here.
    #[error("the models on this machine cannot be looked at or noted")]
    Inventory(#[from] InventoryError),
    /// The work was stopped. It is taken up again with the next start.
    #[error("preparing the model was stopped; start again to go on from there")]
    Cancelled,
}
