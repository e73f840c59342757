// What every screen can reach without being handed it from above.
import { createContext } from "svelte";

import type { Host } from "../host/host";
import type { FirstRunStore } from "./first-run.svelte";
import type { LabStore } from "./lab.svelte";
import type { ScreenName } from "./screens";
import type { StatusStore } from "./status.svelte";
import type { UpdatesStore } from "./updates";

export type Application = {
  host: Host;
  status: StatusStore;
  firstRun: FirstRunStore;
  lab: LabStore;
  updates: UpdatesStore;
  /** Shows another screen; `focus` is the id of an element there that is to have the focus. */
  show: (screen: ScreenName, focus?: string) => void;
};

const [get, set] = createContext<Application>();

export const provideApplication = set;
export const useApplication = get;
