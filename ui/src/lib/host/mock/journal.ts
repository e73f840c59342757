/** The log: lines as `tracing` writes them. */

import type { LogLevel, LogLine } from "../types";
import type { Clock } from "./clock";
import { ADDRESS, DATA_FOLDER } from "./machine";

type Seen = (lines: LogLine[]) => void;

export class Journal {
  #lines: LogLine[] = [];
  #watchers = new Set<Seen>();
  #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  write(level: LogLevel, target: string, message: string): void {
    const line = { at: this.#clock.now(), level, target, message };
    this.#lines.push(line);
    this.#watchers.forEach((seen) => seen([line]));
  }

  /** What was written before the mock began. */
  recall(lines: LogLine[]): void {
    this.#lines.unshift(...lines);
  }

  forget(): void {
    this.#lines = [];
  }

  watch(seen: Seen): () => void {
    seen([...this.#lines]);
    this.#watchers.add(seen);
    return () => this.#watchers.delete(seen);
  }
}

type Recorded = [secondsAgo: number, level: LogLevel, target: string, message: string];

const RECORDED: Recorded[] = [
  [5412.871, "info", "cortensor_hardware::detect", "found hardware cores=2 memory=\"25.3 GB\" gpus=0"],
  [5412.604, "info", "cortensor_node::identity", `opened the node's key address=${ADDRESS} place=keychain`],
  [5412.377, "info", "cortensor_models::ladder", `checked the model files folder="${DATA_FOLDER}/models/smollm2-135m-instruct" files=3`],
  [5412.371, "debug", "cortensor_planner", "measurements are known for all variants engine=\"mistral.rs 0.6.0\""],
  [5411.452, "info", "cortensor_app::life::serve", "loaded precision=Q8_0 seconds=0.92 taken=343146496"],
  [5411.398, "info", "cortensor_router::router", "the router listens address=127.0.0.1:5010 name=\"embedded practice router\" network=\"practice\""],
  [5411.382, "debug", "cortensor_router::socket", "a connection will be slower than it could be error=\"protocol not available\""],
  [5411.301, "info", "cortensor_router::socket::handshake", `a node joined node=${ADDRESS} software="cortensor-miner 0.1.0"`],
  [5411.298, "info", "cortensor_node::session::connection", "registered router=\"embedded practice router\" network=\"practice\""],
  [5398.144, "info", "cortensor_router::rules::examine", `test passed node=${ADDRESS} tier="low-end, quantized"`],
  [3120.75, "warn", "cortensor_app::measurements", "other programs took 31 % of the processor for a minute; requests were slower"],
  [2411.019, "debug", "cortensor_router::rules::drive::attempt", "a message about an attempt that is over number=1"],
  [1874.533, "warn", "cortensor_node::session", "not connected to the router reason=\"the connection was closed\" retry_in=512.4ms"],
  [1873.918, "info", "cortensor_node::session::connection", "registered router=\"embedded practice router\" network=\"practice\""],
  [962.207, "error", "cortensor_node::session::worker", "the task could not be done attempt=019ab9d2-4c1e-7d3a-9b02-5e1f7a60c4d8/1 reason=Engine { message: \"the cache for this request could not be allocated\" }"],
  [961.984, "info", "cortensor_node::session::worker", "slots are free again free=2"],
];

export function recordedLines(clock: Clock): LogLine[] {
  const steady = Array.from({ length: 180 }, (_, index): Recorded => {
    const ago = 5380 - index * 29.3;
    return [ago, index % 3 === 0 ? "debug" : "trace", "cortensor_node::session::heartbeat", `sent running=${index % 4 === 1 ? 1 : 0} free_memory=${22_814_662_656 - index * 4096}`];
  });
  const all = [...RECORDED, ...steady].sort((a, b) => b[0] - a[0]);
  return all.map(([ago, level, target, message]) => ({ at: Math.round(clock.now() - ago * 1000), level, target, message }));
}
