/** What the practice network pays, in base units. */

import type { PrecisionClass, Usage } from "../types";

const PER_TOKEN: Record<PrecisionClass, { prompt: bigint; completion: bigint }> = {
  full: { prompt: 2_000_000_000_000n, completion: 6_000_000_000_000n },
  quantized: { prompt: 1_000_000_000_000n, completion: 3_000_000_000_000n },
};

function answer(precision: PrecisionClass, usage: Usage): bigint {
  const price = PER_TOKEN[precision];
  return price.prompt * BigInt(usage.prompt_tokens) + price.completion * BigInt(usage.completion_tokens);
}

export const PRICES = {
  answer,
  typical: (precision: PrecisionClass) => answer(precision, { prompt_tokens: 256, completion_tokens: 128 }),
  test: 1_000_000_000_000_000n,
};
