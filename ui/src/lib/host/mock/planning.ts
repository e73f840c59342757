/** What the recorded machine plans, within any limits: the real planner's rules, as far as three files of one model need them. */

import type { Alternative, Choice, ChoiceReason, MemoryEstimate, Mode, Plan, Precision, SpeedEstimate, Verdict, WhatIf } from "../types";
import { failure } from "./failure";
import { HARDWARE, LADDER, PER_HOUR, precisionClass, variant } from "./machine";

const WEIGHTS: Record<string, number> = { F16: 687_865_856, Q8_0: 293_601_280, Q4_0: 239_075_328 };
const ENGINE = 62_914_560;
const CACHE_PER_TOKEN = 92_160;
const WORKING_PER_TOKEN = 27_648;
const SLOTS = 2;
/** What the recorded miner is set to. */
const USUAL_CONTEXT = 1024;
const MOST_CONTEXT = 8192;
const LEAST_CONTEXT = 512;
const DECODED_BY_MEMORY: Record<string, number> = { F16: 15.1, Q8_0: 41.8, Q4_0: 44.2 };

export const plan = (): Plan => planWithin({ memory_budget_bytes: null, context_tokens: null, slots: null });

/** The same after the one for volume ran out of memory. */
export function planAfterRunningOut(): Plan {
  const usual = plan();
  const { variant: chosen, reasons, why = [] } = usual.volume;
  const failed = { context_tokens: USUAL_CONTEXT, slots: 1 };
  const less = { ...failed, context_tokens: LEAST_CONTEXT };
  const reason = `The context is ${LEAST_CONTEXT} tokens instead of ${USUAL_CONTEXT}, since it ran out of memory with that.`;
  const code: ChoiceReason = { code: "less_context", context_tokens: LEAST_CONTEXT, before: USUAL_CONTEXT };
  const volume = {
    ...usual.volume, load: less, memory: memoryOf(chosen.precision, LEAST_CONTEXT), reasons: [...reasons, reason], why: [...why, code],
  };
  return { ...usual, volume, limits: [{ artifact: chosen.artifact, backend: null, failed, most: less }] };
}

/** Rejects what the settings would, and says so where nothing fits. */
export function planWithin({ memory_budget_bytes: budget, context_tokens: context }: WhatIf): Plan {
  refuse("memory_budget_bytes", budget, 64 * 2 ** 20, 2 ** 50);
  refuse("context_tokens", context, 256, 2 ** 20);
  const usable = Math.min(HARDWARE.memory.free_bytes, budget === null ? Infinity : Math.floor(budget * 0.9));
  const alternatives = LADDER.map((precision) => alternative(precision, Math.min(context ?? USUAL_CONTEXT, MOST_CONTEXT), usable));
  alternatives.sort((left, right) => Number(left.fit === "does_not_fit") - Number(right.fit === "does_not_fit"));
  if (alternatives[0]?.fit === "does_not_fit") {
    const least = alternatives.at(-1) as Alternative;
    throw failure(
      "memory",
      `no model fits: the smallest, ${least.variant.precision}, needs ${megabytes(total(least.memory))} and ${megabytes(usable)} may be `
        + "used; close other programs or raise memory_budget_bytes in settings.toml",
    );
  }
  return {
    precision: choice("precision", alternatives, usable), volume: choice("volume", alternatives, usable), alternatives,
    advice: [], other_builds: [], limits: [],
  };
}

function refuse(name: string, value: number | null, least: number, most: number): void {
  if (value === null || (value >= least && value <= most)) return;
  throw failure("settings", `what if: ${name} is ${value} and must be between ${least} and ${most}`, name);
}

