import type { Host } from "../host/host";
import type { StatusPageView } from "../host/types";
import { Told } from "./told.svelte";

/** Who may see the status page and where it is. */
export class StatusPageStore extends Told<StatusPageView> {
  constructor(host: Host) {
    super((seen) => host.watchStatusPage(seen));
  }
}
