//! Why a download failed, and what to do then.

use std::{io, path::PathBuf, time::Duration};

use cortensor_models::{gguf::GgufError, inventory::InventoryError, manifest::ManifestError};
use cortensor_protocol::{ArtifactDigest, ModelId, Precision};

/// Why a model could not be got.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// A host cannot be reached, or the connection broke.
    #[error("{host} cannot be reached; check the connection, then start the download again: it goes on where it was")]
    Connection {
        /// The host.
        host: String,
        /// What was wrong.
        #[source]
        source: reqwest::Error,
    },
    /// A host sends nothing any more.
    #[error("{host} stopped sending; start the download again: it goes on where it was")]
    Stalled {
        /// The host.
        host: String,
    },
    /// An answer ended early.
    #[error("{host} ended its answer early; start the download again: it goes on where it was")]
    Cut {
        /// The host.
        host: String,
    },
    /// A host asks to come back later.
    #[error("{host} is busy ({status}); try again{wait}", wait = later(*retry_after))]
    Busy {
        /// The host.
        host: String,
        /// Its answer.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// A host wants to know who asks.
    #[error(
        "{host} does not give this file to everybody ({status}); accept the model's licence on its page, then set HF_TOKEN to a token of yours"
    )]
    Refused {
        /// The host.
        host: String,
        /// Its answer.
        status: u16,
    },
    /// There is no such file.
    #[error(
        "{host} has no file {file} any more; get a newer list with `cortensor models manifest --from`, or choose another format"
    )]
    Missing {
        /// The host.
        host: String,
        /// The file.
        file: String,
    },
    /// An answer that makes no sense.
    #[error(
        "{host} answered in a way that is not understood ({what}); try again later, or set HF_ENDPOINT to another hub"
    )]
    Answer {
        /// The host.
        host: String,
        /// What was wrong with it.
        what: String,
    },
    /// A redirect that would go on without encryption.
    #[error("{host} leads to an address without encryption; nothing was got from there: choose another source")]
    Insecure {
        /// The host.
        host: String,
    },
    /// A source has another file than the list says.
    #[error(
        "{host} has another file {file} than the one that is listed or was got first; do not use it, and tell whoever signs the list"
    )]
    OtherFile {
        /// The host.
        host: String,
        /// The file.
        file: String,
    },
    /// The file changed while it was got.
    #[error("{file} was changed at its source during the download; start again to get the new one")]
    Changed {
        /// The file.
        file: String,
    },
    /// The bytes that came are not those that were to come.
    #[error(
        "{file} came damaged: its SHA-256 is {found} where {expected} was expected; it was thrown away: start again"
    )]
    Digest {
        /// The file.
        file: String,
        /// What it must be.
        expected: ArtifactDigest,
        /// What it is.
        found: ArtifactDigest,
    },
    /// What came is no model.
    #[error("{file} is not a GGUF file that can be used; it was thrown away: choose another format")]
    Gguf {
        /// The file.
        file: String,
        /// What is wrong.
        #[source]
        source: Box<GgufError>,
    },
    /// The disk is too full to begin.
    #[error("{path} needs {needed} bytes of free disk space and has {free}; free {missing} bytes or choose another data folder", missing = needed.saturating_sub(*free))]
    Space {
        /// The folder.
        path: PathBuf,
        /// Bytes that must be free.
        needed: u64,
        /// Bytes that are.
        free: u64,
    },
    /// A file cannot be read or written.
    #[error(
        "{path} cannot be written; check that you may write there and that the disk is not full, then start again: it goes on where it was"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process gets the same file.
    #[error("{path} is being downloaded by another process; wait for it, or stop it")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is made on the device.
    #[error("{id} {format} is made on this machine from {from}; get that one, or start mining, which makes it")]
    MadeHere {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
        /// What it is made from.
        from: Precision,
    },
    /// Nobody has it.
    #[error("the list names no source for {id} {format}; if you have the file, say `cortensor models import FILE`")]
    NoSource {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
    /// No source gave it.
    #[error(
        "none of {tried} sources gave {id} {format}; the cause is that of the last one: see to it, then start again"
    )]
    AllFailed {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
        /// How many were asked.
        tried: usize,
        /// What the last one said.
        #[source]
        source: Box<DownloadError>,
    },
    /// The hub's address is none.
    #[error(
        "HF_ENDPOINT is {endpoint:?}, which is no address of a hub; write one such as https://hub.example, or unset it"
    )]
    Endpoint {
        /// What it is.
        endpoint: String,
    },
    /// The network cannot be used at all.
    #[error("this machine's certificates or network cannot be used; update them, then start again")]
    Client(#[source] reqwest::Error),
    /// The list of models.
    #[error("the list of models does not allow it")]
    Manifest(#[from] ManifestError),
    /// The models that are here.
    #[error("the models on this machine cannot be looked at or noted")]
    Inventory(#[from] InventoryError),
    /// It was stopped.
    #[error("stopped; start the download again and it goes on where it was")]
    Stopped,
}

/// An error and everything it came from.
pub(crate) fn in_words(error: &DownloadError) -> String {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message} ({cause})");
        source = cause.source();
    }
    message
}

fn later(after: Option<Duration>) -> String {
    after.map_or_else(|| " later".to_owned(), |after| format!(" in {} s", after.as_secs()))
}

impl DownloadError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Connection { .. } => "connection",
            Self::Stalled { .. } => "stalled",
            Self::Cut { .. } => "cut",
            Self::Busy { .. } => "busy",
            Self::Refused { .. } => "refused",
            Self::Missing { .. } => "missing",
            Self::Answer { .. } => "answer",
            Self::Insecure { .. } => "insecure",
            Self::OtherFile { .. } => "other_file",
            Self::Changed { .. } => "changed",
            Self::Digest { .. } => "digest",
            Self::Gguf { .. } => "not_a_model",
            Self::Space { .. } => "disk_full",
            Self::File { .. } => "file_unwritable",
            Self::InUse { .. } => "in_use",
            Self::MadeHere { .. } => "made_here",
            Self::NoSource { .. } => "no_source",
            Self::AllFailed { .. } => "all_sources_failed",
            Self::Endpoint { .. } => "endpoint",
            Self::Client(_) => "client",
            Self::Manifest(error) => error.code(),
            Self::Inventory(error) => error.code(),
            Self::Stopped => "stopped",
        }
    }

    /// Whether the same source may do better in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Connection { .. } | Self::Stalled { .. } | Self::Cut { .. } | Self::Busy { .. })
    }

    /// Whether another source cannot do better.
    pub(crate) fn is_ours(&self) -> bool {
        let disk = matches!(self, Self::Space { .. } | Self::File { .. } | Self::InUse { .. });
        disk || matches!(self, Self::Inventory(_) | Self::Stopped)
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Self::Busy { retry_after, .. } = self { *retry_after } else { None }
    }
}
