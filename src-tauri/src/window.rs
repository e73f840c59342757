//! Opening, focusing and closing.

use std::sync::Arc;

use tauri::{AppHandle, Manager, RunEvent, WindowEvent, webview::PageLoadEvent};

use crate::{commands, desk::Desk};

/// Opens the window over `desk` and runs until it is closed. Answers with the exit code.
pub(crate) fn open(desk: Arc<Desk>) -> tauri::Result<u8> {
    let app = tauri::Builder::default()
        // First, so that a second start ends before it does anything.
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| focus(app)))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .manage(Arc::clone(&desk))
        .invoke_handler(commands::handler())
        .setup(move |app| {
            tauri::async_runtime::spawn(async move { desk.start().await });
            tauri::async_runtime::spawn(close_when_told(app.handle().clone()));
            Ok(())
        })
        .on_page_load(|page, load| {
            if load.event() == PageLoadEvent::Started {
                page.state::<Arc<Desk>>().watches.end_all();
            }
        })
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event {
                api.prevent_close();
                close(window.app_handle());
            }
        })
        .build(tauri::generate_context!("tauri.conf.json"))?;
    let code = app.run_return(|_, event| {
        if let RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(u8::try_from(code).unwrap_or(1))
}

/// Lets what runs finish, then ends the program. Whoever closes a second time does not want to wait.
pub(crate) fn close(app: &AppHandle) {
    if app.state::<Arc<Desk>>().begins_to_close() {
        return app.exit(0);
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        app.state::<Arc<Desk>>().miner.stop().await;
        app.exit(0);
    });
}

/// Closes as the window's button does, at Ctrl-C or a polite request to end; at the second one at once.
async fn close_when_told(app: AppHandle) {
    loop {
        cortensor_host::interrupted().await;
        close(&app);
    }
}

fn focus(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        let shown = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::warn!(%error, "the window could not be brought to the front");
        }
    }
}
