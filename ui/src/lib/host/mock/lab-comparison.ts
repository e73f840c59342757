/** Comparisons of the mock: one under way, and those that were kept. */

import type {
  ComparedToken, Comparison, ComparisonEntry, ComparisonHistory, ComparisonId, ComparisonRequest, ComparisonSide, Failure, Millis, NetworkView,
} from "../types";
import { Chance } from "./chance";
import type { Clock } from "./clock";
import { failure } from "./failure";
import { fit, known, saidBy, sidesFor, usuallyApart } from "./lab-sides";
import { firstDivergence, scored } from "./lab-words";
import { measurement } from "./machine";

const MOST = 200;
const TOKEN_EVERY = 80;
/** The node that answers for the network. */
const NODE = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F";

const titleOf = ({ remote, label, precision }: ComparisonSide): string => [remote ? "remote" : "", label ?? precision ?? ""].filter(Boolean).join(" ");

export const emptyComparison = (): Comparison => ({
  id: null, phase: "idle", request: null, name: "", started_at: null, arrangement: null, mining: "nothing", progress: 0, sides: [],
  first_divergence: null, failure: null,
});

export class Comparisons {
  current = emptyComparison();
  #kept: Comparison[] = [];
  #watchers = new Set<(comparison: Comparison) => void>();
  #chance = new Chance(5);
  #running = 0;

  /** `refusal`: why the network does not answer, if it does not. */
  constructor(
    readonly clock: Clock, readonly isMining: () => boolean, readonly network: () => NetworkView, readonly refusal: () => string | null,
  ) {}

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
    const { api_url, has_key } = this.network();
    if (!has_key && asksNetwork(request)) throw failure("network", `no API key is known for ${api_url}; give the one that the router's operator gave you`);
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
    const sides = sidesFor(request.sides, this.network());
    return {
      ...emptyComparison(), id: this.#chance.taskId(at), phase: "waiting", request: structuredClone(request), name, started_at: at,
      sides, mining: this.isMining() ? "goes_on" : "nothing",
    };
  }

  async #run(request: ComparisonRequest, run: number): Promise<void> {
    const still = (): boolean => this.#running === run;
    this.#change(() => (this.current = this.#begun(request, this.clock.now(), request.name ?? request.prompt)));
    await this.clock.wait(300);
    const refusal = asksNetwork(request) ? this.refusal() : null;
    if (refusal !== null && still()) return this.#fail(failure("network", refusal));
    for (const [index, side] of request.sides.entries()) {
      if (!still()) return;
      if (side.is === "remote") continue;
      this.#change((now) => load(now, index));
      await this.clock.wait(700);
    }
    const said = this.current.sides.map(saidBy);
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

  #fail(failure: Failure): void {
    this.#running = 0;
    this.#change((now) => Object.assign(now, { phase: "failed", progress: 1, failure }));
  }

  #keep(): void {
    if (this.current.sides.some((side) => side.tokens.length > 0)) this.#kept.unshift(structuredClone(this.current));
  }

  #change(how: (comparison: Comparison) => void): void {
    how(this.current);
    this.#watchers.forEach((seen) => seen(structuredClone(this.current)));
  }
}

const asksNetwork = ({ sides }: ComparisonRequest): boolean => sides.some((side) => side.is === "remote");

/** What the process grew by. */
const taken = ({ precision, remote }: ComparisonSide): number | null => (precision && !remote ? measurement(precision).memory_bytes : null);

function load(now: Comparison, index: number): void {
  const bytes = now.sides.reduce((sum, side) => sum + side.estimated_memory_bytes, 0);
  const words = `All fit into memory together: they need ${Math.ceil(bytes / 0.8e6)} MB of 22814 MB.`;
  now.arrangement = { how: "together", together_bytes: bytes, usable_bytes: 22_814_662_656, words };
  now.phase = "loading";
  now.sides.forEach((side, at) => {
    if (at < index) side.memory_bytes = taken(side);
    if (at === index && !side.remote) side.state = "loading";
  });
}

function answer(now: Comparison, said: string[][], at: number): void {
  now.phase = "answering";
  fit(now.sides);
  now.sides.forEach((side, index) => {
    side.memory_bytes = taken(side);
    if (side.remote) served(side);
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
    if (side.by_text || reference?.by_text) {
      byLetter(side, own, said);
      continue;
    }
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

/** By letters: the side's first token that goes beyond what both have said alike. */
function byLetter(side: ComparisonSide, own: readonly string[], said: readonly string[]): void {
  const [one, other] = [own.join(""), said.join("")];
  const least = Math.min(one.length, other.length);
  const at = firstDivergence([...one.slice(0, least)], [...other.slice(0, least)]);
  const ends = own.map((_, index) => own.slice(0, index + 1).join("").length);
  const within = (letters: number): number => ends.filter((end) => end <= letters).length;
  side.first_divergence = at === null ? null : within(at);
  side.equal_tokens = within(at ?? least);
}

function finished(comparison: Comparison): Comparison {
  const now = structuredClone(comparison);
  const inTurn = now.request?.in_turn ?? false;
  load(now, now.sides.length);
  now.sides.filter((side) => side.remote).forEach((side) => Object.assign(served(side).remote ?? {}, { tells_top: true }));
  fit(now.sides);
  const tokens = scored(now.sides.map(saidBy), now.sides.map(usuallyApart));
  now.sides.forEach((side, index) => {
    const { decode_tokens_per_second, first_token_ms } = measurement(side.precision ?? "F16");
    const own = (tokens[index] ?? []).map((token) => known(token, index, now.sides));
    const alone = inTurn || side.remote !== null;
    const share = alone ? 0.97 : 1 / now.sides.length + 0.1;
    Object.assign(side, {
      memory_bytes: taken(side), tokens: own, state: "scored", finish: "stop", prompt_tokens: 23, alone,
      decode_tokens_per_second: decode_tokens_per_second * share, first_token_ms: (first_token_ms * 23) / 256 / share,
      energy_joules: inTurn && !side.remote ? own.length * (side.precision === "F16" ? 3.1 : 1.2) : null,
      mean_divergence: side.unscored ? null : own.reduce((sum, token) => sum + (token.divergence ?? 0), 0) / own.length,
      same_top: agreement(now.sides, own, index),
    });
  });
  part(now);
  return { ...now, phase: "done", progress: 1, failure: null };
}

/** Share of the tokens where everybody who told it expected the same one most; with the network, over the network's tokens. */
function agreement(sides: readonly ComparisonSide[], own: readonly ComparedToken[], index: number): number | null {
  if (sides[0]?.remote && index > 0) return sides[index]?.unscored?.why === "remote_reference" ? 0.963 : null;
  const told = own.filter((token) => token.top.filter((top) => top.length > 0).length > 1);
  const same = told.filter((token) => new Set(token.top.flatMap((top) => top[0]?.text ?? [])).size === 1);
  return told.length > 0 ? same.length / told.length : null;
}

/** What the network says of itself once it answers. */
function served(side: ComparisonSide): ComparisonSide {
  if (side.remote) side.remote.node = NODE;
  side.precision = "F16";
  return side;
}

function entryOf(one: Comparison): ComparisonEntry {
  return {
    id: one.id ?? "", name: one.name, prompt: one.request?.prompt ?? "", started_at: one.started_at ?? 0,
    sides: one.sides.map(titleOf), phase: one.phase, first_divergence: one.first_divergence,
  };
}
