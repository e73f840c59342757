import type { Page } from "@playwright/test";

import { screens } from "../src/lib/state/screens";
import { expect, test } from "./miner";

type Stop = { name: string; top: number; left: number; seen: boolean };

/** Where the focus is, and whether one can see that it is there. */
function focused(page: Page): Promise<Stop | null> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const { top, left } = element.getBoundingClientRect();
    const ring = (pseudo?: string) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(element, pseudo);
      return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    };
    const name = element.getAttribute("aria-label") ?? element.textContent?.trim() ?? element.tagName;
    return { name: `${element.tagName} ${name.slice(0, 60)}`, top, left, seen: ring() || ring("::after") };
  });
}

for (const screen of screens) {
  test(`${screen}: Tab reaches everything that can be used, in order, and shows where it is`, async ({ page, miner }) => {
    await page.setViewportSize({ width: 1280, height: 4000 });
    await miner.open({ screen });
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.waitForFunction(() => !document.querySelector("main [role='status'] .line"));
    await page.getByRole("button", { name: "Skip to the content" }).focus();
    await page.keyboard.press("Enter");
    const stops: Stop[] = [];
    for (let stop = await next(page); stop && stops.length < 150; stop = await next(page)) stops.push(stop);
    const reachable = await page.locator("main").evaluate((main) => {
      const usable = main.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary, [tabindex='0']");
      const radios = new Set<string>();
      return [...usable].filter((element) => {
        if (element.tabIndex < 0 || element.matches(":disabled") || !element.checkVisibility()) return false;
        // The arrow keys go through a group of radio buttons: Tab stops at one of them.
        if (!(element instanceof HTMLInputElement) || element.type !== "radio") return true;
        return !radios.has(element.name) && radios.add(element.name);
      }).length;
    });
    expect(stops.length).toBe(reachable);
    expect(stops.filter((stop) => !stop.seen).map((stop) => stop.name), "focus that cannot be seen").toEqual([]);
    const back = stops.filter((stop, index) => index > 0 && stop.top < (stops[index - 1]?.top ?? 0) - 60);
    expect(back.map((stop) => stop.name), "stops that go back up").toEqual([]);
  });
}

/** The next stop inside the screen; null where Tab leaves it. */
async function next(page: Page): Promise<Stop | null> {
  await page.keyboard.press("Tab");
  const inside = await page.evaluate(() => document.querySelector("main")?.contains(document.activeElement) ?? false);
  return inside ? focused(page) : null;
}

test("every screen is a key press away, and the focus goes with it", async ({ page, miner }) => {
  await miner.open();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  for (const [index, screen] of screens.entries()) {
    await page.keyboard.press(`Control+${index + 1}`);
    await expect(page.getByRole("navigation", { name: "Screens" }).locator("[aria-current='page']")).toHaveAttribute("href", `#/${screen}`);
    await expect(page.locator("main")).toBeFocused();
  }
});

test("a mode is chosen without a mouse", async ({ page, miner }) => {
  await miner.open();
  await page.getByRole("radio", { name: /Volume/ }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("radio", { name: /Precision/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Switching");
});

test("who wants less motion gets none", async ({ page, miner }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await miner.open({ scenario: "first-start" });
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((element) => {
      const { animationDuration, transitionDuration } = getComputedStyle(element);
      return [animationDuration, transitionDuration].some((length) => length.split(",").some((one) => parseFloat(one) > 0.01));
    }).length);
  expect(moving).toBe(0);
});

test("changes of state are read out, tokens are not", async ({ page, miner }) => {
  await miner.open({ screen: "activity" });
  const said: string[] = [];
  await page.exposeFunction("say", (text: string) => said.push(text));
  await page.evaluate(() => {
    const say = (window as unknown as { say: (text: string) => void }).say;
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const region = (target instanceof Element ? target : target.parentElement)?.closest("[role='status'], [aria-live='polite']");
        if (region) say(region.textContent ?? "");
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await miner.pass(1_000);
  expect(said).toEqual([]);
  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await miner.pass(20_000);
  await expect.poll(() => said.join("\n")).toContain("Paused");
});
