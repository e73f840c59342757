//! Signs and checks the list of models (docs/models.md): `make-key PRIVATE`, `sign PRIVATE LIST`, `verify PUBLIC LIST`.

use std::{
    error::Error,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use cortensor_models::manifest::{Manifest, sign};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["make-key", private] => make_key(Path::new(private)),
        ["sign", private, list] => sign_list(Path::new(private), Path::new(list)),
        ["verify", public, list] => verify(Path::new(public), Path::new(list)),
        _ => Err("say `make-key PRIVATE`, `sign PRIVATE LIST` or `verify PUBLIC LIST`".into()),
    }
}

/// Writes a new private key that nobody else may read, and prints the public one.
fn make_key(path: &Path) -> Outcome {
    let mut private = [0; 32];
    getrandom::fill(&mut private)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{}", hex::encode(private))?;
    println!("{}", sign(b"", &private).1);
    Ok(())
}

/// Writes the signature beside the list, if the list is one.
fn sign_list(private: &Path, list: &Path) -> Outcome {
    let mut key = [0; 32];
    hex::decode_to_slice(fs::read_to_string(private)?.trim(), &mut key)?;
    let bytes = fs::read(list)?;
    let manifest = Manifest::parse(&bytes)?;
    let (signature, public) = sign(&bytes, &key);
    fs::write(beside(list), format!("{signature}\n"))?;
    println!("version {}, {} models, signed by {public}", manifest.version, manifest.models.len());
    Ok(())
}

fn verify(public: &Path, list: &Path) -> Outcome {
    let key: cortensor_models::manifest::ManifestKey = fs::read_to_string(public)?.parse()?;
    let manifest = key.open(&fs::read(list)?, &fs::read_to_string(beside(list))?.parse()?)?;
    println!("good: version {}, until {}, {} models", manifest.version, manifest.expires, manifest.models.len());
    Ok(())
}

fn beside(list: &Path) -> PathBuf {
    list.with_added_extension("sig")
}
