import type { Mode, Status, StepState } from "../host/types";

export const otherMode = (mode: Mode): Mode => (mode === "precision" ? "volume" : "precision");

/** Where a switch is: first the new model is loaded, then what runs on the old one is finished. */
export type Switching = { to: Mode; stage: "loading"; progress: number | null } | { to: Mode; stage: "finishing" };

/** null: no switch is under way. */
export function switchingOf({ switching_to: to, steps }: Status): Switching | null {
  if (to === null) return null;
  const load = steps.find((step) => step.name === "load")?.state;
  return load?.is === "running" ? { to, stage: "loading", progress: load.progress } : { to, stage: "finishing" };
}

export type Lock = "switching" | "draining" | "stopped" | "failed";

/** Why the switch cannot be moved just now. */
export function lockOf(status: Status): Lock | null {
  const { phase } = status;
  return phase === "switching" || phase === "draining" || phase === "stopped" || phase === "failed" ? phase : null;
}

export const progressOf = (state: StepState): number | null => (state.is === "running" ? state.progress : null);
