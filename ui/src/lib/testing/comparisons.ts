// Tests only: a comparison with nothing in it, and its sides.
import type { Comparison, ComparisonSide, Precision } from "../host/types";

export function sideWith(precision: Precision, texts: string[], changes: Partial<ComparisonSide> = {}): ComparisonSide {
  return {
    model: "m", precision, artifact: precision, label: null, file_bytes: 271e6, memory_bytes: null, estimated_memory_bytes: 1, state: "scored",
    first_token_ms: null, decode_tokens_per_second: null, alone: true, benchmark_tokens_per_second: null, energy_joules: null, prompt_tokens: 1,
    finish: "stop", tokens: texts.map((text, id) => ({ id, text, divergence: 0, top: [] })), first_divergence: null, equal_tokens: texts.length,
    mean_divergence: null, same_top: null, by_text: false, own_prompt: false, unscored: null, remote: null, ...changes,
  };
}

/** A side that the network answers. */
export function networkSide(texts: string[], changes: Partial<ComparisonSide> = {}): ComparisonSide {
  const remote = { asked: "m:high-accuracy", api_url: "https://router.example/v1", node: "0xA", tokenizer: "m", tells_top: true };
  const unscored = { why: "top_only" as const };
  return sideWith("F16", texts, { artifact: null, file_bytes: null, by_text: true, unscored, remote, ...changes });
}

export function comparedWith(sides: ComparisonSide[], changes: Partial<Comparison> = {}): Comparison {
  return {
    id: "c", phase: "done", request: null, name: "n", started_at: 0, arrangement: null, mining: "nothing", progress: 1, sides,
    first_divergence: null, failure: null, ...changes,
  };
}
