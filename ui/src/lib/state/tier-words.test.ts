// What the network says of the tier with a code is said in every language, and in its own sentence where it has none.
import { afterEach, describe, expect, it } from "vitest";

import type { Evidence, Language, TierEvidence, TierStep } from "../host/types";
import { languages, speak } from "../messages";
import type { Sample } from "../testing/samples";
import { evidenceInWords } from "./evidence";
import { tierNext, tierStepInWords } from "./tier-words";

const STEPS: Sample<TierStep> = {
  too_few_right: { code: "too_few_right", again_seconds: 60 },
  not_timed: { code: "not_timed", again_seconds: 240 },
  serve_as_named: { code: "serve_as_named", again_seconds: 86_400 },
  read_faster: { code: "read_faster", times_tenths: 318 },
  full_weights: { code: "full_weights" },
  highest: { code: "highest" },
};
const FOUND: Sample<TierEvidence> = {
  answers: { code: "answers", right: 5, questions: 6, score_hundredths: 525, sets: 2, needed: 2 },
  prefill_rate: { code: "prefill_rate", tokens_a_second: 351, work_a_second: 4.72e10, needed_a_second: 1.5e12 },
  decode_rate: { code: "decode_rate", tokens_a_second_tenths: null },
  precision: { code: "precision", precision: "Q8_0" },
  audit_failed: { code: "audit_failed", needed: 10 },
  audit_consistent: { code: "audit_consistent", differing: 1, tokens: 1200, needed: 10 },
  audit_open: { code: "audit_open", differing: 0, tokens: 9, needed: 10 },
  open_questions: { code: "open_questions", average: 61, answers: 4, needed: null },
};
const evidence = (found?: TierEvidence): Evidence => ({ what: "the network's name", seen: "its words", asked: "its wish", met: true, ...(found && { found }) });

afterEach(() => speak("en"));

describe.each<[Language]>(languages.map((one) => [one]))("in %s", (language) => {
  it.each(Object.values(STEPS))("the next step $code has words", async (step) => {
    await speak(language);
    const words = tierStepInWords(step);
    expect(words).toMatch(/\.$/);
    expect(words).not.toMatch(/\{\{|tier\.\w|undefined|NaN/);
    expect(tierNext({ step, next_step: "its sentence" })).toBe(words);
  });

  it.each(Object.values(FOUND))("what was found as $code has words", async (found) => {
    await speak(language);
    const words = Object.values(evidenceInWords(evidence(found)));
    for (const one of words) expect(one).not.toMatch(/^its|\{\{|tier\.\w|undefined|NaN|^$/);
  });
});

it("figures are written as in the language", async () => {
  expect(tierStepInWords(STEPS.read_faster)).toBe("High-end asks for 31.8 times this prefill rate: a GPU that the engine can use.");
  expect(tierStepInWords(STEPS.serve_as_named)).toContain("in 24 hours");
  expect(evidenceInWords(evidence(FOUND.answers)).seen).toBe("5 of 6 correct; 5.25 with partly right ones, the best of 2 sets");
  await speak("de");
  expect(tierStepInWords(STEPS.read_faster)).toContain("31,8-Fache");
  expect(tierStepInWords(STEPS.too_few_right)).toContain("in 60 Sekunden");
  expect(evidenceInWords(evidence(FOUND.prefill_rate))).toEqual({
    name: "Lesetempo", seen: "351 Prompt-Tokens/s, 47,2 Milliarden Parameter × Tokens/s", asked: "1,5 Billionen Parameter × Tokens/s für High-End",
  });
});

it("without a code, or with one that is not known, the network's own sentence is marked as English", async () => {
  await speak("de");
  const newer = { code: "dance", again_seconds: 3 } as unknown as TierStep;
  for (const step of [undefined, newer]) expect(tierNext({ ...(step && { step }), next_step: "dance" })).toBe("\u2068Dance.\u2069");
  const marked = { name: "\u2068The network's name\u2069", seen: "\u2068its words\u2069", asked: "\u2068its wish\u2069" };
  for (const found of [undefined, { code: "constructor" } as unknown as TierEvidence]) expect(evidenceInWords(evidence(found))).toEqual(marked);
});
