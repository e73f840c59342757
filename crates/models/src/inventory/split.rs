//! Names of split GGUF files: `NAME-00001-of-00003.gguf`.

/// What such a name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitName {
    /// What stands before the numbers.
    pub stem: String,
    /// Which part this is, from 1.
    pub part: u32,
    /// How many parts there are.
    pub count: u32,
}

/// Most parts that are believed; the largest public models have about a hundred.
const MOST_PARTS: u32 = 1000;

/// Reads the name of a part; nothing if the file is not split.
pub fn split_name(name: &str) -> Option<SplitName> {
    let (rest, count) = name.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (stem, part) = rest.rsplit_once('-')?;
    let number = |digits: &str| (digits.len() == 5).then(|| digits.parse::<u32>().ok()).flatten();
    let (part, count) = (number(part)?, number(count)?);
    let sensible = (1..=count).contains(&part) && count <= MOST_PARTS;
    sensible.then(|| SplitName { stem: stem.to_owned(), part, count })
}

impl SplitName {
    /// The names of all parts in order.
    pub fn all(&self) -> Vec<String> {
        (1..=self.count).map(|part| format!("{}-{part:05}-of-{:05}.gguf", self.stem, self.count)).collect()
    }
}
