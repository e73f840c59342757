// The status page: a build of its own, small, which the programs carry and serve themselves (crates/status-page).
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { type Plugin, defineConfig } from "vite";

import { glancePolicy } from "./content-security.ts";

/** What of the interface's words the page says. */
const SECTIONS = ["app", "common", "credits", "earned", "glance", "level", "mode", "phase", "tier", "time", "unit", "aside"];

/** Leaves the rest of the message files out: they are most of what the window carries. */
function wordsOfThePage(): Plugin {
  return {
    name: "words-of-the-page",
    enforce: "pre",
    transform(code, id) {
      if (!/\/messages\/[a-z]+\.json$/.test(id)) return undefined;
      const all = Object.entries(JSON.parse(code) as Record<string, unknown>);
      return { code: JSON.stringify(Object.fromEntries(all.filter(([section]) => SECTIONS.includes(section)))), map: null };
    },
  };
}

export default defineConfig({
  plugins: [wordsOfThePage(), svelte()],
  build: {
    outDir: "dist-glance",
    target: ["es2022", "safari16"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: "glance.html" },
  },
  preview: { port: 4174, strictPort: true, headers: { "Content-Security-Policy": glancePolicy } },
});
