// What is said of models and downloads, and where each stands.
import { describe, expect, it } from "vitest";

import type { DownloadPhase, DownloadView, ModelsView, VariantPlace, VariantView } from "../host/types";
import { conditionWords, figuresOf, nameOf, phaseWords, progressOf } from "./model-words";
import { downloadOf, rowsHere, rowsToHave } from "./models";

const here: VariantPlace = { is: "here", origin: "made", condition: "whole", ours: true, keep: false, path: "/m", uses: [] };

function variant(id: string, place: VariantPlace): VariantView {
  return { id, format: "Q8_0", precision_class: "quantized", bytes: 1, place, make_from: null, fit: null };
}

function download(phase: DownloadPhase, done: number | null = 430e6, total: number | null = 1e9): DownloadView {
  return { id: "tiny", format: "Q8_0", phase, done_bytes: done, total_bytes: total };
}

const view: ModelsView = {
  models: [{ id: "tiny", name: "Tiny", listed: null, variants: [variant("tiny", { is: "listed" }), variant("local-tiny", here)] }],
  disk: null, list: null, downloads: [download({ is: "paused" })], limit_bytes_per_second: null, work: null, failure: null, shared: false,
};

describe("the models", () => {
  it("stand where they are, and a download with its row", () => {
    expect(rowsHere(view).map((row) => row.variant.id)).toEqual(["local-tiny"]);
    const toHave = rowsToHave(view);
    expect(toHave.map((row) => downloadOf(view, row)?.phase.is)).toEqual(["paused"]);
    expect(rowsHere(view).map((row) => downloadOf(view, row))).toEqual([undefined]);
  });

  it("have the list's name, also what was made of them", () => {
    expect(["tiny", "local-tiny", "gone"].map((id) => nameOf(view, id, "Q8_0"))).toEqual(["Tiny Q8_0", "Tiny Q8_0", "gone Q8_0"]);
  });

  it("say what is wrong with them before what needs them", () => {
    const place: VariantPlace = { ...here, condition: "missing", uses: ["loaded", "ladder"], keep: true };
    expect(conditionWords(variant("tiny", place))).toEqual(["Its file is gone: import or get it again", "Loaded", "Precision ladder", "Kept"]);
  });
});

describe("a download", () => {
  const coming: DownloadPhase = { is: "coming", host: "hub.example", bytes_per_second: 12_340_000, seconds_left: 95 };

  it("says how much came, how fast, and how long it will take", () => {
    expect(figuresOf(download(coming))).toBe("430 MB of 1 GB · 12 MB/s · 1 min 35 s left");
    expect(figuresOf(download({ ...coming, bytes_per_second: null, seconds_left: null }, null, null))).toBe("");
    expect(figuresOf(download({ is: "paused" }))).toBe("430 MB of 1 GB");
  });

  it.each<[DownloadPhase, string, number | null]>([
    [coming, "From hub.example", 0.43],
    [{ is: "waiting", host: "hub.example", code: "connection" }, "hub.example does not answer; asking again in a moment", 0.43],
    [{ is: "waiting", host: "hub.example", code: "busy" }, "hub.example is busy; asking again in a moment", 0.43],
    [{ is: "failed", code: "connection", message: "no route" }, "Stopped", 0.43],
    [{ is: "asking" }, "Asking where it is", null],
  ])("in the phase %o says %s", (phase, words, progress) => {
    expect([phaseWords(download(phase)), progressOf(download(phase))]).toEqual([words, progress]);
  });
});
