import { clockOf, sentence } from "../formats";
import type { Connection, Problem, Reason, Status } from "../host/types";
import { t } from "../messages";

/** What is so in general, in the window's words, and what the miner says of it, in its own. */
export type Told = { general: string | null; message: string | null };

/** Why the miner is as it is; null: the phase alone says it. */
export function reasonOf(status: Status): Told | null {
  if (status.problem) return toldOf(status.problem);
  if (stepsAside(status)) return { general: sentence(status.aside.map(asideInWords).join(". ")), message: null };
  return status.phase === "offline" ? reasonOfConnection(status.connection) : null;
}

const toldOf = ({ code, message }: Problem): Told =>
  ({ general: `${sentence(t(`failed.title.${code}`))} ${t(`failed.do.${code}`)}`, message });

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

export function reasonOfConnection(connection: Connection): Told | null {
  if (connection.is === "offline") return { general: null, message: connection.reason };
  if (connection.is !== "rejected") return null;
  const { code, message } = connection.rejection;
  return { general: t(`rejection.${code}`), message };
}

/** Whole seconds until the next try; 0: now. null: none is waited for. */
export function secondsToNextTry(connection: Connection, now: number): number | null {
  if (connection.is !== "offline" && connection.is !== "rejected") return null;
  return Math.max(0, Math.ceil((connection.retry_at - now) / 1000));
}
