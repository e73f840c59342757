import type { PlaywrightTestConfig } from "@playwright/test";

export const inBrowser: PlaywrightTestConfig["use"] = {
  baseURL: "http://localhost:4173",
  locale: "en-GB",
  timezoneId: "UTC",
  viewport: { width: 1280, height: 860 },
  colorScheme: "light",
  // The system's browser: nothing is downloaded.
  launchOptions: { executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] },
};

/** The built interface with the window's headers; see vite.config.ts. */
export const previewServers: PlaywrightTestConfig["webServer"] = [
  { command: "npx vite preview", url: "http://localhost:4173", reuseExistingServer: true, timeout: 60_000 },
  // The status page, with its own headers; see vite.glance.config.ts.
  { command: "npx vite preview --config vite.glance.config.ts", url: "http://localhost:4174/glance.html", reuseExistingServer: true, timeout: 60_000 },
];
