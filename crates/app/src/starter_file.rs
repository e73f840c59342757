//! Where the starter model's file is when nobody says.

use std::path::{Path, PathBuf};

/// Where a package has it, `share/cortensor-miner` beside the program's folder; without a package nothing is there, and what
/// opens it says so.
pub fn starter_file() -> PathBuf {
    of_program(&std::env::current_exe().unwrap_or_default())
}

fn of_program(program: &Path) -> PathBuf {
    let root = program.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    root.join("share").join("cortensor-miner").join(cortensor_models::starter().file_name)
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
        assert_eq!(of_program(Path::new("/usr/bin/cortensor")), expected);
    }
}
