/** What was recorded of three precisions: answers, token by token, with what each side expected. */

import type { ComparedToken, Precision, TopToken } from "../types";
import { Chance } from "./chance";

export const PROMPT = "Why is the sky blue? Explain it in three sentences.";

const BEGINNING = "The sky appears blue because of a process called Rayleigh scattering.";
const SECOND = " Sunlight contains every colour, and when it passes through the air, short wavelengths such as blue are scattered much more than";
const ANSWERS: Partial<Record<Precision, string>> = {
  F16: `${BEGINNING}${SECOND} long ones such as red. So from every direction of the sky some of that blue light reaches our eyes.`,
  Q8_0: `${BEGINNING}${SECOND} long ones such as red. So from every direction of the sky, blue light reaches our eyes.`,
  Q4_0: `${BEGINNING} When sunlight enters the atmosphere, it hits tiny particles of gas, and the blue light is spread in all directions. `
    + "The other colours go straight on, which is why the Sun looks yellow.",
};
/** How far a precision usually is from the most exact one, in nats. */
const USUAL: Partial<Record<Precision, number>> = { F16: 0, Q8_0: 0.004, Q4_0: 0.11 };
const ALTERNATIVES = [" the", " a", " light", " when", " of", ",", ".", " blue", " air", " it", " Sun", " scattered", " in", " is", " and", " white"];

export const usualDivergence = (precision: Precision): number => USUAL[precision] ?? 0.2;

/** What another model says. */
export const OTHER_ANSWER = "The sky is blue because air scatters short wavelengths of sunlight, such as blue, more than long ones, such as red.";

export const tokensOf = (precision: Precision): string[] => cut(ANSWERS[precision] ?? ANSWERS.Q4_0 ?? "");

/** Words and marks as a tokenizer cuts them: long words in two. */
export function cut(text: string): string[] {
  return (text.match(/ ?[A-Za-z]+|[^A-Za-z]/g) ?? []).flatMap((word) => (word.length > 9 ? [word.slice(0, 6), word.slice(6)] : [word]));
}

/** The id of a token: the same text has the same one. */
export function idOf(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 49_152, 7);
}

/** The tokens of every side with how far the others are from the first one there. */
export function scored(said: readonly string[][], usually: readonly number[]): ComparedToken[][] {
  const parts = said.map((_, side) => firstDivergence(said[0] ?? [], said[side] ?? []));
  const first = parts.slice(1).reduce<number | null>((least, at) => (at === null ? least : Math.min(at, least ?? at)), null);
  return said.map((_, side) => {
    const chance = new Chance(1000 + side);
    const own = side === 0 ? first : (parts[side] ?? null);
    return (said[side] ?? []).map((text, index) => {
      const others = usually.map((apart, at) => (at === 0 || (side > 0 && at !== side) ? 0 : apart));
      const usual = Math.max(...others);
      const divergence = usual * (index === own ? 6 : chance.next() ** 5 * (chance.next() < 0.15 ? 9 : 0.7));
      const rival = side === 0 ? said.find((_, at) => parts[at] === index)?.[index] : said[0]?.[index];
      return { id: idOf(text), text, divergence, top: said.map((__, at) => expected(chance, text, index === own && at !== side ? rival : undefined, divergence)) };
    });
  });
}

/** The first place where two answers differ. null: they are the same. */
export function firstDivergence(one: readonly string[], other: readonly string[]): number | null {
  const at = Array.from({ length: Math.max(one.length, other.length) }, (_, index) => index).find((index) => one[index] !== other[index]);
  return at ?? null;
}

/** Five tokens; `instead` is the likeliest one where this side would have said something else. */
function expected(chance: Chance, text: string, instead: string | undefined, divergence: number): TopToken[] {
  const sure = Math.max(0.34, 0.97 - Math.min(divergence, 1.2) * 0.4 - chance.next() * 0.2);
  const likeliest = instead ? [instead, text] : [text];
  const others = ALTERNATIVES.filter((other) => !likeliest.includes(other));
  const begin = chance.between(0, others.length - 5);
  const texts = [...likeliest, ...others.slice(begin, begin + 4)].slice(0, 5);
  let left = 1;
  return texts.map((one, place) => {
    const probability = left * (place === 0 ? sure : 0.55);
    left -= probability;
    return { id: idOf(one), text: one, probability };
  });
}
