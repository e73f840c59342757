import type { Connection, Status } from "../host/types";

/** What the miner says of why it is as it is, in its own words; null: the phase alone says it. */
export function reasonOf(status: Status): string | null {
  if (status.problem) return status.problem.message;
  if (status.phase === "offline") return reasonOfConnection(status.connection);
  return null;
}

export function reasonOfConnection(connection: Connection): string | null {
  if (connection.is === "offline") return connection.reason;
  return connection.is === "rejected" ? connection.rejection.message : null;
}

/** Whole seconds until the next try; 0: now. null: none is waited for. */
export function secondsToNextTry(connection: Connection, now: number): number | null {
  if (connection.is !== "offline" && connection.is !== "rejected") return null;
  return Math.max(0, Math.ceil((connection.retry_at - now) / 1000));
}
