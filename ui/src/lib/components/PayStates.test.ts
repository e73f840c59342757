import { render, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";

import type { Host } from "../host/host";
import type { PendingPay } from "../host/types";
import { applicationWith } from "../testing/application";
import WithApplication from "../testing/WithApplication.svelte";
import PayStates from "./PayStates.svelte";

function shown(pending: PendingPay): void {
  const states = { pending, confirmed: "0", paid: "0", voided_tasks: 0, taken_back: "0" };
  render(WithApplication, { application: applicationWith({} as Host), component: PayStates as never, given: { states } });
}

describe("what is pending", () => {
  it("is about an amount, with the count and what is not in it", () => {
    shown({ tasks: 3, about: "2500000000000000", unreckoned: 1 });
    expect(screen.getByText("about 0.0025")).toBeTruthy();
    expect(screen.getByText("3 tasks")).toBeTruthy();
    expect(screen.getByText(/by the network's prices and the tokens so far/).textContent).toContain("1 of them is not in it");
  });

  it("is only a count where nothing can be reckoned", () => {
    shown({ tasks: 1, about: null, unreckoned: 1 });
    expect(screen.getByText("1 task")).toBeTruthy();
    expect(screen.queryByText(/about/)).toBeNull();
    expect(screen.queryByText(/not in it|estimate/)).toBeNull();
  });

  it("says nothing of what is left out where nothing is", () => {
    shown({ tasks: 2, about: "1", unreckoned: 0 });
    expect(screen.getByText(/estimate/).textContent).not.toContain("not in it");
  });
});
