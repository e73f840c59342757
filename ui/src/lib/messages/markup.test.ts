// What a component says can be translated.
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { sourcesOf } from "../testing/sources";

const files = sourcesOf(".svelte");

/** What is between the tags of a component and is neither code nor a comment. */
function wordsIn(text: string): string[] {
  let markup = text.replace(/<(script|style)[^]*?<\/\1>|<!--[^]*?-->/g, "");
  for (let before = ""; before !== markup;) [before, markup] = [markup, markup.replace(/\{[^{}]*\}/g, "")];
  const labels = [...markup.matchAll(/(?:aria-label|title|placeholder|alt|label)="([^"]+)"/g)].map(([, label]) => label ?? "");
  return [...markup.replace(/<[^>]*>|&\w+;/g, "\n").split("\n"), ...labels].filter((words) => /\p{L}{2,}/u.test(words)).map((words) => words.trim());
}

it("every word of a component comes from the messages", () => {
  expect(files.flatMap((path) => wordsIn(readFileSync(path, "utf8")).map((words) => `${path}: ${words}`))).toEqual([]);
  expect(wordsIn('<p title="{x}">{t("a", { b: {} })}</p><script>const words = 1;</script>')).toEqual([]);
  expect(wordsIn('<p aria-label="Close">Hello {name}</p>')).toEqual(["Hello", "Close"]);
});
