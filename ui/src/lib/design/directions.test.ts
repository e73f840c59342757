// The interface holds in a language that is read from right to left.
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { sourcesOf } from "../testing/sources";

const files = sourcesOf(".svelte", ".css");
const styleOf = (path: string): string => {
  const text = readFileSync(path, "utf8");
  return path.endsWith(".css") ? text : (/<style>[^]*<\/style>/.exec(text)?.[0] ?? "");
};

const sided = /^\s*(?:(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right)\b.*|(?:left|right):.*|border-\w+-(?:left|right)-radius:.*|(?:text-align|float|clear):\s*(?:left|right).*)$/gm;
/** Four values are top, right, bottom and left: sides, unless the second is the fourth. */
const four = /^\s*(?:margin|padding|inset|border-width):\s*(\S+|[\w-]+\([^)]*\)) (\S+|[\w-]+\([^)]*\)) (\S+|[\w-]+\([^)]*\)) (\S+|[\w-]+\([^)]*\));$/gm;

function sidesOf(style: string): string[] {
  const uneven = [...style.matchAll(four)].filter(([, , right, , left]) => right !== left);
  return [...style.matchAll(sided), ...uneven].map(([line]) => line.trim());
}

it("no style knows left from right", () => {
  expect(files.length).toBeGreaterThan(80);
  expect(files.flatMap((path) => sidesOf(styleOf(path)).map((line) => `${path}: ${line}`))).toEqual([]);
});

it.each(["  margin-left: 1px;", "  left: 0;", "  text-align: right;", "  padding: 0 var(--a) 0 0;", "  border-top-left-radius: 2px;"])("%s is found", (line) => {
  expect(sidesOf(`p {\n${line}\n}`)).toHaveLength(1);
});

it.each(["  margin-inline-start: 1px;", "  padding: 0 1px 2px 1px;", "  text-align: end;", "  inset: 0;"])("%s is none", (line) => {
  expect(sidesOf(`p {\n${line}\n}`)).toEqual([]);
});
