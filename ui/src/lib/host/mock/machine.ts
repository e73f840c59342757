/** The recorded machine: what it is, what was measured on it, and what the network said of it. */

import type {
  ArtifactDigest, Evidence, Geometry, Hardware, Loaded, Measured, Measurement, Millis, Mode, ModeView, Precision, PrecisionClass, ThreadsView, Tier, TierReport, Variant,
} from "../types";
import { PRICES } from "./prices";

export const MODEL = "smollm2-135m-instruct";
export const DATA_FOLDER = "/home/sam/.local/share/cortensorminer";
export const ADDRESS = "0x3F1b6cE0B4b1a0C5bE6f5d6f0e4C2dA9b7E81d42";
export const IMPORTED_ADDRESS = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
export const LADDER: readonly Precision[] = ["F16", "Q8_0", "Q4_0"];

export const HARDWARE: Hardware = {
  cpu: {
    model: "AMD EPYC", vendor: "AuthenticAMD", architecture: "x86_64",
    features: ["avx2", "avx512f", "avx512vnni", "f16c", "fma", "sse4.2"], physical_cores: 2, logical_cores: 2,
  },
  memory: { total_bytes: 25_276_502_016, free_bytes: 22_814_662_656 },
  disk: { path: DATA_FOLDER, free_bytes: 148_312_870_912, total_bytes: 252_579_094_528 },
  gpus: [],
  os: "Debian GNU/Linux 12 (bookworm)",
};

export const HARDWARE_IN_WORDS = [
  "Processor: AMD EPYC: 2 cores, AVX2, FMA, F16C, AVX-512, AVX-512 VNNI",
  "Memory: 22.8 GB free of 25.3 GB",
  `Disk: 148.3 GB free of 252.6 GB at ${DATA_FOLDER}`,
  "Graphics: no card found; models run on the processor",
  "System: Debian GNU/Linux 12 (bookworm)",
].join("; ");

const GEOMETRY: Geometry = {
  parameters: 134_515_008, layers: 30, hidden: 576, feed_forward: 1536, heads: 9, kv_heads: 3, head_width: 64,
  context_tokens: 8192, vocabulary: 49_152, tied_embeddings: true,
};

const ARTIFACTS: Record<string, { artifact: ArtifactDigest; bytes: number }> = {
  F16: { artifact: "9d2c1f0b7e6a4835c1d0f9e8b7a695847362514f0e1d2c3b4a59687786950a1b", bytes: 270_885_408 },
  Q8_0: { artifact: "41e7a0c95b3d8f26e0f1c2b3a4958677685940312f3e4d5c6b7a89980716253f", bytes: 144_811_552 },
  Q4_0: { artifact: "c08b5d7e2f194a63b5a4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0a9b8", bytes: 91_726_688 },
};

const MEASUREMENTS: Record<string, Omit<Measurement, "artifact">> = {
  F16: {
    prefill_tokens_per_second: 357.4, decode_tokens_per_second: 13.9, first_token_ms: 731, load_seconds: 1.34,
    taken_by_others: 0.03, memory_bytes: 726_118_400, estimated_memory_bytes: 749_244_416,
  },
  Q8_0: {
    prefill_tokens_per_second: 96.2, decode_tokens_per_second: 36.1, first_token_ms: 2689, load_seconds: 0.92,
    taken_by_others: 0.04, memory_bytes: 343_146_496, estimated_memory_bytes: 356_515_840,
  },
  Q4_0: {
    prefill_tokens_per_second: 92.7, decode_tokens_per_second: 35.4, first_token_ms: 2788, load_seconds: 0.88,
    taken_by_others: 0.05, memory_bytes: 324_009_984, estimated_memory_bytes: 303_038_464,
  },
};

export const PER_HOUR: Record<string, number> = { F16: 362.5, Q8_0: 580.4, Q4_0: 565.1 };

export function precisionClass(precision: Precision): PrecisionClass {
  return precision === "F16" ? "full" : "quantized";
}

export function measurement(precision: Precision): Measurement {
  const recorded = MEASUREMENTS[precision] ?? MEASUREMENTS["Q8_0"];
  return { artifact: variant(precision).artifact, ...(recorded as Omit<Measurement, "artifact">) };
}

/** Every precision, the most exact first. */
/** What `cortensor bench --threads 2,1` had on two cores of another machine. */
export function threads(): ThreadsView {
  const trials = [
    { threads: 2, prefill_tokens_per_second: 112.28, decode_tokens_per_second: 68.02, requests_per_hour: 865, taken_by_others: 0 },
    { threads: 1, prefill_tokens_per_second: 71.2, decode_tokens_per_second: 46.25, requests_per_hour: 565.81, taken_by_others: 0 },
  ];
  return { in_use: 2, from_next_start: null, trials: { model: MODEL, precision: "Q4_0", trials, best: 2 } };
}

