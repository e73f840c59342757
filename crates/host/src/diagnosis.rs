//! What happened on this machine, as one text for whoever is asked for help: its user reads it before sending it anywhere.
//!
//! **Invariant:** what a text could give away (keys, addresses, the user's name in paths, other machines' addresses) is
//! blanked wherever it stands, in whatever part.

use std::{
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use cortensor_app::{Folders, Settings, incidents};
use regex::{Captures, Regex};

use crate::About;

/// Lines of the newest log.
const LOG_LINES: usize = 500;

/// Why a diagnosis was not written.
#[derive(Debug, thiserror::Error)]
pub enum DiagnosisError {
    /// The file cannot be written.
    #[error("{path} cannot be written; choose another folder, or make room on its disk")]
    Write {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// A pattern of what is to be blanked is none: a mistake of this program's.
    #[error("what must not be told cannot be found; nothing was written")]
    Pattern(#[from] regex::Error),
}

/// Writes the diagnosis of these folders into a file, which is there whole or not at all.
pub fn write_diagnosis(about: &About, folders: &Folders, path: &Path) -> Result<(), DiagnosisError> {
    let text = diagnosis(about, folders)?;
    let error = |source| DiagnosisError::Write { path: path.to_owned(), source };
    let scratch = path.with_extension("part");
    fs::write(&scratch, text).map_err(error)?;
    fs::rename(&scratch, path).map_err(error)
}

fn diagnosis(about: &About, folders: &Folders) -> Result<String, DiagnosisError> {
    let hardware = cortensor_hardware::detect(folders.data(), &Settings::read(folders).unwrap_or_default().hardware);
    let parts = [
        ("Program", program(about)),
        ("Hardware", hardware.summary_lines().join("\n")),
        ("Settings", fs::read_to_string(folders.settings()).unwrap_or_else(|_| "the defaults".to_owned())),
        ("Breakdowns", breakdowns(folders)),
        ("The end of the newest log", newest_log(&folders.logs())),
    ];
    let introduction = "# Cortensor Miner: a diagnosis\n\nRead this before you send it to anybody. Keys, addresses and your \
                        home folder's path are blanked; prompts and answers are never in it.\n";
    let parts = parts.iter().map(|(title, text)| format!("\n## {title}\n\n```\n{}\n```\n", text.trim()));
    blanked(&parts.fold(introduction.to_owned(), |whole, part| whole + &part))
}

fn program(about: &About) -> String {
    let About { version, engine, computes_on, os, .. } = about;
    format!("version {version}\nengine {engine}\ncomputes on {computes_on}\n{os}")
}

fn breakdowns(folders: &Folders) -> String {
    match incidents(folders) {
        Ok(kept) if kept.is_empty() => "none".to_owned(),
        Ok(kept) => {
            let lines: Vec<_> = kept.iter().map(|one| format!("{} {}", one.at.0, one.words())).collect();
            lines.join("\n")
        }
        Err(error) => error.to_string(),
    }
}

fn newest_log(folder: &Path) -> String {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    // A file's name ends with its day.
    let Some(newest) = files.max() else { return "there is none".to_owned() };
    let text = fs::read(newest).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
}

/// Without what must not be told.
fn blanked(text: &str) -> Result<String, DiagnosisError> {
    let home = directories::BaseDirs::new().map(|folders| folders.home_dir().display().to_string());
    let mut text = text.to_owned();
    if let Some(home) = home.filter(|home| home.len() > 1) {
        text = text.replace(&home, "~");
    }
    for (pattern, instead) in [
        (r"\b(?:sk|vk|op|hf)[-_][A-Za-z0-9_-]{8,}", "<key>"),
        (r"(?i)\bbearer\s+\S+", "<key>"),
        (r"\b(?:0x)?[0-9a-fA-F]{64}\b", "<64 digits>"),
        (r"\b0x[0-9a-fA-F]{40}\b", "<address>"),
    ] {
        text = Regex::new(pattern)?.replace_all(&text, instead).into_owned();
    }
    let machine = Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")?;
    Ok(machine.replace_all(&text, |found: &Captures<'_>| blanked_machine(&found[0])).into_owned())
}

/// Addresses of this machine tell nothing.
fn blanked_machine(address: &str) -> String {
    let own = address.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified());
    if own { address.to_owned() } else { "<machine>".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_told_is_blanked_and_the_rest_is_not() {
        let digits = "ab".repeat(32);
        for (text, expected) in [
            ("key=sk-abcDEF0123456789 next".to_owned(), "key=<key> next".to_owned()),
            ("Authorization: Bearer abc.def".to_owned(), "Authorization: <key>".to_owned()),
            (format!("0x{digits} and {digits}"), "<64 digits> and <64 digits>".to_owned()),
            (format!("payout_address = \"0x{}\"", "1F".repeat(20)), "payout_address = \"<address>\"".to_owned()),
            ("ws://127.0.0.1:5010 ws://10.1.2.3:5010".to_owned(), "ws://127.0.0.1:5010 ws://<machine>:5010".to_owned()),
            ("mistral.rs 0.8.1, 24.5 tokens/s".to_owned(), "mistral.rs 0.8.1, 24.5 tokens/s".to_owned()),
        ] {
            assert_eq!(blanked(&text).unwrap(), expected);
        }
        let home = directories::BaseDirs::new().unwrap().home_dir().display().to_string();
        assert_eq!(blanked(&format!("{home}/models")).unwrap(), "~/models");
    }

    #[test]
    fn a_diagnosis_has_the_settings_the_breakdowns_and_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().to_owned());
        fs::create_dir_all(folders.logs()).unwrap();
        fs::write(folders.settings(), "slots = 3\n").unwrap();
        fs::write(folders.logs().join("cortensor.log.2026-01-01"), "old\n").unwrap();
        let lines: Vec<_> = (0..600).map(|number| format!("line {number}\n")).collect();
        fs::write(folders.logs().join("cortensor.log.2026-01-02"), lines.concat()).unwrap();
        let engine = cortensor_engine_mistral::MistralEngine::default();
        let path = folder.path().join("diagnosis.md");
        write_diagnosis(&About::this(&folders, &engine), &folders, &path).unwrap();
        let text = fs::read_to_string(path).unwrap();
        for part in ["slots = 3", "## Breakdowns\n\n```\nnone", "line 599", "line 100", "mistral.rs"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!text.contains("line 99\n") && !text.contains("\nold\n"), "more than the end of the newest log");
    }
}
