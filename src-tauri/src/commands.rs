//! What the window may ask, each in one line over the miner.
//!
//! Declared once: from here come the commands, the list of them, and the TypeScript types of what they are given and
//! answer with.

use std::{path::PathBuf, sync::Arc};

use cortensor_app::{
    Comparison, ComparisonHistory, ComparisonId, ComparisonRequest, EarningsChart, EarningsReport, ExportFormat,
    Failure, FailureCode, FidelityReports, FidelityRequest, FirstRunScreen, ImportedEnv, KeptVote, ModelFile, Outlook,
    PauseLength, Plan, RemovalChoice, RemovalPlan, RemovalReport, Revealed, Settings, SettingsView, Since, Span,
    VoteChoice, VoteRequest, VoteSummary, WhatIf, Why, Wipe,
};
use cortensor_host::{
    About, LogLine, NetworkView, Practice,
    status_page::{DeviceId, PairingCode},
};
use cortensor_node::{ActivityFilter, ActivityPage, ActivityQuery, KeptPrompt, LiveTask};
use cortensor_protocol::{Millis, Mode, ModelId, Precision, TaskId};
use tauri::{
    AppHandle, State,
    ipc::{Channel, InvokeBody, Request},
};
use ts_rs::TS;

use crate::{
    desk::{Desk, Folder},
    dialogs::{pick, pick_env, pick_model, save, show},
    startup::{self, DesktopView},
    watches::Fields,
    window,
};

macro_rules! commands {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty = |$desk:ident, $app:ident| $does:expr;
    )+) => {
        $(
            $(#[doc = $doc])+
            #[tauri::command]
            pub(crate) async fn $name(
                desk: State<'_, Arc<Desk>>,
                app: AppHandle,
                $($argument: $kind),*
            ) -> Result<$answer, Failure> {
                let ($desk, $app) = (desk.inner(), app);
                let _ = (&$desk, &$app);
                Ok($does)
            }
        )+

        /// The commands' arguments and answers as members of a TypeScript interface.
        #[cfg(test)]
        pub(crate) fn signatures(config: &ts_rs::Config) -> Vec<String> {
            vec![$({
                let arguments: Vec<String> = vec![$(format!("{}: {}", stringify!($argument), <$kind as TS>::name(config))),*];
                signature(stringify!($name), &arguments, &<$answer as TS>::name(config))
            }),+]
        }

        /// Shows every type that the commands speak of.
        #[cfg(test)]
        pub(crate) fn visit(visitor: &mut impl ts_rs::TypeVisitor) {
            $($(visitor.visit::<$kind>();)* visitor.visit::<$answer>();)+
            visitor.visit::<cortensor_app::Status>();
            visitor.visit::<cortensor_app::FirstRunView>();
            visitor.visit::<LiveTask>();
            visitor.visit::<Comparison>();
            visitor.visit::<cortensor_app::FidelityRun>();
            visitor.visit::<cortensor_app::Vote>();
            visitor.visit::<cortensor_app::ModelsView>();
            visitor.visit::<cortensor_app::updates::UpdateView>();
            visitor.visit::<cortensor_host::status_page::StatusPageView>();
            visitor.visit::<cortensor_host::status_page::Glance>();
            visitor.visit::<cortensor_host::status_page::PairRefusal>();
            visitor.visit::<LogLine>();
            visitor.visit::<Failure>();
        }

        /// Answers the window's calls.
        pub(crate) fn handler() -> impl Fn(tauri::ipc::Invoke) -> bool + Send + Sync + 'static {
            tauri::generate_handler![watch_status, watch_first_run, watch_tasks, watch_comparison, watch_fidelity, watch_vote, watch_models, watch_updates, watch_status_page, watch_logs, unwatch, save_picture, $($name),+]
        }
    };
}

