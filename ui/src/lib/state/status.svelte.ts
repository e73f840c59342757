import type { Host, Unwatch } from "../host/host";
import type { Status } from "../host/types";
import type { Shown } from "./failure";
import { following } from "./following";

/** The status of the miner as it was last told, and what only its change can tell. */
export class StatusStore {
  /** null: nothing was told yet. */
  current = $state.raw<Status | null>(null);
  /** Why nothing is told. */
  failure = $state.raw<Shown | null>(null);
  /** The network as last heard; it stays known while the miner is offline. */
  network = $state.raw<string | null>(null);
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows the miner until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    return following(this.#host.watchStatus((status) => this.#take(status)), (failure) => (this.failure = failure));
  }

  #take(status: Status): void {
    if (status.connection.is === "connected") this.network = status.connection.network;
    this.current = status;
  }
}
