import { describe, expect, it } from "vitest";

import type { Cause, Why } from "../host/types";
import { causeInWords, firstCause, isOnlyLess, placeOf, remedyInWords } from "./why-words";

const at = Date.UTC(2026, 10, 26, 12);
const causes: [Cause, string, string][] = [
  [{ code: "stopped" }, "has stopped", "Start it again"],
  [{ code: "problem", problem: "files", message: "make room" }, "must be seen to", "Make room."],
  [{ code: "passphrase" }, "passphrase", "Enter it"],
  [{ code: "starting", step: "load" }, "is starting", "goes on by itself"],
  [{ code: "measuring" }, "being measured", "goes on by itself"],
  [{ code: "stepping_aside", reasons: [{ is: "battery" }, { is: "metered" }] }, "On battery. The connection is metered.", "mines all the same"],
  [{ code: "paused" }, "is paused", "Resume it"],
  [{ code: "connecting" }, "on the way", "goes on by itself"],
  [{ code: "offline", reason: "no route to host", retry_at: at }, "No route to host.", "router's address"],
  [{ code: "rejected", message: "stop the other one", retry_at: at }, "turned this miner away", "Stop the other one."],
  [{ code: "testing", tests: [2, 10] }, "2 of 10 tests", "paid too"],
  [{ code: "testing", tests: null }, "not tested it yet", "paid too"],
  [{ code: "not_passed", next_step: "be faster" }, "were not passed", "Be faster."],
  [{ code: "cool_down", until: at, next_step: "pass 3 tests" }, "2026", "Pass 3 tests."],
  [{ code: "lowest_level", next_step: "pass 3 tests" }, "level 0", "Pass 3 tests."],
  [{ code: "not_passed", next_step: "be faster", step: { code: "not_timed", again_seconds: 60 } }, "were not passed", "close other programs"],
  [{ code: "cool_down", until: at, next_step: "pass", step: { code: "highest" } }, "2026", "This is the highest level"],
  [{ code: "lowest_level", next_step: "pass", step: { code: "highest" } }, "level 0", "This is the highest level"],
  [{ code: "no_tasks", minutes: 1 }, "for 1 minute.", "Nothing is wrong on this computer"],
  [{ code: "no_tasks", minutes: 25 }, "for 25 minutes.", "Nothing is wrong on this computer"],
  [{ code: "unpaid", unpaid: 2, of: 3, reason: "too late" }, "2 of 3 tasks", "Activity lists them"],
  [{ code: "unpaid", unpaid: 2, of: 3, reason: "too late", why: { code: "deadline_passed" } }, "The last one: a deadline of the task passed.", "Activity lists them"],
  [{ code: "taken_back", amount: "2000000000000000000", reason: "the audit failed" }, "2.000 credits were taken back", "operator"],
  [{ code: "earns_more", mode: "volume", precision: "Q8_0", amount: "2000000000000000000", against: "1000000000000000000" }, "Volume mode (Q8_0)", "Compare"],
  [{ code: "costs_more", cost: 0.6, worth: 0.1, currency: "EUR" }, "0.60 EUR", "cheaper"],
];

describe("why nothing is earned", () => {
  it.each(causes)("%o is said with what to do", (cause, is, remedy) => {
    expect(causeInWords(cause, "credits")).toContain(is);
    expect(remedyInWords(cause)).toContain(remedy);
    expect(`${causeInWords(cause, "credits")} ${remedyInWords(cause)}`).not.toMatch(/\{\{|why\.cause/);
  });

  it("has a first thing to look at only if there is a cause", () => {
    const fine: Why = { earned_last_hour: "0", links: [{ link: "miner", finding: { is: "fine" } }], first: null };
    expect(firstCause(fine)).toBe(null);
    const cause: Cause = { code: "paused" };
    const paused: Why = { ...fine, links: [...fine.links, { link: "pause", finding: { is: "cause", cause } }], first: "pause" };
    expect(firstCause(paused)).toEqual({ link: "pause", cause });
  });

  it("tells what keeps from earning from what keeps from earning more, and where it can be changed", () => {
    expect(causes.filter(([cause]) => isOnlyLess(cause)).map(([{ code }]) => code)).toEqual(["earns_more", "costs_more"]);
    expect(placeOf({ code: "paused" })).toBe("home");
    expect(placeOf({ code: "measuring" })).toBe(null);
  });
});
