import type { Host, Unwatch } from "../host/host";
import type { LiveTask } from "../host/types";
import type { Shown } from "./failure";
import { following } from "./following";

/** The tasks being worked on, while somebody looks at them: they move with every token. */
export class TaskWatch {
  tasks = $state.raw<readonly LiveTask[]>([]);
  failure = $state.raw<Shown | null>(null);
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows them until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    return following(this.#host.watchTasks((tasks) => (this.tasks = tasks)), (failure) => (this.failure = failure));
  }
}
