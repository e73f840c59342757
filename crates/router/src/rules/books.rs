//! Whether the books are right, for those who look often: adding a large ledger up takes the database seconds.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use cortensor_protocol::Millis;
use tokio::time::Instant;

use crate::{
    clock::wall_time,
    store::{LedgerFault, LedgerSummary, Store, StoreError},
};

/// How long what was found is good enough.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// What was found when the ledger was last added up.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    pub(crate) at: Millis,
    pub(crate) found: Result<LedgerSummary, LedgerFault>,
}

/// Remembers the last audit for a minute.
#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<Option<(Instant, Audit)>>);

impl Books {
    /// The last audit, or a new one if that is too long ago.
    pub(crate) async fn audit(&self, store: &Store) -> Result<Audit, StoreError> {
        if let Some(audit) = self.recent() {
            return Ok(audit);
        }
        let audit = Audit { at: wall_time(), found: store.verify_ledger().await? };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), audit.clone()));
        Ok(audit)
    }

    fn recent(&self) -> Option<Audit> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(when, _)| when.elapsed() < GOOD_FOR).map(|(_, audit)| audit.clone())
    }
}
