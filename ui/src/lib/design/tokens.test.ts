import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

const css = readFileSync("src/lib/design/tokens.css", "utf8");

/** The colours of one scheme by their role. */
function colours(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
}

const [light = "", dark = ""] = css.split("@media (prefers-color-scheme: dark)");
const schemes = { light: colours(light), dark: { ...colours(light), ...colours(dark) } };

/** Relative luminance as WCAG 2 defines it. */
function luminance(hex: string): number {
  const channel = (at: number): number => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const surfaces = ["surface", "surface-raised", "surface-sunken", "surface-selected"];
const on = (fronts: string[], backs: string[]): [string, string][] => fronts.flatMap((front) => backs.map((back): [string, string] => [front, back]));
const texts = [
  ...on(["text", "text-muted", "accent", "accent-strong", "good", "warn", "bad"], surfaces),
  ...on(["accent-text"], ["accent", "accent-strong"]),
  ...on(["bad-text"], ["bad", "bad-strong"]),
  ["surface", "text"] as [string, string],
  ...on(["text"], ["apart-1", "apart-2", "apart-3"]),
];
const controls = [...on(["border-control", "accent", "focus", "good", "warn", "bad"], ["surface", "surface-raised"]), ...on(["border-control", "accent"], ["surface-sunken"]),
  ...on(["apart-line", "focus"], ["apart-1", "apart-2", "apart-3", "surface-raised"])];

describe.each(Object.entries(schemes))("%s", (_, scheme) => {
  const ratio = ([front, back]: [string, string]): number => contrast(scheme[front] ?? "", scheme[back] ?? "");

  it.each(texts)("%s can be read on %s", (...pair) => expect(ratio(pair)).toBeGreaterThanOrEqual(4.5));
  it.each(controls)("%s can be seen on %s", (...pair) => expect(ratio(pair)).toBeGreaterThanOrEqual(3));
});

it("the ratio is the known one for black on white", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
});

it("every role has a colour for the dark as well", () => {
  expect(Object.keys(colours(dark)).sort()).toEqual(Object.keys(colours(light)).sort());
});
