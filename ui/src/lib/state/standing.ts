// What of a standing is shown, and how.
import type { Counter, Counters, EventKind, LevelProgress, Millis, Standing } from "../host/types";

export const HIGHEST_LEVEL = 10;

/** In the order of a round, the verdict first: it is what moves the level. */
const KINDS: readonly EventKind[] = ["correctness", "prepare", "precommit", "commit", "request", "create", "ping"];

export type Rate = { kind: EventKind; points: number; counter: number; share: number };

/** How far it is to the next level, 0 to 1: by whichever of its two conditions is further away. */
export function progressTo({ consecutive_had, consecutive_needed, percentage_had, percentage_needed }: LevelProgress): number {
  const row = share(consecutive_had, consecutive_needed);
  return Math.min(row, percentage_had === null ? row : share(percentage_had, percentage_needed));
}

/** Whether the row is not what is missing. */
export function lacksShare({ percentage_had, percentage_needed }: LevelProgress): boolean {
  return percentage_had !== null && percentage_had < percentage_needed;
}

/** Of everything that was due at least once, how much of it was done. Never rounded up to all of it. */
export function rates(counters: Counters): Rate[] {
  const rate = (kind: EventKind, { points, counter }: Counter): Rate =>
    ({ kind, points, counter, share: Math.floor(share(points, counter) * 100) / 100 });
  return KINDS.map((kind) => rate(kind, counters[kind])).filter(({ counter }) => counter > 0);
}

/** Until when passed tests do not count; null when they do. */
export function coolDown({ cool_down_until }: Standing, now: Millis): Millis | null {
  return cool_down_until !== null && cool_down_until > now ? cool_down_until : null;
}

function share(had: number, needed: number): number {
  return needed <= 0 ? 1 : Math.min(1, had / needed);
}
