import { createSubscriber } from "svelte/reactivity";

// One timer for each pace, and only while something on the screen reads it.
function ticking(milliseconds: number): () => void {
  return createSubscriber((update) => {
    const timer = setInterval(update, milliseconds);
    return () => clearInterval(timer);
  });
}

const slowly = ticking(15_000);
const everySecond = ticking(1000);

/** The time for "5 minutes ago": moves every 15 seconds. */
export function now(): number {
  slowly();
  return Date.now();
}

/** The time for countdowns: moves every second. */
export function nowBySeconds(): number {
  everySecond();
  return Date.now();
}
