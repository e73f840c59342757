import type { Failure, FailureCode } from "../host/types";
import { t } from "../messages";
import type { Told } from "./reason";

/** A failure that a host told, an update that failed, or a defect of the window's own. */
export type Shown = Omit<Failure, "code"> & { code: FailureCode | "update" | "unexpected" };

function isFailure(error: unknown): error is Failure {
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}

/** What a host rejected with. Anything else is a defect: it is logged and told as such, and not swallowed. */
export function asFailure(error: unknown): Shown {
  if (isFailure(error)) return error;
  console.error(error);
  return { code: "unexpected", message: error instanceof Error ? error.message : String(error) };
}

/** What is said of a failure; `told`: the general part was told already, `what`: it is this. */
export function tellsOf({ code, message }: Shown, told = false, what?: string): Told {
  if (code === "unexpected") return { general: t("failure.unexpected", { said: message }), message: null };
  return { general: what ?? (told ? null : t(`failure.code.${code}`)), message };
}
