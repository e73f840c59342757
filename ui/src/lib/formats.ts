// How figures are written. Every one has its unit.
import { english, locale, t } from "./messages";
import type { Amount, LocalTime, Millis } from "./host/types";

const BASE_UNITS = 10n ** 18n;

/** What is slow to make is made once, and again in another language. */
function inLocale<Made>(make: (locale: string) => Made): () => Made {
  let made: { locale: string; it: Made } | null = null;
  return () => {
    if (made?.locale !== locale()) made = { locale: locale(), it: make(locale()) };
    return made.it;
  };
}

/** What stands between whole and fraction. */
export const decimalMark = inLocale((of) => new Intl.NumberFormat(of).formatToParts(1.5).find((part) => part.type === "decimal")?.value ?? ".");

/** Decimal places that are worth reading: fewer for large amounts, enough to see something of tiny ones. */
function places(amount: bigint): number {
  if (amount >= 1000n * BASE_UNITS) return 2;
  if (amount >= BASE_UNITS) return 3;
  let digits = 4;
  while (digits < 18 && amount > 0n && amount < 10n ** BigInt(19 - digits)) digits += 1;
  return digits;
}

function written(amount: bigint, digits: number): string {
  const whole = new Intl.NumberFormat(locale()).format(amount / BASE_UNITS);
  const fraction = (amount % BASE_UNITS).toString().padStart(18, "0").slice(0, digits);
  return digits === 0 ? whole : `${whole}${decimalMark()}${fraction}`;
}

/** Credits, cut and not rounded up: nobody is shown more than there is. Without the word; see `Amount.svelte`. */
export function formatAmount(amount: Amount): string {
  const units = BigInt(amount);
  return units === 0n ? "0" : written(units, places(units));
}

/** Every digit, for titles and for copying. */
export function formatAmountExactly(amount: Amount): string {
  const digits = written(BigInt(amount), 18);
  return digits.replace(/0+$/, "").replace(/\D$/, "");
}

export function formatNumber(value: number, most = 0): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: most }).format(value);
}

/** Two digits behind the point, also where they are zeros. */
export const formatSum = (value: number): string => new Intl.NumberFormat(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);

/** What nobody counts: 47.2 billion. */
export const formatLarge = (value: number): string =>
  new Intl.NumberFormat(locale(), { notation: "compact", compactDisplay: "long", maximumSignificantDigits: 3 }).format(value);

/** Three digits that matter: 0.52, 5.1, 58, 580. */
function rate(value: number): string {
  return formatNumber(value, value < 1 ? 2 : value < 20 ? 1 : 0);
}

export const formatRequestsPerHour = (value: number): string => t("unit.requests_per_hour", { value: rate(value) });
export const formatTokensPerSecond = (value: number): string => t("unit.tokens_per_second", { value: rate(value) });
export const formatTokens = (count: number): string => t("unit.tokens", { count, value: formatNumber(count) });
export const formatPercent = (share: number): string =>
  new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(share);

/** A share along the side of a chart: no more digits than it needs. */
export const formatAxisShare = (share: number): string =>
  new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(share);

/** With a digit behind the point, and never rounded to nothing or to all. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return `<${percent(0.001)}`;
  return percent(share < 1 ? Math.min(share, 0.999) : share);
}
function percent(share: number): string {
  const digits = share === 0 || share === 1 ? 0 : 1;
  return new Intl.NumberFormat(locale(), { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(share);
}

/** Divergences: two digits that matter, three of large ones. */
export const formatDivergence = (nats: number): string => new Intl.NumberFormat(locale(), { maximumSignificantDigits: nats < 1 ? 2 : 3 }).format(nats);
export const formatNats = (nats: number): string => t("unit.nats", { value: formatDivergence(nats) });
/** A figure and its standard error, with as many digits as the error leaves. */
export function formatEstimate({ value, error }: { value: number; error: number }): string {
  const places = error > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 6) : 4;
  const write = (one: number): string => new Intl.NumberFormat(locale(), { minimumFractionDigits: places, maximumFractionDigits: places }).format(one);
  return `${write(value)} ± ${write(error)}`;
}
/** Sums in a currency that the user named: two digits behind the point, more where there would be nothing else to see. */
export function formatMoney(value: number, currency: string): string {
  const tiny = value !== 0 && Math.abs(value) < 0.1;
  const look = tiny ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return `${new Intl.NumberFormat(locale(), look).format(value)} ${currency}`;
}

/** Of millijoules. */
export function formatEnergy(millijoules: number): string {
  const hours = millijoules / 3_600_000;
  return hours < 1000 ? t("unit.watt_hours", { value: rate(hours) }) : t("unit.kilowatt_hours", { value: formatNumber(hours / 1000, hours < 100_000 ? 2 : 0) });
}
export const formatWatts = (watts: number): string => t("unit.watts", { value: rate(watts) });
export const formatJoules = (value: number): string => t("unit.joules", { value: rate(value) });

