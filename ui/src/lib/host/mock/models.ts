/** Models of the mock: downloads one after the other, imports, formats that are made, files that are kept and deleted. */

import type { Host } from "../host";
import type { DownloadPhase, DownloadView, ModelsView, Precision, VariantView, WorkKind, WorkPhase } from "../types";
import type { Clock } from "./clock";
import { failure } from "./failure";
import { MODEL } from "./machine";
import { here, MODELS_FOLDER, recordedModels, variantOf } from "./model-list";
import type { Stage } from "./stage";

type ModelsHost = Pick<
  Host,
  | "watchModels" | "getModel" | "pauseDownload" | "resumeDownload" | "cancelDownload" | "limitDownloads" | "importModel" | "makeModel"
  | "stopModelWork" | "keepModel" | "deleteModel"
>;

const BYTES_PER_SECOND = 18_400_000;
const TICK = 500;
const FREE = 148_312_870_912;
const USUAL_BYTES = 1_280_000_000;
const IMPORTED = "/home/sam/models/Qwen3-1.7B-Q8_0.gguf";

export class Models {
  view: ModelsView = {
    models: null, disk: null, list: { version: 1, expires: "2027-11-25T00:00:00Z", expired: false }, downloads: [], limit_bytes_per_second: null,
    work: null, failure: null, shared: false,
  };
  #watchers = new Set<(view: ModelsView) => void>();
  #ticking = false;
  #run = 0;

  constructor(readonly clock: Clock, readonly stage: Stage) {
    this.recall(false, false);
  }

  /** As it is before the first start, after it, or after some use. */
  recall(fresh: boolean, used: boolean): void {
    this.view.models = recordedModels(fresh, used);
    this.#settle();
  }

  /** What is on its way, as it was when the program was started. */
  recallDownload(id: string, format: Precision, phase: DownloadPhase, share: number): void {
    const total = this.#find(id, format)?.bytes ?? USUAL_BYTES;
    this.view.downloads.push({ id, format, phase, done_bytes: Math.round(share * total), total_bytes: total });
    this.#tick();
  }

