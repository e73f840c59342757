import type { Failure } from "../types";

export function failure(code: Failure["code"], message: string): Failure {
  return { code, message };
}
