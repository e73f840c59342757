/** Fidelity reports of the mock. */

import type { FidelityReport, FidelityRequest, FidelityRow, FidelityRun, MeasuredLoss, Millis, Precision, ReportedFile, Statistics } from "../types";
import type { Clock } from "./clock";
import { MODEL, measurement, variant } from "./machine";

const BUNDLED = "Alice's Adventures in Wonderland, chapters I and II";
const WHOLE = 11;
const WINDOW_TAKES = 700;
/** Perplexity, mean divergence, share of the same word, change of probability: what was measured, and its error. */
const FIGURES: Partial<Record<Precision, [number, number, number, number]>> = {
  Q8_0: [18.94, 0.0041, 0.9722, 0.0121], Q4_0: [21.62, 0.1137, 0.8503, 0.0742],
};

export const emptyRun = (): FidelityRun => ({
  phase: "idle", request: null, arrangement: null, mining: "nothing", progress: 0, precision: null, windows_done: 0, windows: 0,
  windows_resumed: 0, tokens_per_second: null, seconds_left: null, scoring: [], report: null, failure: null,
});

export class Reports {
  current = emptyRun();
  #kept: FidelityReport[] = [];
  #watchers = new Set<(run: FidelityRun) => void>();
  #run = 0;
  #done = 0;

  constructor(readonly clock: Clock) {}

  get busy(): boolean {
    return this.#run > 0;
  }

  get kept(): FidelityReport[] {
    return structuredClone(this.#kept);
  }

  watch(seen: (run: FidelityRun) => void): () => void {
    this.#watchers.add(seen);
    seen(structuredClone(this.current));
    return () => this.#watchers.delete(seen);
  }

  begin(request: FidelityRequest): void {
    void this.#measure(request, ++this.#run);
  }

  async stop(): Promise<void> {
    if (!this.busy) return;
    this.#run = 0;
    this.#change({ phase: "stopped", seconds_left: null, precision: null });
  }

  /** What the latest report says of a precision, if there is one. */
  loss(precision: Precision): MeasuredLoss | undefined {
    const [report] = this.#kept;
    const row = report?.precisions.find((one) => one.file.precision === precision);
    if (!report || !row) return undefined;
    const { same_top, divergence, tokens } = row.statistics;
    return { reference: report.reference.precision, same_top: same_top.value, divergence: divergence.value, tokens, words: row.words };
  }

  recall(at: Millis): void {
    this.#kept.unshift(reportOf(at, BUNDLED, WHOLE, WHOLE));
  }

  async #measure(request: FidelityRequest, run: number): Promise<void> {
    const windows = Math.min(request.most_windows ?? WHOLE, WHOLE);
    const name = request.text.is === "bundled" ? BUNDLED : (request.text.path.split("/").at(-1) ?? "");
    if (this.current.phase !== "stopped") this.#done = 0;
    const resumed = this.#done;
    this.#change({ ...emptyRun(), phase: "loading", request, windows, windows_resumed: resumed, windows_done: resumed, precision: "F16" });
    await this.clock.wait(900);
    for (; this.#done < windows; this.#done += 1) {
      if (this.#run !== run) return;
      this.#change({
        phase: "scoring", windows_done: this.#done, progress: this.#done / windows, tokens_per_second: 94.2,
        seconds_left: ((windows - this.#done) * WINDOW_TAKES) / 1000, report: this.#done > 0 ? reportOf(this.clock.now(), name, this.#done, windows) : null,
      });
      await this.clock.wait(WINDOW_TAKES);
    }
    if (this.#run !== run) return;
    this.#run = 0;
    const report = reportOf(this.clock.now(), name, windows, windows);
    this.#kept = [report, ...this.#kept.filter((one) => one.text.digest !== report.text.digest)];
    this.#change({ phase: "done", progress: 1, windows_done: windows, seconds_left: null, precision: null, report });
  }

  #change(changes: Partial<FidelityRun>): void {
    this.current = { ...this.current, ...changes };
    this.#watchers.forEach((seen) => seen(structuredClone(this.current)));
  }
}

function reportOf(at: Millis, name: string, done: number, windows: number): FidelityReport {
  return {
    at, engine: "mistral.rs 0.6.0 (CPU)", model: MODEL,
    text: { name, digest: [...name].map((letter) => letter.charCodeAt(0).toString(16)).join("").padEnd(64, "0").slice(0, 64), tokens: 5_871, windows, window_tokens: 512, cut: windows < WHOLE },
    reference: file("F16"), precisions: (["Q8_0", "Q4_0"] as const).map((precision) => row(precision, done, windows)),
  };
}

function file(precision: Precision): ReportedFile {
  const { artifact, bytes } = variant(precision);
  const chosen_for = precision === "F16" ? ["precision" as const] : precision === "Q8_0" ? ["volume" as const] : [];
  return { precision, artifact, file_bytes: bytes, decode_tokens_per_second: measurement(precision).decode_tokens_per_second, chosen_for };
}

function row(precision: Precision, done: number, windows: number): FidelityRow {
  const statistics = statisticsOf(precision, done * 255);
  const words = `picks the same word as F16 ${(statistics.same_top.value * 100).toFixed(0)} of 100 times`;
  return { file: file(precision), windows: done, whole: done === windows, statistics, words };
}

function statisticsOf(precision: Precision, tokens: number): Statistics {
  const [perplexity, divergence, same_top, change] = FIGURES[precision] ?? [0, 0, 0, 0];
  const estimate = (value: number, spread: number) => ({ value, error: (value * spread) / Math.sqrt(tokens) });
  const share = (value: number) => ({ value, error: Math.sqrt((value * (1 - value)) / tokens) });
  const spread = { median: divergence * 0.3, percent_90: divergence * 2.3, percent_95: divergence * 3.6, percent_99: divergence * 9.1, most: divergence * 40 };
  const at = (quarter: number) => ({
    from: 257 + quarter * 64, to: Math.min(320 + quarter * 64, 511), tokens: Math.round(tokens / 4),
    divergence: estimate(divergence * (1.09 - quarter * 0.05), 2.4), same_top: share(Math.min(same_top + quarter * 0.002, 1)),
  });
  return {
    tokens, reference_perplexity: estimate(18.87, 2.1), perplexity: estimate(perplexity, 2.1), divergence: estimate(divergence, 1.9), spread,
    same_top: share(same_top), probability_change: estimate(change, 1.2), by_position: [0, 1, 2, 3].map(at),
  };
}
