// What the network says of the tier, in the window's language where it says it with a code.
import { formatNumber, formatSpan, said } from "../formats";
import type { TierStep } from "../host/types";
import { t } from "../messages";
import { inWords, type WordsOf } from "./coded";

const STEPS: WordsOf<TierStep> = {
  too_few_right: ({ again_seconds }) => t("tier.step.too_few_right", { wait: formatSpan(again_seconds) }),
  not_timed: ({ again_seconds }) => t("tier.step.not_timed", { wait: formatSpan(again_seconds) }),
  serve_as_named: ({ again_seconds }) => t("tier.step.serve_as_named", { wait: formatSpan(again_seconds) }),
  read_faster: ({ times_tenths }) => t("tier.step.read_faster", { times: formatNumber(times_tenths / 10, 1) }),
  full_weights: () => t("tier.step.full_weights"),
  highest: () => t("tier.step.highest"),
};

export const tierStepInWords = (step: TierStep | undefined): string | null => inWords(STEPS, step);

/** What would raise it, as a sentence for `MessageText`. */
export const tierNext = ({ step, next_step }: { step?: TierStep; next_step: string }): string => tierStepInWords(step) ?? said(next_step);
