//! Why a list of models is not used, and what to do then.

use std::{io, path::PathBuf};

use cortensor_protocol::{ModelId, Precision};
use jiff::Timestamp;

/// Why a list of models is not used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The signature is not one by the key.
    #[error(
        "the list of models is not signed by the network's key; it was changed on the way: get it again, from another place"
    )]
    Signature,
    /// The signature or key is no text of one.
    #[error("{what} is not {digits} hexadecimal digits; get it again")]
    Hexadecimal {
        /// What was to be read.
        what: &'static str,
        /// How long it is.
        digits: usize,
    },
    /// The file is not a list.
    #[error("the list of models cannot be read; get it again, or update this program if it is a newer kind of list")]
    Layout(#[source] serde_json::Error),
    /// The file is a list for another version of this program.
    #[error("the list of models has layout {found}, and this program reads {LAYOUT}; update this program", LAYOUT = super::LAYOUT)]
    OtherLayout {
        /// Its layout.
        found: u32,
    },
    /// A model is described wrongly.
    #[error("in the list of models, {id} {fault}; tell whoever signed it, and use the one before")]
    Content {
        /// The model.
        id: ModelId,
        /// What is wrong.
        fault: &'static str,
    },
    /// It was good once.
    #[error(
        "the list of models expired on {expires}; get the present one with `cortensor models manifest --from`, or update this program"
    )]
    Expired {
        /// When.
        expires: Timestamp,
    },
    /// A newer one was seen before.
    #[error(
        "the list of models has version {offered}, older than version {seen} seen before; it is not used: get the present one"
    )]
    Older {
        /// The version that was offered.
        offered: u64,
        /// The version that was seen.
        seen: u64,
    },
    /// Another one with the same number was seen before.
    #[error(
        "the list of models has version {version} like the one seen before, and other content; ask whoever signed it for one with a new version"
    )]
    SameVersion {
        /// The version of both.
        version: u64,
    },
    /// There is no such model.
    #[error("{id} is not in the list of models; `cortensor models` shows what is")]
    NoSuchModel {
        /// What was asked for.
        id: ModelId,
    },
    /// The model does not come in that format.
    #[error("{id} does not come as {format}; choose one of {known}")]
    NoSuchFormat {
        /// The model.
        id: ModelId,
        /// What was asked for.
        format: Precision,
        /// What there is.
        known: String,
    },
    /// The last good copy cannot be kept or read.
    #[error("{path} cannot be used; check that you may read and write there, or choose another data folder")]
    Keep {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ManifestError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature => "manifest_signature",
            Self::Hexadecimal { .. } => "manifest_hexadecimal",
            Self::Layout(_) | Self::OtherLayout { .. } => "manifest_layout",
            Self::Content { .. } => "manifest_content",
            Self::Expired { .. } => "manifest_expired",
            Self::Older { .. } => "manifest_older",
            Self::SameVersion { .. } => "manifest_same_version",
            Self::NoSuchModel { .. } => "no_such_model",
            Self::NoSuchFormat { .. } => "no_such_format",
            Self::Keep { .. } => "manifest_folder",
        }
    }
}
