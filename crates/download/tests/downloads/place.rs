//! A folder, and a hub that has a small model.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use cortensor_download::{Backoff, DownloadError, Hub, Library, Limits, Show, Token};
use cortensor_models::{
    inventory::{Caches, HeldModel, Inventory},
    manifest::Manifest,
};
use cortensor_protocol::{ModelId, Precision};
use tokio_util::sync::CancellationToken;

use crate::double::Double;

/// Many chunks of a small file, and pauses that a test can wait for.
const CHUNK: u64 = 1000;

fn limits() -> Limits {
    let backoff = Backoff { first: Duration::from_millis(2), longest: Duration::from_secs(5), attempts: 4 };
    Limits { parallel: 3, chunk: CHUNK, run: 4, stall: Duration::from_millis(300), backoff }
}

/// A GGUF file of about this size, with weights that begin with `seed`.
pub(crate) fn gguf(bytes: usize, seed: u8) -> Vec<u8> {
    let weights = u32::try_from(bytes / 4).unwrap();
    let mut file = b"GGUF".to_vec();
    file.extend(3_u32.to_le_bytes());
    file.extend(1_u64.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(1_u64.to_le_bytes());
    file.extend(b"w");
    file.extend(1_u32.to_le_bytes());
    file.extend(u64::from(weights).to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend((0..weights).flat_map(|index| (index ^ (u32::from(seed) << 24)).to_le_bytes()));
    file
}

pub(crate) struct Place {
    pub(crate) root: tempfile::TempDir,
    pub(crate) hub: Double,
    pub(crate) manifest: Manifest,
    pub(crate) caches: Caches,
    limits: Limits,
}

/// A model `tiny` in `Q8_0` whose one file is `content`, at a hub.
pub(crate) async fn place(content: &[u8]) -> Place {
    let hub = Double::start().await;
    hub.serve("tiny.gguf", content);
    let sources = serde_json::json!([{ "kind": "hub", "repository": "a/b", "revision": "main" }]);
    let manifest = manifest(&serde_json::json!({ "name": "tiny.gguf" }), &sources);
    let root = tempfile::tempdir().unwrap();
    Place { root, hub, manifest, caches: Caches::default(), limits: limits() }
}

pub(crate) fn manifest(file: &serde_json::Value, sources: &serde_json::Value) -> Manifest {
    let list = serde_json::json!({ "layout": 1, "version": 1, "expires": "2100-01-01T00:00:00Z", "models": [{
        "id": "tiny", "name": "Tiny", "family": "T", "parameters": 1, "layers": 1, "heads": 1, "kv_heads": 1,
        "context": 1, "licence": "MIT", "variants": [{ "format": "Q8_0", "files": [file], "sources": sources }] }] });
    Manifest::parse(&serde_json::to_vec(&list).unwrap()).unwrap()
}

pub(crate) fn id() -> ModelId {
    ModelId::new("tiny")
}

pub(crate) fn silent() -> Show {
    Arc::new(|_| ())
}

impl Place {
    pub(crate) fn library(&self) -> Library {
        let hub = Hub::new(&self.hub.address, Some(Token::new("secret"))).unwrap();
        Library::new(Inventory::at(self.root.path()), self.caches.clone(), hub, self.limits.clone()).unwrap()
    }

    pub(crate) async fn get(&self) -> Result<HeldModel, DownloadError> {
        let stop = CancellationToken::new();
        self.library().get(&self.manifest, &id(), Precision::Q8_0, silent(), &stop).await
    }

    pub(crate) async fn code(&self) -> &'static str {
        self.get().await.unwrap_err().code()
    }

    /// Gets until so many bytes came, then stops as Ctrl+C does.
    pub(crate) async fn get_until(&self, bytes: u64) -> Result<HeldModel, DownloadError> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let show: Show = Arc::new(move |progress| {
            if progress.done >= bytes {
                stopped.cancel();
            }
        });
        self.library().get(&self.manifest, &id(), Precision::Q8_0, show, &stop).await
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.root.path().join("tiny/Q8_0/tiny.gguf")
    }

    pub(crate) fn beside(&self, end: &str) -> PathBuf {
        self.target().with_added_extension(end)
    }

    pub(crate) fn assert_whole(&self, content: &[u8]) {
        assert!(fs::read(self.target()).unwrap() == content, "the file is another");
        assert!(!self.beside("part").exists() && !self.beside("part.journal").exists());
    }
}
