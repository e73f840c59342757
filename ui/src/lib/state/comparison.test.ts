// What is typed, what a comparison comes to, and how its picture is laid out.
import { describe, expect, it } from "vitest";

import { formatDivergence, formatEstimate, formatShare } from "../formats";
import type { ComparedToken, Comparison, ComparisonSide, Precision } from "../host/types";
import { comparedWith, networkSide, sideWith } from "../testing/comparisons";
import { statusWith } from "../testing/statuses";
import { ballotOf, comparisonOf, faultsOf, newQuestion } from "./comparison-form";
import { notesOf } from "./comparison-notes";
import { arrangementWords, partings, questionWords, tokenName } from "./comparison-words";
import { levelOf, moved, placeToBegin, titleOf, visible } from "./divergence";
import { pointsOf } from "./fidelity-points";
import { ladderOf, usualSides } from "./ladder";
import { layOut } from "./picture";
import { sideOf, sideOptions, usualComparison } from "./sides";
import { toldWords } from "./vote-words";

const asked = { ...newQuestion(), prompt: " Why? ", sides: ["F16", "Q4_0"] };

describe("a question", () => {
  it.each([
    [{ prompt: " " }, "prompt"], [{ temperature: "" }, "temperature"], [{ temperature: "2.1" }, "temperature"], [{ temperature: "warm" }, "temperature"],
    [{ topP: "0" }, "topP"], [{ topP: "1.5" }, "topP"], [{ maxTokens: "0" }, "maxTokens"], [{ maxTokens: "1025" }, "maxTokens"], [{ maxTokens: "1.5" }, "maxTokens"],
  ])("with %o has a fault in %s", (changes, field) => {
    expect(Object.keys(faultsOf({ ...asked, ...changes }))).toEqual([field]);
  });

  it("asks for what was typed, with a comma for a point and nothing for what is empty", () => {
    const typed = { ...asked, temperature: "0,5", topP: "", system: " ", inTurn: true };
    expect(faultsOf(typed)).toEqual({});
    expect(comparisonOf(typed)).toEqual({
      prompt: "Why?", system: null, sides: [{ is: "precision", precision: "F16" }, { is: "precision", precision: "Q4_0" }],
      sampling: { temperature: 0.5, top_p: null, max_tokens: 96 }, in_turn: true, name: null,
    });
    expect(ballotOf({ ...typed, topP: "0.9" })).toMatchObject({ sampling: { top_p: 0.9 }, sides: [{ precision: "F16" }, { precision: "Q4_0" }] });
  });
});

describe("the ladder", () => {
  const measured = (precision: Precision) => ({ model: "smollm2-135m-instruct", precision, measurement: {} as never });

  it("is what was measured, the most exact first, and the ends of it are compared", () => {
    const status = statusWith({ measurements: [measured("Q4_0"), measured("F16"), measured("Q8_0")] });
    expect(ladderOf(status)).toEqual(["F16", "Q8_0", "Q4_0"]);
    expect(usualSides(status)).toEqual(["F16", "Q4_0"]);
  });

  it("has nothing to compare before anything is known, or with one precision", () => {
    expect([usualSides(null), usualSides(statusWith({ measurements: [measured("F16")] }))]).toEqual([[], []]);
  });
});

describe("the sides", () => {
  const measured = (precision: Precision) => ({ model: "smollm2-135m-instruct", precision, measurement: {} as never });
  const file = { model: "local-a:b", precision: "Q4_1" as const, file_bytes: 1, problem: null };
  const broken = { ...file, model: "gone", problem: "a file of gone Q4_1 is gone; import or get it again" };

  it("are precisions, other models that can be used, and the network", () => {
    const options = sideOptions(["F16", "Q4_0"], [file, broken]);
    expect(options.map(({ value }) => value)).toEqual(["F16", "Q4_0", "local-a:b:Q4_1", "remote"]);
    expect(options.map(({ value }) => sideOf(value))).toEqual([
      { is: "precision", precision: "F16" }, { is: "precision", precision: "Q4_0" }, { is: "model", model: "local-a:b", precision: "Q4_1" },
      { is: "remote", model: null },
    ]);
  });

  it("are the ends of the ladder at first, else what there is, else the network", () => {
    const one = statusWith({ measurements: [measured("F16")] });
    expect(usualComparison(statusWith({ measurements: [measured("F16"), measured("Q4_0")] }), [file])).toEqual(["F16", "Q4_0"]);
    expect([usualComparison(one, [file]), usualComparison(one, [broken])]).toEqual([["F16", "local-a:b:Q4_1"], ["F16", "remote"]]);
    expect(usualComparison(null, [broken])).toEqual([]);
  });
});

