// The settings as they are typed: text until they are saved, and what is wrong with it.
import { decimalMark } from "../formats";
import type { Language, Range, Settings, UpdateChannel, UpdatePolicy } from "../host/types";

const GIGABYTE = 1e9;

export type SettingsDraft = {
  memoryBudget: string; contextTokens: string; slots: string;
  embedded: boolean; router: string; listen: string; payoutAddress: string; keepPrompts: boolean;
  language: Language | "system";
  closeToTray: boolean; notifications: boolean;
  updates: UpdatePolicy; updateChannel: UpdateChannel;
  statusPage: boolean; statusListen: string;
  hardwareMemory: string; hardwareCores: string; ignoreGpus: boolean; gpus: string;
  inUse: string; celsius: string; othersCpu: string; othersGpu: string;
  watts: string; pricePerKwh: string; currency: string; valuePerCredit: string;
  battery: boolean; fullScreen: boolean; metered: boolean; programs: string; hours: string;
};
export type FieldName = keyof SettingsDraft;

/** What is wrong, to be put in words; `least` and `most` as the field counts. */
export type Fault =
  | { is: "not_a_number" } | { is: "not_whole" } | { is: "out_of_range"; least: number; most: number }
  | { is: "no_router" } | { is: "not_a_router" } | { is: "not_an_endpoint" } | { is: "not_an_address" } | { is: "not_cards" } | { is: "not_hours" } | { is: "not_a_currency" }
  | { is: "refused"; message: string };
export type Faults = Partial<Record<FieldName, Fault>>;

/** `decimal`: the setting itself may have digits behind the point. */
type NumberField = { field: FieldName; range: string; each: number; decimal?: true };
/** The fields with a number, the name of their range, and how many of the setting's units one of the field's is. */
const memoryBudget: NumberField = { field: "memoryBudget", range: "memory_budget_bytes", each: GIGABYTE };
const contextTokens: NumberField = { field: "contextTokens", range: "context_tokens", each: 1 };
const slots: NumberField = { field: "slots", range: "slots", each: 1 };
const hardwareMemory: NumberField = { field: "hardwareMemory", range: "hardware.memory_bytes", each: GIGABYTE };
const hardwareCores: NumberField = { field: "hardwareCores", range: "hardware.cpu_cores", each: 1 };
/** Of these, 0 is off, and shown as an empty field. */
const inUse: NumberField = { field: "inUse", range: "manners.in_use_seconds", each: 1 };
const celsius: NumberField = { field: "celsius", range: "manners.celsius", each: 1 };
const othersCpu: NumberField = { field: "othersCpu", range: "manners.others_cpu_percent", each: 1 };
const othersGpu: NumberField = { field: "othersGpu", range: "manners.others_gpu_percent", each: 1 };
const watts: NumberField = { field: "watts", range: "electricity.watts", each: 1 };
const pricePerKwh: NumberField = { field: "pricePerKwh", range: "electricity.price_per_kwh", each: 1, decimal: true };
const valuePerCredit: NumberField = { field: "valuePerCredit", range: "electricity.value_per_credit", each: 1, decimal: true };
const numberFields = [
  memoryBudget, contextTokens, slots, hardwareMemory, hardwareCores, inUse, celsius, othersCpu, othersGpu, watts, pricePerKwh, valuePerCredit,
];
/** Longest name of a currency. */
const LONGEST_CURRENCY = 8;

const shown = (value: number | null, { each }: NumberField): string => 
  value === null ? "" : String(value / each).replace(".", decimalMark());

