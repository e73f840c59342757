import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

import { contentSecurityPolicy } from "./content-security.ts";

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  // WebKitGTK of Debian 12, the oldest engine that shows the window.
  build: { target: ["es2022", "safari16"], assetsInlineLimit: 0, chunkSizeWarningLimit: 600 },
  server: { port: 5173, strictPort: true },
  preview: { port: 4173, strictPort: true, headers: { "Content-Security-Policy": contentSecurityPolicy } },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"], restoreMocks: true },
});
