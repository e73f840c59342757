//! Numbers that JSON can write down and their type cannot hold: 1e40 would become infinite, and could not be sent on.

use serde::{Deserialize, Deserializer, de::Error};

use crate::TokenId;

/// Says whether each of its numbers is one.
pub(crate) trait Finite {
    fn is_finite(&self) -> bool;
}

impl Finite for f32 {
    fn is_finite(&self) -> bool {
        Self::is_finite(*self)
    }
}

impl Finite for (TokenId, String, f32) {
    fn is_finite(&self) -> bool {
        self.2.is_finite()
    }
}

impl<T: Finite> Finite for Option<T> {
    fn is_finite(&self) -> bool {
        self.as_ref().is_none_or(Finite::is_finite)
    }
}

impl<T: Finite> Finite for Vec<T> {
    fn is_finite(&self) -> bool {
        self.iter().all(Finite::is_finite)
    }
}

/// For `deserialize_with`.
pub(crate) fn finite<'de, T: Deserialize<'de> + Finite, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let read = T::deserialize(deserializer)?;
    if read.is_finite() { Ok(read) } else { Err(D::Error::custom("a number is too large; write one of 32 bits")) }
}

#[cfg(test)]
mod tests {
    use crate::{AuditReport, NodeMessage, Sampling};

    #[test]
    fn a_number_that_its_place_cannot_hold_is_refused_and_not_made_infinite() {
        let token = |logprob: &str, top: &str| {
            format!(
                r#"{{"type":"tokens","task":"01930000-0000-7000-8000-000000000001","attempt":1,"tokens":[
                {{"id":1,"text":"","logprob":{{"logprob":{logprob},"top":[[1,"",{top}]]}}}}]}}"#
            )
        };
        let load =
            |load: &str| format!(r#"{{"type":"heartbeat","running":0,"cpu_load":{load},"free_memory_bytes":0}}"#);
        let messages = |number: &str| [token(number, "-1"), token("-1", number), load(number)];
        let margins = |number: &str| format!(r#"{{"engine":"e","found":"margins","margins":[{number}]}}"#);
        let sampling = |number: &str| {
            format!(
                r#"{{"max_tokens":1,"temperature":0,"top_p":{number},"presence_penalty":0,"frequency_penalty":0,"stop":[]}}"#
            )
        };
        for (number, sound) in [("0.5", true), ("3.4e38", true), ("1e40", false), ("-1e40", false)] {
            for message in messages(number) {
                assert_eq!(serde_json::from_str::<NodeMessage>(&message).is_ok(), sound, "{message}");
            }
            assert_eq!(serde_json::from_str::<AuditReport>(&margins(number)).is_ok(), sound, "{number}");
            assert_eq!(serde_json::from_str::<Sampling>(&sampling(number)).is_ok(), sound, "{number}");
        }
    }
}
