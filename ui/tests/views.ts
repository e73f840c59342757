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

export const views: View[] = [
  ...everyScreen,
  ...refused,
  ...waiting,
  view("first-start", "first-start", "home", { after: 6_000 }),
  view("first-start-benchmark", "first-start", "home", { after: 14_000 }),
  view("first-start-testing", "first-start", "home", { after: 27_000 }),
  view("home-quiet", "mining-quiet", "home"),
  view("home-cool-down", "cool-down", "home"),
  view("home-level", "mining", "home", { arrange: openLevel }),
  view("home-level-cool-down", "cool-down", "home", { arrange: openLevel }),
  view("home-switching", "switching", "home"),
  view("home-paused", "paused", "home"),
  view("home-stopped", "stopped", "home"),
  view("home-offline", "offline", "home"),
  view("home-rejected", "rejected", "home"),
  view("home-untrusted", "untrusted", "home"),
  view("home-hindered", "hindered", "home"),
  view("failed-model", "failed-model", "home"),
  view("failed-identity", "failed-identity", "home"),
  view("in-use", "in-use", "home"),
  view("passphrase-new", "passphrase-new", "home"),
  view("passphrase-existing", "passphrase-existing", "home"),
  view("passphrase-refused", "passphrase-refused", "home"),
  view("node-offline", "offline", "node"),
  view("node-first-start", "first-start", "node", { after: 1_000 }),
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
  view("settings-restart", "mining", "settings", {
    arrange: async (page) => {
      await page.getByRole("textbox", { name: /^Requests/ }).fill("3");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("take effect after a restart").waitFor();
    },
  }),
  view("logs-empty", "logs-empty", "logs"),
];
