import { formatNumber } from "../formats";
import type { MeasuredLoss, Precision } from "../host/types";
import { t } from "../messages";

/** What is known in general of a format, by its bits for each weight. Key of `quality.*`. */
export type Quality = "full" | "bits_8" | "bits_5" | "bits_4" | "bits_2";

export function qualityOf(precision: Precision): Quality {
  if (/^B?F\d/.test(precision)) return "full";
  const bits = Number(/^Q(\d)/.exec(precision)?.[1] ?? 0);
  if (bits >= 8) return "bits_8";
  if (bits >= 5) return "bits_5";
  return bits >= 4 ? "bits_4" : "bits_2";
}

/** What was measured of a loss, as a person counts. */
export function lossWords({ reference, same_top: share }: Pick<MeasuredLoss, "reference" | "same_top">): string {
  const of = share > 0.995 && share < 1 ? 1000 : 100;
  return t("quality.measured", { reference, times: formatNumber(share * of), of: formatNumber(of) });
}
