import type { Phase } from "../host/types";

/** How a phase is coloured, beside its word. */
export type Tone = "good" | "warn" | "bad" | "busy" | "quiet";

const tones: Record<Phase, Tone> = {
  starting: "busy",
  offline: "warn",
  testing: "busy",
  untrusted: "warn",
  mining: "good",
  hindered: "bad",
  switching: "busy",
  draining: "busy",
  paused: "quiet",
  stopped: "quiet",
  failed: "bad",
};

export const toneOf = (phase: Phase): Tone => tones[phase];
