// What the miner puts into words is English in every language, and marked as that: a screen reader takes the right voice for it.
import type { Page } from "@playwright/test";

import type { Host } from "../src/lib/host/host";
import { createMock } from "../src/lib/host/mock";
import { SCENARIOS, type ScenarioName } from "../src/lib/host/mock/scenarios";
import { screens } from "../src/lib/state/screens";
import { expect, test } from "./miner";

const scenarios = Object.keys(SCENARIOS) as ScenarioName[];
/** The fields of a host's answers that are sentences or parts of one. */
const SENTENCES = new Set(["message", "reason", "reasons", "advice", "detail", "next_step", "seen", "asked", "why_not", "problem", "refused", "notes", "computes_on"]);

/** All that a host says in words of its own, in pieces as they are shown: what is between backticks is code. */
async function saidBy(host: Host): Promise<string[]> {
  const asked = [
    host.watchStatus, host.watchComparison, host.watchFidelity, host.watchVote, host.watchModels, host.watchUpdates, host.why, host.settings, host.about, host.outlook, host.modelFiles,
    () => host.earnings("hour"), () => host.activity({ filter: { search: "", kind: null, outcome: null, mode: null }, offset: 0, limit: 99 }),
    () => host.whatIf({ memory_budget_bytes: null, context_tokens: null, slots: null }),
  ];
  const heard: unknown[] = [];
  const hear = (seen: unknown): void => void heard.push(seen);
  for (const ask of asked) await (ask as (seen: typeof hear) => Promise<unknown>)(hear).then(hear, hear);
  return heard.flatMap((answer) => sentencesOf(answer)).flatMap((words) => words.split("`")).map((words) => words.trim().replace(/\.$/, ""));
}

function sentencesOf(value: unknown, key = ""): string[] {
  if (typeof value === "string") return SENTENCES.has(key) && /\p{L}{2,}.*\s.*\p{L}{2,}/u.test(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((one) => sentencesOf(one, key));
  return value && typeof value === "object" ? Object.entries(value).flatMap(([name, one]) => sentencesOf(one, name)) : [];
}

/** Words that neither German nor what people write on any screen but Compare has. */
const ENGLISH = /\b(the|is|of|with|are|this|that|its|has)\b/i;

/** Text nodes with their language, details included; code has none. */
function texts(page: Page): Promise<{ text: string; lang: string }[]> {
  return page.evaluate(() => {
    document.querySelectorAll("details").forEach((one) => (one.open = true));
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found: { text: string; lang: string }[] = [];
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent?.trim() ?? "";
      if (text && !element?.closest("pre, code")) found.push({ text, lang: element?.closest("[lang]")?.getAttribute("lang") ?? "" });
    }
    return found;
  });
}

/** What the recorded miner answers is there a frame after it was asked. */
async function go(page: Page, screen: string): Promise<void> {
  await page.evaluate(async (name) => {
    location.hash = `#/${name}`;
    for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
  }, screen);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}

test.use({ locale: "de-DE" });

for (const scenario of scenarios.filter((one) => one !== "slow")) {
  test(`${scenario}: what the miner says is marked as English`, async ({ page, miner }) => {
    const said = [...new Set(await saidBy(createMock(scenario, true)))];
    await miner.open({ scenario });
    for (const screen of screens) {
      await go(page, screen);
      const unmarked = (await texts(page)).filter(({ lang }) => lang !== "en").map(({ text }) => text);
      const isSaid = (text: string): boolean => said.some((words) => text.toLowerCase().includes(words.toLowerCase()));
      const isEnglish = (text: string): boolean => screen !== "compare" && ENGLISH.test(text);
      expect(unmarked.filter((text) => isSaid(text) || isEnglish(text)), screen).toEqual([]);
    }
  });
}

test("in English nothing is said twice, and nothing is marked", async ({ browser }) => {
  const page = await browser.newPage({ locale: "en-GB" });
  await page.goto("/?scenario=hindered&still#/home");
  await expect(page.getByText("A settlement could not be written")).toBeVisible();
  await expect(page.getByText("Make room on the disk")).toHaveCount(0);
  await page.close();
});

test("a problem is told in the window's language first, and in the miner's words below", async ({ page, miner }) => {
  await miner.open({ scenario: "failed-model" });
  const [general, detail] = [page.getByText("Bitte prüfen, ob die Dateien des Modells"), page.getByText("cannot be read; run")];
  await expect(general).toBeVisible();
  await expect(detail).toHaveAttribute("lang", "en");
  expect((await detail.boundingBox())?.y).toBeGreaterThan((await general.boundingBox())?.y ?? Infinity);
});
