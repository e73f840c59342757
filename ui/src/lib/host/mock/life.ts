/** The life of the miner: start, test, switch, pause, measure, fail. */

import type { Millis, Mode, PauseLength, Precision, Problem, ProblemCode } from "../types";
import type { Clock } from "./clock";
import type { Journal } from "./journal";
import type { Ledger } from "./ledger";
import {
  ADDRESS, DATA_FOLDER, HARDWARE, HARDWARE_IN_WORDS, LADDER, MODEL, failedReport, loaded, loadedInWords, measured, threads, measurement,
  modeViews, precisionOf, tierReport,
} from "./machine";
import { plan } from "./planning";
import type { Stage } from "./stage";
import { coolingDown, newcomer, seasoned } from "./standing";
import type { Workload } from "./workload";

const TESTS = 10;

export class Life {
  /** What the next start runs into; the one after that finds it seen to. */
  obstacle: Problem | null = null;
  /** What a start has to ask first. */
  asks: { new: boolean } | null = null;
  /** Nothing is prepared, measured or tested yet. */
  first = false;
  /** Not known to the network for long. */
  fresh = false;

  constructor(
    readonly clock: Clock,
    readonly stage: Stage,
    readonly work: Workload,
    readonly ledger: Ledger,
    readonly journal: Journal,
  ) {}

