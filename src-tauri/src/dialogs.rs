//! Asking the user for files, and showing folders to them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use cortensor_app::{Failure, FailureCode};
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, FilePath};
use tauri_plugin_opener::OpenerExt;

use crate::desk::Desk;

/// Asks where to save a file, which is called `name` unless the user calls it something else. `title` is a message's key.
pub(crate) async fn save(app: AppHandle, title: &str, name: &'static str) -> Result<Option<PathBuf>, Failure> {
    let title = say(&app, title);
    chosen(move || in_documents(&app).set_title(title).set_file_name(name).blocking_save_file()).await
}

/// Asks for a file of a kind. `title` and `kind` are keys of messages.
pub(crate) async fn pick(
    app: AppHandle,
    title: &str,
    kind: &str,
    endings: &'static [&'static str],
) -> Result<Option<PathBuf>, Failure> {
    let (title, kind) = (say(&app, title), say(&app, kind));
    chosen(move || in_documents(&app).set_title(title).add_filter(kind, endings).blocking_pick_file()).await
}

/// Files whose name begins with a dot are hidden in some dialogs: it begins in the folder where the other program keeps its own.
pub(crate) async fn pick_env(app: AppHandle) -> Result<Option<PathBuf>, Failure> {
    let folder = app.path().home_dir().map(|home| home.join(".cortensor")).ok().filter(|folder| folder.is_dir());
    let dialog = folder.into_iter().fold(in_documents(&app), FileDialogBuilder::set_directory);
    let title = say(&app, "desktop.dialog.env");
    chosen(move || dialog.set_title(title).blocking_pick_file()).await
}

pub(crate) async fn pick_model(app: AppHandle, folder: bool) -> Result<Option<PathBuf>, Failure> {
    if !folder {
        return pick(app, "desktop.dialog.model", "desktop.files.model", &["gguf"]).await;
    }
    let title = say(&app, "desktop.dialog.models");
    chosen(move || in_documents(&app).set_title(title).blocking_pick_folder()).await
}

fn say(app: &AppHandle, key: &str) -> String {
    app.state::<Arc<Desk>>().spoken.words().say(key)
}

/// A dialog that begins where the user keeps documents, not where the program was started.
fn in_documents(app: &AppHandle) -> FileDialogBuilder<Wry> {
    let dialog = app.dialog().file();
    match app.path().document_dir().or_else(|_| app.path().home_dir()) {
        Ok(folder) => dialog.set_directory(folder),
        Err(_) => dialog,
    }
}

/// The dialog blocks for as long as the user thinks.
async fn chosen(ask: impl FnOnce() -> Option<FilePath> + Send + 'static) -> Result<Option<PathBuf>, Failure> {
    let asked = tauri::async_runtime::spawn_blocking(ask).await;
    let path = asked.map_err(|error| Failure::of(FailureCode::File, &error))?;
    path.map(FilePath::into_path).transpose().map_err(|error| Failure::of(FailureCode::File, &error))
}

pub(crate) fn show(app: &AppHandle, folder: &Path) -> Result<(), Failure> {
    let opened = app.opener().open_path(folder.display().to_string(), None::<&str>);
    opened.map_err(|error| {
        let message = format!("no file manager opened {} ({error}); open it yourself", folder.display());
        Failure::new(FailureCode::File, message)
    })
}
