// Written from the Rust types by `./dev types`: change those.

import type { Channel } from "@tauri-apps/api/core";

import type {
  About,
  ActivityFilter,
  ActivityPage,
  ActivityQuery,
  Comparison,
  ComparisonHistory,
  ComparisonId,
  ComparisonRequest,
  DesktopView,
  DeviceId,
  EarningsChart,
  EarningsReport,
  ExportFormat,
  FidelityReports,
  FidelityRequest,
  FidelityRun,
  FirstRunScreen,
  FirstRunView,
  Folder,
  ImportedEnv,
  KeptPrompt,
  KeptVote,
  LiveTask,
  LogLine,
  Millis,
  Mode,
  ModelFile,
  ModelId,
  ModelsView,
  NetworkView,
  NodeAddress,
  Outlook,
  PairingCode,
  PauseLength,
  Plan,
  Practice,
  Precision,
  RemovalChoice,
  RemovalPlan,
  RemovalReport,
  Revealed,
  Settings,
  SettingsView,
  Since,
  Span,
  Status,
  StatusPageView,
  TaskId,
  UpdateView,
  Vote,
  VoteChoice,
  VoteRequest,
  VoteSummary,
  WhatIf,
  Why,
  Wipe,
} from "./types";

type Nothing = Record<string, never>;

/** The window's commands: what each is given and what it answers with. */
export interface Commands {
  watch_status: { args: { channel: Channel<Partial<Status>> }; result: number };
  watch_first_run: { args: { channel: Channel<Partial<FirstRunView>> }; result: number };
  watch_tasks: { args: { channel: Channel<LiveTask[]> }; result: number };
  watch_comparison: { args: { channel: Channel<Partial<Comparison>> }; result: number };
  watch_fidelity: { args: { channel: Channel<Partial<FidelityRun>> }; result: number };
  watch_vote: { args: { channel: Channel<Partial<Vote>> }; result: number };
  watch_models: { args: { channel: Channel<Partial<ModelsView>> }; result: number };
  watch_updates: { args: { channel: Channel<Partial<UpdateView>> }; result: number };
  watch_status_page: { args: { channel: Channel<Partial<StatusPageView>> }; result: number };
  watch_logs: { args: { channel: Channel<LogLine[]> }; result: number };
  unwatch: { args: { id: number }; result: null };
  save_picture: { args: Uint8Array; result: string | null };
  outlook: { args: Nothing; result: Outlook };
  begin_first_run: { args: Nothing; result: null };
  show_first_run: { args: { screen: FirstRunScreen }; result: null };
  first_run_told: { args: Nothing; result: null };
  try_out: { args: { question: string }; result: string };
  set_mode: { args: { mode: Mode }; result: null };
  pause: { args: { length: PauseLength }; result: null };
  resume: { args: Nothing; result: null };
  restart: { args: Nothing; result: null };
  measure: { args: Nothing; result: null };
  forget_memory_limits: { args: Nothing; result: null };
  dismiss_incident: { args: Nothing; result: null };
  check_for_updates: { args: Nothing; result: null };
  download_update: { args: Nothing; result: null };
  install_update: { args: Nothing; result: null };
  dismiss_rollback: { args: Nothing; result: null };
  what_if: { args: { limits: WhatIf }; result: Plan };
  quit: { args: Nothing; result: null };
  give_passphrase: { args: { passphrase: string }; result: null };
  earnings: { args: { span: Span }; result: EarningsChart };
  earnings_report: { args: { since: Since }; result: EarningsReport };
  export_earnings: { args: { since: Since }; result: string | null };
  why: { args: Nothing; result: Why };
  activity: { args: { query: ActivityQuery }; result: ActivityPage };
  export_activity: { args: { filter: ActivityFilter }; result: string | null };
  prompt: { args: { task: TaskId }; result: KeptPrompt | null };
  settings: { args: Nothing; result: SettingsView };
  save_settings: { args: { settings: Settings }; result: SettingsView };
  show_pairing_code: { args: Nothing; result: PairingCode };
  forget_device: { args: { id: DeviceId }; result: null };
  export_key: { args: { passphrase: string }; result: string | null };
  key_saved_at: { args: Nothing; result: Millis | null };
  import_key: { args: { passphrase: string }; result: NodeAddress | null };
  import_env: { args: { passphrase: string | null }; result: ImportedEnv | null };
  wipe_env: { args: { how: Wipe }; result: null };
  open_folder: { args: { folder: Folder }; result: null };
  desktop: { args: Nothing; result: DesktopView };
  start_at_login: { args: { starts: boolean }; result: DesktopView };
  about: { args: Nothing; result: About };
  save_diagnosis: { args: Nothing; result: string | null };
  removal_plan: { args: Nothing; result: RemovalPlan };
  remove_miner: { args: { choice: RemovalChoice }; result: RemovalReport };
  practice: { args: Nothing; result: Practice | null };
  network: { args: Nothing; result: NetworkView };
  keep_network_key: { args: { key: string }; result: NetworkView };
  model_files: { args: Nothing; result: Array<ModelFile> };
  compare: { args: { request: ComparisonRequest }; result: null };
  stop_comparison: { args: Nothing; result: null };
  comparisons: { args: Nothing; result: ComparisonHistory };
  comparison: { args: { id: ComparisonId }; result: Comparison };
  rename_comparison: { args: { id: ComparisonId; name: string }; result: null };
  delete_comparison: { args: { id: ComparisonId }; result: null };
  export_comparison: { args: { id: ComparisonId; format: ExportFormat }; result: string | null };
  pick_text: { args: Nothing; result: string | null };
  measure_fidelity: { args: { request: FidelityRequest }; result: null };
  stop_fidelity: { args: Nothing; result: null };
  fidelity_reports: { args: Nothing; result: FidelityReports };
  start_vote: { args: { request: VoteRequest }; result: null };
  stop_vote: { args: Nothing; result: null };
  vote: { args: { choice: VoteChoice }; result: Revealed };
  votes: { args: Nothing; result: Array<KeptVote> };
  vote_summary: { args: Nothing; result: Array<VoteSummary> };
  get_model: { args: { id: ModelId; format: Precision }; result: null };
  pause_download: { args: { id: ModelId; format: Precision }; result: null };
  resume_download: { args: { id: ModelId; format: Precision }; result: null };
  cancel_download: { args: { id: ModelId; format: Precision }; result: null };
  limit_downloads: { args: { limit: number | null }; result: null };
  import_model: { args: { folder: boolean }; result: string | null };
  make_model: { args: { id: ModelId; format: Precision }; result: null };
  stop_model_work: { args: Nothing; result: null };
  keep_model: { args: { id: ModelId; format: Precision; keep: boolean }; result: null };
  delete_model: { args: { id: ModelId; format: Precision }; result: number };
}
