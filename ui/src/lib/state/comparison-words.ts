// What a comparison comes to, in sentences.
import { formatBytes, formatNats, formatNumber, formatShare, formatTokens } from "../formats";
import type { Arrangement, Comparison, ComparisonPhase } from "../host/types";
import { t } from "../messages";
import { levelOf, titleOf, visible, type Place } from "./divergence";

/** For each side but the reference: until where it says the same. */
export function partings(comparison: Comparison): string[] {
  const [reference, ...others] = comparison.sides;
  if (!reference) return [];
  const whole = ["done", "scoring"].includes(comparison.phase);
  return others.map((side) => {
    const names = { side: titleOf(side), reference: titleOf(reference), count: side.equal_tokens, value: formatNumber(side.equal_tokens) };
    if (side.first_divergence === null) return t(whole ? "compare.parting.never" : "compare.parting.not_yet", names);
    return t(side.equal_tokens === 0 ? "compare.parting.at_once" : "compare.parting.after", names);
  });
}

/** Whether the models shared the memory, why, and what that meant for mining. */
export function arrangementWords(comparison: Comparison): string {
  const how = comparison.arrangement ? [sharingWords(comparison.arrangement)] : [];
  const over = ["done", "stopped", "failed"].includes(comparison.phase);
  const mining = comparison.mining === "nothing" ? [] : [t(over ? `compare.mining.over.${comparison.mining}` : `compare.mining.now.${comparison.mining}`)];
  return [...how, ...mining].join(" ");
}

/** Whether models share the memory, and by which figures. */
export function sharingWords({ how, together_bytes, usable_bytes }: Arrangement): string {
  return t(how === "together" ? "compare.sharing.together" : "compare.sharing.in_turn", { together: formatBytes(together_bytes), usable: formatBytes(usable_bytes) });
}

/** What was asked, in as far as the name does not say it. */
export function questionWords({ name, request }: Comparison): string[] {
  if (!request) return [];
  const { prompt, system, sampling } = request;
  const tokens = formatTokens(sampling.max_tokens);
  const drawn = { temperature: formatNumber(sampling.temperature, 2), top_p: formatNumber(sampling.top_p ?? 1, 2), tokens };
  return [
    ...(prompt === name ? [] : [t("compare.asked", { prompt })]),
    ...(system ? [t("compare.with_system", { system })] : []),
    t(sampling.top_p === null ? "compare.settings" : "compare.settings_top_p", drawn),
  ];
}

/** What goes on, with the side that it is about. */
export function phaseWords(comparison: Comparison): string {
  const busy = comparison.sides.find((side) => side.state === (comparison.phase === "loading" ? "loading" : "answering"));
  const side = busy ? titleOf(busy) : "";
  const phase: ComparisonPhase = comparison.phase;
  if (phase === "loading" && busy) return t("compare.phase.loading_named", { side });
  return t(`compare.phase.${phase}`);
}

/** A token, as it is read out. */
export function tokenName(comparison: Comparison, place: Place): string {
  const side = comparison.sides[place.side];
  const token = side?.tokens[place.index];
  if (!side || !token) return "";
  const name = t("compare.token_named", { token: visible(token.text), side: titleOf(side), place: formatNumber(place.index + 1), of: formatNumber(side.tokens.length) });
  const parts = side.first_divergence === place.index ? [t("compare.first_difference")] : [];
  const level = levelOf(token.divergence);
  if (level === null || token.divergence === null) return [name, ...parts].join(", ");
  const apart = t("compare.panel.divergence", { value: formatNats(token.divergence), words: t(`compare.apart_word.${level}`) });
  const likeliest = token.top.flatMap(([top], index) => {
    const other = comparison.sides[index];
    return top && other ? [t("compare.expects_named", { side: titleOf(other), token: visible(top.text), share: formatShare(top.probability) })] : [];
  });
  return [name, ...parts, apart, ...likeliest].join(", ");
}
