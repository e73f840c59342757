/** Blind votes of the mock. */

import type { KeptVote, Revealed, Vote, VoteChoice, VoteRequest, VoteSummary } from "../types";
import type { Clock } from "./clock";
import { failure } from "./failure";
import { precisionOfSide } from "./lab-sides";
import { PROMPT, tokensOf } from "./lab-words";

const LEAST_VOTES = 10;

export const emptyVote = (): Vote => ({
  phase: "idle", prompt: "", progress: 0, first: null, second: null, identical: false, choice: null, revealed: null, failure: null,
});

export class Votes {
  current = emptyVote();
  kept: KeptVote[] = [];
  #watchers = new Set<(vote: Vote) => void>();
  #sides: Revealed = { first: "F16", second: "Q4_0" };
  #run = 0;

  constructor(readonly clock: Clock) {}

  get busy(): boolean {
    return this.current.phase === "answering";
  }

  watch(seen: (vote: Vote) => void): () => void {
    this.#watchers.add(seen);
    seen(structuredClone(this.current));
    return () => this.#watchers.delete(seen);
  }

  async begin(request: VoteRequest): Promise<void> {
    const run = ++this.#run;
    const [first, second] = request.sides.map(precisionOfSide);
    this.#sides = { first: second ?? "F16", second: first ?? "F16" };
    this.#change({ ...emptyVote(), phase: "answering", prompt: request.prompt });
    for (let done = 0; done < 10; done += 1) {
      await this.clock.wait(500);
      if (this.#run !== run) return;
      this.#change({ progress: done / 10 });
    }
    const [a, b] = [this.#sides.first, this.#sides.second].map((precision) => tokensOf(precision).join(""));
    this.#change({ phase: "open", progress: 1, first: a ?? "", second: b ?? "", identical: a === b });
  }

  async stop(): Promise<void> {
    if (!this.busy) return;
    this.#run += 1;
    this.#change({ phase: "stopped" });
  }

  cast(choice: VoteChoice): Revealed {
    if (this.current.phase !== "open") throw failure("request", "there is nothing to vote on; ask for two answers first");
    this.kept.unshift({ at: this.clock.now(), prompt: this.current.prompt, sides: this.#sides, choice });
    this.#change({ phase: "cast", choice, revealed: this.#sides });
    return this.#sides;
  }

  /** As many votes as if they had been cast before: for the most exact one, for the other one, and equal. */
  recall(exact: number, other: number, equal: number): void {
    const choices = [...Array<VoteChoice>(exact).fill("first"), ...Array<VoteChoice>(other).fill("second"), ...Array<VoteChoice>(equal).fill("equal")];
    this.kept = choices.map((choice, index) => ({
      at: this.clock.now() - (index + 1) * 900_000, prompt: PROMPT, sides: { first: "F16", second: "Q4_0" }, choice,
    }));
  }

  summaries(): VoteSummary[] {
    const votes = this.kept.filter(({ sides }) => sides.first !== sides.second);
    if (votes.length === 0) return [];
    const count = (is: (vote: KeptVote) => boolean): number => votes.filter(is).length;
    const for_exact = count(({ sides, choice }) => choice === (sides.first === "F16" ? "first" : "second"));
    const equal = count(({ choice }) => choice === "equal");
    const share = (for_exact + equal / 2) / votes.length;
    const interval = wilson(share, votes.length);
    const told = votes.length < LEAST_VOTES ? "too_few" : interval[0] > 0.5 ? "prefers_exact" : interval[1] < 0.5 ? "prefers_other" : "not_apart";
    return [{ exact: "F16", other: "Q4_0", for_exact, for_other: votes.length - for_exact - equal, equal, share, interval, told, least_votes: LEAST_VOTES }];
  }

  #change(changes: Partial<Vote>): void {
    this.current = { ...this.current, ...changes };
    this.#watchers.forEach((seen) => seen(structuredClone(this.current)));
  }
}

/** Wilson's interval, which holds the share in 95 of 100 cases. */
function wilson(share: number, votes: number): [number, number] {
  const square = 1.96 ** 2;
  const middle = share + square / (2 * votes);
  const width = 1.96 * Math.sqrt((share * (1 - share)) / votes + square / (4 * votes * votes));
  return [Math.max((middle - width) / (1 + square / votes), 0), Math.min((middle + width) / (1 + square / votes), 1)];
}
