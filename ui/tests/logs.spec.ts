import type { Page } from "@playwright/test";

import { expect, test } from "./miner";

const log = (page: Page) => page.getByRole("log", { name: "Log lines" });
const fromEnd = (page: Page) => log(page).evaluate((pane) => Math.round(pane.scrollHeight - pane.clientHeight - pane.scrollTop));
const everything = async (page: Page) => {
  await page.getByRole("combobox", { name: /^Level:/ }).click();
  await page.getByRole("option", { name: "Everything" }).click();
};

test("the log goes along with new lines until one scrolls up, and again when asked", async ({ page, miner }) => {
  await miner.open({ screen: "logs" });
  await everything(page);
  await expect.poll(() => fromEnd(page)).toBeLessThan(8);
  await miner.pass(30_000);
  await expect.poll(() => fromEnd(page)).toBeLessThan(8);
  await log(page).focus();
  await page.keyboard.press("Home");
  await expect.poll(() => log(page).evaluate((pane) => pane.scrollTop)).toBe(0);
  const follow = page.getByRole("switch", { name: "Follow" });
  await expect(follow).not.toBeChecked();
  await miner.pass(30_000);
  const newest = page.getByRole("button", { name: /Go to the newest line · \d+ new lines?/ });
  await expect(newest).toBeVisible();
  expect(await fromEnd(page)).toBeGreaterThan(100);
  await newest.click();
  await expect.poll(() => fromEnd(page)).toBeLessThan(8);
  // The browser scrolls to the start step by step, and is told meanwhile that the end is wanted.
  await log(page).focus();
  await page.keyboard.press("Home");
  await expect(follow).not.toBeChecked();
  await page.getByRole("button", { name: "Go to the newest line" }).click();
  await page.waitForFunction(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))));
  await expect.poll(() => fromEnd(page)).toBeLessThan(8);
  await expect(follow).toBeChecked();
});

test("who scrolls up right after going to the newest line is let go", async ({ page, miner }) => {
  await miner.open({ screen: "logs" });
  await everything(page);
  await expect.poll(() => fromEnd(page)).toBeLessThan(8);
  const follow = page.getByRole("switch", { name: "Follow" });
  await follow.click();
  await page.getByRole("button", { name: "Go to the newest line" }).click();
  await expect(follow).toBeChecked();
  await page.keyboard.press("Home");
  await expect(follow).not.toBeChecked();
  await expect.poll(() => log(page).evaluate((pane) => pane.scrollTop)).toBe(0);
});

test("lines are filtered by level and by text", async ({ page, miner }) => {
  await miner.open({ screen: "logs" });
  await page.getByRole("combobox", { name: /^Level:/ }).click();
  await page.getByRole("option", { name: "Warnings and errors" }).click();
  await expect(page.getByText(/^3 of \d+ lines$/)).toBeVisible();
  await page.getByRole("searchbox").fill("not connected");
  await expect(page.getByText(/^1 of \d+ lines$/)).toBeVisible();
  await page.getByRole("searchbox").fill("nothing of the kind");
  await page.getByRole("button", { name: "Show all lines" }).click();
  await expect(log(page)).toContainText("found hardware");
});

test("what is shown is copied as it stands in the files", async ({ page, miner, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await miner.open({ screen: "logs" });
  await page.getByRole("searchbox").fill("not connected");
  await expect(page.getByText(/^1 of \d+ lines$/)).toBeVisible();
  await page.getByRole("button", { name: "Copy lines" }).click();
  await expect(page.getByRole("button", { name: "Copied 1 line" })).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toMatch(/^2026-11-25T13:51:52\.\d{3}Z {2}WARN cortensor_node::session: not connected to the router/);
});

test("an empty log says what will be there", async ({ page, miner }) => {
  await miner.open({ scenario: "logs-empty", screen: "logs" });
  await expect(page.getByText("Nothing was written yet")).toBeVisible();
});
