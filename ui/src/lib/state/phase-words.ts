import { formatClockOfDay } from "../formats";
import type { Glance, Status } from "../host/types";
import { t } from "../messages";
import { now } from "./now.svelte";

/** The one word for how the miner is; of a pause that ends by itself, until when. */
export function wordOf({ phase, paused_until }: Status | Glance): string {
  if (phase !== "paused" || paused_until === null) return t(`phase.${phase}.word`);
  return t("phase.paused.until", { time: formatClockOfDay(paused_until, now()) });
}
