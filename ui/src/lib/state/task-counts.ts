import type { Host } from "../host/host";
import type { Outcome, TaskKind } from "../host/types";
import { everything } from "./activity-filter";

type Counts = Record<Outcome, number>;

/** How many tasks of each kind were paid and how many were not. */
export type TaskCounts = Record<TaskKind, Counts>;

export async function countTasks(host: Host): Promise<TaskCounts> {
  const [user, network_test] = await Promise.all([countsOf(host, "user"), countsOf(host, "network_test")]);
  return { user, network_test };
}

async function countsOf(host: Host, kind: TaskKind): Promise<Counts> {
  const count = async (outcome: Outcome): Promise<number> =>
    (await host.activity({ filter: { ...everything, kind, outcome }, offset: 0, limit: 1 })).total;
  const [paid, unpaid] = await Promise.all([count("paid"), count("void")]);
  return { paid, void: unpaid };
}
