/** The chain from the miner to the bill, as the miner would walk it. */

import type { Cause, ElectricityReport, Finding, Millis, ModeView, Status, Why } from "../types";
import type { Ledger } from "./ledger";

const MINUTE = 60_000;
const FINE: Finding = { is: "fine" };
const UNKNOWN: Finding = { is: "unknown" };

const caused = (cause: Cause): Finding => ({ is: "cause", cause });

export function whyOf(status: Status, ledger: Ledger, electricity: ElectricityReport, now: Millis): Why {
  const links: Why["links"] = [
    { link: "miner", finding: miner(status) },
    { link: "rules", finding: rests(status) && status.aside.length > 0 ? caused({ code: "stepping_aside", reasons: status.aside }) : FINE },
    { link: "pause", finding: rests(status) && status.aside.length === 0 ? caused({ code: "paused" }) : FINE },
    { link: "connection", finding: connection(status) },
    { link: "test", finding: test(status) },
    { link: "standing", finding: standing(status, now) },
    { link: "demand", finding: demand(status, now) },
    { link: "pay", finding: pay(ledger, now) },
    { link: "plan", finding: plan(status) },
    { link: "electricity", finding: power(electricity) },
  ];
  const first = links.find(({ finding }) => finding.is === "cause")?.link ?? null;
  return { earned_last_hour: ledger.chart("hour", now).total, links, first };
}

function miner({ problem, phase, passphrase, measuring, steps }: Status): Finding {
  if (problem) return caused({ code: "problem", problem: problem.code, message: problem.message });
  if (phase === "stopped" || phase === "failed") return caused({ code: "stopped" });
  if (passphrase) return caused({ code: "passphrase" });
  if (measuring) return caused({ code: "measuring" });
  return phase === "starting" ? caused({ code: "starting", step: steps.at(-1)?.name ?? null }) : FINE;
}

const rests = ({ phase, measuring }: Status): boolean => (phase === "paused" || phase === "draining") && !measuring;

function connection({ connection: to, loaded }: Status): Finding {
  if (to.is === "connected") return FINE;
  if (to.is === "offline") return caused({ code: "offline", reason: to.reason, retry_at: to.retry_at });
  if (to.is === "rejected") return caused({ code: "rejected", message: to.rejection.message, retry_at: to.retry_at });
  return to.is === "connecting" && loaded ? caused({ code: "connecting" }) : UNKNOWN;
}

const offers = ({ connection: to, loaded, problem }: Status): boolean => to.is === "connected" && loaded !== null && problem === null;

function test(status: Status): Finding {
  if (!offers(status)) return UNKNOWN;
  const { testing, tier } = status;
  if (testing || !tier) return caused({ code: "testing", tests: testing });
  return tier.tier ? FINE : caused({ code: "not_passed", next_step: tier.next_step, ...(tier.step && { step: tier.step }) });
}

function standing(status: Status, now: Millis): Finding {
  const known = status.standing;
  if (!known || !offers(status)) return UNKNOWN;
  const { cool_down_until: until, next_step, step } = known;
  return until !== null && until > now ? caused({ code: "cool_down", until, next_step, ...(step && { step }) }) : FINE;
}

function demand(status: Status, now: Millis): Finding {
  if (test(status).is !== "fine") return UNKNOWN;
  const minutes = status.idle_since === null ? 0 : Math.floor((now - status.idle_since) / MINUTE);
  return minutes >= 10 ? caused({ code: "no_tasks", minutes }) : FINE;
}

function pay(ledger: Ledger, now: Millis): Finding {
  const page = ledger.page({ filter: { search: "", kind: null, outcome: null, mode: null }, offset: 0, limit: 50 });
  const recent = page.entries.filter(({ settled_at }) => now - settled_at < 60 * MINUTE);
  const [unpaid, ...more] = recent.filter(({ status }) => status === "void");
  if (unpaid?.status === "void" && (more.length + 1) * 2 > recent.length) {
    const { reason, why } = unpaid;
    return caused({ code: "unpaid", unpaid: more.length + 1, of: recent.length, reason, ...(why && { why }) });
  }
  return recent.length === 0 ? UNKNOWN : FINE;
}

function plan({ modes, mode }: Status): Finding {
  const promised = (view: ModeView | undefined): string | null => view?.predicted_earnings_per_hour ?? null;
  const other = modes.find((view) => view.mode !== mode);
  const [amount, against] = [promised(other), promised(modes.find((view) => view.mode === mode))];
  if (!other || amount === null || against === null) return UNKNOWN;
  const more = BigInt(amount) * 10n >= BigInt(against) * 11n && amount !== against;
  return more ? caused({ code: "earns_more", mode: other.mode, precision: other.precision, amount, against }) : FINE;
}

function power({ net, cost, worth, settings }: ElectricityReport): Finding {
  if (net === null || cost === null || worth === null) return UNKNOWN;
  return net < 0 ? caused({ code: "costs_more", cost, worth, currency: settings.currency }) : FINE;
}
