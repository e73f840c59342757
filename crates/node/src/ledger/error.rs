//! What can go wrong with the ledger, and what to do then.

use std::path::PathBuf;

/// Why the ledger did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database did not open.
    #[error("the ledger {path} does not open; check that the disk is not full and the file is yours")]
    Open {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: sqlx::Error,
    },
    /// The database's tables are newer than this program, or damaged.
    #[error("the ledger {path} was made by another version; update this program")]
    Migrate {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A settlement was not written: it will come again.
    #[error(
        "a settlement could not be written to {path}; make room on its disk: it is tried again by itself, and no tasks are taken until then"
    )]
    Record {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: sqlx::Error,
    },
    /// A prompt was not kept, or the kept ones were not deleted.
    #[error("the kept prompts in {path} could not be changed; check that the disk is not full and the file is yours")]
    Prompts {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: sqlx::Error,
    },
    /// A withdrawal was not written down.
    #[error(
        "the withdrawal could not be written to {path}; make room on its disk and try again: nothing is withdrawn twice"
    )]
    Withdrawal {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: sqlx::Error,
    },
    /// Time and electricity were not written down.
    #[error(
        "how long the miner mined could not be written to {path}; make room on its disk: it is tried again by itself"
    )]
    Mined {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: sqlx::Error,
    },
    /// A sum or a list was not read.
    #[error("the ledger {path} could not be read; check that the file is yours")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: sqlx::Error,
    },
}
