//! What the network decides: what may be asked, who serves it, what it costs, and how nodes are tested.
//!
//! **Invariant:** knows neither HTTP nor SQL.

pub(crate) mod answer;
pub(crate) mod backlog;
pub(crate) mod drive;
pub(crate) mod examine;
pub(crate) mod grade;
#[cfg_attr(not(test), expect(dead_code, reason = "the store and the rounds that use it come next"))]
pub(crate) mod level;
pub(crate) mod pool;
pub(crate) mod price;
pub(crate) mod problem;
pub(crate) mod question;
pub(crate) mod request;
pub(crate) mod rounds;
