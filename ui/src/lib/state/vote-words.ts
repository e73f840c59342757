import { formatNumber, formatPercent } from "../formats";
import type { VoteSummary } from "../host/types";
import { t } from "../messages";

/** Whether the user tells two precisions apart, with the interval; before there are enough votes, how many are missing. */
export function toldWords(summary: VoteSummary): string {
  const { exact, other, share, told, least_votes, for_exact, for_other, equal } = summary;
  const votes = for_exact + for_other + equal;
  const missing = Math.max(least_votes - votes, 0);
  if (told === "too_few") return t("vote.told.too_few", { count: missing, value: formatNumber(missing), least: formatNumber(least_votes) });
  const [least, most] = summary.interval.map(formatPercent);
  return [t(`vote.told.${told}`, { exact, other }), t("vote.interval", { count: votes, value: formatNumber(votes), exact, share: formatPercent(share), least, most })].join(" ");
}
