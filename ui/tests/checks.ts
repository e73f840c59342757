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

/** Serious and critical findings, in words. By default axe leaves out the size of what is pointed at (WCAG 2.2 AA). */
export async function findings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).options({ rules: { "target-size": { enabled: true } } }).analyze();
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ""}`));
}
