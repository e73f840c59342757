import { expect, it } from "vitest";

import type { PartElectricity } from "../host/types";
import { electricityLines } from "./part-electricity";

const HOUR = 3_600_000;

function part(lasted_ms: number, cost: number | null, net: number | null, figure_mj = 0): PartElectricity {
  return { mined: { lasted_ms, processor_mj: HOUR * 60, cards_mj: HOUR * 30, figure_mj, unread_ms: 0 }, cost, net };
}

it.each([
  { name: "all", given: part(HOUR, 0.3, 0.5, HOUR * 10), lines: ["Electricity: 100 Wh, 0.30 EUR", "Left: 0.50 EUR"] },
  { name: "no price", given: part(HOUR, null, null), lines: ["Electricity: 90 Wh"] },
  { name: "a price, and no value of credits", given: part(HOUR, 0.3, null), lines: ["Electricity: 90 Wh, 0.30 EUR"] },
  { name: "nothing loaded", given: part(0, null, null), lines: [] },
])("a bar says of electricity what is known: $name", ({ given, lines }) => {
  expect(electricityLines(given, "EUR")).toEqual(lines);
});
