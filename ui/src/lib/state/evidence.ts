// What a tier follows from, in the window's language where the network tells it with a code.
import { capitalised, formatLarge, formatNumber, formatPercent, formatSum, formatTokensPerSecond } from "../formats";
import type { Evidence, TierEvidence } from "../host/types";
import { english, t } from "../messages";
import { inWords, type WordsOf } from "./coded";

/** The plain name of something that the network measures; null: its own word is plain enough, or not known here. The
 *  network's word stays in sight below it, for its advice uses it. */
export function plainName(what: string): string | null {
  if (what === "prefill rate") return t("tier.seen_as.prefill_rate");
  return what === "decode rate" ? t("tier.seen_as.decode_rate") : null;
}

const NAMES: WordsOf<TierEvidence> = {
  answers: () => t("tier.found.name.answers"),
  prefill_rate: () => t("tier.seen_as.prefill_rate"),
  decode_rate: () => t("tier.seen_as.decode_rate"),
  precision: () => t("tier.found.name.precision"),
  audit_failed: () => t("tier.found.name.audit"),
  audit_consistent: () => t("tier.found.name.audit"),
  audit_open: () => t("tier.found.name.audit"),
  open_questions: () => t("tier.found.name.open_questions"),
};

const SEEN: WordsOf<TierEvidence> = {
  answers: ({ right, questions, score_hundredths, sets }) => {
    const answers = t("tier.found.answers.seen", { right, questions, score: formatSum(score_hundredths / 100) });
    return sets > 1 ? t("tier.found.answers.best_of", { answers, sets }) : answers;
  },
  prefill_rate: ({ tokens_a_second: rate, work_a_second: work }) => (rate === null || work === null
    ? t("tier.found.prefill_rate.none")
    : t("tier.found.prefill_rate.seen", { rate: formatNumber(rate), work: formatLarge(work) })),
  decode_rate: ({ tokens_a_second_tenths: tenths }) => (tenths === null ? t("tier.found.decode_rate.none") : formatTokensPerSecond(tenths / 10)),
  precision: ({ precision }) => precision,
  audit_failed: () => t("tier.found.audit.failed"),
  audit_consistent: ({ differing, tokens }) => t("tier.found.audit.consistent", { differing: formatNumber(differing), tokens: formatNumber(tokens) }),
  audit_open: ({ differing, tokens }) => t("tier.found.audit.open", { differing: formatNumber(differing), tokens: formatNumber(tokens) }),
  open_questions: ({ average, answers: count }) => t("tier.found.open_questions.seen", { average: formatPercent(average / 100), count }),
};

const audited = ({ needed }: { needed: number }): string => t("tier.found.audit.asked", { needed });

const ASKED: WordsOf<TierEvidence> = {
  answers: ({ needed }) => t("tier.found.answers.asked", { needed }),
  prefill_rate: ({ needed_a_second }) => t("tier.found.prefill_rate.asked", { work: formatLarge(needed_a_second) }),
  decode_rate: () => t("tier.found.decode_rate.asked"),
  precision: () => t("tier.found.precision.asked"),
  audit_failed: audited,
  audit_consistent: audited,
  audit_open: audited,
  open_questions: ({ needed }) => (needed === null ? t("tier.found.open_questions.none") : t("tier.found.open_questions.asked", { needed: formatPercent(needed / 100) })),
};

/** What was looked at, what was seen and what is asked for; for `MessageText`. */
export function evidenceInWords({ what, seen, asked, found }: Evidence): { name: string; seen: string; asked: string } {
  return {
    name: inWords(NAMES, found) ?? plainName(what) ?? english(capitalised(what)),
    seen: inWords(SEEN, found) ?? english(seen),
    asked: inWords(ASKED, found) ?? english(asked),
  };
}