function alternative(precision: Precision, wished: number, usable: number): Alternative {
  let context = wished;
  while (total(memoryOf(precision, context)) > usable && context > LEAST_CONTEXT) context = Math.max(LEAST_CONTEXT, Math.floor(context / 2));
  const memory = memoryOf(precision, context);
  const room = total(memory) <= usable;
  const bytes = { needed_bytes: total(memory), usable_bytes: usable };
  const needs = megabytes(bytes.needed_bytes);
  return {
    variant: variant(precision),
    fit: room ? (context < wished ? "fits_with_less_context" : "fits") : "does_not_fit",
    reason: room ? `needs ${needs} of ${megabytes(usable)}` : `needs ${needs}, ${megabytes(usable)} may be used`,
    why: { code: room ? "fits" : "too_large", ...bytes },
    placement: { on: "processor" },
    load: { context_tokens: context, slots: SLOTS },
    memory,
    measured_requests_per_hour: room ? (PER_HOUR[precision] ?? null) : null,
    estimate: room ? estimateOf(precision) : null,
  };
}

/** Among what fits, the most exact, or the one that serves most. */
function choice(mode: Mode, alternatives: Alternative[], usable: number): Choice {
  const fitting = alternatives.filter((one) => one.fit !== "does_not_fit");
  const rate = (one: Alternative) => one.measured_requests_per_hour ?? 0;
  const best = mode === "precision" ? fitting[0] : [...fitting].sort((left, right) => rate(right) - rate(left))[0];
  const { variant: chosen, load, placement, memory, estimate, measured_requests_per_hour } = best as Alternative;
  const full = precisionClass(chosen.precision) === "full";
  const why = full ? "The most exact weights that fit into free memory." : "No full-precision file fits here; this is the most exact one that does.";
  const most = `Measured here as the one that serves most: ${rate(best as Alternative).toFixed(0)} requests an hour of 256 prompt and 128 answer tokens.`;
  const codes: Record<Mode, ChoiceReason> = {
    precision: { code: full ? "most_exact" : "most_exact_quantized" },
    volume: { code: "measured", most: "serves", tie: false, requests_per_hour: rate(best as Alternative), prompt_tokens: 256, completion_tokens: 128 },
  };
  return {
    mode, variant: chosen, load, placement, memory, estimate,
    devices: [{ card: null, layers: chosen.geometry.layers, needed_bytes: total(memory), usable_bytes: usable }],
    predicted_requests_per_hour: measured_requests_per_hour,
    reasons: [mode === "precision" ? why : most, `It should take ${megabytes(total(memory))} of the ${megabytes(usable)} that may be used.`],
    why: [codes[mode], { code: "memory", needed_bytes: total(memory), usable_bytes: usable }],
    runners_up: alternatives.filter((other) => other.variant.artifact !== chosen.artifact).map((other) => ({
      model: other.variant.model, precision: other.variant.precision, artifact: other.variant.artifact, ...whyNot(mode, other),
    })),
  };
}

function whyNot(mode: Mode, { fit, reason, why, measured_requests_per_hour: rate }: Alternative): { why_not: string; why?: Verdict } {
  if (fit === "does_not_fit") return { why_not: reason, ...(why && { why }) };
  if (mode === "precision") return { why_not: "less exact", why: { code: "less_exact" } };
  return { why_not: `measured at ${(rate ?? 0).toFixed(0)} requests an hour`, why: { code: "measured", requests_per_hour: rate ?? 0 } };
}

function memoryOf(precision: Precision, context: number): MemoryEstimate {
  return {
    weights_bytes: WEIGHTS[precision] ?? 0, kv_cache_bytes: CACHE_PER_TOKEN * context, working_bytes: WORKING_PER_TOKEN * context + 64e6,
    engine_bytes: ENGINE,
  };
}

function estimateOf(precision: Precision): SpeedEstimate {
  const decode = DECODED_BY_MEMORY[precision] ?? 1;
  const seconds = 256 / (decode * (precision === "F16" ? 20 : 2.6)) + 128 / decode;
  return { decode_tokens_per_second: decode, requests_per_hour: 3600 / seconds, error_factor: 1.7 };
}

const total = (memory: MemoryEstimate): number => memory.weights_bytes + memory.kv_cache_bytes + memory.working_bytes + memory.engine_bytes;
const megabytes = (bytes: number): string => `${Math.floor(bytes / 1e6)} MB`;
