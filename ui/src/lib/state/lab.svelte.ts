import type { Host, Unwatch } from "../host/host";
import type { Comparison, ComparisonId, FidelityRun, ModelFile, NetworkView, Vote } from "../host/types";
import { Answer } from "./answer.svelte";
import { newQuestion, type Question } from "./comparison-form";
import type { Shown } from "./failure";
import { following } from "./following";

export const labTabs = ["answers", "report", "vote"] as const;
export type LabTab = (typeof labTabs)[number];

/** What is compared now, as it was last told, and what the user has typed: both stay while other screens are shown. */
export class LabStore {
  /** null: nothing was told yet. */
  comparison = $state.raw<Comparison | null>(null);
  fidelity = $state.raw<FidelityRun | null>(null);
  vote = $state.raw<Vote | null>(null);
  /** Why nothing is told. */
  failure = $state.raw<Shown | null>(null);
  tab = $state<LabTab>("answers");
  question = $state<Question>(newQuestion());
  ballot = $state<Question>({ ...newQuestion(), temperature: "0.7" });
  /** The one of the history that is looked at; without a value: the latest. */
  kept = new Answer<Comparison | null>();
  /** Models of this computer besides the starter model's precisions. */
  files = new Answer<ModelFile[]>();
  /** Whether the network can be asked. */
  network = new Answer<NetworkView>();
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  askFiles(): Promise<void> {
    return this.files.ask(() => this.#host.modelFiles());
  }

  askNetwork(): Promise<void> {
    return this.network.ask(() => this.#host.network());
  }

  /** Follows everything until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    void this.askFiles();
    void this.askNetwork();
    const failed = (failure: Shown): void => void (this.failure = failure);
    const ends = [
      following(this.#host.watchComparison((comparison) => (this.comparison = comparison)), failed),
      following(this.#host.watchFidelity((run) => (this.fidelity = run)), failed),
      following(this.#host.watchVote((vote) => (this.vote = vote)), failed),
    ];
    return () => ends.forEach((end) => end());
  }

  /** What the screen shows. */
  get shown(): Comparison | null {
    return this.kept.value ?? this.comparison;
  }

  look(id: ComparisonId): Promise<void> {
    return this.kept.ask(() => (id === this.comparison?.id ? Promise.resolve(null) : this.#host.comparison(id)));
  }

  lookAtLatest(): void {
    void this.kept.ask(() => Promise.resolve(null));
  }
}

/** Whether nothing more will happen by itself. */
export const isOver = (phase: Comparison["phase"] | FidelityRun["phase"] | Vote["phase"]): boolean =>
  ["idle", "done", "stopped", "failed", "open", "cast"].includes(phase);
