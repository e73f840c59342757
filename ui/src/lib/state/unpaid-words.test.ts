// Why something was not paid is said in every language, and in the network's own sentence where it has no code.
import { afterEach, describe, expect, it } from "vitest";

import type { Language, UnpaidReason } from "../host/types";
import { languages, speak } from "../messages";
import type { Sample } from "../testing/samples";
import { unpaidBecause, unpaidInWords, unpaidSentence } from "./unpaid-words";

const REASONS: Sample<UnpaidReason> = {
  empty_answer: { code: "empty_answer" },
  wrong_answer: { code: "wrong_answer" },
  no_incentive: { code: "no_incentive" },
  connection_lost: { code: "connection_lost" },
  router_stopped: { code: "router_stopped" },
  deadline_passed: { code: "deadline_passed" },
  engine_failed: { code: "engine_failed", message: "it broke" },
  bad_request: { code: "bad_request", message: "no role" },
  context_exceeded: { code: "context_exceeded", context_tokens: 1024 },
  context_not_exceeded: { code: "context_not_exceeded", most_tokens: 9, context_tokens: 1024 },
  rules_broken: { code: "rules_broken", message: "too many tokens" },
  round_parted: { code: "round_parted", token: 3 },
  round_lay_apart: { code: "round_lay_apart" },
  round_not_compared: { code: "round_not_compared" },
  round_undecided: { code: "round_undecided" },
  round_given_up: { code: "round_given_up" },
  round_late: { code: "round_late" },
  claim_fell: { code: "claim_fell" },
  audit_failed: { code: "audit_failed", precision: "F16", engine: "e 1" },
};

afterEach(() => speak("en"));

describe.each<[Language]>(languages.map((one) => [one]))("in %s", (language) => {
  it.each(Object.values(REASONS))("$code has words", async (why) => {
    await speak(language);
    const words = unpaidBecause({ why, reason: "its words" });
    expect(words).toBe(unpaidInWords(why));
    expect(words).not.toMatch(/\{\{|activity\.[a-z]|undefined|NaN|\.$/);
    expect(unpaidSentence({ why, reason: "its words" })).toMatch(/\.\u2069?$/);
  });
});

it("what an engine or a check says is English within the sentence", async () => {
  await speak("de");
  expect(unpaidSentence({ why: REASONS.engine_failed, reason: "" })).toBe("Die Engine ist ausgefallen: \u2068it broke\u2069.");
  expect(unpaidBecause({ why: REASONS.context_exceeded, reason: "" })).toContain("1.024 Tokens");
});

it("without a code, or with one that is not known, the network's own sentence is marked as English", async () => {
  await speak("es");
  for (const why of [undefined, { code: "dance" } as unknown as UnpaidReason]) {
    expect(unpaidBecause({ ...(why && { why }), reason: "it danced" })).toBe("\u2068it danced\u2069");
    expect(unpaidSentence({ ...(why && { why }), reason: "it danced" })).toBe("\u2068It danced.\u2069");
  }
});
