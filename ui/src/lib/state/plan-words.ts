// What the planner says of its choices, in the window's language where it says it with a code.
import { formatBytes, formatList, formatNumber, formatPercent, formatRequestsPerHour, formatTokens, said, sentence } from "../formats";
import type { Advice, Alternative, Backend, CardName, Choice, ChoiceReason, IdleCard, Load, Plan, RunnerUp, Verdict } from "../host/types";
import { english, t } from "../messages";
import { inWords, type WordsOf } from "./coded";

type Rated = Extract<ChoiceReason, { code: "measured" | "estimated" }>;

const rated = ({ most, tie, requests_per_hour, prompt_tokens, completion_tokens }: Rated) => ({
  what: t(`node.plan.why.most.${most}${tie ? "_tie" : ""}`), rate: formatRequestsPerHour(requests_per_hour),
  prompt: formatNumber(prompt_tokens), answer: formatNumber(completion_tokens),
});
const named = (cards: CardName[]): string =>
  formatList(cards.map(({ index, model }) => (model === null ? t("node.plan.why.card", { index }) : t("node.plan.why.card_named", { index, model }))));
const room = ({ needed_bytes, usable_bytes }: { needed_bytes: number; usable_bytes: number }) => ({
  needed: formatBytes(needed_bytes), usable: formatBytes(usable_bytes),
});

const REASONS: WordsOf<ChoiceReason> = {
  all_slow: () => t("node.plan.why.all_slow"),
  most_exact: () => t("node.plan.why.most_exact"),
  largest_in_full: () => t("node.plan.why.largest_in_full"),
  full_too_slow: () => t("node.plan.why.full_too_slow"),
  most_exact_quantized: () => t("node.plan.why.most_exact_quantized"),
  largest_quantized: () => t("node.plan.why.largest_quantized"),
  not_measured: () => t("node.plan.why.not_measured"),
  measured: (reason) => t("node.plan.why.measured", rated(reason)),
  estimated: (reason) => t("node.plan.why.estimated", { ...rated(reason), factor: formatNumber(reason.error_factor, 1) }),
  busy: ({ share }) => t("node.plan.why.busy", { share: formatPercent(share) }),
  memory: (reason) => t("node.plan.why.memory", room(reason)),
  budget_margin: () => t("node.plan.why.budget_margin"),
  fewer_slots: ({ slots, before }) => t("node.plan.why.fewer_slots", { count: slots, before: formatNumber(before) }),
  less_context: ({ context_tokens, before }) =>
    t("node.plan.why.less_context", { tokens: formatTokens(context_tokens), before: formatNumber(before) }),
  shorter_to_fit: ({ context_tokens, wished }) =>
    t("node.plan.why.shorter_to_fit", { tokens: formatTokens(context_tokens), wished: formatNumber(wished) }),
  on_cards: ({ cards }) => t("node.plan.why.on_cards", { cards: named(cards) }),
  split: ({ cards, card_layers, processor_layers, gained }) => {
    const layers = { cards: named(cards), card_layers: formatNumber(card_layers), processor_layers: formatNumber(processor_layers) };
    return gained === null ? t("node.plan.why.split", layers) : t("node.plan.why.split_gained", { ...layers, times: formatNumber(gained, 1) });
  },
};

const loadInWords = ({ context_tokens, slots }: Load): string =>
  t("node.plan.verdict.load", { count: slots, tokens: formatTokens(context_tokens) });

const VERDICTS: WordsOf<Verdict> = {
  too_slow: ({ measured, requests_per_hour }) =>
    t(`node.plan.verdict.too_slow_${measured ? "measured" : "estimated"}`, { rate: formatRequestsPerHour(requests_per_hour) }),
  less_exact: () => t("node.plan.verdict.less_exact"),
  larger_but_quantized: () => t("node.plan.verdict.larger_but_quantized"),
  smaller: () => t("node.plan.verdict.smaller"),
  measured: ({ requests_per_hour }) => t("node.plan.verdict.measured", { rate: formatRequestsPerHour(requests_per_hour) }),
  estimated: ({ requests_per_hour }) => t("node.plan.verdict.estimated", { rate: formatRequestsPerHour(requests_per_hour) }),
  not_measured: () => t("node.plan.verdict.not_measured"),
  fits: (verdict) => t("node.plan.verdict.fits", room(verdict)),
  fits_with_less: (verdict) =>
    t("node.plan.verdict.fits_with_less", { ...room(verdict), tokens: formatTokens(verdict.context_tokens) }),
  fits_after_running_out: ({ failed, load, ...bytes }) =>
    t("node.plan.verdict.fits_after_running_out", { ...room(bytes), failed: loadInWords(failed), load: loadInWords(load) }),
  too_large: (verdict) => t("node.plan.verdict.too_large", room(verdict)),
  ran_out_of_memory: ({ context_tokens }) => t("node.plan.verdict.ran_out_of_memory", { tokens: formatTokens(context_tokens) }),
};

/** The names that builds have. */
const BUILDS: Record<Backend, string> = { cuda: "CUDA", metal: "Metal" };
const idle = (cards: IdleCard[]): string =>
  formatList(cards.map(({ index, model, free_bytes: free }) => {
    if (free === null) return t("node.plan.other_build.card", { index, model });
    return t("node.plan.other_build.card_free", { index, model, free: formatBytes(free) });
  }));

const ADVICE: WordsOf<Advice> = {
  would_compute: ({ build, cards, model, precision }) =>
    t("node.plan.other_build.would_compute", { build: BUILDS[build], cards: idle(cards), model, precision }),
  nothing_would_fit: ({ build, cards }) => t("node.plan.other_build.nothing_would_fit", { build: BUILDS[build], cards: idle(cards) }),
};

/** What other builds would make of this machine, as sentences for `MessageText`. */
export const adviceInWords = ({ other_builds, advice }: Pick<Plan, "other_builds" | "advice">): string[] =>
  advice.map((one, index) => inWords(ADVICE, other_builds?.[index]) ?? english(one));

/** Why a mode serves what it serves, as sentences for `MessageText`. */
export const reasonsInWords = ({ why, reasons }: Pick<Choice, "why" | "reasons">): string[] =>
  reasons.map((reason, index) => inWords(REASONS, why?.[index]) ?? english(reason));

/** Why it was not chosen, as a part of a sentence for `MessageText`. */
export const whyNotInWords = ({ why, why_not }: Pick<RunnerUp, "why" | "why_not">): string => inWords(VERDICTS, why) ?? english(why_not);

/** Why a choice passed over a file, as a sentence for `MessageText`; null: it is the one that was chosen. */
export function passedOver(choice: Choice, { variant, reason, why }: Alternative): string | null {
  if (choice.variant.artifact === variant.artifact) return null;
  const other = choice.runners_up.find(({ artifact }) => artifact === variant.artifact) ?? { why_not: reason, ...(why && { why }) };
  const words = inWords(VERDICTS, other.why);
  return words === null ? said(other.why_not) : sentence(words);
}
