//! The wall clock.

use std::time::SystemTime;

use cortensor_protocol::Millis;

/// Now, by the wall clock: for what is written down and for people.
pub fn wall_time() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
