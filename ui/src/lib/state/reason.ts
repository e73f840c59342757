import { clockOf } from "../formats";
import type { Connection, Reason, Status } from "../host/types";
import { t } from "../messages";

/** What the miner says of why it is as it is, in its own words; null: the phase alone says it. */
export function reasonOf(status: Status): string | null {
  if (status.problem) return status.problem.message;
  if (stepsAside(status)) return status.aside.map(asideInWords).join(". ");
  if (status.phase === "offline") return reasonOfConnection(status.connection);
  return null;
}

/** Whether it pauses by a rule, not by the user's own word. */
export function stepsAside({ phase, aside }: Status): boolean {
  return (phase === "paused" || phase === "draining") && aside.length > 0;
}

export function asideInWords(reason: Reason): string {
  switch (reason.is) {
    case "program": return t("aside.program", { name: reason.name });
    case "hot": return t("aside.hot", { celsius: reason.celsius, limit: reason.limit });
    case "processor": case "graphics": return t(`aside.${reason.is}`, { percent: reason.percent, limit: reason.limit });
    case "hours": return t("aside.hours", clockOf(reason.until));
    default: return t(`aside.${reason.is}`);
  }
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
