// What the network says of the level with a code is said in every language, and in its own sentence where it has none.
import { afterEach, describe, expect, it } from "vitest";

import type { Language, LevelFailure, LevelSighting, LevelStep } from "../host/types";
import { languages, speak } from "../messages";
import type { Sample } from "../testing/samples";
import { levelNext, levelStepInWords, seenInWords } from "./level-words";

const pass = (tests: number, more: Partial<Extract<LevelStep, { code: "pass" }>> = {}): LevelStep =>
  ({ code: "pass", tests, level: 3, after_cool_down: false, share: null, last_failure: null, ...more });

const STEPS: Sample<LevelStep> = { pass: { code: "pass", tests: 2, level: 3, after_cool_down: false, share: null, last_failure: null }, highest: { code: "highest" } };
const FAILURES: Record<LevelFailure, LevelFailure> = { missed_deadline: "missed_deadline", wrong_answer: "wrong_answer", failed_audit: "failed_audit" };
const SIGHTINGS: Sample<LevelSighting> = {
  questions: { code: "questions", right: 1, questions: 6, needed: 2 },
  open_question: { code: "open_question", marks: 19, needed: 20 },
  step_in_time: { code: "step_in_time", task: "user", step: "prepare" },
  step_missed: { code: "step_missed", task: "network_test", step: "commit" },
  task_failed: { code: "task_failed", task: "user", reason: { code: "connection_lost" } },
  rounds_parted: { code: "rounds_parted", parted: 3, rounds: 10 },
  round_drawn: { code: "round_drawn" },
  round_joined: { code: "round_joined" },
  round_left: { code: "round_left" },
  audit_failed: { code: "audit_failed", precision: "F16", engine: "e 1" },
  heartbeat: { code: "heartbeat" },
  no_heartbeat: { code: "no_heartbeat" },
};
const UNFIT = /\{\{|level\.[a-z]|activity\.[a-z]|undefined|NaN/;

afterEach(() => speak("en"));

describe.each<[Language]>(languages.map((one) => [one]))("in %s", (language) => {
  const steps = [...Object.values(STEPS), ...Object.values(FAILURES).map((last_failure) => pass(1, { last_failure, after_cool_down: true }))];
  it.each(steps)("the next step %o has words", async (step) => {
    await speak(language);
    expect(levelStepInWords(step)).toMatch(/\.$/);
    expect(levelStepInWords(step)).not.toMatch(UNFIT);
    expect(levelNext({ step, next_step: "its sentence" })).toBe(levelStepInWords(step));
  });

  it.each(Object.values(SIGHTINGS))("what was seen as $code has words", async (sighting) => {
    await speak(language);
    const words = seenInWords({ sighting, seen: "its words" });
    expect(words).toMatch(/\.$/);
    expect(words).not.toMatch(UNFIT);
    expect(words).not.toContain("Its words");
  });
});

it("figures, the cool-down and the advice are there", async () => {
  const share = { needed: 60, had: 50 };
  expect(levelStepInWords(pass(1))).toBe("Pass one test to reach level 3.");
  expect(levelStepInWords(pass(2, { share, last_failure: "missed_deadline" }))).toBe(
    "Pass 2 tests in a row to reach level 3: it asks for 60% of the latest tests, and 50% were passed. "
    + "The last failure was a missed deadline: close other programs, or choose a smaller model.",
  );
  await speak("de");
  expect(levelStepInWords(pass(5, { after_cool_down: true }))).toBe("Um Level 3 zu erreichen, sind nach der Wartezeit 5 Tests in Folge zu bestehen.");
  expect(seenInWords({ sighting: SIGHTINGS.step_missed, seen: "" })).toBe("Ein Netzwerktest: Antwort nicht rechtzeitig abgegeben.");
  expect(seenInWords({ sighting: SIGHTINGS.task_failed, seen: "" })).toBe("Eine Nutzeranfrage: die Verbindung zum Knoten ist abgerissen.");
});

it("without a code, or with one that is not known, the network's own sentence is marked as English", async () => {
  await speak("de");
  for (const step of [undefined, { code: "dance" } as unknown as LevelStep]) expect(levelNext({ ...(step && { step }), next_step: "dance" })).toBe("\u2068Dance.\u2069");
  for (const sighting of [undefined, { code: "dance" } as unknown as LevelSighting]) {
    expect(seenInWords({ ...(sighting && { sighting }), seen: "it danced" })).toBe("\u2068It danced.\u2069");
  }
});