describe("what is said of sides of other kinds", () => {
  it("names who answered, how the text was cut and compared, and why there is no divergence", () => {
    const sides = [networkSide(["a"]), sideWith("Q4_0", ["a"], { unscored: { why: "remote_reference" }, own_prompt: true })];
    const notes = notesOf(comparedWith(sides), "0xA");
    expect(titleOf(networkSide([], { precision: null }))).toBe("Network");
    expect(notes[0]).toBe("Network F16 is m:high-accuracy, answered on the network at https://router.example/v1 by node 0xA.");
    expect(notes.slice(1).map((note) => note.split(" ").slice(0, 4).join(" "))).toEqual([
      "That node is this", "Its text is cut", "Network F16 has no", "Q4_0 reads the question", "Q4_0 has no divergence:", "Q4_0 and Network F16",
    ]);
    expect(notesOf(comparedWith(sides), "0xB")).toHaveLength(6);
  });

  it("counts the tokens of two vocabularies", () => {
    const unscored = { why: "other_vocabulary", tokens: 151_936, reference: "m", reference_tokens: 49_152 } as const;
    const [note] = notesOf(comparedWith([sideWith("F16", []), sideWith("Q8_0", [], { label: "n Q8_0", unscored })]), null);
    expect(note).toContain("n Q8_0 has no divergence: its vocabulary of 151,936 tokens is another one than that of m, with 49,152");
  });
});

describe("divergences", () => {
  it.each([[null, null], [0, 0], [0.0099, 0], [0.01, 1], [0.1, 2], [0.49, 2], [0.5, 3], [9, 3]])("%s nats are level %s", (nats, level) => {
    expect(levelOf(nats)).toBe(level);
  });

  it("a token that is only a space or a line end can be seen", () => {
    expect([" a", "\n", "", " "].map(visible)).toEqual(["␣a", "↵", "∅", "␣"]);
  });
});

describe("a comparison", () => {
  const comparison = comparedWith([sideWith("F16", ["a", "b", "c"]), sideWith("Q4_0", ["a", "x"], { first_divergence: 1, equal_tokens: 1 })], { first_divergence: 1 });

  it("is pointed at where the answers part, and nowhere before there are any", () => {
    expect(placeToBegin(comparison)).toEqual({ side: 1, index: 1 });
    expect(placeToBegin(comparedWith([sideWith("F16", []), sideWith("Q4_0", [])]))).toBeNull();
    const shorter = comparedWith([sideWith("F16", ["a", "b"]), sideWith("Q4_0", ["a"], { first_divergence: 1 })], { first_divergence: 1 });
    expect(placeToBegin(shorter)).toEqual({ side: 0, index: 1 });
  });

  it.each([
    ["ArrowRight", 0, 2, 0, 2], ["ArrowLeft", 0, 1, 0, 0], ["ArrowLeft", 0, 0, 0, 0], ["Home", 0, 2, 0, 0], ["End", 1, 0, 1, 1],
    ["ArrowDown", 0, 2, 1, 1], ["ArrowDown", 1, 1, 1, 1], ["ArrowUp", 1, 1, 0, 1],
  ])("%s leads from %i:%i to %i:%i", (key, side, index, toSide, toIndex) => {
    expect(moved(comparison.sides, { side, index }, key)).toEqual({ side: toSide, index: toIndex });
  });

  it("other keys lead nowhere", () => expect(moved(comparison.sides, { side: 0, index: 0 }, "a")).toBeNull());

  it("says until where the answers are the same", () => {
    const words = (side: Partial<ComparisonSide>, phase: Comparison["phase"] = "done"): string[] =>
      partings(comparedWith([sideWith("F16", ["a"]), sideWith("Q8_0", ["a"], side)], { phase }));
    expect(words({ first_divergence: 1, equal_tokens: 1 })).toEqual(["Q8_0 says the same as F16 for 1 token, then goes its own way."]);
    expect(words({ first_divergence: 0, equal_tokens: 0 })).toEqual(["Q8_0 begins differently from F16."]);
    expect(words({})).toEqual(["Q8_0 gives the same answer as F16, token by token."]);
    expect(words({}, "answering")).toEqual(["Q8_0 says the same as F16 so far."]);
  });

  it("says how memory was shared and what it meant for mining", () => {
    const arrangement = { how: "one_by_one" as const, together_bytes: 2e6, usable_bytes: 1e6, words: "" };
    const words = "One after the other: together they need 2 MB, and 1 MB may be used.";
    expect(arrangementWords(comparedWith([], { arrangement, mining: "paused" }))).toBe(`${words} Mining was paused, because its memory was needed. It goes on by itself.`);
    expect(arrangementWords(comparedWith([], { mining: "goes_on", phase: "answering" }))).toContain("goes on meanwhile");
  });

  it("repeats what was asked only where its name does not say it", () => {
    const request = { ...comparisonOf(asked), system: "Be brief." };
    expect(questionWords(comparedWith([], { request, name: "Why?" }))).toEqual(["System prompt: Be brief.", "Temperature 0, at most 96 tokens."]);
    expect(questionWords(comparedWith([], { request, name: "First try" }))[0]).toBe("Asked: Why?");
  });

  it("a token is read out with its place, what it is shaded for, and what each side expected", () => {
    const token: ComparedToken = { id: 1, text: " x", divergence: 0.66, top: [[{ id: 2, text: " b", probability: 0.5 }], [{ id: 1, text: " x", probability: 0.0004 }]] };
    const sides = [sideWith("F16", ["a"]), { ...sideWith("Q4_0", []), tokens: [token], first_divergence: 0 }];
    expect(tokenName(comparedWith(sides), { side: 1, index: 0 })).toBe(
      "␣x, Q4_0, token 1 of 1, first different token, 0.66 nats: far apart, F16 expects ␣b, 50.0%, Q4_0 expects ␣x, <0.1%",
    );
  });
});

