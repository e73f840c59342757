import { expect, it } from "vitest";

import type { LogLevel, LogLine } from "../host/types";
import { LogBuffer, logText, matchingLines } from "./log-buffer";

const line = (level: LogLevel, message: string): LogLine => ({ at: 0, level, target: "cortensor_node::session", message });

it("keeps the newest lines, each with a number of its own", () => {
  const buffer = new LogBuffer(3);
  buffer.append([line("info", "a"), line("info", "b")]);
  const before = buffer.lines;
  buffer.append([line("info", "c"), line("info", "d")]);
  expect(buffer.lines.map(({ number, message }) => [number, message])).toEqual([[1, "b"], [2, "c"], [3, "d"]]);
  expect(before).toHaveLength(2);
});

it("finds lines by how grave they are and by what they say", () => {
  const buffer = new LogBuffer();
  buffer.append([line("trace", "sent"), line("info", "Registered"), line("warn", "not connected"), line("error", "registered badly")]);
  const found = (level: LogLevel, text: string) => matchingLines(buffer.lines, { level, text }).map(({ message }) => message);
  expect(found("info", "")).toEqual(["Registered", "not connected", "registered badly"]);
  expect(found("error", "")).toEqual(["registered badly"]);
  expect(found("trace", " registered ")).toEqual(["Registered", "registered badly"]);
  expect(found("trace", "SESSION")).toHaveLength(4);
});

it("is copied as it stands in the files", () => {
  expect(logText([line("warn", "not connected")])).toBe("1970-01-01T00:00:00.000Z  WARN cortensor_node::session: not connected");
});
