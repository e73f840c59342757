import type { Unwatch } from "../host/host";
import type { Shown } from "./failure";
import { following } from "./following";

/** Something that a host tells again whenever it changes, as it was last told. */
export class Told<Value> {
  /** null: nothing was told yet. */
  current = $state.raw<Value | null>(null);
  /** Why nothing is told. */
  failure = $state.raw<Shown | null>(null);
  #subscribe: (seen: (value: Value) => void) => Promise<Unwatch>;

  constructor(subscribe: (seen: (value: Value) => void) => Promise<Unwatch>) {
    this.#subscribe = subscribe;
  }

  /** Follows it until the function that it answers with is called. */
  watch(): Unwatch {
    this.failure = null;
    return following(this.#subscribe((value) => (this.current = value)), (failure) => (this.failure = failure));
  }
}