commands! {
    /// What a miner would use of this machine, told before it starts.
    outlook() -> Outlook = |desk, app| desk.miner.outlook().await?;
    /// Starts the miner for the first time.
    begin_first_run() -> () = |desk, app| desk.begin().await?;
    /// Goes on or back in the first run, or ends it.
    show_first_run(screen: FirstRunScreen) -> () = |desk, app| desk.miner.first_run().show(screen)?;
    /// Notes that the user has seen how long the first start took.
    first_run_told() -> () = |desk, app| desk.miner.first_run().told()?;
    /// Sends one question to the embedded practice network.
    try_out(question: String) -> String = |desk, app| desk.miner.try_out(&question).await?;
    /// Chooses a mode; done when its model is served.
    set_mode(mode: Mode) -> () = |desk, app| desk.app()?.set_mode(mode).await?;
    /// Finishes what runs and gives the memory back, for so long.
    pause(length: PauseLength) -> () = |desk, app| desk.app()?.pause_for(length).await?;
    /// Takes tasks again.
    resume() -> () = |desk, app| desk.app()?.resume().await?;
    /// Finishes what runs and starts anew.
    restart() -> () = |desk, app| desk.start().await;
    /// Measures every precision again and plans anew.
    measure() -> () = |desk, app| desk.app()?.measure().await?;
    /// Forgets what ran out of memory, and loads the model as it was planned before that.
    forget_memory_limits() -> () = |desk, app| desk.app()?.forget_memory_limits().await?;
    /// Shows the last breakdown of the engine no longer.
    dismiss_incident() -> () = |desk, app| desk.app()?.dismiss_incident().await?;
    /// Looks for a newer version of the program; it is followed with [`watch_updates`].
    check_for_updates() -> () = |desk, app| desk.updates.check()?;
    /// Gets the newer version that was found.
    download_update() -> () = |desk, app| desk.updates.download()?;
    /// Finishes what runs, installs the newer version and starts it.
    install_update() -> () = |desk, app| desk.updates.install()?;
    /// Shows an update that was undone no longer.
    dismiss_rollback() -> () = |desk, app| desk.updates.dismiss_rollback()?;
    /// What would be served within other limits; changes nothing.
    what_if(limits: WhatIf) -> Plan = |desk, app| desk.app()?.what_if(limits)?;
    /// Finishes what runs and closes the window.
    quit() -> () = |desk, app| window::close(&app);
    /// Answers the status that asks for a passphrase.
    give_passphrase(passphrase: String) -> () = |desk, app| desk.app()?.give_passphrase(passphrase)?;
    /// Earnings over time.
    earnings(span: Span) -> EarningsChart = |desk, app| desk.app()?.chart(span).await?;
    /// Where earnings stand and came from.
    earnings_report(since: Since) -> EarningsReport = |desk, app| desk.app()?.earnings_report(since).await?;
    /// Asks where, and writes where earnings came from as CSV; `None`: the user changed their mind.
    export_earnings(since: Since) -> Option<PathBuf> = |desk, app| match save(app, "desktop.dialog.earnings", "cortensor-earnings.csv").await? {
        Some(path) => desk.app()?.export_earnings(since, &path).await.map(|()| Some(path))?,
        None => None,
    };
    /// Why nothing is earned, or that nothing is in the way.
    why() -> Why = |desk, app| desk.app()?.why().await?;
    /// Settled tasks, page by page.
    activity(query: ActivityQuery) -> ActivityPage = |desk, app| desk.app()?.activity(&query).await?;
    /// Asks where, and writes settled tasks as CSV; `None`: the user changed their mind.
    export_activity(filter: ActivityFilter) -> Option<PathBuf> = |desk, app| match save(app, "desktop.dialog.activity", "cortensor-activity.csv").await? {
        Some(path) => desk.app()?.export_activity(filter, &path).await.map(|()| Some(path))?,
        None => None,
    };
    /// What a task asked and was answered, if that was kept.
    prompt(task: TaskId) -> Option<KeptPrompt> = |desk, app| desk.app()?.prompt(task).await?;
    /// The settings in the file.
    settings() -> SettingsView = |desk, app| desk.miner.settings();
    /// Writes the settings.
    save_settings(settings: Settings) -> SettingsView = |desk, app| desk.save_settings(&settings).await?;
    /// Shows a code that pairs a browser with the status page; how it goes on is followed with [`watch_status_page`].
    show_pairing_code() -> PairingCode = |desk, app| desk.miner.page().show_pairing_code()?;
    /// Lets a browser see the status page no longer.
    forget_device(id: DeviceId) -> () = |desk, app| desk.miner.page().forget(id)?;
    /// Asks where, and writes the node's key encrypted; `None`: the user changed their mind.
    export_key(passphrase: String) -> Option<PathBuf> = |desk, app| match save(app, "desktop.dialog.key", "cortensor-keystore.json").await? {
        Some(path) => desk.app()?.export_key(path.clone(), passphrase).await.map(|()| Some(path))?,
        None => None,
    };
    /// When a copy of the node's key was last saved on this computer, if one was.
    key_saved_at() -> Option<Millis> = |desk, app| desk.app()?.key_saved_at();
    /// Asks for a keystore file and makes its key the node's; `None`: the user changed their mind.
    import_key(passphrase: String) -> Option<Address> = |desk, app| match pick(app, "desktop.dialog.keystore", "desktop.files.keystore", &["json"]).await? {
        Some(path) => Some(Address(desk.app()?.import_key(path, passphrase).await?.to_string())),
        None => None,
    };
    /// Asks for a node's `.env` and makes its key the node's; `None`: the user changed their mind.
    import_env(passphrase: Option<String>) -> Option<ImportedEnv> = |desk, app| match pick_env(app).await? {
        Some(path) => Some(desk.miner.import_env(path, passphrase).await?),
        None => None,
    };
    /// Takes the key out of the file that it was imported from.
    wipe_env(how: Wipe) -> () = |desk, app| desk.miner.wipe_env(how).await?;
    /// Shows a folder in the file manager.
    open_folder(folder: Folder) -> () = |desk, app| show(&app, &desk.folder(folder))?;
    /// Whether the miner starts at login, and whether there is a tray.
    desktop() -> DesktopView = |desk, app| startup::view(&app)?;
    /// Has the system start the miner at login, or not any more.
    start_at_login(starts: bool) -> DesktopView = |desk, app| startup::start_at_login(&app, starts)?;
    /// What this program is.
    about() -> About = |desk, app| desk.about();
    /// Asks where, and writes what happened on this machine, for whoever is asked for help; `None`: the user changed their mind.
    save_diagnosis() -> Option<PathBuf> = |desk, app| match save(app, "desktop.dialog.diagnosis", "cortensor-diagnosis.md").await? {
        Some(path) => desk.write_diagnosis(path.clone()).await.map(|()| Some(path))?,
        None => None,
    };
    /// What there is of the miner on this computer.
    removal_plan() -> RemovalPlan = |desk, app| desk.miner.removal_plan().await?;
    /// Ends the miner and deletes what was chosen of it.
    remove_miner(choice: RemovalChoice) -> RemovalReport = |desk, app| desk.remove(&choice).await?;
    /// How to send a request to the embedded practice network, if it runs.
    practice() -> Option<Practice> = |desk, app| desk.miner.practice();
    /// Whether the network can be asked for a comparison.
    network() -> NetworkView = |desk, app| desk.miner.network_view();
    /// Keeps the user's key for the network.
    keep_network_key(key: String) -> NetworkView = |desk, app| desk.miner.keep_network_key(&key)?;
    /// Models of this machine that can be compared, besides the starter model's precisions.
    model_files() -> Vec<ModelFile> = |desk, app| desk.miner.lab().model_files().await?;
    /// Begins a comparison, which is followed with [`watch_comparison`].
    compare(request: ComparisonRequest) -> () = |desk, app| desk.miner.lab().compare(request, desk.app().ok(), desk.miner.network())?;
    /// Ends the comparison that is under way; done when its memory is given back.
    stop_comparison() -> () = |desk, app| desk.miner.lab().stop_comparison().await;
    /// Comparisons that were kept.
    comparisons() -> ComparisonHistory = |desk, app| desk.miner.lab().comparisons().await?;
    /// A comparison that was kept.
    comparison(id: ComparisonId) -> Comparison = |desk, app| desk.miner.lab().kept_comparison(id).await?;
    /// Gives a comparison another name.
    rename_comparison(id: ComparisonId, name: String) -> () = |desk, app| desk.miner.lab().rename_comparison(id, &name).await?;
    /// Forgets a comparison.
    delete_comparison(id: ComparisonId) -> () = |desk, app| desk.miner.lab().delete_comparison(id).await?;
    /// Asks where, and writes a comparison for others; `None`: the user changed their mind.
    export_comparison(id: ComparisonId, format: ExportFormat) -> Option<PathBuf> = |desk, app| match save(app, "desktop.dialog.comparison", format.file_name()).await? {
        Some(path) => desk.miner.lab().export_comparison(id, format, &path).await.map(|()| Some(path))?,
        None => None,
    };
    /// Asks for a text file to measure with; `None`: the user changed their mind.
    pick_text() -> Option<PathBuf> = |desk, app| pick(app, "desktop.dialog.text", "desktop.files.text", &["txt", "md"]).await?;
    /// Begins a fidelity report, or goes on with one that was stopped; it is followed with [`watch_fidelity`].
    measure_fidelity(request: FidelityRequest) -> () = |desk, app| desk.miner.lab().measure_fidelity(request, desk.app().ok())?;
    /// Ends the report that is under way; what was scored is kept.
    stop_fidelity() -> () = |desk, app| desk.miner.lab().stop_fidelity().await;
    /// Reports that were kept.
    fidelity_reports() -> FidelityReports = |desk, app| desk.miner.lab().fidelity_reports().await?;
    /// Has two sides answer, unnamed; it is followed with [`watch_vote`].
    start_vote(request: VoteRequest) -> () = |desk, app| desk.miner.lab().start_vote(request, desk.app().ok())?;
    /// Ends the answers to a vote that is not open yet.
    stop_vote() -> () = |desk, app| desk.miner.lab().stop_vote().await;
    /// Casts the vote that is open, and says who was who.
    vote(choice: VoteChoice) -> Revealed = |desk, app| desk.miner.lab().cast_vote(choice)?;
    /// Votes that were cast, newest first.
    votes() -> Vec<KeptVote> = |desk, app| desk.miner.lab().votes()?;
    /// Whether the user tells precisions apart, by pair.
    vote_summary() -> Vec<VoteSummary> = |desk, app| desk.miner.lab().vote_summaries()?;
    /// Gets a model, behind what is wanted already; it is followed with [`watch_models`].
    get_model(id: ModelId, format: Precision) -> () = |desk, app| desk.miner.models().get(&id, format)?;
    /// Stops a download and keeps what came.
    pause_download(id: ModelId, format: Precision) -> () = |desk, app| desk.miner.models().pause(&id, format)?;
    /// Goes on with a download that was paused or failed.
    resume_download(id: ModelId, format: Precision) -> () = |desk, app| desk.miner.models().resume(&id, format)?;
    /// Stops a download and throws away what came.
    cancel_download(id: ModelId, format: Precision) -> () = |desk, app| desk.miner.models().cancel(&id, format)?;
    /// Most bytes a second that downloads take; `None`: no limit.
    limit_downloads(limit: Option<u64>) -> () = |desk, app| desk.miner.models().limit(limit)?;
    /// Asks for a GGUF file or for a folder of them, and begins to use them where they are; `None`: the user changed their mind.
    import_model(folder: bool) -> Option<PathBuf> = |desk, app| match pick_model(app, folder).await? {
        Some(path) => desk.miner.models().import(path.clone()).map(|()| Some(path))?,
        None => None,
    };
    /// Begins to make a format of a model from its most exact file.
    make_model(id: ModelId, format: Precision) -> () = |desk, app| desk.miner.models().make(id, format)?;
    /// Ends importing or making; done when it has ended.
    stop_model_work() -> () = |desk, app| desk.miner.models().stop_work().await;
    /// Says whether a model is to be protected from being deleted.
    keep_model(id: ModelId, format: Precision, keep: bool) -> () = |desk, app| desk.miner.models().keep(id, format, keep).await?;
    /// Deletes a model's files if they are ours, and else forgets it; tells how many bytes became free.
    delete_model(id: ModelId, format: Precision) -> u64 = |desk, app| desk.miner.models().remove(id, format).await?;
}

