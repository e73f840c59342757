//! In which language it is said: in the window's.

use cortensor_app::Language;
use tokio::sync::watch;

use super::Words;

/// The words of now.
pub(crate) struct Spoken {
    /// What is spoken where the user has chosen nothing.
    system: Language,
    words: watch::Sender<Words>,
}

impl Spoken {
    /// As the user chose; `None`: as the system does.
    pub(crate) fn new(chosen: Option<Language>) -> Self {
        let system = first_of(sys_locale::get_locales());
        Self { system, words: watch::Sender::new(Words::of(chosen.unwrap_or(system))) }
    }

    /// The same from now on.
    pub(crate) fn speak(&self, chosen: Option<Language>) {
        let language = chosen.unwrap_or(self.system);
        let is_spoken = self.words.borrow().language() == language;
        if !is_spoken {
            self.words.send_replace(Words::of(language));
        }
    }

    pub(crate) fn words(&self) -> Words {
        self.words.borrow().clone()
    }

    /// The words, and again when there are others.
    pub(crate) fn follow(&self) -> watch::Receiver<Words> {
        self.words.subscribe()
    }
}

/// The first of these languages that there are words in.
fn first_of(tags: impl IntoIterator<Item = String>) -> Language {
    tags.into_iter().find_map(|tag| known(&tag)).unwrap_or(Language::En)
}

/// The language of a tag such as `de-AT`.
fn known(tag: &str) -> Option<Language> {
    match tag.split('-').next()?.to_lowercase().as_str() {
        "en" => Some(Language::En),
        "de" => Some(Language::De),
        "es" => Some(Language::Es),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_system_s_languages_that_there_are_words_in_is_spoken() {
        for (tags, language) in [
            (&["de-AT", "en-GB"][..], Language::De),
            (&["fr-FR", "es-MX", "de"], Language::Es),
            (&["EN-gb", "de"], Language::En),
            (&["fi-FI"], Language::En),
            (&["C"], Language::En),
            (&[], Language::En),
        ] {
            assert_eq!(first_of(tags.iter().map(ToString::to_string)), language, "{tags:?}");
        }
    }

    #[test]
    fn a_choice_goes_before_the_system_and_holds_at_once() {
        let spoken = Spoken::new(Some(Language::Es));
        let mut words = spoken.follow();
        assert_eq!(words.borrow_and_update().language(), Language::Es);
        spoken.speak(Some(Language::Es));
        assert!(!words.has_changed().unwrap());
        spoken.speak(Some(Language::De));
        assert!(words.has_changed().unwrap());
        assert_eq!(spoken.words().language(), Language::De);
        spoken.speak(None);
        assert_eq!(spoken.words().language(), spoken.system);
    }
}
