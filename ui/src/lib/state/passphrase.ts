/** As for the headless miner: what is shorter is guessed in no time. */
export const LEAST_CHARACTERS = 8;

export type PassphraseFault = { at: "passphrase"; is: "missing" | "short" } | { at: "repeated"; is: "different" };

/** What is wrong with a passphrase. `repeated` null: it is an old one, and whoever has it knows whether it is right. */
export function passphraseFault(passphrase: string, repeated: string | null): PassphraseFault | null {
  if (passphrase === "") return { at: "passphrase", is: "missing" };
  if (repeated === null) return null;
  if ([...passphrase].length < LEAST_CHARACTERS) return { at: "passphrase", is: "short" };
  return passphrase === repeated ? null : { at: "repeated", is: "different" };
}
