// What the interface asks of whatever it runs in: the Tauri window, or a recorded mock in a plain browser.

import type {
  About, ActivityFilter, ActivityPage, ActivityQuery, Comparison, ComparisonHistory, ComparisonId, ComparisonRequest,
  DesktopView, DeviceId, EarningsChart, EarningsReport, ExportFormat, FidelityReports, FidelityRequest, FidelityRun, FirstRunScreen,
  FirstRunView, Folder, ImportedEnv, KeptPrompt, KeptVote, LiveTask, LogLine, Millis, Mode, ModelFile, ModelId, ModelsView,
  NetworkView, NodeAddress, Outlook, PairingCode, PauseLength, Plan, Practice, Precision, RemovalChoice, RemovalPlan, RemovalReport, Revealed, Settings, SettingsView, Since, Span,
  Status, StatusPageView, TaskId, UpdateView, Vote, VoteChoice, VoteRequest, VoteSummary, WhatIf, Why, Wipe,
} from "./types";

/** Ends a subscription. */
export type Unwatch = () => void;

/** Every promise rejects with a `Failure`. */
export interface Host {
  /** Calls back at once with the status of now, and again at every change (at most a few times a second). */
  watchStatus(seen: (status: Status) => void): Promise<Unwatch>;
  /** Calls back at once with the tasks being worked on, and again as they move (a few times a second). */
  watchTasks(seen: (tasks: LiveTask[]) => void): Promise<Unwatch>;
  /** Calls back at once with how far the first run is, and again when that changes. */
  watchFirstRun(seen: (view: FirstRunView) => void): Promise<Unwatch>;
  /** What a miner would use of this computer. Starts nothing. */
  outlook(): Promise<Outlook>;
  /** Starts the miner for the first time. */
  beginFirstRun(): Promise<void>;
  /** Goes on or back in the first run, or ends it. */
  showFirstRun(screen: FirstRunScreen): Promise<void>;
  /** The user has seen how long the first start took. */
  firstRunTold(): Promise<void>;
  /** Sends one question to the embedded practice network, and answers with its answer. */
  tryOut(question: string): Promise<string>;
  /** Done when the other model is served; progress is in the status meanwhile (`phase`, `steps`). */
  setMode(mode: Mode): Promise<void>;
  /** Done when what runs has finished and the memory is given back. */
  pause(length: PauseLength): Promise<void>;
  resume(): Promise<void>;
  /** Finishes what runs, then starts anew: after a failure, or to use changed settings. */
  restart(): Promise<void>;
  /** Measures every precision again and plans anew; finishes what runs first, then goes on. Progress is in the status. */
  measure(): Promise<void>;
  /** Forgets what ran out of memory (`status.plan.limits`), and loads the model as it was planned before that. */
  forgetMemoryLimits(): Promise<void>;
  /** Shows `status.incident` no longer. */
  dismissIncident(): Promise<void>;
  /** What would be served within other limits. Answers at once, and changes nothing. */
  whatIf(limits: WhatIf): Promise<Plan>;
  /** Finishes what runs and closes the window. */
  quit(): Promise<void>;
  /** Answers `status.passphrase`. What was wrong with it comes back in `status.passphrase.refused`. */
  givePassphrase(passphrase: string): Promise<void>;

  earnings(span: Span): Promise<EarningsChart>;
  /** Where earnings stand and came from. */
  earningsReport(since: Since): Promise<EarningsReport>;
  /** Asks where to save and writes a CSV file. Answers with its path; null: the user changed their mind. */
  exportEarnings(since: Since): Promise<string | null>;
  /** Why nothing is earned, link by link, or that nothing is in the way. */
  why(): Promise<Why>;
  activity(query: ActivityQuery): Promise<ActivityPage>;
  /** Asks where to save and writes a CSV file. Answers with its path; null: the user changed their mind. */
  exportActivity(filter: ActivityFilter): Promise<string | null>;
  /** null: none was kept. */
  prompt(task: TaskId): Promise<KeptPrompt | null>;

  settings(): Promise<SettingsView>;
  saveSettings(settings: Settings): Promise<SettingsView>;

  /** Calls back at once with who may see the status page and where it is, and again as that changes. */
  watchStatusPage(seen: (view: StatusPageView) => void): Promise<Unwatch>;
  /** Shows a code that pairs one browser; it is in the view too, until it is used. */
  showPairingCode(): Promise<PairingCode>;
  /** Lets a browser see the status page no longer, at once. */
  forgetDevice(id: DeviceId): Promise<void>;

  /** Asks where to save and writes an encrypted Ethereum keystore. Answers with its path; null: changed their mind. */
  exportKey(passphrase: string): Promise<string | null>;
  /** When a copy of the key was last saved on this computer; null: none was, or whose key it is is not known yet. */
  keySavedAt(): Promise<Millis | null>;
  /** Asks for a keystore file and makes its key this node's. The old key's address and earnings stay with the network.
   *  Answers with the new address; null: changed their mind. */
  importKey(passphrase: string): Promise<NodeAddress | null>;

