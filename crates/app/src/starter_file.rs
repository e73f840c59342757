//! Where the starter model's file is when nobody says.

use std::path::{Path, PathBuf};

/// Where packages have `share`, seen from the program's folder: on Linux, on Windows, on macOS.
const SHARES: [&str; 3] = ["../share", "share", "../Resources/share"];

/// Where a package has it, in `share/cortensor-miner`; without a package nothing is there, and what opens it says so.
pub fn starter_file() -> PathBuf {
    starter_file_of(&std::env::current_exe().unwrap_or_default())
}

/// The same for another program.
pub(crate) fn starter_file_of(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(Path::new("."));
    let file = |share: &str| {
        share.split('/').fold(folder.to_owned(), |folder, part| within(&folder, part)).join("cortensor-miner")
    };
    let mut files = SHARES.map(file).map(|folder| folder.join(cortensor_models::starter().file_name)).into_iter();
    let first = files.next().unwrap_or_default();
    if first.exists() { first } else { files.find(|file| file.exists()).unwrap_or(first) }
}

fn within(folder: &Path, part: &str) -> PathBuf {
    if part == ".." { folder.parent().unwrap_or(folder).to_owned() } else { folder.join(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_calls_the_starter_model_by_its_name() {
        let interface = include_str!("../../../ui/src/lib/state/ladder.ts");
        assert!(interface.contains(&format!("STARTER = \"{}\"", cortensor_models::starter().model)));
    }

    #[test]
    fn a_package_has_it_beside_its_programs() {
        let expected = Path::new("/usr/share/cortensor-miner/SmolLM2-135M-Instruct.Q4_1.gguf");
        assert_eq!(starter_file_of(Path::new("/usr/bin/cortensor")), expected);
    }

    #[test]
    fn a_package_of_each_system_has_it_somewhere_else() {
        for (program, share) in
            [("bin/cortensor", "share"), ("cortensor.exe", "share"), ("MacOS/cortensor", "Resources/share")]
        {
            let folder = tempfile::tempdir().unwrap();
            let model = folder.path().join(share).join("cortensor-miner").join(cortensor_models::starter().file_name);
            std::fs::create_dir_all(model.parent().unwrap()).unwrap();
            std::fs::write(&model, "").unwrap();
            assert_eq!(starter_file_of(&folder.path().join(program)), model);
        }
    }
}
