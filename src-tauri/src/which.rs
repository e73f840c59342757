//! Which of this user's miners the window is of: what its title, its icon and its entries in the system say.

use cortensor_app::{Folders, NodeName};

use crate::words;

/// One of this user's miners.
pub(crate) struct Which {
    name: Option<NodeName>,
    mark: Option<String>,
    arguments: Vec<String>,
}

impl Which {
    pub(crate) fn of(folders: &Folders) -> Self {
        let mark = folders.mark();
        let arguments = match (folders.name(), &mark) {
            (Some(name), _) => vec!["--name".to_owned(), name.to_string()],
            (None, Some(_)) => {
                let data = std::path::absolute(folders.data()).unwrap_or_else(|_| folders.data().to_owned());
                vec!["--data".to_owned(), word(&data.display().to_string())]
            }
            (None, None) => Vec::new(),
        };
        Self { name: folders.name().cloned(), mark, arguments }
    }

    /// What the window is called.
    pub(crate) fn title(&self) -> String {
        self.name.as_ref().map_or_else(|| words::NAME.to_owned(), |name| format!("{} ({name})", words::NAME))
    }

    /// What is said outside the window, with the node that says it.
    pub(crate) fn says(&self, what: &str) -> String {
        self.name.as_ref().map_or_else(|| what.to_owned(), |name| format!("{name}: {what}"))
    }

    /// `base` for one of them, so that a second start finds the window of the same miner and of no other.
    pub(crate) fn marked(&self, base: &str, between: &str) -> String {
        self.mark.as_ref().map_or_else(|| base.to_owned(), |mark| format!("{base}{between}{mark}"))
    }

    /// What the system is to start this miner with.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

/// A path as one word of the line that starts a program at login: the library writes words as they are, with spaces between.
#[cfg(target_os = "linux")]
fn word(path: &str) -> String {
    // First what a quoted word of an entry asks for, then what a value in the file does.
    let signs = path.chars().map(|sign| match sign {
        '"' | '`' | '$' => format!("\\\\{sign}"),
        '\\' => "\\\\\\\\".to_owned(),
        '%' => "%%".to_owned(),
        sign => sign.to_string(),
    });
    format!("\"{}\"", signs.collect::<String>())
}

#[cfg(target_os = "windows")]
fn word(path: &str) -> String {
    format!("\"{}\"", path.trim_end_matches('\\'))
}

/// Words are kept apart in a list.
#[cfg(not(any(target_os = "linux", target_os = "windows")))]
fn word(path: &str) -> String {
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_with_a_name_is_told_from_the_main_one_everywhere() {
        let main = Which::of(&Folders::of_this_user().unwrap());
        assert!(main.title() == words::NAME && main.arguments().is_empty());
        assert_eq!((main.marked("miner", "-"), main.says("Mining")), ("miner".to_owned(), "Mining".to_owned()));
        let node = Which::of(&Folders::of_this_user().unwrap().node("rig-2".parse().unwrap()));
        assert_eq!(
            (node.title().as_str(), node.arguments()),
            ("Cortensor Miner (rig-2)", ["--name", "rig-2"].map(str::to_owned).as_slice())
        );
        assert_eq!(
            (node.marked("miner", "-"), node.says("Mining")),
            ("miner-rig-2".to_owned(), "rig-2: Mining".to_owned())
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_is_one_word_of_an_entry_whatever_its_name() {
        let other = Which::of(&Folders::at("/media/My $disk \"one\"/100%/a\\b"));
        let expected = r#""/media/My \\$disk \\"one\\"/100%%/a\\\\b""#;
        assert_eq!(other.arguments(), ["--data", expected]);
        assert_ne!(other.marked("miner", "-"), "miner");
        assert_eq!(other.title(), words::NAME);
    }
}
