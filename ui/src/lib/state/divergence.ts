// How far apart two precisions are at a token, in words and levels.
import type { Comparison, ComparisonSide } from "../host/types";
import { t } from "../messages";

/** Nats from which on a level is the next one. Key of `compare.apart.*`. */
const STEPS = [0.01, 0.1, 0.5] as const;
export const levels = [0, 1, 2, 3] as const;
export type Level = (typeof levels)[number];

/** 0: nearly the same; 3: far apart; null: not known yet. */
export function levelOf(divergence: number | null): Level | null {
  if (divergence === null) return null;
  return STEPS.filter((step) => divergence >= step).length as Level;
}

/** A token that is pointed at: its side and its place. */
export type Place = { side: number; index: number };

/** What is shown before anything is pointed at: where the answers part, or their first token. */
export function placeToBegin({ sides, first_divergence }: Comparison): Place | null {
  const index = first_divergence ?? 0;
  const parted = sides.findIndex((side, at) => at > 0 && side.first_divergence === index && side.tokens.length > index);
  const side = parted >= 0 ? parted : sides.findIndex((one) => one.tokens.length > index);
  return side < 0 ? null : { side, index };
}

/** Where an arrow key leads: along a side, or to the same place of another side. null: it is no such key. */
export function moved(sides: readonly ComparisonSide[], from: Place, key: string): Place | null {
  const last = (side: number): number => Math.max((sides[side]?.tokens.length ?? 0) - 1, 0);
  const along = (index: number): Place => ({ ...from, index: Math.min(Math.max(index, 0), last(from.side)) });
  const across = (side: number): Place => {
    const to = Math.min(Math.max(side, 0), sides.length - 1);
    return sides[to]?.tokens.length ? { side: to, index: Math.min(from.index, last(to)) } : from;
  };
  if (key === "ArrowRight") return along(from.index + 1);
  if (key === "ArrowLeft") return along(from.index - 1);
  if (key === "Home") return along(0);
  if (key === "End") return along(last(from.side));
  if (key === "ArrowDown") return across(from.side + 1);
  return key === "ArrowUp" ? across(from.side - 1) : null;
}

export function titleOf({ label, precision, remote }: Pick<ComparisonSide, "label" | "precision" | "remote">): string {
  if (!remote) return label ?? precision ?? "";
  const what = [label, precision].filter(Boolean).join(" ");
  return what ? t("compare.remote.title_of", { what }) : t("compare.remote.title");
}

/** A token as it can be read by itself: spaces and line ends are shown. */
export function visible(text: string): string {
  return text.replaceAll("\n", "↵").replaceAll("\t", "→").replace(/^ | $/g, "␣") || "∅";
}
