/** Comparisons of the mock: one under way, and those that were kept. */

import type {
  Comparison, ComparisonEntry, ComparisonHistory, ComparisonId, ComparisonRequest, ComparisonSide, Millis, Precision, SideChoice,
} from "../types";
import { Chance } from "./chance";
import type { Clock } from "./clock";
import { failure } from "./failure";
import { firstDivergence, scored, tokensOf } from "./lab-words";
import { LADDER, MODEL, measurement, variant } from "./machine";

const MOST = 200;
const TOKEN_EVERY = 80;

export const precisionOfSide = (side: SideChoice): Precision => (side.is === "precision" ? side.precision : (LADDER[0] ?? "F16"));

export const emptyComparison = (): Comparison => ({
  id: null, phase: "idle", request: null, name: "", started_at: null, arrangement: null, mining: "nothing", progress: 0, sides: [],
  first_divergence: null, failure: null,
});

function emptySide(precision: Precision): ComparisonSide {
  const { artifact, bytes } = variant(precision);
  const { estimated_memory_bytes, decode_tokens_per_second } = measurement(precision);
  return {
    model: MODEL, precision, artifact, label: null, file_bytes: bytes, memory_bytes: null, estimated_memory_bytes, state: "waiting",
    first_token_ms: null, decode_tokens_per_second: null, alone: false, benchmark_tokens_per_second: decode_tokens_per_second,
    energy_joules: null, prompt_tokens: null, finish: null, tokens: [], first_divergence: null, equal_tokens: 0, mean_divergence: null,
    same_top: null,
  };
}

export class Comparisons {
  current = emptyComparison();
  #kept: Comparison[] = [];
  #watchers = new Set<(comparison: Comparison) => void>();
  #chance = new Chance(5);
  #running = 0;

  constructor(readonly clock: Clock, readonly isMining: () => boolean) {}

  watch(seen: (comparison: Comparison) => void): () => void {
    this.#watchers.add(seen);
    seen(structuredClone(this.current));
    return () => this.#watchers.delete(seen);
  }

  get busy(): boolean {
    return this.#running > 0;
  }

  begin(request: ComparisonRequest): void {
    if (this.busy) throw failure("busy", "a comparison is under way; stop it first, or wait until it is over");
    void this.#run(request, ++this.#running);
  }

  async stop(): Promise<void> {
    if (!this.busy) return;
    this.#running = 0;
    this.#change((now) => Object.assign(now, { phase: "stopped", progress: 1 }));
    this.#keep();
  }

  history(): ComparisonHistory {
    return structuredClone({ entries: this.#kept.map(entryOf), damaged: [], most: MOST });
  }

  read(id: ComparisonId): Comparison {
    const found = this.#kept.find((one) => one.id === id);
    if (!found) throw failure("not_kept", "this comparison is not there any more; look at the list again");
    return structuredClone(found);
  }

  rename(id: ComparisonId, name: string): void {
    if (name.trim() === "") throw failure("request", "the name is empty; write one");
    this.#kept = this.#kept.map((one) => (one.id === id ? { ...one, name } : one));
    if (this.current.id === id) this.#change((now) => (now.name = name));
  }

  delete(id: ComparisonId): void {
    this.#kept = this.#kept.filter((one) => one.id !== id);
  }

  /** One that is over, as if it had been made at that time. */
  recall(request: ComparisonRequest, at: Millis, name = request.prompt): Comparison {
    const done = finished(this.#begun(request, at, name));
    this.#kept.unshift(done);
    return done;
  }

  show(comparison: Comparison): void {
    this.#change(() => (this.current = structuredClone(comparison)));
  }

  #begun(request: ComparisonRequest, at: Millis, name: string): Comparison {
    const sides = request.sides.map(precisionOfSide).map(emptySide);
    return {
      ...emptyComparison(), id: this.#chance.taskId(at), phase: "waiting", request: structuredClone(request), name, started_at: at,
      sides, mining: this.isMining() ? "goes_on" : "nothing",
    };
  }

  async #run(request: ComparisonRequest, run: number): Promise<void> {
    const still = (): boolean => this.#running === run;
    this.#change(() => (this.current = this.#begun(request, this.clock.now(), request.name ?? request.prompt)));
    await this.clock.wait(300);
    for (const [index] of request.sides.entries()) {
      if (!still()) return;
      this.#change((now) => load(now, index));
      await this.clock.wait(700);
    }
    const said = this.current.sides.map((side) => tokensOf(side.precision));
    for (let at = 0; at < Math.max(...said.map((texts) => texts.length)); at += 1) {
      if (!still()) return;
      this.#change((now) => answer(now, said, at));
      await this.clock.wait(TOKEN_EVERY);
    }
    if (!still()) return;
    this.#change((now) => Object.assign(now, { phase: "scoring", progress: 0.75 }));
    await this.clock.wait(1_500);
    if (!still()) return;
    this.#running = 0;
    this.#change((now) => (this.current = finished(now)));
    this.#keep();
  }

  #keep(): void {
    if (this.current.sides.some((side) => side.tokens.length > 0)) this.#kept.unshift(structuredClone(this.current));
  }

