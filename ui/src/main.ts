import "./lib/design/tokens.css";
import "./lib/design/base.css";

import { mount } from "svelte";

import App from "./App.svelte";
import type { Host } from "./lib/host/host";
import { speak } from "./lib/messages";

/** The mock is loaded on demand only, so that the window never carries it. */
async function chooseHost(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) return (await import("./lib/host/tauri")).tauriHost;
  const scenario = new URLSearchParams(location.search).get("scenario") ?? undefined;
  return (await import("./lib/host/mock")).createMock(scenario);
}

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no element with the id app");
// The system's language, until the settings are known.
const [host] = await Promise.all([chooseHost(), speak(null)]);
mount(App, { target, props: { host } });
