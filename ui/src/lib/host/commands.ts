// Written from the Rust types by `./dev types`: change those.

import type { Channel } from "@tauri-apps/api/core";

import type {
  About,
  ActivityFilter,
  ActivityPage,
  ActivityQuery,
  EarningsChart,
  Folder,
  KeptPrompt,
  LiveTask,
  LogLine,
  Mode,
  NodeAddress,
  Practice,
  Settings,
  SettingsView,
  Span,
  Status,
  TaskId,
} from "./types";

type Nothing = Record<string, never>;

/** The window's commands: what each is given and what it answers with. */
export interface Commands {
  watch_status: { args: { channel: Channel<Partial<Status>> }; result: number };
  watch_tasks: { args: { channel: Channel<LiveTask[]> }; result: number };
  watch_logs: { args: { channel: Channel<LogLine[]> }; result: number };
  unwatch: { args: { id: number }; result: null };
  set_mode: { args: { mode: Mode }; result: null };
  pause: { args: Nothing; result: null };
  resume: { args: Nothing; result: null };
  restart: { args: Nothing; result: null };
  measure: { args: Nothing; result: null };
  quit: { args: Nothing; result: null };
  give_passphrase: { args: { passphrase: string }; result: null };
  earnings: { args: { span: Span }; result: EarningsChart };
  activity: { args: { query: ActivityQuery }; result: ActivityPage };
  export_activity: { args: { filter: ActivityFilter }; result: string | null };
  prompt: { args: { task: TaskId }; result: KeptPrompt | null };
  settings: { args: Nothing; result: SettingsView };
  save_settings: { args: { settings: Settings }; result: SettingsView };
  export_key: { args: { passphrase: string }; result: string | null };
  import_key: { args: { passphrase: string }; result: NodeAddress | null };
  open_folder: { args: { folder: Folder }; result: null };
  about: { args: Nothing; result: About };
  practice: { args: Nothing; result: Practice | null };
}