/// Follows the status; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_status(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.status(desk.miner.status(), channel))
}

/// Follows the first run; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_first_run(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.reading(desk.miner.first_run().view(), channel))
}

/// Follows the tasks being worked on; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_tasks(desk: State<'_, Arc<Desk>>, channel: Channel<Vec<LiveTask>>) -> Result<u32, Failure> {
    Ok(desk.watches.tasks(desk.miner.status(), channel))
}

/// Follows who may see the status page, and where; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_status_page(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.reading(desk.miner.page().view(), channel))
}

/// Follows the latest comparison; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_comparison(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.reading(desk.miner.lab().comparison(), channel))
}

/// Follows the latest fidelity report; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_fidelity(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.reading(desk.miner.lab().fidelity(), channel))
}

/// Follows the latest blind vote; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_vote(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.reading(desk.miner.lab().vote(), channel))
}

/// Follows the models and downloads; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_models(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.reading(desk.miner.models().view(), channel))
}

/// Follows updates of the program; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_updates(desk: State<'_, Arc<Desk>>, channel: Channel<Fields>) -> Result<u32, Failure> {
    Ok(desk.watches.reading(desk.updates.view(), channel))
}

/// Follows the logs; answers with what [`unwatch`] takes.
#[tauri::command]
pub(crate) async fn watch_logs(desk: State<'_, Arc<Desk>>, channel: Channel<Vec<LogLine>>) -> Result<u32, Failure> {
    Ok(desk.watches.logs(&desk.logs, channel))
}

