import { expect, test } from "./miner";
import { setPrices } from "./views";

test("where pay stands and came from is told, and saved as a file", async ({ page, miner }) => {
  await miner.open({ screen: "earnings" });
  const states = page.getByRole("region", { name: "Where pay stands" });
  for (const state of ["Pending", "Confirmed", "Paid", "Not paid"]) await expect(states.getByText(state, { exact: true })).toBeVisible();
  const table = page.getByRole("table", { name: "Earnings by mode and model" });
  await expect(table.getByRole("row")).toHaveCount(3);
  await expect(table.getByRole("row", { name: /^Volume/ })).toContainText("smollm2-135m-instruct Q8_0");
  await page.getByRole("radio", { name: "In all" }).click();
  await expect(table.getByRole("row")).toHaveCount(3);
  await page.getByRole("button", { name: "Save as CSV" }).click();
  await expect(page.getByText("Saved to /home/sam/Documents/cortensor-earnings.csv")).toBeVisible();
});

test("nothing is converted before the user gave a price and a value", async ({ page, miner }) => {
  await miner.open({ screen: "earnings" });
  const electricity = page.getByRole("region", { name: "Electricity and what is left" });
  await expect(electricity.getByText("you did not say what a kilowatt hour costs")).toBeVisible();
  await expect(electricity.getByText("practice credits are worth nothing, so there is no rate")).toBeVisible();
  await expect(electricity.getByText("by the whole processor package")).toBeVisible();
  await electricity.getByRole("button", { name: "Prices and watts" }).click();
  await expect(page.getByRole("region", { name: "Electricity", exact: true })).toBeFocused();
  await setPrices(page);
  await expect(page.getByText("take effect after a restart")).toBeHidden();
  await page.getByRole("link", { name: "Earnings" }).click();
  await expect(electricity.getByText(/EUR at 0.30 EUR per kWh/)).toBeVisible();
  await expect(electricity.getByText("worth nothing")).toBeHidden();
});

test("an hour without earnings leads to the reason, by keyboard too", async ({ page, miner }) => {
  await miner.open({ scenario: "no-demand" });
  await page.getByRole("link", { name: "Why am I not earning?" }).focus();
  await page.keyboard.press("Enter");
  const why = page.getByRole("region", { name: "Why am I not earning?" });
  await expect(why).toBeFocused();
  await expect(why.getByText("no task came for 95 minutes").first()).toBeVisible();
  await why.getByText("The whole chain").click();
  const links = why.getByRole("list", { name: "The whole chain" }).getByRole("listitem");
  await expect(links).toHaveCount(10);
  await expect(links.filter({ hasText: "The network has tasks for it" })).toContainText("No");
  await expect(links.filter({ hasText: "Connected to the network" })).toContainText("Yes");
  await expect(links.filter({ hasText: "What it does is paid" })).toContainText("Cannot be told now");
});

test("who earns is not asked why not", async ({ page, miner }) => {
  await miner.open();
  await expect(page.getByText("Earned today")).toBeVisible();
  await expect(page.getByRole("img", { name: "Earnings in the last 24 hours" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Why am I not earning?" })).toBeHidden();
});

for (const [scenario, told] of [
  ["paused", "Resume it on Home"],
  ["offline", "Check this computer's connection"],
  ["rejected", "Stop the other miner"],
  ["hindered", "Make room on its disk"],
  ["untrusted", "were not passed"],
  ["cool-down", "do not count until"],
] as const) {
  test(`${scenario}: the first thing to fix is said`, async ({ page, miner }) => {
    await miner.open({ scenario, screen: "earnings" });
    await expect(page.locator("#why")).toContainText(told, { ignoreCase: true });
  });
}

test("a forecast has its error, and the plan's figure stands apart", async ({ page, miner }) => {
  await miner.open({ screen: "earnings" });
  const forecast = page.getByRole("region", { name: "The next 24 hours" });
  await expect(forecast.getByText(/With 90 % confidence/)).toBeVisible();
  await expect(forecast.getByText(/one after the other/)).toBeVisible();
  await miner.open({ scenario: "empty-activity", screen: "earnings" });
  await expect(page.getByText("Not enough hours yet: this takes 3 whole hours of mining, and there are 0.")).toBeVisible();
});
