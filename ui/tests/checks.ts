// What holds of every screen in every state.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/** What is wider than the place it has: the page itself, or anything in it that is cut or would scroll sideways. */
export function tooWide(page: Page): Promise<string[]> {
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

/** Findings of pages seen before: what has the same elements, size and colours has the same findings. */
const known = new Map<string, string[]>();

/**
 * Serious and critical findings, in words; in the dark those of colours, for nothing else follows from it. By default axe leaves out
 * the size of what is pointed at (WCAG 2.2 AA).
 */
export async function findings(page: Page): Promise<string[]> {
  const key = await page.evaluate(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return [dark, innerWidth, innerHeight, document.documentElement.outerHTML].join("\n");
  });
  const before = known.get(key);
  if (before) return before;
  const axe = new AxeBuilder({ page });
  if (key.startsWith("true")) axe.withRules("color-contrast");
  else axe.options({ rules: { "target-size": { enabled: true } } });
  const { violations } = await axe.analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const found = grave.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ""}`));
  known.set(key, found);
  return found;
}
