import type { Host, Unwatch } from "../host/host";
import type { FirstRunScreen, FirstRunView } from "../host/types";
import { following } from "./following";

/** The screens of the first run that its user goes through, in order. */
export const firstRunScreens = ["welcome", "plan", "keep"] as const;

const over: FirstRunView = { screen: "over", started: true, ready_ms: null, served_ms: null, told: true };

/** How far the first run is, as it was last told. */
export class FirstRunStore {
  /** null: nothing was told yet. */
  current = $state.raw<FirstRunView | null>(null);
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows it until the function that it answers with is called. If it cannot be followed, it stops nobody. */
  watch(): Unwatch {
    return following(this.#host.watchFirstRun((view) => (this.current = view)), () => (this.current = over));
  }

  get screen(): FirstRunScreen | null {
    return this.current?.screen ?? null;
  }
}

/** The rules by which the miner steps aside, as far as they can be said in a few words. */
export const plainRules = ["battery", "full_screen", "metered"] as const;
