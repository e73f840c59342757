/** What was settled: a recorded history, and what is added to it. */

import type {
  ActivityFilter, ActivityPage, ActivityQuery, Bucket, EarningsChart, EarningsSummary, Millis, Mode, Precision,
  Settlement, SourceEarnings, Span, TaskKind, UnpaidReason, Usage,
} from "../types";
import { Chance } from "./chance";
import { MODEL, measurement, precisionClass, precisionOf } from "./machine";
import { PRICES } from "./prices";
import { minedOf } from "./report";

const MINUTE = 60_000;
/** As the router words them. */
const REASONS: Unpaid[] = [
  { reason: "a deadline of the task passed", why: { code: "deadline_passed" } },
  { reason: "the prompt does not fit this node's context of 1024 tokens", why: { code: "context_exceeded", context_tokens: 1024 } },
  // Settled by a router that had no codes yet.
  { reason: "the router stopped before the answer was whole" },
  { reason: "the answer is empty", why: { code: "empty_answer" } },
  {
    reason: "the engine failed: the cache for this request could not be allocated",
    why: { code: "engine_failed", message: "the cache for this request could not be allocated" },
  },
];

type Unpaid = { reason: string; why?: UnpaidReason };

/** A task that came to an end; `unpaid`: why it is not paid. */
export type Ended = { task: string; kind: TaskKind; mode: Mode; usage: Usage; at: Millis; unpaid: Unpaid | null };

export class Ledger {
  /** Newest first. */
  #entries: Settlement[] = [];
  #changed: () => void;

  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  get known(): number {
    return this.#entries.length;
  }

  add(ended: Ended, chance: Chance): Settlement {
    const settlement = settle(ended, this.#entries.length + 1, chance);
    this.#entries.unshift(settlement);
    this.#changed();
    return settlement;
  }

  #count(kind: TaskKind): number {
    return this.#entries.filter((entry) => entry.kind === kind).length;
  }

  summary(now: Millis): EarningsSummary {
    const paid = this.#entries.filter((entry) => entry.status === "paid");
    const users = paid.filter((entry) => entry.kind === "user");
    const midnight = new Date(now).setHours(0, 0, 0, 0);
    return {
      today: sum(paid.filter((entry) => entry.settled_at >= midnight)),
      total: sum(paid),
      requests: users.length,
      requests_void: this.#count("user") - users.length,
      tests: paid.length - users.length,
      tests_void: this.#count("network_test") - (paid.length - users.length),
      by_mode: (["precision", "volume"] as const).map((mode) => ({
        mode,
        total: sum(paid.filter((entry) => entry.mode === mode)),
        requests: users.filter((entry) => entry.mode === mode).length,
      })),
    };
  }

