// Why a task was not paid or its pay was taken back, in the window's language where the network says it with a code.
import { formatNumber, said, sentence } from "../formats";
import type { UnpaidReason } from "../host/types";
import { english, t } from "../messages";
import { inWords, type WordsOf } from "./coded";

/** What engines, checks of a request and checks of an answer say is English. */
const messageOf = ({ message }: { message: string }): { message: string } => ({ message: english(message) });

const REASONS: WordsOf<UnpaidReason> = {
  empty_answer: () => t("activity.unpaid.empty_answer"),
  wrong_answer: () => t("activity.unpaid.wrong_answer"),
  no_incentive: () => t("activity.unpaid.no_incentive"),
  connection_lost: () => t("activity.unpaid.connection_lost"),
  router_stopped: () => t("activity.unpaid.router_stopped"),
  deadline_passed: () => t("activity.unpaid.deadline_passed"),
  engine_failed: (said) => t("activity.unpaid.engine_failed", messageOf(said)),
  bad_request: (said) => t("activity.unpaid.bad_request", messageOf(said)),
  context_exceeded: ({ context_tokens }) => t("activity.unpaid.context_exceeded", { holds: formatNumber(context_tokens) }),
  context_not_exceeded: ({ most_tokens, context_tokens }) =>
    t("activity.unpaid.context_not_exceeded", { most: formatNumber(most_tokens), holds: formatNumber(context_tokens) }),
  rules_broken: (said) => t("activity.unpaid.rules_broken", messageOf(said)),
  round_parted: ({ token }) => t("activity.unpaid.round_parted", { token: formatNumber(token) }),
  round_lay_apart: () => t("activity.unpaid.round_lay_apart"),
  round_not_compared: () => t("activity.unpaid.round_not_compared"),
  round_undecided: () => t("activity.unpaid.round_undecided"),
  round_given_up: () => t("activity.unpaid.round_given_up"),
  round_late: () => t("activity.unpaid.round_late"),
  claim_fell: () => t("activity.unpaid.claim_fell"),
  audit_failed: ({ precision, engine }) => t("activity.unpaid.audit_failed", { precision, engine }),
};

export const unpaidInWords = (reason: UnpaidReason | undefined): string | null => inWords(REASONS, reason);

/** Why, as a part of a sentence, for `MessageText`. */
export const unpaidBecause = ({ why, reason }: { why?: UnpaidReason; reason: string }): string => unpaidInWords(why) ?? english(reason);

/** The same as a sentence of its own. */
export function unpaidSentence({ why, reason }: { why?: UnpaidReason; reason: string }): string {
  const words = unpaidInWords(why);
  return words === null ? said(reason) : sentence(words);
}
