import type { Host, Unwatch } from "../host/host";
import type { StatusPageView } from "../host/types";
import type { Shown } from "./failure";
import { following } from "./following";

/** Who may see the status page and where it is, as it was last told. */
export class StatusPageStore {
  /** null: nothing was told yet. */
  current = $state.raw<StatusPageView | null>(null);
  /** Why nothing is told. */
  failure = $state.raw<Shown | null>(null);
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows it until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    return following(this.#host.watchStatusPage((view) => (this.current = view)), (failure) => (this.failure = failure));
  }
}
