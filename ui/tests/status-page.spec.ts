import { findings, tooWide } from "./checks";
import { expect, test } from "./miner";

test("the page is turned on, shows where it is, pairs a browser and forgets it", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  const section = page.getByRole("region", { name: "Status page on your network" });
  await expect(section.getByRole("button", { name: "Show a pairing code" })).toBeHidden();
  await section.getByRole("switch", { name: "Show the status page" }).click();
  await expect(section).toContainText("The page opens when the settings are saved.");
  await section.getByRole("textbox", { name: "Listens on" }).fill("rig:5020");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(section.getByRole("textbox", { name: "Listens on" })).toBeFocused();
  await section.getByRole("textbox", { name: "Listens on" }).fill("0.0.0.0:5020");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(section).toContainText("http://192.168.1.23:5020");
  await expect(page.getByText("take effect after a restart")).toBeHidden();
  await expect(section).toContainText("No browser is paired yet.");
  await section.getByRole("button", { name: "Show a pairing code" }).click();
  await expect(section).toContainText("4085 2617");
  await expect(section).toContainText("10 min 0 s more");
  await miner.pass(31_000);
  await expect(section).not.toContainText("4085 2617");
  await section.getByRole("button", { name: "Forget Chrome on Linux" }).click();
  await expect(section.getByRole("heading", { name: "Paired browsers" })).toBeFocused();
  await expect(section).toContainText("No browser is paired yet.");
});

test("with browsers paired and a code shown it fits and is accessible", async ({ page, miner }) => {
  await page.setViewportSize({ width: 720, height: 800 });
  await miner.open({ scenario: "status-page", screen: "settings" });
  const section = page.getByRole("region", { name: "Status page on your network" });
  await section.getByRole("button", { name: "Show a pairing code" }).click();
  await expect(section).toContainText("Firefox on Android");
  await expect(section.getByRole("button", { name: "Show another code" })).toBeVisible();
  expect(await tooWide(page)).toEqual([]);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await findings(page), colorScheme).toEqual([]);
  }
});

test("a port that cannot be had is told where it was chosen", async ({ page, miner }) => {
  await miner.open({ scenario: "status-page", screen: "settings" });
  const section = page.getByRole("region", { name: "Status page on your network" });
  await section.getByRole("textbox", { name: "Listens on" }).fill("0.0.0.0:80");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(section.getByRole("alert").first()).toContainText("The status page cannot listen on 0.0.0.0:80; choose another address");
  await expect(section.getByRole("button", { name: "Show a pairing code" })).toBeHidden();
});
