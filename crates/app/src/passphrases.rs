//! Who is asked for a passphrase.

use std::sync::Arc;

/// Asked for the passphrase of the key's file; the flag says whether it is a new one.
pub type AskPassphrase = Arc<dyn Fn(bool) -> Option<String> + Send + Sync>;

/// Where the passphrase of the key's file comes from, where no keychain runs.
#[derive(Clone)]
pub enum Passphrases {
    /// From this, once; a wrong one ends the life.
    Ask(AskPassphrase),
    /// From [`App::give_passphrase`](crate::App::give_passphrase), for as often as [`Status::passphrase`](crate::Status::passphrase) asks.
    Given,
}
