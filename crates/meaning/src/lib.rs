//! Whether texts mean the same: embeddings by all-MiniLM-L6-v2, and how near several answers lie to each other.
//!
//! Sampled answers to one prompt differ word by word although they say the same, so they are compared by their meaning.
//! That finds answers about something else. It cannot see which precision ran: both say the same in other words. Which of
//! the answers lies apart follows from these numbers by a rule of `fidelity`, so that a router that has the rule need not
//! have the model.
//!
//! **Invariant:** knows no network, no node and no router: a folder and texts in, numbers out.

mod bert;
mod model;
mod nearness;

pub use model::{Embedding, MeaningError, MeaningModel};
pub use nearness::median_similarities;
