// What the planner says with a code is said in every language, and in its own sentence where it has none.
import { afterEach, describe, expect, it } from "vitest";

import { planAfterRunningOut, planWithin } from "../host/mock/planning";
import type { Advice, ChoiceReason, Language, Mode, Verdict } from "../host/types";
import { languages, speak } from "../messages";
import type { Sample } from "../testing/samples";
import { adviceInWords, passedOver, reasonsInWords, whyNotInWords } from "./plan-words";
import { choiceOf } from "./what-if";

const rated = { requests_per_hour: 1234.5, prompt_tokens: 256, completion_tokens: 128 };
const bytes = { needed_bytes: 1_209_900_000, usable_bytes: 8e9 };
const cards = [{ index: 0, model: "RTX 3060" }, { index: 1, model: null }];

const REASONS: Sample<ChoiceReason> = {
  all_slow: { code: "all_slow" },
  most_exact: { code: "most_exact" },
  largest_in_full: { code: "largest_in_full" },
  full_too_slow: { code: "full_too_slow" },
  most_exact_quantized: { code: "most_exact_quantized" },
  largest_quantized: { code: "largest_quantized" },
  not_measured: { code: "not_measured" },
  measured: { code: "measured", most: "serves", tie: false, ...rated },
  estimated: { code: "estimated", most: "earns", tie: true, error_factor: 1.71, ...rated },
  busy: { code: "busy", share: 0.55 },
  memory: { code: "memory", ...bytes },
  budget_margin: { code: "budget_margin" },
  fewer_slots: { code: "fewer_slots", slots: 1, before: 2 },
  less_context: { code: "less_context", context_tokens: 1024, before: 4096 },
  shorter_to_fit: { code: "shorter_to_fit", context_tokens: 1024, wished: 4096 },
  on_cards: { code: "on_cards", cards },
  split: { code: "split", cards, card_layers: 5, processor_layers: 27, gained: 1.34 },
};
const VERDICTS: Sample<Verdict> = {
  too_slow: { code: "too_slow", requests_per_hour: 11.2, measured: true },
  less_exact: { code: "less_exact" },
  larger_but_quantized: { code: "larger_but_quantized" },
  smaller: { code: "smaller" },
  measured: { code: "measured", requests_per_hour: 802.4 },
  estimated: { code: "estimated", requests_per_hour: 802.4 },
  not_measured: { code: "not_measured" },
  fits: { code: "fits", ...bytes },
  fits_with_less: { code: "fits_with_less", context_tokens: 2048, ...bytes },
  fits_after_running_out: {
    code: "fits_after_running_out", failed: { context_tokens: 4096, slots: 2 }, load: { context_tokens: 4096, slots: 1 }, ...bytes,
  },
  too_large: { code: "too_large", ...bytes },
  ran_out_of_memory: { code: "ran_out_of_memory", context_tokens: 512 },
};
const idle = [{ index: 0, model: "RTX 3060", free_bytes: 11e9 }, { index: 1, model: "RTX 3060", free_bytes: null }];
const ADVICE: Sample<Advice> = {
  would_compute: { code: "would_compute", build: "cuda", cards: idle, model: "smollm2", precision: "F16" },
  nothing_would_fit: { code: "nothing_would_fit", build: "metal", cards: idle },
};

