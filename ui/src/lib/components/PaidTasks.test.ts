import { render, screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";

import type { Host } from "../host/host";
import type { ActivityQuery, EarningsSummary } from "../host/types";
import { StatusStore } from "../state/status.svelte";
import WithApplication from "../testing/WithApplication.svelte";
import PaidTasks from "./PaidTasks.svelte";

type Counts = { user: [paid: number, unpaid: number]; network_test: [paid: number, unpaid: number] };

function shown(earnings: Partial<EarningsSummary>, counts: Counts | null): void {
  const activity = ({ filter: { kind, outcome } }: ActivityQuery) =>
    counts && kind
      ? Promise.resolve({ entries: [], total: counts[kind][outcome === "paid" ? 0 : 1], known: 0 })
      : Promise.reject({ code: "ledger", message: "locked" });
  const host = { activity } as Partial<Host> as Host;
  const application = { host, status: new StatusStore(host), show: () => {} };
  const given = { earnings: { today: "0", total: "0", requests: 0, void: 0, by_mode: [], ...earnings } };
  render(WithApplication, { application, component: PaidTasks as never, given });
}

describe("what was paid", () => {
  it("counts requests and tests apart, paid and not paid", async () => {
    shown({ void: 2 }, { user: [0, 1], network_test: [10, 1] });
    expect(await screen.findByText("0 user requests paid, 1 not paid")).toBeTruthy();
    expect(screen.getByText("10 network tests paid, 1 not paid")).toBeTruthy();
  });

  it("says nothing of unpaid ones where there are none", async () => {
    shown({ requests: 1 }, { user: [1, 0], network_test: [1, 0] });
    expect(await screen.findByText("1 network test paid")).toBeTruthy();
    expect(screen.getByText("1 user request paid")).toBeTruthy();
  });

  it("says what the status alone can tell while the ledger cannot be read", async () => {
    shown({ requests: 3, void: 2 }, null);
    expect(await screen.findByText("2 requests and tests not paid")).toBeTruthy();
    expect(screen.getByText("3 user requests paid")).toBeTruthy();
  });
});
