// The host inside the Tauri window.
import { Channel, invoke } from "@tauri-apps/api/core";

import type { Commands } from "./commands";
import type { Host, Unwatch } from "./host";
import type { Comparison, FidelityRun, FirstRunView, LiveTask, LogLine, ModelsView, Status, StatusPageView, UpdateView, Vote } from "./types";

function call<Name extends keyof Commands>(name: Name, args: Commands[Name]["args"]): Promise<Commands[Name]["result"]> {
  return invoke(name, args);
}

const done = (): void => {};

function unwatching<Seen>(channel: Channel<Seen>, id: number): Unwatch {
  return () => {
    // A message may be on its way while the other side is told.
    channel.onmessage = done;
    // If the other side has ended, there is nothing left to end: the window is closing.
    call("unwatch", { id }).catch(done);
  };
}

/** What is followed field by field, by its command. */
type Followed = { watch_status: Status; watch_first_run: FirstRunView; watch_comparison: Comparison; watch_fidelity: FidelityRun; watch_vote: Vote; watch_models: ModelsView; watch_updates: UpdateView; watch_status_page: StatusPageView };

async function watch<Name extends keyof Followed>(name: Name, seen: (value: Followed[Name]) => void): Promise<Unwatch> {
  // The first message is the whole value, each one after it what changed: what did not keeps its identity here.
  let value = {} as Followed[Name];
  const channel = new Channel<Partial<Followed[Name]>>((changed) => seen((value = { ...value, ...changed })));
  return unwatching(channel, await call(name, { channel } as unknown as Commands[Name]["args"]));
}

async function watchTasks(seen: (tasks: LiveTask[]) => void): Promise<Unwatch> {
  const channel = new Channel<LiveTask[]>(seen);
  return unwatching(channel, await call("watch_tasks", { channel }));
}

async function watchLogs(seen: (lines: LogLine[]) => void): Promise<Unwatch> {
  const channel = new Channel<LogLine[]>(seen);
  return unwatching(channel, await call("watch_logs", { channel }));
}

export const tauriHost: Host = {
  watchStatus: (seen) => watch("watch_status", seen),
  watchFirstRun: (seen) => watch("watch_first_run", seen),
  outlook: () => call("outlook", {}),
  beginFirstRun: () => call("begin_first_run", {}).then(done),
  showFirstRun: (screen) => call("show_first_run", { screen }).then(done),
  firstRunTold: () => call("first_run_told", {}).then(done),
  tryOut: (question) => call("try_out", { question }),
  watchTasks,
  watchComparison: (seen) => watch("watch_comparison", seen),
  watchFidelity: (seen) => watch("watch_fidelity", seen),
  watchVote: (seen) => watch("watch_vote", seen),
  watchModels: (seen) => watch("watch_models", seen),
  watchUpdates: (seen) => watch("watch_updates", seen),
  watchLogs,
  setMode: (mode) => call("set_mode", { mode }).then(done),
  pause: (length) => call("pause", { length }).then(done),
  resume: () => call("resume", {}).then(done),
  restart: () => call("restart", {}).then(done),
  measure: () => call("measure", {}).then(done),
  forgetMemoryLimits: () => call("forget_memory_limits", {}).then(done),
  dismissIncident: () => call("dismiss_incident", {}).then(done),
  whatIf: (limits) => call("what_if", { limits }),
  quit: () => call("quit", {}).then(done),
  givePassphrase: (passphrase) => call("give_passphrase", { passphrase }).then(done),
  earnings: (span) => call("earnings", { span }),
  earningsReport: (since) => call("earnings_report", { since }),
  exportEarnings: (since) => call("export_earnings", { since }),
  why: () => call("why", {}),
  activity: (query) => call("activity", { query }),
  exportActivity: (filter) => call("export_activity", { filter }),
  prompt: (task) => call("prompt", { task }),
  settings: () => call("settings", {}),
  saveSettings: (settings) => call("save_settings", { settings }),
  watchStatusPage: (seen) => watch("watch_status_page", seen),
  showPairingCode: () => call("show_pairing_code", {}),
  forgetDevice: (id) => call("forget_device", { id }).then(done),
  exportKey: (passphrase) => call("export_key", { passphrase }),
  keySavedAt: () => call("key_saved_at", {}),
  importKey: (passphrase) => call("import_key", { passphrase }),
  importEnv: (passphrase) => call("import_env", { passphrase }),
  wipeEnv: (how) => call("wipe_env", { how }).then(done),
  openFolder: (folder) => call("open_folder", { folder }).then(done),
  desktop: () => call("desktop", {}),
  startAtLogin: (starts) => call("start_at_login", { starts }),
  about: () => call("about", {}),
  saveDiagnosis: () => call("save_diagnosis", {}),
  removalPlan: () => call("removal_plan", {}),
  removeMiner: (choice) => call("remove_miner", { choice }),
  practice: () => call("practice", {}),
  network: () => call("network", {}),
  keepNetworkKey: (key) => call("keep_network_key", { key }),
  modelFiles: () => call("model_files", {}),
  compare: (request) => call("compare", { request }).then(done),
  stopComparison: () => call("stop_comparison", {}).then(done),
  comparisons: () => call("comparisons", {}),
  comparison: (id) => call("comparison", { id }),
  renameComparison: (id, name) => call("rename_comparison", { id, name }).then(done),
  deleteComparison: (id) => call("delete_comparison", { id }).then(done),
  exportComparison: (id, format) => call("export_comparison", { id, format }),
  savePicture: (bytes) => call("save_picture", bytes),
  pickText: () => call("pick_text", {}),
  measureFidelity: (request) => call("measure_fidelity", { request }).then(done),
  stopFidelity: () => call("stop_fidelity", {}).then(done),
  fidelityReports: () => call("fidelity_reports", {}),
  getModel: (id, format) => call("get_model", { id, format }).then(done),
  pauseDownload: (id, format) => call("pause_download", { id, format }).then(done),
  resumeDownload: (id, format) => call("resume_download", { id, format }).then(done),
  cancelDownload: (id, format) => call("cancel_download", { id, format }).then(done),
  limitDownloads: (limit) => call("limit_downloads", { limit }).then(done),
  importModel: (folder) => call("import_model", { folder }),
  makeModel: (id, format) => call("make_model", { id, format }).then(done),
  stopModelWork: () => call("stop_model_work", {}).then(done),
  keepModel: (id, format, keep) => call("keep_model", { id, format, keep }).then(done),
  deleteModel: (id, format) => call("delete_model", { id, format }),
  checkForUpdates: () => call("check_for_updates", {}).then(done),
  downloadUpdate: () => call("download_update", {}).then(done),
  installUpdate: () => call("install_update", {}).then(done),
  dismissRollback: () => call("dismiss_rollback", {}).then(done),
  startVote: (request) => call("start_vote", { request }).then(done),
  stopVote: () => call("stop_vote", {}).then(done),
  castVote: (choice) => call("vote", { choice }),
  votes: () => call("votes", {}),
  voteSummaries: () => call("vote_summary", {}),
};
