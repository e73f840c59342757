// The newest lines of the log, and which of them are asked for.
import type { LogLevel, LogLine } from "../host/types";

/** From the gravest on. */
export const levels: readonly LogLevel[] = ["error", "warn", "info", "debug", "trace"];
export type NumberedLine = LogLine & { number: number };
export type LogFilter = { level: LogLevel; text: string };

/** More is in the files of the log folder. */
export const CAPACITY = 5000;

export class LogBuffer {
  /** Oldest first. Replaced, not changed, so that who holds it has what they were given. */
  lines: readonly NumberedLine[] = [];
  #next = 0;
  #capacity: number;

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  append(lines: LogLine[]): void {
    const numbered = lines.map((line) => ({ ...line, number: this.#next++ }));
    this.lines = [...this.lines, ...numbered].slice(-this.#capacity);
  }
}

export function matchingLines(lines: readonly NumberedLine[], filter: LogFilter): NumberedLine[] {
  const graver = new Set(levels.slice(0, levels.indexOf(filter.level) + 1));
  const wanted = filter.text.trim().toLowerCase();
  const says = (line: LogLine) => `${line.target} ${line.message}`.toLowerCase().includes(wanted);
  return lines.filter((line) => graver.has(line.level) && (wanted === "" || says(line)));
}

/** As in the log files, for a report. */
export function logText(lines: readonly LogLine[]): string {
  return lines
    .map((line) => `${new Date(line.at).toISOString()} ${line.level.toUpperCase().padStart(5)} ${line.target}: ${line.message}`)
    .join("\n");
}
