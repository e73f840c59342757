import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { contentSecurityPolicy } from "../../../content-security";

test("the browser tests meet the window's own content security policy", () => {
  const configuration = JSON.parse(readFileSync("../tauri.conf.json", "utf8")) as { app: { security: { csp: string } } };
  expect(contentSecurityPolicy).toBe(configuration.app.security.csp);
});