export function draftOf(settings: Settings): SettingsDraft {
  return {
    memoryBudget: shown(settings.memory_budget_bytes, memoryBudget),
    contextTokens: shown(settings.context_tokens, contextTokens),
    slots: shown(settings.slots, slots),
    embedded: settings.router === null,
    router: settings.router ?? "",
    listen: settings.listen,
    payoutAddress: settings.payout_address ?? "",
    keepPrompts: settings.keep_prompts,
    language: settings.language ?? "system",
    closeToTray: settings.close_to_tray,
    notifications: settings.notifications,
    updates: settings.updates,
    updateChannel: settings.update_channel,
    statusPage: settings.status_page.on,
    statusListen: settings.status_page.listen,
    hardwareMemory: shown(settings.hardware.memory_bytes, hardwareMemory),
    hardwareCores: shown(settings.hardware.cpu_cores, hardwareCores),
    ignoreGpus: settings.hardware.ignore_gpus,
    gpus: settings.hardware.gpus?.join(", ") ?? "",
    inUse: shown(settings.manners.in_use_seconds || null, inUse),
    celsius: shown(settings.manners.celsius || null, celsius),
    othersCpu: shown(settings.manners.others_cpu_percent || null, othersCpu),
    othersGpu: shown(settings.manners.others_gpu_percent || null, othersGpu),
    watts: shown(settings.electricity.watts, watts),
    pricePerKwh: shown(settings.electricity.price_per_kwh, pricePerKwh),
    currency: settings.electricity.currency,
    valuePerCredit: shown(settings.electricity.value_per_credit, valuePerCredit),
    battery: settings.manners.battery,
    fullScreen: settings.manners.full_screen,
    metered: settings.manners.metered,
    programs: settings.manners.programs.join(", "),
    hours: settings.manners.hours.join(", "),
  };
}

/** The field that shows a setting, by the setting's name in the file. */
export function fieldOf(setting: string): FieldName | null {
  const numbers = numberFields.map(({ field, range }): [string, FieldName] => [range, field]);
  const texts: [string, FieldName][] = [["router", "router"], ["listen", "listen"], ["payout_address", "payoutAddress"], ["electricity.currency", "currency"],
    ["status_page.listen", "statusListen"]];
  return new Map([...numbers, ...texts]).get(setting) ?? null;
}

/** What would be saved. Only for a draft without faults. */
export function settingsOf(draft: SettingsDraft): Settings {
  const text = (value: string) => value.trim() || null;
  return {
    memory_budget_bytes: numberOf(draft, memoryBudget),
    context_tokens: numberOf(draft, contextTokens),
    slots: numberOf(draft, slots),
    router: draft.embedded ? null : text(draft.router),
    listen: draft.listen.trim(),
    payout_address: text(draft.payoutAddress),
    keep_prompts: draft.keepPrompts,
    language: draft.language === "system" ? null : draft.language,
    close_to_tray: draft.closeToTray,
    notifications: draft.notifications,
    updates: draft.updates,
    update_channel: draft.updateChannel,
    hardware: {
      memory_bytes: numberOf(draft, hardwareMemory),
      cpu_cores: numberOf(draft, hardwareCores),
      ignore_gpus: draft.ignoreGpus,
      ...pinned(draft.gpus),
    },
    manners: {
      in_use_seconds: numberOf(draft, inUse) ?? 0,
      celsius: numberOf(draft, celsius) ?? 0,
      others_cpu_percent: numberOf(draft, othersCpu) ?? 0,
      others_gpu_percent: numberOf(draft, othersGpu) ?? 0,
      battery: draft.battery,
      full_screen: draft.fullScreen,
      metered: draft.metered,
      programs: listed(draft.programs),
      hours: listed(draft.hours),
    },
    electricity: {
      watts: numberOf(draft, watts),
      price_per_kwh: numberOf(draft, pricePerKwh),
      currency: draft.currency.trim(),
      value_per_credit: numberOf(draft, valuePerCredit),
    },
    status_page: { on: draft.statusPage, listen: draft.statusListen.trim() },
  };
}

/** Nothing for all cards: an empty list would be none. */
function pinned(text: string): { gpus?: number[] } {
  const numbers = text.split(",").map((one) => one.trim()).filter(Boolean);
  return numbers.length === 0 ? {} : { gpus: numbers.map(Number) };
}

