import { expect, test } from "./miner";

test("the mode is switched while requests go on, and measured after", async ({ page, miner }) => {
  await miner.open();
  const precision = page.getByRole("radio", { name: /Precision/ });
  await expect(page.getByRole("radio", { name: /Volume/ })).toBeChecked();
  await precision.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Switching");
  await miner.pass(1500);
  const progress = page.getByRole("progressbar", { name: /Loading F16/ });
  await expect(progress).toBeVisible();
  expect(Number(await progress.getAttribute("aria-valuenow"))).toBeGreaterThan(0.2);
  await expect(precision).toHaveAttribute("aria-disabled", "true");
  await expect(page.getByText("A switch is under way")).toBeVisible();
  await miner.pass(15_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
  await expect(precision).toBeChecked();
  await expect(page.getByText(/Low-end, full precision/).first()).toBeVisible();
  await miner.pass(90_000);
  const facts = page.locator(`[id="${await precision.getAttribute("aria-describedby")}"]`);
  await expect(facts).toContainText(/Measured: 3\d\d requests\/h, from \d+ requests? served/);
});

test("a pause finishes what runs, and resuming goes on", async ({ page, miner }) => {
  await miner.open();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Finishing");
  await expect(page.getByText("Finishing 1 request that runs")).toBeVisible();
  await miner.pass(20_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await miner.pass(5_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("a pause for a while says until when, and is over by itself", async ({ page, miner }) => {
  await miner.open();
  await page.getByRole("button", { name: "For a while" }).press("Enter");
  await expect(page.getByRole("menuitem")).toHaveText(["15 minutes", "1 hour", "Until tomorrow"]);
  await page.keyboard.press("Enter");
  await miner.pass(20_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Paused until \d+:\d\d/);
  await expect(page.getByRole("navigation").getByText(/^Paused until/)).toBeVisible();
  await expect(page.getByText("Then the miner goes on by itself")).toBeVisible();
  await miner.pass(900_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("who resumes does not wait for the end of the pause", async ({ page, miner }) => {
  await miner.open({ scenario: "paused-until" });
  await page.getByRole("button", { name: "Resume" }).click();
  await miner.pass(5_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("a miner that steps aside says why, and mines all the same for who says so", async ({ page, miner }) => {
  await miner.open({ scenario: "aside" });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Paused");
  await expect(page.getByText("On battery.")).toBeVisible();
  await expect(page.getByText("goes on by itself")).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await miner.pass(5_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
  await expect(page.getByText("On battery.")).toBeHidden();
});

test("a breakdown is told once, with what was done about it and what the engine said", async ({ page, miner }) => {
  await miner.open({ scenario: "incident" });
  const note = page.getByRole("region", { name: "What broke" });
  await expect(note).toContainText("Out of memory at 1,024 tokens of context; carries on with 512");
  await expect(note).toContainText("loaded again with less");
  await note.getByText("What the engine said").click();
  await expect(note.getByText(/CUDA_ERROR_OUT_OF_MEMORY/)).toBeVisible();
  await note.getByRole("button", { name: "Understood" }).click();
  await expect(note).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("what is earned goes up as requests are settled", async ({ page, miner }) => {
  await miner.open();
  const paid = page.getByText(/\d+ user requests paid/);
  const before = await paid.textContent();
  await miner.pass(60_000);
  await expect(paid).not.toHaveText(before ?? "");
});

test("the first start shows its steps as they happen and ends in mining", async ({ page, miner }) => {
  await miner.open({ scenario: "first-start" });
  await miner.pass(6_000);
  await expect(page.getByText(/(making|writing) (F16|Q8_0|Q4_0)/i)).toBeVisible();
  await miner.pass(22_000);
  await expect(page.getByText(/\d of 10 tests/)).toBeVisible();
  await miner.pass(20_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("a miner that was quit elsewhere is started again", async ({ page, miner }) => {
  await miner.open({ scenario: "stopped" });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Stopped");
  await page.getByRole("button", { name: "Start again" }).click();
  await miner.pass(10_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("the wait for the next try is counted down", async ({ page, miner }) => {
  await miner.open({ scenario: "offline" });
  await expect(page.getByText("Next try in 16 seconds.")).toBeVisible();
  await miner.pass(10_000);
  await expect(page.getByText("Next try in 6 seconds.")).toBeVisible();
  await miner.pass(10_000);
  await expect(page.getByText("Trying now.")).toBeVisible();
});

test("a failed start says what to do and starts again", async ({ page, miner }) => {
  await miner.open({ scenario: "failed-model" });
  await expect(page.getByText(/cannot be read; run/)).toBeVisible();
  await page.getByRole("button", { name: /Try again|Start again/ }).click();
  await miner.pass(10_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("a command that fails says why, where it was given", async ({ page, miner }) => {
  await miner.open({ scenario: "command-errors" });
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "is locked by another program" }).first()).toBeVisible();
});

test("a cool-down is shown until it is over", async ({ page, miner }) => {
  await miner.open({ scenario: "cool-down" });
  await expect(page.getByText("Passed tests count again in 3 minutes.")).toBeVisible();
  await miner.pass(240_000);
  await expect(page.getByText("Passed tests count again")).toBeHidden();
});

test("the level explains itself to who asks by keyboard", async ({ page, miner }) => {
  await miner.open();
  await expect(page.getByRole("meter", { name: "On the way to level 5" })).toHaveAttribute("aria-valuetext", /7 of 10 tests in a row/);
  await expect(page.getByRole("table", { name: "Last tests" })).toBeHidden();
  await page.getByText("Why this level").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("table", { name: "Last tests" }).getByRole("row")).toHaveCount(11);
  await expect(page.getByRole("row", { name: /Answered in time/ })).toContainText("608 of 611");
});
