import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { createRawSnippet } from "svelte";
import { expect, it, vi } from "vitest";

import Button from "./Button.svelte";

const children = createRawSnippet(() => ({ render: () => "<span>Delete</span>" }));

it("does nothing where it is barred, can be reached, and says by what", async () => {
  const onclick = vi.fn();
  render(Button, { barredBy: "why", onclick, children });
  const [user, button] = [userEvent.setup(), screen.getByRole("button", { name: "Delete" })];
  await user.tab();
  expect(document.activeElement).toBe(button);
  await user.keyboard("{Enter}");
  await user.click(button);
  expect(onclick).not.toHaveBeenCalled();
  expect([button.getAttribute("aria-disabled"), button.getAttribute("aria-describedby")]).toEqual(["true", "why"]);
});

it("does what it says where it is not", async () => {
  const onclick = vi.fn();
  render(Button, { onclick, children, "aria-describedby": "hint" });
  const button = screen.getByRole("button", { name: "Delete" });
  await userEvent.setup().click(button);
  expect(onclick).toHaveBeenCalledOnce();
  expect([button.getAttribute("aria-disabled"), button.getAttribute("aria-describedby")]).toEqual([null, "hint"]);
});
