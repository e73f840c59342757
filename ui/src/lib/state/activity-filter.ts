// What the reader of the activity asks for, and what a settlement says beyond its fields.
import type { ActivityFilter, Mode, Outcome, Settlement, TaskKind } from "../host/types";

export const everything: ActivityFilter = { search: "", kind: null, outcome: null, mode: null };

export const isEverything = (filter: ActivityFilter): boolean =>
  filter.search.trim() === "" && filter.kind === null && filter.outcome === null && filter.mode === null;

/** A choice of a list that begins with "all". */
export type Any<Value extends string> = Value | "any";
export const chosen = <Value extends string>(value: Value | null): Any<Value> => value ?? "any";
export const asFilter = <Value extends string>(choice: Any<Value>): Value | null => (choice === "any" ? null : (choice as Value));

export const kinds: readonly TaskKind[] = ["user", "network_test"];
export const outcomes: readonly Outcome[] = ["paid", "void", "reversed"];
export const modes: readonly Mode[] = ["precision", "volume"];

/** Tokens a second behind the first one; null where there are too few to tell. */
export function answerSpeed({ usage, first_token_ms, total_ms }: Pick<Settlement, "usage" | "first_token_ms" | "total_ms">): number | null {
  const [tokens, milliseconds] = [usage.completion_tokens - 1, total_ms - first_token_ms];
  return tokens < 1 || milliseconds <= 0 ? null : (tokens * 1000) / milliseconds;
}

/** Which of how many are shown, from 1; null where there are none. */
export function shownRange(offset: number, count: number): [first: number, last: number] | null {
  return count === 0 ? null : [offset + 1, offset + count];
}
