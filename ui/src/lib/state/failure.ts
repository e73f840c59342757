import type { Failure } from "../host/types";
import { t } from "../messages";

function isFailure(error: unknown): error is Failure {
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}

/** What a host rejected with. Anything else is a defect: it is logged and told as such, and not swallowed. */
export function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error;
  console.error(error);
  const said = error instanceof Error ? error.message : String(error);
  return { code: "stopped", message: t("failure.unexpected", { said }) };
}
