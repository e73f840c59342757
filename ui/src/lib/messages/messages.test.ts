// Every language says the same things: what is missing, left over or still English is named.
import { describe, expect, it } from "vitest";

import de from "./de.json";
import en from "./en.json";
import es from "./es.json";

type Words = { [key: string]: string | string[] | Words };

/** Messages by their whole key. */
function flat(words: Words | string[], before = ""): Map<string, string> {
  const all = Object.entries(words).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" ? [[before + key, value]] : [...flat(value, `${before}${key}.`)]);
  return new Map(all);
}

const english = flat(en);
const placeholders = (message: string | undefined): string => [...(message ?? "").matchAll(/{{\w+}}/g)].map(String).sort().join(" ");
/** A message with a number has `_one` and `_other` in English. */
const counted = [...english.keys()].filter((key) => key.endsWith("_one") && english.has(key.replace(/_one$/, "_other"))).map((key) => key.slice(0, -4));

/** The keys that a language must have: another number of plural forms makes other keys. */
function keysFor(language: string): string[] {
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  const single = [...english.keys()].filter((key) => !counted.some((base) => key === `${base}_one` || key === `${base}_other`));
  return [...single, ...counted.flatMap((base) => forms.map((form) => `${base}_${form}`))];
}

/** The English message that one is the translation of. */
function source(key: string): string | undefined {
  return english.get(key) ?? english.get(key.replace(/_[a-z]+$/, "_other"));
}

/** Units, formats, names, and words that are the same in both. `compare.examples` and `practice.question` are put to the
 *  starter model, which answers in English only. */
const same = {
  de: `report.sources.tokens app.name glance.title compare.examples.0 compare.examples.1 compare.examples.2 practice.question passphrase.label phase.offline.word
    activity.filter.label activity.column.tokens activity.details.tokens activity.prompt.prompt settings.network.router
    settings.hardware.title about.version about.engine about.system about.key.tab about.key.escape about.components.name
    about.components.version level.label mode.format node.connection.router node.hardware.title node.hardware.system
    node.plan.title node.plan.engine node.threads.threads node.what_if.precision compare.prompt compare.top_p compare.save.markdown compare.save.csv
    compare.history.name_column compare.rename.label fidelity.text fidelity.bundled vote.votes.prompt models.here.format
    models.origin.lm_studio settings.language.name.en settings.language.name.de settings.language.name.es`,
  es: `report.sources.tokens why.finding.cause app.name glance.title compare.examples.0 compare.examples.1 compare.examples.2 practice.question activity.column.tokens
    activity.details.tokens activity.prompt.prompt settings.network.router settings.hardware.title
    logs.level.error logs.level.info logs.level.debug about.key.control about.key.tab about.key.escape node.connection.router
    node.hardware.title node.plan.title node.what_if.does_not_fit compare.prompt compare.top_p compare.save.markdown compare.save.csv fidelity.bundled vote.votes.prompt models.origin.lm_studio
    models.had.does_not_fit settings.language.name.en settings.language.name.de settings.language.name.es`,
};

/** Has words, beside placeholders, units and addresses. */
function hasWords(message: string): boolean {
  const rest = message.replace(/{{\w+}}|\b(?:GB|MB|kB|k?Wh|ms|min|tokens?|nats?)\b|\S+:\/\/\S+|0x…/g, "");
  return /\p{L}{2,}/u.test(rest);
}

describe.each<["de" | "es", Words]>([["de", de], ["es", es]])("%s", (language, words) => {
  const translated = flat(words);
  const keys = keysFor(language);

  it("has every message", () => expect(keys.filter((key) => !translated.has(key))).toEqual([]));

  it("has no message that English has not", () => expect([...translated.keys()].filter((key) => !keys.includes(key))).toEqual([]));

  it("fills in the same in each", () => {
    const other = [...translated].filter(([key, message]) => {
      const [mine, theirs] = [placeholders(message), placeholders(source(key))];
      // Its number is a word in some languages: "one file".
      return mine !== theirs && mine !== placeholders(english.get(key.replace(/_[a-z]+$/, "_one")));
    });
    expect(other.map(([key]) => key)).toEqual([]);
  });

  it("is not English, but for names", () => {
    const allowed = same[language].split(/\s+/);
    const left = [...translated].filter(([key, message]) => message === source(key) && hasWords(message)).map(([key]) => key);
    expect(left.filter((key) => !allowed.includes(key))).toEqual([]);
    expect(allowed.filter((key) => !left.includes(key)), "allowed for nothing").toEqual([]);
  });

  it("has no straight quotes and no double spaces", () => {
    expect([...translated].filter(([, message]) => /"|  /.test(message)).map(([key]) => key)).toEqual([]);
  });
});

it("a counted message has both English forms", () => {
  const halves = [...english.keys()].filter((key) => key.endsWith("_one") && !english.has(key.replace(/_one$/, "_other")));
  expect(halves).toEqual([]);
});
