import { describe, expect, it } from "vitest";

import { planWithin } from "../host/mock/planning";
import type { WhatIf } from "../host/types";
import { faultsOf, limitsOf, orders, refusedField } from "./what-if";

const limits = (changes: Partial<WhatIf> = {}): WhatIf => ({ memory_budget_bytes: null, context_tokens: null, slots: null, ...changes });

describe("limits that are tried", () => {
  it("are numbers as people write them, or none", () => {
    expect(limitsOf({ memory: "", context: " " })).toEqual(limits());
    expect(limitsOf({ memory: "1,5", context: "2048" })).toEqual(limits({ memory_budget_bytes: 1.5e9, context_tokens: 2048 }));
    expect(faultsOf({ memory: "1.5", context: "" })).toEqual({});
    expect(faultsOf({ memory: "much", context: "1.5" })).toEqual({ memory: { is: "not_a_number" }, context: { is: "not_whole" } });
  });

  it("that are refused are told beside their field, and others not", () => {
    const failure = { code: "settings" as const, message: "too much", field: "context_tokens" };
    expect(refusedField(failure)).toEqual({ context: { is: "refused", message: "too much" } });
    expect(refusedField({ code: "memory", message: "no model fits" })).toEqual({});
    expect(refusedField(null)).toEqual({});
  });
});

describe("alternatives", () => {
  const plan = planWithin(limits());
  const precisions = (order: keyof typeof orders): string[] => plan.alternatives.toSorted(orders[order]).map((one) => one.variant.precision);

  it("are sorted by what their column is about", () => {
    expect(precisions("precision")).toEqual(["F16", "Q8_0", "Q4_0"]);
    expect(precisions("memory")).toEqual(["Q4_0", "Q8_0", "F16"]);
    expect(precisions("rate")).toEqual(["F16", "Q4_0", "Q8_0"]);
    const tight = planWithin(limits({ memory_budget_bytes: 800e6 })).alternatives;
    expect(tight.toSorted((left, right) => orders.fit(right, left))[0]?.fit).toBe("does_not_fit");
  });
});
