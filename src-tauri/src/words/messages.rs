//! The window's message files, which have the words for outside of it too.

use std::fmt::Display;

use cortensor_app::Language;
use serde_json::Value;

const ENGLISH: &str = include_str!("../../../ui/src/lib/messages/en.json");
const GERMAN: &str = include_str!("../../../ui/src/lib/messages/de.json");
const SPANISH: &str = include_str!("../../../ui/src/lib/messages/es.json");

/// What is filled in, by the name that the message has for it.
pub(super) type Values<'a> = &'a [(&'a str, &'a dyn Display)];

/// The messages of one language.
pub(super) struct Messages(Value);

impl Messages {
    pub(super) fn of(language: Language) -> Self {
        let text = match language {
            Language::En => ENGLISH,
            Language::De => GERMAN,
            Language::Es => SPANISH,
        };
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// The message with this key, such as `home.resume`, with `values` filled in. As in the window, one that there is not is
    /// its key, and what has no value stays as it is.
    pub(super) fn fill(&self, key: &str, values: Values<'_>) -> String {
        filled(self.find(key).and_then(Value::as_str).unwrap_or(key), values)
    }

    /// What has this key: a message, or a group of them.
    fn find(&self, key: &str) -> Option<&Value> {
        key.split('.').try_fold(&self.0, |group, name| group.get(name))
    }
}

fn filled(message: &str, values: Values<'_>) -> String {
    let mut parts = message.split("{{");
    let begin = parts.next().unwrap_or_default().to_owned();
    parts.fold(begin, |text, part| {
        let found = part.split_once("}}").and_then(|(name, rest)| Some((value(name, values)?, rest)));
        match found {
            Some((value, rest)) => format!("{text}{value}{rest}"),
            None => format!("{text}{{{{{part}"),
        }
    })
}

fn value<'a>(name: &str, values: Values<'a>) -> Option<&'a dyn Display> {
    values.iter().find(|(named, _)| *named == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::words::LANGUAGES;

    /// The texts in quotes in this program's sources, but for tests, that may be keys: the beginnings of those that are put
    /// together too.
    fn keys() -> BTreeSet<String> {
        let mut sources = Vec::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src-tauri/src"), &mut sources);
        let quoted = sources.iter().flat_map(|source| source.split('"'));
        let is_key = |text: &&str| text.chars().all(|sign| sign.is_ascii_lowercase() || matches!(sign, '.' | '_'));
        let english = Messages::of(Language::En);
        let has_group = |text: &&str| text.split_once('.').is_some_and(|(group, _)| english.find(group).is_some());
        let texts = quoted.map(|text| text.split('{').next().unwrap_or_default());
        texts.filter(is_key).filter(has_group).map(|key| key.trim_end_matches('.').to_owned()).collect()
    }

    fn collect(folder: &Path, sources: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, sources);
            } else if !path.ends_with("tests.rs") {
                let source = fs::read_to_string(path).unwrap();
                sources.push(source.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned());
            }
        }
    }

    /// The keys of all messages below a group.
    fn below(group: &Value, key: &str) -> Vec<String> {
        let Some(group) = group.as_object() else { return vec![key.to_owned()] };
        group.iter().flat_map(|(name, below_it)| below(below_it, &format!("{key}.{name}"))).collect()
    }

    #[test]
    fn every_key_has_a_message_in_every_language_and_every_message_for_here_is_used() {
        let keys = keys();
        assert!(keys.len() > 30, "{keys:?}");
        for language in LANGUAGES {
            let messages = Messages::of(language);
            let missing: Vec<_> = keys.iter().filter(|key| messages.find(key).is_none()).collect();
            assert!(missing.is_empty(), "{language:?} has nothing for {missing:?}");
            let is_used = |key: &String| keys.iter().any(|used| key == used || key.starts_with(&format!("{used}.")));
            let all = below(messages.find("desktop").unwrap(), "desktop");
            let left: Vec<_> = all.into_iter().filter(|key| !is_used(key)).collect();
            assert!(left.is_empty(), "nothing says {left:?}");
        }
    }

    #[test]
    fn what_is_said_without_values_asks_for_none() {
        for language in LANGUAGES {
            let messages = Messages::of(language);
            for group in ["desktop.dialog", "desktop.files", "desktop.notice", "desktop.tray.pause", "desktop.weekday"]
            {
                for key in below(messages.find(group).unwrap(), group) {
                    assert!(!messages.fill(&key, &[]).contains("{{"), "{language:?}: {key}");
                }
            }
        }
    }

    #[test]
    fn values_are_filled_in_once_and_what_has_none_stays() {
        let values: Values<'_> = &[("name", &"{{other}}"), ("other", &2)];
        for (message, said) in [
            ("{{name}} runs", "{{other}} runs"),
            ("{{other}} of {{other}}", "2 of 2"),
            ("{{unknown}} {{other}}", "{{unknown}} 2"),
            ("none {{", "none {{"),
            ("", ""),
        ] {
            assert_eq!(filled(message, values), said);
        }
        assert_eq!(Messages::of(Language::De).fill("home.nothing", &[]), "home.nothing");
    }
}
