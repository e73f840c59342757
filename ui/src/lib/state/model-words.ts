// What is said of models and downloads.
import { formatBytes, formatDuration, formatNumber } from "../formats";
import type { Badge, DownloadView, ModelsView, VariantView } from "../host/types";
import { t } from "../messages";
import type { Row } from "./models";

/** A model in one format, as people call it. */
export function nameOf(view: ModelsView, id: string, format: string): string {
  const model = view.models?.find((one) => one.id === id || one.variants.some((variant) => variant.id === id));
  return t("models.way.name", { model: model?.name ?? id, format });
}

export const nameOfRow = ({ model, variant }: Row): string => t("models.way.name", { model: model.name, format: variant.format });

/** What a download is doing. */
export function phaseWords({ phase }: DownloadView): string {
  if (phase.is === "coming") return t("models.way.coming", { host: phase.host });
  if (phase.is === "waiting") return t(phase.code === "busy" ? "models.way.waiting_busy" : "models.way.waiting", { host: phase.host });
  return t(`models.way.${phase.is}`);
}

/** How much came, how fast, and how long it will take. */
export function figuresOf({ phase, done_bytes: done, total_bytes: total }: DownloadView): string {
  const figures = done !== null && total !== null ? [t("models.way.of", { done: formatBytes(done), total: formatBytes(total) })] : [];
  if (phase.is === "coming") {
    const { bytes_per_second: rate, seconds_left: left } = phase;
    if (rate !== null) figures.push(t("unit.bytes_per_second", { value: formatBytes(rate) }));
    if (left !== null) figures.push(t("models.way.left", { duration: formatDuration(left * 1000) }));
  }
  return figures.join(" · ");
}

/** 0 to 1; null: nobody can say, while it runs. */
export function progressOf({ phase, done_bytes: done, total_bytes: total }: DownloadView): number | null {
  if (done !== null && total !== null && total > 0 && phase.is !== "asking") return Math.min(1, done / total);
  return phase.is === "asking" || phase.is === "verifying" ? null : 0;
}

/** About what it takes, and with how much context where that is less than one would wish. */
export function fitWords({ fit, needed_bytes: bytes, context_tokens: tokens }: Badge): string {
  const needed = formatBytes(bytes);
  return fit === "fits_with_less_context" ? t("models.had.needs_context", { needed, tokens: formatNumber(tokens) }) : t("models.had.needs", { needed });
}

/** What is wrong with what is here, if anything, and what needs it. */
export function conditionWords({ place }: VariantView): string[] {
  if (place.is !== "here") return [];
  const wrong = place.condition === "whole" ? [] : [t(`models.condition.${place.condition}`)];
  const uses = place.uses.map((use) => t(`models.use.${use}`));
  return [...wrong, ...uses, ...(place.keep ? [t("models.here.kept")] : [])];
}
