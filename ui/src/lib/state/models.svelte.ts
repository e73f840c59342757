import type { Host, Unwatch } from "../host/host";
import type { DownloadView, ModelsView, ModelView, VariantView } from "../host/types";
import type { Shown } from "./failure";
import { following } from "./following";

/** A format with the model that it is of. */
export type Row = { model: ModelView; variant: VariantView };

/** The models and downloads as they were last told. */
export class ModelsStore {
  /** null: nothing was told yet. */
  view = $state.raw<ModelsView | null>(null);
  /** Why nothing is told. */
  failure = $state.raw<Shown | null>(null);
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows them until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    return following(this.#host.watchModels((view) => (this.view = view)), (failure) => (this.failure = failure));
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
