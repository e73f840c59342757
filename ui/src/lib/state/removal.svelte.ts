import type { Host } from "../host/host";
import type { RemovalItem, RemovalPart, RemovalPlan, RemovalReport } from "../host/types";
import { Answer } from "./answer.svelte";
import { Command } from "./command.svelte";

/** How much of the node's address is typed before its key is deleted. */
const TYPED = 4;

/** Taking the miner off this computer: what is here, what of it is chosen, and what became of it. */
export class Removal {
  readonly answer = new Answer<RemovalPlan>();
  typed = $state("");
  report = $state.raw<RemovalReport | null>(null);
  readonly command: Command<[], void>;
  #chosen = $state.raw<ReadonlySet<RemovalPart>>(new Set());
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.command = new Command(async () => {
      this.report = await host.removeMiner({ delete: [...this.#chosen], address_end: this.deletesKey ? this.typed.trim() : null });
    });
  }

  get plan(): RemovalPlan | null {
    return this.answer.value;
  }

  /** Looks at what is here, and chooses what is deleted unless the user says otherwise. */
  async look(): Promise<void> {
    await this.answer.ask(() => this.#host.removalPlan());
    const items = this.plan?.items ?? [];
    this.#chosen = new Set(items.filter((item) => item.deletes).map((item) => item.part));
    this.typed = "";
    this.command.failure = null;
  }

  /** The user changed their mind. */
  leave(): void {
    this.answer.value = null;
  }

  deletes(part: RemovalPart): boolean {
    return this.#chosen.has(part);
  }

  choose(part: RemovalPart, deletes: boolean): void {
    const others = [...this.#chosen].filter((other) => other !== part);
    this.#chosen = new Set(deletes ? [...others, part] : others);
  }

  get deletesKey(): boolean {
    return this.deletes("key");
  }

  /** Whether the end of the address was typed, where that is asked for. */
  get confirmed(): boolean {
    const address = this.plan?.key?.address ?? "";
    return !this.deletesKey || this.typed.trim().toLowerCase() === address.slice(-TYPED).toLowerCase();
  }

  /** What is deleted as it is chosen now. */
  get bytes(): number {
    return (this.plan?.items ?? []).filter((item) => this.deletes(item.part)).reduce((sum, item) => sum + item.bytes, 0);
  }

  get items(): RemovalItem[] {
    return this.plan?.items ?? [];
  }
}
