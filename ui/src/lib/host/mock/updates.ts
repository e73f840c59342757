/** Newer versions of the mock: looked for, got and installed. */

import type { Host } from "../host";
import type { UpdateRelease, UpdateState, UpdateView } from "../types";
import type { Clock } from "./clock";
import { failure } from "./failure";
import type { Preferences } from "./preferences";

type UpdatesHost = Pick<Host, "watchUpdates" | "checkForUpdates" | "downloadUpdate" | "installUpdate" | "dismissRollback">;

export const RELEASE: UpdateRelease = {
  version: "0.2.0", published: "2026-11-24T09:30:00Z",
  notes: "Answers begin sooner: a prompt that was seen before is not read again.\n\n"
    + "- Models: downloads from a mirror of your own (Settings, Network)\n"
    + "- Compare: three sides beside each other on narrow windows too\n"
    + "- Fixed: the miner waited a minute too long after the computer was asleep",
};

const LOOKING = 1_200;
const TICK = 500;
const SHARE_OF_TICK = 0.08;
const INSTALLING = 4_000;
const HOURS = 3 * 3_600_000;

export class Updates {
  view: UpdateView;
  /** What looking finds. */
  offers: UpdateRelease | null = RELEASE;
  /** Whether the system wants a password to install. */
  asksPassword = false;
  #watchers = new Set<(view: UpdateView) => void>();

  constructor(readonly clock: Clock, readonly preferences: Preferences) {
    this.view = { version: "0.1.0", checked_at: clock.now() - HOURS, state: { state: "idle" }, rolled_back: null };
  }

  recall(view: Partial<UpdateView>): void {
    Object.assign(this.view, view);
    this.#tell();
  }

  /** Gets what is offered, from a share that is there already. */
  come(done: number): void {
    const release = this.#release();
    this.#be({ state: "downloading", release, done: Math.min(done, 1) });
    this.clock.after(TICK, () => {
      if (this.view.state.state !== "downloading") return;
      if (done < 1) this.come(done + SHARE_OF_TICK);
      else this.#be({ state: "ready", release, asks_password: this.asksPassword });
    });
  }

  get host(): UpdatesHost {
    return {
      watchUpdates: async (seen) => this.#watch(seen),
      checkForUpdates: async () => this.#look(),
      downloadUpdate: async () => this.come(0),
      installUpdate: async () => this.#install(),
      dismissRollback: async () => this.recall({ rolled_back: null }),
    };
  }

  #look(): void {
    if (this.view.state.state === "not_a_release") throw failure("request", "this program was not made by a release; get newer versions where you got it");
    this.#be({ state: "checking" });
    this.clock.after(LOOKING, () => {
      const state: UpdateState = this.offers ? { state: "available", release: this.offers } : { state: "idle" };
      this.recall({ checked_at: this.clock.now(), state });
      if (this.offers && this.preferences.view().settings.updates === "automatic") this.come(0);
    });
  }

  #install(): void {
    const release = this.#release();
    this.#be({ state: "installing", release });
    this.clock.after(INSTALLING, () => {
      this.offers = null;
      this.recall({ version: release.version, checked_at: this.clock.now(), state: { state: "idle" } });
    });
  }

  #release(): UpdateRelease {
    if (this.offers) return this.offers;
    throw failure("request", "no newer version was found; look for one first");
  }

  #be(state: UpdateState): void {
    this.recall({ state });
  }

  #watch(seen: (view: UpdateView) => void): () => void {
    this.#watchers.add(seen);
    seen(structuredClone(this.view));
    return () => this.#watchers.delete(seen);
  }

  #tell(): void {
    this.#watchers.forEach((seen) => seen(structuredClone(this.view)));
  }
}
