// The status page itself, under its own policy, with a miner that is written down here.
import { type Page, expect, test as base } from "@playwright/test";

import type { Glance, PairRefusal } from "../src/lib/host/types";
import { findings, tooWide } from "./checks";
import { MinerPage } from "./miner";

const NOW = Date.UTC(2026, 10, 27, 14, 30);
const PAGE = "http://localhost:4174/glance.html";

const mining: Glance = {
  phase: "mining", since: NOW - 3 * 3_600_000, paused_until: null, aside: [], problem: null, model: "smollm2-135m-instruct",
  precision: "Q8_0", mode: "volume", running: 2, tier: { capability: "low_end", precision: "quantized" }, level: 4, requests: 1234,
  today: "1204000000000000", total: "98765000000000000", practice: true, tokens_per_second: 41.2, requests_per_hour: 312, warnings: [],
};

/** What the miner says to whoever asks; null: nothing. */
class Told {
  glance: Glance | null = mining;
  paired = true;
  refusal: PairRefusal | null = null;
  typed: string[] = [];

  async stand(page: Page): Promise<void> {
    await page.clock.setFixedTime(NOW);
    await page.route("**/api/glance", async (route) => {
      if (!this.glance) return route.abort("connectionrefused");
      return this.paired ? route.fulfill({ json: this.glance }) : route.fulfill({ status: 401 });
    });
    await page.route("**/api/events", async (route) => {
      if (!this.glance || !this.paired) return route.abort("connectionrefused");
      return route.fulfill({ contentType: "text/event-stream", body: `data: ${JSON.stringify(this.glance)}\n\n` });
    });
    await page.route("**/api/pair", async (route) => {
      this.typed.push(String((route.request().postDataJSON() as { code: string }).code));
      if (this.refusal) return route.fulfill({ status: 403, json: this.refusal });
      this.paired = true;
      return route.fulfill({ json: {} });
    });
  }
}

const test = base.extend<{ told: Told }>({
  told: async ({ page }, use) => {
    const wrong = MinerPage.watch(page);
    const told = new Told();
    await told.stand(page);
    await use(told);
    // That a request was refused is what some of these are about.
    expect(wrong.filter((message) => !message.startsWith("Failed to load resource")), "errors in the console").toEqual([]);
  },
});

const states: [string, Partial<Glance>, string[]][] = [
  ["mining", {}, ["Mining", "Answering 2 requests now", "1,234", "practice credits", "Low-end, quantized", "4 of 10", "41 tokens/s", "Since 11:30"]],
  ["a real network", { practice: false }, ["credits"]],
  ["paused for a while", { phase: "paused", paused_until: NOW + 900_000, model: null, precision: null }, ["Paused until 14:45"]],
  ["stepping aside", { phase: "paused", aside: ["battery", "program"], model: null }, ["On battery.", "A program that you named runs."]],
  ["failed", { phase: "failed", problem: "files" }, ["Stopped: needs you", "A file of the miner’s cannot be read or written."]],
  ["just started", { phase: "starting", tier: null, level: null, mode: null, model: null, tokens_per_second: null, requests_per_hour: null }, ["Starting", "No tier yet"]],
  ["with warnings", { warnings: [{ is: "engine_broke", at: NOW - 60_000 }, { is: "cooling_down", until: NOW + 60_000 }] }, ["The engine broke down (14:29)", "from 14:31"]],
];

for (const [name, change, words] of states) {
  test(`${name}: says so, fits 320 pixels, and is accessible, light and dark`, async ({ page, told }) => {
    told.glance = { ...mining, ...change };
    await page.setViewportSize({ width: 320, height: 640 });
    await page.goto(PAGE);
    for (const word of words) await expect(page.locator("main")).toContainText(word);
    await expect(page.getByRole("status")).toHaveText(/\S/);
    expect(await tooWide(page)).toEqual([]);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findings(page), colorScheme).toEqual([]);
    }
    await expect(page.locator("body")).not.toContainText(/\b[a-z_]+\.[a-z_]+\b/);
  });
}

test("a browser that is not paired types the code, and is told what is wrong with it", async ({ page, told }) => {
  told.paired = false;
  told.refusal = { is: "wrong", left: 3 };
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(PAGE);
  const code = page.getByLabel("Pairing code");
  await page.getByRole("button", { name: "Pair" }).click();
  await expect(code).toHaveAccessibleDescription(/A code has eight digits/);
  await expect(code).toBeFocused();
  expect(told.typed).toEqual([]);
  await code.fill("1234 5678");
  await code.press("Enter");
  await expect(code).toHaveAccessibleDescription(/That is another code. 3 tries are left./);
  for (const [refusal, words] of [[{ is: "wrong", left: 0 }, "one mistake too many"], [{ is: "no_code" }, "no code just now"], [{ is: "slow_down" }, "Wait a minute"], [{ is: "full" }, "Sixteen"]] as const) {
    told.refusal = refusal;
    await code.press("Enter");
    await expect(code).toHaveAccessibleDescription(new RegExp(words));
  }
  expect(await tooWide(page)).toEqual([]);
  expect(await findings(page)).toEqual([]);
  told.refusal = null;
  await code.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
  expect(told.typed.at(-1)).toBe("1234 5678");
});

test("what changes is shown, a miner that is gone is said to be gone, and comes back", async ({ page, told }) => {
  await page.goto(PAGE);
  await expect(page).toHaveTitle("Mining – Cortensor Miner");
  told.glance = { ...mining, phase: "testing" };
  await expect(page.getByRole("status")).toHaveText("Being tested");
  told.glance = null;
  await expect(page.getByRole("status")).toHaveText("No connection to the miner since 14:30");
  await expect(page.getByRole("region", { name: "No connection" })).toContainText("how it was then");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Being tested");
  expect(await findings(page)).toEqual([]);
  told.glance = mining;
  await expect(page.getByRole("status")).toHaveText("Mining");
  told.paired = false;
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Pair this browser");
});

for (const [tag, language, word, figure] of [["de-AT", "de", "Seit 11:30", "1\u{a0}234"], ["es-ES", "es", "Desde 11:30", "1234"]] as const) {
  test.describe(tag, () => {
    test.use({ locale: tag });
    test("the page speaks as the browser does", async ({ page, told }) => {
      told.glance = mining;
      await page.setViewportSize({ width: 320, height: 640 });
      await page.goto(PAGE);
      await expect(page.locator("html")).toHaveAttribute("lang", language);
      await expect(page.locator("main")).toContainText(word);
      await expect(page.locator("main")).toContainText(figure);
      expect(await tooWide(page)).toEqual([]);
      expect(await findings(page)).toEqual([]);
    });
  });
}

test("all of it together is small, and asks nobody else for anything", async ({ page, told }) => {
  const parts: Promise<number>[] = [];
  page.on("response", (response) => {
    if (response.ok()) parts.push(response.body().then((body) => body.length, () => 0));
  });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).host));
  await page.goto(PAGE);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mining");
  expect(told.typed).toEqual([]);
  expect(new Set(asked)).toEqual(new Set(["localhost:4174"]));
  const bytes = (await Promise.all(parts)).reduce((sum, part) => sum + part, 0);
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThan(140_000);
});
