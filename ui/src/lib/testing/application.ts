// Tests only: an application around a host.
import type { Host } from "../host/host";
import type { Application } from "../state/context";
import { FirstRunStore } from "../state/first-run.svelte";
import { LabStore } from "../state/lab.svelte";
import { StatusStore } from "../state/status.svelte";
import { UpdatesStore } from "../state/updates";

export function applicationWith(host: Host): Application {
  return {
    host, status: new StatusStore(host), firstRun: new FirstRunStore(host), lab: new LabStore(host), updates: new UpdatesStore(host), show: () => {},
  };
}
