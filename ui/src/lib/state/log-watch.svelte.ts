import type { Host, Unwatch } from "../host/host";
import type { LogLine } from "../host/types";
import type { Shown } from "./failure";
import { following } from "./following";
import { LogBuffer, type NumberedLine } from "./log-buffer";

/** The log as it is written. */
export class LogWatch {
  lines = $state.raw<readonly NumberedLine[]>([]);
  /** The lines so far have come. */
  begun = $state(false);
  failure = $state.raw<Shown | null>(null);
  #buffer = new LogBuffer();
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows the log until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    return following(this.#host.watchLogs((lines) => this.#take(lines)), (failure) => (this.failure = failure));
  }

  #take(lines: LogLine[]): void {
    this.begun = true;
    this.#buffer.append(lines);
    this.lines = this.#buffer.lines;
  }
}
