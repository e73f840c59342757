//! Embeds the page as the interface's build left it: every file with its path, so that a program carries it wherever it is installed.

use std::{
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// What a fresh clone shows until `./dev` has built the interface.
const UNBUILT: &str = "<!doctype html><title>Cortensor Miner</title><p>Build the interface first: ./dev build</p>";

fn main() -> Result<(), Box<dyn Error>> {
    let built = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../ui/dist-glance");
    println!("cargo:rerun-if-changed={}", built.display());
    let page = built.join("glance.html");
    if !page.exists() {
        fs::create_dir_all(&built)?;
        fs::write(page, UNBUILT)?;
    }
    let mut table = String::from("&[\n");
    for path in files(&built)? {
        let name = path.strip_prefix(&built)?.to_string_lossy().replace('\\', "/");
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", path.to_string_lossy())?;
    }
    table.push_str("]\n");
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join("files.rs"), table)?)
}

/// Every file below a folder, in order, so that the same page makes the same program.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
