import { defineConfig } from "@playwright/test";

import { inBrowser, previewServers } from "./tests/browser";

/** Takes a picture of every screen and state into the folder $OUT. */
export default defineConfig({
  testDir: "tests",
  testMatch: "screenshots.ts",
  fullyParallel: true,
  timeout: 90_000,
  workers: Number(process.env["WORKERS"] ?? 2),
  reporter: [["line"]],
  outputDir: "node_modules/.cache/screenshots",
  use: inBrowser,
  webServer: previewServers,
});