  async start(): Promise<void> {
    this.stage.change((status) => Object.assign(status, { phase: "starting", steps: [], problem: null }));
    await this.#detect();
    if (!(await this.#identify())) return;
    if (!(await this.#prepareModel())) return;
    await this.#benchmark(this.first);
    await this.#load();
    await this.#join();
    if (this.first) await this.#test();
    this.first = false;
    this.mine();
  }

  async givePassphrase(passphrase: string): Promise<void> {
    const asked = this.stage.status.passphrase;
    if (!asked) return;
    await this.clock.wait(700);
    const refused = refusal(asked.new, passphrase);
    if (refused !== null) return this.stage.change((status) => (status.passphrase = { new: asked.new, refused }));
    this.asks = null;
    this.stage.change((status) => (status.passphrase = null));
    void this.start();
  }

  async setMode(mode: Mode): Promise<void> {
    const { phase, loaded: served } = this.stage.status;
    if (served?.mode === mode || phase === "paused") return this.stage.change((status) => (status.mode = mode));
    this.stage.change((status) => Object.assign(status, { phase: "switching", switching_to: mode }));
    this.journal.write("info", "cortensor_app::life::serve", `switching mode=${mode} precision=${precisionOf(mode)}`);
    await this.#progress("load", `loading ${precisionOf(mode)} for ${mode}`, 12, 260);
    const old = this.work.finished();
    this.#serve(mode);
    await old;
    this.stage.change((status) => {
      status.switching_to = null;
      status.tier = tierReport(precisionOf(mode), this.clock.now());
      status.phase = "mining";
    });
  }

  async pause(length: PauseLength = "until_resumed"): Promise<void> {
    const until = endOf(length, this.clock.now());
    this.stage.change((status) => Object.assign(status, { phase: "draining", paused_until: until }));
    await this.work.drain();
    await this.clock.wait(300);
    this.journal.write("info", "cortensor_app::life::serve", "unloaded; the memory is given back");
    this.stage.change((status) => Object.assign(status, { loaded: null, phase: "paused" }));
    if (until !== null) void this.wake(until);
  }

  /** Goes on by itself, unless the user said something else meanwhile. */
  async wake(until: Millis): Promise<void> {
    await this.clock.wait(until - this.clock.now());
    const { phase, paused_until } = this.stage.status;
    if (phase === "paused" && paused_until === until) await this.resume();
  }

  async resume(): Promise<void> {
    this.stage.change((status) => Object.assign(status, { aside: [], paused_until: null }));
    this.stage.phase("starting");
    await this.#load();
    this.mine();
  }

  async restart(): Promise<void> {
    if (this.stage.status.loaded) await this.pause();
    this.stage.change((status) => Object.assign(status, { problem: null, connection: { is: "connecting" } }));
    await this.start();
  }

  async measure(): Promise<void> {
    this.stage.change((status) => (status.measuring = true));
    this.stage.phase("draining");
    await this.work.drain();
    this.stage.phase("starting");
    await this.#benchmark(true);
    this.stage.change((status) => (status.measuring = false));
    await this.#load();
    this.mine();
  }

  async quit(): Promise<void> {
    this.stage.phase("draining");
    await this.work.drain();
    this.stage.change((status) => Object.assign(status, { loaded: null, phase: "stopped", connection: { is: "stopped" } }));
  }

  /** All that a start leads to, at once. */
  arrive(): void {
    const { stage } = this;
    const mode = stage.status.mode ?? "volume";
    stage.status.hardware = structuredClone(HARDWARE);
    stage.status.address = ADDRESS;
    stage.status.key_place = "keychain";
    stage.status.plan = plan();
    stage.status.modes = modeViews(true);
    stage.status.measurements = measured();
    stage.status.threads = threads();
    this.#steps(mode);
    this.#serve(mode);
    this.connect();
    this.mine();
  }

  connect(): void {
    this.stage.change((status) => {
      status.connection = { is: "connected", router: "embedded practice router", network: "practice" };
      status.standing ??= (this.fresh ? newcomer : seasoned)(this.clock.now());
    });
  }

  mine(): void {
    this.work.open();
    this.stage.change((status) => {
      const precision = precisionOf(status.loaded?.mode ?? "volume");
      status.tier ??= tierReport(precision, this.clock.now() - 5_398_000);
      status.modes.forEach((side) => (side.tier ??= tierReport(side.precision, 0).tier));
      status.testing = null;
      status.earnings = this.ledger.summary(this.clock.now());
    });
    this.stage.done("join", "registered with embedded practice router on the practice network");
    this.stage.done("test", `tier: low-end, ${this.stage.status.loaded?.mode === "precision" ? "full" : "quantized"}`);
    this.stage.done("mine", "taking tasks");
    this.stage.phase("mining");
  }

  async distrust(): Promise<void> {
    this.stage.change((status) => {
      status.tier = failedReport("Q8_0", this.clock.now() - 22_000);
      status.standing = coolingDown(this.clock.now(), "wrong");
      status.modes.forEach((side) => (side.tier = null));
      status.steps = status.steps.filter((step) => step.name !== "mine");
      status.phase = "untrusted";
    });
    this.stage.done("test", "not passed; the network will test again");
    await this.clock.wait(60_000);
    this.stage.change((status) => (status.tier = null));
    await this.#test();
    this.mine();
  }

  #steps(mode: Mode): void {
    const benchmark = LADDER.map((precision) => speeds(precision)).join("; ");
    this.stage.done("hardware", HARDWARE_IN_WORDS);
    this.stage.done("identity", `${ADDRESS}, key in the system keychain`);
    this.stage.done("model", modelInWords());
    this.stage.done("benchmark", benchmark);
    this.stage.done("plan", planInWords(mode));
    this.stage.done("load", loadedInWords(mode));
  }

  async #detect(): Promise<void> {
    this.stage.step("hardware", null, "looking");
    await this.clock.wait(500);
    this.stage.done("hardware", HARDWARE_IN_WORDS);
    this.stage.change((status) => (status.hardware = structuredClone(HARDWARE)));
  }

  async #identify(): Promise<boolean> {
    this.stage.step("identity", null, "opening the node's key");
    await this.clock.wait(400);
    if (this.asks) {
      const passphrase = { new: this.asks.new, refused: null };
      this.stage.change((status) => (status.passphrase = passphrase));
      return false;
    }
    if (this.#stops("identity")) return false;
    this.stage.done("identity", `${ADDRESS}, key in the system keychain`);
    this.stage.change((status) => Object.assign(status, { address: ADDRESS, key_place: "keychain" }));
    return true;
  }

  async #prepareModel(): Promise<boolean> {
    const words = this.first
      ? ["checking the model files", "writing the tokenizer", ...LADDER.flatMap((one) => [`making ${one}`, `writing ${one}`])]
      : ["checking the model files"];
    for (const [index, word] of words.entries()) {
      this.stage.step("model", index / words.length, word);
      await this.clock.wait(this.first ? 900 : 300);
      if (index === 0 && this.#stops("model")) return false;
    }
    this.stage.done("model", modelInWords());
    return true;
  }

  #stops(code: ProblemCode): boolean {
    const { obstacle } = this;
    if (obstacle?.code !== code) return false;
    this.journal.write("error", "cortensor_app::life", `${obstacle.message} code=${obstacle.code}`);
    this.stage.fail(obstacle);
    this.obstacle = null;
    return true;
  }

  async #benchmark(again: boolean): Promise<void> {
    for (const [index, precision] of (again ? LADDER : []).entries()) {
      this.stage.step("benchmark", index / LADDER.length, `measuring ${precision} (${index + 1} of ${LADDER.length})`);
      await this.clock.wait(4000);
      this.journal.write("info", "cortensor_app::benchmark", speeds(precision));
    }
    this.stage.done("benchmark", LADDER.map((precision) => speeds(precision)).join("; "));
    this.stage.done("plan", planInWords(this.stage.status.mode ?? "volume"));
    this.stage.change((status) => Object.assign(status, { plan: plan(), modes: modeViews(!this.first), measurements: measured(), threads: threads() }));
  }

