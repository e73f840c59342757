import { expect, type Page, test as base } from "@playwright/test";

import { STILL_TIME } from "../src/lib/host/mock/still";
import type { ScenarioName } from "../src/lib/host/mock/scenarios";
import type { ScreenName } from "../src/lib/state/screens";

type View = { scenario?: ScenarioName; screen?: ScreenName };

/** A page with the recorded miner, whose time stands still until it is moved. */
export class MinerPage {
  constructor(readonly page: Page) {}

  async open({ scenario = "mining", screen = "home" }: View = {}): Promise<void> {
    await this.page.clock.setFixedTime(STILL_TIME);
    await this.page.goto(`/?scenario=${scenario}&still#/${screen}`);
    await this.page.waitForFunction(() => window.cortensorMock !== undefined);
  }

  /** Lets time pass for the miner, and for the clock on the wall. */
  async pass(milliseconds: number): Promise<void> {
    const now = await this.page.evaluate(async (passed) => {
      await window.cortensorMock?.advance(passed);
      return window.cortensorMock?.now();
    }, milliseconds);
    await this.page.clock.setFixedTime(now ?? STILL_TIME);
  }

  /** What is wrong with the page by itself: errors, and what the policy stopped. */
  static watch(page: Page): string[] {
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) wrong.push(message.text());
    });
    return wrong;
  }
}

export const test = base.extend<{ miner: MinerPage }>({
  miner: async ({ page }, use) => {
    const wrong = MinerPage.watch(page);
    await use(new MinerPage(page));
    expect(wrong, "errors and warnings in the console").toEqual([]);
  },
});

export { expect };
