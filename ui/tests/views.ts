import type { Page } from "@playwright/test";

import type { ScenarioName } from "../src/lib/host/mock/scenarios";
import { screens, type ScreenName } from "../src/lib/state/screens";
import type { MinerPage } from "./miner";

/** A screen in a state that is worth looking at. */
export type View = {
  name: string;
  scenario: ScenarioName;
  screen: ScreenName;
  /** Milliseconds that pass first. */
  after?: number;
  arrange?: (page: Page, miner: MinerPage) => Promise<void>;
  /** It fits the window by itself. */
  fixed?: boolean;
};

const view = (name: string, scenario: ScenarioName, screen: ScreenName, more: Partial<View> = {}): View =>
  ({ name, scenario, screen, ...more });

const everyScreen = screens.map((screen) => view(screen, "mining", screen, { fixed: screen === "logs" }));
const refused = screens.map((screen) => view(`${screen}-refused`, "command-errors", screen));
const waiting = screens.map((screen) => view(`${screen}-waiting`, "slow", screen));

const openLevel = (page: Page): Promise<void> => page.getByText("Why this level").click();

async function toReport(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "Fidelity report" }).click();
  await page.getByRole("heading", { name: "Measure" }).waitFor();
}

export async function setPrices(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("textbox", { name: /^Price of electricity/ }).fill("0.30");
  await page.getByRole("textbox", { name: /^What one credit is worth/ }).fill("0.05");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("unsaved change").waitFor({ state: "hidden" });
}

async function toVote(page: Page): Promise<void> {
  await page.getByRole("radio", { name: "Blind vote" }).click();
  await page.getByRole("heading", { name: "Vote", exact: true }).waitFor();
}

/** Looks for a newer version after having said that nothing of it is to be downloaded by itself. */
export async function findUpdate(page: Page, miner: MinerPage): Promise<void> {
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("radio", { name: /Ask me/ }).check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("unsaved change").waitFor({ state: "hidden" });
  await page.getByRole("link", { name: "About" }).click();
  await page.getByRole("button", { name: "Check now" }).click();
  await miner.pass(1_500);
  await page.getByText("Version 0.2.0 is available").waitFor();
}

export async function chooseRemoval(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Remove this miner from this computer…" }).click();
  await page.getByRole("group", { name: "What is deleted" }).waitFor();
}

