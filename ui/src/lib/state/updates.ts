import type { Host } from "../host/host";
import type { UpdateView } from "../host/types";
import { Told } from "./told.svelte";

/** What is known of newer versions of the program. */
export class UpdatesStore extends Told<UpdateView> {
  constructor(host: Host) {
    super((seen) => host.watchUpdates(seen));
  }
}