export function measured(): Measured[] {
  return LADDER.map((precision) => ({ model: MODEL, precision, measurement: measurement(precision) }));
}

export function variant(precision: Precision): Variant {
  const file = ARTIFACTS[precision] ?? { artifact: "", bytes: 0 };
  return { model: MODEL, precision, ...file, geometry: GEOMETRY };
}

export function precisionOf(mode: Mode): Precision {
  return mode === "precision" ? "F16" : "Q8_0";
}

export function loaded(mode: Mode): Loaded {
  const precision = precisionOf(mode);
  const { estimated_memory_bytes, memory_bytes, load_seconds } = measurement(precision);
  return {
    model: MODEL, precision, mode, estimated_bytes: estimated_memory_bytes, measured_bytes: memory_bytes,
    most_bytes: mode === "precision" ? 937_426_944 : 543_162_368, seconds: load_seconds,
  };
}

export function loadedInWords(mode: Mode): string {
  const { precision, seconds, measured_bytes, estimated_bytes, most_bytes } = loaded(mode);
  const megabytes = (bytes: number | null) => `${Math.floor((bytes ?? 0) / 1e6)} MB`;
  return `${precision} in ${seconds.toFixed(1)} s; memory: ${megabytes(measured_bytes)} taken, `
    + `${megabytes(estimated_bytes)} estimated; up to ${megabytes(most_bytes)} at full context`;
}

/** Before anything was served in either mode. */
export function modeViews(tested: boolean): ModeView[] {
  return (["precision", "volume"] as const).map((mode) => {
    const precision = precisionOf(mode);
    const perHour = PER_HOUR[precision] ?? 0;
    const hourly = (PRICES.typical(precisionClass(precision)) * BigInt(Math.round(perHour * 10))) / 10n;
    return {
      mode, model: MODEL, precision, precision_class: precisionClass(precision), benchmark: measurement(precision),
      predicted_requests_per_hour: perHour, measured_requests_per_hour: null,
      predicted_earnings_per_hour: hourly.toString(), tier: tested ? tier(precision) : null,
      work: { served: 0, prompt_tokens: 0, completion_tokens: 0, busy: { secs: 0, nanos: 0 } },
    };
  });
}

function tier(precision: Precision): Tier {
  return { capability: "low_end", precision: precisionClass(precision) };
}

/** What a test of this machine says. */
export function tierReport(precision: Precision, tested_at: Millis): TierReport {
  const full = precision === "F16";
  return {
    tier: tier(precision), tested_at,
    evidence: [
      answers(full ? 6 : 5, true), full ? prefill(351, "4.72e10") : prefill(94, "1.26e10"), decode(full ? 136 : 352), weights(precision),
    ],
    next_step: `High-end asks for ${full ? "31.8" : "119.0"} times this prefill rate: a GPU that the engine can use.`,
    step: { code: "read_faster", times_tenths: full ? 318 : 1190 },
  };
}

export function failedReport(precision: Precision, tested_at: Millis): TierReport {
  return {
    tier: null, tested_at,
    evidence: [answers(1, false), prefill(94, "1.26e10"), decode(352), weights(precision)],
    next_step: "Too few answers were right; a more exact precision or another model may answer better; "
      + "the next test follows by itself in 60 seconds.",
    step: { code: "too_few_right", again_seconds: 60 },
  };
}

/** As a router said it that had no codes yet. */
export function olderReport(report: TierReport): TierReport {
  const { tier, tested_at, next_step, evidence } = report;
  return { tier, tested_at, next_step, evidence: evidence.map(({ what, seen, asked, met }) => ({ what, seen, asked, met })) };
}

function answers(right: number, met: boolean): Evidence {
  return {
    what: "answers", seen: `${right} of 6 correct; ${right}.00 with partly right ones`, asked: "at least 2 correct", met,
    found: { code: "answers", right, questions: 6, score_hundredths: 100 * right, sets: 1, needed: 2 },
  };
}

function prefill(rate: number, work: string): Evidence {
  return {
    what: "prefill rate", seen: `${rate} prompt tokens/s, ${work} parameters x tokens/s`, asked: "1.50e12 parameters x tokens/s for high-end", met: false,
    found: { code: "prefill_rate", tokens_a_second: rate, work_a_second: Number(work), needed_a_second: 1.5e12 },
  };
}

function decode(tenths: number): Evidence {
  return {
    what: "decode rate", seen: `${(tenths / 10).toFixed(1)} tokens/s`, asked: "no minimum", met: true,
    found: { code: "decode_rate", tokens_a_second_tenths: tenths },
  };
}

function weights(precision: Precision): Evidence {
  return {
    what: "precision", seen: precision, asked: "F16, BF16 or F32 for full precision", met: precisionClass(precision) === "full",
    found: { code: "precision", precision },
  };
}
