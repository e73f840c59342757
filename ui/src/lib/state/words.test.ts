// The small pure functions that choose words.
import { describe, expect, it } from "vitest";

import type { Connection, Precision, Status } from "../host/types";
import { statusWith } from "../testing/statuses";
import en from "../messages/en.json";
import { addressFault } from "./address";
import { plainName } from "./evidence";
import { passphraseFault } from "./passphrase";
import { requestCommand } from "./practice";
import { qualityOf } from "./quality";
import { reasonOf, secondsToNextTry } from "./reason";
import { screenOfHash, screenOfKey, screens } from "./screens";
import { lockOf, switchingOf } from "./switching";

const offline: Connection = { is: "offline", reason: "no route", retry_at: 16_400 };

it.each<[Precision, string]>([
  ["F16", "full"], ["BF16", "full"], ["F32", "full"], ["Q8_0", "bits_8"], ["Q6_K", "bits_5"], ["Q5_1", "bits_5"],
  ["Q4_0", "bits_4"], ["Q4_K", "bits_4"], ["Q3_K", "bits_2"], ["Q2_K", "bits_2"],
])("the quality of %s is %s", (precision, quality) => {
  expect(qualityOf(precision)).toBe(quality);
});

it.each([["prefill rate", "Reading speed"], ["decode rate", "Writing speed"], ["answers", null], ["something new", null]])(
  "what the network calls %s is %s here",
  (what, plain) => expect(plainName(what)).toBe(plain),
);

it("no message counts bytes by powers of two or spells a unit in its own way", () => {
  const words = JSON.stringify(en);
  expect(words.match(/\b[KMGT]iB\b|\bKB\b|\b(?:giga|mega|kilo)bytes?\b(?!":)/g)).toBeNull();
});

describe("the reason", () => {
  it("is the problem before the connection", () => {
    const problem = { code: "files" as const, message: "no room" };
    expect(reasonOf(statusWith({ phase: "hindered", problem, connection: offline }))).toEqual({ general: `The miner's own files are not usable. ${en.failed.do.files}`, message: "no room" });
  });

  it("is the connection's only while offline", () => {
    expect(reasonOf(statusWith({ phase: "offline", connection: offline }))).toEqual({ general: null, message: "no route" });
    expect(reasonOf(statusWith({ phase: "paused", connection: offline }))).toBeNull();
    const rejection = { code: "silent" as const, message: "no heartbeat" };
    expect(reasonOf(statusWith({ phase: "offline", connection: { is: "rejected", rejection, retry_at: 1 } }))).toEqual({ general: en.rejection.silent, message: "no heartbeat" });
  });

  it("is why the miner steps aside, while it does", () => {
    const aside: Status["aside"] = [{ is: "hours", until: { weekday: "tuesday", minute: 18 * 60 } }, { is: "hot", celsius: 91, limit: 90 }];
    const words = "Outside the hours that are set, until Tuesday 6:00 PM. 91 °C, more than the 90 °C that are set.";
    expect(reasonOf(statusWith({ phase: "paused", aside, connection: offline }))).toEqual({ general: words, message: null });
    expect(reasonOf(statusWith({ phase: "mining", aside }))).toBeNull();
  });

  it("counts down to the next try and stops at now", () => {
    expect(secondsToNextTry(offline, 1000)).toBe(16);
    expect(secondsToNextTry(offline, 16_400)).toBe(0);
    expect(secondsToNextTry(offline, 99_000)).toBe(0);
    expect(secondsToNextTry({ is: "connecting" }, 1000)).toBeNull();
  });
});

describe("a switch", () => {
  const loading = { name: "load" as const, state: { is: "running" as const, progress: 0.25 }, detail: "" };
  it("loads the other mode first, then finishes what runs", () => {
    const before = statusWith({ phase: "switching", mode: "volume", switching_to: "precision", steps: [loading] });
    expect(switchingOf(before)).toEqual({ to: "precision", stage: "loading", progress: 0.25 });
    const after = statusWith({ phase: "switching", mode: "volume", switching_to: "precision", steps: [{ ...loading, state: { is: "done" } }] });
    expect(switchingOf(after)).toEqual({ to: "precision", stage: "finishing" });
    expect(switchingOf(statusWith({ phase: "mining", steps: [loading] }))).toBeNull();
  });

  it.each<[Status["phase"], unknown]>([["mining", null], ["paused", null], ["starting", null], ["switching", "switching"], ["draining", "draining"], ["failed", "failed"]])(
    "while %s is locked by %s",
    (phase, lock) => expect(lockOf(statusWith({ phase }))).toBe(lock),
  );
});

it.each([
  ["", null, { at: "passphrase", is: "missing" }],
  ["short", null, null],
  ["short", "short", { at: "passphrase", is: "short" }],
  ["éééééééé", "éééééééé", null],
  ["long enough", "long enoug", { at: "repeated", is: "different" }],
])("passphrase %j repeated as %j has the fault %j", (passphrase, repeated, fault) => {
  expect(passphraseFault(passphrase, repeated)).toEqual(fault);
});

it.each([
  ["", null], ["0x8ba1f109551bD432803012645Ac136ddd64DBA72", null], ["0x3F1B6CE0B4b1a0C5bE6f5d6f0e4C2dA9b7E81d42", "own"],
  ["8ba1f109551bD432803012645Ac136ddd64DBA72", "shape"], ["0x8ba1", "shape"], ["vitalik.eth", "shape"],
])("payout address %j has the fault %j", (address, fault) => {
  expect(addressFault(address, "0x3F1b6cE0B4b1a0C5bE6f5d6f0e4C2dA9b7E81d42")).toBe(fault);
});

it("the command for a request survives quotes in the question", () => {
  const command = requestCommand({ api_url: "http://127.0.0.1:5010/v1", api_key: "sk-1" }, "m", "What's that?");
  expect(command).toContain("curl -N http://127.0.0.1:5010/v1/chat/completions");
  expect(command).toContain("'Authorization: Bearer sk-1'");
  expect(command).toContain(String.raw`"What'\''s that?"`);
});

describe("screens", () => {
  it("are reached by their place", () => {
    const press = (key: string, more: KeyboardEventInit = { ctrlKey: true }) => screenOfKey(new KeyboardEvent("keydown", { key, ...more }));
    expect(screens.map((_, index) => press(String(index + 1)))).toEqual([...screens]);
    expect([press("0"), press("+"), press("a"), press(" "), press("1", {}), press("1", { ctrlKey: true, shiftKey: true })]).toEqual([null, null, null, null, null, null]);
    expect(press("2", { metaKey: true })).toBe("earnings");
  });

  it("are named by the address; an unknown one is home", () => {
    expect([screenOfHash("#/logs"), screenOfHash(""), screenOfHash("#/nowhere")]).toEqual(["logs", "home", "home"]);
  });
});
