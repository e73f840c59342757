// The host inside the Tauri window.
import { Channel, invoke } from "@tauri-apps/api/core";

import type { Commands } from "./commands";
import type { Host, Unwatch } from "./host";
import type { LiveTask, LogLine, Status } from "./types";

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

async function watchStatus(seen: (status: Status) => void): Promise<Unwatch> {
  // The first message is the whole status, each one after it what changed: what did not keeps its identity here.
  let status = {} as Status;
  const channel = new Channel<Partial<Status>>((changed) => seen((status = { ...status, ...changed })));
  return unwatching(channel, await call("watch_status", { channel }));
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
  watchStatus,
  watchTasks,
  watchLogs,
  setMode: (mode) => call("set_mode", { mode }).then(done),
  pause: () => call("pause", {}).then(done),
  resume: () => call("resume", {}).then(done),
  restart: () => call("restart", {}).then(done),
  measure: () => call("measure", {}).then(done),
  quit: () => call("quit", {}).then(done),
  givePassphrase: (passphrase) => call("give_passphrase", { passphrase }).then(done),
  earnings: (span) => call("earnings", { span }),
  activity: (query) => call("activity", { query }),
  exportActivity: (filter) => call("export_activity", { filter }),
  prompt: (task) => call("prompt", { task }),
  settings: () => call("settings", {}),
  saveSettings: (settings) => call("save_settings", { settings }),
  exportKey: (passphrase) => call("export_key", { passphrase }),
  importKey: (passphrase) => call("import_key", { passphrase }),
  openFolder: (folder) => call("open_folder", { folder }).then(done),
  about: () => call("about", {}),
  practice: () => call("practice", {}),
};
