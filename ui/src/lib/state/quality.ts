import type { Precision } from "../host/types";

/** What is known in general of a format, by its bits for each weight. Key of `quality.*`. */
export type Quality = "full" | "bits_8" | "bits_5" | "bits_4" | "bits_2";

export function qualityOf(precision: Precision): Quality {
  if (/^B?F\d/.test(precision)) return "full";
  const bits = Number(/^Q(\d)/.exec(precision)?.[1] ?? 0);
  if (bits >= 8) return "bits_8";
  if (bits >= 5) return "bits_5";
  return bits >= 4 ? "bits_4" : "bits_2";
}
