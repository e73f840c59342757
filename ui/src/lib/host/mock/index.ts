/** A recorded miner for a plain browser: for tests, for design, and for looking at every state of every screen. */

import type { Host } from "../host";
import type { About, Failure } from "../types";
import { followRealTime } from "./clock";
import { COMPONENTS } from "./components";
import { failure } from "./failure";
import { DATA_FOLDER, HARDWARE, IMPORTED_ADDRESS } from "./machine";
import { Miner, isScenario } from "./miner";
import { plan, planWithin } from "./planning";
import { chartOf, reportOf } from "./report";
import { STILL_TIME } from "./still";
import { whyOf } from "./why";

/** How a test moves a still mock on. */
export type MockControl = { advance(milliseconds: number): Promise<void>; now(): number };

declare global {
  interface Window {
    cortensorMock?: MockControl;
  }
}

/** `?still` in the address stops the time: then only `window.cortensorMock.advance` moves it. */
export function createMock(scenario = "mining", still = isStill()): Host {
  const miner = new Miner(isScenario(scenario) ? scenario : "mining", still ? STILL_TIME : Date.now());
  if (!still) void miner.ready.then(() => followRealTime(miner.clock));
  if (typeof window !== "undefined") window.cortensorMock = miner.clock;
  const host = hostOf(miner);
  if (scenario === "command-errors") return behind(host, () => Promise.reject(refusal()));
  return scenario === "slow" ? behind(host, () => miner.clock.wait(60_000)) : host;
}

function isStill(): boolean {
  return typeof location !== "undefined" && new URLSearchParams(location.search).has("still");
}

function hostOf(miner: Miner): Host {
  const { life, stage, ledger, journal, work, preferences, clock, lab, models } = miner;
  let keySavedAt: number | null = null;
  return {
    watchStatus: async (seen) => {
      await miner.ready;
      return stage.watch(seen);
    },
    watchTasks: async (seen) => stage.watchTasks(seen),
    setMode: (mode) => life.setMode(mode),
    pause: (length) => life.pause(length),
    resume: () => life.resume(),
    restart: async () => {
      await life.restart();
      preferences.restarted();
    },
    measure: () => life.measure(),
    forgetMemoryLimits: async () => stage.change((status) => (status.plan = plan())),
    dismissIncident: async () => stage.change((status) => (status.incident = null)),
    whatIf: async (limits) => planWithin(limits),
    quit: () => life.quit(),
    givePassphrase: (passphrase) => life.givePassphrase(passphrase),
    earnings: async (span) => chartOf(known(miner), span),
    earningsReport: async (since) => reportOf(known(miner), since),
    exportEarnings: async () => "/home/sam/Documents/cortensor-earnings.csv",
    why: async () => whyOf(structuredClone(stage.status), ledger, reportOf(known(miner), "today").electricity, clock.now()),
    activity: async (query) => structuredClone(ledger.page(query)),
    exportActivity: async () => "/home/sam/Documents/cortensor-activity.csv",
    prompt: async (task) => work.prompt(task),
    settings: async () => preferences.view(),
    saveSettings: async (settings) => {
      const view = preferences.save(settings);
      miner.statusPage.listen(view.settings.status_page);
      work.keepPrompts = view.settings.keep_prompts;
      if (!work.keepPrompts) work.forgetPrompts();
      return view;
    },
    exportKey: async () => {
      keySavedAt = clock.now();
      return "/home/sam/Documents/cortensor-node-key.json";
    },
    keySavedAt: async () => keySavedAt,
    importKey: async (passphrase) => {
      if (passphrase !== "correct horse") throw failure("passphrase", "the keystore does not open; check the passphrase");
      stage.change((status) => (status.address = IMPORTED_ADDRESS));
      return IMPORTED_ADDRESS;
    },
    watchLogs: async (seen) => journal.watch(seen),
    openFolder: async () => {},
    saveDiagnosis: async () => "/home/sam/Documents/cortensor-diagnosis.md",
    desktop: async () => preferences.desktop(),
    startAtLogin: async (starts) => preferences.startAtLogin(starts),
    about: async () => about(miner.updates.view.version),
    practice: async () => practiceOf(preferences.view().settings.router),
    ...lab.host,
    ...models.host,
    ...miner.firstRun.host,
    ...miner.updates.host,
    ...miner.statusPage.host,
    ...miner.removal.host,
  };
}

function known({ ledger, stage, preferences, clock }: Miner) {
  return { ledger, status: stage.status, tasks: stage.tasks, electricity: preferences.view().settings.electricity, now: clock.now() };
}

function about(version: string): About {
  return {
    version, engine: "mistral.rs 0.6.0 (CPU)", computes_on: "the processor only", os: HARDWARE.os, data_folder: DATA_FOLDER,
    log_folder: `${DATA_FOLDER}/logs`, licence: "MIT OR Apache-2.0", components: COMPONENTS,
  };
}

function practiceOf(router: string | null) {
  if (router !== null) return null;
  return { api_url: "http://127.0.0.1:5010/v1", api_key: "sk-5f1c7a9e02b84d6f9c3e1a7b04d2e8f6" };
}

function refusal(): Failure {
  return failure("file", `the database in ${DATA_FOLDER} is locked by another program; close it, then try again`);
}

/** What comes whatever is before the commands. */
const alwaysTold = ["watchStatus", "watchTasks", "watchFirstRun"];

/** The same host with something before every command; the status and the tasks still come. */
function behind(host: Host, before: () => Promise<void>): Host {
  const commands = Object.entries(host).map(([name, command]: [string, (...given: never[]) => Promise<unknown>]) => {
    const later = async (...given: never[]) => {
      await before();
      return command(...given);
    };
    return [name, alwaysTold.includes(name) ? command : later];
  });
  return Object.fromEntries(commands) as Host;
}
