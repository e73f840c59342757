import { describe, expect, it } from "vitest";

import type { Range, Settings } from "../host/types";
import { changedFields, draftOf, faultsOf, limitsOf, settingsOf, type SettingsDraft } from "./settings-form";

const defaults: Settings = {
  memory_budget_bytes: null, context_tokens: null, slots: null, router: null, listen: "127.0.0.1:5010",
  payout_address: null, keep_prompts: false, close_to_tray: true, notifications: true, language: null, updates: "automatic", update_channel: "stable", hardware: { memory_bytes: null, cpu_cores: null, ignore_gpus: false },
  manners: {
    in_use_seconds: 0, battery: true, full_screen: true, programs: [], celsius: 90, others_cpu_percent: 0, others_gpu_percent: 0,
    metered: true, hours: [],
  },
  electricity: { watts: null, price_per_kwh: null, currency: "EUR", value_per_credit: null },
  status_page: { on: false, listen: "0.0.0.0:5020" },
};
const ranges: Range[] = [
  { name: "memory_budget_bytes", least: 67_108_864, most: 2 ** 50 },
  { name: "context_tokens", least: 256, most: 1_048_576 },
  { name: "slots", least: 1, most: 64 },
];
const draft = (change: Partial<SettingsDraft>): SettingsDraft => ({ ...draftOf(defaults), ...change });

const screens = import.meta.glob<string>("../components/*.svelte", { query: "?raw", import: "default", eager: true });

describe("the settings form", () => {
  it("has a place on the screen for every setting", () => {
    const written = Object.values(screens).filter((text) => /Settings(?:Editor|Draft)/.test(text)).join("\n");
    const shown = (field: string) => new RegExp(`draft\\.${field}\\b|name="${field}"|"${field}"`).test(written);
    expect(Object.keys(draftOf(defaults)).filter((field) => !shown(field))).toEqual([]);
    const fields = Object.keys(draftOf(defaults)).length;
    const { hardware, manners, electricity, status_page, ...rest } = defaults;
    // The router is two of them: which, and its address. The cards are there once they are named.
    expect(fields).toBe(Object.keys({ ...rest, ...hardware, ...manners, ...electricity }).length + Object.keys(status_page).length + 2);
  });

  it("gives back what it was given", () => {
    const settings: Settings = {
      memory_budget_bytes: 4_294_967_296, context_tokens: 2048, slots: 3, router: "wss://router.example.net/node/v1",
      listen: "[::1]:5010", payout_address: `0x${"aB".repeat(20)}`, keep_prompts: true, close_to_tray: false, notifications: false, language: "de",
      updates: "ask", update_channel: "beta",
      hardware: { memory_bytes: 16_000_000_001, cpu_cores: 4, ignore_gpus: true, gpus: [0, 2] },
      manners: {
        in_use_seconds: 120, battery: false, full_screen: false, programs: ["steam", "blender"], celsius: 0, others_cpu_percent: 60,
        others_gpu_percent: 40, metered: false, hours: ["mon-fri 18:00-08:00", "sat 00:00-24:00"],
      },
      electricity: { watts: 85, price_per_kwh: 0.305, currency: "CHF", value_per_credit: 0.0001 },
      status_page: { on: true, listen: "[::]:5020" },
    };
    for (const one of [defaults, settings]) {
      expect(settingsOf(draftOf(one))).toEqual(one);
      expect(changedFields(draftOf(one), one)).toEqual([]);
      expect(faultsOf(draftOf(one), ranges)).toEqual({});
    }
  });

  it("knows what is not saved yet; spaces and a router that is not used are no change", () => {
    expect(changedFields(draft({ slots: "2", keepPrompts: true }), defaults)).toEqual(["slots", "keepPrompts"]);
    expect(changedFields(draft({ slots: " ", router: "ws://x" }), defaults)).toEqual([]);
    expect(changedFields(draft({ embedded: false, router: "ws://x" }), defaults)).toEqual(["embedded", "router"]);
  });

  it.each<[Partial<SettingsDraft>, object]>([
    [{ memoryBudget: "lots" }, { memoryBudget: { is: "not_a_number" } }],
    [{ memoryBudget: "-1" }, { memoryBudget: { is: "not_a_number" } }],
    [{ memoryBudget: "0.01" }, { memoryBudget: { is: "out_of_range", least: 0.067108864 } }],
    [{ memoryBudget: "0.5" }, {}],
    [{ memoryBudget: "0,5" }, {}],
    [{ contextTokens: "512.5" }, { contextTokens: { is: "not_whole" } }],
    [{ slots: "65" }, { slots: { is: "out_of_range", least: 1, most: 64 } }],
    [{ hardwareCores: "2" }, {}],
    [{ listen: "127.0.0.1" }, { listen: { is: "not_an_endpoint" } }],
    [{ listen: "0.0.0.0:70000" }, { listen: { is: "not_an_endpoint" } }],
    [{ listen: "localhost:5010" }, { listen: { is: "not_an_endpoint" } }],
    [{ listen: "127.0.0.300:5010" }, { listen: { is: "not_an_endpoint" } }],
    [{ listen: "0.0.0.0:0" }, {}],
    [{ embedded: false, listen: "" }, { router: { is: "no_router" } }],
    [{ embedded: false, router: "https://router.example.net" }, { router: { is: "not_a_router" } }],
    [{ embedded: false, router: "wss://router.example.net:5010" }, {}],
    [{ statusPage: true, statusListen: "rig:5020" }, { statusListen: { is: "not_an_endpoint" } }],
    [{ statusPage: false, statusListen: "" }, {}],
    [{ gpus: "0, 1" }, {}],
    [{ gpus: "the second" }, { gpus: { is: "not_cards" } }],
    [{ hours: "mon-fri 18:00-08:00, SAT 0:00-24:00" }, {}],
    [{ hours: "always" }, { hours: { is: "not_hours" } }],
    [{ hours: "mon 08:00-08:00" }, { hours: { is: "not_hours" } }],
    [{ pricePerKwh: "0.30", valuePerCredit: "0.000001" }, {}],
    [{ pricePerKwh: "thirty" }, { pricePerKwh: { is: "not_a_number" } }],
    [{ watts: "85.5" }, { watts: { is: "not_whole" } }],
    [{ currency: " " }, { currency: { is: "not_a_currency" } }],
    [{ currency: "Swiss francs" }, { currency: { is: "not_a_currency" } }],
    [{ payoutAddress: "0x1234" }, { payoutAddress: { is: "not_an_address" } }],
  ])("%o has the faults %o", (change, faults) => {
    expect(faultsOf(draft(change), ranges)).toMatchObject(faults);
    expect(Object.keys(faultsOf(draft(change), ranges))).toEqual(Object.keys(faults));
  });

  it("tells limits as the field counts", () => {
    expect(limitsOf("slots", ranges)).toEqual({ least: 1, most: 64 });
    expect(limitsOf("memoryBudget", ranges)?.least).toBeCloseTo(0.0671, 4);
    expect(limitsOf("hardwareCores", ranges)).toBe(null);
  });
});
