//! What a source says of a file before any of it is got.

use cortensor_models::manifest::Source;
use cortensor_protocol::ArtifactDigest;
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::{
    DownloadError,
    web::{Answer, Web, host},
};

/// Most of a listing of files that is read.
const LONGEST_LISTING: usize = 8 << 20;

/// A file at a source.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    /// Where; at a hub of one commit, so that it cannot change.
    pub(crate) url: Url,
    pub(crate) bytes: u64,
    /// As the source has it. Checked, not believed.
    pub(crate) sha256: Option<ArtifactDigest>,
    pub(crate) validator: Option<String>,
}

/// A file in a hub's listing.
#[derive(Deserialize)]
struct Entry {
    path: String,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    oid: String,
    size: u64,
}

impl Web {
    /// Asks a source about a file.
    pub(crate) async fn describe(&self, source: &Source, name: &str) -> Result<Remote, DownloadError> {
        match source {
            Source::Hub { repository, revision, folder } => {
                let mut remote = self.head(source, revision, name).await?;
                if remote.sha256.is_none() {
                    let listed = self.listed(repository, revision, folder.as_deref(), name).await?;
                    remote.sha256 = listed.as_ref().and_then(|lfs| lfs.oid.parse().ok());
                    remote.bytes = listed.map_or(remote.bytes, |lfs| lfs.size);
                }
                known_size(remote)
            }
            Source::Url { .. } => known_size(self.head(source, "", name).await?),
        }
    }

    async fn head(&self, source: &Source, revision: &str, name: &str) -> Result<Remote, DownloadError> {
        let url = self.hub.file(source, revision, name)?;
        let answer = self.ask(Method::HEAD, &url, None).await?;
        let url = match answer.header("x-repo-commit").filter(|commit| is_commit(commit)) {
            Some(commit) if matches!(source, Source::Hub { .. }) => self.hub.file(source, commit, name)?,
            _ => url,
        };
        let linked = answer.header("x-linked-etag").map(|tag| tag.trim_matches('"'));
        let sha256 = linked.and_then(|tag| tag.parse().ok());
        Ok(Remote { url, bytes: size(&answer).unwrap_or_default(), sha256, validator: answer.validator() })
    }

    /// What the hub's listing says, for hubs that say nothing in their headers.
    async fn listed(
        &self,
        repository: &str,
        revision: &str,
        folder: Option<&str>,
        name: &str,
    ) -> Result<Option<Lfs>, DownloadError> {
        let url = self.hub.tree(repository, revision, folder)?;
        let listing = match self.document(&url, LONGEST_LISTING).await {
            Ok(listing) => listing,
            // A plain mirror has no such listing, and the file all the same.
            Err(DownloadError::Missing { .. } | DownloadError::Answer { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let path = folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
        let wrong = |error: serde_json::Error| DownloadError::Answer { host: host(&url), what: error.to_string() };
        let entries: Vec<Entry> = serde_json::from_slice(&listing).map_err(wrong)?;
        Ok(entries.into_iter().find(|entry| entry.path == path).and_then(|entry| entry.lfs))
    }
}

fn size(answer: &Answer) -> Option<u64> {
    let linked = answer.header("x-linked-size").and_then(|size| size.parse().ok());
    linked.or_else(|| answer.header("content-length")?.parse().ok())
}

fn known_size(remote: Remote) -> Result<Remote, DownloadError> {
    if remote.bytes > 0 {
        return Ok(remote);
    }
    Err(DownloadError::Answer { host: host(&remote.url), what: "no size".to_owned() })
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|letter| letter.is_ascii_hexdigit())
}
