import { SCENARIOS, type ScenarioName } from "../src/lib/host/mock/scenarios";
import { screens } from "../src/lib/state/screens";
import { findings, tooWide } from "./checks";
import { expect, test } from "./miner";
import { views } from "./views";

const scenarios = Object.keys(SCENARIOS) as ScenarioName[];
/** The whole window is taken by one question: there are no screens to go to. */
const fullWindow: ScenarioName[] = ["first-run", "in-use", "passphrase-new", "passphrase-existing", "passphrase-refused"];

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
  await page.locator("main").evaluate((main) => {
    for (const name of ["one", "other"]) {
      const small = document.createElement("button");
      small.textContent = name;
      Object.assign(small.style, { width: "10px", height: "10px", padding: "0", border: "0", overflow: "hidden" });
      main.prepend(small);
    }
  });
  expect((await findings(page)).map((finding) => finding.split(":")[0])).toEqual(expect.arrayContaining(["color-contrast", "role-img-alt", "target-size"]));
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
