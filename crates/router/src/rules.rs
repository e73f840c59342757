//! What the network decides: what may be asked, who serves it, what it costs, and how nodes are tested.
//!
//! **Invariant:** knows neither HTTP nor SQL.

pub(crate) mod answer;
pub(crate) mod audit;
pub(crate) mod backlog;
pub(crate) mod books;
pub(crate) mod choice;
pub(crate) mod conduct;
pub(crate) mod drive;
pub(crate) mod examine;
pub(crate) mod grade;
pub(crate) mod judgement;
pub(crate) mod key;
pub(crate) mod level;
pub(crate) mod limit;
pub(crate) mod pool;
pub(crate) mod price;
pub(crate) mod problem;
pub(crate) mod question;
pub(crate) mod request;
pub(crate) mod rounds;
pub(crate) mod session;
pub(crate) mod withdrawal;
