import type { Host } from "../host/host";
import type { LiveTask } from "../host/types";
import { Told } from "./told.svelte";

/** The tasks being worked on, while somebody looks at them: they move with every token. */
export class TaskWatch extends Told<readonly LiveTask[]> {
  constructor(host: Host) {
    super((seen) => host.watchTasks(seen));
  }
}
