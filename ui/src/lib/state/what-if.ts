// Other limits as they are typed, and what is compared and said of the answer.
import type { Alternative, Choice, Fit, Plan, Precision, WhatIf } from "../host/types";
import type { Shown } from "./failure";
import { exactness } from "./ladder";
import type { Fault } from "./settings-form";

export type LimitsDraft = { memory: string; context: string };
export type LimitFaults = Partial<Record<keyof LimitsDraft, Fault>>;

const GIGABYTE = 1e9;
/** The draft's fields by the names that the miner refuses them with. */
const FIELDS: Record<string, keyof LimitsDraft> = { memory_budget_bytes: "memory", context_tokens: "context" };

/** Empty: no limit. */
export function limitsOf({ memory, context }: LimitsDraft): WhatIf {
  const number = (text: string, each: number) => (text.trim() === "" ? null : Math.round(Number(text.trim().replace(",", ".")) * each));
  return { memory_budget_bytes: number(memory, GIGABYTE), context_tokens: number(context, 1), slots: null };
}

export function faultsOf({ memory, context }: LimitsDraft): LimitFaults {
  const faults: LimitFaults = {};
  if (!/^(\d+([.,]\d+)?)?$/.test(memory.trim())) faults.memory = { is: "not_a_number" };
  if (!/^\d*$/.test(context.trim())) faults.context = { is: "not_whole" };
  return faults;
}

/** What the miner refused beside its field; nothing where it is about none of them. */
export function refusedField(failure: Shown | null): LimitFaults {
  const field = failure?.field && FIELDS[failure.field];
  return failure && field ? { [field]: { is: "refused", message: failure.message } } : {};
}

export const neededBytes = ({ memory }: Pick<Alternative, "memory">): number =>
  memory.weights_bytes + memory.kv_cache_bytes + memory.working_bytes + memory.engine_bytes;

/** Measured, or else estimated; what is not known counts least. */
const rateOf = (one: Alternative): number => one.measured_requests_per_hour ?? one.estimate?.requests_per_hour ?? -1;
const fits: readonly Fit[] = ["fits", "fits_with_less_context", "does_not_fit"];
const place = (precision: Precision): number => exactness.indexOf(precision);

/** How rows are told apart, by what they are sorted by. */
export const orders = {
  model: (left: Alternative, right: Alternative) =>
    left.variant.geometry.parameters - right.variant.geometry.parameters || left.variant.model.localeCompare(right.variant.model),
  precision: (left: Alternative, right: Alternative) => place(left.variant.precision) - place(right.variant.precision),
  fit: (left: Alternative, right: Alternative) => fits.indexOf(left.fit) - fits.indexOf(right.fit),
  context: (left: Alternative, right: Alternative) => left.load.context_tokens - right.load.context_tokens,
  memory: (left: Alternative, right: Alternative) => neededBytes(left) - neededBytes(right),
  rate: (left: Alternative, right: Alternative) => rateOf(left) - rateOf(right),
};

export const choiceOf = (plan: Plan, mode: Choice["mode"]): Choice => (mode === "precision" ? plan.precision : plan.volume);
