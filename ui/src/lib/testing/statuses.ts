// Tests only: a status with nothing in it, and its sides.
import type { Amount, Counter, Counters, Mode, ModeView, Standing, Status } from "../host/types";

export function modeView(mode: Mode, earns: Amount | null = null): ModeView {
  const full = mode === "precision";
  return {
    mode,
    model: "smollm2-135m-instruct",
    precision: full ? "F16" : "Q8_0",
    precision_class: full ? "full" : "quantized",
    benchmark: null,
    predicted_requests_per_hour: full ? 362 : 580,
    measured_requests_per_hour: null,
    predicted_earnings_per_hour: earns,
    tier: null,
    work: { served: 0, prompt_tokens: 0, completion_tokens: 0, busy: { secs: 0, nanos: 0 } },
  };
}

export function statusWith(changes: Partial<Status>): Status {
  return {
    phase: "mining", steps: [], problem: null, hardware: null, plan: null, mode: "volume", loaded: null,
    modes: [modeView("precision"), modeView("volume")], address: null, key_place: null, connection: { is: "connecting" },
    testing: null, tier: null, standing: null, aside: [], paused_until: null, incident: null, running: 0, idle_since: null, passphrase: null, measuring: false,
    switching_to: null, measurements: [], threads: null,
    earnings: { today: "0", total: "0", requests: 1, requests_void: 0, tests: 0, tests_void: 0, by_mode: [] }, ...changes,
  };
}

export function standingWith(changes: Partial<Standing>): Standing {
  const none = (): Counter => ({ points: 0, counter: 0 });
  const counters: Counters = {
    request: none(), create: none(), prepare: none(), precommit: none(), commit: none(), ping: none(), correctness: none(),
  };
  return {
    level: 0, streak: 0, best_streak: 0, last_tests: [], cool_down_until: null, counters,
    progress: { level: 1, consecutive_needed: 3, consecutive_had: 0, percentage_needed: 60, percentage_had: null },
    next_step: "Pass 3 tests in a row to reach level 1.", ...changes,
  };
}
