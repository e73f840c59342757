import { expect, test } from "./miner";
import { findUpdate } from "./views";

test("a version that was found is downloaded and installed on demand, with the focus on one button", async ({ page, miner }) => {
  await miner.open();
  await findUpdate(page, miner);
  await page.getByRole("link", { name: "Home" }).click();
  await expect(page.getByRole("region", { name: "Newer version" })).toContainText("It is downloaded when you say so.");
  await page.getByRole("button", { name: "What is new" }).click();
  const section = page.getByRole("region", { name: "Updates" });
  await expect(section).toBeFocused();
  await expect(section).toContainText("a prompt that was seen before is not read again");
  await section.getByRole("button", { name: "Download" }).press("Enter");
  await miner.pass(3_000);
  const share = Number(await page.getByRole("progressbar", { name: "Downloading version 0.2.0" }).getAttribute("aria-valuenow"));
  expect(share).toBeGreaterThan(0.2);
  await expect(section.getByRole("button", { name: "Check now" })).toHaveAttribute("aria-disabled", "true");
  await miner.pass(8_000);
  await expect(section.getByRole("status")).toHaveText("Version 0.2.0 is ready to be installed.");
  const install = section.getByRole("button", { name: "Install and restart" });
  await expect(install).toBeFocused();
  await expect(section).not.toContainText("by itself");
  await install.press("Enter");
  await expect(section.getByRole("status")).toHaveText("Installing version 0.2.0");
  await miner.pass(5_000);
  await expect(section).toContainText("No newer version is known.");
  await expect(section.getByRole("definition").first()).toHaveText("0.2.0");
});

test("what is ready is installed from Home", async ({ page, miner }) => {
  await miner.open({ scenario: "update-ready" });
  const note = page.getByRole("region", { name: "Newer version" });
  await expect(note).toContainText("Version 0.2.0 is ready to be installed. It is installed by itself when nothing runs");
  await note.getByRole("button", { name: "Install and restart" }).click();
  await expect(note).toContainText("Installing version 0.2.0");
  await miner.pass(5_000);
  await expect(note).toBeHidden();
});

test("a version that did not work is told until it was seen, and not found again", async ({ page, miner }) => {
  await miner.open({ scenario: "update-rolled-back" });
  const note = page.getByRole("region", { name: "Version that was taken back" });
  await expect(note).toContainText("0.2.0 did not work here: it ended three times within a minute of its start.");
  await expect(note).toContainText("0.1.0 runs again. 0.2.0 is not offered again.");
  await note.getByRole("button", { name: "Understood" }).click();
  await expect(note).toBeHidden();
  await page.getByRole("link", { name: "About" }).click();
  await page.getByRole("button", { name: "Check now" }).click();
  await miner.pass(2_000);
  await expect(page.getByRole("region", { name: "Updates" })).toContainText("No newer version is known.");
});

test("what to do about newer versions is saved, and holds without a restart", async ({ page, miner }) => {
  await miner.open({ scenario: "update-ready", screen: "about" });
  await page.getByRole("button", { name: "Update settings" }).click();
  await expect(page.getByRole("region", { name: "Updates" })).toBeFocused();
  await page.getByRole("radio", { name: /Never look by itself/ }).check();
  await page.getByRole("combobox", { name: "Which versions" }).click();
  await page.getByRole("option", { name: /^Beta/ }).click();
  await expect(page.getByText("2 unsaved changes")).toBeVisible();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("unsaved change")).toBeHidden();
  await expect(page.getByText("take effect after a restart")).toBeHidden();
  await page.getByRole("link", { name: "About" }).click();
  const section = page.getByRole("region", { name: "Updates" });
  await expect(section).toContainText("What runs is finished first");
  await expect(section).not.toContainText("by itself when nothing runs");
});
