/** Where the mock compares precisions: one job at a time. */

import type { Host } from "../host";
import type { ComparisonRequest, MeasuredLoss, NetworkView, Precision, SideChoice } from "../types";
import type { Clock } from "./clock";
import { failure } from "./failure";
import { Comparisons } from "./lab-comparison";
import { MODEL_FILES, PRACTICE_URL } from "./lab-sides";
import { Reports } from "./lab-report";
import { Votes } from "./lab-vote";
import { PROMPT } from "./lab-words";
import type { Stage } from "./stage";

type LabHost = Pick<
  Host,
  | "network" | "keepNetworkKey" | "modelFiles" | "watchComparison" | "compare" | "stopComparison" | "comparisons" | "comparison" | "renameComparison" | "deleteComparison"
  | "exportComparison" | "savePicture" | "watchFidelity" | "pickText" | "measureFidelity" | "stopFidelity" | "fidelityReports"
  | "watchVote" | "startVote" | "stopVote" | "castVote" | "votes" | "voteSummaries"
>;

/** What every PNG file begins with. */
const PNG = [0x89, 0x50, 0x4e, 0x47];
const DOCUMENTS = "/home/sam/Documents";

export const request = (precisions: Precision[], prompt = PROMPT, in_turn = false): ComparisonRequest =>
  requestOf(precisions.map((precision) => ({ is: "precision", precision })), prompt, in_turn);

export const requestOf = (sides: SideChoice[], prompt = PROMPT, in_turn = false): ComparisonRequest => ({
  prompt, system: null, sides,
  sampling: { temperature: 0, top_p: null, max_tokens: 96 }, in_turn, name: null,
});

function lossOf(reports: Reports, precision: Precision): { loss?: MeasuredLoss } {
  const loss = reports.loss(precision);
  return loss ? { loss } : {};
}

export class Lab {
  readonly comparisons: Comparisons;
  readonly reports: Reports;
  readonly votes: Votes;
  network: NetworkView = { api_url: PRACTICE_URL, has_key: true };
  /** Why the network does not answer, if it does not. */
  refusal: string | null = null;

  constructor(readonly clock: Clock, readonly stage: Stage) {
    this.comparisons = new Comparisons(clock, () => stage.status.phase === "mining", () => this.network, () => this.refusal);
    this.reports = new Reports(clock);
    this.votes = new Votes(clock);
  }

  /** As it is after some use. */
  recall(): void {
    const { comparisons, clock } = this;
    const hours = (count: number): number => clock.now() - count * 3_600_000;
    const f16: SideChoice = { is: "precision", precision: "F16" };
    comparisons.recall(requestOf([{ is: "remote", model: null }, { is: "precision", precision: "Q4_0" }]), hours(75), "The network and Q4_0");
    comparisons.recall(requestOf([f16, { is: "model", model: "qwen3-0.6b", precision: "Q8_0" }]), hours(74), "Two models on the sky");
    comparisons.recall(request(["F16", "Q8_0"], PROMPT, true), hours(50), "Sky, one after the other");
    comparisons.recall(request(["F16", "Q8_0", "Q4_0"]), hours(26), "All three on the sky");
    comparisons.show(comparisons.recall(request(["F16", "Q4_0"]), hours(0.4)));
    this.reports.recall(hours(3));
    this.votes.recall(8, 2, 1);
    this.stage.change((status) => [...status.modes, ...status.measurements].forEach((one) => Object.assign(one, lossOf(this.reports, one.precision))));
  }

  #free(): void {
    const { comparisons, reports, votes } = this;
    const what = comparisons.busy ? "a comparison" : reports.busy ? "a fidelity report" : votes.busy ? "a blind vote" : null;
    if (what) throw failure("busy", `${what} is under way; stop it first, or wait until it is over`);
  }

  get host(): LabHost {
    const { comparisons, reports, votes } = this;
    return {
      network: async () => structuredClone(this.network),
      keepNetworkKey: async (key) => {
        if (/\s/.test(key)) throw failure("request", "this is no API key; copy it again, without spaces (sk-...)");
        return structuredClone((this.network = { ...this.network, has_key: true }));
      },
      modelFiles: async () => structuredClone(MODEL_FILES),
      watchComparison: async (seen) => comparisons.watch(seen),
      compare: async (asked) => {
        this.#free();
        comparisons.begin(asked);
      },
      stopComparison: () => comparisons.stop(),
      comparisons: async () => comparisons.history(),
      comparison: async (id) => comparisons.read(id),
      renameComparison: async (id, name) => comparisons.rename(id, name),
      deleteComparison: async (id) => comparisons.delete(id),
      exportComparison: async (_, format) => `${DOCUMENTS}/cortensor-comparison.${format === "csv" ? "csv" : "md"}`,
      savePicture: async (bytes) => {
        if (!PNG.every((byte, at) => bytes[at] === byte)) throw failure("file", "this is no picture that can be saved; make it anew");
        return `${DOCUMENTS}/cortensor-comparison.png`;
      },
      watchFidelity: async (seen) => reports.watch(seen),
      pickText: async () => `${DOCUMENTS}/letters.txt`,
      measureFidelity: async (asked) => {
        this.#free();
        reports.begin(asked);
      },
      stopFidelity: () => reports.stop(),
      fidelityReports: async () => ({ reports: reports.kept, damaged: [] }),
      watchVote: async (seen) => votes.watch(seen),
      startVote: async (asked) => {
        this.#free();
        void votes.begin(asked);
      },
      stopVote: () => votes.stop(),
      castVote: async (choice) => votes.cast(choice),
      votes: async () => structuredClone(votes.kept),
      voteSummaries: async () => votes.summaries(),
    };
  }
}
