/** The status and who watches it: steps, the one word, and what is told to the watchers. */

import type { LiveTask, Phase, Problem, Status, StepName } from "../types";

const ORDER: readonly StepName[] = [
  "hardware", "identity", "model", "benchmark", "plan", "load", "join", "test", "mine",
];

export function emptyStatus(): Status {
  return {
    phase: "starting", steps: [], problem: null, hardware: null, plan: null, mode: "volume", loaded: null, modes: [],
    address: null, key_place: null, connection: { is: "connecting" }, testing: null, tier: null, standing: null, aside: [], paused_until: null, incident: null, running: 0, idle_since: null,
    earnings: { today: "0", total: "0", requests: 0, requests_void: 0, tests: 0, tests_void: 0, by_mode: [] }, passphrase: null, measuring: false,
    switching_to: null, measurements: [], threads: null,
  };
}

export class Stage {
  status: Status = emptyStatus();
  #tasks: LiveTask[] = [];
  #watchers = new Set<(status: Status) => void>();
  #watchersOfTasks = new Set<(tasks: LiveTask[]) => void>();

  watch(seen: (status: Status) => void): () => void {
    this.#watchers.add(seen);
    seen(structuredClone(this.status));
    return () => this.#watchers.delete(seen);
  }

  /** Changes the status and tells the watchers; each gets a copy of its own, as over a wire. */
  change(how: (status: Status) => void): void {
    how(this.status);
    this.#watchers.forEach((seen) => seen(structuredClone(this.status)));
  }

  watchTasks(seen: (tasks: LiveTask[]) => void): () => void {
    this.#watchersOfTasks.add(seen);
    seen(structuredClone(this.#tasks));
    return () => this.#watchersOfTasks.delete(seen);
  }

  get tasks(): readonly LiveTask[] {
    return this.#tasks;
  }

  /** Tells how far tasks are; the status tells only how many there are. */
  work(tasks: LiveTask[]): void {
    this.#tasks = tasks;
    if (this.status.running !== tasks.length) this.change((status) => (status.running = tasks.length));
    this.#watchersOfTasks.forEach((seen) => seen(structuredClone(tasks)));
  }

  phase(phase: Phase): void {
    this.change((status) => (status.phase = phase));
  }

  /** Begins or goes on with a step; what comes before it is done. What comes behind it is still to come, unless tasks go
   *  on meanwhile. */
  step(name: StepName, progress: number | null, detail: string): void {
    this.change((status) => {
      const before = ORDER.slice(0, ORDER.indexOf(name));
      status.steps.filter((step) => before.includes(step.name)).forEach((step) => (step.state = { is: "done" }));
      if (status.phase === "starting") status.steps = status.steps.filter((step) => ORDER.indexOf(step.name) <= ORDER.indexOf(name));
      put(status, { name, state: { is: "running", progress }, detail });
    });
  }

  done(name: StepName, detail: string): void {
    this.change((status) => put(status, { name, state: { is: "done" }, detail }));
  }

  fail(problem: Problem): void {
    this.change((status) => {
      const open = [...status.steps].reverse().find((step) => step.state.is !== "done");
      if (open) open.state = { is: "failed" };
      status.problem = problem;
      status.phase = "failed";
    });
  }
}

function put(status: Status, step: Status["steps"][number]): void {
  const index = status.steps.findIndex((known) => known.name === step.name);
  if (index < 0) status.steps.push(step);
  else status.steps[index] = step;
}
