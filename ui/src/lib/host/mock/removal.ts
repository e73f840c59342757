/** Taking the mock off its computer: what it has, and what is left of it. */

import type { Host } from "../host";
import type { RemovalItem, RemovalPart, RemovalPlan, RemovalStep } from "../types";
import type { Clock } from "./clock";
import { failure } from "./failure";
import type { Life } from "./life";
import { ADDRESS, DATA_FOLDER } from "./machine";

type RemovalHost = Pick<Host, "removalPlan" | "removeMiner">;

const DELETING = 2_000;

const item = (part: RemovalPart, bytes: number, count: number, deletes = true): RemovalItem => ({ part, bytes, count, deletes });

const PLAN: RemovalPlan = {
  folder: DATA_FOLDER,
  items: [
    item("autostart", 0, 1), item("models", 1_284_310_016, 14), item("comparisons", 412_000, 3),
    item("updates", 71_303_168, 2), item("logs", 2_310_144, 7), item("prompts", 18_200, 12), item("settings", 9_800, 5),
    item("earnings", 1_638_400, 6, false), item("key", 612, 1, false),
  ],
  key: { address: ADDRESS, place: "keychain", saved_at: null },
  earnings: { left: "1284500000000000000", practice: true },
  unknown: [`${DATA_FOLDER}/notes.txt`],
  nodes: [],
  program: { is: "command", command: "sudo apt remove cortensor-miner" },
};

export class Removal {
  /** A part that something else holds on to. */
  stuck: RemovalPart | null = null;

  constructor(readonly clock: Clock, readonly life: Pick<Life, "quit">) {}

  get host(): RemovalHost {
    return { removalPlan: async () => structuredClone(PLAN), removeMiner: (choice) => this.#remove(choice) };
  }

  async #remove({ delete: chosen, address_end }: Parameters<Host["removeMiner"]>[0]): ReturnType<Host["removeMiner"]> {
    if (chosen.includes("key") && address_end?.toLowerCase() !== ADDRESS.slice(-4).toLowerCase()) {
      throw failure("request", `the key of node ${ADDRESS} is deleted only when the last 4 characters of this address are typed; nothing was deleted`);
    }
    await this.life.quit();
    await this.clock.wait(DELETING);
    const { items, unknown, folder, program } = structuredClone(PLAN);
    return { steps: items.map((one) => this.#step(one, chosen)), unknown, folder, folder_gone: false, program };
  }

  #step(one: RemovalItem, chosen: RemovalPart[]): RemovalStep {
    if (!chosen.includes(one.part)) return { item: one, outcome: { is: "kept" } };
    if (one.part !== this.stuck) return { item: one, outcome: { is: "deleted" } };
    const message = `${DATA_FOLDER}/logs/cortensor.log.2026-11-25 cannot be deleted: it is used by another program; close what uses it, check that it is yours, and delete it yourself`;
    return { item: one, outcome: { is: "failed", message } };
  }
}
