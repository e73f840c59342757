import { t } from "../messages";

/** The plain name of something that the network measures; null: its own word is plain enough, or not known here. The
 *  network's word stays in sight below it, for its advice uses it. */
export function plainName(what: string): string | null {
  if (what === "prefill rate") return t("tier.seen_as.prefill_rate");
  return what === "decode rate" ? t("tier.seen_as.decode_rate") : null;
}
