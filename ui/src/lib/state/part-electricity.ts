import { formatEnergy, formatMoney } from "../formats";
import type { ChartElectricity, PartElectricity } from "../host/types";
import { t } from "../messages";

/** What there is to say of the parts of a chart: what is known of none of them has no column. */
export function electricityShown({ parts }: ChartElectricity): { energy: boolean; cost: boolean; net: boolean } {
  return {
    energy: parts.some(({ mined }) => mined.lasted_ms > 0),
    cost: parts.some(({ cost }) => cost !== null),
    net: parts.some(({ net }) => net !== null),
  };
}

export function energyOf({ mined }: PartElectricity): string {
  const energy = mined.processor_mj + mined.cards_mj + mined.figure_mj;
  if (energy > 0) return formatEnergy(energy);
  return t(mined.lasted_ms > 0 ? "common.unknown" : "chart.not_loaded");
}

/** A sum of a part; where nothing was loaded there is none to miss. */
export function sumOf(sum: number | null, { mined }: PartElectricity, currency: string): string {
  if (sum !== null) return formatMoney(sum, currency);
  return mined.lasted_ms > 0 ? t("common.unknown") : "";
}

/** The lines about a bar; none of a part in which nothing was loaded. */
export function electricityLines(part: PartElectricity, currency: string): string[] {
  if (part.mined.lasted_ms === 0) return [];
  const cost = part.cost === null ? [] : [formatMoney(part.cost, currency)];
  const taken = t("chart.electricity", { taken: [energyOf(part), ...cost].join(", ") });
  return part.net === null ? [taken] : [taken, `${t("chart.net")}: ${formatMoney(part.net, currency)}`];
}