/// Follows no longer.
#[tauri::command]
pub(crate) async fn unwatch(desk: State<'_, Arc<Desk>>, id: u32) -> Result<(), Failure> {
    desk.watches.end(id);
    Ok(())
}

/// Asks where, and writes a PNG picture that the window drew, which is the call's body as it is: as JSON it would be four times as
/// large. `None`: the user changed their mind.
#[tauri::command]
pub(crate) async fn save_picture(app: AppHandle, request: Request<'_>) -> Result<Option<PathBuf>, Failure> {
    let bytes = bytes_of(request.body())?;
    let path = save(app, "desktop.dialog.picture", "cortensor-comparison.png").await?;
    path.map(|path| cortensor_app::save_picture(&path, &bytes).map(|()| path)).transpose()
}

/// Where the window's own protocol is blocked, Tauri sends bytes as a list of numbers.
fn bytes_of(body: &InvokeBody) -> Result<Vec<u8>, Failure> {
    match body {
        InvokeBody::Raw(bytes) => Ok(bytes.clone()),
        InvokeBody::Json(list) => {
            serde_json::from_value(list.clone()).map_err(|error| Failure::of(FailureCode::File, &error))
        }
    }
}

/// The signatures of the commands above, which a channel or a body of bytes keeps from being declared like the others.
#[cfg(test)]
pub(crate) fn other_signatures() -> Vec<String> {
    vec![
        signature("watch_status", &["channel: Channel<Partial<Status>>".to_owned()], "number"),
        signature("watch_first_run", &["channel: Channel<Partial<FirstRunView>>".to_owned()], "number"),
        signature("watch_tasks", &["channel: Channel<LiveTask[]>".to_owned()], "number"),
        signature("watch_comparison", &["channel: Channel<Partial<Comparison>>".to_owned()], "number"),
        signature("watch_fidelity", &["channel: Channel<Partial<FidelityRun>>".to_owned()], "number"),
        signature("watch_vote", &["channel: Channel<Partial<Vote>>".to_owned()], "number"),
        signature("watch_models", &["channel: Channel<Partial<ModelsView>>".to_owned()], "number"),
        signature("watch_updates", &["channel: Channel<Partial<UpdateView>>".to_owned()], "number"),
        signature("watch_status_page", &["channel: Channel<Partial<StatusPageView>>".to_owned()], "number"),
        signature("watch_logs", &["channel: Channel<LogLine[]>".to_owned()], "number"),
        signature("unwatch", &["id: number".to_owned()], "null"),
        "save_picture: { args: Uint8Array; result: string | null };".to_owned(),
    ]
}

#[cfg(test)]
fn signature(name: &str, arguments: &[String], answer: &str) -> String {
    let arguments = if arguments.is_empty() { "Nothing".to_owned() } else { format!("{{ {} }}", arguments.join("; ")) };
    format!("{name}: {{ args: {arguments}; result: {answer} }};")
}

/// The address of a node's key: 0x and 40 hexadecimal digits, whose case carries a checksum (EIP-55).
#[derive(serde::Serialize, TS)]
#[ts(rename = "NodeAddress")]
pub(crate) struct Address(String);
