import { asFailure, type Shown } from "./failure";

/** Something that is asked of the host: not yet known, known, or refused. What was known stays while it is asked again. */
export class Answer<Value> {
  value = $state.raw<Value | null>(null);
  failure = $state.raw<Shown | null>(null);
  asking = $state(false);
  #question = 0;

  /** Only the answer to the latest question counts; an earlier one may come in after it. */
  async ask(question: () => Promise<Value>): Promise<void> {
    const mine = ++this.#question;
    this.asking = true;
    try {
      const value = await question();
      if (mine === this.#question) [this.value, this.failure] = [value, null];
    } catch (error) {
      if (mine === this.#question) this.failure = asFailure(error);
    } finally {
      if (mine === this.#question) this.asking = false;
    }
  }
}