/** Powers of ten, as the planner and disks count: the one way in which the interface writes bytes. Nothing is rounded
 *  up to 1,000 of a unit. */
export function formatBytes(bytes: number): string {
  if (bytes >= 999.5e6) return t("unit.gigabytes", { value: formatNumber(bytes / 1e9, bytes < 99.95e9 ? 1 : 0) });
  if (bytes > 999e3) return t("unit.megabytes", { value: formatNumber(bytes / 1e6) });
  return t("unit.kilobytes", { value: formatNumber(Math.ceil(bytes / 1e3)) });
}

const together = inLocale((of) => new Intl.ListFormat(of, { type: "conjunction" }));

/** Several together: A, B and C. */
export const formatList = (words: string[]): string => together().format(words);

/** How long something takes or took. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return t("unit.milliseconds", { value: formatNumber(milliseconds) });
  const seconds = milliseconds / 1000;
  if (seconds < 60) return t("unit.seconds", { value: formatNumber(seconds, seconds < 10 ? 1 : 0) });
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return t("unit.minutes", { minutes, seconds: whole % 60 });
  return t("unit.hours", { hours: formatNumber(Math.floor(minutes / 60)), minutes: minutes % 60 });
}

/** How long something takes, as people say it: 4 minutes. */
export function formatSpan(seconds: number): string {
  const [unit, length] = seconds < 120 ? ["second", 1] : seconds < 7200 ? ["minute", 60] : ["hour", 3600];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format(Math.ceil(seconds / length));
}

const relative = inLocale((of) => new Intl.RelativeTimeFormat(of, { numeric: "auto" }));
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** "5 minutes ago", seen from `now`. Under a minute: "just now". */
export function formatRelative(at: Millis, now: Millis): string {
  const away = at - now;
  for (const [unit, length] of STEPS) {
    if (Math.abs(away) >= length) return relative().format(Math.trunc(away / length), unit);
  }
  return t("time.just_now");
}

const exact = inLocale((of) => new Intl.DateTimeFormat(of, { dateStyle: "medium", timeStyle: "medium" }));
const date = inLocale((of) => new Intl.DateTimeFormat(of, { dateStyle: "long" }));
const clock = inLocale((of) => new Intl.DateTimeFormat(of, { hour: "numeric", minute: "2-digit" }));
const clockWithSeconds = inLocale((of) => new Intl.DateTimeFormat(of, { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
const clockWithDay = inLocale((of) => new Intl.DateTimeFormat(of, { weekday: "short", hour: "numeric", minute: "2-digit" }));
const WEEK: LocalTime["weekday"][] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const weekdayName = inLocale((of) => new Intl.DateTimeFormat(of, { weekday: "long", timeZone: "UTC" }));
const clockOfWeek = inLocale((of) => new Intl.DateTimeFormat(of, { hour: "numeric", minute: "2-digit", timeZone: "UTC" }));
const day = inLocale((of) => new Intl.DateTimeFormat(of, { weekday: "short", day: "numeric", month: "short" }));

/** The time of day, with the day where it is another one than now. */
export function formatClockOfDay(at: Millis, now: Millis): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? clock().format(at) : clockWithDay().format(at);
}
export const formatExactTime = (at: Millis): string => exact().format(at);
export const formatDate = (at: Millis): string => date().format(at);
export const formatClock = (at: Millis): string => clock().format(at);
export const formatClockWithSeconds = (at: Millis): string => clockWithSeconds().format(at);
export const formatDay = (at: Millis): string => day().format(at);

/** A minute of the week, by the clock on the wall. */
export function clockOf({ weekday, minute }: LocalTime): { weekday: string; time: string } {
  // A week that began on a Monday.
  const time = Date.UTC(2024, 0, 1 + WEEK.indexOf(weekday), 0, minute);
  return { weekday: weekdayName().format(time), time: clockOfWeek().format(time) };
}

/** The two ends of a long address or id; the whole of it belongs into a title or a copy button. */
export function shorten(id: string, ends = 6): string {
  return id.length <= 2 * ends + 3 ? id : `${id.slice(0, ends)}…${id.slice(-ends)}`;
}

export const capitalised = (words: string): string => words.charAt(0).toLocaleUpperCase(locale()) + words.slice(1);

/** A message of the miner's as a sentence of its own: logs begin small and end without a stop, windows do not. */
export function sentence(message: string): string {
  const begun = capitalised(message.trim());
  return begun === "" || /[.!?]\)?$/.test(begun) ? begun : `${begun}.`;
}

/** The same of what there is in English only; for `MessageText`. */
export const said = (message: string): string => english(sentence(message));
