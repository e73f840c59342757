import type { Placement } from "../host/types";
import { t } from "../messages";

/** Where a model computes, in words. */
export function inPlace(placement: Placement): string {
  if (placement.on === "processor") return t("node.plan.place.processor");
  const cards = placement.cards.join(" + ");
  if (placement.on === "cards") return t("node.plan.place.cards", { cards });
  const { card_layers, processor_layers } = placement;
  return t("node.plan.place.split", { cards, card_layers, processor_layers });
}
