/** Where earnings stand and came from, as the miner would say it of the recorded ledger. */

import type {
  Bucket, EarningsChart, EarningsReport, Electricity, ElectricityReport, Forecast, LiveTask, Millis, MinedTime, PartElectricity, PendingPay, Since,
  SourceEarnings, Span, Status,
} from "../types";
import type { Ledger } from "./ledger";
import { precisionClass } from "./machine";
import { PRICES } from "./prices";

const HOUR = 3_600_000;
const KILOWATT_HOUR = 3.6e9;
/** What the recorded machine takes, of which the processor's package counts all. */
const WATTS = 41;
/** Whole hours of mining from which something is foretold. */
const ENOUGH = 3;

type Known = { ledger: Ledger; status: Status; tasks: readonly LiveTask[]; electricity: Electricity; now: Millis };

export function reportOf({ ledger, status, tasks, electricity, now }: Known, since: Since): EarningsReport {
  const sources = ledger.sources(beginOf(since, now), now);
  const view = status.modes.find(({ mode }) => mode === status.mode);
  const { total, requests_void, tests_void } = ledger.summary(now);
  const paid = (BigInt(total) / 4n).toString();
  return {
    since,
    states: {
      pending: pendingOf(tasks), confirmed: (BigInt(total) - BigInt(paid)).toString(), paid,
      voided_tasks: requests_void + tests_void, taken_back: "0",
    },
    sources,
    electricity: electricityOf(sources, electricity, status),
    forecast: forecastOf(ledger, now),
    planned: view?.predicted_earnings_per_hour ? (BigInt(view.predicted_earnings_per_hour) * 24n).toString() : null,
  };
}

/** With what it took by the hour and by the day; five minutes are shorter than what is kept. */
export function chartOf({ ledger, electricity, now }: Known, span: Span): EarningsChart {
  const chart = ledger.chart(span, now);
  if (span === "hour") return chart;
  return { ...chart, electricity: { currency: electricity.currency, parts: chart.buckets.map((bucket) => partOf(bucket, electricity, now)) } };
}

/** A part in which something was paid was mined. */
function partOf({ from, to, amount, requests, tests }: Bucket, settings: Electricity, now: Millis): PartElectricity {
  const mined = minedTime(requests + tests > 0 ? Math.min(to, now) - from : 0, settings.watts);
  return { mined, ...converted(mined, amount, settings) };
}

/** By the tokens so far; tests do not pay by them. */
function pendingOf(tasks: readonly LiveTask[]): PendingPay {
  const reckoned = tasks.flatMap(({ kind, precision, prompt_tokens, answer_tokens }) =>
    kind === "user" && prompt_tokens !== null
      ? [PRICES.answer(precisionClass(precision), { prompt_tokens, completion_tokens: answer_tokens })]
      : [],
  );
  const about = reckoned.length > 0 ? reckoned.reduce((sum, amount) => sum + amount, 0n).toString() : null;
  return { tasks: tasks.length, about, unreckoned: tasks.length - reckoned.length };
}

export function beginOf(since: Since, now: Millis): Millis {
  const midnight = new Date(new Date(now).setHours(0, 0, 0, 0));
  if (since === "ever") return 0;
  return since === "today" ? midnight.getTime() : midnight.setDate(midnight.getDate() - 6);
}

function electricityOf(sources: SourceEarnings[], settings: Electricity, { connection }: Status): ElectricityReport {
  const mined = minedTime(sources.reduce((sum, { mined_ms }) => sum + mined_ms, 0), settings.watts);
  const earned = sources.reduce((sum, source) => sum + BigInt(source.earned_meanwhile), 0n).toString();
  const { cost, worth, net } = { worth: worthOf(earned, settings), ...converted(mined, earned, settings) };
  const practice = connection.is !== "connected" || connection.network === "practice";
  const missing = worth === null ? (practice ? "practice" : "no_value") : settings.price_per_kwh === null ? "no_price" : "no_energy";
  return { mined, counter: "readable", settings: { ...settings }, earned, cost, worth, net, no_net: net === null ? missing : null };
}

function converted(mined: MinedTime, earned: string, settings: Electricity): { cost: number | null; net: number | null } {
  const kilowattHours = (mined.processor_mj + mined.figure_mj) / KILOWATT_HOUR;
  const cost = settings.price_per_kwh === null || kilowattHours === 0 ? null : settings.price_per_kwh * kilowattHours;
  const worth = worthOf(earned, settings);
  return { cost, net: cost === null || worth === null ? null : worth - cost };
}

function worthOf(earned: string, { value_per_credit }: Electricity): number | null {
  return value_per_credit === null ? null : (Number(earned) / 1e18) * value_per_credit;
}

/** An eighth of it before the counter could be read. */
function minedTime(lasted_ms: number, watts: number | null): MinedTime {
  const unread_ms = watts === null ? Math.round(lasted_ms / 8) : 0;
  const energy = (lasted_ms - unread_ms) * (watts ?? WATTS);
  return { lasted_ms, processor_mj: watts === null ? energy : 0, cards_mj: 0, figure_mj: watts === null ? 0 : energy, unread_ms };
}

function forecastOf(ledger: Ledger, now: Millis): Forecast {
  const { buckets } = ledger.chart("day", now);
  const mined = buckets.slice(0, -1).filter(({ requests, tests }) => requests + tests > 0);
  if (mined.length < ENOUGH) return { is: "not_enough", hours: mined.length, needed: ENOUGH };
  const day = (mined.reduce((sum, { amount }) => sum + BigInt(amount), 0n) * 24n) / BigInt(mined.length);
  const of = (percent: bigint): string => ((day * percent) / 100n).toString();
  return { is: "amount", hours: mined.length, mean: day.toString(), least: of(82n), most: of(118n) };
}

/** Of what one thing was served for: as long as its settlements are apart. */
export function minedOf(first: Millis, last: Millis): number {
  return Math.max(HOUR / 12, last - first);
}
