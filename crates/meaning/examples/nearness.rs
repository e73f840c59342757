//! How near several answers lie to each other: `cargo run -p cortensor-meaning --example nearness -- FOLDER ANSWER ANSWER ...`

use std::{path::Path, process::ExitCode};

use cortensor_meaning::{MeaningError, MeaningModel, median_similarities};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, answers)) = arguments.split_first() else {
        eprintln!("say where the model is and what the answers are");
        return ExitCode::FAILURE;
    };
    match show(Path::new(folder), answers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(folder: &Path, answers: &[String]) -> Result<(), MeaningError> {
    let texts: Vec<&str> = answers.iter().map(String::as_str).collect();
    let embeddings = MeaningModel::open(folder)?.embed(&texts)?;
    for (similarity, text) in median_similarities(&embeddings).iter().zip(texts) {
        println!("{similarity:.3} {text}");
    }
    Ok(())
}
