/** A clock that only moves when it is told to, so that what the mock does is the same every time. */

import type { Millis } from "../types";

type Job = { at: Millis; order: number; run: () => void };

export class Clock {
  #now: Millis;
  #jobs: Job[] = [];
  #order = 0;

  constructor(start: Millis) {
    this.#now = start;
  }

  now(): Millis {
    return this.#now;
  }

  /** Runs once, this many milliseconds from now, unless cancelled by the answer. */
  after(milliseconds: number, run: () => void): () => void {
    const job = { at: this.#now + milliseconds, order: this.#order++, run };
    this.#jobs.push(job);
    return () => this.#drop(job);
  }

  /** Runs again and again until cancelled by the answer. */
  every(milliseconds: number, run: () => void): () => void {
    let cancel: () => void;
    const again = () => {
      cancel = this.after(milliseconds, again);
      run();
    };
    cancel = this.after(milliseconds, again);
    return () => cancel();
  }

  wait(milliseconds: number): Promise<void> {
    return new Promise((done) => this.after(milliseconds, done));
  }

  /** Moves on and runs what falls due, in order. What a job leads to through promises comes before the next job. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (let job = this.#next(end); job !== undefined; job = this.#next(end)) {
      this.#drop(job);
      this.#now = job.at;
      job.run();
      await settled();
    }
    this.#now = end;
  }

  #next(end: Millis): Job | undefined {
    const due = this.#jobs.filter((job) => job.at <= end);
    return due.sort((a, b) => a.at - b.at || a.order - b.order)[0];
  }

  #drop(job: Job): void {
    this.#jobs = this.#jobs.filter((other) => other !== job);
  }
}

/** Every promise that can go on has gone on. A message, not a timer: timers are slowed down in background pages. */
function settled(): Promise<void> {
  return new Promise((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      done();
    };
    channel.port2.postMessage(null);
  });
}

/** Lets the clock follow real time. */
export function followRealTime(clock: Clock, tick = 50): void {
  const step = async () => {
    const behind = Date.now() - clock.now();
    // A page that slept (a closed lid) does not have to live through the night.
    await clock.advance(Math.min(Math.max(behind, 0), 60_000));
    setTimeout(step, tick);
  };
  setTimeout(step, tick);
}