  chart(span: Span, now: Millis): EarningsChart {
    const starts = bucketStarts(span, now);
    const buckets = starts.map((from, index) => this.#bucket(from, starts[index + 1] ?? now + 1));
    return { span, buckets, electricity: null, total: sum(this.#entries.filter((entry) => entry.settled_at >= (starts[0] ?? now))) };
  }

  #bucket(from: Millis, to: Millis): Bucket {
    const inside = this.#entries.filter((entry) => entry.settled_at >= from && entry.settled_at < to);
    const paid = inside.filter((entry) => entry.status === "paid");
    const requests = paid.filter((entry) => entry.kind === "user").length;
    return { from, to, amount: sum(paid), requests, tests: paid.length - requests };
  }

  /** By what was served, the most first. */
  sources(from: Millis, now: Millis): SourceEarnings[] {
    const inside = this.#entries.filter((entry) => entry.settled_at >= from && entry.settled_at <= now);
    const modes = (["precision", "volume"] as const).map((mode) => inside.filter((entry) => entry.mode === mode));
    const sources = modes.filter((entries) => entries.length > 0).map(sourceOf);
    return sources.toSorted((left, right) => (BigInt(right.earned) > BigInt(left.earned) ? 1 : -1));
  }

  page({ filter, offset, limit }: ActivityQuery): ActivityPage {
    const matching = this.#entries.filter((entry) => matches(entry, filter));
    return { entries: matching.slice(offset, offset + limit), total: matching.length, known: this.known };
  }

  find(task: string): Settlement | undefined {
    return this.#entries.find((entry) => entry.task === task);
  }
}

function sourceOf(entries: Settlement[]): SourceEarnings {
  const paid = entries.filter((entry) => entry.status === "paid");
  const [last, first] = [entries[0], entries.at(-1)];
  const mined_ms = minedOf(first?.settled_at ?? 0, last?.settled_at ?? 0);
  const earned = sum(paid);
  return {
    mode: last?.mode ?? "volume", model: MODEL, precision: last?.precision ?? "Q8_0", tasks: paid.length,
    prompt_tokens: paid.reduce((total, { usage }) => total + usage.prompt_tokens, 0),
    answer_tokens: paid.reduce((total, { usage }) => total + usage.completion_tokens, 0),
    earned, mined_ms, earned_meanwhile: earned,
    per_hour: mined_ms < 10 * MINUTE ? null : ((BigInt(earned) * BigInt(60 * MINUTE)) / BigInt(mined_ms)).toString(),
  };
}

/** At round times of the clock, as the miner's own: 5 minutes, hours, and local days. */
function bucketStarts(span: Span, now: Millis): Millis[] {
  const midnight = (daysAgo: number) => {
    const today = new Date(new Date(now).setHours(0, 0, 0, 0));
    return today.setDate(today.getDate() - daysAgo);
  };
  if (span === "week") return [6, 5, 4, 3, 2, 1, 0].map(midnight);
  const [length, count] = span === "hour" ? [5 * MINUTE, 12] : [60 * MINUTE, 24];
  const last = Math.floor(now / length) * length;
  return Array.from({ length: count }, (_, index) => last - (count - 1 - index) * length);
}

function sum(entries: Settlement[]): string {
  return entries.reduce((total, entry) => total + (entry.status === "paid" ? BigInt(entry.amount) : 0n), 0n).toString();
}

function matches(entry: Settlement, filter: ActivityFilter): boolean {
  const wanted = filter.search.toLowerCase().split(/\s+/);
  const text = [entry.task, entry.model, entry.precision, entry.status === "paid" ? "" : entry.reason].join("\n").toLowerCase();
  return (filter.kind === null || entry.kind === filter.kind)
    && (filter.mode === null || entry.mode === filter.mode)
    && (filter.outcome === null || entry.status === filter.outcome)
    && wanted.every((word) => text.includes(word));
}

function settle(ended: Ended, sequence: number, chance: Chance): Settlement {
  const { task, kind, mode, usage, at, unpaid } = ended;
  const precision = precisionOf(mode);
  const common = {
    sequence, task, kind, model: MODEL, precision, mode, usage, settled_at: at, ...timing(precision, usage, chance),
  };
  if (unpaid !== null) return { ...common, status: "void", ...unpaid };
  const amount = kind === "network_test" ? PRICES.test : PRICES.answer(precisionClass(precision), usage);
  return { ...common, status: "paid", amount: amount.toString() };
}

function timing(precision: Precision, usage: Usage, chance: Chance): { first_token_ms: number; total_ms: number } {
  const { prefill_tokens_per_second: prefill, decode_tokens_per_second: decode } = measurement(precision);
  const noise = () => 0.92 + chance.next() * 0.16;
  const first_token_ms = Math.round((usage.prompt_tokens / prefill) * 1000 * noise()) + 24;
  const answer = Math.max(usage.completion_tokens - 1, 0) / decode;
  return { first_token_ms, total_ms: first_token_ms + Math.round(answer * 1000 * noise()) };
}

/** The last days: `count` tasks, the last one a few minutes ago. */
export function recordedLedger(count: number, now: Millis, users: boolean): Ledger {
  const ledger = new Ledger();
  const chance = new Chance(20_261_125);
  const ends: Millis[] = [];
  for (let at = now - 4 * MINUTE; ends.length < count; at -= chance.between(4, 540) * 1000) ends.push(at);
  const tests = users ? 10 : count;
  ends.reverse().forEach((at, index) => {
    const kind = index < tests || chance.next() < 0.05 ? "network_test" : "user";
    ledger.add({ ...past(kind, index, count, chance), task: chance.taskId(at - 9000), at }, chance);
  });
  return ledger;
}

function past(kind: TaskKind, index: number, count: number, chance: Chance): Omit<Ended, "task" | "at"> {
  const mode: Mode = index > count * 0.4 && index < count * 0.62 ? "precision" : "volume";
  const unpaid = kind === "user" && chance.next() < 0.06 ? chance.one(REASONS) : null;
  const prompt_tokens = kind === "user" ? chance.between(18, 420) : chance.between(22, 520);
  const completion_tokens = unpaid !== null ? chance.between(0, 40) : kind === "user" ? chance.between(24, 256) : chance.between(1, 24);
  return { kind, mode, unpaid, usage: { prompt_tokens, completion_tokens } };
}
