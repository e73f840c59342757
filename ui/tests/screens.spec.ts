import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { SCENARIOS, type ScenarioName } from "../src/lib/host/mock/scenarios";
import { screens } from "../src/lib/state/screens";
import { expect, test } from "./miner";
import { views } from "./views";

const scenarios = Object.keys(SCENARIOS) as ScenarioName[];
/** The whole window is taken by one question: there are no screens to go to. */
const fullWindow: ScenarioName[] = ["first-run", "in-use", "passphrase-new", "passphrase-existing", "passphrase-refused"];

/** What is wider than the place it has: the page itself, or anything in it that is cut or would scroll sideways. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const clips = (element: Element) => getComputedStyle(element).overflowX !== "visible" || element === document.documentElement;
    // What ends in an ellipsis and has a title is cut on purpose.
    const cut = (element: Element) => getComputedStyle(element).textOverflow === "ellipsis" && element.hasAttribute("title");
    const hidden = (element: Element) => element.classList.contains("visually-hidden") || element.tagName === "INPUT" || cut(element);
    return [...document.querySelectorAll("*")]
      .filter((element) => element.checkVisibility() && clips(element) && !hidden(element) && element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.tagName}.${element.className} ${element.scrollWidth} in ${element.clientWidth}`);
  });
}

/** Serious and critical findings, in words. */
async function findings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ""}`));
}

for (const scenario of scenarios) {
  test(`${scenario}: every screen fits 720 pixels and is accessible, light and dark`, async ({ page, miner }) => {
    test.setTimeout(240_000);
    await page.setViewportSize({ width: 720, height: 800 });
    await miner.open({ scenario });
    for (const screen of fullWindow.includes(scenario) ? screens.slice(0, 1) : screens) {
      await page.evaluate((name) => (location.hash = `#/${name}`), screen);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      expect(await tooWide(page), `${screen} at 720 pixels`).toEqual([]);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await findings(page), `${screen}, ${colorScheme}`).toEqual([]);
      }
    }
  });
}

for (const view of views.filter(({ arrange }) => arrange)) {
  test(`${view.name}: what comes up by use fits and is accessible too`, async ({ page, miner }) => {
    await page.setViewportSize({ width: 720, height: 800 });
    await miner.open(view);
    await view.arrange?.(page, miner);
    expect(await tooWide(page)).toEqual([]);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findings(page), colorScheme).toEqual([]);
    }
  });
}

test("a finding is found", async ({ page, miner }) => {
  await miner.open();
  await page.getByRole("heading", { level: 1 }).evaluate((heading) => heading.setAttribute("role", "img"));
  await page.locator("main").evaluate((main) => (main.style.color = "#ccc"));
  expect((await findings(page)).map((finding) => finding.split(":")[0])).toEqual(expect.arrayContaining(["color-contrast", "role-img-alt"]));
});

for (const width of [1080, 1280, 3840]) {
  test(`every screen fits ${width} pixels, and its lines do not get long with it`, async ({ page, miner }) => {
    await page.setViewportSize({ width, height: 1200 });
    await miner.open();
    for (const screen of screens) {
      await page.evaluate((name) => (location.hash = `#/${name}`), screen);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      expect(await tooWide(page), screen).toEqual([]);
      const content = await page.locator("main > *").first().boundingBox();
      expect(content?.width, screen).toBeLessThan(1500);
    }
  });
}

test("the page comes with the policy of the window", async ({ page }) => {
  const response = await page.goto("/");
  expect(response?.headers()["content-security-policy"]).toContain("default-src 'self'");
});

test("what the policy forbids is stopped and noticed", async ({ page }) => {
  await page.goto("/");
  const stopped = page.waitForEvent("console", (message) => message.text().includes("Content Security Policy"));
  await page.evaluate(() => document.body.setAttribute("style", "color: red"));
  expect((await stopped).type()).toBe("error");
});
