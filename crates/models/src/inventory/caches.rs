//! Model files that other programs have on this machine already.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::Origin;

/// Where the caches of other programs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caches {
    /// Hugging Face's hub cache.
    pub hugging_face: Option<PathBuf>,
    /// LM Studio's models.
    pub lm_studio: Vec<PathBuf>,
}

/// A GGUF file in such a cache. What it is, its digest decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Whose it is.
    pub origin: Origin,
    /// The repository it came from, as the cache has it.
    pub repository: String,
}

impl Caches {
    /// The places that those programs use by themselves, or were told to use by `variable`.
    pub fn of_user(home: &Path, variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let hub = set("HF_HUB_CACHE").or_else(|| set("HF_HOME").map(|folder| folder.join("hub")));
        let cache = || set("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")).join("huggingface/hub");
        let pointer = fs::read_to_string(home.join(".lmstudio-home-pointer")).ok();
        let moved = pointer.map(|text| PathBuf::from(text.trim())).filter(|path| path.is_absolute());
        let known = [home.join(".lmstudio"), home.join(".cache/lm-studio")];
        let mut lm_studio: Vec<_> = moved.into_iter().chain(known).map(|folder| folder.join("models")).collect();
        lm_studio.dedup();
        Self { hugging_face: Some(hub.unwrap_or_else(cache)), lm_studio }
    }

    /// The GGUF files in them. A cache that is not there or may not be read has none.
    pub fn found(&self) -> Vec<FoundFile> {
        let hub = self.hugging_face.iter().flat_map(|folder| hub_files(folder));
        let studio = self.lm_studio.iter().flat_map(|folder| studio_files(folder));
        hub.chain(studio).collect()
    }
}

/// `models--OWNER--NAME/snapshots/COMMIT/FILE`, for the commits that a name in `refs` leads to.
fn hub_files(folder: &Path) -> Vec<FoundFile> {
    let mut found = Vec::new();
    for repository in folders(folder) {
        let name = name_of(&repository);
        let Some(name) = name.strip_prefix("models--") else { continue };
        for commit in commits(&repository) {
            let snapshot = repository.join("snapshots").join(commit);
            found.extend(gguf_files(&snapshot, Origin::HuggingFace, &name.replace("--", "/")));
        }
    }
    found
}

fn commits(repository: &Path) -> Vec<String> {
    let names = fs::read_dir(repository.join("refs")).into_iter().flatten().flatten();
    let mut commits: Vec<_> = names.filter_map(|name| fs::read_to_string(name.path()).ok()).collect();
    commits.iter_mut().for_each(|commit| *commit = commit.trim().to_owned());
    commits.retain(|commit| !commit.is_empty() && commit.chars().all(|letter| letter.is_ascii_hexdigit()));
    commits.sort();
    commits.dedup();
    commits
}

/// `OWNER/NAME/FILE`.
fn studio_files(folder: &Path) -> Vec<FoundFile> {
    let owners = folders(folder);
    let repositories = owners.iter().flat_map(|owner| folders(owner).into_iter().map(move |folder| (owner, folder)));
    let files = |(owner, folder): (&PathBuf, PathBuf)| {
        gguf_files(&folder, Origin::LmStudio, &format!("{}/{}", name_of(owner), name_of(&folder)))
    };
    repositories.flat_map(files).collect()
}

fn gguf_files(folder: &Path, origin: Origin, repository: &str) -> Vec<FoundFile> {
    let files = entries(folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "gguf"));
    // Follows links: the hub's snapshots are links to its blobs, and a dangling one is no file.
    let found = files.filter_map(|path| {
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        Some(FoundFile { path, bytes: metadata.len(), origin, repository: repository.to_owned() })
    });
    found.collect()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
