import type { Host } from "../host/host";
import type { Settings, SettingsView } from "../host/types";
import { speak } from "../messages";
import { Answer } from "./answer.svelte";
import { Command } from "./command.svelte";
import { asFailure } from "./failure";
import { changedFields, draftOf, faultsOf, fieldOf, settingsOf, type FieldName, type Faults, type SettingsDraft } from "./settings-form";

/** Milliseconds without a key after which typing has ended. */
const PAUSE = 600;

/** The settings while they are edited: what is saved, what is typed, and what is wrong with it. */
export class SettingsEditor {
  readonly answer = new Answer<SettingsView>();
  draft = $state<SettingsDraft | null>(null);
  /** Saved, and nothing was changed since. */
  saved = $state(false);
  readonly save: Command<[], void>;
  readonly restart: Command<[], void>;
  /** Saves the defaults in place of everything. */
  readonly reset: Command<[], void>;
  /** Fields that the user has finished typing in or tried to save: only these are told what is wrong. */
  #finished = $state<Partial<Record<FieldName, true>>>({});
  /** What the miner refused, until that field is typed in again. */
  #refused = $state<Faults>({});
  #pauses: Partial<Record<FieldName, ReturnType<typeof setTimeout>>> = {};
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.save = new Command(async () => {
      this.#refused = {};
      if (!this.draft || this.#faulty()) return;
      this.#take(await this.#saved(settingsOf(this.draft)), true);
      await speak(this.answer.value?.settings.language ?? null);
    });
    this.reset = new Command(async () => {
      const defaults = this.answer.value?.defaults;
      if (defaults) this.#take(await host.saveSettings(defaults), true);
    });
    this.restart = new Command(async () => {
      await host.restart();
      if (this.answer.value) this.answer.value = { ...this.answer.value, restart_needed: (await host.settings()).restart_needed };
    });
  }

  async load(): Promise<void> {
    await this.answer.ask(() => this.#host.settings());
    if (this.answer.value && !this.draft) this.draft = draftOf(this.answer.value.settings);
  }

  discard(): void {
    if (this.answer.value) this.#take(this.answer.value, false);
    this.save.failure = null;
  }

  /** A pause in typing ends it. Leaving the field does not: words that appear would move what is being clicked. */
  typed(field: FieldName): void {
    if (this.#refused[field]) this.#refused = { ...this.#refused, [field]: undefined };
    clearTimeout(this.#pauses[field]);
    this.#pauses[field] = setTimeout(() => (this.#finished[field] = true), PAUSE);
  }

  get changed(): FieldName[] {
    return this.draft && this.answer.value ? changedFields(this.draft, this.answer.value.settings) : [];
  }

  /** How many saved settings are not as they are by default. */
  get changedFromDefaults(): number {
    const view = this.answer.value;
    return view ? changedFields(draftOf(view.settings), view.defaults).length : 0;
  }

  get #allFaults() {
    return this.draft && this.answer.value ? faultsOf(this.draft, this.answer.value.ranges) : {};
  }

  get faults() {
    const told = Object.entries(this.#allFaults).filter(([field]) => this.#finished[field as FieldName]);
    const refused = Object.entries(this.#refused).filter(([, fault]) => fault);
    return Object.fromEntries([...refused, ...told]) as Faults;
  }

  /** Saves; what is refused is told beside its field too. */
  async #saved(settings: Settings): Promise<SettingsView> {
    try {
      return await this.#host.saveSettings(settings);
    } catch (error) {
      const { field, message } = asFailure(error);
      const name = field === undefined ? null : fieldOf(field);
      if (name) this.#refused = { [name]: { is: "refused", message } };
      throw error;
    }
  }

  /** Tells all that is wrong, and whether anything is. */
  #faulty(): boolean {
    const faulty = Object.keys(this.#allFaults) as FieldName[];
    faulty.forEach((field) => (this.#finished[field] = true));
    return faulty.length > 0;
  }

  #take(view: SettingsView, saved: boolean): void {
    this.answer.value = view;
    this.draft = draftOf(view.settings);
    this.saved = saved;
    this.#finished = {};
  }
}
