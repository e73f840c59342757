// What the network says with a code: words of the window's own for every code that it knows.

/** Something that is told apart by its code. */
export type Coded = { code: string };

/** For each code, its words. One that is missing does not compile. */
export type WordsOf<Said extends Coded> = { [Code in Said["code"]]: (said: Extract<Said, { code: Code }>) => string };

/** null: nothing was said with a code, or with one that is not known here. The network's own sentence is for that. */
export function inWords<Said extends Coded>(words: WordsOf<Said>, said: Said | undefined | null): string | null {
  if (!said || !Object.hasOwn(words, said.code)) return null;
  return words[said.code as Said["code"]](said as never);
}
