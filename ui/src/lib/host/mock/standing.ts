/** Where the recorded miner stands with the network: a new node, one that did well for days, one after a failure. */

import type { Counter, EventKind, LevelTest, Millis, Standing } from "../types";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function newcomer(now: Millis): Standing {
  return {
    level: 0, streak: 1, best_streak: 1,
    progress: { level: 1, consecutive_needed: 3, consecutive_had: 1, percentage_needed: 60, percentage_had: 100 },
    counters: counters({ prepare: all(10), precommit: all(10), commit: all(10), correctness: all(1) }),
    last_tests: [sat(now - 4 * MINUTE, 5)],
    cool_down_until: null,
    next_step: "Pass 2 tests in a row to reach level 1.",
  };
}

export function seasoned(now: Millis): Standing {
  return {
    level: 4, streak: 27, best_streak: 27,
    progress: { level: 5, consecutive_needed: 10, consecutive_had: 7, percentage_needed: 80, percentage_had: 96 },
    counters: counters({
      prepare: count(611, 612), precommit: count(608, 611), commit: all(608), ping: count(1_204, 1_219), correctness: count(28, 29),
    }),
    last_tests: [2, 4, 9, 11, 13, 17, 18, 24, 26, 31].map((hours, index) => sat(now - hours * HOUR, 4 + (index % 3))),
    cool_down_until: null,
    next_step: "Pass 3 tests in a row to reach level 5.",
  };
}

const FAILURES = {
  late: {
    test: { kind: "precommit", passed: false, seen: "a user's request: not answered in time" },
    advice: "The last failure was a missed deadline: close other programs, or choose a smaller model.",
  },
  wrong: {
    test: { kind: "correctness", passed: false, seen: "1 of 6 questions right, at least 2 asked for" },
    advice: "The last failure was a wrong answer: a more exact precision or another model may answer better.",
  },
} as const;

export function coolingDown(now: Millis, failure: keyof typeof FAILURES): Standing {
  const { test, advice } = FAILURES[failure];
  return {
    level: 2, streak: 0, best_streak: 14,
    progress: { level: 3, consecutive_needed: 5, consecutive_had: 0, percentage_needed: 70, percentage_had: 66 },
    counters: counters({
      prepare: count(211, 214), precommit: count(201, 211), commit: all(201), ping: count(404, 411), correctness: count(14, 17),
    }),
    last_tests: [{ ...test, at: now - 2 * MINUTE }, ...[1, 3, 8, 12].map((hours, index) => sat(now - hours * HOUR, index === 2 ? 1 : 5))],
    cool_down_until: now + 3 * MINUTE,
    next_step: `When the cool-down is over, pass 5 tests in a row to reach level 3. ${advice}`,
  };
}

function sat(at: Millis, right: number): LevelTest {
  return { kind: "correctness", at, passed: right >= 2, seen: `${right} of 6 questions right, at least 2 asked for` };
}

const count = (points: number, counter: number): Counter => ({ points, counter });
const all = (counter: number): Counter => count(counter, counter);

function counters(had: Partial<Record<EventKind, Counter>>): Standing["counters"] {
  const none = all(0);
  return { request: none, create: none, prepare: none, precommit: none, commit: none, ping: none, correctness: none, ...had };
}
