import { render } from "@testing-library/svelte";
import { afterEach, expect, it } from "vitest";

import { english, led, speak, t, unmarked } from "../messages";
import { tellsOf } from "../state/failure";
import FailureNote from "./FailureNote.svelte";
import MessageText from "./MessageText.svelte";

afterEach(() => speak("en"));

/** Each run of text with its language. */
function runs(container: Element): [string, string | null][] {
  const walker = document.createTreeWalker(container, NodeFilter.SHOW_TEXT);
  const found: [string, string | null][] = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent?.trim();
    if (text) found.push([text, walker.currentNode.parentElement?.closest("[lang]")?.getAttribute("lang") ?? null]);
  }
  return found;
}

const failure = { code: "memory" as const, message: "F16 needs 750 MB; run `free`" };

it("a failure is the miner's own words in English, and led by general ones in another language", async () => {
  const inEnglish = render(FailureNote, { failure });
  expect(inEnglish.container.textContent?.trim()).toBe("F16 needs 750 MB; run free.");
  inEnglish.unmount();
  await speak("de");
  const { container } = render(FailureNote, { failure });
  expect(runs(container)).toEqual([
    [t("failure.code.memory"), "de"], ["F16 needs 750 MB; run", "en"], ["free", "en"], [".", "en"],
  ]);
  expect(t("failure.code.memory")).toMatch(/^Dafür/);
});

it("a failure says what it is about, or nothing in general where that was told before", async () => {
  await speak("es");
  expect(runs(render(FailureNote, { failure, what: "No va" }).container).map(([words]) => words)[0]).toBe("No va");
  expect(tellsOf(failure, true)).toEqual({ general: null, message: failure.message });
  expect(tellsOf({ code: "unexpected", message: "x is undefined" })).toEqual({ general: expect.stringContaining("x is undefined"), message: null });
});

it("English within a sentence of another language is marked, and keeps its direction", async () => {
  await speak("de");
  const { container } = render(MessageText, { text: `0.2.0 ging nicht: ${english("it ended")}.` });
  expect(runs(container)).toEqual([["0.2.0 ging nicht:", "de"], ["it ended", "en"], [".", "de"]]);
  expect(container.querySelector("span")?.dir).toBe("ltr");
  expect(unmarked(led("Das Netzwerk sagt:", "be faster"))).toBe("Das Netzwerk sagt: be faster");
  await speak("en");
  expect([english("it ended"), led("The network says:", "be faster")]).toEqual(["it ended", "be faster"]);
});
