// Who can be a side of a comparison: precisions of the starter model, other models of this computer, and the network.
import type { ModelFile, Precision, SideChoice, Status } from "../host/types";
import { t } from "../messages";
import { ladderOf, usualSides } from "./ladder";

/** A side as it is chosen: a precision, `MODEL:FORMAT`, or `remote`; as on the command line. */
export type SideKey = string;
export type SideOption = { value: SideKey; label: string };

export const REMOTE: SideKey = "remote";

const keyOf = ({ model, precision }: Pick<ModelFile, "model" | "precision">): SideKey => `${model}:${precision}`;

export function sideOf(key: SideKey): SideChoice {
  if (key === REMOTE) return { is: "remote", model: null };
  const at = key.lastIndexOf(":");
  if (at < 0) return { is: "precision", precision: key as Precision };
  return { is: "model", model: key.slice(0, at), precision: key.slice(at + 1) as Precision };
}

/** The other models that can be compared. */
const usable = (files: readonly ModelFile[]): ModelFile[] => files.filter((file) => file.problem === null);

export function precisionOptions(ladder: readonly Precision[]): SideOption[] {
  return ladder.map((precision, index) => ({ value: precision, label: index === 0 ? t("compare.most_exact", { precision }) : precision }));
}

/** What can be chosen, in groups of what is most like each other. */
export function sideOptions(ladder: readonly Precision[], files: readonly ModelFile[]): SideOption[] {
  const models = usable(files).map((file) => ({ value: keyOf(file), label: t("compare.model_file", { ...file }) }));
  return [...precisionOptions(ladder), ...models, { value: REMOTE, label: t("compare.remote.option") }];
}

/** The reference and what it is worth comparing with first; with a single file here, the network. None: nothing is here. */
export function usualComparison(status: Status | null, files: readonly ModelFile[]): SideKey[] {
  const usual = usualSides(status);
  if (usual.length > 0) return usual;
  const [first, second = REMOTE] = [...ladderOf(status), ...usable(files).map(keyOf)];
  return first ? [first, second] : [];
}
