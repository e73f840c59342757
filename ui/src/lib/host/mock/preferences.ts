/** The settings file of the mock. */

import type { DesktopView, Range, Settings, SettingsView } from "../types";
import { failure } from "./failure";
import { DATA_FOLDER } from "./machine";

const DEFAULTS: Settings = {
  memory_budget_bytes: null, context_tokens: null, slots: null, router: null, listen: "127.0.0.1:5010",
  payout_address: null, keep_prompts: false, close_to_tray: true, notifications: true, language: null, updates: "automatic", update_channel: "stable", hardware: { memory_bytes: null, cpu_cores: null, ignore_gpus: false },
  manners: {
    in_use_seconds: 0, battery: true, full_screen: true, programs: [], celsius: 90, others_cpu_percent: 0, others_gpu_percent: 0,
    metered: true, hours: [],
  },
  electricity: { watts: null, price_per_kwh: null, currency: "EUR", value_per_credit: null },
  status_page: { on: false, listen: "0.0.0.0:5020" },
};

/** Named as in settings.toml. */
const RANGES: Range[] = [
  { name: "memory_budget_bytes", least: 64 * 2 ** 20, most: 2 ** 50 },
  { name: "context_tokens", least: 256, most: 2 ** 20 },
  { name: "slots", least: 1, most: 64 },
  { name: "hardware.memory_bytes", least: 64 * 2 ** 20, most: 2 ** 50 },
  { name: "hardware.cpu_cores", least: 1, most: 4096 },
  { name: "manners.in_use_seconds", least: 0, most: 86_400 },
  { name: "manners.celsius", least: 0, most: 120 },
  { name: "manners.others_cpu_percent", least: 0, most: 100 },
  { name: "manners.others_gpu_percent", least: 0, most: 100 },
  { name: "electricity.watts", least: 1, most: 100_000 },
  { name: "electricity.price_per_kwh", least: 0, most: 10_000 },
  { name: "electricity.value_per_credit", least: 0, most: 1_000_000 },
];

export class Preferences {
  #saved: Settings = structuredClone(DEFAULTS);
  #restartNeeded = false;
  /** A desktop without a tray, where nothing can be started at login. */
  bare = false;
  #startsAtLogin = false;
  readonly path = `${DATA_FOLDER}/settings.toml`;

  view(): SettingsView {
    return structuredClone({
      settings: this.#saved, defaults: DEFAULTS, ranges: RANGES, path: this.path, restart_needed: this.#restartNeeded,
      problem: null,
    });
  }

  save(settings: Settings): SettingsView {
    for (const { name, least, most } of RANGES) {
      const value = read(settings, name);
      if (value !== null && (value < least || value > most)) {
        throw failure("settings", `${this.path}: ${name} is ${value} and must be between ${least} and ${most}`, name);
      }
    }
    if (settings.payout_address?.toLowerCase().endsWith("bad")) {
      throw failure("settings", `${this.path}: payout_address is ${JSON.stringify(settings.payout_address)}, which is not an address: its checksum is wrong, so a character is; copy it again from your wallet`, "payout_address");
    }
    this.#restartNeeded ||= JSON.stringify(withoutLive(this.#saved)) !== JSON.stringify(withoutLive(settings));
    this.#saved = structuredClone(settings);
    return this.view();
  }

  desktop(): DesktopView {
    return { starts_at_login: this.#startsAtLogin, has_tray: !this.bare };
  }

  startAtLogin(starts: boolean): DesktopView {
    if (this.bare) {
      throw failure("file", "whether the miner starts when you log in was not changed (Permission denied (os error 13)); set it in your system's settings");
    }
    this.#startsAtLogin = starts;
    return this.desktop();
  }

  restarted(): void {
    this.#restartNeeded = false;
  }
}

/** What holds from a restart on: the rest holds as soon as it is saved. */
function withoutLive(settings: Settings): Partial<Settings> {
  const { keep_prompts: _prompts, payout_address: _payout, manners: _rules, close_to_tray: _tray, notifications: _told,
    electricity: _prices, language: _spoken, updates: _policy, update_channel: _channel, status_page: _page, ...rest } = settings;
  return rest;
}

function read(settings: Settings, name: string): number | null {
  const values: Record<string, number | null> = {
    memory_budget_bytes: settings.memory_budget_bytes,
    context_tokens: settings.context_tokens,
    slots: settings.slots,
    "hardware.memory_bytes": settings.hardware.memory_bytes,
    "hardware.cpu_cores": settings.hardware.cpu_cores,
    "manners.in_use_seconds": settings.manners.in_use_seconds,
    "manners.celsius": settings.manners.celsius,
    "manners.others_cpu_percent": settings.manners.others_cpu_percent,
    "manners.others_gpu_percent": settings.manners.others_gpu_percent,
    "electricity.watts": settings.electricity.watts,
    "electricity.price_per_kwh": settings.electricity.price_per_kwh,
    "electricity.value_per_credit": settings.electricity.value_per_credit,
  };
  return values[name] ?? null;
}
