/** Tasks that arrive, stream their tokens, and are settled. */

import type { KeptPrompt, LiveTask, Settlement, TaskKind } from "../types";
import { Chance } from "./chance";
import type { Clock } from "./clock";
import type { Journal } from "./journal";
import type { Ledger } from "./ledger";
import { MODEL, measurement, precisionOf } from "./machine";
import type { Stage } from "./stage";

/** How often the status tells of new tokens. */
const TICK = 250;
const QUESTIONS: [prompt: string, answer: string][] = [
  ["Write a short note to my neighbour: the package is with me until Friday.", "Hello! A package for you arrived today and I took it in. It is here with me until Friday; ring whenever it suits you."],
  ["What is the difference between a comet and an asteroid?", "Asteroids are mostly rock and metal. Comets hold a lot of ice, which turns to gas near the Sun and makes their tails."],
  ["Give me three names for a small bakery by the sea.", "1. Salt & Crumb\n2. The Morning Tide\n3. Harbour Loaf"],
];

/** One that is being worked on: how long its answer will be and when its first token comes. */
type Job = { task: LiveTask; length: number; firstAt: number };

export class Workload {
  #chance = new Chance(7);
  #jobs: Job[] = [];
  #kept = new Map<string, KeptPrompt>();
  #stopped = false;
  #idle: (() => void)[] = [];
  keepPrompts = false;

  constructor(
    readonly clock: Clock,
    readonly stage: Stage,
    readonly ledger: Ledger,
    readonly journal: Journal,
  ) {
    clock.every(TICK, () => this.#tick());
  }

  /** A user's request or a test now; another one follows by itself while there is something to serve. */
  begin(every: [least: number, most: number], testsOnly = false): void {
    const arrive = () => {
      const { phase, running } = this.stage.status;
      if ((phase === "mining" || phase === "switching") && running < 2) this.take(this.#kind(testsOnly));
      this.clock.after(this.#chance.between(every[0], every[1]), arrive);
    };
    this.clock.after(1200, arrive);
  }

  #kind(testsOnly: boolean): TaskKind {
    return testsOnly || this.#chance.next() < 0.12 ? "network_test" : "user";
  }

  take(kind: TaskKind, answered = 0): void {
    const { loaded } = this.stage.status;
    if (!loaded || this.#stopped) return;
    const now = this.clock.now();
    const prompt_tokens = this.#chance.between(24, 380);
    const speed = measurement(precisionOf(loaded.mode));
    const task: LiveTask = {
      task: this.#chance.taskId(now), attempt: 1, kind, model: MODEL, precision: loaded.precision, mode: loaded.mode,
      begun_at: now - Math.round((answered / speed.decode_tokens_per_second) * 1000) - (answered > 0 ? 2100 : 0),
      prompt_tokens, answer_tokens: answered, state: "answering",
    };
    const firstAt = answered > 0 ? now : now + Math.round((prompt_tokens / speed.prefill_tokens_per_second) * 1000);
    const length = kind === "user" ? this.#chance.between(48, 240) : this.#chance.between(4, 24);
    this.#jobs.push({ task, length: Math.max(length, answered + 20), firstAt });
    this.journal.write("debug", "cortensor_node::session::worker", `took a task attempt=${task.task}/1 kind=${kind}`);
    this.#show();
  }

  /** Takes nothing more; done when what runs has ended. */
  async drain(): Promise<void> {
    this.#stopped = true;
    while (this.#jobs.length > 0) await new Promise<void>((done) => this.#idle.push(done));
  }

  /** Done when what runs now has ended; what comes later is not waited for. */
  async finished(): Promise<void> {
    const before = new Set(this.#jobs);
    while (this.#jobs.some((job) => before.has(job))) await new Promise<void>((done) => this.#idle.push(done));
  }

  forgetPrompts(): void {
    this.#kept.clear();
  }

  open(): void {
    this.#stopped = false;
  }

  prompt(task: string): KeptPrompt | null {
    return this.#kept.get(task) ?? null;
  }

  #tick(): void {
    if (this.#jobs.length === 0) return;
    const now = this.clock.now();
    for (const job of [...this.#jobs]) this.#move(job, now);
    this.#show();
  }

  #move(job: Job, now: number): void {
    if (job.task.state === "committed") return this.#settle(job, now);
    if (now < job.firstAt) return;
    const speed = measurement(job.task.precision).decode_tokens_per_second / this.#jobs.length;
    job.task.answer_tokens = Math.min(job.length, job.task.answer_tokens + Math.round((speed * TICK) / 1000));
    if (job.task.answer_tokens >= job.length) job.task.state = "committed";
  }

  #settle(job: Job, now: number): void {
    this.#jobs = this.#jobs.filter((other) => other !== job);
    const { task, kind, mode, prompt_tokens, answer_tokens } = job.task;
    const usage = { prompt_tokens: prompt_tokens ?? 0, completion_tokens: answer_tokens };
    const settled = this.ledger.add({ task, kind, mode, usage, at: now, unpaid: null }, this.#chance);
    if (this.keepPrompts && kind === "user") this.#keep(task);
    this.#count(settled);
    this.journal.write("info", "cortensor_node::session::worker", `served attempt=${task}/1 tokens=${answer_tokens} first_token_ms=${settled.first_token_ms} total_ms=${settled.total_ms}`);
    this.#idle.splice(0).forEach((done) => done());
  }

  #keep(task: string): void {
    const [prompt, answer] = this.#chance.one(QUESTIONS);
    this.#kept.set(task, { task, prompt, answer });
  }

  #count(settled: Settlement): void {
    this.stage.change((status) => {
      status.earnings = this.ledger.summary(this.clock.now());
      const view = status.modes.find((side) => side.mode === settled.mode);
      if (!view || settled.kind !== "user") return;
      view.work.served += 1;
      view.work.prompt_tokens += settled.usage.prompt_tokens;
      view.work.completion_tokens += settled.usage.completion_tokens;
      view.work.busy.secs += Math.round(settled.total_ms / 1000);
      view.measured_requests_per_hour = (view.predicted_requests_per_hour ?? 0) * 0.97;
    });
  }

  #show(): void {
    this.stage.work(this.#jobs.map((job) => ({ ...job.task })));
  }
}
