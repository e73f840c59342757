// What a breakdown is called, in words: with numbers where memory ran out.
import { formatNumber } from "../formats";
import type { Incident } from "../host/types";
import { t } from "../messages";

export function incidentWords(incident: Incident): string {
  const { kind, goes_on: now, context_tokens: context, slots } = incident;
  if (kind !== "out_of_memory" || now === null) return t(`incident.${kind}`);
  if (now.model !== incident.model || now.precision !== incident.precision) {
    return t("incident.less.model", { before: named(incident), now: named(now) });
  }
  const less = slots !== null && slots > now.load.slots;
  const [before, after] = less ? [slots, now.load.slots] : [context ?? 0, now.load.context_tokens];
  return t(less ? "incident.less.slots" : "incident.less.context", { before: formatNumber(before), now: formatNumber(after) });
}

function named({ model, precision }: { model: string | null; precision: string | null }): string {
  return [model, precision].filter((part) => part !== null).join(" ");
}
