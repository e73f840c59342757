import { describe, expect, it } from "vitest";

import type { LevelProgress } from "../host/types";
import { standingWith } from "../testing/statuses";
import { coolDown, lacksShare, progressTo, rates } from "./standing";

const progress = (had: number, needed: number, share: number | null, asked = 80): LevelProgress =>
  ({ level: 1, consecutive_had: had, consecutive_needed: needed, percentage_had: share, percentage_needed: asked });

it.each([
  [progress(0, 10, null), 0, false],
  [progress(7, 10, 96), 0.7, false],
  [progress(10, 10, 40), 0.5, true],
  [progress(2, 10, 40), 0.2, true],
  [progress(0, 0, 100), 1, false],
])("the way to the next level is as far as its further condition: %j", (one, far, lacking) => {
  expect(progressTo(one)).toBe(far);
  expect(lacksShare(one)).toBe(lacking);
});

describe("success rates", () => {
  const { counters } = standingWith({});

  it("are of what was due, the verdict first, and only whole when all was done", () => {
    const had = { ...counters, ping: { points: 3, counter: 3 }, correctness: { points: 999, counter: 1000 } };
    expect(rates(had).map(({ kind, share }) => [kind, share])).toEqual([["correctness", 0.99], ["ping", 1]]);
  });

  it("are none before anything was due", () => expect(rates(counters)).toEqual([]));
});

it.each([[null, null], [900, null], [1000, null], [1001, 1001]])("a cool-down until %s, at 1000, is %s", (until, shown) => {
  expect(coolDown(standingWith({ cool_down_until: until }), 1000)).toBe(shown);
});
