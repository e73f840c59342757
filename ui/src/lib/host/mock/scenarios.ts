/** What the mock can be asked to be, by name. */

import type { ProblemCode } from "../types";
import { request } from "./lab";
import { emptyComparison } from "./lab-comparison";
import { PROMPT } from "./lab-words";
import { DATA_FOLDER, olderReport } from "./machine";
import { IDLE, type Miner } from "./miner";
import { planAfterRunningOut } from "./planning";
import { coolingDown, olderStanding } from "./standing";
import { RELEASE } from "./updates";

export type Scenario = (miner: Miner) => void;

const SETTLEMENT_TROUBLE = `a settlement could not be written to ${DATA_FOLDER}/ledger.sqlite; make room on its disk: `
  + "it is tried again by itself, and no tasks are taken until then";

export const SCENARIOS = {
  "first-run": neverStarted,
  "first-run-plan": (miner) => {
    neverStarted(miner);
    miner.firstRun.begin();
    miner.prepare(1_600);
  },
  "first-run-keep": (miner) => {
    neverStarted(miner);
    miner.firstRun.begin();
    miner.prepare(60_000, () => miner.firstRun.show("keep"));
  },
  "first-run-served": (miner) => {
    neverStarted(miner);
    miner.firstRun.begin();
    miner.clock.after(60_000, () => miner.work.take("user"));
    miner.prepare(72_000, () => miner.firstRun.show("over"));
  },
  "first-start": (miner) => {
    miner.life.first = true;
    miner.life.fresh = true;
    miner.models.recall(true, false);
    void miner.life.start().then(() => miner.work.begin([20_000, 60_000]));
  },
  mining,
  "mining-quiet": (miner) => {
    miner.life.fresh = true;
    miner.life.arrive();
  },
  "cool-down": (miner) => {
    mining(miner);
    miner.stage.change((status) => (status.standing = coolingDown(miner.clock.now(), "late")));
  },
  /** All is well, and nobody asks for anything. The router is an older one, which says everything in sentences only. */
  "no-demand": (miner) => {
    miner.life.arrive();
    served(miner);
    miner.stage.change((status) => {
      status.idle_since = miner.clock.now() - IDLE;
      if (status.tier) status.tier = olderReport(status.tier);
      if (status.standing) status.standing = olderStanding(status.standing);
    });
  },
  switching: (miner) => {
    mining(miner);
    void miner.life.setMode("precision");
    miner.prepare(1_600);
  },
  paused: (miner) => {
    miner.life.arrive();
    served(miner);
    miner.stage.change((status) => Object.assign(status, { loaded: null, phase: "paused" }));
  },
  /** For a while, on a desktop without a tray. */
  "paused-until": (miner) => {
    miner.life.arrive();
    served(miner);
    miner.preferences.bare = true;
    const until = miner.clock.now() + 900_000;
    miner.stage.change((status) => Object.assign(status, { loaded: null, phase: "paused", paused_until: until }));
    void miner.life.wake(until);
  },
  aside: (miner) => {
    miner.life.arrive();
    served(miner);
    miner.stage.change((status) => Object.assign(status, { loaded: null, phase: "paused", aside: [{ is: "battery" }] }));
  },
  incident: (miner) => {
    mining(miner);
    miner.stage.change((status) => {
      const plan = planAfterRunningOut();
      const { model, precision } = plan.volume.variant;
      status.plan = plan;
      status.incident = {
        at: miner.clock.now() - 5 * 60_000, kind: "out_of_memory", repair: "loaded_smaller", context_tokens: 1024, slots: 1,
        model, precision, goes_on: { model, precision, load: plan.volume.load },
        message: 'DriverError(CUDA_ERROR_OUT_OF_MEMORY, "out of memory")',
      };
    });
  },
  offline: (miner) => {
    miner.life.arrive();
    miner.stage.change((status) => {
      status.phase = "offline";
      status.connection = {
        is: "offline", retry_at: miner.clock.now() + 15_400,
        reason: "the router at wss://router.example.net does not answer: connection refused (os error 111)",
      };
    });
  },
  rejected: (miner) => {
    miner.life.arrive();
    miner.stage.change((status) => {
      status.phase = "offline";
      status.connection = {
        is: "rejected", retry_at: miner.clock.now() + 29_000,
        rejection: {
          code: "already_connected",
          message: "this identity is connected already; stop the other miner, or give this one an identity of its own",
        },
      };
    });
  },
  untrusted: (miner) => {
    miner.life.arrive();
    void miner.life.distrust();
  },
  hindered: (miner) => {
    miner.life.arrive();
    miner.stage.change((status) => {
      status.phase = "hindered";
      status.problem = { code: "files", message: SETTLEMENT_TROUBLE };
    });
  },
  "failed-model": (miner) => fails(
    miner, "model",
    "the model file /opt/cortensor/SmolLM2-135M-Instruct.Q4_1.gguf cannot be read; run `./dev run` again to get it "
      + "(No such file or directory (os error 2))",
  ),
  "failed-identity": (miner) => fails(
    miner, "identity",
    "the keychain does not give the key of node 0x3F1b6cE0B4b1a0C5bE6f5d6f0e4C2dA9b7E81d42; unlock it and start again",
  ),
  stopped: (miner) => {
    miner.life.arrive();
    void miner.life.quit();
  },
  "in-use": (miner) => miner.stage.fail({
    code: "in_use",
    message: `a miner is already running on ${DATA_FOLDER}; close it first, or start this one with another folder`,
  }),
  "passphrase-new": (miner) => asks(miner, true),
  "passphrase-existing": (miner) => asks(miner, false),
  /** No keychain runs here, and the program was built by its user. */
  keystore: (miner) => {
    mining(miner);
    miner.updates.recall({ checked_at: null, state: { state: "not_a_release" } });
    miner.stage.change((status) => (status.key_place = "keystore"));
  },
  "passphrase-refused": (miner) => {
    asks(miner, false, `the keystore ${DATA_FOLDER}/identity/keystore.json does not open; check the passphrase`);
  },
  "empty-activity": (miner) => miner.life.arrive(),
  many: mining,
  "logs-empty": mining,
  "command-errors": mining,
  comparing: (miner) => {
    mining(miner);
    miner.lab.comparisons.begin(request(["F16", "Q4_0"]));
    miner.prepare(4_600);
  },
  "compare-failed": (miner) => {
    mining(miner);
    const message = "F16 needs 750 MB and 610 MB may be used; close other programs, or choose a smaller file";
    miner.lab.comparisons.show({
      ...emptyComparison(), phase: "failed", request: request(["F16", "Q4_0"]), name: PROMPT, started_at: miner.clock.now() - 4_000,
      mining: "paused", progress: 1, failure: { code: "memory", message },
    });
  },
  /** Another router, whose key is not known, and which has nobody for what is asked. */
  "compare-network": (miner) => {
    mining(miner);
    miner.lab.network = { api_url: "https://router.example.net/v1", has_key: false };
    miner.lab.refusal = "the network gave no answer: no high-accuracy node serves `smollm2-135m-instruct` at the moment; "
      + "there are: 3 low_end quantized; to accept one of these instead, send `fallback`: low_end or quantized";
  },
  measuring: (miner) => {
    mining(miner);
    miner.lab.reports.begin({ text: { is: "bundled" }, reference: { is: "most_exact" }, precisions: [], most_windows: null });
    miner.prepare(3_500);
  },
  /** Models in every state of being got. */
  downloading: (miner) => {
    mining(miner);
    const { models } = miner;
    const message = "huggingface.co cannot be reached; check the connection, then start the download again: it goes on where it was";
    models.recallDownload("qwen3-4b", "Q4_K", { is: "queued" }, 0.43);
    models.recallDownload("llama-3.2-1b-instruct", "Q8_0", { is: "queued" }, 0);
    models.recallDownload("phi-3-mini-4k-instruct", "Q4_K", { is: "paused" }, 0.12);
    models.recallDownload("smollm2-360m-instruct", "Q8_0", { is: "failed", code: "connection", message }, 0.7);
    miner.prepare(1_200);
  },
  /** A node with a name, which uses the main one's models. */
  "named-node": (miner) => {
    mining(miner);
    miner.models.view.shared = true;
  },
  /** Logs that something else holds on to, and cannot be deleted. */
  "removal-stuck": (miner) => {
    mining(miner);
    miner.removal.stuck = "logs";
  },
  "update-ready": (miner) => {
    mining(miner);
    miner.updates.recall({ state: { state: "ready", release: RELEASE, asks_password: false } });
  },
  /** Where the system asks for a password to install what comes. */
  "update-downloading": (miner) => {
    mining(miner);
    miner.updates.asksPassword = true;
    miner.updates.come(0.42);
  },
  "update-failed": (miner) => {
    mining(miner);
    const message = "the place where versions come from does not answer (github.com, the connection timed out); check the connection, then try again: it is also tried again by itself in an hour";
    miner.updates.recall({ state: { state: "failed", message, release: RELEASE } });
  },
  "update-rolled-back": (miner) => {
    mining(miner);
    const reason = "it ended three times within a minute of its start";
    miner.updates.offers = null;
    miner.updates.recall({ rolled_back: { version: RELEASE.version, to: "0.1.0", reason, at: miner.clock.now() - 8 * 60_000 } });
  },
  /** Two browsers may look, and a third one is about to be paired. */
  "status-page": (miner) => {
    mining(miner);
    const { settings } = miner.preferences.view();
    const status_page = { ...settings.status_page, on: true };
    miner.preferences.save({ ...settings, status_page });
    miner.statusPage.listen(status_page);
    miner.statusPage.recall();
  },
  /** Every answer takes a minute: what is shown while waiting. */
  slow: mining,
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

/** A folder in which nothing was ever started. */
function neverStarted(miner: Miner): void {
  miner.life.first = true;
  miner.life.fresh = true;
  miner.models.recall(true, false);
  miner.firstRun.recall();
}

function mining(miner: Miner): void {
  miner.life.arrive();
  served(miner);
  miner.work.take("user", 61);
  miner.work.begin([9_000, 26_000]);
  miner.lab.recall();
  miner.models.recall(false, true);
}

/** What was served since the mode was chosen. */
function served(miner: Miner): void {
  miner.stage.change((status) => {
    const volume = status.modes.find((side) => side.mode === "volume");
    if (!volume) return;
    volume.work = { served: 41, prompt_tokens: 8_733, completion_tokens: 5_904, busy: { secs: 254, nanos: 0 } };
    volume.measured_requests_per_hour = 561.7;
  });
}

/** As far as a start comes before the obstacle; trying again gets past it, as if the user had seen to it. */
function fails(miner: Miner, code: ProblemCode, message: string): void {
  miner.life.obstacle = { code, message };
  void miner.life.start();
  miner.prepare(1_500);
}

function asks(miner: Miner, isNew: boolean, refused: string | null = null): void {
  miner.life.asks = { new: isNew };
  void miner.life.start();
  miner.prepare(1_500, () => miner.stage.change((status) => (status.passphrase = { new: isNew, refused })));
}
