import { expect, test } from "./miner";

test("a new passphrase is asked for twice and must be long enough", async ({ page, miner }) => {
  await miner.open({ scenario: "passphrase-new" });
  const [first, second] = [page.getByLabel("Passphrase", { exact: true }), page.getByLabel("The same again", { exact: true })];
  const create = page.getByRole("button", { name: "Create the key" });
  await first.fill("short");
  await create.click();
  await expect(page.getByText("Use at least 8 characters")).toBeVisible();
  await first.fill("long enough");
  await second.fill("long enougg");
  await create.click();
  await expect(page.getByText("The two differ")).toBeVisible();
  await second.fill("long enough");
  await create.click();
  await miner.pass(10_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});

test("a wrong passphrase is refused in words, the right one opens", async ({ page, miner }) => {
  await miner.open({ scenario: "passphrase-existing" });
  const passphrase = page.getByLabel("Passphrase", { exact: true });
  await passphrase.fill("not this one");
  await passphrase.press("Enter");
  await miner.pass(1_000);
  await expect(page.getByText(/does not open; check the passphrase/)).toBeVisible();
  await passphrase.fill("correct horse");
  await passphrase.press("Enter");
  await miner.pass(10_000);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
});
