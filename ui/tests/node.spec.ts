import { expect, test } from "./miner";

test("the key is exported under a passphrase that is given twice", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  await expect(page.getByText("No copy was saved on this computer yet.")).toBeVisible();
  await page.getByRole("button", { name: "Export…" }).click();
  const dialog = page.getByRole("dialog", { name: "Export the key" });
  await expect(dialog.getByLabel("Passphrase for the file")).toBeFocused();
  await page.keyboard.type("short");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("Use at least 8 characters")).toBeVisible();
  await dialog.getByLabel("Passphrase for the file").fill("long enough");
  await dialog.getByLabel("The same again").fill("long enouhg");
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("The two differ")).toBeVisible();
  await dialog.getByLabel("The same again").fill("long enough");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByText("The key was written to /home/sam/Documents/cortensor-node-key.json")).toBeVisible();
  await expect(page.getByText("A copy was saved on")).toBeVisible();
});

test("an imported key says what it means, is refused with a wrong passphrase, and gives a new address", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  const open = page.getByRole("button", { name: "Import…" });
  await open.click();
  const dialog = page.getByRole("dialog", { name: "Import a key" });
  await expect(dialog.getByText("what this one earned stays with 0x3F1b…E81d42")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(open).toBeFocused();
  await open.click();
  await dialog.getByLabel("Passphrase of the file").fill("wrong");
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("alert")).toContainText("The keystore does not open");
  await dialog.getByLabel("Passphrase of the file").fill("correct horse");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByText("This node is now 0x8ba1f109551bD432803012645Ac136ddd64DBA72.")).toBeVisible();
});

test("a payout address is checked before it is saved", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  const address = page.getByLabel("Payout address");
  const save = page.getByRole("button", { name: "Save" });
  await expect(save).toBeDisabled();
  await address.fill("0x8ba1");
  await save.click();
  await expect(page.getByText("An address is 0x and 40 digits")).toBeVisible();
  await address.fill("0x3F1b6cE0B4b1a0C5bE6f5d6f0e4C2dA9b7E81d42");
  await save.click();
  await expect(page.getByText("This is the node's own address")).toBeVisible();
  await address.fill("0x8ba1f109551bD432803012645Ac136ddd64DBA72");
  await save.click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(save).toBeDisabled();
  await page.getByRole("link", { name: "Settings" }).click();
  await expect(page.getByRole("textbox", { name: "Payout address" })).toHaveValue("0x8ba1f109551bD432803012645Ac136ddd64DBA72");
  await expect(page.getByText("take effect after a restart")).toBeHidden();
});

test("measuring again finishes first what runs, and says so", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  await page.getByRole("button", { name: "Measure again" }).click();
  await expect(page.getByRole("progressbar", { name: "Measuring again: finishing what runs first." })).toBeVisible();
  await page.getByRole("link", { name: "Home" }).click();
  await expect(page.getByText("Measuring again: finishing what runs first.")).toBeVisible();
  await miner.pass(12_000);
  await expect(page.getByText("Measuring how fast each precision is here.")).toBeVisible();
  const steps = page.getByRole("list", { name: "Steps" });
  await expect(steps.getByRole("listitem").last()).toContainText("To come");
});

test("the speed of every precision that was measured is shown, and which mode chose it", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  const table = page.getByRole("table", { name: "Speed of each precision" });
  // A row names the reference too, behind its own precision.
  const row = (precision: string) => table.getByRole("row", { name: new RegExp(`^${precision}`) });
  await expect(row("F16")).toContainText("chosen for precision mode");
  await expect(row("Q8_0")).toContainText("chosen for volume mode");
  await expect(row("Q4_0")).toContainText("35 tokens/s");
  await expect(row("Q4_0")).not.toContainText("chosen");
});

test("measuring again shows how far it is, and ends in mining", async ({ page, miner }) => {
  await miner.open({ screen: "node", scenario: "mining-quiet" });
  await page.getByRole("button", { name: "Measure again" }).click();
  await miner.pass(6_000);
  await expect(page.getByRole("progressbar", { name: "Measuring Q8_0 (2 of 3)" })).toBeVisible();
  await miner.pass(20_000);
  await expect(page.getByRole("progressbar")).toHaveCount(0);
  await expect(page.getByRole("navigation").getByText("Mining", { exact: true })).toBeVisible();
});

test("other limits are answered as they are typed, and nothing changes", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  const alternatives = page.getByRole("region", { name: "Alternatives" });
  const table = alternatives.getByRole("table", { name: "Models and precisions" });
  const row = (precision: string) => table.getByRole("row").filter({ has: page.getByRole("cell", { name: precision, exact: true }) });
  await expect(alternatives.getByText("Volume: Q8_0")).toBeVisible();
  await expect(row("Q8_0")).toContainText("Chosen for Volume");
  await alternatives.getByRole("radio", { name: "Precision" }).click();
  await expect(row("F16")).toContainText("Chosen for Precision");
  await alternatives.getByLabel("Memory budget").fill("0.8");
  await expect(alternatives.getByText("Precision: Q8_0")).toBeVisible();
  await expect(row("F16")).toContainText("may be used");
  await alternatives.getByLabel("Memory budget").fill("0.1");
  await expect(alternatives.getByRole("alert")).toContainText("No model fits");
  await alternatives.getByLabel("Memory budget").fill("");
  await alternatives.getByLabel("Context").fill("100");
  await expect(alternatives.getByText("must be between 256")).toBeVisible();
  await alternatives.getByLabel("Context").fill("8192");
  await expect(row("F16")).toContainText("8,192 tokens");
  await expect(page.getByRole("region", { name: "Plan" })).toContainText("1,024 tokens of context each");
});

test("what ran out of memory is said with the way back", async ({ page, miner }) => {
  await miner.open({ screen: "node", scenario: "incident" });
  const plan = page.getByRole("region", { name: "Plan" });
  const note = plan.getByRole("region", { name: "What ran out of memory" });
  await expect(note).toContainText("Q8_0 ran out of memory at 1,024 tokens of context and is loaded with 512 since.");
  await expect(plan).toContainText("1 request at a time, 512 tokens of context");
  await note.getByRole("button", { name: "Try 1,024 tokens again" }).click();
  await expect(note).toBeHidden();
  await expect(plan).not.toContainText("512 tokens of context");
});

test("alternatives are sorted by a column", async ({ page, miner }) => {
  await miner.open({ screen: "node" });
  const table = page.getByRole("table", { name: "Models and precisions" });
  const memory = table.getByRole("button", { name: "Memory" });
  const first = table.getByRole("row").nth(1);
  await expect(first).toContainText("F16");
  await memory.press("Enter");
  await expect(first).toContainText("Q4_0");
  await expect(table.getByRole("columnheader", { name: "Memory" })).toHaveAttribute("aria-sort", "ascending");
  await memory.press("Enter");
  await expect(first).toContainText("F16");
});

test("an address is copied whole", async ({ page, miner, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await miner.open({ screen: "node" });
  await page.getByRole("button", { name: "Copy Address" }).click();
  await expect(page.getByText("Copied", { exact: true }).first()).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("0x3F1b6cE0B4b1a0C5bE6f5d6f0e4C2dA9b7E81d42");
});
