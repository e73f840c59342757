import { defineConfig } from "@playwright/test";

import { inBrowser, previewServers } from "./tests/browser";

/** Every screen against the recorded miner, in the system's Chromium, under the policy that the window has. */
export default defineConfig({
  testDir: "tests",
  testMatch: "*.spec.ts",
  fullyParallel: true,
  // A build of the program may be running beside this on two cores: slow is no failure.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  workers: Number(process.env["WORKERS"] ?? 2),
  forbidOnly: true,
  reporter: [["list"]],
  outputDir: "node_modules/.cache/playwright",
  use: inBrowser,
  webServer: previewServers,
});
