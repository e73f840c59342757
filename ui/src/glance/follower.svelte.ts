// What the miner said last, and whether it still says something.
import type { Glance, PairRefusal } from "../lib/host/types";

/** Milliseconds between two tries to reach the miner. */
const AGAIN = 3_000;
/** The same after a connection that was there: what is lost is to be said to be lost. */
const SOON = 1_000;
/** Milliseconds without a word after which the connection is taken to be gone: every ten seconds there is one. */
const PATIENCE = 25_000;

export type Refusal = PairRefusal | { is: "unreachable" };

export class Follower {
  glance = $state.raw<Glance | null>(null);
  /** Whether this browser is paired; null: not known yet. */
  paired = $state<boolean | null>(null);
  /** Since when nothing is heard of the miner; null: it is heard. */
  lostAt = $state<number | null>(null);
  #events: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Follows the miner until the function that it answers with is called. */
  start(): () => void {
    void this.#look();
    return () => this.#end();
  }

  /** Types a code; answers with why that was not enough. */
  async pair(code: string): Promise<Refusal | null> {
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch("/api/pair", { method: "POST", headers, body: JSON.stringify({ code }) });
      if (!answer.ok) return (await answer.json()) as PairRefusal;
      await this.#look();
      return null;
    } catch {
      return { is: "unreachable" };
    }
  }

  async #look(): Promise<void> {
    this.#end();
    try {
      const answer = await fetch("/api/glance");
      if (answer.status === 401) return this.#unpaired();
      if (!answer.ok) return this.#lose();
      this.#take((await answer.json()) as Glance);
      this.#follow();
    } catch {
      this.#lose();
    }
  }

  #follow(): void {
    const events = new EventSource("/api/events");
    events.onmessage = ({ data }: MessageEvent<string>) => this.#take(JSON.parse(data) as Glance);
    // It ends where the miner ends, and where this browser is forgotten: asking once more says which.
    events.onerror = () => this.#again(SOON);
    this.#events = events;
    this.#wait();
  }

  #take(glance: Glance): void {
    this.glance = glance;
    this.paired = true;
    this.lostAt = null;
    if (this.#events) this.#wait();
  }

  /** A connection can go without a word: a phone that left the house. */
  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), PATIENCE);
  }

  #again(milliseconds: number): void {
    this.#end();
    this.#timer = setTimeout(() => void this.#look(), milliseconds);
  }

  #lose(): void {
    this.lostAt ??= Date.now();
    this.#again(AGAIN);
  }

  #unpaired(): void {
    this.glance = null;
    this.paired = false;
    this.lostAt = null;
  }

  #end(): void {
    this.#events?.close();
    this.#events = null;
    clearTimeout(this.#timer);
  }
}