  /** Asks for a node's `.env` and makes its key this node's, under a new passphrase where no keychain runs; null: changed their
   *  mind. */
  importEnv(passphrase: string | null): Promise<ImportedEnv | null>;
  /** Takes the key out of the file that it was imported from. */
  wipeEnv(how: Wipe): Promise<void>;

  /** Calls back with the lines so far and then with new ones. */
  watchLogs(seen: (lines: LogLine[]) => void): Promise<Unwatch>;
  openFolder(folder: Folder): Promise<void>;
  desktop(): Promise<DesktopView>;
  /** Has the system start the miner when the user logs in, or not any more. Answers with what the system says then. */
  startAtLogin(starts: boolean): Promise<DesktopView>;
  about(): Promise<About>;
  /** Asks where to save, and writes what happened here, for whoever helps. Answers with the path; null: the user changed their mind. */
  saveDiagnosis(): Promise<string | null>;
  /** What there is of the miner on this computer. */
  removalPlan(): Promise<RemovalPlan>;
  /** Finishes what runs, ends the miner and deletes what was chosen. If it rejects, nothing was deleted and the miner goes on. */
  removeMiner(choice: RemovalChoice): Promise<RemovalReport>;
  /** How to send a request to the embedded practice network; null where another router is used. */
  practice(): Promise<Practice | null>;

  /** Whether the network can be asked for an answer, as its users do. */
  network(): Promise<NetworkView>;
  /** Keeps the user's key for the network that the miner works for. */
  keepNetworkKey(key: string): Promise<NetworkView>;
  /** Models of this machine that can be compared, besides the starter model's precisions. */
  modelFiles(): Promise<ModelFile[]>;

  /** Calls back at once with the latest comparison, and again as it goes on. */
  watchComparison(seen: (comparison: Comparison) => void): Promise<Unwatch>;
  /** Done when it has begun; how it goes on is watched. */
  compare(request: ComparisonRequest): Promise<void>;
  /** Done when its memory is given back. */
  stopComparison(): Promise<void>;
  comparisons(): Promise<ComparisonHistory>;
  comparison(id: ComparisonId): Promise<Comparison>;
  renameComparison(id: ComparisonId, name: string): Promise<void>;
  deleteComparison(id: ComparisonId): Promise<void>;
  /** Asks where to save. Answers with the file's path; null: the user changed their mind. */
  exportComparison(id: ComparisonId, format: ExportFormat): Promise<string | null>;
  /** The same with a PNG picture that was drawn here. */
  savePicture(bytes: Uint8Array): Promise<string | null>;

  watchFidelity(seen: (run: FidelityRun) => void): Promise<Unwatch>;
  /** Asks for a text file. null: the user changed their mind. */
  pickText(): Promise<string | null>;
  /** Done when it has begun. One that was stopped goes on where it was. */
  measureFidelity(request: FidelityRequest): Promise<void>;
  stopFidelity(): Promise<void>;
  fidelityReports(): Promise<FidelityReports>;

  /** Calls back at once with the models and downloads, looked at anew, and again as they change. */
  watchModels(seen: (view: ModelsView) => void): Promise<Unwatch>;
  /** Done when it is wanted; how it comes is watched. */
  getModel(id: ModelId, format: Precision): Promise<void>;
  pauseDownload(id: ModelId, format: Precision): Promise<void>;
  /** Goes on with what was paused or failed. */
  resumeDownload(id: ModelId, format: Precision): Promise<void>;
  /** Throws away what came. */
  cancelDownload(id: ModelId, format: Precision): Promise<void>;
  /** In bytes a second; null: none. */
  limitDownloads(limit: number | null): Promise<void>;
  /** Asks for a GGUF file, or for a folder of them, and begins to use them where they are; null: changed their mind. */
  importModel(folder: boolean): Promise<string | null>;
  /** Done when it has begun; how it goes on is watched. */
  makeModel(id: ModelId, format: Precision): Promise<void>;
  stopModelWork(): Promise<void>;
  keepModel(id: ModelId, format: Precision, keep: boolean): Promise<void>;
  /** Deletes files that are ours, else forgets them. Answers with the bytes that became free. */
  deleteModel(id: ModelId, format: Precision): Promise<number>;

  /** Calls back at once with what is known of newer versions of this program, and again as it changes. */
  watchUpdates(seen: (view: UpdateView) => void): Promise<Unwatch>;
  /** Looks now, whatever the settings say; what is found is watched. */
  checkForUpdates(): Promise<void>;
  /** Gets the version that was found, also once more after a failure. */
  downloadUpdate(): Promise<void>;
  /** Finishes what runs, installs what was downloaded, and restarts the program. */
  installUpdate(): Promise<void>;
  /** Shows `rolled_back` no longer. */
  dismissRollback(): Promise<void>;

  watchVote(seen: (vote: Vote) => void): Promise<Unwatch>;
  startVote(request: VoteRequest): Promise<void>;
  stopVote(): Promise<void>;
  castVote(choice: VoteChoice): Promise<Revealed>;
  /** The votes that were cast, newest first. */
  votes(): Promise<KeptVote[]>;
  voteSummaries(): Promise<VoteSummary[]>;
}
