import type { Host } from "../host/host";
import type { DownloadView, ModelsView, ModelView, VariantView } from "../host/types";
import { Told } from "./told.svelte";

/** A format with the model that it is of. */
export type Row = { model: ModelView; variant: VariantView };

/** The models and downloads. */
export class ModelsStore extends Told<ModelsView> {
  constructor(host: Host) {
    super((seen) => host.watchModels(seen));
  }
}

export const keyOf = ({ variant }: Row): string => `${variant.id} ${variant.format}`;

function rowsOf(view: ModelsView): Row[] {
  return (view.models ?? []).flatMap((model) => model.variants.map((variant) => ({ model, variant })));
}

/** What is on this computer. */
export const rowsHere = (view: ModelsView): Row[] => rowsOf(view).filter(({ variant }) => variant.place.is === "here");

/** What is not, in the order of the list. */
export const rowsToHave = (view: ModelsView): Row[] => rowsOf(view).filter(({ variant }) => variant.place.is !== "here");

export function downloadOf(view: ModelsView, { variant }: Row): DownloadView | undefined {
  return view.downloads.find((download) => download.id === variant.id && download.format === variant.format);
}
