//! API keys: made of chance, shown once, and kept as digests only.

use rand::{Rng as _, distr::Alphanumeric};

/// Characters of a key behind its `sk-`.
const LENGTH: usize = 48;

/// A new key.
pub(crate) fn random() -> String {
    let random = rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from);
    "sk-".chars().chain(random).collect()
}
