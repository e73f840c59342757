import type { Failure } from "../types";

export function failure(code: Failure["code"], message: string, field?: string): Failure {
  return field === undefined ? { code, message } : { code, message, field };
}
