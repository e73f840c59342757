import { render, screen } from "@testing-library/svelte";
import { expect, it } from "vitest";

import { statusWith } from "../testing/statuses";
import PaidTasks from "./PaidTasks.svelte";

it("counts requests and tests apart, and unpaid ones only where there are some", () => {
  const { earnings } = statusWith({});
  render(PaidTasks, { earnings: { ...earnings, requests: 0, requests_void: 1, tests: 10, tests_void: 0 } });
  expect(screen.getByText("0 user requests paid, 1 not paid")).toBeTruthy();
  expect(screen.getByText("10 network tests paid")).toBeTruthy();
});