export const views: View[] = [
  ...everyScreen,
  ...refused,
  ...waiting,
  view("first-run", "first-run", "home"),
  view("first-run-plan", "first-run-plan", "home"),
  view("first-run-switch", "first-run-plan", "home", { after: 27_000 }),
  view("first-run-keep", "first-run-keep", "home"),
  view("first-run-served", "first-run-served", "home"),
  view("node-env", "mining", "node", {
    arrange: async (page) => {
      await page.getByRole("button", { name: "Import a .env…" }).click();
      await page.getByRole("button", { name: "Choose the file" }).click();
      await page.getByText("was read back from there").waitFor();
    },
  }),
  view("first-start", "first-start", "home", { after: 6_000 }),
  view("first-start-benchmark", "first-start", "home", { after: 14_000 }),
  view("first-start-testing", "first-start", "home", { after: 27_000 }),
  view("home-quiet", "mining-quiet", "home"),
  view("home-cool-down", "cool-down", "home"),
  view("home-level", "mining", "home", { arrange: openLevel }),
  view("home-level-cool-down", "cool-down", "home", { arrange: openLevel }),
  view("home-switching", "switching", "home"),
  view("home-paused", "paused", "home"),
  view("home-paused-until", "paused-until", "home"),
  view("home-pause-menu", "mining", "home", {
    arrange: async (page) => {
      await page.getByRole("button", { name: "For a while" }).click();
      await page.getByRole("menuitem", { name: "15 minutes" }).waitFor();
    },
  }),
  view("settings-no-tray", "paused-until", "settings", {
    arrange: async (page) => {
      await page.getByRole("switch", { name: "Start when I log in" }).click();
      await page.getByText("was not changed").waitFor();
    },
  }),
  view("home-stopped", "stopped", "home"),
  view("home-offline", "offline", "home"),
  view("home-rejected", "rejected", "home"),
  view("home-untrusted", "untrusted", "home"),
  view("home-hindered", "hindered", "home"),
  view("home-incident", "incident", "home"),
  view("node-less-memory", "incident", "node"),
  view("home-update-ready", "update-ready", "home"),
  view("home-rolled-back", "update-rolled-back", "home"),
  view("about-update-available", "mining", "about", { arrange: findUpdate }),
  view("about-update-ready", "update-ready", "about"),
  view("about-update-downloading", "update-downloading", "about"),
  view("about-update-password", "update-downloading", "about", { after: 10_000 }),
  view("about-update-failed", "update-failed", "about"),
  view("about-rolled-back", "update-rolled-back", "about"),
  view("about-removal", "mining", "about", { arrange: (page) => chooseRemoval(page) }),
  view("about-removal-key", "mining", "about", {
    arrange: async (page) => {
      await chooseRemoval(page);
      await page.getByRole("switch", { name: "The node's key" }).click();
    },
  }),
  view("about-removed", "removal-stuck", "about", {
    arrange: async (page, miner) => {
      await chooseRemoval(page);
      await page.getByRole("button", { name: /^Delete .* and stop mining$/ }).click();
      await miner.pass(60_000);
      await page.getByText("Last step").waitFor();
    },
  }),
  view("about-not-a-release", "keystore", "about"),
  view("failed-model", "failed-model", "home"),
  view("failed-identity", "failed-identity", "home"),
  view("in-use", "in-use", "home"),
  view("passphrase-new", "passphrase-new", "home"),
  view("passphrase-existing", "passphrase-existing", "home"),
  view("passphrase-refused", "passphrase-refused", "home"),
  view("node-offline", "offline", "node"),
  view("node-first-start", "first-start", "node", { after: 1_000 }),
  view("earnings-empty", "empty-activity", "earnings"),
  view("earnings-offline", "offline", "earnings"),
  view("earnings-first-start", "first-start", "earnings", { after: 1_000 }),
  view("earnings-no-demand", "no-demand", "earnings", { arrange: (page) => page.getByText("The whole chain").click() }),
  view("earnings-net", "mining", "earnings", {
    arrange: async (page) => {
      await setPrices(page);
      await page.getByRole("link", { name: "Earnings" }).click();
      await page.getByText("per kWh").waitFor();
    },
  }),
  view("home-no-demand", "no-demand", "home"),
  view("activity-empty", "empty-activity", "activity"),
  view("activity-offline", "offline", "activity"),
  view("activity-many", "many", "activity", { fixed: true }),
  view("activity-details", "mining", "activity", {
    fixed: true,
    arrange: (page) => page.getByRole("row", { name: /User request/ }).first().getByRole("button").click(),
  }),
  view("activity-choosing", "mining", "activity", {
    fixed: true,
    arrange: async (page) => {
      await page.getByRole("combobox", { name: /^Outcome/ }).click();
      await page.getByRole("option", { name: "Not paid", exact: true }).waitFor();
    },
  }),
  view("activity-no-match", "mining", "activity", {
    arrange: async (page) => {
      await page.getByRole("searchbox").fill("nothing has this");
      await page.getByText("No task matches").waitFor();
    },
  }),
  view("settings-changed", "mining", "settings", {
    arrange: async (page) => {
      await page.getByRole("textbox", { name: /^Requests/ }).fill("100");
      await page.getByRole("radio", { name: /Another router/ }).check();
      await page.getByRole("button", { name: "Save" }).click();
    },
  }),
  view("settings-reset", "mining", "settings", {
    arrange: async (page) => {
      await page.getByRole("textbox", { name: /^Requests/ }).fill("3");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("button", { name: "Reset…" }).click();
      await page.getByRole("dialog").waitFor();
    },
  }),
  view("settings-restart", "mining", "settings", {
    arrange: async (page) => {
      await page.getByRole("textbox", { name: /^Requests/ }).fill("3");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("take effect after a restart").waitFor();
    },
  }),
  view("compare-under-way", "comparing", "compare"),
  view("compare-failed", "compare-failed", "compare"),
  view("compare-none", "empty-activity", "compare"),
  view("compare-paused", "paused", "compare"),
  view("compare-first-start", "first-start", "compare", { after: 1_000 }),
  view("compare-token-by-token", "mining", "compare", {
    arrange: async (page) => {
      await page.getByRole("radio", { name: "Token by token" }).click();
      await page.getByRole("listbox", { name: "Tokens of the answers" }).focus();
      await page.keyboard.press("ArrowRight");
    },
  }),
  view("compare-three", "mining", "compare", {
    arrange: async (page) => {
      await page.getByRole("button", { name: "All three on the sky", exact: true }).click();
      await page.getByRole("heading", { name: "All three on the sky" }).waitFor();
    },
  }),
  view("compare-with-network", "mining", "compare", {
    arrange: async (page) => {
      await page.getByRole("button", { name: "The network and Q4_0", exact: true }).click();
      await page.getByRole("heading", { name: "The network and Q4_0" }).waitFor();
    },
  }),
  view("compare-two-models", "mining", "compare", {
    arrange: async (page) => {
      await page.getByRole("button", { name: "Two models on the sky", exact: true }).click();
      await page.getByRole("heading", { name: "Two models on the sky" }).waitFor();
    },
  }),
  view("compare-network-key", "compare-network", "compare", {
    arrange: async (page) => {
      await page.getByRole("combobox", { name: "Compared with" }).click();
      await page.getByRole("option", { name: "The network, in high accuracy" }).click();
      await page.getByRole("button", { name: "Keep the key" }).click();
      await page.getByText("Enter the key.").waitFor();
      await page.getByText("1 model of this computer cannot be compared").click();
    },
  }),
  view("compare-sampling", "mining", "compare", {
    arrange: async (page) => {
      await page.getByText("System prompt and sampling").click();
      await page.getByLabel("Temperature").fill("9");
      await page.getByRole("button", { name: "Compare", exact: true }).click();
      await page.getByText("Write what is to be answered").waitFor();
    },
  }),
  view("compare-deleting", "mining", "compare", {
    arrange: (page) => page.getByRole("button", { name: "Delete All three on the sky" }).click(),
  }),
  view("compare-report", "mining", "compare", { arrange: toReport }),
  view("compare-report-table", "mining", "compare", {
    arrange: async (page) => {
      await toReport(page);
      await page.getByRole("button", { name: "Show as table" }).click();
      await page.getByText("By place in the window").click();
    },
  }),
  view("compare-report-under-way", "measuring", "compare", { arrange: toReport }),
  view("compare-vote", "mining", "compare", {
    arrange: async (page, miner) => {
      await toVote(page);
      await page.getByRole("button", { name: "Use an example" }).click();
      await page.getByRole("button", { name: "Get two answers" }).click();
      await miner.pass(6_000);
      await page.getByText("Which is better?").waitFor();
    },
  }),
  view("compare-vote-none", "empty-activity", "compare", { arrange: toVote }),
  view("models-downloading", "downloading", "models"),
  view("models-first-start", "first-start", "models", { after: 1_000 }),
  view("models-deleting", "mining", "models", {
    arrange: (page) => page.getByRole("button", { name: "Delete SmolLM2 135M Instruct F16" }).click(),
  }),
  view("models-made", "mining", "models", {
    arrange: async (page, miner) => {
      await page.getByRole("button", { name: "Make tiny-stories-33m Q6_K from F16" }).click();
      await miner.pass(5_000);
      await page.getByText("was made from F16").waitFor();
    },
  }),
  view("models-making", "downloading", "models", {
    arrange: async (page, miner) => {
      await page.getByRole("button", { name: "Make tiny-stories-33m Q4_0 from F16" }).click();
      await miner.pass(1_000);
    },
  }),
  view("logs-empty", "logs-empty", "logs"),
];
