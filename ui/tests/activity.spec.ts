import type { Page } from "@playwright/test";

import { expect, test } from "./miner";

const choose = async (page: Page, name: string, option: string) => {
  await page.getByRole("combobox", { name: new RegExp(`^${name}:`) }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
};
const rows = (page: Page) => page.locator("tbody tr.entry");

test("a task that runs shows its tokens as they come and then is settled", async ({ page, miner }) => {
  await miner.open({ screen: "activity" });
  const live = page.getByRole("region", { name: "Running now" });
  await expect(live.getByText("61 tokens")).toBeVisible();
  await miner.pass(1_000);
  await expect(live.getByText(/^9\d tokens$/)).toBeVisible();
  await expect(page.getByText("236 tasks")).toBeVisible();
  await miner.pass(30_000);
  await expect(page.getByText(/23[7-9] tasks/)).toBeVisible();
});

test("filters and search narrow the list, and can be cleared", async ({ page, miner }) => {
  await miner.open({ screen: "activity" });
  await choose(page, "Outcome", "Not paid");
  await expect(page.getByText(/^\d+ of 236 tasks$/)).toBeVisible();
  await expect(rows(page).filter({ hasNotText: "Not paid" })).toHaveCount(0);
  await choose(page, "Mode", "Precision");
  await expect(rows(page).filter({ hasText: "Q8_0" })).toHaveCount(0);
  await page.getByRole("button", { name: "Clear filter" }).click();
  await expect(page.getByText("236 tasks", { exact: true })).toBeVisible();
  await page.getByRole("searchbox").fill("deadline");
  await expect(rows(page).filter({ hasNotText: "A deadline of the task passed" })).toHaveCount(0);
  await page.getByRole("searchbox").fill("no such thing");
  await expect(page.getByText("No task matches")).toBeVisible();
});

test("what is shown is exported, and it is said where to", async ({ page, miner }) => {
  await miner.open({ screen: "activity" });
  await choose(page, "Kind", "Network test");
  await page.getByRole("button", { name: "Export these as CSV" }).click();
  await expect(page.getByText("Saved to /home/sam/Documents/cortensor-activity.csv")).toBeVisible();
});

test("five thousand tasks are read page by page", async ({ page, miner }) => {
  await miner.open({ scenario: "many", screen: "activity" });
  await expect(page.getByText("1–50 of 5,000")).toBeVisible();
  await page.getByRole("button", { name: "Older" }).click();
  await expect(page.getByText("51–100 of 5,000")).toBeVisible();
  await expect(rows(page)).toHaveCount(50);
  await page.getByRole("button", { name: "Newer" }).click();
  await expect(page.getByText("1–50 of 5,000")).toBeVisible();
});

test("new tasks do not move the list under who reads it", async ({ page, miner }) => {
  await miner.open({ screen: "activity" });
  await rows(page).nth(30).scrollIntoViewIfNeeded();
  const before = await rows(page).first().textContent();
  await miner.pass(40_000);
  const news = page.getByRole("button", { name: /Show \d new tasks?/ });
  await expect(news).toBeVisible();
  expect((await rows(page).first().textContent())?.slice(20)).toBe(before?.slice(20));
  await news.click();
  await expect(news).toBeHidden();
  await expect(rows(page).first()).toContainText("just now");
});

test("a row opens by the keyboard into all that is known of its task", async ({ page, miner }) => {
  await miner.open({ screen: "activity" });
  const row = rows(page).filter({ hasText: "User request" }).first();
  const details = row.getByRole("button", { name: /Details of the task/ });
  await details.focus();
  await page.keyboard.press("Enter");
  await expect(details).toHaveAttribute("aria-expanded", "true");
  await expect(page.getByText(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)).toBeVisible();
  await expect(page.getByText("Prompts are not kept")).toBeVisible();
  await page.keyboard.press("Space");
  await expect(details).toHaveAttribute("aria-expanded", "false");
});

test("a row holds in 1080 pixels: no word of it wraps, and a long model name is cut with the whole of it at hand", async ({ page, miner }) => {
  await page.setViewportSize({ width: 1080, height: 900 });
  await miner.open({ screen: "activity" });
  const row = rows(page).filter({ hasNotText: "Not paid" }).first();
  const wrapped = () => row.locator(".name, .when time, .task").evaluateAll((cells) =>
    cells
      .filter((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return new Set([...range.getClientRects()].map((line) => Math.round(line.bottom))).size > 1;
      })
      .map((cell) => cell.textContent));
  const name = row.getByTitle("smollm2-135m-instruct");
  await expect(name).toBeVisible();
  expect(await wrapped()).toEqual([]);
  expect(await name.evaluate((element) => element.scrollWidth <= element.clientWidth), "the usual name has room").toBe(true);
  await name.evaluate((element) => (element.textContent = "a-model-whose-name-is-longer-than-any-that-anybody-has-seen"));
  expect(await wrapped()).toEqual([]);
  expect(await row.evaluate((element) => element.scrollWidth <= (element.closest("section")?.clientWidth ?? 0))).toBe(true);
});

test("where prompts could be kept is one step away", async ({ page, miner }) => {
  await miner.open({ screen: "activity" });
  await rows(page).filter({ hasText: "User request" }).first().getByRole("button").click();
  await page.getByRole("button", { name: "Open Settings" }).click();
  await expect(page.locator("#settings-privacy")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("switch", { name: "Keep prompts and answers" })).toBeFocused();
});

test("prompts are shown once the user has them kept", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  await page.getByRole("switch", { name: "Keep prompts and answers" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await page.getByRole("link", { name: "Activity" }).click();
  await miner.pass(30_000);
  await rows(page).filter({ hasText: "just now" }).filter({ hasText: "User request" }).first().getByRole("button").click();
  await expect(page.getByText("Prompt", { exact: true })).toBeVisible();
  await expect(page.getByText("Answer", { exact: true })).toBeVisible();
});

test("a list that cannot be read says so and is asked for again", async ({ page, miner }) => {
  await miner.open({ scenario: "command-errors", screen: "activity" });
  await expect(page.getByRole("alert").filter({ hasText: "is locked by another program" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Try again" })).toBeEnabled();
});
