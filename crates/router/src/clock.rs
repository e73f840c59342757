//! The router's clock.

use cortensor_protocol::Millis;

/// Now, by the wall clock.
pub(crate) fn now() -> Millis {
    Millis(jiff::Timestamp::now().as_millisecond())
}
