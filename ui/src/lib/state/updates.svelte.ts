import type { Host, Unwatch } from "../host/host";
import type { UpdateView } from "../host/types";
import type { Shown } from "./failure";
import { following } from "./following";

/** What is known of newer versions of the program, as it was last told. */
export class UpdatesStore {
  /** null: nothing was told yet. */
  current = $state.raw<UpdateView | null>(null);
  /** Why nothing is told. */
  failure = $state.raw<Shown | null>(null);
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows it until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    return following(this.#host.watchUpdates((view) => (this.current = view)), (failure) => (this.failure = failure));
  }
}
