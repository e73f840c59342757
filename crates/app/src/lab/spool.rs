//! Rows of logits on disk, so that memory stays bounded: a row of a large vocabulary takes half a megabyte.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use cortensor_engine::Logits;

use crate::files::FileError;

/// A scratch file without a name, gone with the process. Rows are 32-bit numbers as the engine gave them: nothing is
/// rounded.
pub(super) struct Spool {
    folder: PathBuf,
    file: File,
    vocabulary: usize,
    rows: usize,
}

impl Spool {
    /// Writes `count` rows of `logits` from row `first` on.
    pub(super) fn write(folder: &Path, logits: &Logits, first: usize, count: usize) -> Result<Self, FileError> {
        let written = |source| FileError::Write { path: folder.to_owned(), source };
        let mut file = tempfile::tempfile_in(folder).map_err(written)?;
        let rows = (first..first + count).map_while(|row| logits.row(row));
        let mut written_rows = 0;
        for row in rows {
            file.write_all(bytemuck::cast_slice(row)).map_err(written)?;
            written_rows += 1;
        }
        Ok(Self { folder: folder.to_owned(), file, vocabulary: logits.vocabulary(), rows: written_rows })
    }

    /// Rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// A row.
    pub(super) fn row(&mut self, row: usize) -> Result<Vec<f32>, FileError> {
        let mut values = vec![0.0_f32; self.vocabulary];
        self.read(row, &mut values).map_err(|source| FileError::Read { path: self.folder.clone(), source })?;
        Ok(values)
    }

    fn read(&mut self, row: usize, values: &mut [f32]) -> io::Result<()> {
        let bytes = row.saturating_mul(size_of_val(values)) as u64;
        self.file.seek(SeekFrom::Start(bytes))?;
        self.file.read_exact(bytemuck::cast_slice_mut(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_to_the_last_bit_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let logits = Logits::new(3, vec![0.1, -2.5, f32::MIN_POSITIVE, 3.3, 1e30, -0.0, 7.0, 8.0, 9.0]).unwrap();
        let mut spool = Spool::write(folder.path(), &logits, 1, 2).unwrap();
        assert_eq!(spool.rows(), 2);
        assert_eq!(spool.row(1).unwrap(), logits.row(2).unwrap());
        assert_eq!(spool.row(0).unwrap(), logits.row(1).unwrap());
        assert!(spool.row(2).is_err());
        assert_eq!(Spool::write(folder.path(), &logits, 2, 5).unwrap().rows(), 1);
    }
}