  get host(): ModelsHost {
    const { view } = this;
    return {
      watchModels: async (seen) => this.#watch(seen),
      getModel: async (id, format) => this.#get(id, format),
      pauseDownload: async (id, format) => this.#put(id, format, { is: "paused" }),
      resumeDownload: async (id, format) => this.#put(id, format, { is: "queued" }),
      cancelDownload: async (id, format) => this.#change(() => (view.downloads = view.downloads.filter((one) => !(one.id === id && one.format === format)))),
      limitDownloads: async (limit) => this.#change(() => (view.limit_bytes_per_second = limit)),
      importModel: async (folder) => this.#import(folder),
      makeModel: async (id, format) => this.#make(id, format),
      stopModelWork: async () => this.#end({ is: "stopped" }),
      keepModel: async (id, format, keep) => this.#change(() => {
        const place = this.#find(id, format)?.place;
        if (place?.is === "here") place.keep = keep;
      }),
      deleteModel: async (id, format) => this.#delete(id, format),
    };
  }

  #watch(seen: (view: ModelsView) => void): () => void {
    this.#settle();
    this.#watchers.add(seen);
    seen(structuredClone(this.view));
    return () => this.#watchers.delete(seen);
  }

  #change(how: () => unknown): void {
    how();
    this.#settle();
    this.#watchers.forEach((seen) => seen(structuredClone(this.view)));
  }

  #find(id: string, format: Precision): VariantView | undefined {
    return this.view.models?.flatMap((model) => model.variants).find((one) => one.id === id && one.format === format);
  }

  /** What the miner has loaded, and what all of it takes. */
  #settle(): void {
    const loaded = this.stage.status.loaded;
    const variants = (this.view.models ?? []).flatMap((model) => model.variants);
    let [ours, others] = [0, 0];
    for (const { place, id, format, bytes } of variants) {
      if (place.is !== "here") continue;
      place.uses = place.uses.filter((use) => use !== "loaded");
      if (loaded?.model === id && loaded.precision === format) place.uses.unshift("loaded");
      if (place.ours) ours += bytes ?? 0;
      else others += bytes ?? 0;
    }
    const unfinished = this.view.downloads.reduce((sum, one) => sum + (one.done_bytes ?? 0), 0);
    this.view.disk = { folder: MODELS_FOLDER, ours_bytes: ours, others_bytes: others, unfinished_bytes: unfinished, free_bytes: FREE - unfinished };
  }

  #get(id: string, format: Precision): void {
    const known = this.#find(id, format);
    if (known?.place.is === "found") {
      const { origin, path } = known.place;
      return this.#change(() => (known.place = here(origin, path)));
    }
    this.#change(() => this.view.downloads.push({ id, format, phase: { is: "queued" }, done_bytes: null, total_bytes: null }));
    this.#tick();
  }

  #put(id: string, format: Precision, phase: DownloadPhase): void {
    const download = this.view.downloads.find((one) => one.id === id && one.format === format);
    if (!download) throw failure("request", `${id} ${format} is not being downloaded any more; get it anew`);
    this.#change(() => (download.phase = phase));
    this.#tick();
  }

  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.clock.after(TICK, () => {
      this.#ticking = false;
      const next = this.view.downloads.find(({ phase }) => phase.is !== "paused" && phase.is !== "failed");
      if (!next) return;
      this.#change(() => this.#advance(next));
      this.#tick();
    });
  }

  /** Asks, gets, checks, and is there. */
  #advance(download: DownloadView): void {
    const { phase, done_bytes: done, total_bytes: total } = download;
    if (phase.is === "queued" && total === null) download.phase = { is: "asking" };
    else if (phase.is === "verifying") this.#arrive(download);
    else if (done !== null && total !== null && done >= total) download.phase = { is: "verifying" };
    else {
      const rate = Math.min(BYTES_PER_SECOND, this.view.limit_bytes_per_second ?? BYTES_PER_SECOND);
      download.total_bytes ??= this.#find(download.id, download.format)?.bytes ?? USUAL_BYTES;
      download.done_bytes = Math.min(download.total_bytes, (done ?? 0) + (rate * TICK) / 1000);
      const seconds_left = Math.ceil((download.total_bytes - download.done_bytes) / rate);
      download.phase = { is: "coming", host: "huggingface.co", bytes_per_second: rate, seconds_left };
    }
  }

  #arrive({ id, format, total_bytes: bytes }: DownloadView): void {
    const variant = this.#find(id, format);
    if (variant) Object.assign(variant, { bytes, place: here("downloaded", `${MODELS_FOLDER}/${id}/${format}/${id}-${format}.gguf`) });
    this.view.downloads = this.view.downloads.filter((one) => !(one.id === id && one.format === format));
  }

  #import(folder: boolean): string {
    const path = folder ? "/home/sam/models" : IMPORTED;
    const id = "local-qwen3-1.7b-q8_0";
    this.#work({ is: "import", path }, () => {
      const file = variantOf(id, "Q8_0", 1_834_426_016, here("imported", IMPORTED));
      if (!this.#find(id, "Q8_0")) this.view.models?.push({ id, name: "qwen3-1.7b-q8_0", listed: null, variants: [file] });
      return { is: "imported", models: [`${id} Q8_0`] };
    });
    return path;
  }

  #make(id: string, format: Precision): void {
    const variant = this.view.models?.find((model) => model.id === id)?.variants.find((one) => one.format === format && one.make_from);
    const from = variant?.make_from;
    if (!variant || !from) throw failure("model", `no file of ${id} is here that ${format} could be made from; get or import one that is more exact`);
    this.#work({ is: "make", id, format }, () => {
      const path = `${MODELS_FOLDER}/${variant.id}/${format}/${variant.id}.${format}.gguf`;
      Object.assign(variant, { bytes: variant.bytes ?? 63_000_000, make_from: null, place: here("made", path, id === MODEL ? ["ladder"] : []) });
      const fallback = (layer: number) => ({ tensor: `blk.${layer}.ffn_down.weight`, row: 1184, wanted: format, used: "Q8_0" as const });
      return { is: "made", from, fallbacks: format.endsWith("_K") ? [0, 1, 2, 3, 4, 5].map(fallback) : [] };
    });
  }

  #work(kind: WorkKind, done: () => WorkPhase): void {
    if (this.view.work?.phase.is === "running") throw failure("busy", "a model is being imported or made already; wait until that is done, or stop it");
    const run = ++this.#run;
    this.#change(() => (this.view.work = { kind, phase: { is: "running" }, progress: 0 }));
    void this.#progress(run, done);
  }

  async #progress(run: number, done: () => WorkPhase): Promise<void> {
    for (let part = 1; part <= 8; part += 1) {
      await this.clock.wait(TICK);
      const work = this.view.work;
      if (this.#run !== run || work?.phase.is !== "running") return;
      this.#change(() => (work.progress = part / 8));
    }
    this.#end(done());
  }

  #end(phase: WorkPhase): void {
    const work = this.view.work;
    if (work?.phase.is === "running") this.#change(() => (work.phase = phase));
  }

  #delete(id: string, format: Precision): number {
    const variant = this.#find(id, format);
    if (variant?.place.is !== "here") throw failure("model", `${id} ${format} is not on this machine`);
    const { ours, keep, uses } = variant.place;
    if (uses.includes("loaded")) throw failure("busy", `${id} ${format} is loaded to serve requests; pause mining or choose the other mode, then delete it`);
    if (keep) throw failure("model", `${id} ${format} is to be kept; say that it need not be kept any longer first`);
    const freed = ours ? (variant.bytes ?? 0) : 0;
    this.#change(() => this.#forget(variant));
    return freed;
  }

  #forget(gone: VariantView): void {
    for (const model of this.view.models ?? []) {
      if (model.listed && model.variants.includes(gone)) {
        Object.assign(gone, gone.id === MODEL ? { place: { is: "made_from", from: "Q4_1" }, make_from: "Q4_1" } : { place: { is: "listed" } });
      } else model.variants = model.variants.filter((one) => one !== gone);
    }
    this.view.models = (this.view.models ?? []).filter((model) => model.variants.length > 0);
  }
}
