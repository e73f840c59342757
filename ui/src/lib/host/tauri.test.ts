import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, expect, it } from "vitest";

import { statusWith } from "../testing/statuses";
import { tauriHost } from "./tauri";
import type { Settings, Status } from "./types";

/** What the other side was asked, in order. */
const asked: [string, unknown][] = [];

/** The other side, answering every command with `answer`. */
function answering(answer: unknown): void {
  mockIPC((name, args) => {
    asked.push([name, args]);
    return answer;
  });
}

afterEach(() => {
  clearMocks();
  asked.length = 0;
});

it("asks by the names and arguments of the window's commands", async () => {
  answering(null);
  const filter = { search: "", kind: null, outcome: null, mode: null };
  const settings = { router: null } as Settings;
  await tauriHost.setMode("volume");
  await tauriHost.pause("hour");
  await tauriHost.givePassphrase("p");
  await tauriHost.earnings("day");
  await tauriHost.activity({ filter, offset: 0, limit: 50 });
  await tauriHost.exportActivity(filter);
  await tauriHost.prompt("t");
  await tauriHost.saveSettings(settings);
  await tauriHost.exportKey("p");
  await tauriHost.keySavedAt();
  await tauriHost.importKey("p");
  await tauriHost.openFolder("logs");
  await tauriHost.startAtLogin(true);
  await tauriHost.renameComparison("c", "n");
  await tauriHost.exportComparison("c", "csv");
  await tauriHost.savePicture(new Uint8Array([1]));
  await tauriHost.keepNetworkKey("sk-1");
  await tauriHost.modelFiles();
  await tauriHost.castVote("equal");
  await tauriHost.voteSummaries();
  await tauriHost.limitDownloads(5e6);
  await tauriHost.importModel(true);
  await tauriHost.keepModel("m", "Q8_0", false);
  await tauriHost.checkForUpdates();
  await tauriHost.downloadUpdate();
  await tauriHost.installUpdate();
  await tauriHost.dismissRollback();
  expect(asked).toEqual([
    ["set_mode", { mode: "volume" }],
    ["pause", { length: "hour" }],
    ["give_passphrase", { passphrase: "p" }],
    ["earnings", { span: "day" }],
    ["activity", { query: { filter, offset: 0, limit: 50 } }],
    ["export_activity", { filter }],
    ["prompt", { task: "t" }],
    ["save_settings", { settings }],
    ["export_key", { passphrase: "p" }],
    ["key_saved_at", {}],
    ["import_key", { passphrase: "p" }],
    ["open_folder", { folder: "logs" }],
    ["start_at_login", { starts: true }],
    ["rename_comparison", { id: "c", name: "n" }],
    ["export_comparison", { id: "c", format: "csv" }],
    ["save_picture", new Uint8Array([1])],
    ["keep_network_key", { key: "sk-1" }],
    ["model_files", {}],
    ["vote", { choice: "equal" }],
    ["vote_summary", {}],
    ["limit_downloads", { limit: 5e6 }],
    ["import_model", { folder: true }],
    ["keep_model", { id: "m", format: "Q8_0", keep: false }],
    ["check_for_updates", {}],
    ["download_update", {}],
    ["install_update", {}],
    ["dismiss_rollback", {}],
  ]);
});

it("rejects with the failure that the other side tells", async () => {
  const failure = { code: "not_loaded", message: "not enough memory" };
  mockIPC(() => Promise.reject(failure));
  await expect(tauriHost.setMode("precision")).rejects.toEqual(failure);
});

it("hears the status until it stops listening, and says so to the other side", async () => {
  let channel: { onmessage: (changed: Partial<Status>) => void } | undefined;
  mockIPC((name, args) => {
    asked.push([name, name === "unwatch" ? args : null]);
    if (name === "watch_status") channel = (args as unknown as { channel: typeof channel }).channel;
    return 7;
  });
  const seen: Status[] = [];
  const unwatch = await tauriHost.watchStatus((status) => seen.push(status));
  const whole = statusWith({ running: 1 });
  channel?.onmessage(whole);
  channel?.onmessage({ running: 2 });
  unwatch();
  channel?.onmessage({ running: 3 });
  // What was not told again is as it was, and the same object, so that nothing of it is drawn anew.
  expect(seen).toEqual([whole, { ...whole, running: 2 }]);
  expect(seen[1]?.earnings).toBe(whole.earnings);
  expect(asked).toEqual([["watch_status", null], ["unwatch", { id: 7 }]]);
});
