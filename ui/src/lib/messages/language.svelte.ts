// Which language the window is in.
import i18next from "i18next";

import type { Language } from "../host/types";

/** Loaded when they are asked for, so that the window starts no slower for them. English is always there. */
const words: Record<Exclude<Language, "en">, () => Promise<{ default: object }>> = {
  de: () => import("./de.json"),
  es: () => import("./es.json"),
};

export const languages: readonly Language[] = ["en", "de", "es"];

let current = $state<Language>("en");
/** The last one that was asked for: words that come late must not replace it. */
let wanted: Language = "en";

export const currentLanguage = (): Language => current;

/** The first of the system's languages that the window has words in. */
export function systemLanguage(): Language {
  const known = navigator.languages.map((tag) => languages.find((one) => isOf(tag, one)));
  return known.find((one) => one !== undefined) ?? "en";
}

/** How numbers and dates are written: as in the user's region of the language. */
export const locale = (): string => navigator.languages.find((tag) => isOf(tag, current)) ?? current;

const isOf = (tag: string, language: Language): boolean => tag.split("-")[0]?.toLowerCase() === language;

/** Puts the window into what the settings say: null is the system's language. */
export async function speak(chosen: Language | null): Promise<void> {
  wanted = chosen ?? systemLanguage();
  const next = wanted;
  if (next !== "en" && !i18next.hasResourceBundle(next, "translation")) {
    i18next.addResourceBundle(next, "translation", (await words[next]()).default);
  }
  if (next !== wanted) return;
  await i18next.changeLanguage(next);
  document.documentElement.lang = next;
  document.documentElement.dir = i18next.dir(next);
  current = next;
}
