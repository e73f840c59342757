// What the user types to have something compared, and what is wrong with it.
import type { ComparisonRequest, VoteRequest } from "../host/types";
import { sideOf, type SideKey } from "./sides";

/** Texts as they are typed. No sides: none were chosen yet. */
export type Question = {
  prompt: string;
  system: string;
  sides: SideKey[];
  temperature: string;
  topP: string;
  maxTokens: string;
  inTurn: boolean;
};

/** Keys of `compare.fault.*`. */
export type QuestionFaults = Partial<Record<"prompt" | "temperature" | "topP" | "maxTokens", "prompt" | "temperature" | "top_p" | "max_tokens">>;

export const MOST_SIDES = 4;
const MOST_TOKENS = 1024;

export const newQuestion = (): Question =>
  ({ prompt: "", system: "", sides: [], temperature: "0", topP: "", maxTokens: "96", inTurn: false });

/** A number as people of this language may type it; NaN: it is none. */
function numberOf(text: string): number {
  return text.trim() === "" ? NaN : Number(text.trim().replace(",", "."));
}

export function faultsOf(question: Question): QuestionFaults {
  const faults: QuestionFaults = {};
  const [temperature, topP, maxTokens] = [numberOf(question.temperature), numberOf(question.topP), numberOf(question.maxTokens)];
  if (question.prompt.trim() === "") faults.prompt = "prompt";
  if (!(temperature >= 0 && temperature <= 2)) faults.temperature = "temperature";
  if (question.topP.trim() !== "" && !(topP > 0 && topP <= 1)) faults.topP = "top_p";
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1 && maxTokens <= MOST_TOKENS)) faults.maxTokens = "max_tokens";
  return faults;
}

function asked({ prompt, system, temperature, topP, maxTokens }: Question) {
  const sampling = {
    temperature: numberOf(temperature), top_p: topP.trim() === "" ? null : numberOf(topP), max_tokens: numberOf(maxTokens),
  };
  return { prompt: prompt.trim(), system: system.trim() || null, sampling };
}

/** What a question without faults asks for. */
export function comparisonOf(question: Question): ComparisonRequest {
  return { ...asked(question), sides: question.sides.map(sideOf), in_turn: question.inTurn, name: null };
}

export function ballotOf(question: Question): VoteRequest {
  const [first, second] = question.sides;
  if (!first || !second) throw new Error("a vote is between two precisions");
  return { ...asked(question), sides: [sideOf(first), sideOf(second)] };
}
