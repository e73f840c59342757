/** All parts of the mock in one place. */

import type { Millis } from "../types";
import { Clock } from "./clock";
import { FirstRun } from "./first-run";
import { Journal, recordedLines } from "./journal";
import { Lab } from "./lab";
import { type Ledger, recordedLedger } from "./ledger";
import { Life } from "./life";
import { Models } from "./models";
import { Preferences } from "./preferences";
import { SCENARIOS, type ScenarioName } from "./scenarios";
import { Stage } from "./stage";
import { StatusPage } from "./status-page";
import { Updates } from "./updates";
import { Removal } from "./removal";
import { Workload } from "./workload";

/** Settlements in the ledger, where it is not the usual number. */
const SETTLEMENTS: Partial<Record<ScenarioName, number>> = {
  "first-run": 0, "first-run-plan": 0, "first-run-keep": 0, "first-run-served": 0, "first-start": 0, "empty-activity": 0, "mining-quiet": 10, many: 5000, "no-demand": 60,
};
const USUAL = 236;
/** How long nothing came where nothing comes. */
export const IDLE = 95 * 60_000;

export class Miner {
  readonly clock: Clock;
  readonly stage = new Stage();
  readonly preferences = new Preferences();
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly work: Workload;
  readonly life: Life;
  readonly lab: Lab;
  readonly models: Models;
  readonly firstRun: FirstRun;
  readonly updates: Updates;
  readonly statusPage: StatusPage;
  readonly removal: Removal;
  /** Done when the scenario is set up. */
  ready: Promise<void> = Promise.resolve();

  constructor(readonly scenario: ScenarioName, now: Millis) {
    this.clock = new Clock(now);
    this.journal = new Journal(this.clock);
    const last = scenario === "no-demand" ? now - IDLE : now;
    this.ledger = recordedLedger(SETTLEMENTS[scenario] ?? USUAL, last, scenario !== "mining-quiet");
    this.work = new Workload(this.clock, this.stage, this.ledger, this.journal);
    this.life = new Life(this.clock, this.stage, this.work, this.ledger, this.journal);
    this.lab = new Lab(this.clock, this.stage);
    this.models = new Models(this.clock, this.stage);
    this.firstRun = new FirstRun(this);
    this.updates = new Updates(this.clock, this.preferences);
    this.statusPage = new StatusPage(this.clock);
    this.removal = new Removal(this.clock, this.life);
    this.stage.status.earnings = this.ledger.summary(now);
    SCENARIOS[scenario](this);
    if (scenario === "logs-empty") this.journal.forget();
    else if (!scenario.startsWith("first-")) this.journal.recall(recordedLines(this.clock));
  }

  /** Moves on before anybody looks. */
  prepare(milliseconds: number, then: () => void = () => {}): void {
    this.ready = this.clock.advance(milliseconds).then(then);
  }
}

export function isScenario(name: string): name is ScenarioName {
  return name in SCENARIOS;
}
