import { asFailure, type Shown } from "./failure";

/** A command that the user gives: whether it runs, and what went wrong last time. */
export class Command<Input extends unknown[], Output> {
  busy = $state(false);
  failure = $state.raw<Shown | null>(null);
  #run: (...input: Input) => Promise<Output>;

  constructor(run: (...input: Input) => Promise<Output>) {
    this.#run = run;
  }

  /** Answers with undefined if it failed (see `failure`) or is still running from before. */
  async give(...input: Input): Promise<Output | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.failure = null;
    try {
      return await this.#run(...input);
    } catch (error) {
      this.failure = asFailure(error);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}
