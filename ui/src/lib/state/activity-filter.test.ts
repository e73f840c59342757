import { expect, it } from "vitest";

import { answerSpeed, asFilter, chosen, everything, isEverything, shownRange } from "./activity-filter";

it("knows a filter that leaves nothing out", () => {
  expect(isEverything(everything)).toBe(true);
  expect(isEverything({ ...everything, search: "  " })).toBe(true);
  for (const narrower of [{ search: "q8" }, { kind: "user" }, { outcome: "void" }, { mode: "volume" }] as const) {
    expect(isEverything({ ...everything, ...narrower })).toBe(false);
  }
});

it("turns choices into filters and back", () => {
  expect([asFilter("any"), asFilter<"paid" | "void">("paid")]).toEqual([null, "paid"]);
  expect([chosen(null), chosen("void")]).toEqual(["any", "void"]);
});

it.each([
  [101, 1000, 3000, 50],
  [1, 1000, 1000, null],
  [0, 0, 20, null],
  [5, 300, 300, null],
])("%i tokens from %i ms to %i ms are %s tokens/s", (completion_tokens, first_token_ms, total_ms, speed) => {
  expect(answerSpeed({ usage: { prompt_tokens: 9, completion_tokens }, first_token_ms, total_ms })).toBe(speed);
});

it("counts what is shown from one", () => {
  expect(shownRange(50, 23)).toEqual([51, 73]);
  expect(shownRange(0, 0)).toBe(null);
});
