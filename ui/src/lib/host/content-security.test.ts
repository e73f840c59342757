import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { contentSecurityPolicy, glancePolicy } from "../../../content-security";

test("the browser tests meet the window's own content security policy", () => {
  const configuration = JSON.parse(readFileSync("../tauri.conf.json", "utf8")) as { app: { security: { csp: string } } };
  expect(contentSecurityPolicy).toBe(configuration.app.security.csp);
});

test("the browser tests meet the status page's own policy", () => {
  const guard = readFileSync("../crates/status-page/src/guard.rs", "utf8").replace(/\\\n\s+/g, "");
  expect(guard).toContain(`"${glancePolicy}"`);
});