it("figures keep as many digits as their errors leave, and no share is rounded to all", () => {
  expect([formatEstimate({ value: 18.8712, error: 0.748 }), formatEstimate({ value: 0.00412, error: 0.00015 })]).toEqual(["18.87 ± 0.75", "0.00412 ± 0.00015"]);
  expect([formatShare(1), formatShare(0.99996), formatShare(0), formatDivergence(0.00123), formatDivergence(4.548)]).toEqual(["100%", "99.9%", "0%", "0.0012", "4.55"]);
});

describe("a vote", () => {
  const summary = { exact: "F16", other: "Q4_0", for_exact: 8, for_other: 2, equal: 2, share: 0.75, interval: [0.47, 0.91], told: "not_apart", least_votes: 10 } as const;

  it("is told with its interval, and not before there are enough", () => {
    expect(toldWords({ ...summary, interval: [0.47, 0.91] })).toBe(
      "You cannot tell them apart, as far as your votes go. Of 12 votes, 75% went to F16, equal ones counting half; after very many votes it would be between 47% and 91% (95% interval).",
    );
    expect(toldWords({ ...summary, interval: [0.6, 1], told: "prefers_exact" })).toContain("prefer F16");
    expect(toldWords({ ...summary, interval: [0, 1], for_exact: 1, for_other: 0, told: "too_few" })).toContain("7 more votes");
  });
});

describe("a report's chart", () => {
  const file = (precision: Precision, speed: number | null) => ({ precision, artifact: precision, file_bytes: 9, decode_tokens_per_second: speed, chosen_for: [] });
  const row = { file: file("Q4_0", null), statistics: { same_top: { value: 0.85, error: 0 } } };
  const report = { reference: file("F16", 14), precisions: [row] } as never;

  it("has the reference at the top, and leaves out what has no measured speed", () => {
    expect(pointsOf(report, "size").map(({ x, y, precision }) => [precision, x, y])).toEqual([["F16", 9, 1], ["Q4_0", 9, 0.85]]);
    expect(pointsOf(report, "speed").map(({ x, precision }) => [precision, x])).toEqual([["F16", 14]]);
  });
});

describe("a picture's text", () => {
  const measure = (text: string): number => text.length;

  it("begins a new line where a token has no room, and at line ends", () => {
    const pieces = layOut(["one", " two", " three", ".\n\nNew", "\n"], 8, measure);
    expect(pieces.map(({ text, x, line, index }) => [text, x, line, index])).toEqual([
      ["one", 0, 0, 0], [" two", 3, 0, 1], ["three", 0, 1, 2], [".", 5, 1, 3], ["New", 0, 3, 3],
    ]);
  });

  it("keeps the tokens of a word together, unless it is longer than a line", () => {
    const lines = (tokens: string[]): [string, number][] => layOut(tokens, 8, measure).map(({ text, line }) => [text, line]);
    expect(lines(["a", " scatt", "ered", "."])).toEqual([["a", 0], ["scatt", 1], ["ered", 2], [".", 2]]);
    expect(lines(["one", " two", ","])).toEqual([["one", 0], [" two", 0], [",", 0]]);
    expect(lines(["four", " two", "s"])).toEqual([["four", 0], ["twos".slice(0, 3), 1], ["s", 1]]);
  });
});
