/** The recorded list of models, and what is here of it after some use. */

import type { Badge, Fit, ModelUse, ModelView, Origin, Precision, VariantPlace, VariantView } from "../types";
import { DATA_FOLDER, LADDER, MODEL, precisionClass, variant as artifact } from "./machine";

export const MODELS_FOLDER = `${DATA_FOLDER}/models`;

type Listed = [id: string, name: string, family: string, licence: string, parameters: number, formats: [Precision, number | null][]];

const LIST: Listed[] = [
  ["smollm2-360m-instruct", "SmolLM2 360M Instruct", "SmolLM2", "Apache-2.0", 361_821_120, [["Q8_0", null]]],
  ["qwen3-0.6b", "Qwen3 0.6B", "Qwen3", "Apache-2.0", 596_049_920, [["Q8_0", 639_446_688]]],
  ["qwen3-4b", "Qwen3 4B", "Qwen3", "Apache-2.0", 4_022_468_096, [["Q8_0", 4_280_404_704], ["Q4_K", 2_497_280_256]]],
  ["llama-3.2-1b-instruct", "Llama 3.2 1B Instruct", "Llama 3.2", "llama3.2", 1_235_814_432, [["F16", null], ["Q8_0", null], ["Q4_K", null]]],
  ["phi-3-mini-4k-instruct", "Phi-3 mini 4k Instruct", "Phi-3", "MIT", 3_821_079_552, [["Q4_K", null]]],
];

export function here(origin: Origin, path: string, uses: ModelUse[] = []): VariantPlace {
  return { is: "here", origin, condition: "whole", ours: origin === "made" || origin === "downloaded", keep: false, path, uses };
}

export function variantOf(id: string, format: Precision, bytes: number | null, place: VariantPlace, from: Precision | null = null): VariantView {
  return { id, format, precision_class: precisionClass(format), bytes, place, make_from: from, fit: null };
}

/** On the recorded machine, which has 24 GB: weights and half a gigabyte besides. */
function badge(parameters: number, format: Precision): Badge {
  const bits = format === "F16" ? 32 : format === "Q8_0" ? 8.5 : 4.5;
  const needed = Math.round((parameters * bits) / 8) + 500_000_000;
  const fit: Fit = needed > 16_000_000_000 ? "does_not_fit" : needed > 4_500_000_000 ? "fits_with_less_context" : "fits";
  const reason = `Needs about ${String(needed)} bytes.`;
  return { fit, placement: { on: "processor" }, context_tokens: fit === "fits" ? 4096 : fit === "does_not_fit" ? 0 : 2048, needed_bytes: needed, reason };
}

/** The starter model: its ladder is made on the first start, so that it is here or still to be made. */
function starter(made: boolean): ModelView {
  const file = (precision: Precision): string => `${MODELS_FOLDER}/${MODEL}/${MODEL}.${precision}.gguf`;
  const ladder = LADDER.map((precision) => {
    const place: VariantPlace = made ? here("made", file(precision), ["ladder"]) : { is: "made_from", from: "Q4_1" };
    return variantOf(MODEL, precision, artifact(precision).bytes, place, made ? null : "Q4_1");
  });
  const source = variantOf(MODEL, "Q4_1", 98_362_432, here("imported", "/opt/cortensor/SmolLM2-135M-Instruct.Q4_1.gguf"));
  const listed = { family: "SmolLM2", licence: "Apache-2.0", parameters: 134_515_008, context_tokens: 8192 };
  return { id: MODEL, name: "SmolLM2 135M Instruct", listed, variants: [...ladder.slice(0, 2), source, ...ladder.slice(2)] };
}

function listedModel([id, name, family, licence, parameters, formats]: Listed): ModelView {
  const variants = formats.map(([format, bytes]) => ({ ...variantOf(id, format, bytes, { is: "listed" }), fit: badge(parameters, format) }));
  return { id, name, listed: { family, licence, parameters, context_tokens: 32_768 }, variants };
}

/** A file of the user's own, of which others can be made. */
function own(): ModelView {
  const id = "local-tiny-stories-33m";
  const formats: Precision[] = ["Q8_0", "Q6_K", "Q4_0"];
  const file = variantOf(id, "F16", 154_886_976, here("imported", "/home/sam/models/Tiny Stories 33M.F16.gguf"));
  return { id, name: "tiny-stories-33m", listed: null, variants: [file, ...formats.map((format) => variantOf(id, format, null, { is: "nowhere" }, "F16"))] };
}

export function recordedModels(fresh: boolean, used: boolean): ModelView[] {
  const models = [starter(!fresh), ...LIST.map(listedModel)];
  const cached = models.find((model) => model.id === "qwen3-0.6b")?.variants[0];
  if (cached && used) cached.place = { is: "found", origin: "hugging_face", path: "/home/sam/.cache/huggingface/hub/models--Qwen--Qwen3-0.6B-GGUF/snapshots/23749fe/Qwen3-0.6B-Q8_0.gguf" };
  return used ? [...models, own()] : models;
}
