/** The same chances every time: mulberry32. */

import type { Millis } from "../types";

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 up to, and without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  between(least: number, most: number): number {
    return Math.floor(least + this.next() * (most - least + 1));
  }

  one<T>(list: readonly T[]): T {
    return list[this.between(0, list.length - 1)] as T;
  }

  /** A UUID of version 7, whose order is that of creation. */
  taskId(at: Millis): string {
    const digits = (count: number) => Array.from({ length: count }, () => this.between(0, 15).toString(16)).join("");
    const time = at.toString(16).padStart(12, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${digits(3)}-${this.one(["8", "9", "a", "b"])}${digits(3)}-${digits(12)}`;
  }
}
