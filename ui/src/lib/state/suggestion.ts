import type { Amount, Mode, ModeView, Status, TierReport } from "../host/types";
import { stepsAside } from "./reason";

/** The one thing to do next. "nothing": all is well. null: the statement above says what to do already. */
export type Suggestion =
  | { is: "resume" }
  | { is: "next_test"; report: TierReport }
  | { is: "send_request" }
  | { is: "earns_more"; mode: Mode; amount: Amount; against: Amount }
  | { is: "nothing" };

/** Below a tenth more, the prediction is too rough to send anybody from one mode to the other. */
const WORTH_SAYING = { more: 11n, than: 10n };

export function suggestion(status: Status, practice: boolean): Suggestion | null {
  if (status.phase === "paused") return stepsAside(status) || status.paused_until !== null ? null : { is: "resume" };
  if (status.phase === "untrusted") return status.tier ? { is: "next_test", report: status.tier } : null;
  if (status.phase !== "mining") return null;
  if (practice && status.earnings.requests === 0) return { is: "send_request" };
  return earnsMore(status) ?? { is: "nothing" };
}

function earnsMore({ modes, mode }: Status): Suggestion | null {
  const amountOf = (view: ModeView | undefined): Amount | null => view?.predicted_earnings_per_hour ?? null;
  const other = modes.find((view) => view.mode !== mode);
  const amount = amountOf(other);
  const against = amountOf(modes.find((view) => view.mode === mode));
  if (!other || amount === null || against === null) return null;
  const more = BigInt(amount) * WORTH_SAYING.than >= BigInt(against) * WORTH_SAYING.more;
  return more ? { is: "earns_more", mode: other.mode, amount, against } : null;
}
