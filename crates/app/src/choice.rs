//! What the user chose last, kept over restarts.

use cortensor_protocol::{Millis, Mode};
use serde::{Deserialize, Serialize};

use crate::{
    Folders, Status,
    files::{FileError, read_json, write_json},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) mode: Mode,
    pub(crate) paused: bool,
    /// When a pause is over by itself.
    #[serde(default)]
    pub(crate) paused_until: Option<Millis>,
}

impl Default for Choice {
    /// A first run begins where most requests are served; the switch is one word away.
    fn default() -> Self {
        Self { mode: Mode::Volume, paused: false, paused_until: None }
    }
}

impl Choice {
    pub(crate) fn read(folders: &Folders) -> Result<Self, FileError> {
        Ok(read_json(&folders.choice())?.unwrap_or_default())
    }

    pub(crate) fn write(self, folders: &Folders) -> Result<(), FileError> {
        write_json(&folders.choice(), &self)
    }

    pub(crate) fn paused(self, until: Option<Millis>) -> Self {
        Self { paused: true, paused_until: until, ..self }
    }

    pub(crate) fn resumed(self) -> Self {
        Self { paused: false, paused_until: None, ..self }
    }

    /// What holds of it at `now`: a pause that ended while nobody looked is over.
    pub(crate) fn at(self, now: Millis) -> Self {
        if self.paused_until.is_some_and(|until| until <= now) { self.resumed() } else { self }
    }

    pub(crate) fn show(self, status: &mut Status) {
        status.mode = Some(self.mode);
        status.paused_until = self.paused_until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_that_ended_while_nobody_looked_is_over() {
        let (begun, end) = (Choice::default(), Some(Millis(1000)));
        for (choice, now, paused) in [
            (begun.paused(end), 999, true),
            (begun.paused(end), 1000, false),
            (begun.paused(None), 1000, true),
            (begun, 1000, false),
        ] {
            assert_eq!(choice.at(Millis(now)).paused, paused, "{choice:?} at {now}");
        }
        let file = r#"{ "mode": "volume", "paused": true }"#;
        assert_eq!(serde_json::from_str::<Choice>(file).unwrap(), begun.paused(None), "a file of before");
    }
}
