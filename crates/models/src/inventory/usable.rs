//! A model of the record as an artifact: what an engine can load.

use std::path::{Path, PathBuf};

use cortensor_protocol::{ModelId, Precision};

use super::{Condition, HeldFile, HeldModel, Inventory};
use crate::{
    Artifact, Geometry,
    gguf::{Gguf, GgufError},
    tokenizer::{TokenizerError, is_written, write_tokenizer},
};

/// Why a model that is here cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum UnusableError {
    /// A file changed since it was checked.
    #[error("a file of {id} {format} changed since it was checked; import or get it again")]
    Changed {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
    /// A file is gone.
    #[error("a file of {id} {format} is gone; import or get it again")]
    Missing {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
    },
    /// It comes in parts.
    #[error("{id} {format} comes in {parts} files, and the engine loads one; choose a format that is a single file")]
    Split {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
        /// How many.
        parts: usize,
    },
    /// The file does not say what a model must.
    #[error("{id} {format} cannot be used; choose another model")]
    Gguf {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
        /// What is wrong with it.
        #[source]
        source: Box<GgufError>,
    },
    /// Its tokenizer is not known here.
    #[error("the tokenizer of {id} {format} cannot be used; choose another model")]
    Tokenizer {
        /// The model.
        id: ModelId,
        /// The format.
        format: Precision,
        /// What is wrong with it.
        #[source]
        source: Box<TokenizerError>,
    },
}

impl Inventory {
    /// What an engine loads of a model that is here. Writes the model's tokenizer beside our own files the first time; blocks.
    pub fn artifact(&self, held: &HeldModel) -> Result<Artifact, UnusableError> {
        let (file, geometry) = held.loadable()?;
        let tokenizer = self.tokenizer(file);
        if !is_written(&tokenizer) {
            let (id, format) = (held.id.clone(), held.format);
            let wrong = |error| UnusableError::Tokenizer { id, format, source: Box::new(error) };
            self.write_tokenizer(&file.path, &tokenizer).map_err(wrong)?;
        }
        Ok(Artifact {
            model: held.id.clone(),
            precision: held.format,
            path: file.path.clone(),
            digest: file.sha256,
            bytes: file.bytes,
            geometry,
            tokenizer,
        })
    }

    /// One process at a time: two that write the same files would rename each other's away.
    fn write_tokenizer(&self, file: &Path, folder: &Path) -> Result<(), TokenizerError> {
        let path = self.folder.join("tokenizers.lock");
        let _lock = self.lock(&path).map_err(|source| TokenizerError::Write { path, source })?;
        if is_written(folder) { Ok(()) } else { write_tokenizer(file, folder) }
    }

    /// By digest: two models of one name may have different tokenizers.
    fn tokenizer(&self, file: &HeldFile) -> PathBuf {
        self.folder.join("tokenizers").join(Path::new(&file.sha256.to_string()))
    }
}

impl HeldModel {
    /// Whether it can be loaded, as far as its header tells; blocks.
    pub fn check_usable(&self) -> Result<(), UnusableError> {
        self.loadable().map(|_| ())
    }

    fn loadable(&self) -> Result<(&HeldFile, Geometry), UnusableError> {
        let (id, format) = (self.id.clone(), self.format);
        match self.condition() {
            Condition::Whole => {}
            Condition::Changed => return Err(UnusableError::Changed { id, format }),
            Condition::Missing => return Err(UnusableError::Missing { id, format }),
        }
        let [file] = self.files.as_slice() else {
            return Err(UnusableError::Split { id, format, parts: self.files.len() });
        };
        let geometry = Gguf::open(&file.path).and_then(|gguf| gguf.geometry());
        let wrong = |error| UnusableError::Gguf { id, format, source: Box::new(error) };
        geometry.map(|geometry| (file, geometry)).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        Tokenizer,
        inventory::Origin,
        sha256_file,
        synthetic::{metadata, write},
    };

    /// A model in a folder of its own, and the record's folder beside it.
    fn held(folder: &Path, pre: &str) -> (Inventory, HeldModel) {
        let path = folder.join("tiny.gguf");
        write(&path, &metadata(pre));
        let file = HeldFile::of(&path, sha256_file(&path, &mut |_| ()).unwrap()).unwrap();
        let (id, format) = (ModelId::new("local-tiny"), Precision::Q4_1);
        (
            Inventory::at(folder.join("models")),
            HeldModel { id, format, files: vec![file], origin: Origin::Imported, keep: false },
        )
    }

    #[test]
    fn a_model_that_is_here_is_an_artifact_with_a_tokenizer_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (inventory, held) = held(folder.path(), "smollm");
        let artifact = inventory.artifact(&held).unwrap();
        assert_eq!((artifact.digest, artifact.geometry.vocabulary), (held.files[0].sha256, 32));
        assert_eq!(Tokenizer::open(&artifact.tokenizer).unwrap().vocabulary(), 32);
        assert_eq!(inventory.artifact(&held).unwrap(), artifact);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is written beside the user's file");
    }

    #[test]
    fn what_cannot_be_loaded_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let (inventory, whole) = held(folder.path(), "smollm");
        let told = |held: &HeldModel| inventory.artifact(held).unwrap_err().to_string();
        let twice = HeldModel { files: vec![whole.files[0].clone(); 2], ..whole.clone() };
        assert!(told(&twice).contains("2 files"), "{}", told(&twice));
        fs::write(&whole.files[0].path, "other").unwrap();
        assert!(told(&whole).contains("changed"), "{}", told(&whole));
        fs::remove_file(&whole.files[0].path).unwrap();
        assert!(told(&whole).contains("is gone"), "{}", told(&whole));
        let (inventory, strange) = held(folder.path(), "unheard-of");
        assert!(matches!(inventory.artifact(&strange), Err(UnusableError::Tokenizer { .. })));
    }
}
