//! Codes of what is said to people, so that programs can say it in another language than English.

use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// For `deserialize_with`: a code that this version does not know is read as none. The sentence beside it is for that.
///
/// # Errors
///
/// Only those of a text that cannot be read at all.
pub fn known_code<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(match Told::<T>::deserialize(deserializer)? {
        Told::Known(code) => Some(code),
        Told::Unknown(IgnoredAny) => None,
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Told<T> {
    Known(T),
    Unknown(IgnoredAny),
}

/// How long something takes, in words.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Said {
        words: String,
        #[serde(default, deserialize_with = "known_code")]
        code: Option<Code>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "code", rename_all = "snake_case")]
    enum Code {
        Wait { again_seconds: u64 },
    }

    #[test]
    fn a_code_is_read_where_it_is_known_and_is_none_where_it_is_not() {
        let wait = Some(Code::Wait { again_seconds: 5 });
        for (text, code) in [
            (r#"{"words":"w","code":{"code":"wait","again_seconds":5}}"#, wait),
            (r#"{"words":"w"}"#, None),
            (r#"{"words":"w","code":null}"#, None),
            (r#"{"words":"w","code":{"code":"a newer one","again":[{"x":1}]}}"#, None),
            (r#"{"words":"w","code":{"code":"wait"}}"#, None),
            (r#"{"words":"w","code":{"code":"wait","again_seconds":"soon"}}"#, None),
            (r#"{"words":"w","code":"wait"}"#, None),
            (r#"{"words":"w","code":[1,2.5,null,true]}"#, None),
        ] {
            assert_eq!(serde_json::from_str::<Said>(text).unwrap(), Said { words: "w".to_owned(), code }, "{text}");
        }
        assert!(serde_json::from_str::<Said>(r#"{"words":"w","code":{"code""#).is_err());
    }

    #[test]
    fn spans_are_told_in_a_unit_that_fits_them() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (121, "3 minutes"),
            (7_199, "120 minutes"),
            (7_200, "2 hours"),
            (86_400, "24 hours"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }
}
