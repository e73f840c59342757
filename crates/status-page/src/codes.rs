//! The code that pairs one browser: shown in the app, typed into the page.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cortensor_protocol::Millis;
use rand::Rng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use ts_rs::TS;

/// How long a code holds.
const VALID: Duration = Duration::from_secs(600);
/// How often one may be mistyped: of a hundred million codes, five guesses find one in twenty million cases.
const TRIES: u8 = 5;

/// A code that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PairingCode {
    /// Eight digits, in two groups.
    pub digits: String,
    /// Until when it pairs.
    pub until: Millis,
}

/// What came of a code that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// It was the one; it pairs nobody else.
    Right,
    /// It was not; so many tries are left before the code is void.
    Wrong { left: u8 },
    /// None is shown.
    NoCode,
}

/// At most one code at a time.
#[derive(Default)]
pub(crate) struct Codes {
    open: Mutex<Option<Open>>,
}

struct Open {
    code: PairingCode,
    left: u8,
}

impl Codes {
    /// Makes a new code; the one before is void.
    pub(crate) fn show(&self, now: Millis) -> PairingCode {
        let mut random = rand::rng();
        let mut group = || random.random_range(0..10_000_u32);
        let code = PairingCode { digits: format!("{:04} {:04}", group(), group()), until: now + VALID };
        *self.lock() = Some(Open { code: code.clone(), left: TRIES });
        code
    }

    /// The code of now.
    pub(crate) fn shown(&self, now: Millis) -> Option<PairingCode> {
        let mut open = self.lock();
        open.take_if(|open| open.code.until <= now);
        open.as_ref().map(|open| open.code.clone())
    }

    /// Ends the code.
    pub(crate) fn void(&self) {
        self.lock().take();
    }

    /// Looks at what was typed, however it is grouped.
    pub(crate) fn take(&self, typed: &str, now: Millis) -> Typed {
        let mut slot = self.lock();
        slot.take_if(|open| open.code.until <= now);
        let Some(open) = slot.as_mut() else { return Typed::NoCode };
        if bool::from(digits(typed).as_bytes().ct_eq(digits(&open.code.digits).as_bytes())) {
            slot.take();
            return Typed::Right;
        }
        open.left -= 1;
        let left = open.left;
        slot.take_if(|open| open.left == 0);
        Typed::Wrong { left }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_pairs_once_for_ten_minutes_and_five_mistakes_void_it() {
        let (codes, start) = (Codes::default(), Millis(1_000_000));
        assert_eq!(codes.take("1234 5678", start), Typed::NoCode);
        let code = codes.show(start);
        assert_eq!(code.digits.chars().filter(char::is_ascii_digit).count(), 8);
        assert_eq!(codes.take(&code.digits.replace(' ', "-"), start), Typed::Right);
        assert_eq!(codes.take(&code.digits, start), Typed::NoCode, "it is used");

        let code = codes.show(start);
        assert_eq!(codes.take(&code.digits, start + VALID), Typed::NoCode, "its time is up");

        let (old, code) = (codes.show(start), codes.show(start));
        let wrong = if old.digits == code.digits { "x" } else { &old.digits };
        let left: Vec<Typed> = (0..5).map(|_| codes.take(wrong, start)).collect();
        assert_eq!(left, [4, 3, 2, 1, 0].map(|left| Typed::Wrong { left }));
        assert_eq!(codes.take(&code.digits, start), Typed::NoCode, "it is void");
    }
}
