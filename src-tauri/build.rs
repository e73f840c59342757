//! Embeds the interface and gates every command of ours behind a permission.

use std::{error::Error, fs, path::Path};

use tauri_build::{AppManifest, Attributes};

/// Every command of `src/commands.rs`: a window may call those that its capability names, and no other.
const COMMANDS: &[&str] = &[
    "watch_status",
    "outlook",
    "watch_first_run",
    "begin_first_run",
    "show_first_run",
    "first_run_told",
    "try_out",
    "watch_tasks",
    "watch_logs",
    "unwatch",
    "set_mode",
    "pause",
    "resume",
    "restart",
    "measure",
    "forget_memory_limits",
    "dismiss_incident",
    "watch_updates",
    "check_for_updates",
    "download_update",
    "install_update",
    "dismiss_rollback",
    "what_if",
    "quit",
    "give_passphrase",
    "earnings",
    "earnings_report",
    "export_earnings",
    "why",
    "activity",
    "export_activity",
    "prompt",
    "settings",
    "save_settings",
    "watch_status_page",
    "show_pairing_code",
    "forget_device",
    "export_key",
    "key_saved_at",
    "import_key",
    "import_env",
    "wipe_env",
    "open_folder",
    "desktop",
    "start_at_login",
    "about",
    "save_diagnosis",
    "practice",
    "network",
    "keep_network_key",
    "model_files",
    "watch_comparison",
    "compare",
    "stop_comparison",
    "comparisons",
    "comparison",
    "rename_comparison",
    "delete_comparison",
    "export_comparison",
    "save_picture",
    "watch_fidelity",
    "watch_vote",
    "pick_text",
    "measure_fidelity",
    "stop_fidelity",
    "fidelity_reports",
    "start_vote",
    "stop_vote",
    "vote",
    "votes",
    "vote_summary",
    "watch_models",
    "get_model",
    "pause_download",
    "resume_download",
    "cancel_download",
    "limit_downloads",
    "import_model",
    "make_model",
    "stop_model_work",
    "keep_model",
    "delete_model",
    "removal_plan",
    "remove_miner",
];

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        // Where a package has NVIDIA's libraries.
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,$ORIGIN/../lib/cortensor-miner");
    }
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=ui/dist");
    // A fresh clone has no interface yet and is to compile all the same: `./dev` builds it.
    let page = Path::new("ui/dist/index.html");
    if !page.exists() {
        fs::create_dir_all("ui/dist")?;
        fs::write(page, "<!doctype html><title>Cortensor Miner</title><p>Build the interface first: ./dev build</p>")?;
    }
    let attributes = Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(AppManifest::new().commands(COMMANDS));
    Ok(tauri_build::try_build(attributes)?)
}
