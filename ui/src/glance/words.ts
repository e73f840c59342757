// What the page says of a glance.
import { formatClockOfDay } from "../lib/formats";
import type { AsideKind, Glance, Warning } from "../lib/host/types";
import { t } from "../lib/messages";
import type { Refusal } from "./follower.svelte";

/** What the one word means just now. */
export function bodyOf({ phase, running, model, precision, paused_until, aside }: Glance): string {
  if (phase === "mining" && model && precision) {
    return running > 0 ? t("phase.mining.running", { count: running, model, precision }) : t("phase.mining.waiting", { model, precision });
  }
  if (phase === "draining") return running > 0 ? t("phase.draining.body", { count: running }) : t("phase.draining.none");
  if (phase === "paused" && aside.length > 0) return t("glance.paused.aside");
  if (phase === "paused") return t(paused_until === null ? "glance.paused.body" : "phase.paused.for_a_while");
  return t(`phase.${phase}.body`);
}

/** Why it is so and what to do, in sentences; none: the body says it. */
export function reasonsOf({ phase, problem, aside }: Glance): string[] {
  if (problem) return [t(`glance.problem.${problem}`)];
  return phase === "paused" || phase === "draining" ? aside.map(asideOf) : [];
}

function asideOf(kind: AsideKind): string {
  switch (kind) {
    case "program": case "hot": case "processor": case "graphics": case "hours": return t(`glance.aside.${kind}`);
    default: return `${t(`aside.${kind}`)}.`;
  }
}

export function warningOf(warning: Warning, now: number): string {
  return warning.is === "engine_broke"
    ? t("glance.warning.engine_broke", { time: formatClockOfDay(warning.at, now) })
    : t("glance.warning.cooling_down", { time: formatClockOfDay(warning.until, now) });
}

export function refusalOf(refusal: Refusal): string {
  if (refusal.is !== "wrong") return t(`glance.pair.${refusal.is}`);
  return refusal.left > 0 ? t("glance.pair.wrong", { count: refusal.left }) : t("glance.pair.void");
}