const advice = (one: Advice): string | undefined => adviceInWords({ other_builds: [one], advice: ["its sentence"] })[0];
const reason = (why: ChoiceReason): string | undefined => reasonsInWords({ why: [why], reasons: ["its sentence"] })[0];
const verdict = (why: Verdict): string => whyNotInWords({ why, why_not: "its words" });
const UNSAID = /^its|\{\{|node\.plan\.\w|undefined|NaN|^$/;

afterEach(() => speak("en"));

describe.each<[Language]>(languages.map((one) => [one]))("in %s", (language) => {
  it.each(Object.values(REASONS))("the reason $code has words", async (why) => {
    await speak(language);
    expect(reason(why)).toMatch(/\.$/);
    expect(reason(why)).not.toMatch(UNSAID);
  });

  it("each way to bring most has words, and so has a part whose gain is not known", async () => {
    await speak(language);
    const ways = (["serves", "earns"] as const).flatMap((most) => [true, false].map((tie) => reason({ ...REASONS.measured, most, tie })));
    expect(new Set(ways).size).toBe(4);
    expect(ways.join()).not.toMatch(UNSAID);
    expect(reason({ ...REASONS.split, gained: null })).not.toMatch(UNSAID);
  });

  it.each(Object.values(VERDICTS))("the verdict $code has words", async (why) => {
    await speak(language);
    expect(verdict(why)).not.toMatch(UNSAID);
    if (why.code === "too_slow") expect(verdict({ ...why, measured: false })).not.toBe(verdict(why));
  });

  it.each(Object.values(ADVICE))("the advice $code has words", async (one) => {
    await speak(language);
    expect(advice(one)).toMatch(/\.$/);
    expect(advice(one)).not.toMatch(UNSAID);
  });
});

it("figures are written as in the language, bytes in the unit that fits them", async () => {
  expect(reason(REASONS.measured)).toBe("Measured here as the one that serves most: 1,235 requests/h of 256 prompt and 128 answer tokens.");
  expect(reason(REASONS.memory)).toBe("It should take 1.2 GB of the 8 GB that may be used.");
  expect(reason(REASONS.fewer_slots)).toContain("1 request at a time instead of 2");
  expect(reason(REASONS.on_cards)).toBe("It computes on card 0 (RTX 3060) and card 1.");
  expect(reason(REASONS.split)).toContain("1.3 times as fast");
  expect(verdict(VERDICTS.fits_after_running_out)).toBe(
    "ran out of memory with 2 times a context of 4,096 tokens; needs 1.2 GB of 8 GB with a context of 4,096 tokens",
  );
  expect(advice(ADVICE.would_compute)).toBe(
    "This build does not use card 0 (RTX 3060, 11 GB free) and card 1 (RTX 3060); with the CUDA build smollm2 F16 would compute there.",
  );
  await speak("de");
  expect(advice(ADVICE.nothing_would_fit)).toBe(
    "Dieser Build nutzt Grafikkarte 0 (RTX 3060, 11 GB frei) und Grafikkarte 1 (RTX 3060) nicht; mit dem Metal-Build würde dort keine der "
      + "Modelldateien passen.",
  );
  expect(reason(REASONS.estimated)).toContain("etwa 1.235 Anfragen/h mit 256 Tokens im Prompt und 128 in der Antwort, auf einen Faktor von 1,7 genau");
  expect(reason(REASONS.on_cards)).toBe("Es rechnet auf Grafikkarte 0 (RTX 3060) und Grafikkarte 1.");
  expect(verdict(VERDICTS.too_large)).toBe("braucht 1,2 GB, genutzt werden dürfen 8 GB");
  expect(verdict(VERDICTS.measured)).toBe("gemessen mit 802 Anfragen/h");
});

it("without a code, or with one that is not known, the planner's own words are marked as English", async () => {
  await speak("de");
  const newer = { code: "constructor" } as unknown as ChoiceReason & Verdict;
  expect(reasonsInWords({ why: [newer, REASONS.all_slow], reasons: ["dance", "its words", "and sing"] })).toEqual([
    "\u2068dance\u2069", "Hier ist alles langsam; das ist das Schnellste davon.", "\u2068and sing\u2069",
  ]);
  expect(reasonsInWords({ reasons: ["dance"] })).toEqual(["\u2068dance\u2069"]);
  const unknown = [{ code: "dance" } as unknown as Advice];
  for (const other_builds of [undefined, unknown]) {
    expect(adviceInWords({ advice: ["dance"], ...(other_builds && { other_builds }) })).toEqual(["\u2068dance\u2069"]);
  }
  for (const why of [undefined, newer]) expect(whyNotInWords({ why_not: "dance", ...(why && { why }) })).toBe("\u2068dance\u2069");
});

describe("alternatives", () => {
  const plan = planWithin({ memory_budget_bytes: null, context_tokens: null, slots: null });
  const passed = (mode: Mode, of = plan) => of.alternatives.map((one) => passedOver(choiceOf(of, mode), one));

  it("say why a mode passed them over", async () => {
    expect(passed("precision")).toEqual([null, "Less exact.", "Less exact."]);
    expect(passed("volume")).toEqual(["Measured at 363 requests/h.", null, "Measured at 565 requests/h."]);
    await speak("de");
    expect(passed("precision")).toEqual([null, "Weniger genau.", "Weniger genau."]);
  });

  it("say how they fit where no mode says anything of them", async () => {
    await speak("es");
    const alone = { ...plan, volume: { ...plan.volume, runners_up: [] } };
    expect(passed("volume", alone)[0]).toMatch(/^Necesita .* MB de 22,8 GB\.$/);
  });

  it("of the recorded miner have a code for every sentence", async () => {
    await speak("de");
    for (const of of [plan, planWithin({ memory_budget_bytes: 800e6, context_tokens: null, slots: null }), planAfterRunningOut()]) {
      const words = (["precision", "volume"] as const).flatMap((mode) => [...reasonsInWords(choiceOf(of, mode)), ...passed(mode, of)]);
      expect(words.join(" ")).not.toContain("\u2068");
    }
  });
});
