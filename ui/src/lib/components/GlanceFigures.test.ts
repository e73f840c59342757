import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import type { Host } from "../host/host";
import type { LevelTest, Standing } from "../host/types";
import { applicationWith } from "../testing/application";
import WithApplication from "../testing/WithApplication.svelte";
import { standingWith, statusWith } from "../testing/statuses";
import GlanceFigures from "./GlanceFigures.svelte";

function shown(standing: Standing | null): void {
  const host = {} as Host;
  const application = applicationWith(host);
  render(WithApplication, { application, component: GlanceFigures as never, given: { status: statusWith({ standing }) } });
}

const progress = { level: 5, consecutive_needed: 10, consecutive_had: 7, percentage_needed: 80, percentage_had: 96 };
const good: LevelTest = { kind: "correctness", at: Date.now() - 120_000, passed: true, seen: "5 of 6 questions right" };
const bad: LevelTest = { kind: "precommit", at: Date.now() - 60_000, passed: false, seen: "a user's request: not answered in time" };

describe("the level", () => {
  it("is shown with the way to the next one, in a meter that says it in words too", () => {
    shown(standingWith({ level: 4, streak: 27, progress, next_step: "Pass 3 tests in a row to reach level 5." }));
    expect(screen.getByText("4 of 10")).toBeTruthy();
    const meter = screen.getByRole("meter", { name: "On the way to level 5" });
    expect([meter.getAttribute("aria-valuenow"), meter.getAttribute("aria-valuetext")]).toEqual(["0.7", "7 of 10 tests in a row to level 5"]);
    for (const words of ["7 of 10 tests in a row to level 5", "27 tests without a failure", "Pass 3 tests in a row to reach level 5."]) {
      expect(screen.getByText(words)).toBeTruthy();
    }
    expect(screen.queryByText("Cool-down")).toBeNull();
  });

  it("says which share of the latest tests is missing, when it is", () => {
    shown(standingWith({ progress: { ...progress, consecutive_had: 10, percentage_had: 62 } }));
    expect(screen.getByText("62% of the latest passed, 80% needed")).toBeTruthy();
  });

  it("has no meter at the highest", () => {
    shown(standingWith({ level: 10, progress: null }));
    expect(screen.getByText("The highest level there is")).toBeTruthy();
    expect(screen.queryByRole("meter")).toBeNull();
  });

  it("is not shown when the router does not say", () => {
    shown(null);
    expect(screen.queryByText("Level")).toBeNull();
  });

  it("says until when tests do not count, for as long as that is to come", () => {
    shown(standingWith({ cool_down_until: Date.now() + 125_000 }));
    expect(screen.getByText(/Passed tests count again/).textContent).toContain("in 2 minutes");
  });

  it("explains itself: the last tests and the success rates, with the network's own words", async () => {
    const counters = { ...standingWith({}).counters, precommit: { points: 199, counter: 200 } };
    shown(standingWith({ last_tests: [bad, good], best_streak: 14, counters }));
    await userEvent.setup().click(screen.getByText("Why this level"));
    const tests = within(screen.getByRole("table", { name: "Last tests" })).getAllByRole("row").slice(1);
    const words = tests.map((row) => row.textContent?.replace(/\s+/g, " ").trim());
    expect(words[0]).toContain("Answered in timeprecommit Failed 1 minute ago A user's request: not answered in time.");
    expect(words[1]).toContain("Right answerscorrectness Passed");
    const rates = within(screen.getByRole("table", { name: "How reliably this miner did its part" })).getAllByRole("row").slice(1);
    expect(rates.map((row) => row.textContent?.replace(/\s+/g, " ").trim())).toEqual(["Answered in timeprecommit 99% 199 of 200"]);
    expect(screen.getByText("Longest run without a failure: 14 tests")).toBeTruthy();
  });

  it("tells a new node what is to come", () => {
    shown(standingWith({}));
    expect(screen.getByText(/No test has counted for the level yet/)).toBeTruthy();
  });
});
