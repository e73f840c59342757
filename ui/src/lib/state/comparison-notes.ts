// What there is to know of how sides were compared, in sentences.
import { formatNumber } from "../formats";
import type { Comparison, ComparisonSide, NodeAddress } from "../host/types";
import { t } from "../messages";
import { titleOf } from "./divergence";

/** Side by side; `own`: the address of this computer's node, which may be the one that the network had answer. */
export function notesOf({ sides }: Comparison, own: NodeAddress | null): string[] {
  const [reference] = sides;
  if (!reference) return [];
  return sides.flatMap((side, index) => [
    ...remoteNotes(side, own),
    ...(side.own_prompt ? [t("compare.note.own_prompt", { side: titleOf(side) })] : []),
    ...unscoredNotes(side),
    ...(index > 0 && (side.by_text || reference.by_text) ? [t("compare.note.by_text", { side: titleOf(side), reference: titleOf(reference) })] : []),
  ]);
}

function remoteNotes(side: ComparisonSide, own: NodeAddress | null): string[] {
  const { remote } = side;
  if (!remote) return [];
  const named = { side: titleOf(side), asked: remote.asked, url: remote.api_url, node: remote.node ?? "", tokenizer: remote.tokenizer };
  return [
    t(remote.node ? "compare.note.remote_by" : "compare.note.remote", named),
    ...(remote.node && remote.node === own ? [t("compare.note.own_node")] : []),
    t("compare.note.cut", named),
  ];
}

function unscoredNotes(side: ComparisonSide): string[] {
  const { unscored } = side;
  if (!unscored) return [];
  if (unscored.why !== "other_vocabulary") return [t(`compare.note.${unscored.why}`, { side: titleOf(side) })];
  const { reference, reference_tokens, tokens } = unscored;
  return [t("compare.note.other_vocabulary", { side: titleOf(side), reference, tokens: formatNumber(tokens), reference_tokens: formatNumber(reference_tokens) })];
}
