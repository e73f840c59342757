/** Who can be a side in the mock: precisions, two other models, and the network. */

import type { ComparedToken, ComparisonSide, ModelFile, ModelId, NetworkView, Precision, SideChoice } from "../types";
import { OTHER_ANSWER, cut, tokensOf, usualDivergence } from "./lab-words";
import { LADDER, MODEL, measurement, variant } from "./machine";

export const PRACTICE_URL = "http://127.0.0.1:5010/v1";
/** The model with a vocabulary of its own. */
const OTHER: ModelId = "qwen3-0.6b";
const VOCABULARIES: Record<ModelId, number> = { [OTHER]: 151_936 };
const VOCABULARY = 49_152;

export const MODEL_FILES: ModelFile[] = [
  { model: OTHER, precision: "Q8_0", file_bytes: 639_446_688, problem: null },
  { model: "local-smollm2-135m-instruct.q4_1", precision: "Q4_1", file_bytes: 98_362_432, problem: null },
  {
    model: "qwen3-32b", precision: "Q4_K", file_bytes: 19_762_150_048,
    problem: "qwen3-32b Q4_K comes in 2 files, and the engine loads one; choose a format that is a single file",
  },
];

export function precisionOfSide(side: SideChoice): Precision {
  return side.is === "precision" || side.is === "model" ? side.precision : (LADDER[0] ?? "F16");
}

/** The sides before anything has begun. */
export function sidesFor(choices: readonly SideChoice[], network: NetworkView): ComparisonSide[] {
  const sides = choices.map((choice) => (choice.is === "remote" ? remoteSide(choice.model, network) : sideHere(choice)));
  const several = new Set(sides.map((side) => side.model)).size > 1;
  return sides.map((side) => (several ? { ...side, label: [side.model, side.precision].filter(Boolean).join(" ") } : side));
}

function sideHere(choice: SideChoice): ComparisonSide {
  const [precision, model] = [precisionOfSide(choice), choice.is === "model" ? choice.model : MODEL];
  const { artifact, bytes } = variant(precision);
  const file = MODEL_FILES.find((one) => one.model === model && one.precision === precision);
  const { estimated_memory_bytes, decode_tokens_per_second } = measurement(precision);
  return {
    ...blank(model), precision, artifact, file_bytes: file?.file_bytes ?? bytes, estimated_memory_bytes,
    benchmark_tokens_per_second: file ? null : decode_tokens_per_second,
  };
}

function remoteSide(asked: string | null, network: NetworkView): ComparisonSide {
  const wanted = asked ?? `${MODEL}:high-accuracy`;
  const remote = { asked: wanted, api_url: network.api_url ?? PRACTICE_URL, node: null, tokenizer: MODEL, tells_top: false };
  return { ...blank(wanted.split(":")[0] ?? wanted), by_text: true, alone: true, remote };
}

function blank(model: ModelId): ComparisonSide {
  return {
    model, precision: null, artifact: null, label: null, file_bytes: null, memory_bytes: null, estimated_memory_bytes: 0, state: "waiting",
    first_token_ms: null, decode_tokens_per_second: null, alone: false, benchmark_tokens_per_second: null, energy_joules: null,
    prompt_tokens: null, finish: null, tokens: [], first_divergence: null, equal_tokens: 0, mean_divergence: null, same_top: null,
    by_text: false, own_prompt: false, unscored: null, remote: null,
  };
}

/** What a side says, token by token. */
export function saidBy({ model, precision, remote }: ComparisonSide): string[] {
  if (model === OTHER) return cut(OTHER_ANSWER);
  return tokensOf(remote ? "Q8_0" : (precision ?? "F16"));
}

export const usuallyApart = ({ precision }: ComparisonSide): number => (precision ? usualDivergence(precision) : 0);

/** Says of every side whether and how it can be held against the others. */
export function fit(sides: ComparisonSide[]): void {
  const [reference] = sides;
  const first = sides.find((side) => !side.remote);
  for (const side of sides) {
    const [tokens, others] = [VOCABULARIES[side.model] ?? VOCABULARY, VOCABULARIES[first?.model ?? MODEL] ?? VOCABULARY];
    if (side.remote) side.unscored = side.remote.tells_top ? { why: "top_only" } : null;
    else if (tokens !== others && first) {
      side.by_text = true;
      side.unscored = { why: "other_vocabulary", tokens, reference: first.model, reference_tokens: others };
    } else if (reference?.remote) side.unscored = { why: "remote_reference" };
  }
}

/** What is known of a token: no divergence where there is none, and what was expected where somebody told it. */
export function known(token: ComparedToken, of: number, sides: readonly ComparisonSide[]): ComparedToken {
  const otherTokens = (side: ComparisonSide | undefined): boolean => side?.unscored?.why === "other_vocabulary";
  const alone = sides.filter((side) => !otherTokens(side)).length < 2;
  if (alone || otherTokens(sides[of])) return { ...token, divergence: null, top: [] };
  const top = token.top.map((tops, index) => ((sides[index]?.remote && index !== of) || otherTokens(sides[index]) ? [] : tops));
  return { ...token, divergence: sides[of]?.unscored ? null : token.divergence, top };
}
