import type { FidelityReport, Mode, Precision } from "../host/types";

export type FidelityAxis = "size" | "speed";
/** A precision in the chart: what it costs, and how often it picks the reference's word. */
export type FidelityPoint = { x: number; y: number; precision: Precision; chosen: Mode[] };

/** The reference itself always picks its own word. What has no measured speed has no place in a chart of speed. */
export function pointsOf({ reference, precisions }: FidelityReport, axis: FidelityAxis): FidelityPoint[] {
  const files = [{ file: reference, y: 1 }, ...precisions.map(({ file, statistics }) => ({ file, y: statistics.same_top.value }))];
  return files.flatMap(({ file, y }) => {
    const x = axis === "size" ? file.file_bytes : file.decode_tokens_per_second;
    return x === null ? [] : [{ x, y, precision: file.precision, chosen: file.chosen_for }];
  });
}
