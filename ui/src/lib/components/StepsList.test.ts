import { render, screen, within } from "@testing-library/svelte";
import { expect, it } from "vitest";

import type { Step } from "../host/types";
import { statusWith } from "../testing/statuses";
import StepsList from "./StepsList.svelte";

const done = (name: Step["name"], detail: string): Step => ({ name, state: { is: "done" }, detail });
const loading: Step = { name: "load", state: { is: "running", progress: 0.4 }, detail: "loading F16 for precision" };

function rows(steps: Step[]): string[] {
  render(StepsList, { status: statusWith({ phase: "starting", steps }) });
  const items = within(screen.getByRole("list")).getAllByRole("listitem");
  return items.map((item) => item.textContent?.replace(/\s+/g, " ").trim() ?? "");
}

it("shows what is done, what is being done and why, and what is to come", () => {
  const shown = rows([done("hardware", "2 cores"), loading]);
  expect(shown).toHaveLength(9);
  expect(shown[0]).toBe("Look at the hardware Done 2 cores");
  expect(shown[5]).toBe("Load the model Now 40% Into memory, and checked against the estimate. Loading F16 for precision");
  expect(shown[8]).toBe("Take requests To come");
});
