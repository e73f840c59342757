import type { Page } from "@playwright/test";

import { SCENARIOS, type ScenarioName } from "../src/lib/host/mock/scenarios";
import { screens } from "../src/lib/state/screens";
import { findings, tooWide } from "./checks";
import { expect, test } from "./miner";

const scenarios = Object.keys(SCENARIOS) as ScenarioName[];
const others = [
  { language: "de", tag: "de-AT", title: "Einstellungen – Cortensor Miner", figure: "4,5" },
  { language: "es", tag: "es-ES", title: "Ajustes – Cortensor Miner", figure: "4,5" },
];

async function go(page: Page, screen: string): Promise<void> {
  await page.evaluate((name) => (location.hash = `#/${name}`), screen);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

for (const { language, tag, title, figure } of others) {
  test.describe(tag, () => {
    test.use({ locale: tag });

    for (const scenario of scenarios) {
      test(`${scenario}: every screen fits 720 pixels`, async ({ page, miner }) => {
        await page.setViewportSize({ width: 720, height: 800 });
        await miner.open({ scenario });
        await expect(page.locator("html")).toHaveAttribute("lang", language);
        for (const screen of screens) {
          await go(page, screen);
          expect(await tooWide(page), screen).toEqual([]);
        }
      });
    }

    test("every screen is accessible", async ({ page, miner }) => {
      test.setTimeout(180_000);
      await miner.open();
      for (const screen of screens) {
        await go(page, screen);
        expect(await findings(page), screen).toEqual([]);
      }
    });

    test("the system's language is taken, numbers included", async ({ page, miner }) => {
      await miner.open({ screen: "settings" });
      await expect(page).toHaveTitle(title);
      const memory = page.getByRole("textbox").first();
      await memory.fill("4.5");
      await page.keyboard.press("Enter");
      await expect(memory).toHaveValue(figure);
    });
  });
}

test("a chosen language holds at once, with the focus and the screen where they were", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  await page.getByRole("combobox", { name: "Language of the window" }).click();
  await page.getByRole("option", { name: "Deutsch" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Einstellungen");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await expect(page.locator("main")).toBeFocused();
  await expect(page.getByText("nicht gespeicherte")).toBeHidden();
  await expect(page.getByText("nach einem Neustart")).toBeHidden();
  await page.getByRole("combobox", { name: "Sprache des Fensters" }).click();
  await page.getByRole("option", { name: "Wie im System" }).click();
  await page.getByRole("button", { name: "Speichern" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Settings");
});

test("an unknown system gets English", async ({ browser }) => {
  const page = await browser.newPage({ locale: "fi-FI" });
  await page.goto("/?scenario=mining&still#/about");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("About");
  await page.close();
});

test.describe("from right to left", () => {
  for (const scenario of ["mining", "first-start", "offline", "comparing", "downloading"] as const) {
    test(`${scenario}: every screen fits 720 pixels, and begins at the right`, async ({ page, miner }) => {
      await page.setViewportSize({ width: 720, height: 800 });
      await miner.open({ scenario });
      await page.evaluate(() => (document.documentElement.dir = "rtl"));
      for (const screen of screens) {
        await go(page, screen);
        expect(await tooWide(page), screen).toEqual([]);
        const sides = await page.getByRole("heading", { level: 1 }).evaluate((heading) => {
          const text = document.createRange();
          text.selectNodeContents(heading);
          return { text: text.getBoundingClientRect().right, main: heading.closest("main")?.getBoundingClientRect().right ?? 0 };
        });
        expect(sides.main - sides.text, screen).toBeLessThan(60);
      }
    });
  }

  test("addresses and code keep their direction", async ({ page, miner }) => {
    await miner.open({ screen: "settings" });
    await page.evaluate(() => (document.documentElement.dir = "rtl"));
    const path = page.locator("main code").first();
    await expect(path).toHaveCSS("direction", "ltr");
    await expect(page.getByRole("textbox", { name: "Payout address" })).toHaveCSS("direction", "ltr");
    await go(page, "logs");
    await expect(page.getByRole("log").locator("p[dir]").first()).toHaveCSS("direction", "ltr");
  });
});
