/** Where the recorded miner stands with the network: a new node, one that did well for days, one after a failure. */

import type { Counter, EventKind, LevelFailure, LevelStep, LevelTest, Millis, Standing } from "../types";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function newcomer(now: Millis): Standing {
  return {
    level: 0, streak: 1, best_streak: 1,
    progress: { level: 1, consecutive_needed: 3, consecutive_had: 1, percentage_needed: 60, percentage_had: 100 },
    counters: counters({ prepare: all(10), precommit: all(10), commit: all(10), correctness: all(1) }),
    last_tests: [sat(now - 4 * MINUTE, 5)],
    cool_down_until: null,
    next_step: "Pass 2 tests in a row to reach level 1.", step: pass(2, 1),
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
    next_step: "Pass 3 tests in a row to reach level 5.", step: pass(3, 5),
  };
}

type Recorded = { test: Omit<LevelTest, "at">; failure: LevelFailure; advice: string };

const FAILURES: Record<"late" | "wrong", Recorded> = {
  late: {
    test: {
      kind: "precommit", passed: false, seen: "a user's request: not answered in time",
      sighting: { code: "step_missed", task: "user", step: "precommit" },
    },
    failure: "missed_deadline",
    advice: "The last failure was a missed deadline: close other programs, or choose a smaller model.",
  },
  wrong: {
    test: { kind: "correctness", ...questions(1) },
    failure: "wrong_answer",
    advice: "The last failure was a wrong answer: a more exact precision or another model may answer better.",
  },
};

export function coolingDown(now: Millis, failure: keyof typeof FAILURES): Standing {
  const { test, advice, failure: last_failure } = FAILURES[failure];
  return {
    level: 2, streak: 0, best_streak: 14,
    progress: { level: 3, consecutive_needed: 5, consecutive_had: 0, percentage_needed: 70, percentage_had: 66 },
    counters: counters({
      prepare: count(211, 214), precommit: count(201, 211), commit: all(201), ping: count(404, 411), correctness: count(14, 17),
    }),
    last_tests: [{ ...test, at: now - 2 * MINUTE }, ...[1, 3, 8, 12].map((hours, index) => sat(now - hours * HOUR, index === 2 ? 1 : 5))],
    cool_down_until: now + 3 * MINUTE,
    next_step: `When the cool-down is over, pass 5 tests in a row to reach level 3. ${advice}`,
    step: { code: "pass", tests: 5, level: 3, after_cool_down: true, share: null, last_failure },
  };
}

/** As a router said it that had no codes yet. */
export function olderStanding({ step: _, last_tests, ...standing }: Standing): Standing {
  return { ...standing, last_tests: last_tests.map(({ kind, at, passed, seen }) => ({ kind, at, passed, seen })) };
}

const pass = (tests: number, level: number): LevelStep =>
  ({ code: "pass", tests, level, after_cool_down: false, share: null, last_failure: null });

const sat = (at: Millis, right: number): LevelTest => ({ kind: "correctness", at, ...questions(right) });

function questions(right: number): Pick<LevelTest, "passed" | "seen" | "sighting"> {
  return {
    passed: right >= 2, seen: `${right} of 6 questions right, at least 2 asked for`,
    sighting: { code: "questions", right, questions: 6, needed: 2 },
  };
}

const count = (points: number, counter: number): Counter => ({ points, counter });
const all = (counter: number): Counter => count(counter, counter);

function counters(had: Partial<Record<EventKind, Counter>>): Standing["counters"] {
  const none = all(0);
  return { request: none, create: none, prepare: none, precommit: none, commit: none, ping: none, correctness: none, ...had };
}
