import { test } from "@playwright/test";

import { views } from "./views";
import { MinerPage } from "./miner";

const OUT = process.env["OUT"] ?? "screenshots";
const looks = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 860 } },
  narrow: { colorScheme: "light", viewport: { width: 720, height: 860 } },
} as const;

for (const [look, use] of Object.entries(looks)) {
  test.describe(look, () => {
    test.use(use);
    for (const view of views) {
      test(view.name, async ({ page }) => {
        const miner = new MinerPage(page);
        await miner.open(view);
        if (view.after) await miner.pass(view.after);
        await view.arrange?.(page, miner);
        await page.waitForLoadState("networkidle");
        // The page scrolls in its main part: as tall as that, to have all of it in the picture.
        const height = await page.evaluate(() => document.querySelector("main")?.scrollHeight ?? 0);
        if (!view.fixed && height > use.viewport.height) await page.setViewportSize({ ...use.viewport, height });
        await page.screenshot({ path: `${OUT}/${view.name}-${look}.png`, animations: "disabled" });
      });
    }
  });
}
