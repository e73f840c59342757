//! Whether texts mean the same: embeddings by all-MiniLM-L6-v2, and which of several answers lies apart from the others.
//!
//! Sampled answers to one prompt differ word by word although they say the same, so they are compared by their meaning.
//! That finds answers about something else. It cannot see which precision ran: both say the same in other words.
//!
//! **Invariant:** knows no network, no node and no router: a folder and texts in, numbers out.

mod bert;
mod model;
mod outlier;

pub use model::{Embedding, MeaningError, MeaningModel};
pub use outlier::{OutlierRule, Position, positions};
