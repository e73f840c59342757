//! What a node is called, where one user has several on one machine.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Longest name.
const LONGEST: usize = 32;
/// What the node without a name is called in lists.
const MAIN: &str = "main";

/// A node's name: letters, digits and hyphens, so that it is a folder's name and part of a service's on every system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

/// Not a node's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnknownName {
    /// It has other signs, none, or too many.
    #[error(
        "{0:?} is no node's name: use up to {LONGEST} letters, digits and hyphens, a letter or digit first, such as rig-2"
    )]
    Signs(String),
    /// It is that of the node without a name.
    #[error("{MAIN:?} is the node without a name: leave --name out, or choose another name")]
    Main,
}

impl NodeName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a node is called in a list: its name, or that of the one without.
    pub fn in_list(name: Option<&Self>) -> &str {
        name.map_or(MAIN, Self::as_str)
    }
}

impl FromStr for NodeName {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let goes_on_well = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !begins_well || !goes_on_well || text.len() > LONGEST {
            return Err(UnknownName::Signs(text.to_owned()));
        }
        if text.eq_ignore_ascii_case(MAIN) { Err(UnknownName::Main) } else { Ok(Self(text.to_owned())) }
    }
}

impl TryFrom<String> for NodeName {
    type Error = UnknownName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_folders_name_everywhere() {
        let longest = "a".repeat(LONGEST);
        for good in ["rig-2", "GPU0", "2", "a-", longest.as_str()] {
            assert_eq!(good.parse::<NodeName>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(LONGEST + 1);
        for bad in ["", "-a", "a b", "a/b", "..", "a.b", "a_b", "ä", too_long.as_str()] {
            assert_eq!(bad.parse::<NodeName>(), Err(UnknownName::Signs(bad.to_owned())));
        }
        assert_eq!("Main".parse::<NodeName>(), Err(UnknownName::Main));
        assert!(serde_json::from_str::<NodeName>("\"../other\"").is_err(), "nor is one that was written by hand");
    }
}