/** The fields that would change what is saved. */
export function changedFields(draft: SettingsDraft, saved: Settings): FieldName[] {
  const before = draftOf(saved);
  const meant = (one: SettingsDraft): SettingsDraft => (one.embedded ? { ...one, router: "" } : one);
  const [now, then] = [meant(draft), meant(before)];
  const same = (field: FieldName) => String(now[field]).trim() === String(then[field]).trim();
  return (Object.keys(before) as FieldName[]).filter((field) => !same(field));
}

export function faultsOf(draft: SettingsDraft, ranges: Range[]): Faults {
  const faults: Faults = {};
  const note = (field: FieldName, fault: Fault | null) => {
    if (fault) faults[field] = fault;
  };
  numberFields.forEach((one) => note(one.field, numberFault(draft, one, ranges)));
  if (draft.embedded) note("listen", endpointFault(draft.listen.trim()));
  else note("router", routerFault(draft.router.trim()));
  note("statusListen", draft.statusPage ? endpointFault(draft.statusListen.trim()) : null);
  note("gpus", /^[\d\s,]*$/.test(draft.gpus) ? null : { is: "not_cards" });
  note("payoutAddress", addressFault(draft.payoutAddress.trim()));
  note("hours", listed(draft.hours).every(areHours) ? null : { is: "not_hours" });
  note("currency", isCurrency(draft.currency.trim()) ? null : { is: "not_a_currency" });
  return faults;
}

const isCurrency = (text: string): boolean => text !== "" && [...text].length <= LONGEST_CURRENCY;

const listed = (text: string): string[] => text.split(",").map((one) => one.trim()).filter(Boolean);

/** Such as `mon-fri 18:00-08:00`. */
function areHours(text: string): boolean {
  const day = "(?:mon|tue|wed|thu|fri|sat|sun)";
  const found = new RegExp(`^${day}(?:-${day})? (\\d\\d?:[0-5]\\d)-(\\d\\d?:[0-5]\\d)$`, "i").exec(text);
  if (!found) return false;
  const [from, to] = found.slice(1).map((clock) => clock.split(":").reduce((minutes, part) => minutes * 60 + Number(part), 0));
  return from !== undefined && to !== undefined && from < 1440 && to <= 1440 && from !== to;
}

/** As people of either habit type it. */
const valueOf = (text: string): number => Number(text.replace(",", "."));

function numberOf(draft: SettingsDraft, { field, each, decimal }: NumberField): number | null {
  const text = String(draft[field]).trim();
  if (text === "") return null;
  return decimal ? valueOf(text) : Math.round(valueOf(text) * each);
}

function numberFault(draft: SettingsDraft, one: NumberField, ranges: Range[]): Fault | null {
  const text = String(draft[one.field]).trim();
  if (text === "") return null;
  if (!/^\d+([.,]\d+)?$/.test(text)) return { is: "not_a_number" };
  if (one.each === 1 && !one.decimal && !/^\d+$/.test(text)) return { is: "not_whole" };
  const limits = limitsOf(one.field, ranges);
  const value = valueOf(text) * one.each;
  if (!limits || (value >= limits.least * one.each && value <= limits.most * one.each)) return null;
  return { is: "out_of_range", ...limits };
}

/** What a field with a number may hold, as the field counts. */
export function limitsOf(field: FieldName, ranges: Range[]): { least: number; most: number } | null {
  const one = numberFields.find((candidate) => candidate.field === field);
  const range = ranges.find((candidate) => candidate.name === one?.range);
  return one && range ? { least: range.least / one.each, most: range.most / one.each } : null;
}

function routerFault(text: string): Fault | null {
  if (text === "") return { is: "no_router" };
  return URL.canParse(text) && /^wss?:\/\/[^/]+/.test(text) ? null : { is: "not_a_router" };
}

/** An IP address and a port; names are not looked up to listen on. */
function endpointFault(text: string): Fault | null {
  const shape = /^(?:\[[0-9a-fA-F:.]+\]|\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/;
  return shape.test(text) && URL.canParse(`http://${text}`) ? null : { is: "not_an_endpoint" };
}

function addressFault(text: string): Fault | null {
  return text === "" || /^0x[0-9a-fA-F]{40}$/.test(text) ? null : { is: "not_an_address" };
}
