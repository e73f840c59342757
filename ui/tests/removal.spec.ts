import { expect, test } from "./miner";
import { chooseRemoval } from "./views";

const ACTION = /^Delete .* and stop mining$/;

test("what cannot be had again stays by default, and what became of each part is told with the last step", async ({ page, miner }) => {
  await miner.open({ screen: "about" });
  const section = page.getByRole("region", { name: "Removing it" });
  await chooseRemoval(page);
  const choices = section.getByRole("form");
  await expect(choices).toBeFocused();
  await expect(section.getByRole("switch", { name: "Models" })).toBeChecked();
  await expect(section.getByRole("switch", { name: "Ledger and statements" })).not.toBeChecked();
  await expect(section.getByRole("switch", { name: "The node's key" })).not.toBeChecked();
  await expect(choices).toContainText("1.284 practice credits are not withdrawn.");
  await expect(choices).toContainText("notes.txt");
  await section.getByRole("switch", { name: "Models" }).click();
  await section.getByRole("button", { name: ACTION }).press("Enter");
  await expect(choices).toContainText("Finishing what runs, then deleting…");
  await miner.pass(60_000);
  const result = section.getByRole("status").first();
  await expect(result).toBeFocused();
  await expect(result).toContainText("Kept: Models");
  await expect(result).toContainText("Deleted: Logs");
  await expect(result).toContainText("Kept: The node's key");
  await expect(result).toContainText("Left alone: /home/sam/.local/share/cortensorminer/notes.txt");
  await expect(section).toContainText("sudo apt remove cortensor-miner");
  await expect(section.getByRole("button", { name: "Copy the command" })).toBeVisible();
  await section.getByRole("button", { name: "Quit" }).click();
});

test("the key goes only with the end of its address typed, and can be saved before", async ({ page, miner }) => {
  await miner.open({ screen: "about" });
  const section = page.getByRole("region", { name: "Removing it" });
  await chooseRemoval(page);
  const action = section.getByRole("button", { name: ACTION });
  await expect(action).toBeEnabled();
  await section.getByRole("switch", { name: "The node's key" }).press("Space");
  await expect(action).toBeDisabled();
  await section.getByRole("button", { name: "Save the key first" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Passphrase for the file").fill("correct horse");
  await dialog.getByLabel("The same again").fill("correct horse");
  await dialog.getByRole("button", { name: "Choose where to save" }).click();
  await expect(section).toContainText("cortensor-node-key.json");
  const field = section.getByRole("textbox", { name: /last four characters/ });
  await field.fill("1d43");
  await expect(action).toBeDisabled();
  await field.fill("1D42");
  await action.click();
  await miner.pass(60_000);
  await expect(section).toContainText("Deleted: The node's key");
});

test("whoever changes their mind is back where they were", async ({ page, miner }) => {
  await miner.open({ screen: "about" });
  await chooseRemoval(page);
  await page.getByRole("region", { name: "Removing it" }).getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("button", { name: "Remove this miner from this computer…" })).toBeFocused();
  await page.getByRole("link", { name: "Home" }).click();
  await expect(page.getByRole("main")).toContainText("Answering");
});

test("what could not be deleted is said", async ({ page, miner }) => {
  await miner.open({ scenario: "removal-stuck", screen: "about" });
  const section = page.getByRole("region", { name: "Removing it" });
  await chooseRemoval(page);
  await section.getByRole("button", { name: ACTION }).click();
  await miner.pass(60_000);
  await expect(section).toContainText("Some of it could not be deleted.");
  await expect(section).toContainText("Not deleted: Logs.");
});