  async #load(): Promise<void> {
    const mode = this.stage.status.mode ?? "volume";
    await this.#progress("load", `loading ${precisionOf(mode)} for ${mode}`, 5, 200);
    this.#serve(mode);
  }

  #serve(mode: Mode): void {
    this.stage.done("load", loadedInWords(mode));
    this.stage.change((status) => Object.assign(status, { mode, loaded: loaded(mode) }));
    this.journal.write("info", "cortensor_app::life::serve", `loaded precision=${precisionOf(mode)} seconds=${loaded(mode).seconds}`);
  }

  async #join(): Promise<void> {
    this.stage.step("join", null, "looking for the router");
    await this.clock.wait(400);
    this.connect();
    this.journal.write("info", "cortensor_node::session::connection", "registered router=\"embedded practice router\" network=\"practice\"");
    this.stage.done("join", "registered with embedded practice router on the practice network");
  }

  async #test(): Promise<void> {
    for (let done = 0; done < TESTS; done += 1) {
      this.stage.change((status) => Object.assign(status, { testing: [done, TESTS], phase: "testing" }));
      this.stage.step("test", done / TESTS, `${done} of ${TESTS} tests`);
      await this.clock.wait(900);
    }
    this.journal.write("info", "cortensor_router::rules::examine", `test passed node=${ADDRESS} tier="low-end, quantized"`);
  }

  async #progress(step: "load", detail: string, parts: number, each: number): Promise<void> {
    for (let part = 0; part < parts; part += 1) {
      this.stage.step(step, part / parts, detail);
      await this.clock.wait(each);
    }
  }
}

/** When a pause is over by itself; the morning comes at six. */
function endOf(length: PauseLength, now: Millis): Millis | null {
  if (length === "until_resumed") return null;
  if (length !== "until_tomorrow") return now + (length === "hour" ? 3_600_000 : 900_000);
  const today = new Date(now);
  return new Date(today.getFullYear(), today.getMonth(), today.getDate() + 1, 6).getTime();
}

function refusal(isNew: boolean, passphrase: string): string | null {
  if (isNew) return passphrase.length < 8 ? "the passphrase is too short; use at least 8 characters" : null;
  const path = `${DATA_FOLDER}/identity/keystore.json`;
  return passphrase === "correct horse" ? null : `the keystore ${path} does not open; check the passphrase`;
}

function speeds(precision: Precision): string {
  const { prefill_tokens_per_second: prefill, decode_tokens_per_second: decode } = measurement(precision);
  return `${precision} prefill ${prefill.toFixed(0)}, decode ${decode.toFixed(1)} tokens/s`;
}

function modelInWords(): string {
  return `${MODEL}: ${LADDER.join(", ")}, made from SmolLM2-135M-Instruct.Q4_1.gguf; `
    + "full precision means that file's, unpacked";
}

function planInWords(mode: Mode): string {
  return `${precisionOf(mode)} for ${mode}: ${plan()[mode].reasons.join(" ")}`;
}
