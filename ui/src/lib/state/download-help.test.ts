import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { helpOf } from "./download-help";

/** What stands behind `fn code` of an error. */
function codesOf(crate: string, path: string): string[] {
  const [, body = ""] = readFileSync(`../crates/${crate}/src/${path}`, "utf8").split("fn code(&self)");
  return [...(body.split("\n    }\n")[0] ?? "").matchAll(/=> "(\w+)"/g)].map(([, code]) => code ?? "");
}

const codes = [...codesOf("download", "error.rs"), ...codesOf("models", "manifest/error.rs"), ...codesOf("models", "inventory/error.rs")];

it("every code that a download can end with has its advice", () => {
  expect(codes.length).toBeGreaterThan(35);
  expect(codes.filter((code) => helpOf(code) === "other")).toEqual([]);
  expect(helpOf("of_a_newer_miner")).toBe("other");
});
