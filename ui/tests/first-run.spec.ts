import AxeBuilder from "@axe-core/playwright";

import { expect, test } from "./miner";

const heading = (name: string) => ({ name: new RegExp(`${name}$`), level: 1 });

test("nothing starts before Start, and what it will use is told in numbers of this computer", async ({ page, miner }) => {
  await miner.open({ scenario: "first-run" });
  const title = page.getByRole("heading", heading("Welcome to Cortensor Miner"));
  await expect(title).toBeFocused();
  await expect(title).toContainText("Step 1 of 3");
  await expect(page.getByText("At most about 937 MB for SmolLM2 135M Instruct")).toBeVisible();
  await expect(page.getByText("22.8 GB of 25.3 GB are free now.")).toBeVisible();
  await expect(page.getByText("About 507 MB for that model in three precisions.")).toBeVisible();
  await expect(page.getByText("By itself on battery, while a game or a film fills the screen, on a metered connection or above 90 °C.")).toBeVisible();
  await expect(page.getByText("They are worth nothing")).toBeVisible();
  await expect(page.getByRole("navigation")).toHaveCount(0);
  await miner.pass(120_000);
  await expect(page.getByText("Nothing has started yet")).toBeVisible();
});

test("the three screens are gone through by keyboard alone, to the first request and how long it took", async ({ page, miner }) => {
  await miner.open({ scenario: "first-run" });
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await page.getByRole("button", { name: "Start" }).press("Enter");
  const plan = page.getByRole("heading", heading("Your hardware and the plan"));
  await expect(plan).toBeFocused();
  await expect(plan).toContainText("Step 2 of 3");
  await expect(page.getByRole("radiogroup", { name: "What to serve" })).toBeHidden();
  await miner.pass(28_000);
  // The two sides, as soon as they are known: one may be picked, and none has to be.
  await expect(page.getByRole("radio", { name: /Volume/ })).toBeChecked();
  await page.getByRole("button", { name: "Next" }).press("Enter");
  const keep = page.getByRole("heading", heading("Keep your key, say where earnings go"));
  await expect(keep).toBeFocused();
  await expect(keep).toContainText("Step 3 of 3");
  await page.getByRole("button", { name: "Back" }).press("Enter");
  await expect(plan).toBeFocused();
  await page.getByRole("button", { name: "Back" }).press("Enter");
  // It runs by now: the first screen leads on and starts nothing anew.
  await expect(page.getByText("Nothing has started yet")).toBeHidden();
  await page.getByRole("button", { name: "Next" }).press("Enter");
  await expect(plan).toBeFocused();
  await page.getByRole("button", { name: "Next" }).press("Enter");
  await miner.pass(40_000);
  await expect(page.getByText(/Ready for the first request, \d+ s after Start\./)).toBeVisible();
  await page.getByRole("button", { name: "Ask it: Why is the sky blue?" }).press("Enter");
  await miner.pass(20_000);
  await expect(page.getByText("sunlight is scattered")).toBeVisible();
  await expect(page.getByText(/First request served 1 min \d+ s after Start\./)).toBeVisible();
  await page.getByRole("button", { name: "Finish" }).press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
  await expect(page.getByText("First request served")).toBeHidden();
  await page.getByRole("link", { name: "About" }).press("Enter");
  await expect(page.getByText(/served 1 min \d+ s after the first start/)).toBeVisible();
});

test("who ends it before a request came is told on Home once", async ({ page, miner }) => {
  await miner.open({ scenario: "first-run-served" });
  await expect(page.getByText(/First request served 1 min \d+ s after Start\./)).toBeVisible();
  await page.getByRole("button", { name: "Got it" }).click();
  await expect(page.getByText("First request served")).toBeHidden();
});

test("a copy of the key is saved and a payout address kept without leaving the first run", async ({ page, miner }) => {
  await miner.open({ scenario: "first-run-keep" });
  await page.getByRole("button", { name: "Save a copy…" }).click();
  const dialog = page.getByRole("dialog", { name: "Export the key" });
  await dialog.getByLabel("Passphrase for the file").fill("long enough");
  await dialog.getByLabel("The same again").fill("long enough");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The key was written to")).toBeVisible();
  await page.getByLabel("Payout address").fill("0x8ba1f109551bD432803012645Ac136ddd64DBA72");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(page.getByRole("heading", heading("Keep your key, say where earnings go"))).toBeVisible();
});

for (const screen of ["node", "home"] as const) {
  test(`${screen}: a node's .env is imported, and its key wiped only when that is said`, async ({ page, miner }) => {
    await miner.open(screen === "node" ? { screen } : { scenario: "first-run-keep" });
    await page.getByRole("button", { name: /\.env/ }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByText("what this one earned stays with 0x3F1b…E81d42")).toBeVisible();
    await page.keyboard.press("Tab");
    await dialog.getByRole("button", { name: "Choose the file" }).press("Enter");
    await expect(dialog.getByText("was read back from there")).toBeFocused();
    await expect(dialog.getByText("still stands in /home/sam/.cortensor/.env in plain text")).toBeVisible();
    await dialog.getByText("4 settings of the file are not used here").click();
    await expect(dialog.getByText("HOST, CHAINID")).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).include("[role=dialog]").analyze();
    expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
    await dialog.getByRole("button", { name: "Overwrite the key" }).press("Enter");
    await expect(dialog).toBeHidden();
    await expect(page.getByText("The key was overwritten in /home/sam/.cortensor/.env.")).toBeVisible();
    await page.getByRole("button", { name: "Restart now" }).click();
    await miner.pass(60_000);
    await expect(page.getByText("The key was overwritten")).toBeHidden();
  });
}

test("where no keychain runs, an imported key gets a passphrase that is given twice", async ({ page, miner }) => {
  await miner.open({ screen: "node", scenario: "keystore" });
  await page.getByRole("button", { name: "Import a .env…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("New passphrase for the key")).toBeFocused();
  await page.keyboard.type("long enough");
  await dialog.getByLabel("The same again").fill("long enouhg");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("The two differ")).toBeVisible();
  await dialog.getByLabel("The same again").fill("long enough");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("is in an encrypted file and was read back from there")).toBeVisible();
});

test("a file that is left is said to have the key still", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  await page.getByRole("button", { name: "Import a .env…" }).click();
  await page.getByRole("button", { name: "Choose the file" }).click();
  await page.getByRole("button", { name: "Leave the file" }).click();
  await expect(page.getByText("/home/sam/.cortensor/.env still has the key in plain text.")).toBeVisible();
});
