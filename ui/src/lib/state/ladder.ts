import type { Precision, Status } from "../host/types";

/** Every precision, the most exact first: the order of the type. */
export const exactness: readonly Precision[] = [
  "F32", "BF16", "F16", "Q8_0", "Q6_K", "Q5_1", "Q5_0", "Q5_K", "Q4_1", "Q4_0", "Q4_K", "Q3_K", "Q2_K",
];

/** The model whose precisions are made here. A test of the app's holds it to be so. */
const STARTER = "smollm2-135m-instruct";

/** The starter model's precisions, as far as the miner has said: the most exact first. */
export function ladderOf(status: Status | null): Precision[] {
  const plan = status?.plan;
  const planned = plan ? [plan.precision, plan.volume].flatMap((choice) => [choice.variant, ...choice.runners_up]) : [];
  const ofStarter = [...(status?.measurements ?? []), ...planned].filter((one) => one.model === STARTER);
  const known = new Set(ofStarter.map((one) => one.precision));
  return exactness.filter((precision) => known.has(precision));
}

/** The reference and what it is worth comparing with first: what is served for volume, or else the least exact. */
export function usualSides(status: Status | null): Precision[] {
  const ladder = ladderOf(status);
  const [reference] = ladder;
  const other = ladder.at(-1);
  return reference && other && reference !== other ? [reference, other] : [];
}
