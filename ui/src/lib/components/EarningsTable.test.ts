import { render, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";

import type { Host } from "../host/host";
import type { ChartElectricity, EarningsChart, PartElectricity } from "../host/types";
import { applicationWith } from "../testing/application";
import WithApplication from "../testing/WithApplication.svelte";
import EarningsTable from "./EarningsTable.svelte";

const HOUR = 3_600_000;

function part(lasted_ms: number, cost: number | null, net: number | null, watts = 100): PartElectricity {
  return { mined: { lasted_ms, processor_mj: lasted_ms * watts, cards_mj: 0, figure_mj: 0, unread_ms: 0 }, cost, net };
}

function shown(span: EarningsChart["span"], electricity: ChartElectricity | null): void {
  const buckets = [0, 1].map((index) => ({ from: index * HOUR, to: (index + 1) * HOUR, amount: "0", requests: 0, tests: 0 }));
  const chart: EarningsChart = { span, buckets, total: "0", electricity };
  render(WithApplication, { application: applicationWith({} as Host), component: EarningsTable as never, given: { chart } });
}

const columns = (): string[] => screen.getAllByRole("columnheader").map((header) => header.textContent?.trim() ?? "").slice(4);
const cells = (): string[][] =>
  screen.getAllByRole("row").slice(1).map((row) => [...row.querySelectorAll("td")].slice(3).map((cell) => cell.textContent?.trim() ?? ""));

describe("electricity in the table", () => {
  it("says by the hour what was taken, what that cost and what is left", () => {
    shown("day", { currency: "EUR", parts: [part(HOUR, 0.03, -0.01), part(0, null, null)] });
    expect(columns()).toEqual(["Energy", "Electricity cost", "Left"]);
    expect(cells()).toEqual([["100 Wh", "0.03 EUR", "-0.01 EUR"], ["Not loaded", "", ""]]);
  });

  it("has no column for what is known of no part, and owns up to what was not read", () => {
    shown("week", { currency: "EUR", parts: [part(HOUR, null, null), part(HOUR, null, null, 0)] });
    expect(columns()).toEqual(["Energy"]);
    expect(cells()).toEqual([["100 Wh"], ["Not known"]]);
  });

  it("is not told by five minutes, nor where nothing was loaded", () => {
    shown("hour", null);
    expect(columns()).toEqual([]);
  });
});
