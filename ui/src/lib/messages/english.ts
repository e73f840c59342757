// What there is in English only: the miner, the network and whoever makes versions of it say it in sentences of their own.
import { currentLanguage } from "./language.svelte";

/** Unicode's isolates, so that such words keep their direction anywhere; `MessageText` makes elements of them. */
const [BEGIN, END] = ["\u2068", "\u2069"];
const EITHER = /[\u2068\u2069]/;

/** Marks words as English, in a window that is not. */
export function english(words: string): string {
  if (currentLanguage() === "en" || words === "") return words;
  return BEGIN + words.split(EITHER).join("") + END;
}

/** In turn: what is in the window's language, and what is in English. */
export const runsOf = (text: string): string[] => text.split(EITHER);

/** The same without marks, for what is not shown. */
export const unmarked = (text: string): string => runsOf(text).join("");

/** What there is in English only, led by what is so in general; in English it says enough by itself. */
export const led = (general: string, words: string): string => (currentLanguage() === "en" ? words : `${general} ${english(words)}`);