  #change(how: (comparison: Comparison) => void): void {
    how(this.current);
    this.#watchers.forEach((seen) => seen(structuredClone(this.current)));
  }
}

function load(now: Comparison, index: number): void {
  const bytes = now.sides.reduce((sum, side) => sum + side.estimated_memory_bytes, 0);
  const words = `All fit into memory together: they need ${Math.ceil(bytes / 0.8e6)} MB of 22814 MB.`;
  now.arrangement = { how: "together", together_bytes: bytes, usable_bytes: 22_814_662_656, words };
  now.phase = "loading";
  now.sides.forEach((side, at) => {
    if (at < index) side.memory_bytes = measurement(side.precision).memory_bytes;
    if (at === index) side.state = "loading";
  });
}

function answer(now: Comparison, said: string[][], at: number): void {
  now.phase = "answering";
  now.sides.forEach((side, index) => {
    side.memory_bytes = measurement(side.precision).memory_bytes;
    side.state = at < (said[index]?.length ?? 0) - 1 ? "answering" : "answered";
    side.prompt_tokens = 23;
    side.tokens = (said[index] ?? []).slice(0, at + 1).map((text) => ({ id: 0, text, divergence: null, top: [] }));
    if (side.state === "answered") side.finish = "stop";
  });
  part(now);
  now.progress = Math.min(0.7, now.progress + 0.008);
}

/** Where the answers part, of what was said so far. */
function part(now: Comparison): void {
  const texts = (side: ComparisonSide | undefined): string[] => side?.tokens.map((token) => token.text) ?? [];
  const [reference, ...others] = now.sides;
  const said = texts(reference);
  for (const side of others) {
    const own = texts(side);
    const whole = [side, reference].every((one) => one?.state === "answered" || one?.state === "scored");
    const length = whole ? Infinity : Math.min(said.length, own.length);
    const at = firstDivergence(said.slice(0, length), own.slice(0, length));
    side.first_divergence = at;
    side.equal_tokens = at ?? Math.min(said.length, own.length);
  }
  const all = others.flatMap((side) => side.first_divergence ?? []);
  now.first_divergence = all.length > 0 ? Math.min(...all) : null;
  if (reference) Object.assign(reference, { first_divergence: now.first_divergence, equal_tokens: now.first_divergence ?? said.length });
}

function finished(comparison: Comparison): Comparison {
  const now = structuredClone(comparison);
  const inTurn = now.request?.in_turn ?? false;
  load(now, now.sides.length);
  const tokens = scored(now.sides.map((side) => side.precision));
  now.sides.forEach((side, index) => {
    const { memory_bytes, decode_tokens_per_second, first_token_ms } = measurement(side.precision);
    const own = tokens[index] ?? [];
    const share = inTurn ? 0.97 : 1 / now.sides.length + 0.1;
    Object.assign(side, {
      memory_bytes, tokens: own, state: "scored", finish: "stop", prompt_tokens: 23, alone: inTurn,
      decode_tokens_per_second: decode_tokens_per_second * share, first_token_ms: (first_token_ms * 23) / 256 / share,
      energy_joules: inTurn ? own.length * (side.precision === "F16" ? 3.1 : 1.2) : null,
      mean_divergence: own.reduce((sum, token) => sum + (token.divergence ?? 0), 0) / own.length,
      same_top: own.filter((token) => token.top.every((top) => top[0]?.text === token.top[0]?.[0]?.text)).length / own.length,
    });
  });
  part(now);
  return { ...now, phase: "done", progress: 1, failure: null };
}

function entryOf(one: Comparison): ComparisonEntry {
  return {
    id: one.id ?? "", name: one.name, prompt: one.request?.prompt ?? "", started_at: one.started_at ?? 0,
    precisions: one.sides.map((side) => side.precision), phase: one.phase, first_divergence: one.first_divergence,
  };
}
